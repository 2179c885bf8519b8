"""What the index asks of a node, over one or several endpoints, with patience.

A request that gets no answer, or one that says "not now", is asked again: of the next endpoint, after a
pause that doubles and is drawn at random, so that many clients do not come back at once. A range of logs that
is too much for an endpoint is halved until it is not, and the next ranges are smaller.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chain_kit.errors import ManifestChainError, RpcError, RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import Call, JsonRpc
from indexer.blocks import Block, Log
from indexer.deployment import LogFilter
from indexer.steps import Head

__all__ = ["Backoff", "ChainRpc", "MalformedAnswerError"]

_NOT_NOW = re.compile(
    r"rate.?limit|too many requests|busy|overload|timeout|timed out|try again|unavailable|status 429",
    re.IGNORECASE,
)
_TOO_WIDE = re.compile(
    r"too many|more than|too wide|too large|too long|range|limit|exceed|size|timeout|timed out|status 413",
    re.IGNORECASE,
)
_SLOW_DOWN = re.compile(r"rate.?limit|too many requests|status 429", re.IGNORECASE)
_LIMIT_EXCEEDED = -32005

_Failure = RpcResponseError | RpcUnreachableError


class MalformedAnswerError(RpcError, hint="the endpoint serves another protocol, or is broken: use another"):
    """The node answered with something that is not a block, a log or a number."""


@dataclass(frozen=True)
class Backoff:
    """How often to ask, and how long to wait between. Tests replace `sleep` and `jitter` (0 to 1)."""

    attempts: int = 6
    first_seconds: float = 0.1
    most_seconds: float = 5.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def pause(self, attempt: int) -> None:
        """Waits after the attempt with that number, from 0: half to all of a time that doubles."""
        longest = min(self.first_seconds * 2**attempt, self.most_seconds)
        await self.sleep(longest * (0.5 + self.jitter() / 2))


class ChainRpc:
    """Reads of one chain. `endpoints` are asked in turn: the first until it fails, then the next."""

    def __init__(
        self,
        endpoints: Sequence[JsonRpc],
        *,
        backoff: Backoff | None = None,
        batch_size: int = 100,
        most_blocks: int = 500,
    ) -> None:
        if not endpoints:
            raise ValueError("at least one endpoint is needed")
        self._endpoints = list(endpoints)
        self._current = 0
        self._backoff = backoff or Backoff()
        self._batch_size = batch_size
        self._most_blocks = most_blocks
        self.span = most_blocks
        """How many blocks' logs to ask for at once, as the endpoints have shown."""

    async def require_chain(self, chain_id: int, genesis_hash: str) -> None:
        """Raises ManifestChainError if an endpoint that answers serves another chain."""
        questions: list[Call] = [("eth_chainId", []), ("eth_getBlockByNumber", ["0x0", False])]
        failure: RpcUnreachableError | None = None
        reached = False
        for endpoint in self._endpoints:
            try:
                found, genesis = await endpoint.batch(questions)
            except RpcUnreachableError as error:
                failure = error
                continue
            reached = True
            if _quantity(found) != chain_id:
                raise ManifestChainError(chain_id, _quantity(found))
            # A pruned node may have forgotten its first block.
            if genesis is not None and genesis["hash"] != genesis_hash:
                raise ManifestChainError(
                    f"{chain_id} with genesis {genesis_hash}", f"one with genesis {genesis['hash']}"
                )
        if not reached and failure is not None:
            raise failure

    async def head(self) -> Head:
        """The newest block, and how far the chain is safe and final (0 where the node does not say)."""
        tags = ("latest", "safe", "finalized")
        latest, safe, final = await self._settled([("eth_getBlockByNumber", [tag, False]) for tag in tags])
        if isinstance(latest, RpcResponseError):
            raise latest
        known = [0 if answer is None or isinstance(answer, RpcResponseError) else _block(answer).number
                 for answer in (safe, final)]  # fmt: skip
        return Head(_block(latest), *known)

    async def blocks(self, first: int, last: int) -> list[Block | None]:
        """The headers of a range; None for a block that is not there."""
        calls: list[Call] = [("eth_getBlockByNumber", [hex(n), False]) for n in range(first, last + 1)]
        return [None if answer is None else _block(answer) for answer in await self.many(calls)]

    async def logs(self, filters: Sequence[LogFilter], first: Block, last: Block) -> list[Log]:
        """The logs from one block to another that match any of the filters, once each, in order.

        Of a single block the logs are asked by its hash, so that they cannot be another's.
        """
        if first == last:
            where = {"blockHash": first.hash}
            answers = await self.many([("eth_getLogs", [f.params() | where]) for f in filters])
        else:
            answers = await self._ranged(filters, first.number, last.number)
        found = {log.position: log for answer in answers for log in map(_log, _items(answer))}
        return [found[position] for position in sorted(found)]

    async def many(self, calls: Sequence[Call]) -> list[Any]:
        """The results of calls in their order, in as many requests as it takes. Raises the first error."""
        results: list[Any] = []
        for first in range(0, len(calls), self._batch_size):
            for result in await self._settled(calls[first : first + self._batch_size]):
                if isinstance(result, RpcResponseError):
                    raise result
                results.append(result)
        return results

    async def _ranged(self, filters: Sequence[LogFilter], first: int, last: int) -> list[Any]:
        where = {"fromBlock": hex(first), "toBlock": hex(last)}
        try:
            answers = await self.many([("eth_getLogs", [f.params() | where]) for f in filters])
        except (RpcResponseError, RpcUnreachableError) as error:
            if first == last or not _is_too_wide(error):
                raise
        else:
            if last - first + 1 >= self.span:
                self.span = min(self._most_blocks, self.span + self.span // 8 + 1)
            return answers
        middle = (first + last) // 2
        self.span = middle - first + 1
        return await self._ranged(filters, first, middle) + await self._ranged(filters, middle + 1, last)

    async def _settled(self, calls: Sequence[Call]) -> list[Any]:
        """One batch, until an endpoint has answered it or the attempts are used up."""
        failure: _Failure
        for attempt in range(self._backoff.attempts):
            if attempt:
                await self._backoff.pause(attempt - 1)
            try:
                results = await self._endpoints[self._current].batch_settled(calls)
            except RpcUnreachableError as error:
                failure = error
            except RpcResponseError as error:
                # The node refused the request as a whole.
                if len(calls) > 1 and not _is_not_now(error):
                    return await self._halved(calls)
                failure = error
            else:
                refused = next((result for result in results if _is_not_now(result)), None)
                if refused is None:
                    return results
                failure = refused
            if _is_log_range(calls) and _is_too_wide(failure):
                # Asking again would take as long again: less has to be asked.
                raise failure
            self._current = (self._current + 1) % len(self._endpoints)
        raise failure

    async def _halved(self, calls: Sequence[Call]) -> list[Any]:
        middle = len(calls) // 2
        self._batch_size = min(self._batch_size, middle)
        return await self._settled(calls[:middle]) + await self._settled(calls[middle:])


def _is_not_now(result: object) -> bool:
    if not isinstance(result, RpcResponseError):
        return False
    return result.code == _LIMIT_EXCEEDED or _NOT_NOW.search(result.reason) is not None


def _is_log_range(calls: Sequence[Call]) -> bool:
    method, params = calls[0]
    return method == "eth_getLogs" and params[0].get("fromBlock") != params[0].get("toBlock")


def _is_too_wide(failure: _Failure) -> bool:
    return bool(_TOO_WIDE.search(failure.reason)) and not _SLOW_DOWN.search(failure.reason)


def _quantity(value: Any) -> int:
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        raise MalformedAnswerError(f"{value!r} is not a number of JSON-RPC") from None


def _items(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise MalformedAnswerError(f"{answer!r} is not a list of logs")
    return answer


def _block(answer: Any) -> Block:
    try:
        number, timestamp = int(answer["number"], 16), int(answer["timestamp"], 16)
        return Block(number, answer["hash"], answer["parentHash"], timestamp)
    except (KeyError, TypeError, ValueError):
        raise MalformedAnswerError(f"{str(answer)[:200]!r} is not a block") from None


def _log(answer: Any) -> Log:
    try:
        return Log(
            block_number=int(answer["blockNumber"], 16),
            block_hash=answer["blockHash"],
            log_index=int(answer["logIndex"], 16),
            tx_hash=answer["transactionHash"],
            address=answer["address"].lower(),
            topics=tuple(answer["topics"]),
            data=answer["data"],
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise MalformedAnswerError(f"{str(answer)[:200]!r} is not a log") from None
