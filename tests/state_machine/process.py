"""A keeper's process, as far as the outbox is concerned: it can be killed at any of its boundaries.

A boundary is what lies before and after each change of the journal, each broadcast and each other request.
At one, the process may die, or the chain may change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, select

from chain_kit.errors import RpcUnreachableError
from chain_kit.fees import FeePolicy
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Gate, Journal, Sender
from chain_kit.outbox.database import open_store
from chain_kit.outbox.journal import Fence
from chain_kit.outbox.tables import leases
from tests.state_machine.chain import SIGNER, Chain
from tests.state_machine.counter import EFFECTS

__all__ = ["POLICY", "Ambush", "Crash", "Process"]

T = TypeVar("T")
POLICY = FeePolicy(stuck_seconds=30)
Boundary = str
"""journal, broadcast or request."""


class Crash(BaseException):
    """The process is gone: nothing after this runs."""


class Ambush:
    """Something that happens at the `after`-th boundary of a kind from now on (any kind, if "")."""

    def __init__(self, after: int, kind: Boundary, what: Callable[[], Awaitable[None]] | None) -> None:
        self.left = after
        self.kind = kind
        self.what = what

    def due(self, kind: Boundary) -> bool:
        """Whether it is time."""
        if self.kind not in ("", kind) or self.left < 0:
            return False
        self.left -= 1
        return self.left < 0


class Process:
    """A sender on the outbox at `path`. `before_broadcast` is called with raw transactions (0x…)."""

    def __init__(
        self, chain: Chain, path: Path, gate: Gate, *, before_broadcast: Callable[[str], None]
    ) -> None:
        self.dead = False
        self.kill: Ambush | None = None
        self.event: Ambush | None = None
        self._fence: Fence | None = None
        self._rpc = _TappedRpc(chain, self, before_broadcast)
        store = open_store(path)
        Journal.open(path, 31337, chain.genesis).close()
        journal = _MortalJournal(store, 31337, self)
        self.sender = Sender(
            self._rpc,
            journal,
            SIGNER,
            EFFECTS,
            fee_policy=POLICY,
            gate=gate,
            poll_seconds=0.02,
            timeout_seconds=0.0,
        )

    def under(self, fence: Fence) -> None:
        """It works under a lease from now on."""
        self._fence = fence

    def fence(self) -> Fence | None:
        """The lease's, if it has one."""
        return self._fence

    async def aclose(self) -> None:
        """Nothing of it is left but the file."""
        self.dead = True
        await self.sender.aclose()
        await self._rpc.aclose()

    def boundary(self, kind: Boundary) -> None:
        """Raises Crash if it dies here, or is dead."""
        if self.dead or (self.kill is not None and self.kill.due(kind)):
            self.dead = True
            raise Crash

    async def moment(self, kind: Boundary) -> None:
        """The chain may change now."""
        if self.event is not None and self.event.what is not None and self.event.due(kind):
            await self.event.what()


class _MortalJournal(Journal):
    def __init__(self, store: Any, chain_id: int, process: Process) -> None:
        super().__init__(store, chain_id)
        self._process = process

    def together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """All is stored, and nobody has heard of it yet."""
        outcomes = super().together(calls)
        self._process.boundary("journal")
        return outcomes

    def _write(self, change: Callable[[Connection], T], *, lasting: bool = False) -> T:
        self._fence = self._process.fence()
        self._process.boundary("journal")
        # Nobody cuts the power here: what was committed is in the file.
        del lasting
        result = super()._write(change)
        if self._fence is not None:
            current = self._store.read(lambda c: c.execute(select(leases.c.token)).scalar())
            assert self._fence()[1] == current, "it wrote under a lease that is another's"
        self._process.boundary("journal")
        return result


class _TappedRpc(JsonRpc):
    def __init__(self, chain: Chain, process: Process, before_broadcast: Callable[[str], None]) -> None:
        super().__init__(chain.proxy.url)
        self._proxy = chain.proxy
        self._process = process
        self._before_broadcast = before_broadcast

    async def _exchange(self, body: bytes, first_id: int, most_bytes: int) -> bytes:  # noqa: ARG002
        kind = "broadcast" if b"eth_sendRawTransaction" in body else "request"
        self._process.boundary(kind)
        if kind == "broadcast":
            document = orjson.loads(body)
            for call in document if isinstance(document, list) else [document]:
                self._before_broadcast(call["params"][0])
        await self._process.moment(kind)
        answer = await self._through_proxy(body)
        await self._process.moment(kind)
        self._process.boundary(kind)
        return answer

    async def _through_proxy(self, body: bytes) -> bytes:
        """Hands the proxy what it would read from a socket: many schedules' time is the sockets'."""
        reply = await self._proxy._answer(body)
        if reply is None:
            raise RpcUnreachableError(self.public_url, "the connection broke off in the middle")
        if reply.status != 200:
            raise RpcUnreachableError(self.public_url, f"HTTP status {reply.status}")
        return reply.body
