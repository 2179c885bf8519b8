from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit import toolchain
from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import JsonRpc
from indexer.database import open_database
from indexer.deployment import Deployment
from indexer.rpc import ChainRpc
from indexer.verify import verify
from tests.index_support.dump import dump
from tests.index_support.indexing import fresh_dump
from tests.index_support.market import LiveMarket
from tests.keeper_support.kit import START
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]


class Processes:
    """Index processes, one at a time."""

    def __init__(self, process: asyncio.subprocess.Process, config: dict[str, Any]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        self._config = config

    async def _line(self) -> list[str]:
        async with asyncio.timeout(60):
            return (await self._stdout.readline()).decode().split()

    async def _start(self) -> int:
        self._stdin.write(json.dumps(self._config).encode() + b"\n")
        # What one that was killed too late still had to say comes first.
        while (words := await self._line())[0] != "pid":
            pass
        return int(words[1])

    async def _end(self) -> str:
        while (words := await self._line())[0] != "ended":
            pass
        return words[1]

    async def finish(self) -> None:
        """Runs one to its good end."""
        await self._start()
        assert await self._end() == "0"

    async def kill(self, steps: int, delay_seconds: float) -> bool:
        """Runs one and kills it a moment after it has taken so many steps; whether it was still at work."""
        pid = await self._start()
        for _ in range(steps):
            words = await self._line()
            if words[0] in ("head", "ended"):
                break
        await asyncio.sleep(delay_seconds)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return await self._end() == "killed"


@pytest.fixture
async def market() -> AsyncIterator[LiveMarket]:
    """A traded market on an anvil of its own."""
    async with Anvil(timestamp=START) as anvil:
        made = await LiveMarket.deploy(anvil, seed=21)
        await made.trade(90)
        yield made


async def _processes(
    url: str, deployment: Deployment, database: str
) -> tuple[asyncio.subprocess.Process, Processes]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.index_support.index_process",
        cwd=toolchain.root(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    config = {"url": url, "deployment": deployment.to_json(), "database": database, "span": 2}
    return process, Processes(process, config)


async def _kill_and_compare(market: LiveMarket, database: str, folder: Path, kills: int) -> None:
    """Kills indexers at seeded instants while the chain goes on and turns, until so many were at work."""
    anvil, deployment = market.kit.anvil, market.deployment
    chance = random.Random(5)
    process, processes = await _processes(anvil.url, deployment, database)
    met = 0
    try:
        for _ in range(3 * kills):
            met += await processes.kill(chance.randint(1, 3), chance.choice((0, 0.001, 0.004, 0.01)))
            what = chance.random()
            if what < 0.15:
                await anvil.reorg(chance.randint(1, 12))
            if what < 0.6:
                await market.trade(chance.randint(1, 4))
            if met == kills:
                break
        assert met == kills
        await processes.finish()
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
    async with JsonRpc(anvil.url) as rpc, open_database(database) as index:
        assert await dump(index) == await fresh_dump(anvil.url, deployment, folder)
        (await verify(index, ChainRpc([rpc]))).require_ok()


async def test_killed_at_any_instant_it_ends_as_if_it_had_not_been(
    market: LiveMarket, tmp_path: Path
) -> None:
    """After 25 times kill -9, between steps and within them, every row is as in an undisturbed run."""
    await _kill_and_compare(market, str(tmp_path / "index.db"), tmp_path, kills=25)


async def test_killed_while_it_writes_to_postgresql(
    market: LiveMarket, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    """The same there: the server takes the dead writer's lock back, and its half transaction."""
    await _kill_and_compare(market, postgres_server.new_database(), tmp_path, kills=10)
