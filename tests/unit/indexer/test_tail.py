from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.errors import RpcError, RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc
from indexer.rpc import Backoff, ChainRpc
from indexer.source import Source
from indexer.store import Store, open_store
from indexer.tail import Progress, run
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.node import FakeNode
from tests.index_support.world import World


class Running:
    """A store and a source over a node, and what the runner told."""

    def __init__(self, node: FakeNode, endpoint: JsonRpc, store: Store) -> None:
        self.node = node
        self.store = store
        rpc = ChainRpc([endpoint], backoff=Backoff(attempts=1))
        self.source = Source(rpc, DEPLOYMENT, store, poll_seconds=0.01)
        self.stop = asyncio.Event()
        self.told: list[Progress] = []
        self.troubles: list[RpcError] = []

    def hear(self, progress: Progress) -> None:
        """Stops at the head."""
        self.told.append(progress)
        if progress.caught_up:
            self.stop.set()

    async def catch_up(self) -> None:
        """Runs until the head."""
        self.stop.clear()
        await asyncio.wait_for(run(self.store, self.source, self.stop, on_step=self.hear), 30)


@pytest.fixture
def world() -> World:
    """A chain with some events."""
    made = World(FakeChain(), 4)
    made.run(40)
    return made


@pytest.fixture
async def running(world: World, tmp_path: Path) -> AsyncIterator[Running]:
    """Nothing indexed yet."""
    async with (
        FakeNode(world.chain) as node,
        JsonRpc(node.url) as endpoint,
        open_store(tmp_path / "index.db", DEPLOYMENT) as store,
    ):
        yield Running(node, endpoint, store)


async def test_it_catches_up_and_follows(world: World, running: Running) -> None:
    """All there is, then what comes, told step by step."""
    await running.catch_up()
    logs = world.chain.logs_between(DEPLOYMENT.first_block, world.chain.tip.number)
    assert sum(progress.events for progress in running.told) == len(logs)
    world.run(3)
    await running.catch_up()
    assert await running.store.tip() == world.chain.tip


async def test_a_reorg_is_told_as_undone(world: World, running: Running) -> None:
    """How many blocks went, and then the new ones."""
    await running.catch_up()
    running.told.clear()
    tip = world.chain.tip.number
    world.rewind(6)
    world.run(8)
    await running.catch_up()
    assert running.told[0] == Progress(tip - 6, tip + 2, undone=6)
    assert running.told[-1].block == tip + 2


async def test_with_nothing_to_do_it_says_so(running: Running) -> None:
    """Started at the head, it tells that it is there: whoever waits for that need not wait for a block."""
    await running.catch_up()
    running.told.clear()
    await running.catch_up()
    tip = running.node.chain.tip.number
    assert running.told == [Progress(tip, tip)]


async def test_it_stops_when_told_while_it_waits(running: Running) -> None:
    """Between two polls, and however long they are apart."""
    running.source._poll_seconds = 3600
    caught_up, looked_again = asyncio.Event(), asyncio.Event()

    def hear(progress: Progress) -> None:
        if progress.caught_up:
            caught_up.set()

    def look(_: list[dict[str, Any]]) -> None:
        if caught_up.is_set():
            looked_again.set()

    running.node.before = look
    task = asyncio.create_task(run(running.store, running.source, running.stop, on_step=hear))
    await asyncio.wait_for(looked_again.wait(), 30)
    running.stop.set()
    await asyncio.wait_for(task, 5)


async def test_it_stops_when_told_while_the_node_is_silent(running: Running) -> None:
    """A request that is under way is given up."""
    silent = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, JsonRpc(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as endpoint:
        source = Source(ChainRpc([endpoint]), DEPLOYMENT, running.store)
        task = asyncio.create_task(run(running.store, source, running.stop))
        await asyncio.wait_for(silent.wait(), 5)
        running.stop.set()
        await asyncio.wait_for(task, 5)


async def test_trouble_ends_it_unless_somebody_hears(running: Running) -> None:
    """Without a listener the error is raised."""
    running.node.faults.append(lambda _: (503, b""))
    with pytest.raises(RpcUnreachableError):
        await run(running.store, running.source, running.stop)


async def test_trouble_that_is_heard_is_outlived(world: World, running: Running) -> None:
    """Each failure is told, and the index gets to the head all the same."""
    running.node.faults.extend([lambda _: (503, b"")] * 3)
    await asyncio.wait_for(
        run(
            running.store,
            running.source,
            running.stop,
            on_step=running.hear,
            on_trouble=running.troubles.append,
            retry_seconds=0.01,
        ),
        30,
    )
    assert len(running.troubles) == 3
    assert await running.store.tip() == world.chain.tip
