"""Which boundaries somebody's position needs, and what the oracle knows of them, all at one block.

A boundary is needed if an epoch that starts or ends there holds complete sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chain_kit.contracts import MAX_BATCH, Contract, call_many
from chain_kit.errors import RpcResponseError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.effects import BOUNDARY_NONE, BOUNDARY_VOID
from chain_kit.keepers.rounds import Head
from chain_kit.oracle import feed_name
from chain_kit.prices import EPOCH
from chain_kit.reverts import revert_of

__all__ = ["Needs", "NeedsReader", "Point"]


@dataclass(frozen=True)
class Point:
    """A boundary (UNIX seconds) of a feed (its bytes32)."""

    feed: bytes
    boundary: int

    def __str__(self) -> str:
        return f"{feed_name(self.feed)}@{self.boundary}"


@dataclass(frozen=True)
class Needs:
    """The needed boundaries that can still be posted, and those too late for it that nobody has stamped."""

    open: tuple[Point, ...]
    late: tuple[Point, ...]


@dataclass(frozen=True)
class _Market:
    id: int
    feed: bytes
    genesis: int

    def epochs_at(self, boundary: int) -> list[int]:
        """The epochs that end and start at `boundary`."""
        ending = (boundary - self.genesis) // EPOCH
        return [epoch for epoch in (ending, ending + 1) if epoch >= 1 and boundary >= self.genesis]


class NeedsReader:
    """Reads the needs of all markets of `hub` whose feeds take their reports from `adapter`."""

    def __init__(self, rpc: JsonRpc, hub: Contract, oracle: Contract, adapter: Contract) -> None:
        self._rpc = rpc
        self._hub = hub
        self._oracle = oracle
        self._adapter = adapter

    async def read(self, head: Head, *, grace_seconds: int) -> Needs:
        """The needs as of block `head`, oldest first, down to `grace_seconds` past a boundary's deadline."""
        markets = await self._markets(head)
        deadlines = await self._deadlines({market.feed for market in markets}, head)
        points = [
            Point(feed, boundary)
            for feed, deadline in deadlines.items()
            for boundary in _window(markets, feed, head.timestamp - deadline - grace_seconds, head.timestamp)
        ]
        points.sort(key=lambda point: (point.boundary, point.feed))
        questions = [(self._oracle, "boundaryOf", (point.feed, point.boundary)) for point in points]
        answers = await call_many(self._rpc, questions, block=head.number)
        status = {point: answer[0] for point, answer in zip(points, answers, strict=True)}
        needed = await self._needed(
            [point for point in points if status[point] in (BOUNDARY_NONE, BOUNDARY_VOID)], markets, head
        )
        late = await self._unstamped([point for point in needed if status[point] == BOUNDARY_VOID], head)
        return Needs(tuple(p for p in needed if status[p] == BOUNDARY_NONE), tuple(late))

    async def _markets(self, head: Head) -> list[_Market]:
        (count,) = await self._hub.call(self._rpc, "marketCount", block=head.number)
        questions = [(self._hub, "market", (market_id,)) for market_id in range(1, count + 1)]
        answers = await call_many(self._rpc, questions, block=head.number)
        return [
            _Market(market_id, market.feed, market.genesis) for market_id, (market,) in enumerate(answers, 1)
        ]

    async def _deadlines(self, feeds: set[bytes], head: Head) -> dict[bytes, int]:
        """The deadlines in seconds of those feeds that are the adapter's."""
        ordered = sorted(feeds)
        questions = [(self._oracle, "feedOf", (feed,)) for feed in ordered]
        answers = await call_many(self._rpc, questions, block=head.number)
        return {
            feed: answer.deadline
            for feed, answer in zip(ordered, answers, strict=True)
            if answer.adapter == self._adapter.address
        }

    async def _needed(self, points: Sequence[Point], markets: Sequence[_Market], head: Head) -> list[Point]:
        """Those of `points` that an epoch with complete sets touches."""
        touching = {
            point: [
                (market.id, epoch)
                for market in markets
                if market.feed == point.feed
                for epoch in market.epochs_at(point.boundary)
            ]
            for point in points
        }
        epochs = sorted({epoch for touched in touching.values() for epoch in touched})
        questions = [(self._hub, "epochState", epoch) for epoch in epochs]
        states = await call_many(self._rpc, questions, block=head.number)
        held = {epoch for epoch, state in zip(epochs, states, strict=True) if state.sets > 0}
        return [point for point in points if held.intersection(touching[point])]

    async def _unstamped(self, points: Sequence[Point], head: Head) -> list[Point]:
        """Those of `points` that `voidBoundary` would stamp now."""
        unstamped: list[Point] = []
        for first in range(0, len(points), MAX_BATCH):
            part = points[first : first + MAX_BATCH]
            answers = await self._rpc.batch_settled(
                [
                    self._oracle.request("voidBoundary", point.feed, point.boundary, block=head.number)
                    for point in part
                ]
            )
            for point, answer in zip(part, answers, strict=True):
                if isinstance(answer, RpcResponseError):
                    if revert_of(answer) is None:
                        raise answer
                else:
                    unstamped.append(point)
        return unstamped


def _window(markets: Iterable[_Market], feed: bytes, earliest: int, latest: int) -> range:
    """The boundaries of `feed` from `earliest` to `latest`, none before its first market began."""
    genesis = min(market.genesis for market in markets if market.feed == feed)
    return range(max(genesis, -(-earliest // EPOCH) * EPOCH), latest + 1, EPOCH)
