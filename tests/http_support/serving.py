"""Short ways to an index of the model world, and to a server on it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from websockets.asyncio.client import connect

from indexer.http.app import create_app
from indexer.http.limits import OFF, Limits
from indexer.http.server import serve
from indexer.store import Store, open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.world import World

__all__ = ["API", "Served", "asking", "indexed_world", "serving", "until"]

API = "/api/v1/perpetual"


async def until(is_so: Callable[[], Awaitable[object]], seconds: float = 20) -> None:
    """Waits for what another process or task does."""
    async with asyncio.timeout(seconds):
        while not await is_so():  # noqa: ASYNC110  nobody tells us
            await asyncio.sleep(0.005)


@dataclass
class Served:
    """A running server, its application and a client of it."""

    app: FastAPI
    url: str
    http: httpx.AsyncClient

    def stream(self, symbol: str) -> connect:
        """A WebSocket connection to a market."""
        return connect(f"{self.url.replace('http', 'ws', 1)}{API}/ws/{symbol}", proxy=None)


@asynccontextmanager
async def indexed_world(
    database: str | Path, blocks: int = 120, seed: int = 11
) -> AsyncIterator[tuple[World, Store]]:
    """A market that has traded for some blocks, and its index, open for writing."""
    world = World(FakeChain(), seed)
    world.run(blocks)
    async with open_store(str(database), DEPLOYMENT) as store:
        await store.take(world.chain.forward(DEPLOYMENT.first_block))
        yield world, store


@asynccontextmanager
async def asking(database: str | Path, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application itself, without a server; without limits unless `limits` says others."""
    app = create_app(str(database), **{"limits": OFF, **options})
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


@asynccontextmanager
async def serving(
    database: str | Path, *, limits: Limits = OFF, status_seconds: float = 30.0, **options: Any
) -> AsyncIterator[Served]:
    """A real server on a free port of this machine."""
    app = create_app(str(database), limits=limits, status_seconds=status_seconds, **options)
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(serve(app, listening, stop, on_ready=ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if task.done():
            task.result()
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            yield Served(app, url, client)
    finally:
        stop.set()
        await task
