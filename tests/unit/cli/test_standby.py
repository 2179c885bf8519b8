from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

import indexer.store
from chain_kit.cli import standby
from chain_kit.cli.standby import store_in_turn
from chain_kit.errors import StoreLockedError
from indexer.store import open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

TRIES = 3


class Second:
    """One that would write beside another. `tried` is set when it has tried several times."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.said: list[str] = []
        self.tried, self.stop = asyncio.Event(), asyncio.Event()
        self._tries = 0

    async def index(self, chain: FakeChain, *, waits: bool = True) -> bool:
        """Takes a block when its turn comes; whether it came."""
        async with AsyncExitStack() as stack:
            store = await store_in_turn(
                stack, self.database, DEPLOYMENT, self.stop, standby=waits, say=self.said.append
            )
            if store is not None:
                await store.take(chain.forward(DEPLOYMENT.first_block))
            return store is not None

    def open(self, *words: Any, **more: Any) -> Any:
        """`open_store`, counted."""
        self._tries += 1
        if self._tries >= TRIES:
            self.tried.set()
        return open_store(*words, **more)


@pytest.fixture(params=["sqlite", "postgresql"])
def second(request: pytest.FixtureRequest, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Second:
    """A second writer with little patience, in each of the two databases."""
    database = str(tmp_path / "index.db")
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        database = server.new_database()
    found = Second(database)
    monkeypatch.setattr(indexer.store, "open_store", found.open)
    monkeypatch.setattr(standby, "_LISTEN_SECONDS", 0.01)
    monkeypatch.setattr(standby, "_LOCK_WAIT_SECONDS", 0.01)
    return found


async def test_on_standby_it_waits_and_says_so_once(second: Second) -> None:
    """While another process writes, nothing happens; when that ends, its turn has come."""
    chain = FakeChain()
    chain.mine()
    async with open_store(second.database, DEPLOYMENT) as first:
        waiting = asyncio.create_task(second.index(chain))
        async with asyncio.timeout(30):
            await second.tried.wait()
        assert await first.tip() is None
    async with asyncio.timeout(30):
        assert await waiting
    assert [line.split("; ")[1] for line in second.said] == ["on standby until that one ends"]


async def test_on_standby_it_can_be_stopped(second: Second) -> None:
    """Ctrl-C ends the wait, and the first writer goes on."""
    chain = FakeChain()
    chain.mine()
    async with open_store(second.database, DEPLOYMENT) as first:
        waiting = asyncio.create_task(second.index(chain))
        async with asyncio.timeout(30):
            await second.tried.wait()
            second.stop.set()
            assert not await waiting
        await first.take(chain.forward(DEPLOYMENT.first_block))


async def test_without_standby_it_is_refused(second: Second) -> None:
    """After a while it is told that another process writes."""
    async with open_store(second.database, DEPLOYMENT):
        with pytest.raises(StoreLockedError, match="another process is indexing"):
            await second.index(FakeChain(), waits=False)
    assert second.said == []
