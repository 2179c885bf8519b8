"""JSON-RPC over a WebSocket: the calls of `RpcClient`, and what a node pushes to those who subscribe."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from chain_kit.errors import RpcUnreachableError, SettingError
from chain_kit.jsonrpc import LOOPBACK, MOST_BYTES, RpcClient
from chain_kit.urls import public_url

__all__ = ["WebSocketRpc"]

_TOO_BIG = 1009
_MOST_WAITING = 1_000


class _Message(msgspec.Struct):
    """Of a message, whose it is."""

    id: int | str | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw()


_DECODER = msgspec.json.Decoder(_Message | list[_Message])


class WebSocketRpc(RpcClient):
    """A JSON-RPC endpoint over one WebSocket, opened at the first call and again after it was lost.

    Raises SettingError at once if `url` is not a ws or wss URL.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 15.0) -> None:
        super().__init__(url)
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise SettingError(
                f"the WebSocket URL {public_url(url)} is not a ws(s) URL",
                hint="give one such as ws://127.0.0.1:8545",
            )
        self._local = parts.hostname in LOOPBACK
        self._timeout_seconds = timeout_seconds
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._pushed: asyncio.Queue[Any] | None = None

    async def aclose(self) -> None:
        """Closes the connection; calling it twice is fine."""
        socket, reader, self._socket, self._reader = self._socket, self._reader, None, None
        if socket is not None:
            with contextlib.suppress(OSError):
                await socket.close()
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def subscribe(self, kind: str) -> AsyncIterator[Any]:
        """Subscribes, to "newHeads" for one, and gives what is pushed from then on; one at a time.

        Raises RpcResponseError if the node refuses; the pushes end with RpcUnreachableError when the
        connection does.
        """
        self._pushed = pushed = asyncio.Queue[Any](_MOST_WAITING)
        await self.call("eth_subscribe", [kind])
        return _items(pushed)

    async def _exchange(self, body: bytes, first_id: int, most_bytes: int) -> bytes:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                socket = await self._open()
                self._waiting[first_id] = answer
                await socket.send(body, text=True)
                received = await answer
        except TimeoutError:
            raise RpcUnreachableError(self.public_url, "it took too long") from None
        except ConnectionClosed as closed:
            raise self._lost(closed) from None
        finally:
            self._waiting.pop(first_id, None)
            if answer.done() and not answer.cancelled():
                # Where sending failed, nobody has looked at what the reader says of the same end.
                answer.exception()
        if len(received) > most_bytes:
            raise RpcUnreachableError(self.public_url, f"the answer is larger than {most_bytes >> 20} MB")
        return received

    async def _open(self) -> ClientConnection:
        async with self._opening:
            if self._socket is None:
                try:
                    self._socket = await connect(
                        self.url,
                        max_size=MOST_BYTES,
                        compression=None,
                        open_timeout=None,
                        proxy=None if self._local else True,
                    )
                except (OSError, InvalidHandshake, InvalidURI, EOFError) as error:
                    reason = "could not connect" if isinstance(error, OSError) else "it is no WebSocket"
                    raise RpcUnreachableError(self.public_url, reason) from None
                self._reader = asyncio.create_task(self._read(self._socket))
            return self._socket

    async def _read(self, socket: ClientConnection) -> None:
        """Hands every message to whom it is for, until the connection ends."""
        error = RpcUnreachableError(self.public_url, "the connection was closed")
        try:
            while True:
                self._route(await socket.recv(decode=False))
        except ConnectionClosed as closed:
            error = self._lost(closed)
        finally:
            if self._socket is socket:
                self._socket = None
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(error)
            self._push(error)

    def _route(self, body: bytes) -> None:
        try:
            message = _DECODER.decode(body)
        except msgspec.DecodeError:
            # Whose it is cannot be seen: the oldest question has it, and will say what is wrong.
            self._answer(next(iter(self._waiting), None), body)
            return
        if isinstance(message, list):
            ids = [one.id for one in message if isinstance(one.id, int)]
            asked = [number for number in self._waiting if number <= min(ids, default=0)]
            self._answer(max(asked, default=None), body)
        elif message.method == "eth_subscription":
            self._push(_pushed_by(message.params))
        elif isinstance(message.id, int):
            self._answer(message.id, body)
        else:
            # An error about a request as a whole has no id.
            self._answer(next(iter(self._waiting), None), body)

    def _answer(self, number: int | None, body: bytes) -> None:
        answer = self._waiting.get(number) if number is not None else None
        if answer is not None and not answer.done():
            answer.set_result(body)

    def _push(self, item: Any) -> None:
        if self._pushed is None:
            return
        if self._pushed.full():
            # Whoever does not listen loses the oldest.
            self._pushed.get_nowait()
        self._pushed.put_nowait(item)

    def _lost(self, closed: ConnectionClosed) -> RpcUnreachableError:
        code = closed.sent.code if closed.sent is not None else None
        too_big = f"the answer is larger than {MOST_BYTES >> 20} MB"
        return RpcUnreachableError(
            self.public_url, too_big if code == _TOO_BIG else "the connection was closed"
        )


async def _items(pushed: asyncio.Queue[Any]) -> AsyncIterator[Any]:
    while True:
        item = await pushed.get()
        if isinstance(item, RpcUnreachableError):
            raise item
        yield item


def _pushed_by(params: msgspec.Raw) -> Any:
    """What a notification brings; None if it is none."""
    try:
        return orjson.loads(bytes(params))["result"]
    except (ValueError, TypeError, KeyError):
        return None
