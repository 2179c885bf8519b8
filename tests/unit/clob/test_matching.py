from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.clob.matching import MatchKind, amount_of, crosses, fee_most, fill_of, size_most
from chain_kit.clob.orders import PRICE_TICK_E18, SIZE_LOT_UNITS, WAD, Order, Side
from tests.clob_support.orders import an_order, makers_and_takers

TICK = PRICE_TICK_E18
lots = st.integers(1, 10**18).map(lambda number: number * SIZE_LOT_UNITS)


def _cash(order: Order, amount_units: int) -> int:
    """What the order's account pays (positive) or is paid."""
    return amount_units if order.is_buy else -amount_units


@pytest.mark.parametrize(
    ("taker", "maker", "kind"),
    [
        ((Side.YES, True, 600), (Side.YES, False, 600), MatchKind.COMPLEMENTARY),
        ((Side.YES, True, 600), (Side.YES, False, 601), None),
        ((Side.YES, False, 600), (Side.YES, True, 600), MatchKind.COMPLEMENTARY),
        ((Side.YES, False, 600), (Side.YES, True, 599), None),
        ((Side.YES, True, 600), (Side.NO, True, 400), MatchKind.MINT),
        ((Side.YES, True, 600), (Side.NO, True, 399), None),
        ((Side.NO, False, 600), (Side.YES, False, 400), MatchKind.MERGE),
        ((Side.NO, False, 600), (Side.YES, False, 401), None),
        ((Side.YES, True, 600), (Side.YES, True, 600), None),
        ((Side.YES, False, 1), (Side.NO, True, 999), None),
    ],
)
def test_how_two_orders_meet(
    taker: tuple[Side, bool, int], maker: tuple[Side, bool, int], kind: MatchKind | None
) -> None:
    """A swap, a mint or a merge by their sides; nothing where the prices leave a gap."""
    orders = (an_order(side=s, is_buy=b, price_e18=ticks * TICK) for s, b, ticks in (taker, maker))
    assert crosses(*orders) is kind


def test_prices_that_meet_are_those_that_add_up() -> None:
    """Buyers together offer at least 1 for a set, sellers ask at most 1; in a swap the bid is no lower."""
    for one, other, taker_buys, maker_buys, swap in product(
        (1, 400, 500, 999), (1, 500, 600, 999), (True, False), (True, False), (True, False)
    ):
        taker = an_order(is_buy=taker_buys, price_e18=one * TICK)
        side = Side.YES if swap else Side.NO
        maker = an_order(side=side, is_buy=maker_buys, price_e18=other * TICK)
        meet = {
            (True, True, False): one >= other,
            (True, False, True): one <= other,
            (False, True, True): one + other >= 1000,
            (False, False, False): one + other <= 1000,
        }.get((swap, taker_buys, maker_buys), False)
        assert (crosses(taker, maker) is not None) == meet


@pytest.mark.parametrize("change", [{"market_id": 2}, {"epoch": 8}])
def test_orders_of_different_epochs_do_not_meet(change: dict[str, int]) -> None:
    """Whatever their prices."""
    assert crosses(an_order(), an_order(is_buy=False, **change)) is None


@given(makers_and_takers())
def test_meeting_does_not_depend_on_who_came_first(pair: tuple[Order, Order]) -> None:
    """Taker and maker exchanged, they meet in the same way or not at all."""
    taker, maker = pair
    assert crosses(taker, maker) is crosses(maker, taker)


@given(makers_and_takers(), lots)
def test_a_fill_is_at_the_makers_price_and_balances(pair: tuple[Order, Order], size_units: int) -> None:
    """The maker has its own price to the base unit; of both together, nothing is over and nothing lacks."""
    taker, maker = pair
    fill = fill_of(taker, maker, size_units)
    if fill is None:
        assert crosses(taker, maker) is None
        return
    assert Fraction(fill.maker_amount_units) == Fraction(size_units * maker.price_e18, WAD)
    sets = {MatchKind.COMPLEMENTARY: 0, MatchKind.MINT: size_units, MatchKind.MERGE: -size_units}[fill.kind]
    assert _cash(maker, fill.maker_amount_units) + _cash(taker, fill.taker_amount_units) == sets


@given(makers_and_takers(), lots)
def test_a_taker_never_has_a_worse_price_than_its_own(pair: tuple[Order, Order], size_units: int) -> None:
    """It pays no more for a share, and gets no less, than it has signed."""
    taker, maker = pair
    fill = fill_of(taker, maker, size_units)
    if fill is not None:
        own_units = amount_of(size_units, taker.price_e18)
        assert _cash(taker, fill.taker_amount_units) <= _cash(taker, own_units)


@given(st.integers(0, 10**40), st.integers(0, 10**40))
def test_as_much_is_filled_as_both_have_left(one_units: int, other_units: int) -> None:
    """In whole lots: less than a lot is never filled."""
    most_units = size_most(one_units, other_units)
    assert most_units % SIZE_LOT_UNITS == 0
    assert most_units <= min(one_units, other_units) < most_units + SIZE_LOT_UNITS


@pytest.mark.parametrize(
    ("bps", "amount_units", "most_units"),
    [(0, 10**18, 0), (1, 9_999, 0), (1, 10_000, 1), (250, 1_000, 25), (10_000, 777, 777), (2**256 - 1, 7, 7)],
)
def test_a_fee_is_capped(bps: int, amount_units: int, most_units: int) -> None:
    """In basis points of the collateral, rounded down; never more than all of it."""
    assert fee_most(an_order(fee_bps_max=bps), amount_units) == most_units


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**112))
def test_no_fee_is_more_than_what_it_is_charged_on(bps: int, amount_units: int) -> None:
    """A seller is never charged more than it gets."""
    assert 0 <= fee_most(an_order(fee_bps_max=bps), amount_units) <= amount_units
