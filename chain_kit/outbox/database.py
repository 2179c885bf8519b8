"""The outbox's database, a SQLite file or PostgreSQL: how it is opened, locked, and its errors in our words.

Everything here blocks. PostgreSQL's driver does not: it runs in a loop of its own, in a thread.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from chain_kit.errors import (
    StoreCorruptError,
    StoreError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreSchemaError,
)
from chain_kit.outbox.migrate import from_version_1
from chain_kit.outbox.outcomes import outcomes
from chain_kit.outbox.tables import METADATA, SCHEMA_VERSION

__all__ = ["Store", "open_store", "translated"]

T = TypeVar("T")
BUSY_SECONDS = 10.0
_HINT = "name another with --outbox"
# "ckob": SQLite's header then says whose file it is.
_APPLICATION_ID = 0x636B6F62


class Store(Protocol):
    """A database with the outbox's tables. Its name is fit to be shown."""

    name: str

    def read(self, ask: Callable[[Connection], T]) -> T:
        """What `ask` finds. Raises a StoreError."""

    def write(self, change: Callable[[Connection], T], *, lock: int, lasting: bool = True) -> T:
        """Runs `change` as one transaction, alone among all writers with this `lock`; an error undoes it.

        One that is not `lasting` may be undone by a power cut, with those after it that are not either; the
        end of a process undoes none. Raises a StoreError.
        """

    def together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Makes calls that read and write here, in one transaction if that can be: results, or errors.

        A call that raises an error is undone alone; a StoreError is raised, and undoes what is in the
        transaction. What takes long is cut short: of calls at the end nothing is made, nor given.
        """

    def now_ms(self, connection: Connection) -> int:
        """The clock that all who share the database share, in milliseconds since 1970."""

    def close(self) -> None:
        """Closes it, once what another thread does is finished; calling it twice is fine."""


def open_store(url: Path | str) -> Store:
    """Opens the database at a path or URL, and makes or migrates the tables.

    Raises a StoreError: it cannot be reached or written, is damaged, or is not an outbox of this version.
    """
    text = str(url)
    if text.startswith(("postgresql:", "postgres:", "postgresql+")):
        from chain_kit.outbox.postgres import PostgresStore

        return PostgresStore(text)
    return SqliteStore(Path(text.removeprefix("sqlite:///")))


@contextmanager
def translated(name: Path | str) -> Iterator[None]:
    """Turns a driver's errors about SQLite's file `name` into StoreErrors."""
    try:
        yield
    except (sqlite3.Error, DBAPIError) as error:
        text = str(getattr(error, "orig", error))
        if "locked" in text or "busy" in text:
            raise StoreLockedError(f"the outbox {name} is locked by another process", hint=_HINT) from None
        if "readonly" in text or "unable to open" in text:
            raise StoreReadOnlyError(f"the outbox {name} cannot be written: {text}", hint=_HINT) from None
        if "not a database" in text or "malformed" in text:
            raise StoreCorruptError(
                f"the outbox {name} is damaged: {text}",
                hint="move it away; what was sent stays on chain, and nothing done is done again",
            ) from None
        raise StoreError(f"the outbox {name}: {text}", hint=_HINT) from None


class SqliteStore:
    """One connection to a file, which several processes on this machine may share."""

    # The transaction of `together`, and the thread that makes it.
    _joined: tuple[int, Connection] | None = None

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._lock = threading.Lock()
        self._waits: bool | None = None
        with translated(path):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreReadOnlyError(f"{path.parent} cannot be made: {error.strerror}") from None
            self._raw = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._engine = self._make_engine()
            try:
                _use_wal(self._raw)
                self._raw.execute("PRAGMA foreign_keys = ON")
                self.write(self._prepare, lock=0)
            except BaseException:
                self.close()
                raise

    def _make_engine(self) -> Engine:
        engine = create_engine("sqlite://", creator=lambda: self._raw, poolclass=StaticPool)

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # The lock is taken before anything is read: what a change rests on stays so until it is made.
            writes = connection.get_execution_options().get("writes", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    def read(self, ask: Callable[[Connection], T]) -> T:
        """What `ask` finds. Raises a StoreError."""
        joined = self._joined
        if joined is not None and joined[0] == threading.get_ident():
            with translated(self.name):
                return ask(joined[1])
        with self._lock, translated(self.name), self._engine.connect() as connection, connection.begin():
            return ask(connection)

    def write(
        self,
        change: Callable[[Connection], T],
        *,
        lock: int,  # noqa: ARG002  # one file, one lock
        lasting: bool = True,
    ) -> T:
        """Runs `change` as one transaction, alone among all writers; an error undoes it."""
        joined = self._joined
        if joined is not None and joined[0] == threading.get_ident():
            with translated(self.name), joined[1].begin_nested():
                return change(joined[1])
        with self._writing(lasting=lasting) as connection:
            return change(connection)

    def together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Makes calls that read and write here in one transaction: results, or errors.

        A call that raises an error is undone alone; a StoreError is raised, and undoes all. What takes long
        is cut short.
        """
        with self._writing(lasting=True) as connection:
            self._joined = threading.get_ident(), connection
            try:
                return outcomes(calls)
            finally:
                self._joined = None

    @contextmanager
    def _writing(self, *, lasting: bool) -> Iterator[Connection]:
        with self._lock, translated(self.name), self._engine.connect() as connection:
            self._wait_for_disk(lasting)
            connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def _wait_for_disk(self, waits: bool) -> None:  # noqa: FBT001
        # The log is written in order: what is waited for brings all before it to the disk.
        if waits is not self._waits:
            self._raw.execute(f"PRAGMA synchronous = {'FULL' if waits else 'NORMAL'}")
            self._waits = waits

    def now_ms(self, connection: Connection) -> int:  # noqa: ARG002  # one machine, one clock
        """This machine's clock."""
        return time.time_ns() // 1_000_000

    def close(self) -> None:
        """Closes the file, once what another thread does with it is finished; calling it twice is fine."""
        with self._lock:
            self._raw.close()

    def _prepare(self, connection: Connection) -> None:
        def pragma(name: str) -> Any:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        version = pragma("user_version")
        if version == 0 and not connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first():
            METADATA.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION_ID}")
        elif pragma("application_id") != _APPLICATION_ID:
            raise StoreSchemaError(f"{self.name} is a database, but no outbox", hint=_HINT)
        elif version == 1:
            from_version_1(connection)
        elif version != SCHEMA_VERSION:
            raise StoreSchemaError(
                f"the outbox {self.name} has schema {version}, this version reads {SCHEMA_VERSION}",
                hint="use the version that wrote it",
            )
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _use_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for the lock that this takes: of two processes that make the file at the same
    # moment one would fail.
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= until:
                raise
            time.sleep(0.01)
        else:
            return
