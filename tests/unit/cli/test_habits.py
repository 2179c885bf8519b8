from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.cli.local.habits import HABITS, LATEST_OFFSET, Kind, plan_epoch, seeded

TRADING_WINDOW = 270
AMOUNTS = (Kind.BUY, Kind.BUY_BARE, Kind.SPLIT, Kind.DEPOSIT, Kind.DEPOSIT_PERMIT, Kind.HUB_BUY, Kind.MRT_BUY)

seeds = st.integers(min_value=-(2**63), max_value=2**63)
crowds = st.integers(min_value=1, max_value=40)
epochs = st.integers(min_value=1, max_value=300)


@given(seeds, crowds, epochs, st.booleans())
def test_the_same_arguments_give_the_same_plan(seed: int, traders: int, epoch: int, last: bool) -> None:
    """A plan follows from its arguments alone: it may be made again at any time."""
    assert plan_epoch(seed, traders, epoch, last=last) == plan_epoch(seed, traders, epoch, last=last)


@given(seeds, crowds, epochs, st.booleans())
def test_actions_are_in_order_and_inside_the_window(seed: int, traders: int, epoch: int, last: bool) -> None:
    """The clock never has to go back, and every action is done before trading closes."""
    offsets = [action.offset for action in plan_epoch(seed, traders, epoch, last=last)]

    assert sorted(offsets) == offsets
    assert all(0 < offset <= LATEST_OFFSET < TRADING_WINDOW for offset in offsets)


@given(seeds, crowds, epochs)
def test_nothing_is_bought_beyond_the_last_epoch(seed: int, traders: int, epoch: int) -> None:
    """What is split for a later epoch would never end: the last epoch looks ahead at nothing."""
    assert {0} >= {action.ahead for action in plan_epoch(seed, traders, epoch, last=True)}


@given(seeds, crowds, epochs, st.booleans())
def test_actions_name_traders_that_exist(seed: int, traders: int, epoch: int, last: bool) -> None:
    """Who acts and who receives is one of the traders, and parts are of a hundred."""
    plan = plan_epoch(seed, traders, epoch, last=last)

    assert [] == [a for a in plan if not (0 <= a.trader < traders and 0 <= a.receiver < traders)]
    assert [] == [a for a in plan if not 0 < a.percent <= 100]
    assert [] == [a for a in plan if (a.amount > 0) is not (a.kind in AMOUNTS)]


@given(seeds, st.integers(min_value=1, max_value=30), epochs)
def test_a_trader_more_changes_nobody_elses_plan(seed: int, traders: int, epoch: int) -> None:
    """Each trader's choices follow from the seed and its own number, not from who else is there."""
    few = [a for a in plan_epoch(seed, traders, epoch, last=False) if a.kind is not Kind.TRANSFER]
    many = [a for a in plan_epoch(seed, traders + 1, epoch, last=False) if a.kind is not Kind.TRANSFER]

    assert few == [action for action in many if action.trader < traders]


def test_a_dozen_traders_do_everything_within_twelve_epochs() -> None:
    """The default demo shows every kind of action, and every trader acts."""
    plans = [plan_epoch(1, 12, epoch, last=epoch == 12) for epoch in range(1, 13)]
    actions = [action for plan in plans for action in plan]

    assert set(Kind) == {action.kind for action in actions}
    assert set(range(12)) == {action.trader for action in actions}


def test_seeds_make_a_difference() -> None:
    """Another seed is another day."""
    assert plan_epoch(1, 12, 1, last=False) != plan_epoch(2, 12, 1, last=False)


def test_habits_have_names_of_their_own() -> None:
    """The accounts' table tells them apart."""
    assert len(HABITS) == len({name for name, _ in HABITS})


@pytest.mark.parametrize(("one", "other"), [((1, 2), (12,)), ((1, "a"), (1, "b")), ((1,), ("1", ""))])
def test_different_parts_seed_differently(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    """Parts are kept apart: 1 and 2 are not 12."""
    assert seeded(*one).random() != seeded(*other).random()


def test_a_source_of_chance_repeats_itself() -> None:
    """The same parts give the same sequence."""
    first, second = (seeded(7, "payouts") for _ in range(2))

    draws = [(first.random(), second.random()) for _ in range(5)]
    assert [] == [pair for pair in draws if pair[0] != pair[1]]
    assert [] == [pair for pair in pairwise(draws) if pair[0] == pair[1]]
