"""Three makers of a binary market with the same worst loss, as the house simulation sees them.

Amounts are `Decimal` in units of the collateral. A maker holds `yes` and `no` shares; a buyer pays, the
payment becomes complete sets, and the buyer gets shares of its side out of them. Fees stay with the maker.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

__all__ = ["ClosingLmsr", "ConstantProduct", "Maker", "Side"]

ONE = Decimal(1)
WINDOW = 270
STEP = 30
LAST_STEP = WINDOW // STEP - 1

Side = str
"""`yes` or `no`."""


class Maker(Protocol):
    """A maker through one epoch."""

    def price(self) -> Decimal:
        """Of a YES share, between 0 and 1, the fee left out."""

    def advance(self, elapsed: int) -> None:
        """Brings the maker to `elapsed` seconds of the epoch."""

    def buy_until(self, side: Side, worth: Decimal) -> Decimal:
        """Somebody buys a side until one more share would cost `worth`; returns the shares, if any."""

    def spend(self, side: Side, amount: Decimal) -> Decimal:
        """Somebody buys a side for `amount`, fee included; returns the shares."""

    def profit(self, yes_won: bool | None) -> Decimal:
        """What the epoch has brought the maker, negative where it has lost; None is a void epoch."""


@dataclass
class ClosingLmsr:
    """The house: a logarithmic market scoring rule with b, which falls in steps while the fee rises.

    `closing_share` of `b` is left in the last step of 30 s; the fee goes from `fee` to `closing_fee` over the
    window. With a closing share of 1 and equal fees this is the LMSR that textbooks have.
    """

    b: Decimal
    fee: Decimal
    closing_share: Decimal = ONE
    closing_fee: Decimal | None = None

    def __post_init__(self) -> None:
        self.opening = self.b * Decimal(2).ln()
        self.yes = self.no = self.opening
        self.retired_yes = self.retired_no = Decimal(0)
        self.liquidity, self.rate, self.step = self.b, self.fee, 0

    def price(self) -> Decimal:
        """The LMSR's."""
        yes, no = (-self.yes / self.liquidity).exp(), (-self.no / self.liquidity).exp()
        return yes / (yes + no)

    def advance(self, elapsed: int) -> None:
        """The fee rises; what the liquidity loses takes its part of both holdings along."""
        closing_fee = self.fee if self.closing_fee is None else self.closing_fee
        self.rate = self.fee + (closing_fee - self.fee) * min(elapsed, WINDOW) / WINDOW
        step = min(elapsed // STEP, LAST_STEP)
        if step == self.step:
            return
        liquidity = self.b * (ONE - (ONE - self.closing_share) * step / LAST_STEP)
        kept = liquidity / self.liquidity
        self.retired_yes += self.yes * (ONE - kept)
        self.retired_no += self.no * (ONE - kept)
        self.yes, self.no = self.yes * kept, self.no * kept
        self.liquidity, self.step = liquidity, step

    def buy_until(self, side: Side, worth: Decimal) -> Decimal:
        """Solves the rule for the price, the fee left out."""
        end = worth * (ONE - self.rate)
        if not Decimal(0) < end < ONE:
            return Decimal(0)
        _, other = self._sides(side)
        level = self._level()
        net = -self.liquidity * ((ONE - end) * level).ln() - other
        return self._take(side, net) if net > 0 else Decimal(0)

    def spend(self, side: Side, amount: Decimal) -> Decimal:
        """By the rule."""
        return self._take(side, amount * (ONE - self.rate))

    def profit(self, yes_won: bool | None) -> Decimal:
        """Quoted and retired shares together, less what was put in."""
        yes, no = self.yes + self.retired_yes, self.no + self.retired_no
        return _payout(yes, no, yes_won) - self.opening

    def _level(self) -> Decimal:
        return (-self.yes / self.liquidity).exp() + (-self.no / self.liquidity).exp()

    def _take(self, side: Side, net: Decimal) -> Decimal:
        """`net` becomes sets; the rule says what is kept of the side bought, the fee stays as sets."""
        own, other = self._sides(side)
        kept = -self.liquidity * (self._level() - (-(other + net) / self.liquidity).exp()).ln()
        fee = net * self.rate / (ONE - self.rate)
        self._set(side, kept + fee, other + net + fee)
        return own + net - kept

    def _sides(self, side: Side) -> tuple[Decimal, Decimal]:
        return (self.yes, self.no) if side == "yes" else (self.no, self.yes)

    def _set(self, side: Side, own: Decimal, other: Decimal) -> None:
        self.yes, self.no = (own, other) if side == "yes" else (other, own)


@dataclass
class ConstantProduct:
    """A pool of YES and NO shares whose product stays, made of `sets` sets; its fee is kept beside it."""

    sets: Decimal
    fee: Decimal

    def __post_init__(self) -> None:
        self.yes = self.no = self.sets
        self.earned = Decimal(0)

    def price(self) -> Decimal:
        """By the reserves."""
        return self.no / (self.yes + self.no)

    def advance(self, elapsed: int) -> None:
        """Nothing changes with time."""

    def buy_until(self, side: Side, worth: Decimal) -> Decimal:
        """Solves the product for the price, the fee left out."""
        end = worth * (ONE - self.fee)
        if not Decimal(0) < end < ONE:
            return Decimal(0)
        other = self.no if side == "yes" else self.yes
        net = (self.yes * self.no * end / (ONE - end)).sqrt() - other
        return self.spend(side, net / (ONE - self.fee)) if net > 0 else Decimal(0)

    def spend(self, side: Side, amount: Decimal) -> Decimal:
        """By the product."""
        net = amount * (ONE - self.fee)
        self.earned += amount - net
        product = self.yes * self.no
        if side == "yes":
            shares = self.yes + net - product / (self.no + net)
            self.yes, self.no = product / (self.no + net), self.no + net
        else:
            shares = self.no + net - product / (self.yes + net)
            self.no, self.yes = product / (self.yes + net), self.yes + net
        return shares

    def profit(self, yes_won: bool | None) -> Decimal:
        """The shares and the fees, less what was put in."""
        return _payout(self.yes, self.no, yes_won) + self.earned - self.sets


def _payout(yes: Decimal, no: Decimal, yes_won: bool | None) -> Decimal:
    if yes_won is None:
        return (yes + no) / 2
    return yes if yes_won else no
