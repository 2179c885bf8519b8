"""What the house of a market asks at an instant: its terms, its quotes, and how a purchase moves them.

The same integers as `MarketTerms.sol` and `HouseMaker.sol`; amounts and shares are base units of the
collateral.
"""

from __future__ import annotations

from dataclasses import dataclass

from chain_kit.clob.orders import BPS, Side
from chain_kit.lmsr import opening_shares_up, price_e18, shares_down

__all__ = ["STEP", "TRADING_WINDOW", "HouseQuotes", "HouseTerms", "Purchase"]

TRADING_WINDOW = 270
"""Seconds of an epoch in which the house trades."""
STEP = 30
"""Seconds between two falls of its liquidity."""
_LAST_STEP = TRADING_WINDOW // STEP - 1


@dataclass(frozen=True)
class HouseTerms:
    """How a house trades, fixed when its market was made: b, and the fee, at the window's start and end."""

    liquidity_units: int
    closing_liquidity_bps: int
    fee_bps: int
    closing_fee_bps: int

    def liquidity_at(self, step: int) -> int:
        """The scoring rule's b in a step, rounded down."""
        share = BPS * _LAST_STEP - (BPS - self.closing_liquidity_bps) * step
        return self.liquidity_units * share // (BPS * _LAST_STEP)

    def fee_rate_at(self, elapsed: int) -> tuple[int, int]:
        """The fee `elapsed` seconds into an epoch as a fraction: numerator, denominator."""
        passed = min(elapsed, TRADING_WINDOW)
        rate = self.fee_bps * TRADING_WINDOW + (self.closing_fee_bps - self.fee_bps) * passed
        return rate, BPS * TRADING_WINDOW

    def fee_up(self, amount_units: int, elapsed: int) -> int:
        """The fee on an amount, rounded up."""
        rate, whole = self.fee_rate_at(elapsed)
        return -(-amount_units * rate // whole)


@dataclass(frozen=True)
class Purchase:
    """What an amount buys: the shares, and the fee that is in the amount."""

    shares_units: int
    fee_units: int


@dataclass(frozen=True)
class HouseQuotes:
    """The shares that a house trades on, `elapsed` seconds into an epoch."""

    terms: HouseTerms
    elapsed: int
    yes_units: int
    no_units: int

    @classmethod
    def opening(cls, terms: HouseTerms, elapsed: int) -> HouseQuotes:
        """The quotes of an epoch in which nobody has traded with the house yet."""
        opening = opening_shares_up(terms.liquidity_at(step_at(elapsed)))
        return cls(terms, elapsed, opening, opening)

    @property
    def step(self) -> int:
        """How many steps of the window have passed."""
        return step_at(self.elapsed)

    @property
    def liquidity_units(self) -> int:
        """The scoring rule's b now."""
        return self.terms.liquidity_at(self.step)

    def at(self, elapsed: int) -> HouseQuotes:
        """The same quotes later in the epoch: with a lower b at the same prices."""
        before, after = self.liquidity_units, self.terms.liquidity_at(step_at(elapsed))
        yes, no = (-(-units * after // before) for units in (self.yes_units, self.no_units))
        return HouseQuotes(self.terms, elapsed, yes, no)

    def price_e18(self, side: Side) -> int:
        """What the next share costs, without the fee."""
        return price_e18(self.liquidity_units, *self._sides(side))

    def buy(self, side: Side, amount_units: int) -> Purchase:
        """What `amount_units` buys, its fee included; 0 shares if it is too little."""
        fee = self.terms.fee_up(amount_units, self.elapsed)
        own, other = self._sides(side)
        return Purchase(shares_down(self.liquidity_units, own, other, amount_units - fee), fee)

    def after(self, side: Side, amount_units: int) -> HouseQuotes:
        """The quotes that such a purchase leaves behind."""
        own, other = self._sides(side)
        own += amount_units - self.buy(side, amount_units).shares_units
        other += amount_units
        yes, no = (own, other) if side == Side.YES else (other, own)
        return HouseQuotes(self.terms, self.elapsed, yes, no)

    def _sides(self, side: Side) -> tuple[int, int]:
        return (self.yes_units, self.no_units) if side == Side.YES else (self.no_units, self.yes_units)


def step_at(elapsed: int) -> int:
    """How many steps of the window have passed `elapsed` seconds into an epoch."""
    return min(elapsed // STEP, _LAST_STEP)
