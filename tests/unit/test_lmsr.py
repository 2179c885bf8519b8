"""The scoring rule in Python, against itself and against sixty digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import exp, log, mp, mpf

from chain_kit.lmsr import WAD, amount_down, exp_wad, ln_wad, opening_shares_up, price_e18, shares_down
from tests.differential.lmsr import RULES, Case, cases, wrong_cases

B = 1000 * WAD
OPENING = opening_shares_up(B)
FUNCTIONS = {
    "openingSharesUp": lambda case: opening_shares_up(case[0]),
    "sharesDown": lambda case: shares_down(*case),
    "amountDown": lambda case: amount_down(*case),
    "price": lambda case: price_e18(*case[:3]),
}
amounts = st.integers(1, 5 * B)
holdings = st.integers(1, 8 * B)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_is_within_the_contract_s_bounds_of_sixty_digits(function: str) -> None:
    """The house's side of the exact value, extremes included, as the contract's own cases have it."""
    chosen = cases(function, 1_000)

    assert wrong_cases(function, chosen, [FUNCTIONS[function](case) for case in chosen]) == []


@given(st.integers(-42 * WAD, 40 * WAD))
def test_the_exponential_is_the_exponential(x: int) -> None:
    """Within two units of the last place, or two parts in 1e18 of a large value."""
    mp.dps = 60
    exact = exp(mpf(x) / WAD) * WAD

    assert abs(exp_wad(x) - exact) <= max(mpf(2), 2 * exact / WAD)


@given(st.integers(1, 2**200))
def test_the_logarithm_is_the_logarithm(x: int) -> None:
    """Within two units of the last place."""
    mp.dps = 60

    assert abs(ln_wad(x) - log(mpf(x) / WAD) * WAD) <= 2


def test_known_points() -> None:
    """Where the answer is known without computing; nothing below half a unit, nothing beyond a word."""
    assert exp_wad(0) == WAD
    assert ln_wad(WAD) == 0
    assert exp_wad(-42 * WAD) == 0
    with pytest.raises(OverflowError, match="256 bits"):
        exp_wad(136 * WAD)
    with pytest.raises(ValueError, match="no logarithm of 0"):
        ln_wad(0)


def test_a_fresh_house_asks_a_half() -> None:
    """Both sides alike."""
    assert price_e18(B, OPENING, OPENING) == WAD // 2


def test_what_is_too_small_buys_nothing() -> None:
    """Nothing, rather than a share for free."""
    assert shares_down(B, OPENING, OPENING, 0) == 0
    assert amount_down(B, OPENING, OPENING, 0) == 0


@given(own=holdings, other=holdings, amount=amounts)
def test_a_purchase_given_back_at_once_never_gains(own: int, other: int, amount: int) -> None:
    """Every rounding is the house's."""
    shares = shares_down(B, own, other, amount)

    assert amount_down(B, own + amount - shares, other + amount, shares) <= amount


@given(own=holdings, other=holdings, amount=amounts)
def test_buying_raises_the_price_and_more_buys_more(own: int, other: int, amount: int) -> None:
    """What sizing rests on: price and shares never fall as the amount grows, but for the last places."""
    half = shares_down(B, own, other, amount // 2)
    whole = shares_down(B, own, other, amount)

    assert half <= whole
    before = price_e18(B, own, other)
    after = price_e18(B, own + amount - whole, other + amount)
    assert after >= before - 4


def test_the_cases_reach_every_function() -> None:
    """No function of the contract is left out."""
    assert set(FUNCTIONS) == set(RULES)
    case: Case = (B, OPENING, OPENING, B)
    assert FUNCTIONS["sharesDown"](case) > B
