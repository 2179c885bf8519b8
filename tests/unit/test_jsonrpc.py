from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chain_kit.errors import ChainMismatchError, RpcResponseError, RpcUnreachableError, SettingError
from chain_kit.jsonrpc import JsonRpc

Answer = Callable[[Any], bytes]


def http(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    """An HTTP answer; `length` may promise more than `body` holds."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n".encode() + body


def answer(request: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A JSON-RPC answer to one request."""
    return {"jsonrpc": "2.0", "id": request["id"], **fields}


def as_http(document: object, status: str = "200 OK") -> bytes:
    """An HTTP answer that holds JSON."""
    return http(json.dumps(document).encode(), status)


@asynccontextmanager
async def server(reply: Answer, seen: list[Any] | None = None) -> AsyncIterator[str]:
    """A web server that answers every POST with the raw bytes of `reply`; it gives its URL."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(
            int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        request = json.loads(await reader.readexactly(size))
        if seen is not None:
            seen.append(request)
        writer.write(reply(request))
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"


async def test_call_gives_the_result() -> None:
    """A call sends the method and its parameters, and gives what the node answers."""
    seen: list[Any] = []
    async with server(lambda r: as_http(answer(r, result="0x10")), seen) as url, JsonRpc(url) as rpc:
        assert await rpc.call("eth_getBalance", ["0xabc", "latest"]) == "0x10"

    assert [("2.0", "eth_getBalance", ["0xabc", "latest"])] == [
        (r["jsonrpc"], r["method"], r["params"]) for r in seen
    ]


async def test_null_is_a_result() -> None:
    """A receipt that is not there yet is null, and that is an answer."""
    async with server(lambda r: as_http(answer(r, result=None))) as url, JsonRpc(url) as rpc:
        assert await rpc.call("eth_getTransactionReceipt", ["0x1"]) is None


async def test_batch_gives_results_in_the_order_of_the_calls() -> None:
    """A node may answer a batch in any order."""

    def reversed_echo(requests: list[dict[str, Any]]) -> bytes:
        return as_http([answer(r, result=r["params"][0]) for r in reversed(requests)])

    async with server(reversed_echo) as url, JsonRpc(url) as rpc:
        assert await rpc.batch([("echo", [n]) for n in (1, 2, 3)]) == [1, 2, 3]


async def test_empty_batch_asks_nothing() -> None:
    """Nothing to ask is answered without a request: JSON-RPC forbids an empty batch."""
    async with JsonRpc("http://127.0.0.1:1") as rpc:
        assert await rpc.batch([]) == []


async def test_error_object_is_a_response_error() -> None:
    """The node's code, message and data reach the caller."""
    error = {"code": 3, "message": "execution reverted", "data": "0x08c379a0"}
    async with server(lambda r: as_http(answer(r, error=error))) as url, JsonRpc(url) as rpc:
        with pytest.raises(RpcResponseError, match="eth_call failed: execution reverted") as caught:
            await rpc.call("eth_call", [{}])

    assert (3, "0x08c379a0", "eth_call") == (caught.value.code, caught.value.data, caught.value.method)


async def test_error_object_with_an_error_status_is_a_response_error() -> None:
    """Some nodes send HTTP 400 with the error object: the object says more than the status."""
    error = {"code": -32000, "message": "nonce too low"}
    async with (
        server(lambda r: as_http(answer(r, error=error), "400 Bad Request")) as url,
        JsonRpc(url) as rpc,
    ):
        with pytest.raises(RpcResponseError, match="nonce too low"):
            await rpc.call("eth_sendRawTransaction", ["0x"])


async def test_error_about_the_whole_request_has_no_id() -> None:
    """An error with the id null is about the request as such, and is the node's own answer."""
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}}
    async with server(lambda _: as_http(error)) as url, JsonRpc(url) as rpc:
        with pytest.raises(RpcResponseError, match="batch too large"):
            await rpc.batch([("eth_chainId", [])])


def one_fails(requests: list[dict[str, Any]]) -> bytes:
    """Answers a batch of which the second call fails."""
    answers = [answer(r, result=n) for n, r in enumerate(requests)]
    answers[1] = answer(requests[1], error={"code": -32602, "message": "bad params"})
    return as_http(answers)


async def test_batch_raises_the_first_error() -> None:
    """`batch` is all or nothing."""
    async with server(one_fails) as url, JsonRpc(url) as rpc:
        with pytest.raises(RpcResponseError, match="b failed: bad params"):
            await rpc.batch([("a", []), ("b", []), ("c", [])])


async def test_batch_settled_keeps_errors_in_their_places() -> None:
    """`batch_settled` gives the other results and the error where its result would be."""
    async with server(one_fails) as url, JsonRpc(url) as rpc:
        first, second, third = await rpc.batch_settled([("a", []), ("b", []), ("c", [])])

    assert (0, 2) == (first, third)
    assert isinstance(second, RpcResponseError)


MISBEHAVIOUR: dict[str, tuple[Answer, str]] = {
    "an HTML page": (lambda _: http(b"<html>Hello</html>"), "HTML"),
    "an empty answer": (lambda _: http(b""), "an empty answer"),
    "half a document": (lambda _: http(b'{"jsonrpc": "2.0", "id": 1, "resu'), "half a JSON document"),
    "a broken connection": (lambda _: http(b'{"jsonrpc"', length=500), "broke off"),
    "no HTTP at all": (lambda _: b"SSH-2.0-OpenSSH_9.2\r\n", "broke off"),
    "HTTP 502 with a page": (
        lambda _: http(b"<html>Bad Gateway</html>", "502 Bad Gateway"),
        "HTTP status 502",
    ),
    "HTTP 429 with JSON of its own": (
        lambda _: as_http({"detail": "slow"}, "429 Too Many"),
        "HTTP status 429",
    ),
    "a redirect": (lambda _: http(b"", "302 Found"), "302"),
    "the answer to another question": (
        lambda r: as_http(answer({"id": r["id"] + 1}, result=1)),
        "not to this request",
    ),
    "neither result nor error": (lambda r: as_http(answer(r)), "neither result nor error"),
    "a list": (lambda r: as_http([answer(r, result=1)]), "not to this request"),
    "a number": (lambda _: as_http(7), "not JSON-RPC"),
}


@pytest.mark.parametrize("case", MISBEHAVIOUR)
async def test_no_valid_answer_is_unreachable(case: str) -> None:
    """What is no JSON-RPC answer to the question is an endpoint out of reach, and the error says why."""
    reply, reason = MISBEHAVIOUR[case]
    async with server(reply) as url, JsonRpc(url) as rpc:
        with pytest.raises(RpcUnreachableError, match=reason):
            await rpc.call("eth_chainId")


@pytest.mark.parametrize(
    "reply",
    [
        lambda requests: as_http([answer(r, result=1) for r in requests[1:]]),
        lambda requests: as_http([answer(requests[0], result=1) for _ in requests]),
        lambda requests: as_http([answer(r, result=1) for r in [*requests, {"id": 9_999}]]),
        lambda requests: as_http([answer(requests[0], result=1), "word"]),
    ],
    ids=["one missing", "one twice", "one too many", "one no object"],
)
async def test_batch_that_does_not_match_is_unreachable(reply: Answer) -> None:
    """A batch counts only if every question has exactly its own answer."""
    async with server(reply) as url, JsonRpc(url) as rpc:
        with pytest.raises(RpcUnreachableError, match="batch came back incomplete"):
            await rpc.batch([("a", []), ("b", [])])


async def test_batch_answered_by_an_object_is_unreachable() -> None:
    """A result that is no list is no answer to a batch."""
    async with server(lambda _: as_http({"result": 1})) as url, JsonRpc(url) as rpc:
        with pytest.raises(RpcUnreachableError, match="not a batch"):
            await rpc.batch([("a", [])])


async def test_closed_port_is_unreachable() -> None:
    """Nobody listens there: the message names the URL, the hint the settings."""
    async with JsonRpc("http://127.0.0.1:1") as rpc:
        with pytest.raises(RpcUnreachableError, match=r"http://127\.0\.0\.1:1: could not connect") as caught:
            await rpc.call("eth_chainId")

    assert "ETH_RPC_URL" in caught.value.hint


async def test_silence_is_unreachable_after_the_time_out() -> None:
    """A server that takes the request and says nothing is given up."""
    async with _silent_server() as url, JsonRpc(url, timeout_seconds=0.05) as rpc:
        with pytest.raises(RpcUnreachableError, match="took too long"):
            await rpc.call("eth_chainId")


@asynccontextmanager
async def _silent_server() -> AsyncIterator[str]:
    finished = asyncio.Event()

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await finished.wait()
        writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        finished.set()


async def test_a_trickle_is_unreachable_after_a_while() -> None:
    """A server that sends a byte now and then, and never ends, is given up as well."""

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener, JsonRpc(url, timeout_seconds=0.05) as rpc:
        with pytest.raises(RpcUnreachableError, match="took too long"):
            await rpc.call("eth_chainId")


@pytest.mark.parametrize("length", [None, 5 << 20], ids=["announced", "as it comes"])
async def test_an_answer_that_is_too_large_is_cut_off(length: int | None) -> None:
    """Whether its length is announced or not; the message says how much was allowed."""
    body = b"[" * (5 << 20)
    reply = http(body, length=length)
    if length is not None:
        reply = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + body
    async with server(lambda _: reply) as url, JsonRpc(url) as rpc:
        with pytest.raises(RpcUnreachableError, match="larger than 1 MB"):
            await rpc.raw([("a", [])], most_bytes=1 << 20)


async def test_raw_answers_are_bytes() -> None:
    """`raw` gives what came, and the id of its first call; `results` reads it."""

    def echo(requests: list[dict[str, Any]]) -> bytes:
        return as_http([answer(r, result=r["params"]) for r in requests])

    async with server(echo) as url, JsonRpc(url) as rpc:
        await rpc.batch([("a", [])])
        raw = await rpc.raw([("a", [1]), ("b", [2])])
        assert raw.first_id == 2
        assert raw.body.startswith(b"[")
        assert rpc.results(raw) == [[1], [2]]


RETRY_AFTER = {
    "7": 7.0,
    "Fri, 20 Nov 2026 10:00:09 GMT": 9.0,
    "Fri, 20 Nov 2026 09:59:00 GMT": 0.0,
    "soon": None,
}


@pytest.mark.parametrize("text", RETRY_AFTER)
async def test_retry_after_is_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In seconds, or until a date; nonsense is no time. An error object beside it changes nothing."""
    monkeypatch.setattr("chain_kit.jsonrpc.time.time", lambda: 1795168800.0)
    error = b'{"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "slow down"}}'
    reply = http(error, f"429 Too Many Requests\r\nretry-after: {text}")
    async with server(lambda _: reply) as url, JsonRpc(url) as rpc:
        with pytest.raises(RpcUnreachableError, match="HTTP status 429") as caught:
            await rpc.call("eth_chainId")
    assert caught.value.retry_after == RETRY_AFTER[text]


async def test_no_message_shows_a_key() -> None:
    """User, password, path and query never appear in an error."""
    async with JsonRpc("http://user:hunter2@127.0.0.1:1/v2/SECRETKEY?token=TOKEN") as rpc:
        with pytest.raises(RpcUnreachableError) as caught:
            await rpc.call("eth_chainId")

    shown = caught.value.message + caught.value.hint + repr(caught.value)
    assert [] == [secret for secret in ("user", "hunter2", "SECRETKEY", "TOKEN") if secret in shown]
    assert "http://127.0.0.1:1/…" in shown


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8545", "ws://127.0.0.1", "file:///etc/passwd", "http://", "http://[::1"]
)
def test_only_http_urls_are_taken(url: str) -> None:
    """Another scheme, or no URL at all, is a wrong setting and is said at once."""
    with pytest.raises(SettingError, match="http"):
        JsonRpc(url)


async def test_require_chain_refuses_another_chain() -> None:
    """The right chain passes; another one is named with the one that was expected."""
    async with server(lambda r: as_http(answer(r, result="0x2105"))) as url, JsonRpc(url) as rpc:
        await rpc.require_chain(8453)
        with pytest.raises(ChainMismatchError, match="serves chain 8453, expected chain 1"):
            await rpc.require_chain(1)


@pytest.mark.parametrize("result", [None, "", "0xzz", 12, {}])
async def test_a_number_that_is_none_is_unreachable(result: object) -> None:
    """A node that gives nonsense for its chain id is no node."""
    async with server(lambda r: as_http(answer(r, result=result))) as url, JsonRpc(url) as rpc:
        with pytest.raises(RpcUnreachableError, match="eth_chainId did not give a number"):
            await rpc.chain_id()


async def test_proxy_of_the_environment_is_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local chain is reached directly, whatever HTTP_PROXY says."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with server(lambda r: as_http(answer(r, result="0x1"))) as url, JsonRpc(url) as rpc:
        assert await rpc.chain_id() == 1


async def test_closing_twice_is_fine() -> None:
    """`aclose` may be called again."""
    rpc = JsonRpc("http://127.0.0.1:1")
    await rpc.aclose()
    await rpc.aclose()
