"""The application on a socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI

__all__ = ["run", "serve"]

STOP_SECONDS = 5
"""How long requests that are being answered are waited for."""
_MESSAGE_BYTES = 4_096


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs `main` in the loop that serves fastest."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def serve(
    app: FastAPI,
    listening: socket.socket,
    stop: asyncio.Event,
    *,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serves on a socket that listens until `stop` is set; then lets requests end, closes streams and it.

    `on_ready` is called when requests are answered. Raises what starting the application raises.
    """
    listening.setblocking(False)  # noqa: FBT003  its only parameter
    # Connections inherit it. asyncio forgets it where the socket's protocol was left open, and then a body
    # waits 40 ms for the acknowledgement of its head.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listening:
        async with app.router.lifespan_context(app):
            await _Server(_config(app), on_ready).serve_until(listening, stop)


class _Server(uvicorn.Server):
    """Without signals: whoever runs it has its own way to stop it."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are not ours."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer, and says so."""
        await super().startup(sockets)
        self._on_ready()

    async def serve_until(self, listening: socket.socket, stop: asyncio.Event) -> None:
        """Answers until `stop`."""
        serving = asyncio.create_task(self.serve([listening]))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            self.should_exit = True
            await serving


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="websockets-sansio",
        # A compressor for each reader costs more memory than all else that it has.
        ws_per_message_deflate=False,
        ws_max_size=_MESSAGE_BYTES,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Whom to believe about addresses is decided in `limits`.
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
