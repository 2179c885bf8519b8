"""Several endpoints of one chain, asked as if they were one.

They are asked in the order in which they are given: the first until it fails, then the next, and the first
again after a rest. One whose head is behind the others' is left until it has caught up; one of another chain
is never asked again. A receipt is believed when it names a block that a second endpoint has too.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from chain_kit.errors import ChainMismatchError, RpcError, RpcResponseError, RpcUnreachableError, SettingError
from chain_kit.jsonrpc import Call, JsonRpc

__all__ = ["Endpoints"]

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_NOT_NOW = re.compile(
    r"rate.?limit|too many requests|overload|try again|unavailable|status 429", re.IGNORECASE
)
_LIMIT_EXCEEDED = -32005
_RECEIPT, _BROADCAST = "eth_getTransactionReceipt", "eth_sendRawTransaction"
_KNOWN_BLOCKS = 1_024


class _Endpoint:
    """One of them, and what was noticed of it."""

    def __init__(self, rpc: JsonRpc) -> None:
        self.rpc = rpc
        self.refused = self.behind = self.admitted = False
        self.rests_until = 0.0

    def __repr__(self) -> str:
        return self.rpc.public_url


class Endpoints(JsonRpc):
    """A `JsonRpc` over several URLs. Close it as one.

    An endpoint that does not answer rests for `rest_seconds`. Heads are compared every `check_seconds`; more
    than `max_behind` blocks behind the highest is behind. All must serve `chain_id`; without it, the chain of
    the first that answers. Raises SettingError for no URL or one that is none.
    """

    def __init__(  # it is several clients: the parent's one is never made
        self,
        urls: Sequence[str],
        *,
        chain_id: int | None = None,
        max_behind: int = 3,
        rest_seconds: float = 15.0,
        check_seconds: float = 10.0,
        timeout_seconds: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not urls or len(set(urls)) != len(urls):
            raise SettingError("endpoints must be given, each once", hint="give one or more http(s) URLs")
        self._endpoints = [_Endpoint(JsonRpc(url, timeout_seconds=timeout_seconds)) for url in urls]
        self.url = urls[0]
        self.public_url = ", ".join(endpoint.rpc.public_url for endpoint in self._endpoints)
        self._expected = chain_id
        self._max_behind = max_behind
        self._rest_seconds = rest_seconds
        self._check_seconds = check_seconds
        self._clock = clock
        self._checked_at: float | None = None
        # Hashes of blocks that a second endpoint has shown.
        self._known: dict[str, None] = {}

    async def aclose(self) -> None:
        """Closes all connections; calling it twice is fine."""
        for endpoint in self._endpoints:
            await endpoint.rpc.aclose()

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one call. Raises RpcResponseError, or RpcUnreachableError if no endpoint answers.

        A broadcast that got no answer may have arrived: it is not handed to another endpoint.
        """

        async def ask(endpoint: _Endpoint) -> Any:
            result = await endpoint.rpc.call(method, params)
            return await self._believed(endpoint, result) if method == _RECEIPT else result

        return await self._first(ask, once=method == _BROADCAST)

    async def batch_settled(self, calls: Sequence[Call]) -> list[Any]:
        """As `JsonRpc.batch_settled`; all of a batch comes from one endpoint."""

        async def ask(endpoint: _Endpoint) -> list[Any]:
            results = await endpoint.rpc.batch_settled(calls)
            for result in results:
                if isinstance(result, RpcResponseError) and _is_not_now(result):
                    raise result
            return [
                await self._believed(endpoint, result) if method == _RECEIPT else result
                for (method, _), result in zip(calls, results, strict=True)
            ]

        return await self._first(ask, once=any(method == _BROADCAST for method, _ in calls))

    # ------------------------------------------------------------------ inside

    async def _first(self, ask: Callable[[_Endpoint], Awaitable[T]], *, once: bool) -> T:
        """The answer of the first endpoint that gives one; `once`: of no second after silence."""
        await self._compare_heads()
        failure: RpcError | None = None
        for endpoint in self._in_order():
            try:
                await self._admit(endpoint)
            except RpcError as error:
                failure = self._failed(endpoint, error)
                continue
            try:
                return await ask(endpoint)
            except RpcResponseError as error:
                if not _is_not_now(error):
                    raise
                failure = self._failed(endpoint, error)
            except RpcUnreachableError as error:
                failure = self._failed(endpoint, error)
                if once:
                    raise
        raise failure or RpcUnreachableError(self.public_url, "all of them serve other chains")

    def _in_order(self) -> list[_Endpoint]:
        """The endpoints that may be asked, those that are behind or at rest last."""
        now = self._clock()
        usable = [endpoint for endpoint in self._endpoints if not endpoint.refused]
        return sorted(usable, key=lambda endpoint: (endpoint.rests_until > now, endpoint.behind))

    def _failed(self, endpoint: _Endpoint, error: RpcError) -> RpcError:
        if isinstance(error, ChainMismatchError):
            endpoint.refused = True
            _LOG.error("%s is never asked again: %s", endpoint, error.message)
        else:
            # What comes up again may be another machine.
            endpoint.admitted = False
            endpoint.rests_until = self._clock() + self._rest_seconds
            _LOG.warning("%s", error.message)
        return error

    async def _admit(self, endpoint: _Endpoint) -> None:
        """Raises ChainMismatchError if the endpoint serves another chain than the others."""
        if endpoint.admitted:
            return
        actual = await endpoint.rpc.chain_id()
        if self._expected is None:
            self._expected = actual
        if actual != self._expected:
            raise ChainMismatchError(self._expected, actual)
        endpoint.admitted = True

    async def _compare_heads(self) -> None:
        now = self._clock()
        due = self._checked_at is None or now - self._checked_at >= self._check_seconds
        usable = [endpoint for endpoint in self._endpoints if not endpoint.refused]
        if not due or len(usable) < 2:
            return
        self._checked_at = now
        heads = await asyncio.gather(*(self._head(endpoint) for endpoint in usable))
        highest = max((head for head in heads if head is not None), default=0)
        for endpoint, head in zip(usable, heads, strict=True):
            behind = head is not None and highest - head > self._max_behind
            if behind and not endpoint.behind:
                _LOG.warning("%s is left: its head %s is behind %s", endpoint, head, highest)
            endpoint.behind = behind

    async def _head(self, endpoint: _Endpoint) -> int | None:
        if endpoint.rests_until > self._clock():
            return None
        try:
            await self._admit(endpoint)
            return await endpoint.rpc.block_number()
        except RpcError as error:
            self._failed(endpoint, error)
            return None

    async def _believed(self, endpoint: _Endpoint, receipt: Any) -> Any:
        """The receipt, or None if it names no block, or one that a second endpoint does not have."""
        if not isinstance(receipt, dict):
            return receipt
        block_hash = receipt.get("blockHash")
        if not block_hash:
            return None
        if block_hash in self._known:
            return receipt
        for witness in self._in_order():
            if witness is endpoint or witness.rests_until > self._clock():
                continue
            try:
                await self._admit(witness)
                block = await witness.rpc.call("eth_getBlockByHash", [block_hash, False])
            except RpcError as error:
                self._failed(witness, error)
                continue
            if block is None:
                _LOG.warning("%s has a receipt in a block %s that %s lacks", endpoint, block_hash, witness)
                return None
            self._remember(block_hash)
            break
        return receipt

    def _remember(self, block_hash: str) -> None:
        self._known[block_hash] = None
        if len(self._known) > _KNOWN_BLOCKS:
            del self._known[next(iter(self._known))]


def _is_not_now(error: RpcResponseError) -> bool:
    return error.code == _LIMIT_EXCEEDED or _NOT_NOW.search(error.reason) is not None
