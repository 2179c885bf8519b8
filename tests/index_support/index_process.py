"""Index processes, for tests that kill them: `python -m tests.index_support.index_process`.

Each line on standard input is a JSON object (`url`, `deployment`, `database`, `span`, and `stay` for one that
follows the chain) for which a process is forked from this one, with everything imported already. Standard
output tells `pid N`, then `block N` after each step, `head` when nothing is left to do, and `ended STATUS`
when it is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from chain_kit.jsonrpc import JsonRpc
from indexer.deployment import Deployment
from indexer.rpc import ChainRpc
from indexer.source import Source
from indexer.store import open_store
from indexer.tail import Progress, run

__all__: list[str] = []


def tell(line: str) -> None:
    """One line at once, whole."""
    os.write(1, f"{line}\n".encode())


async def index(config: dict[str, Any]) -> None:
    """Indexes to the head."""
    deployment = Deployment.from_json(config["deployment"])
    stop = asyncio.Event()

    def hear(progress: Progress) -> None:
        tell(f"block {progress.block}")
        if progress.caught_up and not config.get("stay"):
            stop.set()

    async with (
        JsonRpc(config["url"]) as endpoint,
        open_store(config["database"], deployment, wait_seconds=20) as store,
    ):
        rpc = ChainRpc([endpoint], most_blocks=config["span"])
        await run(store, Source(rpc, deployment, store, poll_seconds=0.01), stop, on_step=hear)
    tell("head")


def main() -> None:
    """Forks for each line."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                asyncio.run(index(json.loads(line)))
                status = 0
            finally:
                os._exit(status)
        tell(f"pid {pid}")
        _, result = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(result) and os.WTERMSIG(result) == signal.SIGKILL
        tell(f"ended {'killed' if killed else os.waitstatus_to_exitcode(result)}")


if __name__ == "__main__":
    main()
