"""From mined to visible: how long until another connection to the database sees a block that anvil has mined.

One process mines a block, hears from anvil that it is mined, and looks at the database until the block is
there, all by one clock. What is looked at is the index, or the floor of `index_live_floor`, in turn.
"""

from __future__ import annotations

import asyncio
import http.client
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from indexer.deployment import Deployment
from tests.benchmarks.index_busy import Live, live_chain
from tests.benchmarks.index_runs import environment

__all__ = ["Latency", "measure"]

_LOOK_SECONDS = 0.0002
_MOST_SECONDS = 10.0
_START_SECONDS = 30.0
_CURSOR = "SELECT block_number FROM cursor"
_FIRST = 20
"""Blocks that are not counted: connections and caches are new."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds from mined to visible, of that many blocks."""

    blocks: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """Of what was measured."""
        ordered = sorted(1000 * one for one in seconds)
        at = [ordered[min(len(ordered) - 1, len(ordered) * part // 100)] for part in (50, 99)]
        return cls(len(ordered), round(at[0], 2), round(at[1], 2), round(ordered[-1], 2))


async def measure(folder: Path, blocks: int) -> dict[str, Latency]:
    """The floor's and the index's, one after the other on one chain."""
    async with live_chain() as live:
        url = live.busy.anvil.url.replace("http", "ws")
        facts, manifest = folder / "live.json", folder / "live-manifest.json"
        deployment = Deployment.from_manifest(live.busy.manifest)
        facts.write_bytes(orjson.dumps({"addresses": list(deployment.contracts())}))
        live.busy.manifest.save(manifest)
        floor = ["tests.benchmarks.index_live_floor", url, str(facts)]
        urls = f"{live.busy.anvil.url},{url}"
        index = [
            "chain_kit.cli.app",
            "index",
            "run",
            "--rpc-url",
            urls,
            "--deployment",
            str(manifest),
            "--db",
        ]
        return {
            "floor": await _followed(live, floor, _fresh(folder / "live-floor.db"), blocks),
            "index": await _followed(live, index, _fresh(folder / "live-index.db"), blocks),
        }


async def _followed(live: Live, module: Sequence[str], database: Path, blocks: int) -> Latency:
    command = [sys.executable, "-m", *module, str(database)]
    with _running(command, database.with_suffix(".txt")), closing(_Watch(live, database)) as watch:
        seconds = [await watch.seconds() for _ in range(blocks + _FIRST)]
    return Latency.of(seconds[_FIRST:])


def _fresh(database: Path) -> Path:
    for old in database.parent.glob(f"{database.name}*"):
        old.unlink()
    return database


class _Watch:
    """Mines what is traded, and looks when it is there."""

    def __init__(self, live: Live, database: Path) -> None:
        self._live = live
        self._chance = random.Random(1)
        self._anvil = http.client.HTTPConnection(urlsplit(live.busy.anvil.url).netloc)
        self._connection = _opened(database)

    def close(self) -> None:
        """Closes its connections."""
        self._anvil.close()
        self._connection.close()

    async def seconds(self) -> float:
        """From the moment at which anvil says that a block is mined until the database shows it."""
        await asyncio.sleep(self._chance.uniform(0.01, 0.05))
        timestamp = await self._live.prepare()
        number = self._mine(timestamp)
        mined = time.perf_counter()
        while self._connection.execute(_CURSOR).fetchone()[0] < number:
            if time.perf_counter() - mined > _MOST_SECONDS:
                raise TimeoutError(f"block {number} does not become visible")
            time.sleep(_LOOK_SECONDS)  # noqa: ASYNC251 - nothing else is to run here
        return time.perf_counter() - mined

    def _mine(self, timestamp: int) -> int:
        # Without asyncio, which would hear of the answer later.
        asked = {"jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": [hex(timestamp)]}
        headers = {"content-type": "application/json"}
        self._anvil.request("POST", "/", orjson.dumps(asked), headers)
        answer = orjson.loads(self._anvil.getresponse().read())
        assert answer["result"] == "0x0", answer
        self._live.number += 1
        return self._live.number


def _opened(database: Path) -> sqlite3.Connection:
    """As soon as there is something to look at."""
    until = time.perf_counter() + _START_SECONDS
    while True:
        try:
            connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
            connection.execute(_CURSOR).fetchone()[0]
        except (sqlite3.OperationalError, TypeError):
            if time.perf_counter() > until:
                raise
            time.sleep(0.05)
        else:
            return connection


@contextmanager
def _running(command: Sequence[str], said: Path) -> Iterator[None]:
    """A process that is ended afterwards. Raises RuntimeError with what it said if it has ended before."""
    with said.open("wb") as file:
        process = subprocess.Popen(command, env=environment(), stdout=file, stderr=subprocess.STDOUT)
        try:
            yield
            if process.poll() is not None:
                raise RuntimeError(f"{command} ended: {said.read_text()[-2000:]}")
        finally:
            process.terminate()
            process.wait(timeout=20)
