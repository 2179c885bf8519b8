"""Index processes that stay until they are killed: `python -m tests.simulator.process`.

Each line on standard input is a JSON object (`urls`, `deployment`, `database`), for which a process is forked
from this one, with everything imported already. Standard output tells `pid N` of each, and `open N` when that
one has the database.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from contextlib import AsyncExitStack
from typing import Any

from chain_kit.jsonrpc import JsonRpc, RpcClient
from chain_kit.websocket_rpc import WebSocketRpc
from indexer.deployment import Deployment
from indexer.proof.prover import Cadence
from indexer.rpc import Backoff, ChainRpc
from indexer.store import open_store
from tests.simulator.stack import follow

__all__: list[str] = []

_CADENCE = Cadence(blocks=20, seconds=0.5, idle_seconds=0.05, retry_seconds=0.2, despair_seconds=1.0)
_WAIT_SECONDS = 60.0


def _client(url: str) -> RpcClient:
    return (WebSocketRpc if url.startswith("ws") else JsonRpc)(url, timeout_seconds=1.0)


async def index(config: dict[str, Any]) -> None:
    """Waits for its turn to write, and indexes."""
    deployment = Deployment.from_json(config["deployment"])
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_client(url)) for url in config["urls"]]
        backoff = Backoff(first_seconds=0.02, most_seconds=0.2)
        rpc = ChainRpc(clients, backoff=backoff, rest_seconds=0.3, survey_seconds=0.5)
        store = await stack.enter_async_context(
            open_store(config["database"], deployment, wait_seconds=_WAIT_SECONDS)
        )
        tell(f"open {os.getpid()}")
        await follow(
            store, rpc, asyncio.Event(), lambda _: None,
            backoff=backoff, cadence=_CADENCE, poll_seconds=0.05,
        )  # fmt: skip


def tell(line: str) -> None:
    """One line at once, whole."""
    os.write(1, f"{line}\n".encode())


def main() -> None:
    """Forks for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                asyncio.run(index(json.loads(line)))
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                os._exit(1)
        tell(f"pid {pid}")


if __name__ == "__main__":
    main()
