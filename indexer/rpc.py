"""What the index asks of a node, over one or several endpoints, with patience.

A request that gets no answer, or one that says "not now", is asked again: of the next endpoint, or after a
pause that doubles and is drawn at random, so that many clients do not come back at once. Where a node says
how long to wait (Retry-After), that is how long.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chain_kit.errors import RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import MOST_BYTES, Call, RawAnswer, RpcClient
from indexer.blocks import Block, Log
from indexer.deployment import LogFilter
from indexer.endpoints import Endpoint, Endpoints
from indexer.parsing import MalformedAnswerError, block_of, items, log_of
from indexer.patience import Backoff, is_final, is_of_the_batch
from indexer.refusals import Failure, allowed_blocks, is_not_now, is_too_wide
from indexer.span import Span
from indexer.steps import Head
from indexer.survey import Survey

__all__ = ["Backoff", "ChainRpc", "Look", "MalformedAnswerError", "Range"]

T = TypeVar("T")

_MOST_WAIT_SECONDS = 60.0
_GOOD_BATCHES = 20


@dataclass(frozen=True)
class Look:
    """The head as one endpoint sees it, with its header as JSON."""

    head: Head
    header: dict[str, Any]
    endpoint: str


@dataclass(frozen=True)
class Range:
    """What one endpoint answered to a list of calls: bytes, which nobody has read yet."""

    endpoint: str
    answers: list[RawAnswer]
    seconds: float

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(len(answer.body) for answer in self.answers)


class ChainRpc:
    """Reads of one chain. `endpoints` are asked in turn: the first until it fails, then the next."""

    def __init__(
        self,
        endpoints: Sequence[RpcClient],
        *,
        backoff: Backoff | None = None,
        batch_size: int = 1_000,
        most_blocks: int = 2_000,
        trust_headers: bool = False,
        rest_seconds: float = 5.0,
        survey_seconds: float = 10.0,
        on_notice: Callable[[str], None] | None = None,
    ) -> None:
        self.endpoints = Endpoints(endpoints, rest_seconds=rest_seconds, on_notice=on_notice)
        self.trust_headers = trust_headers
        self.ranges = Span(most_blocks)
        """How many blocks to ask for at once."""
        self.survey = Survey(self.endpoints, self._one, every_seconds=survey_seconds)
        self._backoff = backoff or Backoff()
        self._most_batch = self._batch_size = batch_size
        self._good_batches = 0

    @property
    def span(self) -> int:
        """How many blocks' logs to ask for at once, as the endpoints have shown."""
        return self.ranges.size

    @property
    def requests(self) -> int:
        """How many requests were sent; a batch is one."""
        return sum(endpoint.requests for endpoint in self.endpoints.all)

    def distrust(self, endpoint: str, why: str) -> None:
        """Leaves the endpoint of that name (`Forward.endpoint`) for a while: what it told was wrong."""
        self.endpoints.distrust(endpoint, why)

    def pass_over(self, endpoint: str) -> None:
        """Asks another than the endpoint of that name from now on, if there is one that can be asked."""
        self.endpoints.pass_over(endpoint)

    async def require_chain(self, chain_id: int, genesis_hash: str) -> None:
        """Leaves endpoints of another chain. Raises ManifestChainError if no other is left that answers."""
        await self.survey.require(chain_id, genesis_hash)

    async def head(self) -> Head:
        """The newest block, and how far the chain is safe and final (0 where the node does not say)."""
        return (await self.look()).head

    async def look(self) -> Look:
        """As `head`, with the header, and with who said so. Looks after all endpoints now and then."""
        await self.survey.now_and_then()
        calls: list[Call] = [
            ("eth_getBlockByNumber", [tag, False]) for tag in ("latest", "safe", "finalized")
        ]
        endpoint, (latest, safe, final) = await self._settled(calls)
        if isinstance(latest, RpcResponseError):
            raise latest
        block = block_of(latest, endpoint.name, trusted=self.trust_headers)
        endpoint.head, endpoint.head_hash = block.number, block.hash
        known = [_number(answer, endpoint.name) for answer in (safe, final)]
        return Look(Head(block, *known), latest, endpoint.name)

    async def blocks(self, first: int, last: int) -> list[Block | None]:
        """The headers of a range; None for a block that is not there."""
        calls: list[Call] = [("eth_getBlockByNumber", [hex(n), False]) for n in range(first, last + 1)]
        endpoint, answers = await self._all(calls)
        trusted = self.trust_headers
        return [None if a is None else block_of(a, endpoint.name, trusted=trusted) for a in answers]

    async def logs(self, filters: Sequence[LogFilter], first: Block, last: Block) -> list[Log]:
        """The logs from one block to another that match any of the filters, once each, in order.

        Of a single block the logs are asked by its hash, so that they cannot be another's.
        """
        if first == last:
            where = {"blockHash": first.hash}
            endpoint, answers = await self._all([("eth_getLogs", [f.params() | where]) for f in filters])
            found = [log_of(log, endpoint.name) for answer in answers for log in items(answer, endpoint.name)]
        else:
            found = await self._ranged(filters, first.number, last.number)
        by_position = {log.position: log for log in found}
        return [by_position[position] for position in sorted(by_position)]

    async def many(self, calls: Sequence[Call]) -> list[Any]:
        """The results of calls in their order, in as many requests as it takes. Raises the first error."""
        return (await self._all(calls))[1]

    async def told(self, calls: Sequence[Call]) -> tuple[str, list[Any]]:
        """As `many`, after the name of the endpoint that answered."""
        endpoint, answers = await self._all(calls)
        return endpoint.name, answers

    async def raw(
        self, calls: Sequence[Call], *, most_bytes: int = MOST_BYTES, of: Endpoint | None = None
    ) -> Range:
        """The answers to calls, all of one endpoint, as bytes. Raises the first error that is in them.

        Of the endpoint `of` they are asked once, without patience.
        """
        began = time.monotonic()

        async def ask(endpoint: Endpoint) -> list[RawAnswer]:
            answers = await self._exchange(endpoint, calls, most_bytes)
            for answer in answers:
                if b'"error"' in answer.body:
                    _raise_first(endpoint.client.results(answer))
            return answers

        if of is not None:
            endpoint, answers = of, await ask(of)
        else:
            endpoint, answers = await self._until_answered(ask, calls)
        return Range(endpoint.name, answers, time.monotonic() - began)

    async def has(self, block: Block) -> bool | None:
        """Whether another endpoint than the first has this block; if one does, it is asked first.

        None if it cannot be told, since one of them does not answer.
        """
        current = self.endpoints.choose()
        told = True
        for endpoint in self.endpoints.all:
            if endpoint is current or endpoint.excluded:
                continue
            head = await self.survey.block_at(endpoint, "latest")
            told = told and head is not None
            if head is not None and head.number >= block.number:
                found = await self.survey.block_at(endpoint, block.number)
                if found is not None and found.hash == block.hash:
                    self.endpoints.prefer(endpoint)
                    return True
        return False if told else None

    async def _ranged(self, filters: Sequence[LogFilter], first: int, last: int) -> list[Log]:
        where = {"fromBlock": hex(first), "toBlock": hex(last)}
        try:
            endpoint, answers = await self._all([("eth_getLogs", [f.params() | where]) for f in filters])
        except (RpcResponseError, RpcUnreachableError) as error:
            if first == last or not is_too_wide(error):
                raise
            count = last - first + 1
            fewer = self.ranges.refused(count, allowed_blocks(error.reason, first, count))
        else:
            return [log_of(log, endpoint.name) for answer in answers for log in items(answer, endpoint.name)]
        middle = first + fewer - 1
        return await self._ranged(filters, first, middle) + await self._ranged(filters, middle + 1, last)

    async def _all(self, calls: Sequence[Call]) -> tuple[Endpoint, list[Any]]:
        """The results of one endpoint; raises the first error."""

        async def ask(endpoint: Endpoint) -> list[Any]:
            answers = await self._exchange(endpoint, calls, MOST_BYTES)
            results = [result for answer in answers for result in endpoint.client.results(answer)]
            _raise_first(results)
            return results

        return await self._until_answered(ask, calls)

    async def _settled(self, calls: Sequence[Call]) -> tuple[Endpoint, list[Any]]:
        """The same, with the errors that stay in their places."""

        async def ask(endpoint: Endpoint) -> list[Any]:
            answers = await self._exchange(endpoint, calls, MOST_BYTES)
            results = [result for answer in answers for result in endpoint.client.results(answer)]
            _raise_first([result for result in results if is_not_now(result)])
            return results

        return await self._until_answered(ask, calls)

    async def _until_answered(
        self, ask: Callable[[Endpoint], Awaitable[T]], calls: Sequence[Call]
    ) -> tuple[Endpoint, T]:
        """Asks until an endpoint has answered, or the attempts are used up."""
        asked: set[str] = set()
        attempt = 0
        while True:
            endpoint = self.endpoints.choose()
            fresh = endpoint.name not in asked
            asked.add(endpoint.name)
            try:
                return endpoint, await ask(endpoint)
            except (RpcUnreachableError, RpcResponseError) as failure:
                endpoint.errors += 1
                attempt += 1
                another = any(one.name not in asked for one in self.endpoints.usable())
                if is_final(failure, calls, another=another) or attempt >= self._backoff.attempts:
                    raise
                await self._before_next(endpoint, failure, attempt, another=another and fresh)

    async def _before_next(
        self, endpoint: Endpoint, failure: Failure, attempt: int, *, another: bool
    ) -> None:
        wait = getattr(failure, "retry_after", None)
        self.endpoints.move_on(endpoint)
        if another:
            if wait is not None:
                self.endpoints.rest(endpoint, min(wait, _MOST_WAIT_SECONDS), "it asks for time")
        elif wait is not None:
            await self._backoff.sleep(min(wait, _MOST_WAIT_SECONDS))
        else:
            await self._backoff.pause(attempt - 1)

    async def _exchange(self, endpoint: Endpoint, calls: Sequence[Call], most_bytes: int) -> list[RawAnswer]:
        """Calls in as few requests as that endpoint takes."""
        answers: list[RawAnswer] = []
        place = 0
        while place < len(calls):
            part = calls[place : place + self._batch_size]
            try:
                answer = await self._one(endpoint, part, most_bytes)
                if not _looks_whole(answer.body):
                    endpoint.client.results(answer)
            except (RpcResponseError, RpcUnreachableError) as failure:
                if len(part) == 1 or not is_of_the_batch(failure, calls):
                    raise
                self._batch_size = len(part) // 2
                continue
            answers.append(answer)
            place += len(part)
            self._good_batches += len(part) == self._batch_size < self._most_batch
            if self._good_batches >= _GOOD_BATCHES:
                self._good_batches = 0
                self._batch_size = min(self._most_batch, self._batch_size * 5 // 4 + 1)
        return answers

    async def _one(self, endpoint: Endpoint, calls: Sequence[Call], most_bytes: int) -> RawAnswer:
        endpoint.asked(calls)
        began = time.monotonic()
        answer = await endpoint.client.raw(calls, most_bytes=most_bytes)
        endpoint.answered(time.monotonic() - began)
        return answer


def _number(answer: Any, endpoint: str) -> int:
    """Of a tagged block; 0 where the node knows no such tag."""
    if answer is None or isinstance(answer, RpcResponseError):
        return 0
    return block_of(answer, endpoint, trusted=True).number


def _raise_first(results: Sequence[Any]) -> None:
    for result in results:
        if isinstance(result, RpcResponseError):
            raise result


def _looks_whole(body: bytes) -> bool:
    return body[:1] == b"[" and body[-8:].rstrip()[-1:] == b"]"
