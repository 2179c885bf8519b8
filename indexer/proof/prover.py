"""Proves what is stored, beside the runner that stores it.

Linked blocks become complete when their receipts are recomputed and hold our logs as stored; complete ones
become reconciled when the contracts answer, at a block's hash, what the entries add up to: of all that
has changed since the last time, and of the reserves always. That is done every so many blocks or seconds. A
node may have forgotten the state of an old block; then a newer one is asked about.

What differs makes its range failed and is `trouble`, in one transaction. Then whoever told it is left, and
the blocks are undone and fetched anew; a contract's answer is asked of another endpoint first, since the logs
below it are proven. The trouble ends when the blocks are proven as far as they should have been. Where every
endpoint tells the same again and again, it stays, and all is tried again from time to time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from chain_kit.errors import RpcError
from indexer.blocks import Block, Log
from indexer.proof import ranges
from indexer.proof.completeness import LogMatcher, UnprovenError, differences
from indexer.proof.healing import Healing
from indexer.proof.levels import Level
from indexer.proof.pending import Pending
from indexer.proof.reconcile import Caller, StateUnavailableError, differences_at, questions_at
from indexer.proof.trouble import UNPROVEN, clear_trouble, raise_trouble
from indexer.store import Store

__all__ = ["Cadence", "Endpoints", "Prover"]

_RECEIPTS_AT_ONCE = 1_000
_MOST_BLOCKS = 100
_SUBJECTS_AT_ONCE = 200
_IDLE_SECONDS = 1.0


class Endpoints(Caller, Protocol):
    """Several nodes, one of which answers."""

    def distrust(self, endpoint: str, why: str) -> None:
        """Asks another instead of that one, for a while."""

    def pass_over(self, endpoint: str) -> None:
        """Asks another first from now on, if there is one."""


class _Batch(NamedTuple):
    """Some blocks, what is stored of them, and how often blocks had been taken back when that was read."""

    blocks: list[Block]
    stored: list[Log]
    undos: int


@dataclass(frozen=True)
class Cadence:
    """How often what is done."""

    blocks: int = 200
    """Contracts are asked after so many blocks that are complete, …"""
    seconds: float = 15.0
    """… or after so long, if there is any."""
    idle_seconds: float = 0.25
    """Between looks for something to do."""
    retry_seconds: float = 5.0
    """After an endpoint has failed."""
    despair_seconds: float = 60.0
    """After all endpoints have told the same wrong thing."""
    refetches: int = 3
    """How often blocks are fetched anew before that is believed."""
    most_behind: int = 500
    """A runner that is further behind the chain than this many blocks is not disturbed."""


class Prover:
    """One for a store; `step` does a piece of the work, `run` all of it until it is told to stop."""

    def __init__(
        self,
        store: Store,
        rpc: Endpoints,
        cadence: Cadence | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_trouble: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._rpc = rpc
        self._cadence = cadence or Cadence()
        self._clock = clock
        self._tell = on_trouble or (lambda _: None)
        self._matcher = LogMatcher(store.deployment.log_filters())
        self._healing = Healing(
            store,
            rpc,
            refetches=self._cadence.refetches,
            despair_seconds=self._cadence.despair_seconds,
            clock=clock,
            tell=self._tell,
        )
        self._pending = Pending(store)
        self._span = 8
        self._asked_at = clock()
        self._without_state = ""
        self._hurries = False
        self._refused = False
        self._idle_at: Block | None = None
        self._idle_until = 0.0
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """There is something new to prove."""
        self._awake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Proves until `stop` is set. An endpoint that fails is asked again later; a StoreError ends it."""
        while not stop.is_set():
            pause = self._cadence.idle_seconds
            try:
                if await self.step():
                    # The runner goes first.
                    await asyncio.sleep(0)
                    continue
            except RpcError as error:
                self._tell(f"{error.message}; proving goes on later")
                pause = self._cadence.retry_seconds
            with suppress(TimeoutError):
                await asyncio.wait_for(_either(stop, self._awake), pause)
            self._awake.clear()

    async def finish(self, stop: asyncio.Event) -> None:
        """Proves all that can be proven now, whatever the cadence; what differs is left for the next run."""
        self._hurries = True
        try:
            while not stop.is_set() and (await self._complete() or await self._reconcile()):
                pass
        except RpcError as error:
            self._tell(f"{error.message}; the rest is not proven")
        finally:
            self._hurries = False

    async def step(self) -> bool:
        """One piece of work; False if there is none now. Raises RpcError."""
        tip = await self._store.tip()
        if tip is None or (tip == self._idle_at and self._clock() < self._idle_until):
            return False
        async with self._store.snapshot() as connection:
            head = await ranges.head_of(connection)
        if head.block.number - tip.number > self._cadence.most_behind:
            return False
        self._refused = False
        if await self._healing.step() or await self._complete() or await self._reconcile():
            return True
        if not self._refused:
            # Until there is a block more, it is enough to look now and then.
            self._idle_at, self._idle_until = tip, self._clock() + min(_IDLE_SECONDS, self._cadence.seconds)
        return False

    async def _complete(self) -> bool:
        """Raises the first linked blocks to complete."""
        undos = self._store.undos
        async with self._store.snapshot() as connection:
            found = await ranges.first_at(connection, Level.LINKED)
        if found is None:
            return False
        last = min(found.last, found.first + self._span - 1)
        blocks = await self._store.headers(found.first, last)
        stored = await self._store.events_between(found.first, last)
        endpoint, answers = await self._rpc.told(
            [("eth_getBlockReceipts", [hex(block.number)]) for block in blocks]
        )
        if not blocks or blocks[-1].number != last:
            return True
        good = await self._compare(_Batch(blocks, stored, undos), answers, endpoint)
        count = sum(len(answer) for answer in answers if isinstance(answer, list))
        self._span = max(
            1, min(_MOST_BLOCKS, _RECEIPTS_AT_ONCE * len(blocks) // max(count, 1), self._span * 2)
        )
        return good

    async def _compare(self, batch: _Batch, answers: list[Any], endpoint: str) -> bool:
        logs: dict[int, list[Log]] = {}
        for log in batch.stored:
            logs.setdefault(log.block_number, []).append(log)
        for block, receipts in zip(batch.blocks, answers, strict=True):
            await asyncio.sleep(0)
            try:
                found = differences(block, receipts, logs.get(block.number, []), self._matcher)
            except UnprovenError as error:
                await self._raise_level(batch, block.number - 1)
                return await self._unproven(block, endpoint, str(error), batch.undos)
            if found:
                await self._raise_level(batch, block.number - 1)
                return await self._healing.fail((block, block), Level.COMPLETE, found, undos=batch.undos)
        await self._raise_level(batch, batch.blocks[-1].number)
        return True

    async def _raise_level(self, batch: _Batch, last: int) -> None:
        """Says that these blocks are complete up to `last`, if none was taken back since they were read.

        That they are there again would not do: other logs may be stored of them now.
        """
        first = batch.blocks[0].number
        if last < first:
            return
        async with self._store.writing() as connection:
            if self._store.undos == batch.undos:
                await ranges.set_level(connection, first, last, Level.COMPLETE)
                await clear_trouble(connection, UNPROVEN)

    async def _unproven(self, block: Block, endpoint: str, why: str, undos: int) -> bool:
        """The receipts are not the header's: the endpoint lies, unless the chain has changed meanwhile."""
        _, (header,) = await self._rpc.told([("eth_getBlockByNumber", [hex(block.number), False])])
        if header is None or (isinstance(header, dict) and header.get("hash") != block.hash):
            # The runner will find that; with an honest endpoint left for it, the runner could not look.
            return False
        async with self._store.writing() as connection:
            if self._store.undos != undos:
                return True
            await raise_trouble(connection, UNPROVEN, block.number, why)
        self._rpc.distrust(endpoint, why)
        self._refused = True
        return False

    async def _reconcile(self) -> bool:
        """Asks the contracts about a part of what has changed; the last part makes blocks reconciled."""
        undos = self._store.undos
        async with self._store.snapshot() as connection:
            until = await ranges.proven_to(connection, Level.COMPLETE)
            since = await ranges.proven_to(connection, Level.RECONCILED)
        since = self._store.deployment.first_block - 1 if since is None else since
        if until is None or until <= since or not self._is_due(until - since):
            return False
        found = await self._store.headers(until, until)
        if not found or found[0].hash == self._without_state:
            return False
        return await self._ask(since + 1, found[0], undos)

    def _is_due(self, blocks: int) -> bool:
        if self._healing.rests or (self._hurries and self._healing.is_open):
            return False
        late = self._hurries or self._clock() - self._asked_at >= self._cadence.seconds
        return late or blocks >= self._cadence.blocks or self._pending.begun or self._healing.asks_again

    async def _ask(self, first: int, block: Block, undos: int) -> bool:
        """Asks as of `block` about what changed from block `first` on."""
        part = await self._pending.part(first, block.number, _SUBJECTS_AT_ONCE)
        async with self._store.snapshot() as connection:
            questions = await questions_at(connection, self._store.deployment, block, part)
        try:
            answers = await differences_at(self._rpc, block, questions)
        except StateUnavailableError as error:
            self._tell(f"{error}; a newer block will be asked about")
            self._without_state = block.hash
            return False
        window = self._pending.window
        if answers.differences:
            self._pending.forget()
            return await self._healing.fail(
                window, Level.RECONCILED, answers.differences, answers.endpoint, undos=undos
            )
        if self._pending.done(part):
            async with self._store.writing() as connection:
                if self._store.undos == undos:
                    numbers = (window[0].number, window[1].number)
                    await ranges.set_level(connection, *numbers, Level.RECONCILED)
            self._asked_at = self._clock()
        return True


async def _either(one: asyncio.Event, other: asyncio.Event) -> None:
    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(_wait(event)) for event in (one, other)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _wait(event: asyncio.Event) -> Coroutine[Any, Any, Any]:
    return event.wait()
