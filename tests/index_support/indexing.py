"""Short ways to index a node to its head, and to say what came out."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from chain_kit.jsonrpc import JsonRpc
from chain_kit.websocket_rpc import WebSocketRpc
from indexer.deployment import Deployment
from indexer.live import Live
from indexer.rpc import ChainRpc
from indexer.source import Source
from indexer.store import Store, open_store
from indexer.tail import Progress, run
from indexer.together import together
from tests.index_support.dump import dump

__all__ = ["Follower", "following", "fresh_dump", "index_to_head"]


class Follower:
    """An index that runs in the background; `undone` counts the blocks that were taken back."""

    def __init__(self, store: Store, source: Source) -> None:
        self.store = store
        self.source = source
        self.undone = 0
        self._moved = asyncio.Event()

    def hear(self, progress: Progress) -> None:
        """What the runner tells."""
        self.undone += progress.undone
        self._moved.set()

    async def reach(self, number: int, digest: str) -> None:
        """Until the last indexed block is that one."""
        async with asyncio.timeout(60):
            while True:
                tip = await self.store.tip()
                if tip is not None and (tip.number, tip.hash) == (number, digest):
                    return
                self.source.wake()
                await self._moved.wait()
                self._moved.clear()


@asynccontextmanager
async def following(
    url: str, deployment: Deployment, database: Path | str, *, pushed: bool = False
) -> AsyncIterator[Follower]:
    """Follows a node while the body runs; a failure of the runner is a failure of the test.

    With `pushed` new blocks come over a WebSocket, and looks are about a second apart.
    """
    stop = asyncio.Event()
    async with (
        JsonRpc(url) as http,
        WebSocketRpc(url.replace("http", "ws", 1)) as socket,
        open_store(database, deployment) as store,
    ):
        rpc = ChainRpc([http, socket] if pushed else [http])
        pushing = rpc.endpoints.pushing()
        live = None if pushing is None else Live(rpc, pushing)
        source = Source(rpc, deployment, store, poll_seconds=0.05, live=live)
        follower = Follower(store, source)
        beside = [] if live is None else [live.run()]
        task = asyncio.create_task(together(run(store, source, stop, on_step=follower.hear), *beside))
        try:
            yield follower
        finally:
            stop.set()
            await task


async def index_to_head(url: str, deployment: Deployment, database: Path | str) -> None:
    """Indexes what there is now."""
    stop = asyncio.Event()

    def hear(progress: Progress) -> None:
        if progress.caught_up:
            stop.set()

    async with JsonRpc(url) as rpc, open_store(database, deployment) as store:
        source = Source(ChainRpc([rpc]), deployment, store, poll_seconds=0.05)
        async with asyncio.timeout(120):
            await run(store, source, stop, on_step=hear)


async def fresh_dump(url: str, deployment: Deployment, folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What an index that is made now, from nothing, says."""
    path = folder / f"fresh-{uuid.uuid4().hex}.db"
    await index_to_head(url, deployment, path)
    async with open_store(path, deployment) as store:
        return await dump(store)
