"""Strategies against the house on the recorded day that comes with the kit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from chain_kit.cli.local.samples import SAMPLE_PRICES
from chain_kit.clob.orders import Side
from chain_kit.house import HouseTerms
from chain_kit.lmsr import WAD
from chain_kit.prices import EPOCH, PriceSeries
from chain_kit.strategies import (
    BacktestResult,
    FairValue,
    MarketView,
    Scene,
    Signal,
    Sizing,
    Strategy,
    Threshold,
    backtest,
)

TERMS = HouseTerms(1000 * WAD, 2_500, 100, 300)
NOISY = Scene(TERMS, noise_units=200 * WAD)
"""Somebody who knows nothing spends a fifth of b each minute: what moves a price beyond 0.45 and 0.55."""
FAIR = FairValue(tick_e18=WAD // 2)


@cache
def day() -> PriceSeries:
    """8 January 2022, minute by minute."""
    return PriceSeries.from_csv(SAMPLE_PRICES)


@cache
def result(strategy: Strategy, **changes: Any) -> BacktestResult:
    """A strategy on that day, in the noisy scene with changes to it."""
    return backtest(day(), strategy, replace(NOISY, **changes))


class Always:
    """Buys one unit of YES at every instant, whatever it costs, and notes what it was shown."""

    name = "always"

    def __init__(self, target_e18: int = WAD - 1, most_units: int = WAD) -> None:
        self._signal = Signal(Side.YES, target_e18, most_units)
        self.views: list[MarketView] = []

    def signal(self, view: MarketView) -> Signal:
        """The same each time."""
        self.views.append(view)
        return self._signal


class Watcher:
    """Buys nothing, and notes what it was shown."""

    name = "watcher"

    def __init__(self) -> None:
        self.views: list[MarketView] = []

    def signal(self, view: MarketView) -> None:
        """Nothing."""
        self.views.append(view)


def flat_then(*prices: int) -> PriceSeries:
    """Prices (whole) by the minute from a boundary on."""
    return PriceSeries("test", {3000 + 60 * n: price * WAD for n, price in enumerate(prices)})


def test_fair_value_beats_threshold_among_those_who_know_nothing() -> None:
    """After fees and slippage, on the same day against the same coins, by more than twice its own spread."""
    fair, threshold = result(FAIR), result(Threshold())

    assert threshold.trades > 100
    assert fair.profit_units - threshold.profit_units > 2 * fair.deviation_units


def test_fair_value_does_not_lose_to_the_house() -> None:
    """With noise beside it and alone; also on prices that are a minute old. Nobody else competes here."""
    assert result(FAIR).profit_units > 0
    assert result(FAIR, noise_units=0).profit_units > 0
    assert result(FAIR, delay_seconds=60).profit_units > 0


def test_fair_value_is_right_as_often_as_it_says() -> None:
    """Of the moments that it held for a YES in one of five cases, about one in five was; and so on."""
    watcher = Watcher()
    backtest(day(), watcher, Scene(TERMS))
    fifths: dict[int, list[tuple[Fraction, Fraction]]] = {}
    for view in watcher.views:
        expected, start = FAIR.chances(view), view.now - view.elapsed
        if expected is not None:
            said = Fraction(expected.value_e18(Side.YES), WAD)
            started, ended = (day().prices_e18[start + after] for after in (0, EPOCH))
            came = Fraction((ended > started) - (ended < started) + 1, 2)
            fifths.setdefault(int(5 * said), []).append((said, came))

    assert sum(map(len, fifths.values())) > 1000
    for pairs in fifths.values():
        said, came = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
        assert abs(said - came) < Fraction(1, 10)


def test_alone_its_profit_is_the_house_s_loss() -> None:
    """To the unit: nothing is made or lost between them; gas is on top."""
    alone = result(FAIR, noise_units=0)

    assert alone.profit_units == -alone.house_units
    gas = result(FAIR, noise_units=0, gas_units=WAD)
    assert gas.profit_units == -gas.house_units - gas.trades * WAD


def test_threshold_alone_never_trades() -> None:
    """A house that nobody has moved asks one half: the documents' bot waits for ever."""
    assert result(Threshold(), noise_units=0).trades == 0


def test_gas_that_costs_more_than_any_edge_stops_all_trades() -> None:
    """It is set against every trade on its own."""
    assert result(FAIR, gas_units=10**6 * WAD).trades == 0
    some = result(FAIR, gas_units=20 * WAD)
    assert 0 < some.trades < result(FAIR).trades


def test_the_worst_epoch_costs_no_more_than_the_position_limit() -> None:
    """Each share costs below one, and both sides together cost what they bring."""
    bounded = result(FAIR, position_units=50 * WAD)

    assert -100 * WAD < bounded.worst_units < 0
    assert all(epoch.staked_units <= 100 * WAD for epoch in bounded.epochs)


def test_the_same_seed_gives_the_same_result() -> None:
    """And another coin another."""
    assert backtest(day(), FAIR, NOISY) == result(FAIR)
    assert backtest(day(), FAIR, replace(NOISY, seed=2)) != result(FAIR)


@pytest.mark.parametrize(
    ("end", "paid"), [(101, lambda yes: yes), (99, lambda _: 0), (100, lambda yes: yes // 2)]
)
def test_outcomes_pay_as_the_contract_pays(end: int, paid: object) -> None:
    """Above, below, and a tie, which pays one half."""
    assert callable(paid)
    (epoch,) = backtest(flat_then(100, 100, 100, 100, 100, end), Always(), Scene(TERMS)).epochs

    shares = 2 * epoch.staked_units
    assert epoch.trades == 4
    assert epoch.staked_units == 4 * WAD
    assert 4 * WAD // 100 < epoch.fees_units <= 4 * 3 * WAD // 100
    assert paid(shares) * 96 // 100 <= epoch.payout_units <= paid(shares)


def test_nothing_is_seen_before_its_time() -> None:
    """Spot up to the instant, or older by the delay; volatility from the boundaries up to the start only."""
    series = flat_then(*range(100, 100 + 5 * 30 + 1))
    watcher, late = Always(), Always()
    backtest(series, watcher, Scene(TERMS, returns=24))
    backtest(series, late, Scene(TERMS, delay_seconds=60))

    for watching, delay in ((watcher, 0), (late, 60)):
        for view in watching.views:
            assert view.spot_price_e18 == series.price_e18(view.now - delay)
            assert view.start_price_e18 == series.price_e18(view.now - view.elapsed)
    known = [view.volatility_e18 is not None for view in watcher.views]
    # Twelve returns need thirteen boundaries: the first of them starts epoch 0.
    assert known == [n // 4 >= 12 for n in range(len(known))]


def test_epochs_with_a_gap_are_left_out() -> None:
    """No price is invented for one that is missing."""
    series = flat_then(*range(100, 111))
    del series.prices_e18[3000 + 60]

    assert [epoch.start for epoch in backtest(series, Always(), Scene(TERMS)).epochs] == [3000 + EPOCH]


def test_refuses_instants_at_which_the_house_is_closed() -> None:
    """The window ends at 270 s."""
    with pytest.raises(ValueError, match="does not trade"):
        Scene(TERMS, instants=(60, 270))


def test_says_what_came_of_it() -> None:
    """In a line, for people; nothing at all where there were no epochs."""
    line = str(result(FAIR, noise_units=0))
    assert line.startswith("fair_value: 288 epochs, ")
    assert "profit " in line
    empty = backtest(flat_then(100), FAIR, Scene(TERMS, sizing=Sizing(0)))
    assert (empty.trades, empty.profit_units, empty.deviation_units, empty.worst_units) == (0, 0, 0, 0)
