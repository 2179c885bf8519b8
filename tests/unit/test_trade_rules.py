from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import SettingError
from chain_kit.keepers.rounds import Head
from chain_kit.keepers.trade.prices import FixedEther, RecordedSpot, Spot, collateral_up, wei_down
from chain_kit.keepers.trade.rules import TradeRules
from chain_kit.lmsr import WAD
from chain_kit.prices import PriceSeries

ETHER = 3_000 * WAD
SERIES = PriceSeries("test", {100: 5, 160: 6, 220: 7})


@pytest.mark.parametrize(
    "wrong",
    [
        {"position_units": 0},
        {"daily_loss_units": -1},
        {"least_edge_units": 0},
        {"usual_gas": 0},
        {"closing_seconds": 0},
        {"closing_seconds": 270},
        {"patience_seconds": 0},
        {"spot_seconds": 0},
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    """Before anything is traded by them, with what would do."""
    with pytest.raises(SettingError) as caught:
        TradeRules(**{"position_units": 1, "daily_loss_units": 1} | wrong)

    assert caught.value.hint


@pytest.mark.parametrize(
    ("now", "found"),
    [(99, None), (100, Spot(5, 100)), (159, Spot(5, 100)), (160, Spot(6, 160)), (9_999, Spot(7, 220))],
)
async def test_a_recorded_spot_is_the_last_one(now: int, found: Spot | None) -> None:
    """With its own instant, so that an old one can be told; never a later one."""
    spots = RecordedSpot({"BTC/USD": SERIES})

    assert await spots.spot("BTC/USD", now) == found
    assert await spots.spot("ETH/USD", now) is None


async def test_a_fixed_ether_is_what_was_set() -> None:
    """And never nothing: gas would cost nothing then."""
    assert await FixedEther(ETHER).collateral_e18(Head(1, 1)) == ETHER
    with pytest.raises(ValueError, match="ether price of 0"):
        FixedEther(0)


@pytest.mark.parametrize(
    ("wei", "decimals", "units"), [(10**15, 18, 3 * WAD), (10**15, 6, 3_000_000), (1, 6, 1), (0, 6, 0)]
)
def test_gas_in_collateral(wei: int, decimals: int, units: int) -> None:
    """A thousandth of an ether at 3,000 is three; a part of a unit counts as one."""
    assert collateral_up(wei, ETHER, decimals) == units


@given(st.integers(0, 10**24), st.integers(1, 10**24), st.sampled_from([6, 8, 18]))
def test_what_something_is_worth_never_buys_more_of_it(units: int, ether: int, decimals: int) -> None:
    """There and back, rounding is against the trade."""
    assert collateral_up(wei_down(units, ether, decimals), ether, decimals) <= units


def test_the_usual_rules_leave_the_end_alone() -> None:
    """A trade is decided early enough to be mined."""
    usual: Any = TradeRules(position_units=1, daily_loss_units=1)

    assert (usual.closing_seconds, usual.patience_seconds, usual.sizing.slippage_bps) == (20, 30, 100)
