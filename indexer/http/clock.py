"""The chain's time between its blocks."""

from __future__ import annotations

import time
from collections.abc import Callable

from chain_kit.units import iso_utc
from indexer.blocks import Block

__all__ = ["ChainClock"]


class ChainClock:
    """The last block's timestamp and what has gone by since it was seen.

    So a chain that replays the prices of another year counts its epochs down as one of today does.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._block: Block | None = None
        self._seen = 0.0

    @property
    def block(self) -> Block | None:
        """The last block that was seen; None before the first."""
        return self._block

    def see(self, block: Block) -> None:
        """Goes by this block from now on, unless it goes by it already."""
        if self._block is None or block.hash != self._block.hash:
            self._block = block
            self._seen = self._now()

    def seconds(self) -> int:
        """The chain's time, in whole Unix seconds; 0 before the first block."""
        if self._block is None:
            return 0
        return self._block.timestamp + int(self._now() - self._seen)

    def iso(self) -> str:
        """The same, as readers get it."""
        return iso_utc(self.seconds())
