"""Large steps, which are still being written when the next one is worked out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chain_kit.errors import StoreError
from indexer import numbering, store
from indexer.database import open_database
from indexer.steps import Undo
from indexer.store import OutOfStepError, Store, open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.dump import dump
from tests.index_support.world import World

FIRST = DEPLOYMENT.first_block
Write = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def _everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_MANY_LOGS", 0)


@pytest.fixture
def chain() -> FakeChain:
    """A traded chain."""
    made = FakeChain()
    World(made, seed=6).run(60)
    return made


async def take(opened: Store, chain: FakeChain, first: int, last: int, span: int = 7) -> None:
    """Takes blocks in steps of some, one right after the other."""
    for start in range(first, last + 1, span):
        await opened.take(chain.forward(start, min(start + span - 1, last)))


async def fresh(chain: FakeChain, folder: Path, last: int) -> Any:
    """What an index says that took all up to a block at once."""
    async with open_store(folder / f"fresh-{last}.db", DEPLOYMENT) as opened:
        await opened.take(chain.forward(FIRST, last))
        await opened.flush()
        return await dump(opened)


class Slow:
    """Lets writes go on when it is told to; `begun` is set by each."""

    def __init__(self, opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.may = asyncio.Event(), asyncio.Event()
        write: Write = opened._write

        async def wait(*values: Any) -> None:
            self.begun.set()
            await self.may.wait()
            await write(*values)

        monkeypatch.setattr(opened, "_write", wait)


@asynccontextmanager
async def slowly(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Store, Slow]]:
    """A store whose writes wait."""
    async with open_store(database, DEPLOYMENT) as opened:
        yield opened, Slow(opened, monkeypatch)


@pytest.mark.parametrize("kept", [1, 40, 100_000])
async def test_the_rows_are_those_of_one_step(
    database_url: str, chain: FakeChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """However little is remembered of holdings, and so however often the database has to be asked."""
    monkeypatch.setattr(numbering, "HOLDINGS_KEPT", kept)
    monkeypatch.setattr(numbering, "ACCOUNTS_KEPT", kept)
    async with open_store(database_url, DEPLOYMENT) as opened:
        await take(opened, chain, FIRST, chain.tip.number)
        await opened.flush()
        assert await dump(opened) == await fresh(chain, tmp_path, chain.tip.number)


async def test_closing_writes_what_was_taken(database_url: str, chain: FakeChain) -> None:
    """Nothing has to be flushed by hand."""
    async with open_store(database_url, DEPLOYMENT) as opened:
        await take(opened, chain, FIRST, 40)
    async with open_database(database_url) as found, open_store(database_url, DEPLOYMENT) as again:
        assert found.deployment == DEPLOYMENT
        assert await again.tip() == chain.blocks[40]


async def test_the_tip_is_what_was_taken(
    database_url: str, chain: FakeChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source goes on from there at once; the headers are those that are written by then."""
    async with slowly(database_url, monkeypatch) as (opened, slow):
        await opened.take(chain.forward(FIRST, 20))
        assert await opened.tip() == chain.blocks[20]
        headers = asyncio.create_task(opened.headers(FIRST, 30))
        await slow.begun.wait()
        assert not headers.done()
        slow.may.set()
        assert await headers == chain.blocks[FIRST:21]


async def test_an_undo_waits_for_what_is_being_written(
    database_url: str, chain: FakeChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken back by the prover in between, the index is as one that never had it, and goes on."""
    async with slowly(database_url, monkeypatch) as (opened, slow):
        await opened.take(chain.forward(FIRST, 20))
        undoing = asyncio.create_task(opened.take(Undo(12, chain.head)))
        await slow.begun.wait()
        slow.may.set()
        await undoing
        assert await opened.tip() == chain.blocks[12]
        await take(opened, chain, 13, 30)
        await opened.flush()
        assert await dump(opened) == await fresh(chain, tmp_path, 30)


async def test_a_step_that_was_overtaken_is_taken_again(
    database_url: str, chain: FakeChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks that are taken back before it is written make it out of step; then it goes on from the tip."""
    async with open_store(database_url, DEPLOYMENT) as opened:
        await take(opened, chain, FIRST, 20)
        await opened.flush()
        slow = Slow(opened, monkeypatch)
        await opened.take(chain.forward(21, 25))
        await slow.begun.wait()
        async with opened.writing() as connection:
            await opened._take_back(connection, Undo(12, chain.head))
        slow.may.set()
        with pytest.raises(OutOfStepError):
            await opened.take(chain.forward(26, 30))
        assert await opened.tip() == chain.blocks[12]
        await take(opened, chain, 13, 30)
        await opened.flush()
        assert await dump(opened) == await fresh(chain, tmp_path, 30)


async def test_who_took_it_hears_that_it_failed(
    database_url: str, chain: FakeChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the next step, once; who only reads meanwhile does not; nothing of it is there, and it can go on."""
    async with open_store(database_url, DEPLOYMENT) as opened:
        await take(opened, chain, FIRST, 20)
        await opened.flush()
        write: Write = opened._write

        async def fail(*_: Any) -> None:
            opened._forget()
            raise StoreError("the disk is full")

        monkeypatch.setattr(opened, "_write", fail)
        await opened.take(chain.forward(21, 25))
        assert await opened.headers(19, 30) == chain.blocks[19:21]
        monkeypatch.setattr(opened, "_write", write)
        with pytest.raises(StoreError, match="the disk is full"):
            await opened.take(chain.forward(26, 30))
        assert await opened.tip() == chain.blocks[20]
        await opened.take(chain.forward(21, 30))
        await opened.flush()
        assert await opened.headers(29, 40) == chain.blocks[29:31]


async def test_giving_up_waiting_does_not_stop_the_writing(
    database_url: str, chain: FakeChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question that is cancelled leaves the step that it waited for as it is."""
    async with slowly(database_url, monkeypatch) as (opened, slow):
        await opened.take(chain.forward(FIRST, 20))
        asking = asyncio.create_task(opened.headers(FIRST, 20))
        await slow.begun.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        slow.may.set()
        await opened.flush()
        assert await opened.headers(20, 20) == [chain.blocks[20]]
