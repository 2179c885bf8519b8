"""The demo while its processes are killed, and when it is killed itself."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.system_support.cli import TIMEOUT_SECONDS, Said, command, environment
from tests.system_support.demo import DemoRun, comparable, run_demo
from tests.system_support.processes import below, still_running

OPTIONS = ("--epochs", 6, "--seed", 7, "--json")
KILLS = 20
CHILDREN = ("index run", "keeper resolve", "keeper claim")


class _Killer(threading.Thread):
    """Kills children of a demo at random instants, as often as `times`, while the demo runs."""

    def __init__(self, demo: psutil.Process, seed: int, times: int) -> None:
        super().__init__(daemon=True)
        self._demo = demo
        self._chance = random.Random(seed)
        self._times = times
        self.killed: Counter[str] = Counter()
        self.finished = threading.Event()

    def run(self) -> None:
        while self.killed.total() < self._times and not self.finished.is_set():
            # Drawn instants are what this is about: there is no event to wait for.
            self.finished.wait(self._chance.uniform(0.05, 0.8))
            victims = _children(self._demo)
            if victims:
                name = self._chance.choice(sorted(victims))
                self._kill(name, victims[name])

    def _kill(self, name: str, victim: psutil.Process) -> None:
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            return
        self.killed[name] += 1


def _children(demo: psutil.Process) -> dict[str, psutil.Process]:
    """The demo's keepers and its indexer that run now, by what they do."""
    found: dict[str, psutil.Process] = {}
    try:
        for child in demo.children(recursive=True):
            line = " ".join(child.cmdline())
            found |= {name: child for name in CHILDREN if f"chain_kit.cli {name}" in line}
    except psutil.NoSuchProcess:
        return {}
    return found


def _run_with_kills(folder: Path, seed: int) -> tuple[DemoRun, Counter[str]]:
    process = subprocess.Popen(
        command("demo", *OPTIONS),
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    killer = _Killer(psutil.Process(process.pid), seed, KILLS)
    killer.start()
    out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    killer.finished.set()
    killer.join()
    return DemoRun(folder, Said(process.returncode, out, err)), killer.killed


@pytest.mark.slow
def test_kills_change_nothing(tmp_path: Path) -> None:
    """Killed at random again and again, keepers and indexer end where an undisturbed run ends.

    And no intent is sent twice: each has one transaction, unless that lost its nonce and was replaced. A demo
    that ends before enough kills is followed by another.
    """
    killed: Counter[str] = Counter()
    seed = 20
    with ThreadPoolExecutor() as pool:
        calm = pool.submit(run_demo, _folder(tmp_path, "calm"), *OPTIONS)
        while killed.total() < KILLS or set(killed) != set(CHILDREN):
            seed += 1
            wild, met = _run_with_kills(_folder(tmp_path, f"wild-{seed}"), seed)
            wild.said.require()
            calm.result().said.require()
            assert met.total() > 0
            killed += met

            assert comparable(calm.result().document) == comparable(wild.document)
            assert {} == _sent_twice(wild.outbox("resolve")) | _sent_twice(wild.outbox("claim"))


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def _sent_twice(outbox: Path) -> dict[str, int]:
    """What more than one transaction of an outbox was for, such as lost their nonce left out."""
    connection = sqlite3.connect(outbox)
    rows = connection.execute(
        "SELECT action || ' ' || value FROM outbox, json_each(outbox.subjects) WHERE outcome <> 'superseded'"
    ).fetchall()
    connection.close()
    counts = Counter(subject for (subject,) in rows)
    assert counts, "the outbox is empty"
    return {subject: count for subject, count in counts.items() if count > 1}


@pytest.mark.slow
@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_demo_that_is_ended_leaves_nothing_running(tmp_path: Path, how: signal.Signals, code: int) -> None:
    """Neither Ctrl-C nor SIGKILL, which lets nobody clean up, leaves anvil, keepers or indexer behind."""
    process = subprocess.Popen(
        command("demo", "--epochs", 50, "--json"),
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_for_whole_family(process)
        family = [each.pid for each in below(process.pid)]
        process.send_signal(how)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()

    assert len(family) >= 1 + len(CHILDREN)
    assert code == process.returncode, said
    assert "Traceback" not in said
    assert [] == still_running(family)


def _wait_for_whole_family(process: subprocess.Popen[str]) -> None:
    """Until anvil and all children run."""
    demo = psutil.Process(process.pid)
    until = time.monotonic() + 90
    while len(_children(demo)) < len(CHILDREN):
        assert process.poll() is None, "the demo has ended"
        assert time.monotonic() < until, "the demo's processes did not come up"
        time.sleep(0.05)
