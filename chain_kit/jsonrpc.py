"""JSON-RPC: calls, batches, and errors that say which of two things happened.

Either the node answered with an error object (`RpcResponseError`: asking again gives the same), or no valid
answer came at all (`RpcUnreachableError`: a closed port, a time-out, a proxy's HTML page, half a document, an
answer to another question; asking again may help). No message shows a URL's user, password, path or query:
providers put keys into all of them.

`RpcClient` is what HTTP (`JsonRpc`) and WebSockets (`websocket_rpc`) have in common. `raw` gives the bytes of
an answer to whoever parses them better than this.
"""

from __future__ import annotations

import abc
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from chain_kit.errors import ChainMismatchError, RpcResponseError, RpcUnreachableError, SettingError
from chain_kit.urls import public_url

__all__ = ["LOOPBACK", "MOST_BYTES", "Call", "JsonRpc", "RawAnswer", "RpcClient"]

Call = tuple[str, Sequence[Any]]
"""A method and its parameters, JSON values with quantities as 0x strings."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""This machine. A proxy in the environment is for the world, not for a chain here."""

MOST_BYTES = 64 << 20
"""An answer that is larger is cut off."""

_PATIENCE = 4
"""A whole answer may take this many times as long as its next bytes may."""

_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "connecting timed out"),
    (httpx.TimeoutException, "it took too long"),
    (httpx.ConnectError, "could not connect"),
    (httpx.RemoteProtocolError, "the connection broke off in the middle"),
    (httpx.DecodingError, "the answer could not be decompressed"),
)


@dataclass(frozen=True)
class RawAnswer:
    """What came back for a batch, not yet looked at. The calls' ids count up from `first_id`."""

    calls: Sequence[Call]
    first_id: int
    body: bytes


class RpcClient(abc.ABC):
    """What can be asked of a node, over any transport. Use it as an async context manager, or `aclose()`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.public_url = public_url(url)
        self._next_id = 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @abc.abstractmethod
    async def aclose(self) -> None:
        """Closes the connections; calling it twice is fine."""

    @abc.abstractmethod
    async def _exchange(self, body: bytes, first_id: int, most_bytes: int) -> bytes:
        """The answer to a request; `first_id` is its first or only id. Raises RpcUnreachableError."""

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one call. Raises RpcResponseError or RpcUnreachableError."""
        number = self._take_ids(1)
        body = orjson.dumps(_request(number, method, params))
        answer = self._parsed(await self._exchange(body, number, MOST_BYTES))
        if not isinstance(answer, dict) or answer.get("id") != number:
            raise self._invalid(answer, "the answer is not to this request")
        return self._result(method, answer)

    async def batch(self, calls: Sequence[Call]) -> list[Any]:
        """The results of many calls in one request, in the order of `calls`; the first error is raised."""
        results = await self.batch_settled(calls)
        for result in results:
            if isinstance(result, RpcResponseError):
                raise result
        return results

    async def batch_settled(self, calls: Sequence[Call]) -> list[Any]:
        """As `batch`, but with the RpcResponseError of a failed call in its place instead of raised."""
        return self.results(await self.raw(calls)) if calls else []

    async def raw(self, calls: Sequence[Call], *, most_bytes: int = MOST_BYTES) -> RawAnswer:
        """The answer to a batch as it came. Raises RpcUnreachableError if it has more than `most_bytes`."""
        first = self._take_ids(len(calls))
        requests = [_request(first + place, method, params) for place, (method, params) in enumerate(calls)]
        return RawAnswer(calls, first, await self._exchange(orjson.dumps(requests), first, most_bytes))

    def results(self, raw: RawAnswer) -> list[Any]:
        """What `batch_settled` would have given. Raises RpcUnreachableError for what is no answer to it."""
        answers = self._parsed(raw.body)
        if not isinstance(answers, list):
            raise self._invalid(answers, "the answer is not a batch")
        by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
        wanted = range(raw.first_id, raw.first_id + len(raw.calls))
        if len(answers) != len(wanted) or by_id.keys() != set(wanted):
            raise RpcUnreachableError(self.public_url, "the batch came back incomplete")
        settled: list[Any] = []
        for number, (method, _) in zip(wanted, raw.calls, strict=True):
            try:
                settled.append(self._result(method, by_id[number]))
            except RpcResponseError as error:
                settled.append(error)
        return settled

    async def chain_id(self) -> int:
        """The id of the chain that the node serves."""
        return await self._quantity("eth_chainId")

    async def block_number(self) -> int:
        """The number of the newest block."""
        return await self._quantity("eth_blockNumber")

    async def client_version(self) -> str:
        """What the node calls itself, "anvil/v1.7.1" for one."""
        return str(await self.call("web3_clientVersion"))

    async def require_chain(self, expected: int) -> None:
        """Raises ChainMismatchError if the node serves another chain than `expected`."""
        actual = await self.chain_id()
        if actual != expected:
            raise ChainMismatchError(expected, actual)

    async def _quantity(self, method: str) -> int:
        result = await self.call(method)
        try:
            return int(result, 16)
        except (TypeError, ValueError):
            raise RpcUnreachableError(self.public_url, f"{method} did not give a number") from None

    def _take_ids(self, count: int) -> int:
        first = self._next_id
        self._next_id += count
        return first

    def _parsed(self, body: bytes) -> Any:
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict | list):
            raise RpcUnreachableError(self.public_url, f"not JSON-RPC, but {_kind(body)}")
        return answer

    def _invalid(self, answer: object, reason: str) -> RpcResponseError | RpcUnreachableError:
        # An error about the request as a whole comes with the id null.
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict) and answer.get("id") is None:
            return _error("the request", answer["error"])
        return RpcUnreachableError(self.public_url, reason)

    def _result(self, method: str, answer: dict[str, Any]) -> Any:
        error = answer.get("error")
        if error is not None:
            raise _error(method, error if isinstance(error, dict) else {"message": str(error)})
        if "result" not in answer:
            raise RpcUnreachableError(self.public_url, f"the answer to {method} has neither result nor error")
        return answer["result"]


class JsonRpc(RpcClient):
    """A JSON-RPC endpoint over HTTP, with one connection pool that all its calls share.

    Raises SettingError at once if `url` is not an http or https URL.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 15.0) -> None:
        super().__init__(url)
        host = self._host(url)
        self._whole_seconds = timeout_seconds * _PATIENCE
        self._client = httpx.AsyncClient(
            timeout=timeout_seconds,
            trust_env=host not in LOOPBACK,
            # Loading the certificates takes longer than starting anvil: not for plain http.
            verify=url.startswith("https:"),
            headers={"content-type": "application/json"},
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=32),
        )

    @staticmethod
    def _host(url: str) -> str:
        try:
            parts = httpx.URL(url)
        except (httpx.InvalidURL, TypeError):
            parts = httpx.URL("")
        if parts.scheme not in ("http", "https") or not parts.host:
            raise SettingError(
                f"the RPC URL {public_url(url)} is not an http(s) URL",
                hint="give one such as http://127.0.0.1:8545",
            )
        return parts.host

    async def aclose(self) -> None:
        """Closes the connections; calling it twice is fine."""
        await self._client.aclose()

    async def _exchange(self, body: bytes, first_id: int, most_bytes: int) -> bytes:  # noqa: ARG002
        try:
            async with (
                asyncio.timeout(self._whole_seconds),
                self._client.stream("POST", self.url, content=body) as response,
            ):
                answer = await self._read(response, most_bytes)
        except TimeoutError:
            raise RpcUnreachableError(self.public_url, "it took too long") from None
        except httpx.HTTPError as error:
            reason = next((text for kind, text in _REASONS if isinstance(error, kind)), type(error).__name__)
            raise RpcUnreachableError(self.public_url, reason) from None
        if response.status_code != 200:
            self._check_status(response, answer)
        return answer

    async def _read(self, response: httpx.Response, most_bytes: int) -> bytes:
        parts, size = [], 0
        announced = response.headers.get("content-length", "")
        if announced.isdecimal():
            size = int(announced) if int(announced) > most_bytes else 0
        if not size:
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > most_bytes:
                    break
        if size > most_bytes:
            raise RpcUnreachableError(self.public_url, f"the answer is larger than {most_bytes >> 20} MB")
        return b"".join(parts)

    def _check_status(self, response: httpx.Response, body: bytes) -> None:
        """Raises RpcUnreachableError unless what came is JSON-RPC all the same."""
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            answer = None
        status = response.status_code
        if status == 429 or not isinstance(answer, dict | list):
            reason = f"HTTP status {status}"
            raise RpcUnreachableError(self.public_url, reason, _seconds(response.headers.get("retry-after")))
        # Some nodes send a JSON-RPC error with an HTTP error status: the object says more.
        if response.is_error and not (isinstance(answer, dict) and "error" in answer):
            raise RpcUnreachableError(self.public_url, f"HTTP status {status}")


def _request(number: int, method: str, params: Sequence[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def _error(method: str, error: dict[str, Any]) -> RpcResponseError:
    code = error.get("code")
    return RpcResponseError(
        method,
        code if isinstance(code, int) else 0,
        str(error.get("message", "no message")),
        error.get("data"),
    )


def _kind(body: bytes) -> str:
    if not body:
        return "an empty answer"
    if body.lstrip()[:1] in (b"{", b"["):
        return "half a JSON document"
    return "something else, an HTML page perhaps"


def _seconds(retry_after: str | None) -> float | None:
    """What Retry-After asks for: seconds, or the time until a date. None if it is neither."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
