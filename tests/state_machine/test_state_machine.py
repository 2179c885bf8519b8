"""Schedules of keepers, chain, pool, thieves and kills: each intent takes effect once, and all settles.

`STATE_MACHINE_SEEDS=N` plays the seeds 0 to N-1, ten schedules each (500 are the 5,000 of a long run); those
of `seeds.txt` always run. A failure prints the shortest schedule that fails and the command that replays it.
"""

from __future__ import annotations

import os

import pytest

from tests.state_machine.play import SCHEDULES, play, seeds_of_failures

_DEFAULT_SEEDS = 20
_SEEDS = range(int(os.environ.get("STATE_MACHINE_SEEDS", _DEFAULT_SEEDS)))


@pytest.mark.parametrize("seed", seeds_of_failures())
def test_what_failed_once(seed: int) -> None:
    """The seeds that found something stay found."""
    assert play(seed) >= SCHEDULES


@pytest.mark.parametrize("seed", _SEEDS)
def test_each_intent_takes_effect_once(seed: int) -> None:
    """Whatever happens: no doubles, no gaps, nothing terminal too soon, nothing spent beyond its worth."""
    assert play(seed) >= SCHEDULES
