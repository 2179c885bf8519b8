"""The journal: rows of intents with their nonces and signed bytes, stored before anything is broadcast.

Every change is one transaction, and every change of a row says which state it is from, so that several
processes can share the database: one of them wins, the others see what it did. Methods block for the time of
an fsync; the sender calls them in a thread.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, and_, select

from chain_kit.errors import StoreDeploymentError
from chain_kit.outbox.database import Store, open_store
from chain_kit.outbox.gate import Admit
from chain_kit.outbox.intents import Intent, Kind, Level, Offer, Row, State
from chain_kit.outbox.questions import Questions
from chain_kit.outbox.records import (
    attempt_columns,
    attempt_of,
    move_columns,
    new_columns,
    row_of,
    seconds,
)
from chain_kit.outbox.statements import (
    ADD_ATTEMPT,
    ADD_ROW,
    MOVE,
    NONCES,
    RELEASE,
    LeaseLostError,
    enter_chain,
    insert_new,
    one_row,
    require_token,
)
from chain_kit.outbox.tables import held, rows
from chain_kit.signers import SignedTransaction

__all__ = ["CARRIED_ON", "Fence", "Journal", "LeaseLostError"]

T = TypeVar("T")
Sign = Callable[[int], SignedTransaction]
Fence = Callable[[], tuple[str, int]]
"""Gives the signer whose lease is held, and the lease's token."""

CARRIED_ON = "another row has been sent for it since"
"""The reason of a row that came back when its block went: its call must not be sent any more."""

_OWNED = rows.c.outcome != State.SUPERSEDED


class Journal(Questions):
    """The outbox of one chain. Open it with `Journal.open`, close it with `close`.

    With a `fence`, each change is made only while the lease's token is the one that the fence gives; it
    raises LeaseLostError before anything is signed or written.
    """

    def __init__(self, store: Store, chain_id: int, *, fence: Fence | None = None) -> None:
        super().__init__(store, chain_id)
        self._fence = fence

    @classmethod
    def open(
        cls, url: Path | str, chain_id: int, genesis_hash: str, *, fence: Fence | None = None
    ) -> Journal:
        """Opens or makes the outbox: a file's path, or a PostgreSQL URL.

        Raises a StoreError if it cannot be used for this chain: it knows the chain id with another genesis
        block, say.
        """
        store = open_store(url)
        try:
            known = store.write(lambda c: enter_chain(c, chain_id, genesis_hash), lock=chain_id)
            if known != genesis_hash:
                raise StoreDeploymentError(
                    f"the outbox {store.name} is of another chain {chain_id}: its genesis block is {known},"
                    f" the node's is {genesis_hash}",
                    hint="a chain that began anew needs a new outbox: name one with --outbox",
                )
        except BaseException:
            store.close()
            raise
        return cls(store, chain_id, fence=fence)

    def close(self) -> None:
        """Closes the database, once what another thread does with it is finished; twice is fine."""
        self._store.close()

    # ------------------------------------------------------------------ changes

    def begin(
        self,
        intent: Intent,
        sender: str,
        chain_nonce: int,
        sign: Sign,
        *,
        offer: Offer,
        seen: int,
        chain_time: int = 0,
        replaces: Row | None = None,
        admit: Admit | None = None,
    ) -> tuple[Row, bool]:
        """Enters a transaction for `intent`: picks the nonce, has it signed, stores all of it, in one step.

        The nonce is the lowest from `chain_nonce` on that no row of `sender` holds. `replaces` is the row
        that lost its nonce and is superseded by this one. What `admit` raises leaves everything as it was.

        Nothing is entered if another row works on one of the subjects, or has come after row `seen`, ended
        or not: whoever then found the effect missing may have looked before that row brought it about. The
        pair is that row and False, else the new row and True.
        """

        def change(connection: Connection) -> tuple[Row, bool]:
            lost = replaces is None or self._supersede(connection, replaces)
            others = self._holders(connection, intent) or self._later(connection, intent, seen)
            if others:
                return others[0], False
            if replaces is not None and not lost:
                return one_row(connection, replaces.id), False
            nonce = self._free_nonce(connection, sender, chain_nonce)
            if admit is not None:
                admit(connection, nonce)
            signed = sign(nonce)
            columns = new_columns(intent, self.chain_id, (sender, nonce), signed.hash, replaces=replaces)
            row_id = connection.execute(ADD_ROW, columns).scalar_one()
            first = attempt_columns(row_id, Kind.CALL, signed, offer, chain_time)
            connection.execute(ADD_ATTEMPT, first)
            self._hold(connection, row_id, intent)
            return row_of({**columns, "id": row_id}, [attempt_of(first)]), True

        return self._write(change, lasting=True)

    def replace(
        self,
        row: Row,
        kind: Kind,
        sign: Sign,
        *,
        offer: Offer,
        chain_time: int = 0,
        admit: Admit | None = None,
    ) -> tuple[Row, bool]:
        """Enters one more transaction at the row's nonce: has it signed and stores it, in one step.

        Nothing is entered if the row has moved on, or has an attempt that `row` does not show. The pair is
        the row as it stands then, and whether the attempt was entered.
        """

        def change(connection: Connection) -> tuple[Row, bool]:
            now = one_row(connection, row.id)
            if now.attempts != row.attempts or not now.state.live or now.nonce is None:
                return now, False
            if admit is not None:
                admit(connection, now.nonce)
            signed = sign(now.nonce)
            connection.execute(ADD_ATTEMPT, attempt_columns(row.id, kind, signed, offer, chain_time))
            changed = {"tx_hash": signed.hash, "updated_at": seconds()}
            connection.execute(rows.update().where(rows.c.id == row.id).values(changed))
            return one_row(connection, row.id), True

        return self._write(change, lasting=True)

    def update(
        self,
        row: Row,
        state: State,
        *,
        block: tuple[int, str] | None = None,
        tx_hash: str | None = None,
        final: bool = False,
        free_nonce: bool = False,
        reason: str = "",
        revert_data: str | None = None,
    ) -> Row:
        """Moves `row` on, or back, if it still is in the state that `row` shows; gives it as it stands then.

        `block` is the number and hash of the block that holds it, `tx_hash` which attempt that is.
        `free_nonce`: the nonce is not its own.
        """
        number, block_hash = block or (None, None)
        values: dict[str, Any] = {
            **move_columns(state, final=final),
            "block_number": number,
            "block_hash": block_hash,
            "reason": reason,
            "revert_data": revert_data,
            "tx_hash": tx_hash,
        }

        def change(connection: Connection) -> Row:
            comes_back = state.live and not row.state.live
            if comes_back and any(one.id != row.id for one in self._holders(connection, row.intent)):
                values["reason"] = CARRIED_ON
            moved = self._move(connection, row, values, free_nonce=free_nonce)
            if moved is None:
                return one_row(connection, row.id)
            if comes_back:
                self._hold(connection, row.id, row.intent)
            elif not state.live:
                connection.execute(RELEASE, {"of_row": row.id})
            return moved

        return self._write(change)

    def drop(self, row: Row, reason: str, *, block: tuple[int, str] | None = None) -> Row:
        """Ends `row` as done and gives its nonce back, unless a later nonce of its sender is in use.

        `block` is the one that shows that its effect is there.
        """
        number, block_hash = block or (None, None)
        values = {
            **move_columns(State.DONE, final=block is None),
            "block_number": number,
            "block_hash": block_hash,
            "reason": reason,
            "revert_data": None,
            "tx_hash": None,
        }
        later = and_(self._here(), rows.c.sender == row.sender, rows.c.nonce > row.nonce, _OWNED)

        def change(connection: Connection) -> Row:
            in_use = connection.execute(select(rows.c.id).where(later).limit(1)).first()
            dropped = self._move(connection, row, values, free_nonce=True) if in_use is None else None
            if dropped is None:
                return one_row(connection, row.id)
            connection.execute(RELEASE, {"of_row": row.id})
            return dropped

        return self._write(change)

    def settle(self, settled: list[Row], level: Level) -> None:
        """Notes how firmly the blocks of `settled` stand; a row whose block has changed meanwhile is left."""

        def change(connection: Connection) -> None:
            for row in settled:
                same = and_(rows.c.id == row.id, rows.c.outcome == row.outcome)
                same = and_(same, rows.c.block_hash.is_not_distinct_from(row.block_hash))
                connection.execute(rows.update().where(same).values(level=level, updated_at=seconds()))

        if settled:
            self._write(change)

    def together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Makes calls of this journal, in one transaction where the database has one connection.

        Gives each one's result, or the error that it raised, which undoes that call alone; of calls that it
        did not come to, nothing. An error of the database is raised, and undoes all.
        """
        return self._store.together(calls)

    # ------------------------------------------------------------------ inside

    def _write(self, change: Callable[[Connection], T], *, lasting: bool = False) -> T:
        # What was signed must outlive a power cut: it stands between that and a second transaction. All else
        # the chain tells again.
        def fenced(connection: Connection) -> T:
            if self._fence is not None:
                require_token(connection, self.chain_id, *self._fence())
            return change(connection)

        return self._store.write(fenced, lock=self.chain_id, lasting=lasting)

    def _supersede(self, connection: Connection, row: Row) -> bool:
        same = and_(rows.c.id == row.id, rows.c.level == row.level, rows.c.outcome == row.outcome)
        values = {"outcome": State.SUPERSEDED.value, "updated_at": seconds()}
        changed = connection.execute(rows.update().where(same).values(values)).rowcount > 0
        if changed:
            connection.execute(RELEASE, {"of_row": row.id})
        return changed

    def _move(
        self, connection: Connection, row: Row, values: dict[str, Any], *, free_nonce: bool
    ) -> Row | None:
        """The row with new values, if it still is at the level and outcome that `row` shows."""
        was = {"of_row": row.id, "was_level": row.level, "was_outcome": row.outcome}
        found = connection.execute(MOVE[free_nonce], {**values, **was}).first()
        if found is None:
            return None
        shown = {name: value for name, value in values.items() if name != "updated_at"}
        shown |= {"level": Level(values["level"]), "nonce": found.nonce, "tx_hash": found.tx_hash}
        return dataclasses.replace(row, **shown)

    def _free_nonce(self, connection: Connection, sender: str, chain_nonce: int) -> int:
        own = {"chain_id": self.chain_id, "sender": sender, "first": chain_nonce}
        nonce = chain_nonce
        for taken in connection.execute(NONCES, own).scalars():
            if taken != nonce:
                break
            nonce += 1
        return nonce

    def _hold(self, connection: Connection, row_id: int, intent: Intent) -> None:
        # A row that a reorg brings back finds its subject taken where a later row has been sent for it.
        key = self._key(intent)
        values = [{**key, "subject": subject, "row_id": row_id} for subject in intent.subjects]
        insert_new(connection, held, values)
