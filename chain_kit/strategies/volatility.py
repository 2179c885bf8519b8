"""How much a price moves, from the prices that were recorded at boundaries."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Context, Decimal, localcontext

from chain_kit.errors import SettingError

__all__ = ["RealisedVolatility"]

_CONTEXT = Context(prec=50)
_WAD = 10**18


class RealisedVolatility:
    """The root of the mean square of log returns, over the last `returns` of them.

    Returns over any number of seconds count by their length, so that a boundary without a price does no harm.
    There is no estimate before `least` returns. Raises SettingError for numbers that make no sense.
    """

    def __init__(
        self, prices: Iterable[tuple[int, int]] = (), *, returns: int = 288, least: int = 12
    ) -> None:
        if not 1 <= least <= returns:
            raise SettingError(
                f"{least} to {returns} returns", hint="ask for 1 at least, and no more than all"
            )
        self._least = least
        self._last: tuple[int, int] | None = None
        self._seen: deque[tuple[int, Decimal]] = deque(maxlen=returns)
        for instant, price_e18 in prices:
            self.observe(instant, price_e18)

    def observe(self, instant: int, price_e18: int) -> None:
        """Takes the price at an instant (UNIX seconds). One that is not later than the last is left out."""
        if price_e18 <= 0:
            raise ValueError(f"a price of {price_e18}")
        last = self._last
        if last is not None and instant <= last[0]:
            return
        self._last = (instant, price_e18)
        if last is not None:
            with localcontext(_CONTEXT):
                change = (Decimal(price_e18) / last[1]).ln()
                self._seen.append((instant - last[0], change * change))

    @property
    def last(self) -> int | None:
        """The instant of the last price that was taken."""
        return self._last[0] if self._last is not None else None

    def volatility_e18(self) -> int | None:
        """The deviation of the log price over one second (1e18); None while too little is known."""
        if len(self._seen) < self._least:
            return None
        with localcontext(_CONTEXT):
            seconds = sum(length for length, _ in self._seen)
            squares = sum((square for _, square in self._seen), Decimal(0))
            return int((squares / seconds).sqrt() * _WAD)
