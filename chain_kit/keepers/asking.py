"""Asks a price source for many boundaries at once, with patience and without insistence."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chain_kit.errors import PriceSourceError
from chain_kit.keepers.needs import Point
from chain_kit.oracle import feed_name
from chain_kit.price_sources import PriceSource

__all__ = ["Asked", "PriceDesk"]

_LOG = logging.getLogger(__name__)
_PRICE_MAX = 2**128 - 2
"""The highest price that the oracle takes."""
_LONGEST_PAUSE_SECONDS = 30


@dataclass
class Asked:
    """The prices (1e18) that the source knows, the boundaries that have none now, and the first failure."""

    prices: dict[Point, int] = field(default_factory=dict)
    missing: list[Point] = field(default_factory=list)
    failure: PriceSourceError | None = None


@dataclass(frozen=True)
class _Waiting:
    """How often a boundary was asked for, and when last: by the chain's clock and by ours, in seconds."""

    tries: int
    chain_time: int
    time: float

    @property
    def pause_seconds(self) -> int:
        return min((1 << min(self.tries - 1, 5)) - 1, _LONGEST_PAUSE_SECONDS)


class PriceDesk:
    """Asks `source` for `at_once` boundaries at a time, and for `seconds` in all.

    What is not known then is missing. A boundary without a price is asked for again in the next round, then
    after a pause that doubles up to half a minute, of the chain's clock or of `clock`, whichever is the
    sooner. One boundary's failure is not another's.
    """

    def __init__(
        self,
        source: PriceSource,
        *,
        seconds: float = 20.0,
        at_once: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._seconds = seconds
        self._at_once = at_once
        self._clock = clock
        self._waiting: dict[Point, _Waiting] = {}

    async def ask(self, points: Sequence[Point], now: int) -> Asked:
        """Asks for `points`; `now` is the chain's clock (UNIX seconds). Forgets all others."""
        wanted = set(points)
        self._waiting = {point: one for point, one in self._waiting.items() if point in wanted}
        asked = Asked()
        tasks = self._start([point for point in points if self._may_ask(point, now)])
        try:
            if tasks:
                await asyncio.wait(tasks.values(), timeout=self._seconds)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        for point in points:
            price_e18 = self._answer(point, tasks[point], asked) if point in tasks else None
            if price_e18 is None:
                asked.missing.append(point)
            else:
                asked.prices[point] = price_e18
        for point in tasks:
            tries = self._waiting[point].tries + 1 if point in self._waiting else 1
            self._waiting[point] = _Waiting(tries, now, self._clock())
        return asked

    def _may_ask(self, point: Point, now: int) -> bool:
        waiting = self._waiting.get(point)
        if waiting is None:
            return True
        passed = max(now - waiting.chain_time, self._clock() - waiting.time)
        return passed >= waiting.pause_seconds

    def _start(self, points: Sequence[Point]) -> dict[Point, asyncio.Task[int | None]]:
        slots = asyncio.Semaphore(self._at_once)

        async def one(point: Point) -> int | None:
            async with slots:
                return await self._source.price_e18(feed_name(point.feed), point.boundary)

        return {point: asyncio.create_task(one(point)) for point in points}

    def _answer(self, point: Point, task: asyncio.Task[int | None], asked: Asked) -> int | None:
        if task.cancelled():
            _LOG.warning("no price for %s within %s s", point, self._seconds)
            return None
        try:
            price_e18 = task.result()
        except PriceSourceError as error:
            _LOG.warning("%s: %s", point, error.message)
            asked.failure = asked.failure or error
            return None
        if price_e18 is None:
            _LOG.warning("no price for %s", point)
        elif not 0 < price_e18 <= _PRICE_MAX:
            _LOG.error("%s: %s is not a price that the oracle takes", point, price_e18)
            return None
        return price_e18
