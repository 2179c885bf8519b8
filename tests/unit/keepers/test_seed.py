from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import SettingError
from chain_kit.keepers import SeedRules
from chain_kit.keepers.seed import top_up

UNITS = st.integers(0, 10**6)


@st.composite
def some_rules(draw: st.DrawFn) -> SeedRules:
    """Any rules that make sense."""
    low = draw(st.integers(1, 10**6))
    daily = draw(st.integers(1, 10**6))
    return SeedRules(low, low + draw(UNITS), daily, draw(st.integers(1, daily)))


@given(some_rules(), UNITS, UNITS)
def test_never_above_the_high_mark_nor_beyond_the_day(
    rules: SeedRules, budget_units: int, today_units: int
) -> None:
    """Nothing above the low mark; below it up to the high one, as far as the day's limit allows."""
    lacking, allowed = top_up(rules, budget_units, today_units)

    if budget_units >= rules.low_units:
        assert (lacking, allowed) == (0, 0)
    else:
        assert budget_units + lacking == rules.high_units
        assert 0 <= allowed <= lacking
        assert allowed == 0 or allowed + today_units <= rules.daily_units
        assert allowed == 0 or allowed >= rules.least_units


@given(some_rules(), st.lists(UNITS, max_size=40))
def test_a_day_never_costs_more_than_its_limit(rules: SeedRules, losses: list[int]) -> None:
    """However often and however much the house loses."""
    budget = added = 0
    for loss in losses:
        budget = max(0, budget - loss)
        _, allowed = top_up(rules, budget, added)
        budget, added = budget + allowed, added + allowed

    assert added <= rules.daily_units


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((0, 5, 5), "a low mark of 0"),
        ((6, 5, 5), "a low mark of 6"),
        ((1, 2**80, 5), "a high mark of 1208925819614629174706176"),
        ((1, 5, 0), "a daily limit of 0"),
        ((1, 5, 5, 0), "0 at least at a time"),
        ((1, 5, 5, 6), "6 at least at a time"),
    ],
)
def test_refuses_marks_that_make_no_sense(values: tuple[int, ...], reason: str) -> None:
    """The message shows them."""
    with pytest.raises(SettingError, match=reason):
        SeedRules(*values)
