"""A server alone on one core: `python -m tests.http_support.server_process DATABASE STATUS_SECONDS`.

Limits are off, as one would have them for a load test. The first line of standard output is the address;
the end of standard input stops it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from indexer.http.app import create_app
from indexer.http.limits import OFF
from indexer.http.server import run, serve

__all__: list[str] = []


async def main(database: str, status_seconds: float) -> None:
    """Serves until standard input ends."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = create_app(database, limits=OFF, status_seconds=status_seconds)
    await serve(app, listening, stop, on_ready=lambda: print(url, flush=True))  # noqa: T201


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    run(main(sys.argv[1], float(sys.argv[2])))
