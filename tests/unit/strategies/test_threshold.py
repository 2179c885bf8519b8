from __future__ import annotations

import pytest

from chain_kit.clob.orders import Side
from chain_kit.errors import SettingError
from chain_kit.lmsr import WAD
from chain_kit.strategies import Signal, Threshold
from tests.unit.strategies.views import quotes_at_price, view


def percent(number: int) -> int:
    """A price in hundredths."""
    return number * WAD // 100


@pytest.mark.parametrize(
    ("yes", "side"),
    [(30, Side.YES), (44, Side.YES), (46, None), (50, None), (54, None), (56, Side.NO), (80, Side.NO)],
)
def test_buys_what_is_cheap_as_the_documents_bot_does(yes: int, side: Side | None) -> None:
    """YES below 0.45, NO while YES is above 0.55, nothing between."""
    signal = Threshold().signal(view(quotes=quotes_at_price(percent(yes))))

    assert (signal.side if signal else None) is side


def test_holds_either_side_to_be_worth_what_it_is_told() -> None:
    """It never looks at the asset: its belief is a setting."""
    strategy = Threshold(percent(40), percent(60), value_e18=percent(48), amount_units=7)

    assert strategy.signal(view(quotes=quotes_at_price(percent(39)))) == Signal(Side.YES, percent(48), 7)
    assert strategy.signal(view(quotes=quotes_at_price(percent(61)))) == Signal(Side.NO, percent(52), 7)
    assert strategy.signal(view(quotes=quotes_at_price(percent(42)))) is None


def test_does_not_need_to_know_the_price() -> None:
    """Without an oracle it trades all the same."""
    blind = view(quotes=quotes_at_price(percent(30)), spot_price_e18=None, start_price_e18=None)

    assert Threshold().signal(blind) is not None


@pytest.mark.parametrize(
    ("below", "value", "above"), [(0, 50, 60), (55, 50, 60), (45, 70, 60), (45, 50, 100), (60, 50, 40)]
)
def test_refuses_thresholds_out_of_order(below: int, value: int, above: int) -> None:
    """Buying both sides of the same price would only pay fees."""
    with pytest.raises(SettingError, match="thresholds"):
        Threshold(percent(below), percent(above), value_e18=percent(value))
