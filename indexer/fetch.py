"""Ranges of blocks, fetched ahead: headers and logs in one request, several requests under way.

What comes is judged as it comes, large pieces in another process while this one writes what came before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from chain_kit.errors import RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import Call
from indexer.blocks import Block
from indexer.deployment import LogFilter
from indexer.endpoints import Endpoint
from indexer.judge import Judge, Judged
from indexer.judging import Judging, Told
from indexer.parsing import decode
from indexer.refusals import allowed_blocks, is_too_many_values, is_too_wide
from indexer.rpc import ChainRpc, Range

__all__ = ["Ahead", "Fetcher", "Piece"]

_MOST_BYTES = 24 << 20
_HELD_BYTES = 6 << 20
_UNDER_WAY = 2
_AT_FIRST = 1
"""Until an answer has shown how many blocks are a good number."""


@dataclass(frozen=True)
class Piece:
    """Blocks `first` to `last` as `endpoint` told of them, in so many bytes and seconds."""

    first: int
    last: int
    endpoint: str
    size: int
    seconds: float
    judged: asyncio.Task[Judged | None]


class Fetcher:
    """Fetches and reads ranges of blocks."""

    def __init__(self, rpc: ChainRpc, filters: Sequence[LogFilter]) -> None:
        self._rpc = rpc
        self._filters = filters
        self._asked = list(filters)
        self._most_values = max((_values(one) for one in filters), default=1)
        self._judging = Judging(filters, trust_headers=rpc.trust_headers)

    @property
    def judge(self) -> Judge:
        """Who judges what is small."""
        return self._judging.judge

    async def aclose(self) -> None:
        """Ends the process that judges what is large."""
        await self._judging.aclose()

    async def fetch(self, first: int, last: int) -> list[Piece]:
        """The blocks from `first` to `last`, in as many pieces as the endpoints want. Raises RpcError."""
        pieces: list[Piece] = []
        count = last - first + 1
        while first <= last:
            until = min(last, first + count - 1)
            asked = self._asked
            calls = [*_headers(first, until), *(_logs(one, first, until) for one in asked)]
            try:
                told = await self._rpc.raw(calls, most_bytes=_MOST_BYTES)
            except (RpcResponseError, RpcUnreachableError) as failure:
                count = until - first + 1
                if is_too_many_values(failure) and self._fewer_values(asked):
                    continue
                if count == 1 or not is_too_wide(failure):
                    raise
                count = self._rpc.ranges.refused(count, allowed_blocks(failure.reason, first, count))
                continue
            pieces.append(self._piece(first, until, asked, told))
            first = until + 1
        return pieces

    async def block(self, block: Block, by: Endpoint | None = None) -> Judged | None:
        """A block whose header was judged, with its logs, which are asked by its hash; of `by`, or of any.

        None if the logs are another block's. Raises RpcError; RpcResponseError if there is no such block.
        """
        asked = self._asked
        calls: list[Call] = [("eth_getLogs", [one.params() | {"blockHash": block.hash}]) for one in asked]
        told = await self._rpc.raw(calls, most_bytes=_MOST_BYTES, of=by)
        answers = list(zip(asked, _results(told), strict=True))
        return self.judge.logs_of(block, answers, told.endpoint)

    async def read(self, piece: Piece) -> Judged | None:
        """What is in a piece; None if it does not fit together. Raises FalseAnswerError."""
        found = await piece.judged
        if found is not None:
            count = piece.last - piece.first + 1
            self._rpc.ranges.answered(count, len(found.logs), piece.size, piece.seconds)
        return found

    def _piece(self, first: int, last: int, asked: Sequence[LogFilter], told: Range) -> Piece:
        answers = tuple((answer.body, answer.first_id, len(answer.calls)) for answer in told.answers)
        what = Told(told.endpoint, first, last - first + 1, tuple(asked), answers)
        judging = asyncio.create_task(self._judging.of(what))
        # Nobody may ever ask for it.
        judging.add_done_callback(lambda task: task.cancelled() or task.exception())
        return Piece(first, last, told.endpoint, told.size, told.seconds, judging)

    def _fewer_values(self, asked: Sequence[LogFilter]) -> bool:
        """Halves the filters' lists; False if they are as short as can be."""
        if asked is self._asked:
            if self._most_values == 1:
                return False
            self._most_values = (self._most_values + 1) // 2
            self._asked = [part for one in self._filters for part in _parts(one, self._most_values)]
        return True


class Ahead:
    """The blocks from one number to another, piece by piece in order, while the next ones are fetched."""

    def __init__(self, fetcher: Fetcher, rpc: ChainRpc) -> None:
        self._fetcher = fetcher
        self._rpc = rpc
        self._tasks: deque[asyncio.Task[list[Piece]]] = deque()
        self._ready: deque[Piece] = deque()
        self._next = 0
        self._planned = 0
        self._until = -1

    async def get(self, first: int, until: int) -> Piece:
        """The piece that begins at `first`; blocks up to `until` may be fetched. Raises RpcError."""
        if first != self._next:
            await self.stop()
            self._next = self._planned = first
        self._until = until
        if not self._ready:
            self._plan()
            task = self._tasks[0]
            try:
                self._ready.extend(await asyncio.shield(task))
            except BaseException:
                if task.done():
                    await self.stop()
                raise
            self._tasks.popleft()
        piece = self._ready.popleft()
        self._next = piece.last + 1
        if self._rpc.ranges.known:
            self._plan()
        return piece

    async def stop(self) -> None:
        """Gives up what is under way; `get` begins anew."""
        tasks: list[asyncio.Task[Any]] = [piece.judged for piece in self._ready]
        tasks += [piece.judged for task in self._tasks if _is_there(task) for piece in task.result()]
        tasks += self._tasks
        self._tasks.clear()
        self._ready.clear()
        self._next = -1
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _plan(self) -> None:
        held = sum(piece.size for piece in self._ready) + sum(
            piece.size for task in self._tasks if _is_there(task) for piece in task.result()
        )
        most = _UNDER_WAY if self._rpc.ranges.known else _AT_FIRST
        while self._planned <= self._until and len(self._tasks) < most:
            if held > _HELD_BYTES and self._tasks:
                return
            last = min(self._until, self._planned + self._rpc.span - 1)
            self._tasks.append(asyncio.create_task(self._fetcher.fetch(self._planned, last)))
            self._planned = last + 1


def _results(told: Range) -> list[Any]:
    return [
        result
        for answer in told.answers
        for result in decode(answer.body, answer.first_id, len(answer.calls), told.endpoint)
    ]


def _is_there(task: asyncio.Task[list[Piece]]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _headers(first: int, last: int) -> list[Call]:
    """The calls for the headers of a range."""
    return [("eth_getBlockByNumber", [hex(number), False]) for number in range(first, last + 1)]


def _logs(one: LogFilter, first: int, last: int) -> Call:
    return ("eth_getLogs", [one.params() | {"fromBlock": hex(first), "toBlock": hex(last)}])


def _values(one: LogFilter) -> int:
    return max(len(one.addresses), *(len(topic or ()) for topic in one.topics), 1)


def _parts(one: LogFilter, most: int) -> Iterator[LogFilter]:
    """Filters that together find what this one does, with lists no longer than `most`."""
    lists = [_cut(one.addresses, most)] + [
        [None] if topic is None else _cut(topic, most) for topic in one.topics
    ]
    for addresses, *topics in product(*lists):
        yield LogFilter(addresses or (), tuple(topics))


def _cut(values: tuple[str, ...], most: int) -> list[tuple[str, ...] | None]:
    return [values[start : start + most] for start in range(0, len(values), most)]
