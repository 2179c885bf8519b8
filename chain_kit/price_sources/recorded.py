"""Recorded prices, on their own clock or replayed on today's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from chain_kit.errors import PriceFileError
from chain_kit.prices import DAY, EPOCH, PriceSeries

__all__ = ["RecordedPrices", "ReplayedPrices"]


class RecordedPrices:
    """Prices on their own clock, for a chain whose clock runs at the time of the recording."""

    def __init__(self, series: Mapping[str, PriceSeries]) -> None:
        self._series = dict(series)

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """The recorded price at `boundary`."""
        series = self._series.get(feed)
        return series.price_e18(boundary) if series is not None else None

    async def run(self, stop: asyncio.Event) -> None:
        """Nothing to observe."""


class ReplayedPrices:
    """Recorded days mapped onto the days of now, time of day by time of day.

    Which day stands for which follows from the calendar alone, so that a restart changes nothing: day `n`
    after 1970 (UTC) is played by the whole day number `n` of the recording, counted in a circle. Multiples of
    300 s stay multiples of 300 s.
    """

    def __init__(self, feed: str, series: PriceSeries) -> None:
        self._feed = feed
        self._series = series
        days = range(series.first // DAY, series.last // DAY + 1)
        self._days = [day for day in days if self._is_whole(day)]
        if not self._days:
            raise PriceFileError(series.path, "holds no whole day, from 00:00 to 23:55 UTC, to replay")

    def _is_whole(self, day: int) -> bool:
        ends = (day * DAY, (day + 1) * DAY - EPOCH)
        return all(self._series.price_e18(ts) is not None for ts in ends)

    def recorded(self, ts: int) -> int:
        """The recorded instant that stands for the live instant `ts`."""
        day = self._days[ts // DAY % len(self._days)]
        return day * DAY + ts % DAY

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """The recorded price at the instant that `boundary` stands for."""
        return self._series.price_e18(self.recorded(boundary)) if feed == self._feed else None

    async def run(self, stop: asyncio.Event) -> None:
        """Nothing to observe."""
