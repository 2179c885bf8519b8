"""The simulator finds what it is there to find: an index that believes too much is caught."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from indexer.proof import prover
from tests.simulator.memory import Behaviour
from tests.simulator.referee import WrongAnswerError
from tests.simulator.run import play
from tests.simulator.schedule import Behave, Mine, Pause, Schedule, draw, told

_FALSE = Behaviour(omits=1.0)


def _schedule(behaviour: Behaviour) -> Schedule:
    """One node that behaves so from the beginning."""
    steps = (Behave(0, behaviour), Pause(30.0), Mine(10, 2.0), Pause(30.0))
    return Schedule(7, blocks=60, finality=40, nodes=1, sockets=False, deposits=False, steps=steps)


@pytest.mark.parametrize("fault", ["omits", "doubles", "shuffles", "alters"])
@pytest.mark.parametrize("in_receipts", [False, True])
def test_false_logs_are_never_verified(fault: str, in_receipts: bool, tmp_path: Path) -> None:
    """Of the only node there is, in logs alone and in receipts too; afterwards all is right."""
    options: dict[str, Any] = {fault: 0.7, "in_receipts": in_receipts}
    assert play(_schedule(Behaviour(**options)), tmp_path).verified


def test_an_index_that_proves_nothing_is_caught(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the comparison with receipts, and without the contracts', a false answer is called verified."""
    monkeypatch.setattr(prover, "differences", lambda *_: [])
    monkeypatch.setattr(prover.Prover, "_reconcile", _nothing)
    with pytest.raises(WrongAnswerError):
        play(_schedule(_FALSE), tmp_path)


async def _nothing(_: prover.Prover) -> bool:
    return False


def test_a_seed_is_the_same_run_each_time(tmp_path: Path) -> None:
    """Step by step, to the digit: a failure can be replayed."""
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    first, second = (play(draw(2), folder) for folder in folders)
    assert [line.replace(str(folders[0]), "") for line in first.log] == [
        line.replace(str(folders[1]), "") for line in second.log
    ]


def test_a_schedule_can_be_read() -> None:
    """One line a step, of which what is as always is left out."""
    lines = told(_schedule(_FALSE)).splitlines()
    assert lines[0] == "seed 7: 60 blocks, 1 nodes, final after 40"
    assert lines[1].strip() == "Behave(node=0, behaviour=Behaviour(omits=1.0))"
