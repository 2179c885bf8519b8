"""Answers that are none, databases of others, blocks that are not there: a clear error, and no harm done."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain_kit.errors import (
    BlockTooOldError,
    FutureBlockError,
    RpcError,
    StoreDeploymentError,
    StoreSchemaError,
)
from chain_kit.jsonrpc import JsonRpc
from indexer import queries
from indexer.database import open_database
from indexer.deployment import Deployment
from indexer.rpc import Backoff, ChainRpc
from indexer.source import Source
from indexer.store import open_store
from indexer.tail import run
from tests.index_support.answering import SILENCE, Fault
from tests.index_support.chain import DEPLOYMENT, FakeChain, address_of
from tests.index_support.dump import dump
from tests.index_support.indexing import fresh_dump, index_to_head
from tests.index_support.node import FakeNode
from tests.index_support.world import World

FIRST = DEPLOYMENT.first_block
BAD_ANSWERS: dict[str, tuple[Fault, str]] = {
    "an HTML page": (lambda _: (200, b"<!DOCTYPE html><html><body>Welcome!</body></html>"), "HTML"),
    "an HTML error": (lambda _: (502, b"<html><body>Bad Gateway</body></html>"), "HTTP status 502"),
    "half a document": (lambda _: (200, b'[{"jsonrpc":"2.0","id":1,"resu'), "half a JSON document"),
    "100 MB": (lambda _: (200, b"[" + b" " * 100_000_000 + b"]"), "larger than"),
    "an empty body": (lambda _: (200, b""), "an empty answer"),
    "nothing": (lambda _: SILENCE, "it took too long"),
    "the end of the connection": (lambda _: None, "broke off"),
    "a number": (lambda _: (200, b"42"), "not JSON-RPC"),
}


class Always(deque[Fault]):
    """A fault that is never used up."""

    def popleft(self) -> Fault:
        """Itself."""
        return self[0]


@pytest.fixture
def world() -> World:
    """A market that has traded for a while."""
    made = World(FakeChain(), 17)
    made.run(50)
    return made


@pytest.fixture
async def node(world: World) -> AsyncIterator[FakeNode]:
    """Its node."""
    async with FakeNode(world.chain) as served:
        yield served


@pytest.fixture
async def path(node: FakeNode, tmp_path: Path) -> Path:
    """An index of it, that has seen all there is."""
    database = tmp_path / "index.db"
    await index_to_head(node.url, DEPLOYMENT, database)
    return database


async def _contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    async with open_database(path) as database:
        return await dump(database)


@pytest.mark.parametrize("kind", BAD_ANSWERS)
async def test_what_is_no_answer_is_an_error_and_no_harm(
    kind: str, world: World, node: FakeNode, path: Path, tmp_path: Path
) -> None:
    """The error names the endpoint and what came; the index is as it was, and goes on later."""
    fault, words = BAD_ANSWERS[kind]
    before = await _contents(path)
    world.run(10)
    node.faults = Always([fault])
    # Only what never comes is waited for in vain; what is large may take its time.
    patience = 0.5 if kind == "nothing" else 15.0
    async with JsonRpc(node.url, timeout_seconds=patience) as client, open_store(path, DEPLOYMENT) as store:
        rpc = ChainRpc([client], backoff=Backoff(attempts=2, first_seconds=0))
        with pytest.raises(RpcError, match=words) as caught:
            await asyncio.wait_for(run(store, Source(rpc, DEPLOYMENT, store), asyncio.Event()), 30)
        assert node.url.removeprefix("http://") in caught.value.message
    assert await _contents(path) == before
    node.faults = deque()
    await index_to_head(node.url, DEPLOYMENT, path)
    assert await _contents(path) == await fresh_dump(node.url, DEPLOYMENT, tmp_path)


async def test_a_huge_answer_is_not_taken_into_memory(world: World, path: Path) -> None:
    """Of 400 MB little more is read than an answer may have."""
    world.run(1)
    part = b" " * (1 << 20)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            for _ in range(400):
                writer.write(b"%x\r\n%s\r\n" % (len(part), part))
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, JsonRpc(url) as client, open_store(path, DEPLOYMENT) as store:
        rpc = ChainRpc([client], backoff=Backoff(attempts=1))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(RpcError, match="larger than"):
            await run(store, Source(rpc, DEPLOYMENT, store), asyncio.Event())
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 200 * 1024


QUESTIONS: dict[str, Callable[..., Any]] = {
    "epochs": lambda database, block: queries.epochs(database, "BTC", at_block=block),
    "positions": lambda database, block: queries.positions(database, address_of("trader 0"), at_block=block),
    "reserve": lambda database, block: queries.reserve(database, at_block=block),
    "markets": lambda database, block: queries.markets(database, at_block=block),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_blocks_that_are_not_there(question: str, world: World, path: Path) -> None:
    """One beyond the last, and one before the deployment, are errors of their own."""
    async with open_database(path) as database:
        for block in (world.chain.tip.number + 1, 2**62):
            with pytest.raises(FutureBlockError):
                await QUESTIONS[question](database, block)
        for block in (FIRST - 1, 0, -1):
            with pytest.raises(BlockTooOldError):
                await QUESTIONS[question](database, block)


@pytest.mark.parametrize(
    "other",
    [
        replace(DEPLOYMENT, chain_id=8453),
        replace(DEPLOYMENT, genesis_hash="0x" + "12" * 32),
        replace(DEPLOYMENT, hub=address_of("another hub")),
    ],
    ids=["chain", "genesis", "hub"],
)
async def test_a_database_of_another_chain_is_refused(path: Path, other: Deployment) -> None:
    """For writing and for reading, and it stays what it is."""
    before = await _contents(path)
    with pytest.raises(StoreDeploymentError):
        async with open_store(path, other):
            pass
    with pytest.raises(StoreDeploymentError):
        async with open_database(path, deployment=other):
            pass
    assert await _contents(path) == before


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _set_version(path: Path, version: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", (version,))
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))


@pytest.mark.parametrize("version", ["0001", "9999", "0003-of-somebody"])
async def test_a_schema_of_another_version_is_not_read(path: Path, version: str) -> None:
    """Older or newer, a reader says which it has and what to do, and changes nothing."""
    before = await _contents(path)
    with sqlite3.connect(path) as connection:
        (known,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    _set_version(path, version)
    with pytest.raises(StoreSchemaError, match=version) as caught:
        async with open_database(path):
            pass
    assert caught.value.hint
    _set_version(path, known)
    assert await _contents(path) == before


async def test_a_newer_schema_is_not_written(path: Path) -> None:
    """An older chain-kit must not touch what a newer one has made."""
    _set_version(path, "9999")
    before = _bytes(path)
    with pytest.raises(StoreSchemaError, match="9999"):
        async with open_store(path, DEPLOYMENT):
            pass
    assert _bytes(path) == before
