"""What was observed at boundaries, kept over a restart."""

from __future__ import annotations

from pathlib import Path

import orjson

from chain_kit.errors import PriceSourceError
from chain_kit.files import write_atomically
from chain_kit.prices import DAY

__all__ = ["Observations"]

# No oracle waits longer than a week for a price.
_KEPT_SECONDS = 7 * DAY


class Observations:
    """Prices (1e18) by boundary (UNIX seconds), in a file if `memory` is given. Raises PriceSourceError."""

    def __init__(self, memory: Path | None = None) -> None:
        self._memory = memory
        self._prices = self._remembered()

    def __contains__(self, boundary: int) -> bool:
        return boundary in self._prices

    def get(self, boundary: int) -> int | None:
        """The price that was observed, if one was."""
        return self._prices.get(boundary)

    def add(self, boundary: int, price_e18: int) -> None:
        """Keeps a price, and forgets those of more than a week before it."""
        self._prices[boundary] = price_e18
        self._prices = {ts: p for ts, p in self._prices.items() if ts > boundary - _KEPT_SECONDS}
        if self._memory is not None:
            rows = {str(ts): str(price) for ts, price in self._prices.items()}
            write_atomically(self._memory, orjson.dumps(rows))

    def _remembered(self) -> dict[int, int]:
        if self._memory is None or not self._memory.exists():
            return {}
        try:
            rows = orjson.loads(self._memory.read_bytes())
            return {int(ts): int(price_e18) for ts, price_e18 in rows.items()}
        except (OSError, ValueError, AttributeError) as error:
            raise PriceSourceError(
                f"{self._memory} does not hold observed prices: {error}", hint="move the file away"
            ) from None
