"""A load of requests and of readers, by a client that costs little itself."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

__all__ = ["Listener", "Requests", "listening", "request_steadily"]


@dataclass
class Requests:
    """What came of the requests: how many by status, and how long each took, in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    late: float = 0.0
    """How much later than planned the last was sent."""

    def percentile(self, part: float) -> float:
        """Milliseconds that `part` of them took at most."""
        return sorted(self.seconds)[min(int(len(self.seconds) * part), len(self.seconds) - 1)] * 1000


async def request_steadily(
    url: str, paths: Sequence[str], *, per_second: int, seconds: float, connections: int
) -> Requests:
    """Asks at a steady rate, whatever the answers take: each connection has its share of the moments."""
    done = Requests()
    began = time.perf_counter() + 0.1
    total = int(per_second * seconds)

    async def one(number: int) -> None:
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for turn in range(number, total, connections):
            due = began + turn / per_second
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            sent = time.perf_counter()
            done.late = sent - due
            path = paths[turn % len(paths)]
            writer.write(f"GET {path} HTTP/1.1\r\nhost: load\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            done.statuses[int(head[9:12])] += 1
            done.seconds.append(time.perf_counter() - sent)
        writer.close()

    await asyncio.gather(*(one(number) for number in range(connections)))
    return done


@dataclass
class Listener:
    """What one reader heard: message types, and the epochs that ended, in order."""

    types: Counter[str] = field(default_factory=Counter)
    epochs: list[int] = field(default_factory=list)
    is_closed: bool = False


@asynccontextmanager
async def listening(url: str, count: int) -> AsyncIterator[list[Listener]]:
    """So many readers, each on a connection of its own, until the body ends."""
    listeners: list[Listener] = []
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        tasks = []
        for _ in range(count):
            socket = await stack.enter_async_context(connect(url, proxy=None, compression=None))
            listener = Listener()
            listeners.append(listener)
            tasks.append(group.create_task(_listen(socket, listener)))
        yield listeners
        for task in tasks:
            task.cancel()


async def _listen(socket: ClientConnection, listener: Listener) -> None:
    try:
        async for text in socket:
            message = json.loads(text)
            listener.types[message["type"]] += 1
            if message["type"] == "epoch_resolved":
                listener.epochs.append(message["data"]["epoch"])
    except ConnectionClosed:
        listener.is_closed = True
