"""Nodes that misbehave by chance, and clients that reach them without sockets but with the same bytes."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from websockets.exceptions import ConnectionClosedError

from chain_kit.jsonrpc import JsonRpc
from tests.index_support.answering import SILENCE, Answering, Limits, Reply
from tests.index_support.chain import FakeChain

__all__ = ["FAULTS", "Behaviour", "MemoryRpc", "MemorySocket", "SimulatedNode"]

_LATENCY_SECONDS = 0.004
_SLOW_SECONDS = (2.0, 4.9)


def _failing(code: int, message: str) -> Callable[[list[dict[str, Any]]], Reply]:
    def answer(batch: list[dict[str, Any]]) -> Reply:
        error = {"code": code, "message": message}
        return 200, orjson.dumps([{"jsonrpc": "2.0", "id": call["id"], "error": error} for call in batch])

    return answer


def _fewer(batch: list[dict[str, Any]]) -> Reply:
    return 200, orjson.dumps([{"jsonrpc": "2.0", "id": call["id"], "result": None} for call in batch[1:]])


def _for_others(batch: list[dict[str, Any]]) -> Reply:
    return 200, orjson.dumps(
        [{"jsonrpc": "2.0", "id": call["id"] + 1_000_000, "result": None} for call in batch]
    )


_HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
_HALF = b'[{"jsonrpc":"2.0","id":1,"result":{"number":"0x1'
FAULTS: dict[str, Callable[[list[dict[str, Any]]], Reply | None]] = {
    "slow down": lambda _: (429, b"", {"retry-after": "2"}),
    "slow down, no hint": lambda _: (429, b'{"error":"Too Many Requests"}'),
    "limit exceeded": _failing(-32005, "daily request count exceeded, request rate limited"),
    "internal error": _failing(-32603, "internal error"),
    "server error": lambda _: (500, b""),
    "bad gateway": lambda _: (502, _HTML),
    "unavailable": lambda _: (503, b"upstream connect error"),
    "silence": lambda _: SILENCE,
    "broken off": lambda _: None,
    "html": lambda _: (200, _HTML),
    "half a document": lambda _: (200, _HALF),
    "empty": lambda _: (200, b""),
    "fewer answers": _fewer,
    "answers for others": _for_others,
}
"""What can come instead of an answer."""


@dataclass(frozen=True)
class Behaviour:
    """How a node does; each chance is by request, or by answer. The default is an honest one."""

    errors: float = 0.0
    kinds: tuple[str, ...] = tuple(FAULTS)
    omits: float = 0.0
    doubles: float = 0.0
    shuffles: float = 0.0
    alters: float = 0.0
    """Chances that a list of logs lacks one, has one twice, is in another order, or has an altered one."""
    in_receipts: bool = False
    """Whether receipts are changed so as well, or only what `eth_getLogs` gives."""
    headers: float = 0.0
    """The chance that a header says something else than what was hashed."""
    calls: float = 0.0
    """The chance that a contract's answer is another number."""
    slow: float = 0.0
    """The chance that receipts are long under way."""
    lag: int = 0
    branch: int = 0
    """It follows a branch of its own, that left the chain so many blocks below the tip."""
    limits: Limits = field(default_factory=Limits)
    chain_id: int = 31337
    stranger: bool = False
    """It serves another chain with the same id."""


class SimulatedNode(Answering):
    """A node that behaves as it is told, and draws its faults from `chance`."""

    def __init__(self, chain: FakeChain, chance: random.Random) -> None:
        super().__init__(chain)
        self.chance = chance
        self.behaviour = Behaviour()
        self.lies.append(self._lie)
        self.sockets: list[MemorySocket] = []
        self.mute = False
        """Whether its sockets say nothing, though they are open."""
        chain.listeners.append(self._announce)

    def drop(self) -> None:
        """Breaks off every socket."""
        for socket in list(self.sockets):
            socket.end()

    def _announce(self) -> None:
        for socket in self.sockets:
            if socket.subscription and not self.mute:
                header = self._lie(
                    "eth_getBlockByHash", [], self.chain.header_json(self.chain.blocks[self.newest])
                )
                socket.tell(header)

    def behave(self, behaviour: Behaviour, chain: FakeChain) -> None:
        """From now on."""
        self.behaviour = behaviour
        self.chain.listeners.remove(self._announce)
        self.chain = chain
        chain.listeners.append(self._announce)
        self.lag, self.limits, self.chain_id = behaviour.lag, behaviour.limits, behaviour.chain_id

    def answer(self, body: bytes) -> Reply | None:
        """A reply, or what comes instead of one."""
        if self.chance.random() < self.behaviour.errors:
            self.faults.append(FAULTS[self.chance.choice(self.behaviour.kinds)])
        return super().answer(body)

    def under_way(self, body: bytes) -> float:
        """For how many seconds the answer to a request is."""
        slow = self.behaviour.slow if b"eth_getBlockReceipts" in body else 0.0
        return self.chance.uniform(*_SLOW_SECONDS) if slow and self.chance.random() < slow else 0.0

    def subscribes(self, body: bytes) -> dict[str, Any] | None:
        """The call, if it is one to `eth_subscribe`."""
        call = orjson.loads(body)
        return call if isinstance(call, dict) and call["method"] == "eth_subscribe" else None

    def _lie(self, method: str, _: list[Any], result: Any) -> Any:
        does, chance = self.behaviour, self.chance
        if method == "eth_getLogs":
            return self._change(result)
        if method == "eth_getBlockReceipts" and does.in_receipts and result:
            changed = copy.deepcopy(result)
            for receipt in changed:
                receipt["logs"] = self._change(receipt["logs"])
            return changed
        if method.startswith("eth_getBlockBy") and result and chance.random() < does.headers:
            name = chance.choice(["parentHash", "receiptsRoot", "logsBloom", "hash", "stateRoot"])
            return result | {name: _other_digit(result[name], chance)}
        if method == "eth_call" and len(result) > 2 and chance.random() < does.calls:
            return _other_digit(result, chance)
        return result

    def _change(self, logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        does, chance = self.behaviour, self.chance
        changed = list(logs)
        if changed and chance.random() < does.omits:
            del changed[chance.randrange(len(changed))]
        if changed and chance.random() < does.doubles:
            changed.append(chance.choice(changed))
        if len(changed) > 1 and chance.random() < does.shuffles:
            self._shuffle(changed)
        if changed and chance.random() < does.alters:
            number = chance.randrange(len(changed))
            changed[number] = self._altered(changed[number])
        return changed

    def _shuffle(self, logs: list[dict[str, Any]]) -> None:
        """Puts them in another order; half of the time with the numbers of the order that they then have."""
        numbers = [log["logIndex"] for log in logs]
        self.chance.shuffle(logs)
        if self.chance.random() < 0.5:
            logs[:] = [log | {"logIndex": n} for log, n in zip(logs, numbers, strict=True)]

    def _altered(self, log: dict[str, Any]) -> dict[str, Any]:
        part = self.chance.choice(["data", "topics", "address", "logIndex", "blockNumber"])
        if part == "topics":
            number = self.chance.randrange(len(log["topics"]))
            topics = list(log["topics"])
            topics[number] = _other_digit(topics[number], self.chance)
            return log | {"topics": topics}
        if part in ("logIndex", "blockNumber"):
            return log | {part: hex(int(log[part], 16) + 1)}
        return log | {part: _other_digit(log[part], self.chance) if len(log[part]) > 2 else "0x01"}


def _other_digit(text: str, chance: random.Random) -> str:
    """With one hexadecimal digit changed."""
    place = chance.randrange(2, len(text))
    digit = chance.choice([digit for digit in "0123456789abcdef" if digit != text[place].lower()])
    return text[:place] + digit + text[place + 1 :]


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, node: SimulatedNode) -> None:
        self._node = node

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(_LATENCY_SECONDS)
        reply = self._node.answer(request.content)
        if reply is None:
            raise httpx.RemoteProtocolError("the other side closed the connection")
        if reply == SILENCE:
            await asyncio.sleep(request.extensions["timeout"]["read"])
            raise httpx.ReadTimeout("nothing came")
        if seconds := self._node.under_way(request.content):
            await asyncio.sleep(seconds)
        status, body, *headers = reply
        return httpx.Response(status, content=body, headers=headers[0] if headers else None)


class MemorySocket:
    """What a WebSocket client sees of a connection, for the client's own code to use."""

    def __init__(self, node: SimulatedNode) -> None:
        self._node = node
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._open = True
        self.subscription = ""
        node.sockets.append(self)

    async def send(self, body: bytes, *, text: bool) -> None:  # noqa: ARG002
        """A message to the node, which answers unless it is mute."""
        await asyncio.sleep(_LATENCY_SECONDS)
        if not self._open:
            raise ConnectionClosedError(None, None)
        call = self._node.subscribes(body)
        if call is not None:
            self.subscription = "0xcd0c"
            reply: Reply | None = (
                200,
                orjson.dumps({"jsonrpc": "2.0", "id": call["id"], "result": "0xcd0c"}),
            )
        else:
            reply = self._node.answer(body)
        if reply is None:
            self.end()
        elif reply != SILENCE and not self._node.mute:
            loop = asyncio.get_running_loop()
            loop.call_later(self._node.under_way(body), self._inbox.put_nowait, reply[1])

    async def recv(self, *, decode: bool) -> bytes:  # noqa: ARG002
        """The next message from the node."""
        message = await self._inbox.get()
        if message is None:
            raise ConnectionClosedError(None, None)
        return message

    async def close(self) -> None:
        """The client has enough."""
        self.end()

    def end(self) -> None:
        """The connection is gone."""
        if self._open:
            self._open = False
            self._node.sockets.remove(self)
            self._inbox.put_nowait(None)

    def tell(self, header: dict[str, Any]) -> None:
        """Pushes a new head."""
        params = {"subscription": self.subscription, "result": header}
        self._inbox.put_nowait(
            orjson.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})
        )


class MemoryRpc(JsonRpc):
    """A client of a node in this process."""

    def __init__(self, node: SimulatedNode, name: str) -> None:
        super().__init__(f"http://{name}.test", timeout_seconds=5.0)
        self._client = httpx.AsyncClient(transport=_Transport(node), timeout=5.0)
