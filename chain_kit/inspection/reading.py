"""An outbox read from outside, beside whoever writes it: nothing is made, migrated, locked or changed."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    StaticPool,
    and_,
    create_engine,
    event,
    inspect,
    select,
    text,
)

from chain_kit.errors import SettingError, StoreError, StoreMissingError, StoreSchemaError
from chain_kit.outbox.database import SqliteStore, Store, translated
from chain_kit.outbox.intents import Row
from chain_kit.outbox.postgres import PostgresStore
from chain_kit.outbox.questions import Questions
from chain_kit.outbox.statements import select_rows
from chain_kit.outbox.tables import SCHEMA_VERSION, attempts, chains, leases, rows

__all__ = ["Entry", "LeaseView", "OutboxReader"]

T = TypeVar("T")
_BUSY_SECONDS = 10.0
# What stands in the header of an outbox file.
_MARK = int.from_bytes(b"ckob")
_NAME_IT = "a keeper makes it at its first start; or name another with --outbox"


@dataclass(frozen=True)
class Entry:
    """A row, and when it was entered and last changed, UNIX seconds by the clock of whoever did that."""

    row: Row
    created_at: int
    updated_at: int


@dataclass(frozen=True)
class LeaseView:
    """Who may send for a signer. `left_ms` is negative once the lease has run out."""

    signer: str
    holder: str
    token: int
    left_ms: int


class OutboxReader(Questions):
    """The rows of one chain. Open it with `OutboxReader.open`, close it with `close`. Methods block."""

    @classmethod
    def open(cls, url: Path | str, chain_id: int | None = None, *, default: int | None = None) -> Self:
        """Opens the outbox at a file's path or a PostgreSQL URL.

        Without `chain_id` it is the one chain that it holds; of several the `default`. Raises a StoreError if
        it is not there, or no outbox of this version; SettingError if the chain is not in it.
        """
        store = _open(url)
        try:
            known = store.read(lambda c: list(c.execute(select(chains.c.chain_id)).scalars()))
            chosen = chain_id
            if chosen is None:
                chosen = known[0] if len(known) == 1 else default
            if chosen is None or chosen not in known:
                names = ", ".join(str(one) for one in sorted(known)) or "none"
                raise SettingError(
                    f"the outbox {store.name} holds nothing of chain {chosen}",
                    hint=f"chains in it: {names}; name one with CHAIN_KIT_CHAIN_ID",
                )
        except BaseException:
            store.close()
            raise
        return cls(store, chosen)

    def close(self) -> None:
        """Closes the database; calling it twice is fine."""
        self._store.close()

    def genesis_hash(self) -> str:
        """The genesis block with which the outbox knows the chain."""
        known = select(chains.c.genesis_hash).where(chains.c.chain_id == self.chain_id)
        return self._store.read(lambda connection: str(connection.execute(known).scalar_one()))

    def entries(
        self, *, live: bool = False, action: str | None = None, limit: int | None = None
    ) -> list[Entry]:
        """The rows, newest first; only those under way, or of one action, or so many."""
        where = rows.c.chain_id == self.chain_id
        if live:
            where = and_(where, rows.c.outcome == "")
        if action is not None:
            where = and_(where, rows.c.action == action)
        return self._entries(where, limit)

    def find(self, id_or_hash: str) -> list[Entry]:
        """The row with that id, or with a transaction of that hash; the beginning of a hash is enough."""
        if id_or_hash.isdecimal():
            return self._entries(rows.c.id == int(id_or_hash), 1)
        tried = select(attempts.c.row_id).where(attempts.c.tx_hash.startswith(id_or_hash, autoescape=True))
        return self._entries(and_(rows.c.chain_id == self.chain_id, rows.c.id.in_(tried)), None)

    def signers(self) -> list[str]:
        """Everybody who ever sent."""
        sent = select(rows.c.sender).where(rows.c.chain_id == self.chain_id).distinct()
        return self._store.read(lambda connection: sorted(connection.execute(sent).scalars()))

    def leases(self) -> dict[str, LeaseView]:
        """The lease on each signer that ever had one."""

        def ask(connection: Connection) -> dict[str, LeaseView]:
            now = self._store.now_ms(connection)
            found = connection.execute(select(leases).where(leases.c.chain_id == self.chain_id))
            return {
                one.signer: LeaseView(one.signer, one.holder, one.token, one.expires_at_ms - now)
                for one in found
            }

        return self._store.read(ask)

    def halts(self) -> dict[str, dict[str, tuple[int, str]]]:
        """The actions that are halted, by signer: since when (UNIX seconds), and why."""
        from chain_kit.guard.tables import halts

        def ask(connection: Connection) -> dict[str, dict[str, tuple[int, str]]]:
            found: dict[str, dict[str, tuple[int, str]]] = {}
            # An outbox that no guard has opened has no such table.
            if inspect(connection).has_table(halts.name):
                for one in connection.execute(select(halts).where(halts.c.chain_id == self.chain_id)):
                    found.setdefault(one.signer, {})[one.action] = (one.since, one.reason)
            return found

        return self._store.read(ask)

    def _entries(self, where: ColumnElement[bool], limit: int | None) -> list[Entry]:
        newest = select(rows.c.id).where(where).order_by(rows.c.id.desc()).limit(limit)

        def ask(connection: Connection) -> list[Entry]:
            ids: Sequence[int] = connection.execute(newest).scalars().all()
            times = select(rows.c.id, rows.c.created_at, rows.c.updated_at).where(rows.c.id.in_(ids))
            by_id = {one.id: (one.created_at, one.updated_at) for one in connection.execute(times)}
            return [
                Entry(row, *by_id[row.id]) for row in reversed(select_rows(connection, rows.c.id.in_(ids)))
            ]

        return self._store.read(ask)


def _open(url: Path | str) -> Store:
    name = str(url)
    if name.startswith(("postgresql:", "postgres:", "postgresql+")):
        return _PostgresReading(name)
    return _SqliteReading(Path(name.removeprefix("sqlite:///")))


def _refuse(name: str, version: object) -> None:
    if version != SCHEMA_VERSION:
        raise StoreSchemaError(
            f"the outbox {name} has schema {version}, this version reads {SCHEMA_VERSION}",
            hint="a keeper of this version brings an older one up to date when it starts",
        )


class _PostgresReading(PostgresStore):
    """The server's own rule against writing, in every transaction."""

    def read(self, ask: Callable[[Connection], T]) -> T:
        """What `ask` finds. Raises a StoreError."""

        def reading(connection: Connection) -> T:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            return ask(connection)

        return super().read(reading)

    def write(self, change: Callable[[Connection], T], *, lock: int, lasting: bool = True) -> T:
        """As `read`: what would write fails."""
        del lock, lasting
        return self.read(change)

    def _prepare(self, connection: Connection) -> None:
        there = connection.execute(text("SELECT to_regclass('schema_version')")).scalar()
        if there is None:
            raise StoreMissingError(f"there is no outbox in {self.name}", hint=_NAME_IT)
        _refuse(self.name, connection.execute(text("SELECT version FROM schema_version")).scalar())


class _SqliteReading(SqliteStore):
    """A file opened for reading only."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._lock = threading.Lock()
        if not path.is_file():
            raise StoreMissingError(f"there is no outbox at {path}", hint=_NAME_IT)
        with translated(path):
            uri = f"file:{quote(str(path.absolute()))}?mode=ro"
            self._raw = sqlite3.connect(
                uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._engine = self._reading_engine()
            try:
                self.read(self._prepare)
            except BaseException:
                self.close()
                raise

    def _reading_engine(self) -> Engine:
        engine = create_engine("sqlite://", creator=lambda: self._raw, poolclass=StaticPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine

    def write(self, change: Callable[[Connection], T], *, lock: int, lasting: bool = True) -> T:
        """Raises a StoreError."""
        del change, lock, lasting
        raise StoreError(f"the outbox {self.name} is open for reading only")

    def _prepare(self, connection: Connection) -> None:
        def pragma(name: str) -> Any:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        if pragma("application_id") != _MARK:
            raise StoreSchemaError(
                f"{self.name} is a database, but no outbox", hint="name another with --outbox"
            )
        _refuse(self.name, pragma("user_version"))
