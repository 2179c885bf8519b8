"""Seeded runs of chain, faults and kills: after each the index is right, or has said that it is not ready.

`SIMULATOR_SEEDS=N` runs the seeds 0 to N-1; those of `seeds.txt` always run. A failure prints its schedule,
what the index told, and the command that replays it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.simulator.replay import replay, seeds_of_failures

_DEFAULT_SEEDS = 300
_BATCH = 5
_SEEDS = range(int(os.environ.get("SIMULATOR_SEEDS", _DEFAULT_SEEDS)))


@pytest.mark.parametrize("seed", seeds_of_failures())
def test_what_failed_once(seed: int, tmp_path: Path) -> None:
    """The seeds that found something stay found."""
    replay(seed, tmp_path)


@pytest.mark.parametrize("first", _SEEDS[::_BATCH])
def test_never_wrong_and_called_verified(first: int, tmp_path: Path) -> None:
    """Whatever happens, no false answer is called verified; once it is over, the index heals by itself."""
    outcomes = [replay(seed, tmp_path / str(seed)) for seed in _SEEDS[first : first + _BATCH]]
    assert all(outcome.verified for outcome in outcomes)
