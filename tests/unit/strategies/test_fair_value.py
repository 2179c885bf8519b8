from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import log, mp, mpf, ncdf, sqrt

from chain_kit.clob.orders import Side
from chain_kit.errors import SettingError
from chain_kit.lmsr import WAD
from chain_kit.strategies import Chances, FairValue, chances
from chain_kit.strategies.fair_value import normal_cdf
from tests.unit.strategies.views import BTC, quotes_at_price, view

prices = st.integers(10**6, 10**24)
volatilities = st.integers(1, 10**16)
seconds = st.integers(1, 300)


def exact_above(spot_e18: int, level: Any, volatility_e18: int, seconds_left: int) -> Any:
    """The same probability in sixty digits."""
    mp.dps = 60
    spread = mpf(volatility_e18) / WAD * sqrt(mpf(seconds_left))
    return ncdf(log(mpf(spot_e18) / level) / spread)


class TestNormal:
    """Φ."""

    @given(st.decimals(-14, 14, places=20))
    def test_is_what_sixty_digits_say(self, x: Decimal) -> None:
        """To within the bound that is stated: 1e-30."""
        mp.dps = 60

        assert abs(mpf(str(normal_cdf(x))) - ncdf(mpf(str(x)))) < mpf("1e-30")

    def test_is_one_half_in_the_middle(self) -> None:
        """And its two halves make one, to the digits that it has."""
        assert normal_cdf(Decimal(0)) == Decimal("0.5")
        assert abs(normal_cdf(Decimal(2)) + normal_cdf(Decimal(-2)) - 1) < Decimal("1e-40")

    def test_ends_at_nothing_and_at_all(self) -> None:
        """Far out there is nothing to add, and nothing to compute."""
        assert normal_cdf(Decimal(10**6)) == 1
        assert normal_cdf(Decimal(-(10**6))) == 0


class TestChances:
    """How an epoch may end."""

    @given(spot=prices, moved=st.integers(-300, 300), volatility=volatilities, left=seconds)
    def test_is_the_lognormal_probability(self, spot: int, moved: int, volatility: int, left: int) -> None:
        """Within one unit of the last place of sixty digits, near the start price, where it matters."""
        start = spot + spot * moved // 10_000
        found = chances(spot_e18=spot, start_e18=start, volatility_e18=volatility, seconds_left=left)

        assert abs(found.yes_e18 - exact_above(spot, start, volatility, left) * WAD) < 1
        assert found.tie_e18 == 0

    @given(
        spot=prices,
        moved=st.integers(-300, 300),
        volatility=volatilities,
        left=seconds,
        tick=st.integers(1, 10**5),
    )
    def test_a_tick_gives_a_tie_its_share(
        self, spot: int, moved: int, volatility: int, left: int, tick: int
    ) -> None:
        """Above by half a tick, below by half a tick, and what is between."""
        start = spot + spot * moved // 10_000
        found = chances(
            spot_e18=spot, start_e18=start, volatility_e18=volatility, seconds_left=left, tick_e18=tick
        )
        above = exact_above(spot, start + mpf(tick) / 2, volatility, left)
        within = exact_above(spot, start - mpf(tick) / 2, volatility, left) - above

        assert abs(found.yes_e18 - above * WAD) < 1
        assert abs(found.tie_e18 - within * WAD) < 2

    @given(spot=prices, start=prices, volatility=volatilities, left=seconds, tick=st.integers(0, 10**6))
    def test_two_shares_are_worth_one(
        self, spot: int, start: int, volatility: int, left: int, tick: int
    ) -> None:
        """YES and NO together are worth the collateral that makes them, or a unit less."""
        found = chances(
            spot_e18=spot, start_e18=start, volatility_e18=volatility, seconds_left=left, tick_e18=tick
        )
        both = found.value_e18(Side.YES) + found.value_e18(Side.NO)

        assert 0 <= found.yes_e18 <= WAD
        assert WAD - 1 <= both <= WAD

    @given(spot=st.integers(BTC // 2, 2 * BTC), left=seconds)
    def test_a_higher_price_is_a_likelier_yes(self, spot: int, left: int) -> None:
        """It never falls as the price rises."""
        at = {"start_e18": BTC, "volatility_e18": 9 * 10**13, "seconds_left": left}

        assert chances(spot_e18=spot, **at).yes_e18 <= chances(spot_e18=spot + WAD, **at).yes_e18

    def test_at_the_end_it_is_known(self) -> None:
        """No time, or no movement: the price decides, and a tie is void."""
        for still in ({"volatility_e18": 1, "seconds_left": 0}, {"volatility_e18": 0, "seconds_left": 9}):
            assert chances(spot_e18=BTC + 1, start_e18=BTC, **still) == Chances(WAD)
            assert chances(spot_e18=BTC - 1, start_e18=BTC, **still) == Chances(0)
            assert chances(spot_e18=BTC, start_e18=BTC, **still) == Chances(0, WAD)
        assert Chances(0, WAD).value_e18(Side.YES) == WAD // 2 == Chances(0, WAD).value_e18(Side.NO)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"spot_e18": 0},
            {"start_e18": -1},
            {"volatility_e18": -1},
            {"seconds_left": -1},
            {"tick_e18": 2 * BTC},
        ],
    )
    def test_refuses_what_is_no_price(self, wrong: dict[str, int]) -> None:
        """A price of nothing, time that runs backwards, a tick larger than the price."""
        usual = {"spot_e18": BTC, "start_e18": BTC, "volatility_e18": 1, "seconds_left": 1}

        with pytest.raises(ValueError, match=r"no chances|too large"):
            chances(**usual | wrong)


class TestFairValue:
    """The strategy."""

    def test_buys_yes_when_the_price_has_risen_and_the_house_has_not_seen_it(self) -> None:
        """One deviation up, the house at one half: YES is worth 84 %."""
        risen = BTC + BTC * 9 * 155 // 10**6
        signal = FairValue().signal(view(spot_price_e18=risen))

        assert signal is not None
        assert signal.side is Side.YES
        assert 82 * WAD // 100 < signal.target_probability_e18 < 85 * WAD // 100

    def test_buys_no_when_it_has_fallen(self) -> None:
        """The other side, worth what YES is not."""
        signal = FairValue().signal(view(spot_price_e18=BTC - BTC // 1000))

        assert signal is not None
        assert signal.side is Side.NO
        assert signal.target_probability_e18 > WAD // 2

    def test_waits_where_the_house_asks_what_it_is_worth(self) -> None:
        """At the start price with an even house there is nothing to gain."""
        assert FairValue().signal(view()) is None

    @pytest.mark.parametrize(
        "missing",
        [
            {"start_price_e18": None},
            {"spot_price_e18": None},
            {"volatility_e18": None},
            {"volatility_e18": 0},
        ],
    )
    def test_waits_while_it_does_not_know(self, missing: dict[str, Any]) -> None:
        """No price is invented; a feed that stands still is no certainty."""
        assert FairValue().signal(view(**{"spot_price_e18": BTC + WAD, **missing})) is None

    def test_trusts_less_with_a_floor_or_a_stretch(self) -> None:
        """More volatility brings what a share is worth nearer to one half."""
        risen = view(spot_price_e18=BTC + BTC // 2000)
        plain, floored, stretched = (
            strategy.signal(risen)
            for strategy in (FairValue(), FairValue(least_volatility_e18=WAD), FairValue(stretch_bps=20_000))
        )

        assert plain is not None
        assert stretched is not None
        assert floored is not None
        assert plain.target_probability_e18 > stretched.target_probability_e18
        assert stretched.target_probability_e18 > floored.target_probability_e18 > WAD // 2

    def test_looks_at_what_the_house_asks(self) -> None:
        """YES at 90 % is too dear, though the price has risen a little: it buys NO."""
        dear = view(spot_price_e18=BTC + WAD, quotes=quotes_at_price(9 * WAD // 10))
        signal = FairValue(amount_units=5).signal(dear)

        assert signal is not None
        assert (signal.side, signal.most_units) == (Side.NO, 5)

    @pytest.mark.parametrize("wrong", [{"tick_e18": -1}, {"least_volatility_e18": -1}, {"stretch_bps": 0}])
    def test_refuses_settings_that_make_no_sense(self, wrong: dict[str, int]) -> None:
        """Before anything is traded by them."""
        with pytest.raises(SettingError, match="stretch"):
            FairValue(**wrong)  # type: ignore[arg-type]
