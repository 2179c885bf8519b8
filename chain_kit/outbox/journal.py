"""The journal: rows of intents with their nonces and signed bytes, stored before anything is broadcast.

Every change is one transaction, and every change of a row says which state it is from, so that several
processes can share the file: one of them wins, the others see what it did. Methods block for the time of an
fsync; the sender calls them in a thread.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chain_kit.outbox.database import open_database, transaction, translated
from chain_kit.outbox.intents import Intent, Row, State
from chain_kit.outbox.records import json_text, new_columns, row_of
from chain_kit.signers import SignedTransaction

__all__ = ["Journal"]


class Journal:
    """The outbox file of one chain. Open it with `Journal.open`, close it with `close`."""

    def __init__(self, connection: sqlite3.Connection, path: Path, chain_id: int) -> None:
        self.path = path
        self.chain_id = chain_id
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path | str, chain_id: int, genesis_hash: str) -> Journal:
        """Opens or makes the file. Raises a StoreError if it cannot be used for this chain."""
        path = Path(path)
        return cls(open_database(path, chain_id, genesis_hash), path, chain_id)

    def close(self) -> None:
        """Closes the file, once what another thread does with it is finished; calling it twice is fine."""
        with self._lock:
            self._connection.close()

    # ------------------------------------------------------------------ questions

    def row(self, row_id: int) -> Row:
        """The row as it stands now."""
        return self._rows("WHERE id = ?", row_id)[0]

    def successor(self, row: Row) -> Row | None:
        """The row that carries on the intent of a superseded one."""
        found = self._rows("WHERE replaces = ? ORDER BY id DESC LIMIT 1", row.id)
        return found[0] if found else None

    def holders(self, intent: Intent) -> list[Row]:
        """The live rows that work on one of the intent's subjects."""
        with self._reading() as connection:
            return self._holders(connection, intent)

    def newest(self) -> int:
        """The id of the newest row, 0 if there is none: what `begin` wants to know as `seen`."""
        with self._reading() as connection:
            found: int = connection.execute("SELECT ifnull(max(id), 0) FROM outbox").fetchone()[0]
            return found

    def last(self, intent: Intent) -> Row | None:
        """The newest row with exactly the intent's key."""
        found = self._rows(
            "WHERE chain_id = ? AND contract = ? AND action = ? AND subjects = ? ORDER BY id DESC LIMIT 1",
            *(self.chain_id, intent.contract, intent.action, json_text(intent.subjects)),
        )
        return found[0] if found else None

    def watched(self) -> list[Row]:
        """All rows that the chain may still have news of, lowest nonce first."""
        return self._rows(
            "WHERE chain_id = ? AND final = 0 AND state <> 'superseded' ORDER BY nonce", self.chain_id
        )

    def held_subjects(self, contract: str, action: str) -> set[str]:
        """The subjects of `action` on `contract` that are under way."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT subject FROM held WHERE chain_id = ? AND contract = ? AND action = ?",
                (self.chain_id, contract, action),
            )
            return {row["subject"] for row in found}

    def rows(self) -> list[Row]:
        """Every row, oldest first."""
        return self._rows("WHERE chain_id = ? ORDER BY id", self.chain_id)

    # ------------------------------------------------------------------ changes

    def begin(
        self,
        intent: Intent,
        sender: str,
        chain_nonce: int,
        sign: Callable[[int], SignedTransaction],
        *,
        seen: int,
        replaces: Row | None = None,
    ) -> tuple[Row, bool]:
        """Enters a transaction for `intent`: picks the nonce, has it signed, stores all of it, in one step.

        The nonce is the lowest from `chain_nonce` on that no row of `sender` holds. `replaces` is the row
        that lost its nonce and is superseded by this one.

        Nothing is entered if another row works on one of the subjects, or has come after row `seen`, ended
        or not: whoever then found the effect missing may have looked before that row brought it about. The
        pair is that row and False, else the new row and True.
        """
        with self._writing() as connection:
            superseded = replaces is None or self._supersede(connection, replaces)
            others = self._holders(connection, intent) or self._later(connection, intent, seen)
            if others:
                return others[0], False
            if replaces is not None and not superseded:
                return self._select(connection, "WHERE id = ?", replaces.id)[0], False
            nonce = self._free_nonce(connection, sender, chain_nonce)
            signed = sign(nonce)
            columns = new_columns(intent, self.chain_id, sender, nonce, signed=signed, replaces=replaces)
            row_id = self._insert(connection, columns)
            self._hold(connection, row_id, intent)
            return self._select(connection, "WHERE id = ?", row_id)[0], True

    def update(
        self,
        row: Row,
        state: State,
        *,
        block: tuple[int, str] | None = None,
        final: bool = False,
        free_nonce: bool = False,
        reason: str = "",
        revert_data: str | None = None,
    ) -> Row:
        """Moves `row` on, or back, if it still is in the state that `row` shows; gives it as it stands then.

        `block` is the number and hash of the block that holds it. `free_nonce`: the nonce is not its own.
        """
        number, block_hash = block or (None, None)
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE outbox SET state = ?, block_number = ?, block_hash = ?, final = ?, reason = ?,"
                " revert_data = ?, nonce = CASE WHEN ? THEN NULL ELSE nonce END, updated_at = ?"
                " WHERE id = ? AND state = ?",
                (
                    *(state, number, block_hash, final, reason, revert_data),
                    *(free_nonce, int(time.time()), row.id, row.state),
                ),
            ).rowcount
            if changed and state.live:
                self._hold(connection, row.id, row.intent)
            elif changed:
                connection.execute("DELETE FROM held WHERE row_id = ?", (row.id,))
            return self._select(connection, "WHERE id = ?", row.id)[0]

    def drop(self, row: Row, reason: str) -> Row:
        """Ends `row` as done and gives its nonce back, unless a later nonce of its sender is in use."""
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE outbox SET state = ?, nonce = NULL, final = 1, reason = ?, updated_at = ?"
                " WHERE id = ? AND state = ? AND NOT EXISTS (SELECT 1 FROM outbox later WHERE later.nonce > ?"
                " AND later.chain_id = ? AND later.sender = ? AND later.state <> 'superseded')",
                (
                    *(State.DONE, reason, int(time.time()), row.id, row.state),
                    *(row.nonce, self.chain_id, row.sender),
                ),
            ).rowcount
            if changed:
                connection.execute("DELETE FROM held WHERE row_id = ?", (row.id,))
            return self._select(connection, "WHERE id = ?", row.id)[0]

    def finalize(self, rows: list[Row]) -> None:
        """Ends the watch over `rows`: their blocks cannot go any more."""
        with self._writing() as connection:
            connection.executemany(
                "UPDATE outbox SET final = 1 WHERE id = ? AND block_hash = ?",
                [(row.id, row.block_hash) for row in rows],
            )

    # ------------------------------------------------------------------ inside

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translated(self.path):
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection, transaction(connection):
            yield connection

    def _rows(self, where: str, *values: Any) -> list[Row]:
        with self._reading() as connection:
            return self._select(connection, where, *values)

    @staticmethod
    def _select(connection: sqlite3.Connection, where: str, *values: Any) -> list[Row]:
        found = connection.execute(f"SELECT * FROM outbox {where}", values)  # noqa: S608  # our own text
        return [row_of(record) for record in found]

    def _holders(self, connection: sqlite3.Connection, intent: Intent) -> list[Row]:
        return self._select(
            connection,
            "WHERE id IN (SELECT row_id FROM held WHERE chain_id = ? AND contract = ? AND action = ?"
            " AND subject IN (SELECT value FROM json_each(?))) ORDER BY id",
            *(self.chain_id, intent.contract, intent.action, json_text(intent.subjects)),
        )

    def _later(self, connection: sqlite3.Connection, intent: Intent, seen: int) -> list[Row]:
        return self._select(
            connection,
            "WHERE id > ? AND chain_id = ? AND contract = ? AND action = ? AND state <> 'superseded'"
            " AND EXISTS (SELECT 1 FROM json_each(outbox.subjects) own JOIN json_each(?) wanted"
            " ON own.value = wanted.value) ORDER BY id",
            *(seen, self.chain_id, intent.contract, intent.action, json_text(intent.subjects)),
        )

    def _supersede(self, connection: sqlite3.Connection, row: Row) -> bool:
        changed = connection.execute(
            "UPDATE outbox SET state = ?, updated_at = ? WHERE id = ? AND state = ?",
            (State.SUPERSEDED, int(time.time()), row.id, row.state),
        ).rowcount
        if changed:
            connection.execute("DELETE FROM held WHERE row_id = ?", (row.id,))
        return bool(changed)

    def _free_nonce(self, connection: sqlite3.Connection, sender: str, chain_nonce: int) -> int:
        held = connection.execute(
            "SELECT nonce FROM outbox WHERE chain_id = ? AND sender = ? AND nonce >= ?"
            " AND state <> 'superseded' ORDER BY nonce",
            (self.chain_id, sender, chain_nonce),
        )
        nonce = chain_nonce
        for record in held:
            if record["nonce"] != nonce:
                break
            nonce += 1
        return nonce

    def _insert(self, connection: sqlite3.Connection, columns: dict[str, Any]) -> int:
        names = ", ".join(columns)
        marks = ", ".join(f":{name}" for name in columns)
        inserted = connection.execute(f"INSERT INTO outbox ({names}) VALUES ({marks})", columns)  # noqa: S608
        assert inserted.lastrowid is not None
        return inserted.lastrowid

    def _hold(self, connection: sqlite3.Connection, row_id: int, intent: Intent) -> None:
        # A row that a reorg brings back finds its subject taken where a later row has been sent for it.
        connection.executemany(
            "INSERT OR IGNORE INTO held VALUES (?, ?, ?, ?, ?)",
            [(self.chain_id, intent.contract, intent.action, subject, row_id) for subject in intent.subjects],
        )
