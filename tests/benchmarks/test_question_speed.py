"""How long the three questions take, against what they cannot do without: importing typer and sqlmodel."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system_support.cli import command, environment
from tests.system_support.demo import DemoRun, shared_demo

FLOOR = [sys.executable, "-c", "import typer, sqlmodel"]
MOST = 1.5
TRIES = 8
ROUNDS = 3
HEAVY = (
    *("ape", "web3", "eth_account", "eth_abi", "httpx", "pandas", "IPython"),
    *("alembic", "fastapi", "msgspec", "trie"),
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """A demo's database."""
    return shared_demo(tmp_path_factory)


def _questions(demo: DemoRun) -> dict[str, list[str]]:
    account = demo.document["accounts"][0]["account"]
    asked = (("epochs", "BTC"), ("positions", account), ("reserve",))
    return {words[0]: command(*words, "--db", demo.database, "--json") for words in asked}


class _Stopwatch:
    """Times commands. Everything is compiled to bytecode first, as it is for whoever asks a second time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        self._environment = environment(bytecode)

    def seconds(self, words: list[str]) -> float:
        """How long a command takes."""
        began = time.perf_counter()
        subprocess.run(words, cwd=self._folder, env=self._environment, check=True, capture_output=True)
        return time.perf_counter() - began

    def medians(self, commands: dict[str, list[str]]) -> dict[str, float]:
        """How long each takes: the median of rounds in which they take turns."""
        rounds = [{name: self.seconds(words) for name, words in commands.items()} for _ in range(ROUNDS)]
        return {name: statistics.median(one[name] for one in rounds) for name in commands}


@pytest.mark.slow
def test_a_question_costs_little_more_than_its_imports(demo: DemoRun, tmp_path: Path) -> None:
    """Each takes at most one and a half times the floor.

    A machine that has other things to do is given several tries.
    """
    commands = {"floor": FLOOR, **_questions(demo)}
    watch = _Stopwatch(tmp_path)
    for words in commands.values():
        watch.seconds(words)
    tries: list[dict[str, float]] = []
    while not tries or (max(tries[-1].values()) > MOST and len(tries) < TRIES):
        medians = watch.medians(commands)
        tries.append({name: round(medians[name] / medians["floor"], 2) for name in commands})

    assert max(tries[-1].values()) <= MOST, tries


@pytest.mark.parametrize("question", ["epochs", "positions", "reserve"])
def test_a_question_loads_nothing_heavy(demo: DemoRun, question: str) -> None:
    """Neither ape nor web3 nor what signs or encodes is imported for an answer."""
    words = _questions(demo)[question]
    done = subprocess.run(
        [words[0], "-X", "importtime", *words[1:]],
        cwd=demo.folder,
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "sqlmodel" in loaded
    assert loaded.isdisjoint(HEAVY)
