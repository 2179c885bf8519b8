"""A JSON-RPC proxy that breaks what passes, by the seed and the number of the request alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from types import TracebackType
from typing import Any, TypeVar

import orjson

from chain_kit.testing.faults import (
    BROADCAST,
    RECEIPT,
    Delay,
    DropReply,
    DropRequest,
    DuplicateDelivery,
    EnforceReplacementRule,
    Fault,
    HttpStatus,
    LateReceipt,
    NullReceipt,
    StaleReplica,
    WrongChainId,
)
from chain_kit.testing.http_relay import PostServer, Reply, Upstream
from chain_kit.testing.replacement import Pool, RawTransaction, decode
from chain_kit.testing.request import Request
from chain_kit.testing.stale import StaleView, tags_in

__all__ = ["FaultProxy", "Injected"]

F = TypeVar("F", bound=Fault)
_HOST = "127.0.0.1"
_UNDERPRICED = {"code": -32000, "message": "replacement transaction underpriced"}


@dataclass(frozen=True)
class Injected:
    """A fault that struck: the number of the request, from 1, and the method (of a batch, the first)."""

    number: int
    method: str
    fault: Fault


class FaultProxy:
    """Listens on this machine as long as its `async with` lasts, and hands what it gets to `upstream_url`.

    `url` is where it listens. Of one request, and of one call of a batch, it is the same fault that strikes
    whenever `seed`, `faults` and the number of the request are the same. Faults are tried in the order in
    which they stand; `faults` may be set to others at any time. HTTP only, kept connections and batches
    included. What is no JSON-RPC passes untouched. Raises ValueError if `upstream_url` is no http(s) URL.
    """

    def __init__(
        self, upstream_url: str, faults: Sequence[Fault] = (), *, seed: int = 0, port: int = 0
    ) -> None:
        self.seed = seed
        self.faults: Sequence[Fault] = faults
        self.url = ""
        self.requests = 0
        self.calls = 0
        self.log: list[Injected] = []
        """What struck, in order."""
        self.forwarded: list[str] = []
        """The raw transactions (0x…) that went to the node, in order, each as often as it went."""
        self._port = port
        self._upstream = Upstream(upstream_url)
        self._server = PostServer(self._answer)
        self._pool = Pool(self._ask)
        self._answered = asyncio.Condition()
        self._broadcasts = 0

    async def __aenter__(self) -> FaultProxy:
        self._port = await self._server.start(_HOST, self._port)
        self.url = f"http://{_HOST}:{self._port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.aclose()
        await self._upstream.aclose()

    @property
    def counts(self) -> Counter[str]:
        """How often each kind of fault has struck, by its name."""
        return Counter(type(one.fault).__name__ for one in self.log)

    async def broadcasts(self, count: int = 1) -> None:
        """Returns when the node has answered that many deliveries of raw transactions, from the start."""
        async with self._answered:
            await self._answered.wait_for(lambda: self._broadcasts >= count)

    # ------------------------------------------------------------------ a request

    async def _answer(self, body: bytes) -> Reply | None:
        request = Request.read(self.requests + 1, body)
        if request is None:
            return await self._forward(body)
        self.requests += 1
        self.calls += len(request.calls)
        for place, fault in enumerate(self.faults):
            if isinstance(fault, Delay) and self._hits(request, place, fault):
                await asyncio.sleep(fault.seconds)
            elif isinstance(fault, DropRequest) and self._hits(request, place, fault):
                return None
            elif isinstance(fault, HttpStatus) and self._hits(request, place, fault):
                text = f"{fault.status}, as the proxy was told\n".encode()
                return Reply(text, fault.status, fault.retry_after_seconds, "text/plain")
        try:
            await self._prepare(request)
            reply = await self._exchange(request)
        except (OSError, EOFError) as error:
            return _no_answer(error)
        return None if self._first(request, DropReply) else reply

    async def _prepare(self, request: Request) -> None:
        """Finds out which calls must be asked differently, and which not at all."""
        faults = tuple(enumerate(self.faults))
        stale = self._first(request, StaleReplica)
        if stale is not None:
            await self._turn_back(request, stale)
        for at, call in enumerate(request.calls):
            for place, fault in faults:
                if fault.concerns(call["method"]) and at not in request.ready:
                    await self._strike_call(request, at, place, fault)

    async def _turn_back(self, request: Request, stale: StaleReplica) -> None:
        head = await self._head()
        firm: dict[str, int] = {}
        for tag in tags_in(request.calls):
            block = await self._ask("eth_getBlockByNumber", [tag, False])
            firm[tag] = int(block["number"], 16) if isinstance(block, dict) else 0
        request.view = StaleView(max(0, head - stale.blocks), firm)
        for at, call in enumerate(request.calls):
            request.calls[at], answer = request.view.question(call)
            if answer is not None:
                request.ready[at] = answer
        request.changed = True

    async def _strike_call(self, request: Request, at: int, place: int, fault: Fault) -> None:
        """Faults of single calls."""
        call = request.calls[at]
        if isinstance(fault, EnforceReplacementRule):
            transaction = decode((call.get("params") or [""])[0])
            drawn = self._drawn(place, fault, request.number, at)
            if transaction is None or not drawn or await self._pool.allows(transaction, fault.percent):
                return
            request.ready[at] = {"error": _UNDERPRICED}
        elif isinstance(fault, NullReceipt) and self._drawn(place, fault, request.number, at):
            request.no_receipt.add(at)
        elif isinstance(fault, WrongChainId) and self._drawn(place, fault, request.number, at):
            number = fault.chain_id
            request.ready[at] = {"result": hex(number) if call["method"] == "eth_chainId" else str(number)}
        elif isinstance(fault, LateReceipt) and self._drawn(place, fault, 0, _hash_of(call)):
            request.late[at] = fault
            return  # it strikes when there is a receipt
        else:
            return
        self.log.append(Injected(request.number, call["method"], fault))

    async def _exchange(self, request: Request) -> Reply:
        """Asks the node, once or twice, and turns its answers into those that are to come back."""
        asked = request.open
        reply = Reply(b"[]")
        if asked:
            body = request.body
            if request.changed or request.ready:
                body = orjson.dumps(asked if request.is_batch else asked[0])
            reply = await self._deliver(body, asked)
            if self._first(request, DuplicateDelivery):
                reply = await self._deliver(body, asked)
        if request.is_as_it_came or reply.status != 200:
            return reply
        return await self._changed(request, reply)

    async def _changed(self, request: Request, reply: Reply) -> Reply:
        document = orjson.loads(reply.body)
        answers = {answer.get("id"): answer for answer in _listed(document)}
        settled = []
        for at, call in enumerate(request.calls):
            if at in request.ready:
                settled.append({"jsonrpc": "2.0", "id": call.get("id"), **request.ready[at]})
            elif call.get("id") in answers:
                answer = answers[call.get("id")]
                if "result" in answer:
                    answer["result"] = await self._result(request, at, answer["result"])
                settled.append(answer)
        return Reply(orjson.dumps(settled if request.is_batch or not settled else settled[0]))

    async def _result(self, request: Request, at: int, result: Any) -> Any:
        if request.view is not None:
            result = request.view.answer(request.calls[at], result)
        if at in request.no_receipt:
            return None
        late = request.late.get(at)
        if late is None or not isinstance(result, dict) or result.get("blockNumber") is None:
            return result
        if await self._head() >= int(result["blockNumber"], 16) + late.blocks:
            return result
        self.log.append(Injected(request.number, RECEIPT, late))
        return None

    # ------------------------------------------------------------------ the node

    async def _forward(self, body: bytes) -> Reply:
        try:
            return await self._upstream.post(body)
        except (OSError, EOFError) as error:
            return _no_answer(error)

    async def _deliver(self, body: bytes, calls: Sequence[Mapping[str, Any]]) -> Reply:
        """One delivery to the node, with its transactions written down."""
        raws = [
            str(call["params"][0]) for call in calls if call["method"] == BROADCAST and call.get("params")
        ]
        if not raws:
            return await self._upstream.post(body)
        self.forwarded += raws
        transactions = self._watched(raws)
        for transaction in transactions:
            self._pool.sending(transaction)
        try:
            return await self._upstream.post(body)
        finally:
            for transaction in transactions:
                self._pool.sent(transaction)
            async with self._answered:
                self._broadcasts += len(raws)
                self._answered.notify_all()

    def _watched(self, raws: Sequence[str]) -> list[RawTransaction]:
        """The transactions that the replacement rule must know of; none if nobody asks for it."""
        if not any(isinstance(fault, EnforceReplacementRule) for fault in self.faults):
            return []
        return [transaction for raw in raws if (transaction := decode(raw)) is not None]

    async def _ask(self, method: str, params: list[Any]) -> Any:
        """The node's answer to a question of our own. Raises EOFError if it has none."""
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        answer = orjson.loads((await self._upstream.post(body)).body)
        if not isinstance(answer, dict) or "result" not in answer:
            raise EOFError(f"no answer to {method}")
        return answer["result"]

    async def _head(self) -> int:
        return int(await self._ask("eth_blockNumber", []), 16)

    # ------------------------------------------------------------------ chance

    def _first(self, request: Request, kind: type[F]) -> F | None:
        """The first fault of a kind that strikes the request."""
        for place, fault in enumerate(self.faults):
            if isinstance(fault, kind) and self._hits(request, place, fault):
                return fault
        return None

    def _hits(self, request: Request, place: int, fault: Fault) -> bool:
        """Whether a fault of whole requests strikes this one; written down if it does."""
        method = next((call["method"] for call in request.calls if fault.concerns(call["method"])), None)
        if method is None or not self._drawn(place, fault, request.number, ""):
            return False
        self.log.append(Injected(request.number, method, fault))
        return True

    def _drawn(self, place: int, fault: Fault, number: int, part: int | str) -> bool:
        if fault.per_mille in (0, 1000):
            return fault.per_mille == 1000
        words = f"{self.seed} {place} {type(fault).__name__} {number} {part}"
        return int.from_bytes(blake2b(words.encode(), digest_size=8).digest()) % 1000 < fault.per_mille


def _no_answer(error: Exception) -> Reply:
    return Reply(f"the upstream does not answer: {error}\n".encode(), 502, content_type="text/plain")


def _hash_of(call: Mapping[str, Any]) -> str:
    return str((call.get("params") or [""])[0])


def _listed(document: Any) -> list[dict[str, Any]]:
    listed = document if isinstance(document, list) else [document]
    return [answer for answer in listed if isinstance(answer, dict)]
