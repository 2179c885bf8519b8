"""Breakers: an action whose transactions are mined again and again without their effect is halted, alone.

The journal is the count: of the action's rows that have ended, those that failed in a block since the last
one that was done, in the order of the chain. So it is the same for all processes and over restarts, and a
reorg takes back what it takes back. What a preflight refused cost nothing, and is not counted; what is in
flight when an action is halted goes on, as its nonce stands before those of other actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, or_, select

from chain_kit.errors import SendError
from chain_kit.guard.tables import halts, marks
from chain_kit.outbox.intents import Intent, State
from chain_kit.outbox.records import json_text, seconds
from chain_kit.outbox.statements import insert_new
from chain_kit.outbox.tables import rows

__all__ = ["ActionHaltedError", "Breaker", "Halt", "Strikes"]


class ActionHaltedError(
    SendError, hint="look at its transactions (chain-kit tx list), then: chain-kit keeper resume"
):
    """The action is halted: its last transactions were mined without their effect."""

    def __init__(self, action: str, halt: Halt) -> None:
        super().__init__(f"{action} is halted: {halt.reason}")
        self.action = action
        self.halt = halt


@dataclass(frozen=True)
class Breaker:
    """How many transactions of an action, one after another, may be mined without effect."""

    transactions: int = 5

    def __post_init__(self) -> None:
        if self.transactions < 1:
            raise ValueError(f"a breaker takes one transaction at least: {self.transactions}")


@dataclass(frozen=True)
class Halt:
    """Since when an action is halted (UNIX seconds of the machine that did it), and why."""

    since: int
    reason: str


_OWN = (rows.c.chain_id == bindparam("chain_id"), rows.c.sender == bindparam("signer"))
_FORGIVEN = select(marks.c.forgiven_row).where(
    marks.c.chain_id == bindparam("chain_id"),
    marks.c.signer == bindparam("signer"),
    marks.c.action == bindparam("action"),
)
_HALTS = (
    select(halts)
    .where(halts.c.chain_id == bindparam("chain_id"), halts.c.signer == bindparam("signer"))
    .order_by(halts.c.action)
)
_ENDED = (
    select(rows.c.id, rows.c.outcome, rows.c.contract, rows.c.subjects, rows.c.reason, rows.c.tx_hash)
    .where(
        *_OWN,
        rows.c.action == bindparam("action"),
        rows.c.id > func.coalesce(_FORGIVEN.scalar_subquery(), 0),
        rows.c.block_number.is_not(None),
        # One that was refused when it had to be built again has no nonce: nothing of it was mined.
        or_(
            rows.c.outcome == State.DONE.value,
            (rows.c.outcome == State.FAILED.value) & rows.c.nonce.is_not(None),
        ),
    )
    .order_by(rows.c.block_number.desc(), rows.c.id.desc())
    .limit(bindparam("most"))
)
_NEWEST = select(func.max(rows.c.id)).where(*_OWN, rows.c.action == bindparam("action"))


class Strikes:
    """Judges one signer's actions on one chain. Its methods run inside a transaction of the outbox."""

    def __init__(self, chain_id: int, signer: str, breaker: Breaker) -> None:
        self.chain_id = chain_id
        self.signer = signer
        self.breaker = breaker

    def halted(self, connection: Connection) -> dict[str, Halt]:
        """The actions that are halted."""
        found = connection.execute(_HALTS, {"chain_id": self.chain_id, "signer": self.signer})
        return {one.action: Halt(one.since, one.reason) for one in found}

    def due(self, connection: Connection, action: str) -> bool:
        """Whether `judge` would change something."""
        return self.look(connection, action)[1]

    def look(self, connection: Connection, action: str) -> tuple[Halt | None, bool]:
        """The halt that stands, and whether `judge` would change that."""
        halt = self._halt(connection, action)
        if halt is not None:
            return halt, self._is_lifted(connection, action)
        return None, self._reason(connection, action) is not None

    def judge(self, connection: Connection, action: str) -> tuple[Halt | None, bool]:
        """Halts the action if its transactions say so, and lifts the halt once one of them was done.

        The pair is the halt that stands, if one does, and whether this has changed.
        """
        halt = self._halt(connection, action)
        if halt is not None:
            if not self._is_lifted(connection, action):
                return halt, False
            self._lift(connection, action)
            return None, True
        reason = self._reason(connection, action)
        if reason is None:
            return None, False
        halt = Halt(seconds(), reason)
        values = {"since": halt.since, "reason": halt.reason}
        connection.execute(halts.insert(), {**self._key(action), **values})
        return halt, True

    def resume(self, connection: Connection, action: str) -> bool:
        """Forgives all that was sent so far. False if the action was not halted."""
        newest = connection.execute(_NEWEST, self._key(action)).scalar() or 0
        self._mark(connection, action, forgiven_row=newest)
        return self._lift(connection, action)

    def vindicates(self, connection: Connection, intent: Intent) -> bool:
        """Whether the intent, whose effect holds, is one of those that failed: it was no failure, then.

        An effect for which nothing was sent says nothing about those that were sent in vain.
        """
        same = (intent.contract, json_text(intent.subjects))
        return any((one.contract, one.subjects) == same for one in self._run(connection, intent.action))

    def verified(self, connection: Connection, action: str, now: int) -> None:
        """Remembers when an effect was last seen (UNIX seconds)."""
        self._mark(connection, action, verified_at=now)

    def last_verified(self, connection: Connection) -> dict[str, int]:
        """When effects were last seen, by action, UNIX seconds; to some seconds."""
        own = (marks.c.chain_id == self.chain_id, marks.c.signer == self.signer)
        found = connection.execute(select(marks.c.action, marks.c.verified_at).where(*own))
        return {action: at for action, at in found if at is not None}

    def all_due(self, connection: Connection) -> list[str]:
        """The actions of which `judge` would change something."""
        own = {"chain_id": self.chain_id, "signer": self.signer}
        actions = connection.execute(select(rows.c.action).distinct().where(*_OWN), own).scalars().all()
        return [action for action in sorted(actions) if self.due(connection, action)]

    # ------------------------------------------------------------------ inside

    def _run(self, connection: Connection, action: str) -> Sequence[Any]:
        """The failures since the last row that was done, newest first; no more than it takes."""
        found = self._newest(connection, action, self.breaker.transactions)
        done = next((place for place, one in enumerate(found) if one.outcome == State.DONE), len(found))
        return found[:done]

    def _reason(self, connection: Connection, action: str) -> str | None:
        failures = self._run(connection, action)
        if len(failures) < self.breaker.transactions:
            return None
        last = failures[0]
        count = f"{len(failures)} transactions in a row" if len(failures) > 1 else "a transaction"
        return f"{count} without effect, {last.tx_hash} the last: {last.reason}"

    def _is_lifted(self, connection: Connection, action: str) -> bool:
        newest = self._newest(connection, action, 1)
        return bool(newest) and newest[0].outcome == State.DONE

    def _newest(self, connection: Connection, action: str, most: int) -> Sequence[Any]:
        return connection.execute(_ENDED, {**self._key(action), "most": most}).all()

    def _halt(self, connection: Connection, action: str) -> Halt | None:
        return self.halted(connection).get(action)

    def _lift(self, connection: Connection, action: str) -> bool:
        is_own = [getattr(halts.c, name) == value for name, value in self._key(action).items()]
        return connection.execute(delete(halts).where(*is_own)).rowcount > 0

    def _mark(self, connection: Connection, action: str, **values: int) -> None:
        insert_new(connection, marks, [{**self._key(action), "forgiven_row": 0}])
        is_own = [getattr(marks.c, name) == value for name, value in self._key(action).items()]
        connection.execute(marks.update().where(*is_own).values(values))

    def _key(self, action: str) -> dict[str, Any]:
        return {"chain_id": self.chain_id, "signer": self.signer, "action": action}
