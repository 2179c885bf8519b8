"""How two orders meet, and what a fill costs: the contract's own arithmetic, in exact integers.

A fill is at the maker's price; the taker has what that leaves. Prices are multiples of the tick and sizes of
the lot, so nothing is ever rounded but the cap on a fee, downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chain_kit.clob.orders import BPS, SIZE_LOT_UNITS, WAD, Order

__all__ = ["Fill", "MatchKind", "amount_of", "crosses", "fee_most", "fill_of", "size_most", "taker_price"]


class MatchKind(Enum):
    """How a fill comes about."""

    COMPLEMENTARY = "complementary"
    """A buyer and a seller of one side swap."""
    MINT = "mint"
    """A buyer of YES and a buyer of NO make complete sets."""
    MERGE = "merge"
    """A seller of YES and a seller of NO take complete sets apart."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One maker's part of a match. Shares and collateral in base units, fees left out."""

    kind: MatchKind
    size_units: int
    maker_amount_units: int
    """What the maker pays, or is paid, for its shares."""
    taker_amount_units: int
    """What the taker pays, or is paid, for as many of its own."""


def kind_of(taker: Order, maker: Order) -> MatchKind | None:
    """How the two could meet, whatever their prices; None if both want the same, or of different epochs."""
    if taker.book != maker.book:
        return None
    if taker.side == maker.side:
        return None if taker.is_buy == maker.is_buy else MatchKind.COMPLEMENTARY
    if taker.is_buy != maker.is_buy:
        return None
    return MatchKind.MINT if taker.is_buy else MatchKind.MERGE


def taker_price(kind: MatchKind, maker: Order) -> int:
    """What a share costs or brings the taker (1e18): the maker's price in a swap, else the rest of a set."""
    return maker.price_e18 if kind is MatchKind.COMPLEMENTARY else WAD - maker.price_e18


def crosses(taker: Order, maker: Order) -> MatchKind | None:
    """How the two meet; None if their prices leave a gap, or if they are not of one epoch.

    Says nothing of sizes, times and accounts: an order crosses another of its own maker, which the contract
    does not settle.
    """
    kind = kind_of(taker, maker)
    if kind is None:
        return None
    price = taker_price(kind, maker)
    meet = price <= taker.price_e18 if taker.is_buy else price >= taker.price_e18
    return kind if meet else None


def amount_of(size_units: int, price_e18: int) -> int:
    """The collateral (base units) that `size_units` shares cost; exact for whole lots and ticks."""
    return size_units * price_e18 // WAD


def fill_of(taker: Order, maker: Order, size_units: int) -> Fill | None:
    """What settling `size_units` of both does; None if they do not cross."""
    kind = crosses(taker, maker)
    if kind is None:
        return None
    return Fill(
        kind,
        size_units,
        maker_amount_units=amount_of(size_units, maker.price_e18),
        taker_amount_units=amount_of(size_units, taker_price(kind, maker)),
    )


def size_most(taker_left_units: int, maker_left_units: int) -> int:
    """The most that two orders can fill of each other, in whole lots: 0 if less than one is left."""
    left_units = min(taker_left_units, maker_left_units)
    return max(0, left_units - left_units % SIZE_LOT_UNITS)


def fee_most(order: Order, amount_units: int) -> int:
    """The most that `order` lets itself be charged (base units) beside an `amount_units`, rounded down."""
    return amount_units * min(order.fee_bps_max, BPS) // BPS
