from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

from chain_kit.errors import RpcResponseError, RpcUnreachableError, SettingError
from chain_kit.websocket_rpc import WebSocketRpc

Talk = Callable[[ServerConnection, Any], Awaitable[None]]


@asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[str]:
    """A WebSocket server that hands each JSON message to `talk`; it gives its URL."""

    async def handle(connection: ServerConnection) -> None:
        async for message in connection:
            await talk(connection, json.loads(message))

    async with serve(handle, "127.0.0.1", 0, max_size=None) as listener:
        yield f"ws://127.0.0.1:{next(iter(listener.sockets)).getsockname()[1]}"


def answer(request: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A JSON-RPC answer to one request."""
    return {"jsonrpc": "2.0", "id": request["id"], **fields}


async def echo(connection: ServerConnection, request: Any) -> None:
    """Answers each call with its parameters."""
    if isinstance(request, list):
        await connection.send(json.dumps([answer(one, result=one["params"]) for one in reversed(request)]))
    else:
        await connection.send(json.dumps(answer(request, result=request["params"])))


def push(subscription: str, result: Any) -> str:
    """A notification."""
    params = {"subscription": subscription, "result": result}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})


async def test_calls_and_batches() -> None:
    """The same as over HTTP, on one connection, in any order."""
    async with server(echo) as url, WebSocketRpc(url) as rpc:
        assert await rpc.call("echo", [1]) == [1]
        assert await rpc.batch([("echo", [n]) for n in (1, 2, 3)]) == [[1], [2], [3]]


async def test_answers_find_their_questions() -> None:
    """Many under way at once are answered in whatever order the node likes."""
    waiting: list[Any] = []

    async def late(connection: ServerConnection, request: Any) -> None:
        waiting.append(request)
        if len(waiting) == 3:
            for one in reversed(waiting):
                await echo(connection, one)

    async with server(late) as url, WebSocketRpc(url) as rpc:
        calls = [rpc.call("echo", [1]), rpc.batch([("echo", [2]), ("echo", [3])]), rpc.call("echo", [4])]
        assert await asyncio.gather(*calls) == [[1], [[2], [3]], [4]]


async def test_an_error_object_is_a_response_error() -> None:
    """The node's words reach the caller."""

    async def refuse(connection: ServerConnection, request: Any) -> None:
        await connection.send(
            json.dumps(answer(request, error={"code": -32601, "message": "no such method"}))
        )

    async with server(refuse) as url, WebSocketRpc(url) as rpc:
        with pytest.raises(RpcResponseError, match="no such method"):
            await rpc.call("eth_subscribe", ["newHeads"])


async def test_an_error_about_a_whole_batch_has_no_id() -> None:
    """It is for the question that waits."""

    async def refuse(connection: ServerConnection, _: Any) -> None:
        error = {"code": -32600, "message": "batch too large"}
        await connection.send(json.dumps({"jsonrpc": "2.0", "id": None, "error": error}))

    async with server(refuse) as url, WebSocketRpc(url) as rpc:
        with pytest.raises(RpcResponseError, match="batch too large"):
            await rpc.batch([("eth_chainId", [])])


BROKEN = {
    "half a document": ('{"jsonrpc": "2.0", "id": 1, "resu', "half a JSON document"),
    "no JSON": ("<html>", "HTML"),
    "a number": ("7", "not JSON-RPC"),
    "an empty batch": ("[]", "not to this request|took too long"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_what_is_no_answer_is_unreachable(case: str) -> None:
    """As over HTTP: the endpoint is out of reach, and why."""
    text, reason = BROKEN[case]

    async def nonsense(connection: ServerConnection, _: Any) -> None:
        await connection.send(text)

    async with server(nonsense) as url, WebSocketRpc(url, timeout_seconds=0.2) as rpc:
        with pytest.raises(RpcUnreachableError, match=reason):
            await rpc.call("eth_chainId")


async def test_silence_is_unreachable_after_the_time_out() -> None:
    """And the next answer still finds its question."""
    asked = 0

    async def once_silent(connection: ServerConnection, request: Any) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            await echo(connection, request)

    async with server(once_silent) as url, WebSocketRpc(url, timeout_seconds=0.1) as rpc:
        with pytest.raises(RpcUnreachableError, match="took too long"):
            await rpc.call("echo", [1])
        assert await rpc.call("echo", [2]) == [2]


async def test_pushes_come_one_by_one() -> None:
    """Even the one that comes in the same breath as the subscription."""

    async def talk(connection: ServerConnection, request: Any) -> None:
        await connection.send(json.dumps(answer(request, result="0x1")))
        for number in range(3):
            await connection.send(push("0x1", {"number": number}))

    async with server(talk) as url, WebSocketRpc(url) as rpc:
        pushes = await rpc.subscribe("newHeads")
        assert [(await anext(pushes))["number"] for _ in range(3)] == [0, 1, 2]


async def test_a_push_that_is_none_is_given_as_nothing() -> None:
    """Whoever takes it sees that something came."""

    async def talk(connection: ServerConnection, request: Any) -> None:
        await connection.send(json.dumps(answer(request, result="0x1")))
        await connection.send(json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": [5]}))

    async with server(talk) as url, WebSocketRpc(url) as rpc:
        assert await anext(await rpc.subscribe("newHeads")) is None


async def test_a_lost_connection_ends_everything_and_begins_anew() -> None:
    """Questions and pushes both fail; the next question opens another connection."""
    drop = True

    async def talk(connection: ServerConnection, request: Any) -> None:
        if request["method"] == "eth_subscribe":
            await connection.send(json.dumps(answer(request, result="0x1")))
        elif drop:
            connection.transport.abort()
        else:
            await echo(connection, request)

    async with server(talk) as url, WebSocketRpc(url) as rpc:
        pushes = await rpc.subscribe("newHeads")
        with pytest.raises(RpcUnreachableError, match="connection was closed"):
            await rpc.call("echo", [1])
        with pytest.raises(RpcUnreachableError, match="connection was closed"):
            await anext(pushes)
        drop = False
        assert await rpc.call("echo", [2]) == [2]


async def test_a_connection_that_is_lost_while_sending_is_heard_of_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By whoever sends; what the reader says of the same end does not come up later as forgotten."""
    forgotten: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: forgotten.append(context))
    async with server(echo) as url, WebSocketRpc(url) as rpc:
        assert await rpc.call("echo", [1]) == [1]
        socket, reader = rpc._socket, rpc._reader
        assert socket is not None
        assert reader is not None

        async def send(_: bytes, *, text: bool) -> None:  # noqa: ARG001
            socket.transport.abort()
            await reader
            raise ConnectionClosedError(None, None)

        monkeypatch.setattr(socket, "send", send)
        with pytest.raises(RpcUnreachableError, match="connection was closed"):
            await rpc.call("echo", [2])
        gc.collect()
        assert forgotten == []
        assert await rpc.call("echo", [3]) == [3]


async def test_who_does_not_listen_loses_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, and the newest pushes are the ones that matter."""
    monkeypatch.setattr("chain_kit.websocket_rpc._MOST_WAITING", 2)

    async def talk(connection: ServerConnection, request: Any) -> None:
        if request["method"] == "eth_subscribe":
            await connection.send(json.dumps(answer(request, result="0x1")))
            for number in range(5):
                await connection.send(push("0x1", number))
        else:
            await echo(connection, request)

    async with server(talk) as url, WebSocketRpc(url) as rpc:
        pushes = await rpc.subscribe("newHeads")
        await rpc.call("echo", [])
        assert [await anext(pushes) for _ in range(2)] == [3, 4]


async def test_an_answer_that_is_too_large_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the size that is asked for, and in any case at the most."""

    async def talk(connection: ServerConnection, request: Any) -> None:
        one = request[0] if isinstance(request, list) else request
        await connection.send(json.dumps([answer(one, result="x" * one["params"][0])]))

    monkeypatch.setattr("chain_kit.websocket_rpc.MOST_BYTES", 4 << 20)
    async with server(talk) as url, WebSocketRpc(url) as rpc:
        with pytest.raises(RpcUnreachableError, match="larger than 1 MB"):
            await rpc.raw([("x", [2 << 20])], most_bytes=1 << 20)
        with pytest.raises(RpcUnreachableError, match="larger than 4 MB"):
            await rpc.raw([("x", [8 << 20])])


async def test_nobody_there() -> None:
    """The message names the place, without what is secret in it."""
    async with WebSocketRpc("ws://user:hunter2@127.0.0.1:1/v2/SECRETKEY") as rpc:
        with pytest.raises(RpcUnreachableError, match=r"ws://127\.0\.0\.1:1/…: could not connect") as caught:
            await rpc.call("eth_chainId")
    assert "hunter2" not in repr(caught.value)
    assert "SECRETKEY" not in repr(caught.value)


async def test_a_server_that_is_no_websocket() -> None:
    """An HTTP server answers with a page."""

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(page, "127.0.0.1", 0)
    async with listener, WebSocketRpc(f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}") as rpc:
        with pytest.raises(RpcUnreachableError, match="no WebSocket"):
            await rpc.call("eth_chainId")


@pytest.mark.parametrize("url", ["", "http://127.0.0.1", "ws://", "ws://[::1"])
def test_only_websocket_urls_are_taken(url: str) -> None:
    """Another scheme is a wrong setting, and is said at once."""
    with pytest.raises(SettingError, match="ws"):
        WebSocketRpc(url)


async def test_closing_twice_is_fine() -> None:
    """Also before anything was asked."""
    rpc = WebSocketRpc("ws://127.0.0.1:1")
    await rpc.aclose()
    await rpc.aclose()
