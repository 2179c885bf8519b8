"""A node: a real server that speaks JSON-RPC for a FakeChain, by HTTP and WebSocket, failing as told."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import orjson
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.index_support.answering import SILENCE, Answering, Fault, Lie, Limits, Reply, error_answer
from tests.index_support.chain import FakeChain

__all__ = ["SILENCE", "FakeNode", "Fault", "Lie", "Limits", "Reply", "error_answer"]


class FakeNode(Answering):
    """As an async context manager: at `url` over HTTP, at `ws_url` over WebSocket, with newHeads.

    While it is `mute`, its WebSockets say nothing at all, but stay open.
    """

    def __init__(self, chain: FakeChain, **options: Any) -> None:
        super().__init__(chain, **options)
        self.mute = False
        self._http: asyncio.Server | None = None
        self._websocket: Server | None = None
        self._connections: list[asyncio.Task[None]] = []
        self._subscribed: dict[ServerConnection, str] = {}
        self._heard: FakeChain | None = None
        self._announcing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> FakeNode:
        self._http = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._http.sockets[0].getsockname()[1]}"
        self._websocket = await serve(self._talk, "127.0.0.1", 0, compression=None, max_size=None)
        self.ws_url = f"ws://127.0.0.1:{next(iter(self._websocket.sockets)).getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._http is not None
        assert self._websocket is not None
        self._http.close()
        self._listen_to(None)
        self._websocket.close()
        tasks = [*self._connections, *self._announcing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._websocket.wait_closed()

    def follow(self, chain: FakeChain) -> None:
        """Serves another chain from now on, and tells subscribers of its head."""
        self.chain = chain
        if self._heard is not None:
            self._listen_to(chain)
            self._announce()

    def drop_sockets(self) -> None:
        """Every WebSocket breaks off, without a farewell."""
        assert self._websocket is not None
        for connection in self._websocket.connections:
            connection.transport.abort()

    @property
    def subscribers(self) -> int:
        """How many are told of new heads."""
        return len(self._subscribed)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.append(task)
        try:
            while headers := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.split(b":")[1])
                    for line in headers.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                )
                answer = self.answer(await reader.readexactly(length))
                if answer is None:
                    break
                if answer == SILENCE:
                    await asyncio.Event().wait()
                writer.write(_http(answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _talk(self, connection: ServerConnection) -> None:
        try:
            async for message in connection:
                body = message.encode() if isinstance(message, str) else message
                reply = self._subscribe(connection, body) or self.answer(body)
                if reply is None:
                    connection.transport.abort()
                elif reply != SILENCE and not self.mute:
                    await connection.send(reply[1].decode())
        except ConnectionClosed:
            pass
        finally:
            self._subscribed.pop(connection, None)

    def _subscribe(self, connection: ServerConnection, body: bytes) -> Reply | None:
        """The reply to `eth_subscribe` and its reverse; None if that is not what was asked."""
        call = orjson.loads(body)
        if not isinstance(call, dict) or not call["method"].endswith("subscribe"):
            return None
        self.requests.append([call])
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": call["id"]}
        if call["method"] == "eth_unsubscribe":
            answer["result"] = self._subscribed.pop(connection, None) is not None
        elif call["params"] != ["newHeads"]:
            answer["error"] = {"code": -32602, "message": "no such subscription"}
        else:
            answer["result"] = self._subscribed[connection] = hex(0xCD0C + len(self.requests))
            self._listen_to(self.chain)
        return 200, orjson.dumps(answer)

    def _listen_to(self, chain: FakeChain | None) -> None:
        if self._heard is not None:
            self._heard.listeners.remove(self._announce)
        self._heard = chain
        if chain is not None:
            chain.listeners.append(self._announce)

    def _announce(self) -> None:
        """Tells subscribers of the newest block that this node knows."""
        if self.mute or not self._subscribed:
            return
        head = self.chain.header_json(self.chain.blocks[self.newest])
        header = {
            name: value for name, value in head.items() if name not in ("transactions", "uncles", "size")
        }
        for connection, subscription in self._subscribed.items():
            news = {"subscription": subscription, "result": header}
            message = orjson.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": news}).decode()
            task = asyncio.get_running_loop().create_task(_tell(connection, message))
            self._announcing.add(task)
            task.add_done_callback(self._announcing.discard)


async def _tell(connection: ServerConnection, message: str) -> None:
    with contextlib.suppress(ConnectionClosed):
        await connection.send(message)


def _http(answer: Reply) -> bytes:
    status, body, *more = answer
    headers = {"content-length": str(len(body)), "content-type": "application/json"} | (
        more[0] if more else {}
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body
