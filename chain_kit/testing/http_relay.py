"""As much of HTTP/1.1 as JSON-RPC needs: a server of POSTs, and connections to one upstream that are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

__all__ = ["PostServer", "Reply", "Upstream"]

_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Reply:
    """What goes back to a client."""

    body: bytes
    status: int = 200
    retry_after_seconds: int | None = None
    content_type: str = "application/json"

    def head(self) -> bytes:
        """The status line and headers, with the empty line that ends them."""
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}", f"content-type: {self.content_type}"]
        if self.retry_after_seconds is not None:
            lines.append(f"retry-after: {self.retry_after_seconds}")
        return "\r\n".join([*lines, f"content-length: {len(self.body)}", "", ""]).encode()


class PostServer:
    """Gives the body of every POST to `answer`; None from it breaks the connection off.

    Requests on one connection are answered one after the other, those on several at the same time.
    """

    def __init__(self, answer: Callable[[bytes], Awaitable[Reply | None]]) -> None:
        self._answer = answer
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listens; gives the port, which is a free one if `port` is 0."""
        self._server = await asyncio.start_server(self._connected, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        """Ends all connections, whatever is under way on them."""
        if self._server is None:
            return
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (reply := await self._next(reader, writer)) is not None:
                writer.write(reply.head() + reply.body)
                await writer.drain()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # the client went, or speaks something else
        finally:
            writer.close()

    async def _next(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Reply | None:
        first, headers = await _read_head(reader)
        if headers.get(b"expect", b"").lower() == b"100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await _read_body(reader, headers)
        if not first.startswith(b"POST "):
            return Reply(b"JSON-RPC is POSTed\n", status=405, content_type="text/plain")
        return await self._answer(body)


class Upstream:
    """POSTs to one http or https URL, over as many connections at a time as there are requests."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the upstream of a proxy is an http or https URL")
        secure = parts.scheme == "https"
        self._tls = True if secure else None
        self._host, self._port = parts.hostname, parts.port or (443 if secure else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._head = (
            f"POST {path} HTTP/1.1\r\nhost: {parts.netloc.rpartition('@')[2]}\r\n"
            "content-type: application/json\r\ncontent-length: "
        ).encode()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, body: bytes) -> Reply:
        """What the upstream answers. Raises OSError or EOFError if it does not."""
        reader, writer = await self._connection()
        kept = False
        try:
            writer.write(self._head + b"%d\r\n\r\n" % len(body) + body)
            first, headers = await _read_head(reader)
            answer = await _read_body(reader, headers, to_end=True)
            kept = headers.get(b"connection", b"").lower() != b"close" and not reader.at_eof()
        finally:
            if kept:
                self._idle.append((reader, writer))
            else:
                writer.close()
        content_type = headers.get(b"content-type", b"application/json").decode("latin-1")
        return Reply(answer, status=int(first.split(None, 2)[1]), content_type=content_type)

    async def aclose(self) -> None:
        """Closes the connections that are not in use."""
        idle, self._idle = self._idle, []
        for _, writer in idle:
            writer.close()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port, ssl=self._tls)


async def _read_head(reader: asyncio.StreamReader) -> tuple[bytes, dict[bytes, bytes]]:
    """The first line of a request or an answer, and its headers by lower-case name."""
    first, *lines = (await reader.readuntil(_END))[: -len(_END)].split(b"\r\n")
    pairs = (line.partition(b":") for line in lines)
    return first, {name.lower(): value.strip() for name, _, value in pairs}


async def _read_body(
    reader: asyncio.StreamReader, headers: dict[bytes, bytes], *, to_end: bool = False
) -> bytes:
    """The body that follows; one of no announced length is empty, or goes on to the connection's end."""
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        chunks = []
        while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            chunks.append(await reader.readexactly(size))
            await reader.readexactly(2)
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return b"".join(chunks)
    length = headers.get(b"content-length")
    if length is not None:
        return await reader.readexactly(int(length))
    return await reader.read() if to_end else b""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
