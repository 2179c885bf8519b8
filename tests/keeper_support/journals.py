"""What a test sees from outside: an outbox file by a connection of its own, and whatever it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Journal, Row, State

__all__ = ["broadcasts_by_intent", "mine_until_done", "mining", "rows_in", "until"]

T = TypeVar("T")


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Asks again and again until the answer is true: for what only the chain knows, and tells nobody."""
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def mine_until_done(anvil: Anvil, task: asyncio.Task[T]) -> T:
    """Mines blocks, one after another, until `task` is done; for what waits for several of them."""
    async with asyncio.timeout(20):
        while not task.done():
            await anvil.mine()
            await asyncio.wait({task}, timeout=0.02)
    return await task


@asynccontextmanager
async def mining(anvil: Anvil) -> AsyncIterator[None]:
    """Mines a block now and then: anvil may forget a transaction that comes while it mines another."""

    async def mine() -> None:
        while True:
            await asyncio.sleep(0.2)
            await anvil.mine()

    task = asyncio.create_task(mine())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def rows_in(rpc: JsonRpc, path: Path | str) -> list[Row]:
    """Every row of the outbox at `path`, oldest first."""
    genesis = await rpc.call("eth_getBlockByNumber", ["0x0", False])
    journal = Journal.open(path, await rpc.chain_id(), genesis["hash"])
    found = journal.rows()
    journal.close()
    return found


def broadcasts_by_intent(rows: list[Row], sent: list[str]) -> dict[str, int]:
    """How many different transactions were broadcast for each intent, superseded ones left out.

    Raises KeyError for a broadcast that no row accounts for.
    """
    by_raw = {"0x" + attempt.raw.hex(): row for row in rows for attempt in row.attempts}
    counts: dict[str, int] = {}
    for raw in set(sent):
        row = by_raw[raw]
        counts[str(row.intent)] = counts.get(str(row.intent), 0) + (row.state is not State.SUPERSEDED)
    return counts
