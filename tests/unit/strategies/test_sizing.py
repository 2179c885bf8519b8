from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.clob.orders import BPS, Side
from chain_kit.errors import SettingError
from chain_kit.house import HouseQuotes, HouseTerms
from chain_kit.lmsr import WAD
from chain_kit.strategies import Order, Signal, Sizing, size_order
from chain_kit.strategies.sizing import limit_price_e18
from tests.unit.strategies.views import FLAT, TERMS, quotes_at_price, view

AMPLE = {"most_units": 10**30, "most_shares_units": 10**30}
LOT = TERMS.liquidity_units // 10**6
targets = st.integers(WAD // 100, 99 * WAD // 100)
elapsed = st.integers(0, 269)


def order(quotes: HouseQuotes, signal: Signal, sizing: Sizing, **bounds: int) -> Order | None:
    """What is bought, with ample funds unless they are bounded."""
    return size_order(view(quotes=quotes), signal, sizing, **AMPLE | bounds)


@given(target=targets, asked=targets, at=elapsed, side=st.sampled_from(Side), slippage=st.integers(0, 500))
def test_every_share_is_below_its_worth_and_one_lot_more_is_not(
    target: int, asked: int, at: int, side: Side, slippage: int
) -> None:
    """The price that it leaves, with fee and slippage, is at most the worth; a lot more would pass it."""
    quotes = quotes_at_price(asked, elapsed=at)
    sizing = Sizing(slippage, WAD // 1000)
    found = order(quotes, Signal(side, target), sizing)
    limit = limit_price_e18(view(quotes=quotes), target, sizing)
    if found is None:
        assert quotes.after(side, 2 * LOT).price_e18(side) > limit
        return

    assert quotes.after(side, found.amount_units).price_e18(side) <= limit
    assert quotes.after(side, found.amount_units + LOT).price_e18(side) > limit
    rate, whole = quotes.terms.fee_rate_at(at)
    with_fee = limit * whole * BPS // ((whole - rate) * (BPS - slippage))
    assert with_fee <= target - WAD // 1000 + 10


@given(target=targets, asked=targets, at=elapsed, side=st.sampled_from(Side))
def test_what_is_bought_pays_at_its_worst(target: int, asked: int, at: int, side: Side) -> None:
    """Even the least number of shares is worth more than the amount."""
    found = order(quotes_at_price(asked, elapsed=at), Signal(side, target), Sizing())
    if found is None:
        return

    assert 0 < found.min_shares_units <= found.shares_units
    assert found.min_shares_units * target // WAD > found.amount_units
    assert 0 < found.edge_units < found.shares_units


@given(
    target=targets,
    budget=st.integers(0, 100 * WAD),
    most=st.integers(-WAD, 100 * WAD),
    signalled=st.integers(0, 100 * WAD),
    shares=st.integers(-WAD, 100 * WAD),
)
def test_no_bound_is_passed(target: int, budget: int, most: int, signalled: int, shares: int) -> None:
    """Funds, loss limit, the strategy's own bound and the position limit; what is below zero is none."""
    found = size_order(
        view(budget_units=budget),
        Signal(Side.YES, target, signalled),
        Sizing(),
        most_units=most,
        most_shares_units=shares,
    )
    if found is not None:
        assert found.amount_units <= min(budget, most, signalled)
        assert found.shares_units <= shares


def test_a_known_size() -> None:
    """Without fee and slippage, from one half to three quarters takes b·ln 2 of collateral."""
    found = order(HouseQuotes.opening(FLAT, 60), Signal(Side.YES, 3 * WAD // 4), Sizing(0))

    assert found is not None
    assert abs(found.amount_units - 693147180559945309417) <= LOT
    # ln(3) of b: what raises the odds from 1 to 3.
    assert abs(found.shares_units - 1098612288668109691395) <= 3 * LOT


def test_what_costs_its_worth_is_left() -> None:
    """At one half for one half nothing is gained."""
    assert order(HouseQuotes.opening(FLAT, 60), Signal(Side.NO, WAD // 2), Sizing(0)) is None


def test_fee_slippage_and_margin_each_make_it_smaller() -> None:
    """And together smaller still; a large enough one leaves nothing."""
    signal = Signal(Side.YES, 6 * WAD // 10)
    fee = HouseTerms(FLAT.liquidity_units, 10_000, 200, 200)
    sizes = [
        order(HouseQuotes.opening(terms, 60), signal, sizing)
        for terms, sizing in (
            (FLAT, Sizing(0)),
            (fee, Sizing(0)),
            (FLAT, Sizing(200)),
            (FLAT, Sizing(0, WAD // 100)),
            (fee, Sizing(200, WAD // 100)),
        )
    ]
    plain, *reduced, all_of_them = (one.amount_units if one else 0 for one in sizes)

    assert all(0 < all_of_them < amount < plain for amount in reduced)
    assert order(HouseQuotes.opening(fee, 60), signal, Sizing(2000)) is None


def test_the_fee_is_that_of_the_second() -> None:
    """The later in the window, the dearer, and the less is bought."""
    signal = Signal(Side.YES, 6 * WAD // 10)
    terms = replace(TERMS, closing_liquidity_bps=10_000)
    early, late = (order(HouseQuotes.opening(terms, at), signal, Sizing()) for at in (1, 260))

    assert early is not None
    assert late is not None
    assert late.amount_units < early.amount_units
    assert late.fee_units == terms.fee_up(late.amount_units, 260)


@pytest.mark.parametrize("wrong", [{"slippage_bps": -1}, {"slippage_bps": 10_000}, {"margin_e18": WAD}])
def test_refuses_settings_that_make_no_sense(wrong: dict[str, int]) -> None:
    """All of the shares cannot be missing."""
    with pytest.raises(SettingError, match="slippage"):
        Sizing(**wrong)
