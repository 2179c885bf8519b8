"""Runs of the index, the floor and a peer on one recording, each a fresh process measured from outside."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import orjson
import psutil

from chain_kit import toolchain
from tests.benchmarks.index_anvil import AnvilNode
from tests.benchmarks.index_chain import Recording

__all__ = ["Bench", "Node", "Run", "environment", "resident_mb", "run_to_end"]

_MEGABYTE = 1_000_000
_LOOK_SECONDS = 0.02
_NOT_KEPT = ("CHAIN_KIT_", "PYTHONDONTWRITEBYTECODE")
_PYTHON = sys.executable


@dataclass(frozen=True)
class Run:
    """One process from its start to its end. `events` is what its database holds afterwards."""

    seconds: float
    events: int
    rss_mb: float
    """The most that the process had resident, its children included."""
    requests: int
    """HTTP requests; a batch is one."""
    cpu_seconds: float = 0.0
    """What it computed for, its children included: says more than `seconds` on a busy machine."""

    @property
    def events_per_second(self) -> float:
        """The speed."""
        return self.events / self.seconds


class Node:
    """The replaying node, as a context manager. `head` lets it end earlier than its recording."""

    def __init__(self, folder: Path, head: int | None = None) -> None:
        last = [] if head is None else [str(head)]
        self._command = [_PYTHON, "-m", "tests.benchmarks.index_replay", str(folder), *last]
        self.url = ""

    def __enter__(self) -> Node:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
        )
        self.url = self._line().decode().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()

    def asked(self) -> dict[str, Any]:
        """What it has been asked since the last time: `requests`, `calls` by method, `bytes` sent."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        counts: dict[str, Any] = orjson.loads(self._line())
        return counts

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


class Bench:
    """Runs on a recording as a node serves it; their databases are made in `folder`."""

    def __init__(self, recording: Recording, node: Node | AnvilNode, folder: Path) -> None:
        self._recording = recording
        self._node = node
        self._folder = folder
        self._facts = folder / "facts.json"
        addresses = sorted({address for address, *_ in recording.classes})
        self._facts.write_bytes(orjson.dumps({"addresses": addresses, "head": recording.head}))

    def floor(self) -> Run:
        """The floor program."""
        return self._program("tests.benchmarks.index_floor")

    def peer(self) -> Run:
        """web3.py and an ORM."""
        return self._program("tests.benchmarks.index_peer")

    def ours(self, database: str | None = None) -> Run:
        """`chain-kit index run --once` into a fresh SQLite file, or an empty PostgreSQL database."""
        path = self._fresh("index")
        where = ["--db", database or str(path), "--deployment", str(self._recording.manifest)]
        where += ["--rpc-url", self._node.url]
        command = [_PYTHON, "-m", "chain_kit.cli.app", "index", "run", "--no-prove", "--once"]
        run = self._measured([*command, *where])
        self._require(count_postgres(database) if database else _count(path, "event"))
        return run

    def _program(self, module: str) -> Run:
        path = self._fresh("log")
        run = self._measured([_PYTHON, "-m", module, self._node.url, str(self._facts), str(path)])
        self._require(_count(path, "log"))
        return run

    def _measured(self, command: Sequence[str]) -> Run:
        self._node.asked()
        seconds, rss, cpu = run_to_end(command, self._folder / "said.txt")
        return Run(seconds, self._recording.logs, rss, self._node.asked()["requests"], cpu)

    def _require(self, events: int) -> None:
        # Nobody is fast by leaving something out. Anvil also knows of transfers that are none of ours.
        if not 1 <= events / self._recording.logs < 1.01:
            raise AssertionError(f"{events} of {self._recording.logs} events")

    def _fresh(self, name: str) -> Path:
        for path in self._folder.glob(f"{name}.db*"):
            path.unlink()
        return self._folder / f"{name}.db"


def _count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        return count


def count_postgres(url: str) -> int:
    """The events in an index."""

    async def ask() -> int:
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM event"))
        finally:
            await connection.close()

    return asyncio.run(ask())


def environment() -> dict[str, str]:
    """A child's: it finds this tree, and no setting of who runs it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_KEPT)}
    # Everything is compiled once, as it is for whoever starts a program for the second time.
    bytecode = str(toolchain.cache_folder() / "pycache")
    return kept | {"PYTHONPATH": str(toolchain.root()), "PYTHONPYCACHEPREFIX": bytecode}


def run_to_end(command: Sequence[str], said: Path) -> tuple[float, float, float]:
    """Seconds, the most megabytes resident, seconds of computing. Raises RuntimeError if it fails."""
    before = os.times()
    began, rss = time.perf_counter(), 0.0
    with (
        said.open("wb") as file,
        subprocess.Popen(
            command, env=environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        ) as process,
    ):
        seen = psutil.Process(process.pid)
        while process.poll() is None:
            rss = max(rss, resident_mb(seen))
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_SECONDS)
        seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}:\n{said.read_text()[-2000:]}")
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return seconds, rss, cpu


def resident_mb(process: psutil.Process) -> float:
    """The high-water marks of a process and its children together, as the kernel keeps them."""
    total = 0
    with suppress(psutil.NoSuchProcess, OSError):
        for one in (process, *process.children(recursive=True)):
            status = Path(f"/proc/{one.pid}/status").read_text()
            total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return total * 1024 / _MEGABYTE
