"""A web server on a free port, which answers as it is told."""

from __future__ import annotations

import asyncio
from types import TracebackType

__all__ = ["WebServer"]


class WebServer:
    """An async context manager. `requests` are the first lines of what was asked.

    `answers` gives a status line with headers by path; a path that it does not have is 200. A path that is
    None is never answered.
    """

    def __init__(self, answers: dict[str, str | None] | None = None) -> None:
        self.url = ""
        self.requests: list[str] = []
        self._answers = answers or {}
        self._asked = asyncio.Condition()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> WebServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def asked(self, count: int) -> list[str]:
        """Returns when that many requests have come."""
        async with asyncio.timeout(20), self._asked:
            await self._asked.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _ = head.split(b"\r\n")[0].decode().split()
        async with self._asked:
            self.requests.append(f"{method} {path}")
            self._asked.notify_all()
        answer = self._answers.get(path, "200 OK")
        if answer is None:
            return
        writer.write(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
