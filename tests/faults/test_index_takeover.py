from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import text

from chain_kit import toolchain
from chain_kit.errors import StoreLockedError
from chain_kit.units import format_units
from indexer.engine import sqlite_path
from indexer.queries import open_database, reserve
from indexer.store import Store, open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.node import FakeNode
from tests.index_support.world import World
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

TAKEOVER_SECONDS = 10


class Writer:
    """An index process that follows a node until it is killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        self._stdout = process.stdout
        self.pid = 0

    async def hear(self, word: str) -> int:
        """Until it says that; the number after it."""
        while True:
            words = (await self._stdout.readline()).decode().split()
            if words[0] == word:
                return int(words[1])
            assert words[0] != "ended", words

    async def reach(self, block: int) -> None:
        """Until it has indexed that block."""
        while await self.hear("block") < block:
            pass


@asynccontextmanager
async def writing(config: dict[str, Any]) -> AsyncIterator[Writer]:
    """A writer; killed at the end, should it still live."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.index_support.index_process",
        cwd=toolchain.root(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps(config).encode() + b"\n")
    writer = Writer(process)
    writer.pid = await writer.hear("pid")
    try:
        yield writer
    finally:
        with suppress(ProcessLookupError):
            os.kill(writer.pid, signal.SIGKILL)
        process.stdin.close()
        await process.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Any) -> str:
    """An empty place for an index, in each of the two databases."""
    if request.param == "sqlite":
        return str(tmp_path / "index.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


async def test_the_other_writer_takes_over_when_one_is_killed(database: str) -> None:
    """Of two writers one works; killed by -9, the other goes on within ten seconds, and nothing is twice."""
    chain = FakeChain()
    world = World(chain, seed=3)
    world.run(40)
    async with FakeNode(chain) as node:
        config = {"url": node.url, "deployment": DEPLOYMENT.to_json(), "database": database, "span": 50}
        async with writing(config | {"stay": True}) as first:
            await first.reach(chain.tip.number)
            async with writing(config | {"stay": True}) as second:
                world.run(10)
                await first.reach(chain.tip.number)
                os.kill(first.pid, signal.SIGKILL)
                world.run(10)
                async with asyncio.timeout(TAKEOVER_SECONDS):
                    await second.reach(chain.tip.number)
        async with open_database(database) as index:
            answer = await reserve(index)
    assert answer["block_hash"] == chain.tip.hash
    assert answer["hub"]["reserve"] == format_units(world.books.hub_tokens, 18)


async def test_a_writer_that_was_overtaken_stops(database: str) -> None:
    """One that has lost its lock without a word is refused once another has begun, and changes nothing."""
    chain = FakeChain()
    World(chain, seed=4).run(20)
    async with open_store(database, DEPLOYMENT) as store:
        await store.take(chain.forward(DEPLOYMENT.first_block, 10))
        await lose_lock(store)
        async with open_store(database, DEPLOYMENT) as other:
            await other.take(chain.forward(11, 12))
            with pytest.raises(StoreLockedError, match="another process has taken over"):
                await store.take(chain.forward(11, 13))
            with pytest.raises(StoreLockedError, match="another process has taken over"):
                await store.note_head(chain.head)
            assert (await other.tip()) == chain.blocks[12]


async def lose_lock(store: Store) -> None:
    """What an administrator does who tidies up: the lock's file is gone, or its session."""
    path = sqlite_path(store.url)
    if path is not None:
        path.with_name(path.name + ".lock").unlink()
        return
    async with store.snapshot() as connection:
        held = "locktype = 'advisory' AND granted"
        await connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {held}"))  # noqa: S608
