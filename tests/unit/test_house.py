from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.clob.orders import Side
from chain_kit.house import HouseQuotes, HouseTerms
from chain_kit.lmsr import WAD, amount_down

TERMS = HouseTerms(1000 * WAD, 2_500, 100, 300)
amounts = st.integers(1, 2000 * WAD)
sides = st.sampled_from(Side)


@pytest.mark.parametrize(
    ("elapsed", "step", "liquidity"),
    [(0, 0, 1000), (29, 0, 1000), (30, 1, None), (240, 8, 250), (299, 8, 250)],
)
def test_liquidity_falls_in_steps(elapsed: int, step: int, liquidity: int | None) -> None:
    """From all of it to the closing share in the last step, which goes on after the window."""
    quotes = HouseQuotes.opening(TERMS, elapsed)

    assert quotes.step == step
    if liquidity is None:
        assert 250 * WAD < quotes.liquidity_units < 1000 * WAD
    else:
        assert quotes.liquidity_units == liquidity * WAD


@pytest.mark.parametrize(("elapsed", "fee"), [(0, 100), (135, 200), (270, 300), (299, 300)])
def test_the_fee_rises_evenly(elapsed: int, fee: int) -> None:
    """In ten-thousandths of an amount, second by second; a part of a unit counts as one."""
    assert TERMS.fee_up(10_000, elapsed) == fee
    assert TERMS.fee_up(1, elapsed) == 1


@given(side=sides, amount=amounts, elapsed=st.integers(0, 269))
def test_what_is_bought_moves_the_price_against_the_buyer(side: Side, amount: int, elapsed: int) -> None:
    """The two prices make one, before and after."""
    quotes = HouseQuotes.opening(TERMS, elapsed)
    after = quotes.after(side, amount)

    assert quotes.price_e18(side) == WAD // 2 <= after.price_e18(side)
    assert WAD - 1 <= after.price_e18(Side.YES) + after.price_e18(Side.NO) <= WAD
    purchase = quotes.buy(side, amount)
    assert purchase.fee_units == TERMS.fee_up(amount, elapsed)
    assert purchase.shares_units <= 2 * (amount - purchase.fee_units)


@given(side=sides, amount=amounts, later=st.integers(30, 269))
def test_a_lower_liquidity_leaves_the_prices(side: Side, amount: int, later: int) -> None:
    """But for the last places; what is bought then moves them more."""
    quotes = HouseQuotes.opening(TERMS, 0).after(side, amount)
    then = quotes.at(later)

    assert abs(then.price_e18(side) - quotes.price_e18(side)) <= 10
    assert then.at(later) == then
    assert then.after(side, 10 * WAD).price_e18(side) >= quotes.after(side, 10 * WAD).price_e18(side)


@given(side=sides, first=amounts, second=amounts)
def test_the_house_stays_solvent(side: Side, first: int, second: int) -> None:
    """What it holds after two purchases buys both back at a loss to the buyer."""
    opening = HouseQuotes.opening(TERMS, 0)
    once = opening.after(side, first)
    twice = once.after(side, second)
    shares = opening.buy(side, first).shares_units + once.buy(side, second).shares_units
    own, other = (twice.yes_units, twice.no_units) if side is Side.YES else (twice.no_units, twice.yes_units)

    assert amount_down(TERMS.liquidity_units, own, other, shares) <= first + second
