from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chain_kit.errors import RpcError, RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc
from indexer.models import CursorRow, table_of
from indexer.proof.trouble import troubles
from indexer.rpc import Backoff, ChainRpc
from indexer.source import Source
from indexer.steps import DEEP_REORG, Step, Undo
from indexer.store import OutOfStepError, Store, open_store
from indexer.tail import NO_ENDPOINT, Progress, run
from indexer.together import in_step, together
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.node import FakeNode
from tests.index_support.world import World


class Running:
    """A store and a source over a node, and what the runner told."""

    def __init__(self, node: FakeNode, endpoint: JsonRpc, store: Store) -> None:
        self.node = node
        self.store = store
        self.rpc = ChainRpc([endpoint], backoff=Backoff(attempts=1))
        self.source = Source(self.rpc, DEPLOYMENT, store, poll_seconds=0.01)
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


async def test_a_deep_reorg_is_trouble_until_the_head_is_reached(world: World, running: Running) -> None:
    """It is written with the undo, for all to see, and goes when the index is whole again."""
    await running.catch_up()
    seen: list[set[str]] = []

    take = running.store.take

    async def taken(step: Step) -> None:
        await take(step)
        seen.append(await _kinds(running.store))

    running.store.take = taken  # type: ignore[method-assign]
    running.rpc.ranges.size = running.rpc.ranges._most = 4
    world.rewind(20)
    world.run(21)
    await running.catch_up()
    assert seen[0] == {DEEP_REORG}
    assert len(seen) > 3
    assert await _kinds(running.store) == set()


async def test_trouble_of_a_deep_reorg_outlives_a_restart(world: World, running: Running) -> None:
    """Killed between the undo and the head, the next run clears it when it gets there."""
    await running.catch_up()
    tip = world.chain.tip.number
    await running.store.take(Undo(tip - 5, world.chain.head, DEEP_REORG))
    assert await _kinds(running.store) == {DEEP_REORG}
    await running.catch_up()
    assert await _kinds(running.store) == set()


async def test_an_ordinary_reorg_is_no_trouble(world: World, running: Running) -> None:
    """Chains do that."""
    await running.catch_up()
    await running.store.take(Undo(world.chain.tip.number - 5, world.chain.head))
    assert await _kinds(running.store) == set()


async def test_silence_of_all_endpoints_is_trouble(running: Running) -> None:
    """After a while readers are told; when one answers again, it is over."""
    running.node.faults.extend([lambda _: (503, b"")] * 3)
    kinds: list[set[str]] = []
    noted = running.store.writing

    @asynccontextmanager
    async def writing() -> AsyncIterator[AsyncConnection]:
        async with noted() as connection:
            yield connection
            kinds.append({trouble.kind for trouble in await troubles(connection)})

    running.store.writing = writing  # type: ignore[method-assign]
    await asyncio.wait_for(
        run(
            running.store,
            running.source,
            running.stop,
            on_step=running.hear,
            on_trouble=running.troubles.append,
            retry_seconds=0.01,
            patience_seconds=0.0,
        ),
        30,
    )
    assert kinds[0] == {NO_ENDPOINT}
    assert await _kinds(running.store) == set()


async def test_at_the_head_it_says_that_it_looks(world: World, running: Running) -> None:
    """Readers see when the chain was looked at last, though no block comes."""
    await running.catch_up()
    async with running.store.writing() as connection:
        await connection.execute(update(table_of(CursorRow)).values(looked_at=0))
    await running.catch_up()
    async with running.store.snapshot() as connection:
        row = (await connection.execute(select(table_of(CursorRow)))).one()
    assert row.looked_at > 1_700_000_000_000
    assert (row.head, row.head_hash) == (world.chain.tip.number, world.chain.tip.hash)


async def test_what_runs_beside_ends_with_it() -> None:
    """And a failure of either is raised as it is."""
    ended: list[str] = []

    async def beside() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("beside")

    async def main() -> None:
        await asyncio.sleep(0)

    async def fails() -> None:
        raise RpcError("no")

    await together(main(), beside())
    assert ended == ["beside"]
    with pytest.raises(RpcError, match="no"):
        await together(fails(), beside())
    with pytest.raises(RpcError, match="no"):
        await together(beside(), fails())
    assert ended == ["beside"] * 3


async def _kinds(store: Store) -> set[str]:
    async with store.snapshot() as connection:
        return {trouble.kind for trouble in await troubles(connection)}


async def test_blocks_that_are_taken_back_by_another_are_fetched_again(
    running: Running, world: World
) -> None:
    """While the runner reads on: what it has read does not fit, and it goes on from what is there."""
    await running.catch_up()
    tip = await running.store.tip()
    assert tip is not None
    next_step = running.source.next_step
    undone: list[int] = []

    async def and_undo() -> Step | None:
        step = await next_step()
        if step is not None and not undone:
            undone.append(tip.number - 9)
            await running.store.take(Undo(tip.number - 9, world.chain.head, reason="difference"))
        return step

    running.source.next_step = and_undo  # type: ignore[method-assign]
    world.run(3)
    running.told.clear()
    await running.catch_up()
    assert running.told[0].events == sum(
        len(world.chain.logs[block.hash]) for block in world.chain.blocks[tip.number - 8 :]
    )
    assert await running.store.tip() == world.chain.tip


async def test_what_is_not_there_cannot_be_gone_back_to(running: Running, world: World) -> None:
    """An undo that comes too late changes nothing."""
    await running.catch_up()
    await running.store.take(Undo(20, world.chain.head))
    with pytest.raises(OutOfStepError, match="block 21 is not there"):
        await running.store.take(Undo(21, world.chain.head))
    tip = await running.store.tip()
    assert tip is not None
    assert tip.number == 20


async def test_what_runs_in_step_ends_together() -> None:
    """Each by itself, when one has ended; and what one raises is raised."""
    stop, ended = asyncio.Event(), []

    async def until_stopped() -> None:
        await stop.wait()
        ended.append("one")

    async def fails() -> None:
        raise ValueError("other")

    with pytest.raises(ValueError, match="other"):
        await in_step(stop, until_stopped(), fails())
    assert ended == ["one"]
    stop.clear()
    stopping = asyncio.create_task(in_step(stop, until_stopped(), until_stopped()))
    await asyncio.sleep(0)
    stop.set()
    await stopping
    assert ended == ["one"] * 3
