from __future__ import annotations

import json
import sys

import pytest

from chain_kit.cli.index_progress import Shown
from indexer.tail import Progress

STEPS = (Progress(50, 100, events=7), Progress(100, 100, events=3), Progress(101, 101, events=2))


def test_programs_get_a_line_of_json_for_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, and nothing else there."""
    with Shown(json=True) as shown:
        shown.say("talk")
        shown.step(STEPS[0])
        shown.step(Progress(40, 100, undone=10))
    said = capsys.readouterr()
    assert [json.loads(line) for line in said.out.splitlines()] == [
        {"event": "indexed", "block": 50, "head": 100, "events": 7, "undone": 0},
        {"event": "undone", "block": 40, "head": 100, "events": 0, "undone": 10},
    ]
    assert said.err == "talk\n"


def test_without_a_terminal_people_get_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Of steps that did something."""
    with Shown(json=False) as shown:
        for step in (*STEPS, Progress(102, 102), Progress(99, 102, undone=3)):
            shown.step(step)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "block 50 of 100: 7 events",
        "block 100 of 100: 3 events",
        "block 101 of 101: 2 events",
        "block 99 of 102: 3 blocks undone",
    ]


def test_on_a_terminal_a_bar_leads_to_the_head(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then a line says so, and from there each block has its own; talk is not swallowed by the bar."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Shown(json=False) as shown:
        shown.step(STEPS[0])
        shown.say("node is left: [it] lied")
        shown.step(STEPS[1])
        shown.step(STEPS[2])
    said = capsys.readouterr().err
    assert "node is left: [it] lied" in said
    assert "block 100 of 100: at the head, 10 events taken" in said
    assert said.endswith("block 101 of 101: 2 events\n")
    assert "block 50 of 100: 7 events" not in said
