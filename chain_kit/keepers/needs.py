"""Which boundaries somebody's position needs, and what the oracle knows of them, all at one block.

A boundary is needed if an epoch that starts or ends there holds collateral. It can be posted while the
adapter is due: a feed with fallbacks gives each of its adapters a time of its own. Until the last deadline
another may still post it; only then it is late.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chain_kit.contracts import MAX_BATCH, Contract, call_many
from chain_kit.errors import RpcResponseError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.contests import Contest, read_contests
from chain_kit.keepers.effects import BOUNDARY_NONE, BOUNDARY_VOID
from chain_kit.keepers.rounds import Head
from chain_kit.oracle import feed_name
from chain_kit.prices import EPOCH
from chain_kit.reverts import revert_of

__all__ = ["Due", "Duty", "Needs", "NeedsReader", "Point", "duty_of"]

_LOOK_AGAIN_SECONDS = 12 * EPOCH
"""What is settled for so long is not looked at again: no reorg reaches back there."""


@dataclass(frozen=True)
class Point:
    """A boundary (UNIX seconds) of a feed (its bytes32)."""

    feed: bytes
    boundary: int

    def __str__(self) -> str:
        return f"{feed_name(self.feed)}@{self.boundary}"


@dataclass(frozen=True)
class Due:
    """A boundary that can be posted, and the last second (UNIX) in which that is so."""

    point: Point
    until: int


@dataclass(frozen=True)
class Needs:
    """The needed boundaries that can be posted now, and those too late for it that nobody has stamped.

    Both are in the order of their deadlines.
    """

    open: tuple[Due, ...]
    late: tuple[Point, ...]


@dataclass(frozen=True)
class Duty:
    """From when to when an adapter's price counts, and after when none does: seconds after a boundary."""

    first: int
    last: int
    void_after: int


def duty_of(adapter: str, adapters: Sequence[str], deadlines: Sequence[int]) -> Duty | None:
    """An adapter's time among a feed's `adapters`, whose deadlines ascend; None if it is none of them."""
    if adapter not in adapters:
        return None
    rank = adapters.index(adapter)
    first = deadlines[rank - 1] + 1 if rank else 0
    return Duty(first, deadlines[rank], deadlines[-1])


class NeedsReader:
    """Reads the needs of all markets of `hub`, and races of `race`, whose feeds have `adapter`."""

    def __init__(
        self, rpc: JsonRpc, hub: Contract, oracle: Contract, adapter: Contract, race: Contract | None = None
    ) -> None:
        self._rpc = rpc
        self._hub = hub
        self._race = race
        self._oracle = oracle
        self._adapter = adapter
        self._settled: set[Point] = set()

    async def read(self, head: Head, *, grace_seconds: int) -> Needs:
        """The needs as of block `head`, down to `grace_seconds` past a boundary's last deadline."""
        contests = await read_contests(self._rpc, self._hub, self._race, head)
        duties = await self._duties({feed for contest in contests for feed in contest.feeds}, head)
        points = self._window(contests, duties, head, grace_seconds)
        questions = [(self._oracle, "boundaryOf", (point.feed, point.boundary)) for point in points]
        answers = await call_many(self._rpc, questions, block=head.number)
        status = {point: answer[0] for point, answer in zip(points, answers, strict=True)}
        unknown = [point for point in points if status[point] in (BOUNDARY_NONE, BOUNDARY_VOID)]
        needed = await self._needed(unknown, contests, head)
        late = await self._unstamped([point for point in needed if status[point] == BOUNDARY_VOID], head)
        waiting = {*late, *(point for point in needed if status[point] == BOUNDARY_NONE)}
        self._settle((point for point in points if point not in waiting), head)
        due = [
            Due(point, point.boundary + duties[point.feed].last)
            for point in needed
            if status[point] == BOUNDARY_NONE and _is_due(duties[point.feed], point, head)
        ]
        due.sort(key=lambda one: (one.until, one.point.boundary, one.point.feed))
        late.sort(key=lambda point: (point.boundary + duties[point.feed].void_after, point.feed))
        return Needs(tuple(due), tuple(late))

    async def _duties(self, feeds: Iterable[bytes], head: Head) -> dict[bytes, Duty]:
        """The adapter's duties for those feeds that have it."""
        ordered = sorted(feeds)
        questions = [(self._oracle, "adaptersOf", (feed,)) for feed in ordered]
        answers = await call_many(self._rpc, questions, block=head.number)
        duties = {
            feed: duty_of(self._adapter.address, answer.adapters, answer.deadlines)
            for feed, answer in zip(ordered, answers, strict=True)
        }
        return {feed: duty for feed, duty in duties.items() if duty is not None}

    def _window(
        self, contests: Sequence[Contest], duties: dict[bytes, Duty], head: Head, grace_seconds: int
    ) -> list[Point]:
        """The boundaries that are worth a look."""
        points: set[Point] = set()
        for feed, duty in duties.items():
            earliest = head.timestamp - duty.void_after - grace_seconds
            points.update(Point(feed, ts) for ts in _boundaries(contests, feed, earliest, head.timestamp))
        self._settled &= points
        return sorted(points - self._settled, key=lambda point: (point.boundary, point.feed))

    def _settle(self, points: Iterable[Point], head: Head) -> None:
        """Passes over `points` from now on, if they are old enough: nothing about them changes any more."""
        oldest = head.timestamp - _LOOK_AGAIN_SECONDS
        self._settled.update(point for point in points if point.boundary < oldest)

    async def _needed(self, points: Sequence[Point], contests: Sequence[Contest], head: Head) -> list[Point]:
        """Those of `points` that an epoch with collateral touches."""
        touching = {
            point: [
                (contest, epoch)
                for contest in contests
                if point.feed in contest.feeds
                for epoch in contest.epochs_at(point.boundary)
            ]
            for point in points
        }
        epochs = {(c.contract.address, c.id, epoch): c for found in touching.values() for c, epoch in found}
        asked = [(key, question) for key, c in epochs.items() for question in c.holdings(key[2])]
        answers = await call_many(self._rpc, [question for _, question in asked], block=head.number)
        held = {key for (key, _), answer in zip(asked, answers, strict=True) if answer[0] > 0}
        return [
            point
            for point in points
            if any(
                (contest.contract.address, contest.id, epoch) in held for contest, epoch in touching[point]
            )
        ]

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


def _is_due(duty: Duty, point: Point, head: Head) -> bool:
    return duty.first <= head.timestamp - point.boundary <= duty.last


def _boundaries(contests: Iterable[Contest], feed: bytes, earliest: int, latest: int) -> range:
    """The boundaries of `feed` from `earliest` to `latest`, none before its first contest began."""
    genesis = min(contest.genesis for contest in contests if feed in contest.feeds)
    return range(max(genesis, -(-earliest // EPOCH) * EPOCH), latest + 1, EPOCH)
