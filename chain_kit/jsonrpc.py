"""JSON-RPC over HTTP: calls, batches, and errors that say which of two things happened.

Either the node answered with an error object (`RpcResponseError`: asking again gives the same), or no valid
answer came at all (`RpcUnreachableError`: a closed port, a time-out, a proxy's HTML page, half a document, an
answer to another question; asking again may help). No message shows a URL's user, password, path or query:
providers put keys into all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import httpx
import orjson

from chain_kit.errors import ChainMismatchError, RpcResponseError, RpcUnreachableError, SettingError
from chain_kit.urls import public_url

__all__ = ["Call", "JsonRpc"]

Call = tuple[str, Sequence[Any]]
"""A method and its parameters, JSON values with quantities as 0x strings."""

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "connecting timed out"),
    (httpx.TimeoutException, "it took too long"),
    (httpx.ConnectError, "could not connect"),
    (httpx.RemoteProtocolError, "the connection broke off in the middle"),
    (httpx.DecodingError, "the answer could not be decompressed"),
)


class JsonRpc:
    """A JSON-RPC endpoint, with one connection pool that all its calls share.

    Use it as an async context manager, or call `aclose()`. Raises SettingError at once if `url` is not an
    http or https URL.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 15.0) -> None:
        self.url = url
        self.public_url = public_url(url)
        host = self._host(url)
        self._ids = itertools.count(1)
        self._client = httpx.AsyncClient(
            timeout=timeout_seconds,
            # A proxy in the environment is for the world, not for a chain on this machine.
            trust_env=host not in _LOOPBACK,
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

    async def __aenter__(self) -> JsonRpc:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections; calling it twice is fine."""
        await self._client.aclose()

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one call. Raises RpcResponseError or RpcUnreachableError."""
        request = self._request(method, params)
        answer = await self._post(request)
        if not isinstance(answer, dict) or answer.get("id") != request["id"]:
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
        if not calls:
            return []
        requests = [self._request(method, params) for method, params in calls]
        answers = await self._post(requests)
        if not isinstance(answers, list):
            raise self._invalid(answers, "the answer is not a batch")
        by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
        wanted = {request["id"] for request in requests}
        if len(answers) != len(requests) or by_id.keys() != wanted:
            raise RpcUnreachableError(self.public_url, "the batch came back incomplete")
        settled: list[Any] = []
        for request in requests:
            try:
                settled.append(self._result(request["method"], by_id[request["id"]]))
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

    def _request(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}

    async def _post(self, body: object) -> Any:
        try:
            response = await self._client.post(self.url, content=orjson.dumps(body))
        except httpx.HTTPError as error:
            reason = next((text for kind, text in _REASONS if isinstance(error, kind)), type(error).__name__)
            raise RpcUnreachableError(self.public_url, reason) from None
        try:
            answer = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            answer = None
        # Some nodes send a JSON-RPC error with an HTTP error status: the object says more.
        if response.is_error and not (isinstance(answer, dict) and "error" in answer):
            raise RpcUnreachableError(self.public_url, f"HTTP status {response.status_code}")
        if not isinstance(answer, dict | list):
            raise RpcUnreachableError(
                self.public_url, f"not JSON-RPC, but {self._kind(response)} (status {response.status_code})"
            )
        return answer

    @staticmethod
    def _kind(response: httpx.Response) -> str:
        if not response.content:
            return "an empty answer"
        if response.content.lstrip()[:1] in (b"{", b"["):
            return "half a JSON document"
        return "something else, an HTML page perhaps"

    def _invalid(self, answer: object, reason: str) -> RpcResponseError | RpcUnreachableError:
        # An error about the request as a whole comes with the id null.
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict) and answer.get("id") is None:
            return self._error("the request", answer["error"])
        return RpcUnreachableError(self.public_url, reason)

    def _result(self, method: str, answer: dict[str, Any]) -> Any:
        error = answer.get("error")
        if error is not None:
            raise self._error(method, error if isinstance(error, dict) else {"message": str(error)})
        if "result" not in answer:
            raise RpcUnreachableError(self.public_url, f"the answer to {method} has neither result nor error")
        return answer["result"]

    @staticmethod
    def _error(method: str, error: dict[str, Any]) -> RpcResponseError:
        code = error.get("code")
        return RpcResponseError(
            method,
            code if isinstance(code, int) else 0,
            str(error.get("message", "no message")),
            error.get("data"),
        )
