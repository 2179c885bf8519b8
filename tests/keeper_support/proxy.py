"""A JSON-RPC proxy in front of an anvil: writes down what passes, and breaks it as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any

import httpx
import orjson

__all__ = ["BrokenOffError", "RpcProxy"]

Request = dict[str, Any]


class BrokenOffError(Exception):
    """Raised by a rule: the connection breaks off instead of an answer."""


class RpcProxy:
    """An async context manager; `url` is where it listens.

    `sent` are the raw transactions that passed, in order. `before`, if set, is called with each request; it
    may raise BrokenOffError, so that the node never sees it, or give an error object instead of the answer.
    `after` is called with each request and its answer; raised there, the node has done it unheard.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self.url = ""
        self.sent: list[str] = []
        self._answered = asyncio.Condition()
        self._broadcasts = 0
        self.before: Callable[[Request], Request | None] | None = None
        self.after: Callable[[Request, Request], None] | None = None

    async def __aenter__(self) -> RpcProxy:
        self._client = httpx.AsyncClient(trust_env=False, timeout=30)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._client.aclose()

    async def broadcasts(self, count: int = 1) -> None:
        """Returns when the node has answered that many broadcasts."""
        async with self._answered:
            await self._answered.wait_for(lambda: self._broadcasts >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while body := await _read(reader):
                document = await self._answer(orjson.loads(body))
                content = orjson.dumps(document)
                head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\n\r\n"
                writer.write(head.encode() + content)
                await writer.drain()
        except (BrokenOffError, ConnectionError, asyncio.IncompleteReadError, httpx.HTTPError):
            pass
        finally:
            writer.close()

    async def _answer(self, document: Any) -> Any:
        requests = document if isinstance(document, list) else [document]
        answers = [await self._one(request) for request in requests]
        return answers if isinstance(document, list) else answers[0]

    async def _one(self, request: Request) -> Request:
        error = self.before(request) if self.before else None
        if error is not None:
            return {"jsonrpc": "2.0", "id": request["id"], "error": error}
        if request["method"] == "eth_sendRawTransaction":
            self.sent.append(request["params"][0])
        response = await self._client.post(self._upstream, json=request)
        answer: Request = response.json()
        if request["method"] == "eth_sendRawTransaction":
            async with self._answered:
                self._broadcasts += 1
                self._answered.notify_all()
        if self.after:
            self.after(request, answer)
        return answer


async def _read(reader: asyncio.StreamReader) -> bytes:
    """The body of the next request on a connection; empty at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return await reader.readexactly(int(lengths[0].split(b":")[1]))
