"""What can be asked of the journal without changing it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, select

from chain_kit.outbox.database import Store
from chain_kit.outbox.intents import Intent, Level, Row, State
from chain_kit.outbox.records import json_text
from chain_kit.outbox.statements import HOLDERS, LAST, LATER, NEWEST, one_row, select_rows
from chain_kit.outbox.tables import held, rows

__all__ = ["Questions"]

_OWNED = rows.c.outcome != State.SUPERSEDED


class Questions:
    """The rows of one chain in a store. Methods block; each answers as of one moment."""

    def __init__(self, store: Store, chain_id: int) -> None:
        self.chain_id = chain_id
        self._store = store

    def row(self, row_id: int) -> Row:
        """The row as it stands now."""
        return self._rows(rows.c.id == row_id)[0]

    def successor(self, row: Row) -> Row | None:
        """The row that carries on the intent of a superseded one."""
        found = self._rows(rows.c.replaces == row.id)
        return found[-1] if found else None

    def holders(self, intent: Intent) -> list[Row]:
        """The live rows that work on one of the intent's subjects."""
        return self._store.read(lambda c: self._holders(c, intent))

    def newest(self) -> int:
        """The id of the newest row, 0 if there is none: what `begin` wants to know as `seen`."""
        return self._store.read(self._newest)

    def last(self, intent: Intent) -> Row | None:
        """The newest row with exactly the intent's key."""
        return self._store.read(lambda c: self._last(c, intent))

    def look(self, intent: Intent) -> tuple[int, Row | None]:
        """As of one moment `newest`, and the first of `holders` or else the `last` row."""

        def ask(connection: Connection) -> tuple[int, Row | None]:
            holders = self._holders(connection, intent)
            return self._newest(connection), holders[0] if holders else self._last(connection, intent)

        return self._store.read(ask)

    def watched(self) -> list[Row]:
        """All rows that the chain may still have news of, lowest nonce first; superseded ones left out."""
        found = self._rows(and_(self._here(), rows.c.level != Level.FINALIZED, _OWNED))
        return sorted(found, key=lambda row: (row.nonce is not None, row.nonce or 0, row.id))

    def superseded(self) -> list[Row]:
        """Rows that have lost their nonce, but perhaps not for good: the block that shows it may go."""
        lost = and_(rows.c.level != Level.FINALIZED, rows.c.outcome == State.SUPERSEDED)
        return self._rows(and_(self._here(), lost))

    def held_subjects(self, contract: str, action: str) -> set[str]:
        """The subjects of `action` on `contract` that are under way."""
        key = (held.c.chain_id == self.chain_id, held.c.contract == contract, held.c.action == action)
        return self._store.read(lambda c: set(c.execute(select(held.c.subject).where(*key)).scalars()))

    def about(self, contract: str, action: str, subjects: Iterable[str]) -> list[Row]:
        """Every row of `action` on one of the subjects, oldest first; superseded ones left out."""
        key = {"chain_id": self.chain_id, "contract": contract, "action": action, "seen": 0}
        wanted = set(subjects)

        def ask(connection: Connection) -> list[Row]:
            found = connection.execute(LATER, key).all()
            ids = sorted(row_id for row_id, named in found if not wanted.isdisjoint(orjson.loads(named)))
            return [one_row(connection, row_id) for row_id in ids]

        return self._store.read(ask) if wanted else []

    def rows(self) -> list[Row]:
        """Every row, oldest first."""
        return self._rows(self._here())

    # ------------------------------------------------------------------ inside

    def _rows(self, where: ColumnElement[bool]) -> list[Row]:
        return self._store.read(lambda connection: select_rows(connection, where))

    def _here(self) -> ColumnElement[bool]:
        return rows.c.chain_id == self.chain_id

    def _key(self, intent: Intent) -> dict[str, Any]:
        return {"chain_id": self.chain_id, "contract": intent.contract, "action": intent.action}

    def _holders(self, connection: Connection, intent: Intent) -> list[Row]:
        found = connection.execute(HOLDERS, {**self._key(intent), "subjects": intent.subjects})
        return [one_row(connection, row_id) for row_id in sorted(found.scalars())]

    def _newest(self, connection: Connection) -> int:
        return connection.execute(NEWEST).scalar() or 0

    def _last(self, connection: Connection, intent: Intent) -> Row | None:
        key = {**self._key(intent), "subjects": json_text(intent.subjects)}
        newest = connection.execute(LAST, key).scalar()
        return None if newest is None else one_row(connection, newest)

    def _later(self, connection: Connection, intent: Intent, seen: int) -> list[Row]:
        wanted = set(intent.subjects)
        later = connection.execute(LATER, {**self._key(intent), "seen": seen}).all()
        ids = sorted(row_id for row_id, subjects in later if wanted & set(orjson.loads(subjects)))
        return [one_row(connection, row_id) for row_id in ids]
