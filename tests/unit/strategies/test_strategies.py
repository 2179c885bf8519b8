from __future__ import annotations

import pytest

import chain_kit.strategies
from chain_kit.strategies import STRATEGIES
from tests.unit.strategies.views import quotes_at_price, view


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_is_called_what_it_is_found_by(name: str) -> None:
    """And can be had without settings."""
    assert STRATEGIES[name]().name == name


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_same_view_gives_the_same_answer(name: str) -> None:
    """Nothing is remembered: a restart changes nothing."""
    strategy = STRATEGIES[name]()
    seen = view(quotes=quotes_at_price(10**17))

    assert strategy.signal(seen) is not None
    assert strategy.signal(seen) == strategy.signal(seen) == STRATEGIES[name]().signal(seen)


def test_the_public_names_are_there() -> None:
    """Each once, in order."""
    names = chain_kit.strategies.__all__

    assert [name for name in names if not hasattr(chain_kit.strategies, name)] == []
    assert len(set(names)) == len(names)
