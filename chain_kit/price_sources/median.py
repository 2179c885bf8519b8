"""Several sources as one: the median of those that agree."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from chain_kit.errors import PriceSourceError, SettingError
from chain_kit.price_sources.source import PriceSource

__all__ = ["MedianPriceSource"]

_LOG = logging.getLogger(__name__)
_BPS = 10_000


class MedianPriceSource:
    """The lower median of what `sources` say, which is always a price that one of them said.

    A price farther than `max_deviation_bps` from the median of all is an outlier and does not count; if fewer
    than `least` are left, or no more than half of all that know one, there is no price. A source that fails
    counts as one that does not know.
    """

    def __init__(self, sources: Sequence[PriceSource], *, least: int, max_deviation_bps: int = 50) -> None:
        if not 1 <= least <= len(sources):
            raise SettingError(f"{least} of {len(sources)} price sources", hint="ask for 1 of them to all")
        if not 0 < max_deviation_bps < _BPS:
            raise SettingError(f"a deviation of {max_deviation_bps} bps", hint="give 1 to 9999")
        self._sources = tuple(sources)
        self._least = least
        self._max_deviation_bps = max_deviation_bps

    async def run(self, stop: asyncio.Event) -> None:
        """Lets all sources observe until `stop` is set."""
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(source.run(stop))

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """The median price (1e18); None if too few sources know it, or agree."""
        answers = await asyncio.gather(*(self._ask(source, feed, boundary) for source in self._sources))
        prices = sorted(price for price in answers if price is not None)
        if len(prices) < self._least:
            return None
        middle = _lower_median(prices)
        near = [price for price in prices if abs(price - middle) * _BPS <= middle * self._max_deviation_bps]
        if len(near) < len(prices):
            _LOG.warning("%s@%s: %s of %s prices are outliers", feed, boundary, len(prices) - len(near),
                         len(prices))  # fmt: skip
        # Of two halves that contradict each other neither is right by itself.
        agree = len(near) >= self._least and 2 * len(near) > len(prices)
        return _lower_median(near) if agree else None

    @staticmethod
    async def _ask(source: PriceSource, feed: str, boundary: int) -> int | None:
        try:
            return await source.price_e18(feed, boundary)
        except PriceSourceError as error:
            _LOG.warning("%s", error.message)
            return None


def _lower_median(ordered: Sequence[int]) -> int:
    return ordered[(len(ordered) - 1) // 2]
