"""The index as `chain-kit index` runs it, over nodes in this process: the one place that knows its parts."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from chain_kit import websocket_rpc
from chain_kit.jsonrpc import RpcClient
from chain_kit.websocket_rpc import WebSocketRpc
from indexer import judging
from indexer import store as storing
from indexer.blocks import Block
from indexer.database import Database
from indexer.live import Live
from indexer.proof.prover import Cadence, Prover
from indexer.proof.readiness import readiness
from indexer.rpc import Backoff, ChainRpc
from indexer.source import Source
from indexer.store import Store, open_store
from indexer.tail import run
from indexer.together import together
from tests.index_support.chain import DEPLOYMENT
from tests.simulator.memory import MemoryRpc, MemorySocket, SimulatedNode

__all__ = ["follow", "serve", "why_not_ready"]

# Nothing that is not simulated shall run: no piece is so large that another process judges it.
judging.LARGE_BYTES = 1 << 40
_POLL_SECONDS = 2.0
_CADENCE = Cadence(blocks=40, seconds=15.0, idle_seconds=2.0)
UNDO_WINDOW = 64


async def serve(
    path: Path,
    nodes: Sequence[SimulatedNode],
    chance: random.Random,
    stop: asyncio.Event,
    hear: Callable[[str], None],
    *,
    sockets: bool,
) -> None:
    """Indexes until it is stopped, or until the store fails. `hear` is told what goes on.

    With `sockets` the first node pushes its heads, too; without, every step is written behind the next one,
    as large ones are.
    """

    async def connect(*_: Any, **__: Any) -> MemorySocket:
        return MemorySocket(nodes[0])

    async with AsyncExitStack() as stack:
        stack.enter_context(mock.patch.object(websocket_rpc, "connect", connect))
        if not sockets:
            stack.enter_context(mock.patch.object(storing, "_MANY_LOGS", 0))
        clients: list[RpcClient] = [MemoryRpc(node, f"node{number}") for number, node in enumerate(nodes)]
        clients += [WebSocketRpc("ws://node0.test", timeout_seconds=5.0)] if sockets else []
        for client in clients:
            await stack.enter_async_context(client)
        backoff = Backoff(jitter=chance.random)
        rpc = ChainRpc(clients, backoff=backoff, on_notice=hear)
        clock = asyncio.get_running_loop().time
        rpc.endpoints._clock = clock
        await rpc.require_chain(DEPLOYMENT.chain_id, DEPLOYMENT.genesis_hash)
        store = await stack.enter_async_context(open_store(path, DEPLOYMENT))
        hear("open")
        await follow(store, rpc, stop, hear, backoff=backoff, cadence=_CADENCE, poll_seconds=_POLL_SECONDS)


async def follow(
    store: Store,
    rpc: ChainRpc,
    stop: asyncio.Event,
    hear: Callable[[str], None],
    *,
    backoff: Backoff,
    cadence: Cadence,
    poll_seconds: float,
) -> None:
    """The runner, the prover and the subscription, side by side."""
    pushing = rpc.endpoints.pushing()
    live = None if pushing is None else Live(rpc, pushing, backoff=backoff)
    source = Source(
        rpc, DEPLOYMENT, store,
        poll_seconds=poll_seconds, undo_window=UNDO_WINDOW, finalized=await store.finalized(), live=live,
    )  # fmt: skip
    clock = asyncio.get_running_loop().time
    prover = Prover(store, rpc, cadence, clock=clock, on_trouble=hear)
    tail = run(
        store, source, stop,
        on_step=lambda progress: hear(str(progress)),
        on_trouble=lambda error: hear(f"{type(error).__name__}: {error}"),
    )  # fmt: skip
    await together(tail, prover.run(stop), *([live.run()] if live is not None else []))


async def why_not_ready(database: Database, tip: Block) -> str:
    """Why it cannot be relied on at the chain's tip, as it says itself; empty if it can."""
    found = await readiness(database, now=time.time)
    if not found.ready:
        return "; ".join(found.reasons)
    if found.block != tip.number:
        return f"at block {found.block} of {tip.number}"
    return "" if found.verified else f"ready, but {found.level.word} only"
