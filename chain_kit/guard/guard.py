"""The guard: the sender's gate that keeps budgets, halts actions and sends the dead man's signal.

All that it knows is in the outbox's database; a process that is killed takes nothing with it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, select

from chain_kit.guard.breaker import ActionHaltedError, Breaker, Halt, Strikes
from chain_kit.guard.budget import Budget, BudgetExceededError, Counted, Ledger
from chain_kit.guard.clock import Clock, machine_clock
from chain_kit.guard.deadman import DeadMan
from chain_kit.guard.figures import Figures, read_figures
from chain_kit.guard.tables import create_tables
from chain_kit.outbox.database import Store, open_store
from chain_kit.outbox.gate import Entry, Quote
from chain_kit.outbox.intents import Intent, Row
from chain_kit.outbox.statements import HOLDERS
from chain_kit.outbox.tables import rows
from chain_kit.units import checksum_address

if TYPE_CHECKING:
    from chain_kit.keepers.fleet.health import KeeperMetrics

__all__ = ["Guard"]

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
# How exactly the database remembers when an effect was last seen.
_REMEMBER_SECONDS = 10


class Guard:
    """One signer's gate on one chain: give it to the sender as its `gate`. Open it with `Guard.open`.

    Several guards may share the outbox, in one process or in many: they count and halt together.
    """

    def __init__(
        self,
        store: Store,
        signer: str,
        chain_id: int,
        *,
        budget: Budget,
        breaker: Breaker,
        dead_man: DeadMan | None,
        metrics: KeeperMetrics | None,
        clock: Clock,
        on_halt: Callable[[str, Halt], None],
    ) -> None:
        self.signer = signer
        self.chain_id = chain_id
        self.budget = budget
        self._store = store
        self._ledger = Ledger(chain_id, signer, budget)
        self._strikes = Strikes(chain_id, signer, breaker)
        self._dead_man = dead_man
        self._metrics = metrics
        self._clock = clock
        self._on_halt = on_halt
        self._remembered: dict[str, int] = {}
        # The chain's clock when it was last asked, or told.
        self._chain_time: int | None = None
        if dead_man is not None and metrics is not None:
            dead_man.on_ping = metrics.pinged

    @classmethod
    async def open(
        cls,
        outbox_url: Path | str,
        signer_address: str,
        chain_id: int,
        *,
        budget: Budget | None = None,
        breaker: Breaker | None = None,
        dead_man: DeadMan | None = None,
        metrics: KeeperMetrics | None = None,
        clock: Clock | None = None,
        on_halt: Callable[[str, Halt], None] = lambda _action, _halt: None,
    ) -> Guard:
        """A guard on the outbox at a path or URL, which must be the sender's.

        `clock` is the chain's, `chain_clock(rpc)`; without it the machine's is taken, which will do for
        `resume`. `on_halt` is told of each action that is halted from here. Raises a StoreError.
        """
        store = await asyncio.to_thread(open_store, outbox_url)
        try:
            await asyncio.to_thread(store.write, create_tables, lock=0)
            guard = cls(
                store,
                checksum_address(signer_address),
                chain_id,
                budget=budget or Budget(),
                breaker=breaker or Breaker(),
                dead_man=dead_man,
                metrics=metrics,
                clock=clock or machine_clock,
                on_halt=on_halt,
            )
            await guard._recall()
        except BaseException:
            await asyncio.to_thread(store.close)
            raise
        return guard

    async def aclose(self) -> None:
        """Waits for the last ping, and closes the database; calling it twice is fine."""
        if self._dead_man is not None:
            await self._dead_man.aclose()
        await asyncio.to_thread(self._store.close)

    async def __aenter__(self) -> Guard:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # ------------------------------------------------------------------ the gate

    async def check(self, intent: Intent, quote: Quote) -> None:
        """Raises ActionHaltedError or BudgetExceededError if there must be no transaction for it now.

        What is under way goes on although its action is halted: it stands before other actions' nonces.
        """
        if self._frees_nonce(intent):
            return

        known = self._chain_time

        def ask(connection: Connection) -> tuple[Halt | None, bool, int | None, bool]:
            halt, due = self._strikes.look(connection, intent.action)
            nonce = self._nonce_of(connection, intent)
            fits = known is not None and self._fits(connection, intent, quote, known, nonce)
            return halt, due, nonce, fits

        halt, due, nonce, fits = await self._read(ask)
        if due:
            halt = await self._judge(intent.action)
        if halt is not None and nonce is None:
            raise ActionHaltedError(intent.action, halt)
        if not fits:
            # There may be room by now: the node is asked for the time only then.
            now = await self._now()
            await self._read(lambda c: self._ledger.require(c, intent, quote.total_wei, now, nonce))

    def reserve(self, connection: Connection, entry: Entry) -> None:
        """Counts what is about to be signed, in the journal's own transaction. Raises BudgetExceededError."""
        self._chain_time = entry.chain_time
        forced = entry.cancels or self._frees_nonce(entry.intent)
        self._ledger.reserve(connection, entry, forced=forced)

    async def spent(self, row: Row, wei: int) -> None:
        """Counts what a transaction in a block has cost."""
        now = await self._now()
        await self._write(lambda connection: self._ledger.settle(connection, row, wei, now))

    async def verified(self, intent: Intent) -> None:
        """Sends the dead man's signal, and forgives the action what it could not help."""
        action, now = intent.action, int(time.time())
        if self._dead_man is not None:
            self._dead_man.effect(action)
        if self._metrics is not None:
            self._metrics.verified(action, now)

        def ask(connection: Connection) -> tuple[bool, bool]:
            return self._strikes.vindicates(connection, intent), self._strikes.due(connection, action)

        vindicated, due = await self._read(ask)
        if vindicated:
            await self.resume(action)
        elif due:
            await self._judge(action)
        if now - self._remembered.get(action, 0) >= _REMEMBER_SECONDS:
            await self._write(lambda connection: self._strikes.verified(connection, action, now))
            self._remembered[action] = now

    # ------------------------------------------------------------------ asking

    async def halted(self) -> dict[str, Halt]:
        """The actions that are halted, whoever halted them."""
        return await self._read(self._strikes.halted)

    async def resume(self, action: str) -> bool:
        """Lets an action go on, and forgives what it sent so far. False if it was not halted."""
        resumed = await self._write(lambda connection: self._strikes.resume(connection, action))
        if resumed:
            _LOG.warning("%s goes on: it is no longer halted", action)
        return resumed

    async def counted(self) -> Counted:
        """What counts against the budgets now."""
        now = await self._now()
        return await self._read(lambda connection: self._ledger.counted(connection, now))

    async def budget_left(self) -> dict[str, int | None]:
        """What is left in wei, by "hour" and "day"; None where there is no limit."""
        return (await self.counted()).left(self.budget)

    async def figures(self) -> Figures:
        """What the outbox says of this signer's work."""
        return await self._read(lambda c: read_figures(c, self.chain_id, self.signer))

    async def last_verified(self) -> dict[str, int]:
        """When effects were last seen, by action, UNIX seconds; to some seconds."""
        return await self._read(self._strikes.last_verified)

    async def reasons(self) -> list[str]:
        """Why not everything goes on: halted actions and budgets that are spent, a sentence for each."""
        halts, left = await self.halted(), await self.budget_left()
        spent = [f"the budget of the {window} is spent" for window, wei in left.items() if wei == 0]
        return [f"{action} is halted: {halt.reason}" for action, halt in halts.items()] + spent

    async def refresh(self) -> None:
        """Looks for actions to be halted, and brings the metrics up to date. Call it every few seconds."""
        for action in await self._read(self._strikes.all_due):
            await self._judge(action)
        if self._metrics is None:
            return
        self._metrics.worked(await self.figures())
        self._metrics.spent(await self._read(self._ledger.spent_wei), await self.budget_left())
        self._metrics.halted(await self.halted())

    # ------------------------------------------------------------------ inside

    async def _recall(self) -> None:
        for action, at in (await self.last_verified()).items():
            self._remembered[action] = at
            if self._metrics is not None:
                self._metrics.verified(action, at, now=False)

    async def _now(self) -> int:
        self._chain_time = await self._clock()
        return self._chain_time

    def _fits(
        self, connection: Connection, intent: Intent, quote: Quote, now: int, nonce: int | None
    ) -> bool:
        try:
            self._ledger.require(connection, intent, quote.total_wei, now, nonce)
        except BudgetExceededError:
            return False
        return True

    async def _judge(self, action: str) -> Halt | None:
        """Halts an action or lets it go on, as its rows say; gives the halt that stands then."""
        halt, changed = await self._write(lambda connection: self._strikes.judge(connection, action))
        if changed and halt is None:
            _LOG.warning("%s goes on: its effect was seen", action)
        elif changed and halt is not None:
            _LOG.error("%s is halted: %s", action, halt.reason)
            self._on_halt(action, halt)
        if changed and self._metrics is not None:
            self._metrics.halted(await self.halted())
        return halt

    def _nonce_of(self, connection: Connection, intent: Intent) -> int | None:
        """The nonce at which this signer works on the intent already."""
        key = {"chain_id": self.chain_id, "contract": intent.contract, "action": intent.action}
        ids = connection.execute(HOLDERS, {**key, "subjects": intent.subjects}).scalars().all()
        own = (rows.c.id.in_(ids), rows.c.sender == self.signer)
        return connection.execute(select(rows.c.nonce).where(*own)).scalar() if ids else None

    def _frees_nonce(self, intent: Intent) -> bool:
        """Whether it is the sender's own, which lets the nonces above it come."""
        return intent.contract == self.signer and not intent.data and not intent.value_wei

    async def _read(self, ask: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._store.read, ask)

    async def _write(self, change: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._store.write, change, lock=self.chain_id)
