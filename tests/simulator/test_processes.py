"""The same with real processes and sockets: two writers, kill -9, WebSockets that break, false answers."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from chain_kit import toolchain
from chain_kit.errors import StoreError
from indexer.database import open_database
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.node import FakeNode
from tests.index_support.world import World
from tests.simulator.referee import Referee
from tests.simulator.stack import why_not_ready

_STEPS = 8
_DEEPEST = 20


class Writers:
    """Processes that want to write one database; one of them does."""

    def __init__(self, process: asyncio.subprocess.Process, config: dict[str, Any]) -> None:
        self._process = process
        self._config = config
        self._pids: list[int] = []
        self.opened: list[int] = []
        """Those that had the database, in their order."""
        self.open = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            word, number = line.decode().split()
            (self._pids if word == "pid" else self.opened).append(int(number))
            if self.opened:
                self.open.set()

    def start(self) -> None:
        """One more."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._config).encode() + b"\n")

    def kill(self) -> None:
        """The one that writes, or wrote last; another comes to wait."""
        if self.opened:
            with suppress(ProcessLookupError):
                os.kill(self.opened[-1], signal.SIGKILL)
        self.start()

    async def end(self) -> None:
        """All of them."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        # As long as one of them lives, there may be more to hear.
        while not self._listening.done():
            for pid in self._pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.wait([self._listening], timeout=0.05)
        await self._process.wait()


@asynccontextmanager
async def _writers(nodes: list[FakeNode], database: Path) -> AsyncIterator[Writers]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.simulator.process",
        cwd=toolchain.root(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    urls = [node.url for node in nodes] + [nodes[0].ws_url]
    writers = Writers(process, {"urls": urls, "deployment": DEPLOYMENT.to_json(), "database": str(database)})
    try:
        writers.start()
        writers.start()
        yield writers
    finally:
        await writers.end()


class _Run:
    """A chain that goes on, and what befalls its index."""

    def __init__(self, seed: int, path: Path) -> None:
        self.chance = random.Random(seed)
        self.world = World(FakeChain(finality=40), seed)
        self.world.run(40)
        self.referee = Referee(self.world)
        self.path = path
        self.lying = False

    def lie(self, method: str, _: list[Any], result: Any) -> Any:
        """Now and then a log is missing."""
        if self.lying and method == "eth_getLogs" and result and self.chance.random() < 0.5:
            return result[:-1]
        return result

    async def step(self, nodes: list[FakeNode], writers: Writers) -> None:
        """Something happens, and the answers are looked at."""
        what = self.chance.choice(["mine", "reorg", "kill", "kill", "drop", "lie", "fail"])
        if what == "reorg":
            self.world.rewind(self.chance.randint(1, _DEEPEST))
        elif what == "kill":
            writers.kill()
        elif what == "drop":
            nodes[0].drop_sockets()
        elif what == "lie":
            self.lying = not self.lying
        elif what == "fail":
            nodes[0].faults.extend([lambda _: (503, b""), lambda _: None, lambda _: (200, b"<html>")])
        self.world.run(self.chance.randint(1, 6))
        await asyncio.sleep(self.chance.choice((0.0, 0.02, 0.3)))
        with suppress(StoreError):
            async with open_database(self.path) as database:
                await self.referee.judge(database, self.world.accounts[:1])

    async def heals(self) -> None:
        """Until it says that it is ready at the tip, and everything is verified and right."""
        while True:
            with suppress(StoreError):
                async with open_database(self.path) as database:
                    if not await why_not_ready(database, self.world.chain.tip):
                        before = self.referee.unverified
                        await self.referee.judge(database, self.world.accounts)
                        assert self.referee.unverified == before
                        return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("seed", range(4))
async def test_processes_that_are_killed(seed: int, tmp_path: Path) -> None:
    """Of several writers one writes; whichever is killed, no false answer is called verified."""
    run = _Run(seed, tmp_path / "index.db")
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(FakeNode(run.world.chain)) for _ in range(2)]
        nodes[1].lies.append(run.lie)
        writers = await stack.enter_async_context(_writers(nodes, run.path))
        async with asyncio.timeout(120):
            await writers.open.wait()
            for _ in range(_STEPS):
                await run.step(nodes, writers)
            run.lying = False
            writers.kill()
            run.world.run(1)
            await run.heals()
        assert len(writers.opened) > 1
        assert len(set(writers.opened)) == len(writers.opened)
