from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import text

from chain_kit.errors import (
    SettingError,
    StoreCorruptError,
    StoreDeploymentError,
    StoreError,
    StoreLockedError,
    StoreMissingError,
    StoreReadOnlyError,
    StoreSchemaError,
)
from indexer import engine
from indexer.blocks import Block
from indexer.database import open_database
from indexer.steps import Forward, Undo
from indexer.store import Store, open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain, address_of, raw_event
from tests.index_support.dump import dump
from tests.index_support.world import World
from tests.postgres import PostgresServer

FIRST = DEPLOYMENT.first_block


def _world(blocks: int = 120, seed: int = 1) -> World:
    world = World(FakeChain(), seed)
    world.run(blocks)
    return world


async def _take(store: Store, chain: FakeChain, ends: Sequence[int]) -> None:
    """Forward to each of `ends` in turn."""
    tip = await store.tip()
    first = FIRST if tip is None else tip.number + 1
    for last in ends:
        await store.take(chain.forward(first, last))
        first = last + 1


async def test_the_same_chain_gives_the_same_rows_however_it_is_cut(
    database_url: str, tmp_path: Path
) -> None:
    """One step over everything and a step for every block end in identical databases."""
    chain = _world().chain
    async with open_store(database_url, DEPLOYMENT) as whole:
        await whole.take(chain.forward(FIRST))
        expected = await dump(whole)
    async with open_store(tmp_path / "other.db", DEPLOYMENT) as other:
        await _take(other, chain, range(FIRST, chain.tip.number + 1))
        assert await dump(other) == expected
    assert len(expected["entry"]) > 500


async def test_undo_leaves_what_a_fresh_index_of_the_shorter_chain_has(
    database_url: str, tmp_path: Path
) -> None:
    """Blocks taken and undone leave no trace."""
    chain = _world().chain
    middle = chain.tip.number - 47
    async with open_store(tmp_path / "fresh.db", DEPLOYMENT) as fresh:
        await fresh.take(chain.forward(FIRST, middle))
        expected = await dump(fresh)
    async with open_store(database_url, DEPLOYMENT) as store:
        await _take(store, chain, [middle + 10, chain.tip.number])
        await store.take(Undo(middle, chain.head))
        assert await dump(store) == expected


async def test_after_an_undo_another_fork_is_taken(database_url: str, tmp_path: Path) -> None:
    """Undo and forward along another fork equal a fresh index of that fork."""
    world = _world()
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(world.chain.forward(FIRST))
        world.rewind(31)
        await store.take(Undo(world.chain.tip.number, world.chain.head))
        world.run(40)
        await _take(store, world.chain, [world.chain.tip.number])
        got = await dump(store)
    async with open_store(tmp_path / "fresh.db", DEPLOYMENT) as fresh:
        await fresh.take(world.chain.forward(FIRST))
        assert got == await dump(fresh)


async def test_undo_of_everything_leaves_an_empty_index(database_url: str) -> None:
    """Back to before the deployment there is no block, no holding, no entry."""
    chain = _world().chain
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        await store.take(Undo(FIRST - 1, chain.head))
        rows = await dump(store)
        assert await store.tip() is None
    left = {name: rows for name, rows in rows.items() if rows and name not in ("meta", "cursor")}
    assert left == {}


async def test_reopened_it_goes_on_where_it_was(database_url: str, tmp_path: Path) -> None:
    """Closing and opening between steps changes nothing."""
    chain = _world().chain
    async with open_store(tmp_path / "whole.db", DEPLOYMENT) as whole:
        await whole.take(chain.forward(FIRST))
        expected = await dump(whole)
    for last in (FIRST + 20, FIRST + 21, chain.tip.number):
        async with open_store(database_url, DEPLOYMENT) as store:
            await _take(store, chain, [last])
    async with open_store(database_url, DEPLOYMENT) as store:
        assert await store.tip() == chain.tip
        assert await dump(store) == expected


@pytest.mark.parametrize("wrong", ["twice", "gap", "fork", "early"])
async def test_a_step_that_does_not_follow_is_refused(database_url: str, wrong: str) -> None:
    """Blocks that are there already, or do not link to the last one, change nothing."""
    chain = _world(20).chain
    middle = FIRST + 10
    async with open_store(database_url, DEPLOYMENT) as store:
        if wrong != "early":
            await store.take(chain.forward(FIRST, middle))
        before = await dump(store)
        block = chain.blocks[middle + 1]._replace(parent_hash="0x" + "ab" * 32)
        steps = {
            "twice": chain.forward(middle, middle + 1),
            "gap": chain.forward(middle + 2),
            "fork": Forward((block,), (), chain.head),
            "early": chain.forward(FIRST - 1),
        }
        with pytest.raises(StoreError, match="does not follow"):
            await store.take(steps[wrong])
        assert await dump(store) == before


async def test_a_failed_step_leaves_nothing_and_can_be_repeated(database_url: str) -> None:
    """An error in the middle of a step rolls all of it back, caches included."""
    chain = _world(40).chain
    middle = FIRST + 20
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST, middle))
        before = await dump(store)
        good = chain.forward(middle + 1)
        # The second copy of a log violates a primary key after other rows have been written.
        twice = replace(good, logs=(*good.logs, good.logs[-1]))
        with pytest.raises(StoreError):
            await store.take(twice)
        assert await dump(store) == before
        await store.take(good)
        assert (await store.tip()) == chain.tip


async def test_amounts_beyond_64_bits_come_back_exactly(database_url: str) -> None:
    """2**256 - 1 base units are stored and read as such, and so are negative ones."""
    most = 2**256 - 1
    chain = FakeChain()
    chain.mine(raw_event("EpochHub", "Deposited", address_of("a"), address_of("a"), most))
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        entries = (await dump(store))["entry"]
    assert {row[2] for row in entries} == {most, -most}


async def test_an_unknown_event_is_kept_and_counted(database_url: str) -> None:
    """A log that no ABI knows is stored without a name and moves nothing."""
    chain = FakeChain()
    known = raw_event("EpochHub", "TradingPaused", True)
    chain.mine(replace(known, topics=("0x" + "11" * 32,)), replace(known, topics=()))
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        rows = await dump(store)
    assert [row[1] for row in rows["event"]] == [1, 2]
    assert [row[4] for row in rows["kind"]] == [None, None]
    assert rows["entry"] == []


async def test_a_symbol_that_is_not_text_does_not_stop_the_index(database_url: str) -> None:
    """Anyone may create a market: NUL and broken UTF-8 in its symbol are replaced."""
    chain = FakeChain()
    feed = b"X".ljust(32, b"\0")
    terms = (1_700_000_100, 10**20, 0, 10_000, 0, 10**20)
    market = (1, address_of("facade"), feed, address_of("creator"), "a\0b", *terms)
    created = raw_event("EpochHub", "MarketCreated", *market)
    chain.mine(created, replace(created, data=created.data.replace("610062", "61ff62")))
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        markets = (await dump(store))["market"]
    assert [row[5] for row in markets] == ["a\ufffdb", "a\ufffdb"]


async def test_the_chains_head_is_noted_without_a_step(database_url: str) -> None:
    """Where there is nothing to take, the cursor still says how far the chain was, and when."""
    chain = _world(10).chain
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        before = await dump(store)
        chain.mine_empty(3)
        await store.note_head(chain.head, 1_700_000_000_123)
        assert await dump(store) == before
        async with store.snapshot() as connection:
            query = text("SELECT block_number, head, head_hash, safe, finalized, looked_at FROM cursor")
            cursor = (await connection.execute(query)).one()
    last, tip = chain.tip.number - 3, chain.tip
    assert tuple(cursor) == (last, tip.number, tip.hash, tip.number - 1, tip.number - 2, 1_700_000_000_123)


async def test_postgresql_tells_of_every_commit(postgres_server: PostgresServer) -> None:
    """Whoever listens need not ask again and again: a step, an undo and a new head are told."""
    chain = _world(10).chain
    url = postgres_server.new_database()
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with open_store(url, DEPLOYMENT) as store:
        listener = await asyncpg.connect(url)
        try:
            await listener.add_listener("chain_kit", lambda *told: heard.put_nowait(told[2]))
            for change in (
                store.take(chain.forward(FIRST)),
                store.take(Undo(FIRST, chain.head)),
                store.note_head(chain.head),
            ):
                await change
                async with asyncio.timeout(30):
                    assert await heard.get() == "chain_kit"
        finally:
            await listener.close()


async def _break(store: Store) -> None:
    """A transaction that deletes all entries, and fails."""
    async with store.writing() as connection:
        await connection.execute(text("DELETE FROM entry"))
        raise ValueError("broken")


async def test_a_step_that_fails_after_others_forgets_what_it_learned(database_url: str) -> None:
    """A writer whose transaction another part of the process broke reads the numbers again."""
    chain = _world(60).chain
    middle = FIRST + 30
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST, middle))
        with pytest.raises(ValueError, match="broken"):
            await _break(store)
        await store.take(chain.forward(middle + 1))
        got = await dump(store)
        await store.take(Undo(FIRST - 1, chain.head))
        await store.take(chain.forward(FIRST))
        assert await dump(store) == got


async def test_writers_of_one_process_take_turns(database_url: str) -> None:
    """A step that comes while something else is written waits for it to end, however long that takes."""
    chain = _world(20).chain
    async with open_store(database_url, DEPLOYMENT) as store:
        async with store.writing() as connection:
            taking = asyncio.create_task(store.take(chain.forward(FIRST)))
            await connection.execute(text("UPDATE cursor SET head = 7"))
            await asyncio.sleep(0)
            assert not taking.done()
            assert await connection.scalar(text("SELECT count(*) FROM block")) == 0
        await taking
        assert await store.tip() == chain.tip


async def test_a_second_writer_is_refused(database_url: str) -> None:
    """While one process indexes, another one is told so."""
    async with open_store(database_url, DEPLOYMENT):
        with pytest.raises(StoreLockedError, match="another process is indexing"):
            async with open_store(database_url, DEPLOYMENT):
                pass


async def test_a_second_writer_can_wait_its_turn(database_url: str) -> None:
    """With patience it starts as soon as the first has ended."""
    started, release = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with open_store(database_url, DEPLOYMENT):
            started.set()
            await release.wait()

    async def second() -> Block | None:
        async with open_store(database_url, DEPLOYMENT, wait_seconds=30) as store:
            return await store.tip()

    holding = asyncio.create_task(first())
    await started.wait()
    waiting = asyncio.create_task(second())
    release.set()
    await holding
    assert await waiting is None


async def test_readers_see_whole_steps_while_it_is_written(database_url: str) -> None:
    """A view that was begun before a step does not change under its reader."""
    chain = _world(30).chain
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST, FIRST + 5))
        count = text("SELECT count(*) FROM block")
        async with open_database(database_url) as reader:
            async with reader.snapshot() as connection:
                before = await connection.scalar(count)
                await store.take(chain.forward(FIRST + 6))
                assert await connection.scalar(count) == before == 6
            async with reader.snapshot() as connection:
                assert await connection.scalar(count) == len(chain.blocks) - FIRST


@pytest.mark.parametrize("change", ["hub", "chain_id", "genesis_hash"])
async def test_a_database_of_another_deployment_is_refused(database_url: str, change: str) -> None:
    """Neither written nor read; the message names what differs."""
    async with open_store(database_url, DEPLOYMENT):
        pass
    others = {
        "hub": replace(DEPLOYMENT, hub=address_of("another hub")),
        "chain_id": replace(DEPLOYMENT, chain_id=8453),
        "genesis_hash": replace(DEPLOYMENT, genesis_hash="0x" + "99" * 32),
    }
    other = others[change]
    with pytest.raises(StoreDeploymentError, match=change):
        async with open_store(database_url, other):
            pass
    with pytest.raises(StoreDeploymentError, match=change):
        async with open_database(database_url, deployment=other):
            pass


@pytest.mark.parametrize(("version", "advice"), [("2", "index run"), ("99", "newer")])
async def test_a_reader_refuses_another_schema(database_url: str, version: str, advice: str) -> None:
    """An older or newer version's database is named as such, with what to do about it."""
    await _stamp(database_url, version)
    with pytest.raises(StoreSchemaError, match=f"schema {version}") as caught:
        async with open_database(database_url):
            pass
    assert advice in caught.value.hint


async def test_a_writer_leaves_a_newer_schema_alone(database_url: str) -> None:
    """What a later release has written is refused, and stays as it was."""
    await _stamp(database_url, "99")
    with pytest.raises(StoreSchemaError, match="schema 99"):
        async with open_store(database_url, DEPLOYMENT):
            pass
    with pytest.raises(StoreSchemaError, match="schema 99"):
        async with open_database(database_url):
            pass


async def _stamp(database_url: str, version: str) -> None:
    async with open_store(database_url, DEPLOYMENT) as store, store.writing() as connection:
        stamp = text("UPDATE alembic_version SET version_num = :version")
        await connection.execute(stamp, {"version": version})


async def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    """A SQLite file with other tables is not taken for an empty one."""
    path = tmp_path / "outbox.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE intent (id INTEGER)")
    with pytest.raises(StoreSchemaError):
        async with open_store(path, DEPLOYMENT):
            pass


async def test_reading_a_database_that_is_not_there(tmp_path: Path) -> None:
    """A question does not create a database."""
    path = tmp_path / "none.db"
    with pytest.raises(StoreMissingError, match=r"none\.db"):
        async with open_database(path):
            pass
    assert not path.exists()


async def test_writing_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The folder is not created, and is named."""
    with pytest.raises(StoreMissingError, match="no place for a database"):
        async with open_store(tmp_path / "no" / "index.db", DEPLOYMENT):
            pass


@pytest.mark.parametrize("content", [b"price,volume\n1,2\n", b"SQLite format 3\x00" + b"\xff" * 4096])
async def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    """Text, and a file that only begins like a database, are called corrupt and left as they are."""
    path = tmp_path / "index.db"
    path.write_bytes(content)
    for opening in (open_store(path, DEPLOYMENT), open_database(path)):
        with pytest.raises(StoreCorruptError, match=r"index\.db"):
            async with opening:
                pass
    assert path.read_bytes() == content


async def test_a_database_that_breaks_later(tmp_path: Path) -> None:
    """Pages that are overwritten show as a corrupt database, not as a traceback of the driver."""
    path = tmp_path / "index.db"
    chain = _world(40).chain
    async with open_store(path, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\x5a" * (len(whole) - 4096))
    with pytest.raises(StoreCorruptError):
        async with open_database(path) as database:
            await dump(database)


async def test_a_database_that_another_program_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that does not go away is reported; the index stays as it was."""
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    path = tmp_path / "index.db"
    chain = _world(5).chain
    async with open_store(path, DEPLOYMENT) as store:
        blocker = sqlite3.connect(path)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLockedError, match="locked"):
            await store.take(chain.forward(FIRST))
        blocker.rollback()
        blocker.close()
        await store.take(chain.forward(FIRST))
        assert await store.tip() == chain.tip


_AS_NOBODY = """
import asyncio, os, sys
import aiosqlite
from indexer.deployment import Deployment
from indexer.store import open_store

async def main():
    async with open_store(sys.argv[1], Deployment.from_json(sys.argv[2])):
        print("opened")

if os.geteuid() == 0:  # who may write everything
    os.setgid(65534)
    os.setuid(65534)
asyncio.run(main())
"""


def _protect(path: Path, what: str) -> None:
    path.with_name(path.name + ".lock").chmod(0o666)
    path.parent.chmod(0o777 if what == "file" else 0o555)
    path.chmod(0o444 if what == "file" else 0o666)


@pytest.mark.parametrize("protect", ["file", "folder"])
async def test_a_database_that_cannot_be_written(protect: str) -> None:
    """Without the right to write, the error says so."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # where anybody can look
        folder = Path(name)
        path = folder / "index.db"
        async with open_store(path, DEPLOYMENT):
            pass
        _protect(path, protect)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _AS_NOBODY, str(path), DEPLOYMENT.to_json(), stderr=asyncio.subprocess.PIPE
        )
        _, errors = await child.communicate()
    assert child.returncode == 1
    assert StoreReadOnlyError.__name__ in errors.decode()


@pytest.mark.parametrize("url", ["mysql://host/name", "postgresql://", "://"])
async def test_a_url_of_no_supported_database(url: str) -> None:
    """Anything but SQLite and PostgreSQL is a wrong setting."""
    with pytest.raises(SettingError):
        async with open_database(url):
            pass


async def test_a_server_that_does_not_run() -> None:
    """A URL where nobody listens is a store error, which does not show the password."""
    with pytest.raises(StoreError) as caught:
        async with open_database("postgresql://me:secret@127.0.0.1:1/index"):
            pass
    assert "secret" not in caught.value.message


async def test_a_server_without_that_database(postgres_server: PostgresServer) -> None:
    """A database that the server does not have is missing."""
    url = postgres_server.new_database()
    with pytest.raises(StoreMissingError):
        async with open_database(url.replace("/test_", "/other_")):
            pass
    with pytest.raises(StoreMissingError, match="holds no index"):
        async with open_database(url):
            pass
