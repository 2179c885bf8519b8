from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import log, mp, mpf, sqrt

from chain_kit.errors import SettingError
from chain_kit.lmsr import WAD
from chain_kit.prices import EPOCH
from chain_kit.strategies import RealisedVolatility

prices = st.lists(st.integers(10**15, 10**24), min_size=3, max_size=30)


@given(prices)
def test_is_the_root_of_the_mean_square_return(series: list[int]) -> None:
    """Per second, within one unit of the last place of sixty digits."""
    mp.dps = 60
    estimate = RealisedVolatility(((n * EPOCH, price) for n, price in enumerate(series)), least=1)
    squares = sum(log(mpf(b) / a) ** 2 for a, b in pairwise(series))
    exact = sqrt(squares / (EPOCH * (len(series) - 1))) * WAD

    found = estimate.volatility_e18()

    assert found is not None
    assert 0 <= exact - found <= 1


@given(prices, st.integers(2, 1000))
def test_does_not_know_what_the_price_is_counted_in(series: list[int], scale: int) -> None:
    """A price in cents moves as one in dollars."""
    one, other = (
        RealisedVolatility(((n, price * times) for n, price in enumerate(series)), least=1)
        for times in (1, scale)
    )

    found, scaled = one.volatility_e18(), other.volatility_e18()
    assert found is not None
    assert scaled is not None
    assert abs(found - scaled) <= 1


def test_a_boundary_without_a_price_counts_by_its_length() -> None:
    """A doubling over two epochs is less movement in a second than over one."""
    near = RealisedVolatility([(0, WAD), (300, 2 * WAD)], least=1).volatility_e18()
    far = RealisedVolatility([(0, WAD), (600, 2 * WAD)], least=1).volatility_e18()

    assert near is not None
    assert far is not None
    assert abs(near * near - 2 * far * far) <= 4 * near


def test_knows_nothing_before_it_has_seen_enough() -> None:
    """Two returns of the three that it asks for are none."""
    estimate = RealisedVolatility([(0, WAD), (300, 2 * WAD), (600, WAD)], least=3)
    assert estimate.volatility_e18() is None

    estimate.observe(900, 2 * WAD)

    assert estimate.volatility_e18() is not None


def test_forgets_what_is_long_ago() -> None:
    """A wild hour is over once `returns` calm ones have followed."""
    estimate = RealisedVolatility([(0, WAD), (300, 9 * WAD)], returns=2, least=1)
    for n in range(2, 4):
        estimate.observe(n * 300, 9 * WAD)

    assert estimate.volatility_e18() == 0


def test_takes_each_instant_once_and_none_backwards() -> None:
    """The same boundary read twice changes nothing."""
    estimate = RealisedVolatility([(0, WAD), (300, 2 * WAD)], least=1)
    before = estimate.volatility_e18()

    estimate.observe(300, 5 * WAD)
    estimate.observe(0, 5 * WAD)

    assert estimate.volatility_e18() == before
    assert estimate.last == 300


def test_refuses_what_is_no_price() -> None:
    """A logarithm of nothing is not there."""
    with pytest.raises(ValueError, match="price of 0"):
        RealisedVolatility([(0, 0)])


@pytest.mark.parametrize(("returns", "least"), [(0, 0), (10, 0), (10, 11)])
def test_refuses_windows_that_make_no_sense(returns: int, least: int) -> None:
    """One return at least, and no more asked for than kept."""
    with pytest.raises(SettingError, match="returns"):
        RealisedVolatility(returns=returns, least=least)
