"""What a strategy is: it looks at a market and says what it would buy up to which value, or nothing.

It knows no gas, no limits and no chain: whoever asks it works out the size, and whether it pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chain_kit.clob.orders import Side
from chain_kit.house import HouseQuotes
from chain_kit.prices import EPOCH

__all__ = ["MarketView", "Position", "Signal", "Strategy"]


@dataclass(frozen=True)
class Position:
    """Shares of an epoch that an account holds, in base units."""

    yes_units: int = 0
    no_units: int = 0

    def of(self, side: Side) -> int:
        """The shares of one side."""
        return self.yes_units if side == Side.YES else self.no_units


@dataclass(frozen=True)
class MarketView:
    """All that a strategy is told: one market at one instant. Prices are 1e18 fixed point.

    `quotes` are the house's terms, depth and prices; `start_price_e18` is the epoch's first boundary price,
    `spot_price_e18` the price now, `volatility_e18` the deviation of the log price over one second: None
    where it is not known. `budget_units` is what could be spent now.
    """

    market_id: int
    symbol: str
    epoch: int
    now: int
    """UNIX seconds of the chain's clock."""
    quotes: HouseQuotes
    start_price_e18: int | None = None
    spot_price_e18: int | None = None
    volatility_e18: int | None = None
    position: Position = Position()
    budget_units: int = 0

    @property
    def elapsed(self) -> int:
        """Seconds of the epoch that have passed."""
        return self.quotes.elapsed

    @property
    def seconds_left(self) -> int:
        """Seconds until the end price is taken."""
        return EPOCH - self.elapsed

    @property
    def step(self) -> int:
        """The step of the trading window."""
        return self.quotes.step


@dataclass(frozen=True)
class Signal:
    """What to buy: a side, what a share of it will bring (1e18), and the most to spend if that is bounded.

    What a share brings is the probability that its side wins, and half of that of a tie.
    """

    side: Side
    target_probability_e18: int
    most_units: int | None = None


class Strategy(Protocol):
    """Decides what is worth buying."""

    @property
    def name(self) -> str:
        """What it is called where results are shown."""

    def signal(self, view: MarketView) -> Signal | None:
        """What to buy now; None to wait. The same view gives the same answer."""
