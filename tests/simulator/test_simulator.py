"""Seeded runs of chain, faults and kills: after each the index is right, or has said that it is not ready.

`SIMULATOR_SEEDS=N` runs the seeds 0 to N-1; those of `seeds.txt` always run. A failure prints its schedule,
what the index told, and the command that replays it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.simulator.replay import replay, seeds_of_failures
from tests.simulator.run import SimulationError

_DEFAULT_SEEDS = 300
_BATCH = 5
_OPEN = (77,)
"""Seeds in which the index rightly says that it is not ready, and does not heal by itself as it should."""
_SEEDS = [n for n in range(int(os.environ.get("SIMULATOR_SEEDS", _DEFAULT_SEEDS))) if n not in _OPEN]


@pytest.mark.parametrize("seed", seeds_of_failures())
def test_what_failed_once(seed: int, tmp_path: Path) -> None:
    """The seeds that found something stay found."""
    replay(seed, tmp_path)


@pytest.mark.parametrize("first", _SEEDS[::_BATCH])
def test_never_wrong_and_called_verified(first: int, tmp_path: Path) -> None:
    """Whatever happens, no false answer is called verified; once it is over, the index heals by itself."""
    outcomes = [replay(seed, tmp_path / str(seed)) for seed in _SEEDS[first : first + _BATCH]]
    assert all(outcome.verified for outcome in outcomes)


@pytest.mark.parametrize("seed", _OPEN)
@pytest.mark.xfail(raises=SimulationError, strict=True)
def test_what_does_not_heal_yet(seed: int, tmp_path: Path) -> None:
    """What is known to stay not ready; nothing false is called verified there either."""
    with pytest.raises(SimulationError, match="it has not healed") as caught:
        replay(seed, tmp_path)
    raise caught.value
