"""How much to buy: the house's own rule, its fee and slippage against what a share is worth.

Integers throughout; every rounding is against the trade.
"""

from __future__ import annotations

from dataclasses import dataclass

from chain_kit.clob.orders import BPS, Side
from chain_kit.errors import SettingError
from chain_kit.lmsr import WAD
from chain_kit.strategies.interface import MarketView, Signal

__all__ = ["Order", "Sizing", "limit_price_e18", "size_order"]

_FINEST = 10**6
"""Amounts are found to a millionth of b."""


@dataclass(frozen=True)
class Sizing:
    """What a trade must leave: `slippage_bps` of its shares may be missing, each must bring `margin_e18`."""

    slippage_bps: int = 100
    margin_e18: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.slippage_bps < BPS or not 0 <= self.margin_e18 < WAD:
            raise SettingError(
                f"slippage of {self.slippage_bps} bps, margin of {self.margin_e18}",
                hint="slippage is below 10000 bps, the margin below 1e18",
            )


@dataclass(frozen=True)
class Order:
    """A purchase from the house, in base units; `amount_units` is paid, `fee_units` of it are the house's."""

    side: Side
    amount_units: int
    fee_units: int
    shares_units: int
    min_shares_units: int
    target_probability_e18: int

    @property
    def edge_units(self) -> int:
        """What it leaves on average before gas, if no more shares than `min_shares_units` come of it."""
        return self.min_shares_units * self.target_probability_e18 // WAD - self.amount_units


def limit_price_e18(view: MarketView, target_e18: int, sizing: Sizing) -> int:
    """The highest price of a share, before the fee, at which one more still leaves the margin."""
    rate, whole = view.quotes.terms.fee_rate_at(view.elapsed)
    worth_e18 = max(0, target_e18 - sizing.margin_e18)
    return worth_e18 * (whole - rate) // whole * (BPS - sizing.slippage_bps) // BPS


def size_order(
    view: MarketView, signal: Signal, sizing: Sizing, *, most_units: int, most_shares_units: int
) -> Order | None:
    """The largest purchase after which the house asks no more than the limit price; None if there is none.

    It costs at most `most_units`, the view's budget and the signal's own bound, and brings at most
    `most_shares_units`. Every share of it, the last included, is bought below its worth less fee, slippage
    and margin.
    """
    side, quotes = signal.side, view.quotes
    limit_e18 = limit_price_e18(view, signal.target_probability_e18, sizing)
    if quotes.price_e18(side) > limit_e18:
        return None
    bounds = (most_units, view.budget_units, signal.most_units)
    most = min(bound for bound in bounds if bound is not None)
    lot = max(1, quotes.terms.liquidity_units // _FINEST)

    def fits(amount: int) -> bool:
        shares = quotes.buy(side, amount).shares_units
        return shares <= most_shares_units and quotes.after(side, amount).price_e18(side) <= limit_e18

    low, high = 0, max(0, most) // lot
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle * lot) else (low, middle - 1)
    amount = low * lot
    purchase = quotes.buy(side, amount)
    least = purchase.shares_units * (BPS - sizing.slippage_bps) // BPS
    order = Order(
        side, amount, purchase.fee_units, purchase.shares_units, least, signal.target_probability_e18
    )
    return order if order.min_shares_units > 0 and order.edge_units > 0 else None
