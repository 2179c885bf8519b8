"""What a share is worth by the price of the asset, its volatility and the time that is left.

The log price is held to be a random walk without drift: the probability that it ends above the start price is
Φ(ln(spot / start) / (σ·√t)). Where prices come in ticks, ending within half a tick of the start is a tie, and
a tie pays each side one half.

Everything is decimal with fifty digits. Φ is one half plus the density times a series of positive terms, x +
x³/3 + x⁵/(3·5) + …, so that nothing cancels: its error is below 1e-30, and a probability's, rounded to 1e18
fixed point, below one unit of the last place.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from chain_kit.clob.orders import Side
from chain_kit.errors import SettingError
from chain_kit.lmsr import WAD
from chain_kit.strategies.interface import MarketView, Signal

__all__ = ["Chances", "FairValue", "chances", "normal_cdf"]

_CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
_TWO_PI = Decimal("6.2831853071795864769252867665590057683943387987502116419499")
_SMALL = Decimal("1e-40")
_FAR = Decimal(12)
"""Beyond this Φ is 0 or 1 by less than 1e-32."""
_ONE, _HALF = Decimal(1), Decimal("0.5")


@dataclass(frozen=True)
class Chances:
    """How an epoch may end: the probabilities of YES and of a tie, 1e18 fixed point."""

    yes_e18: int
    tie_e18: int = 0

    def value_e18(self, side: Side) -> int:
        """What a share of a side will bring on average, rounded down."""
        if side == Side.YES:
            return self.yes_e18 + self.tie_e18 // 2
        return WAD - self.yes_e18 - self.tie_e18 + self.tie_e18 // 2


def normal_cdf(x: Decimal) -> Decimal:
    """Φ(x), the probability that a standard normal value is below `x`; its error is below 1e-30."""
    with localcontext(_CONTEXT):
        if abs(x) >= _FAR:
            return _ONE if x > 0 else Decimal(0)
        square = x * x
        term = total = abs(x)
        odd = 1
        while term > _SMALL:
            odd += 2
            term = term * square / odd
            total += term
        above_half = total * (-square / 2).exp() / _TWO_PI.sqrt()
        return _HALF + above_half if x > 0 else _HALF - above_half


def chances(
    *, spot_e18: int, start_e18: int, volatility_e18: int, seconds_left: int, tick_e18: int = 0
) -> Chances:
    """How an epoch that started at one price and stands at another ends, `seconds_left` before its end.

    `volatility_e18` is the deviation of the log price over one second. Raises ValueError for a price that is
    not above zero, for what is below zero, and for a tick of twice the start price or more.
    """
    if min(spot_e18, start_e18) <= 0 or min(volatility_e18, seconds_left, tick_e18) < 0:
        raise ValueError(f"no chances from {spot_e18}, {start_e18}, {volatility_e18}, {seconds_left}")
    if tick_e18 >= 2 * start_e18:
        raise ValueError(f"a tick of {tick_e18} is too large for a price of {start_e18}")
    if volatility_e18 == 0 or seconds_left == 0:
        return Chances(WAD if spot_e18 > start_e18 else 0, WAD if spot_e18 == start_e18 else 0)
    with localcontext(_CONTEXT):
        spread = Decimal(volatility_e18) / WAD * Decimal(seconds_left).sqrt()
        # Twice the prices, so that half a tick is a whole number.
        spot, start = 2 * spot_e18, 2 * start_e18
        above = normal_cdf((Decimal(spot) / (start + tick_e18)).ln() / spread)
        if tick_e18 == 0:
            return Chances(_fixed(above))
        below = normal_cdf((Decimal(start - tick_e18) / spot).ln() / spread)
        yes_e18 = _fixed(above)
        return Chances(yes_e18, max(0, min(WAD - yes_e18, _fixed(_ONE - above - below))))


def _fixed(value: Decimal) -> int:
    """A probability as 1e18 fixed point, to the nearest unit."""
    return int((value * WAD).to_integral_value(ROUND_HALF_EVEN))


@dataclass(frozen=True)
class FairValue:
    """Buys the side whose share is worth more than the house asks.

    Waits while start price, spot price or volatility is unknown, and where no volatility at all was seen:
    prices that stand still are a feed that has stopped, not a certainty. `tick_e18` is the step of the feed's
    prices, 0 if it has none; `least_volatility_e18` a floor under the estimate, `stretch_bps` what the
    estimate is multiplied with before (10,000 is once).
    """

    tick_e18: int = 0
    least_volatility_e18: int = 0
    stretch_bps: int = 10_000
    amount_units: int | None = None
    name: str = "fair_value"

    def __post_init__(self) -> None:
        if min(self.tick_e18, self.least_volatility_e18) < 0 or self.stretch_bps <= 0:
            raise SettingError(
                f"tick {self.tick_e18}, volatility floor {self.least_volatility_e18},"
                f" stretch {self.stretch_bps} bps",
                hint="none may be below zero, nor the stretch zero",
            )

    def chances(self, view: MarketView) -> Chances | None:
        """How the epoch may end, as far as the view tells."""
        if not view.start_price_e18 or not view.spot_price_e18 or not view.volatility_e18:
            return None
        stretched = view.volatility_e18 * self.stretch_bps // 10_000
        return chances(
            spot_e18=view.spot_price_e18,
            start_e18=view.start_price_e18,
            volatility_e18=max(1, stretched, self.least_volatility_e18),
            seconds_left=view.seconds_left,
            tick_e18=self.tick_e18,
        )

    def signal(self, view: MarketView) -> Signal | None:
        """The side that is worth more than it costs, if one is."""
        expected = self.chances(view)
        if expected is None:
            return None
        for side in Side:
            value_e18 = expected.value_e18(side)
            if value_e18 > view.quotes.price_e18(side):
                return Signal(side, value_e18, self.amount_units)
        return None
