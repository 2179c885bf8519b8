"""What the resolve keeper asks of a source."""

from __future__ import annotations

import asyncio
from typing import Protocol

__all__ = ["PriceSource"]


class PriceSource(Protocol):
    """Prices of feeds at boundaries."""

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """The price (1e18) of `feed` ("BTC/USD") at `boundary` (UNIX seconds); None if it is not known."""

    async def run(self, stop: asyncio.Event) -> None:
        """Observes until `stop` is set; returns at once if there is nothing to observe."""
