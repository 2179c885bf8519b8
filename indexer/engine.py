"""Connections to the index's database, SQLite or PostgreSQL, and its failures in the user's words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from chain_kit.errors import (
    SettingError,
    StoreCorruptError,
    StoreError,
    StoreLockedError,
    StoreMissingError,
    StoreReadOnlyError,
)

__all__ = ["database_url", "make_engine", "shown", "sqlite_path", "store_errors"]

BUSY_SECONDS = 5.0
"""How long a statement waits for another connection's write to SQLite."""

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
# 8 MiB of pages are kept, and 16 MiB are written to the log before they go to their places.
_WRITER = ("journal_mode = WAL", "cache_size = -8192", "wal_autocheckpoint = 4096")
_READER = ("query_only = ON",)
_SQLITE_HEADER = b"SQLite format 3\x00"
_SQLITE_ERRORS: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_BUSY: (StoreLockedError, "is locked by another process"),
    sqlite3.SQLITE_LOCKED: (StoreLockedError, "is locked by another process"),
    sqlite3.SQLITE_READONLY: (StoreReadOnlyError, "is read-only"),
    sqlite3.SQLITE_CANTOPEN: (StoreReadOnlyError, "cannot be opened"),
    sqlite3.SQLITE_CORRUPT: (StoreCorruptError, "is corrupt"),
    sqlite3.SQLITE_NOTADB: (StoreCorruptError, "is not a database"),
    sqlite3.SQLITE_FULL: (StoreError, "cannot grow: the disk is full"),
}
_POSTGRES_ERRORS: dict[str, tuple[type[StoreError], str]] = {
    "25006": (StoreReadOnlyError, "is read-only"),
    "55P03": (StoreLockedError, "is locked by another process"),
    "3D000": (StoreMissingError, "does not exist"),
    "53100": (StoreError, "cannot grow: the disk is full"),
}


def database_url(database: str | Path) -> URL:
    """The SQLAlchemy URL of a path, or of a `sqlite:` or `postgresql:` URL. Raises SettingError."""
    text = str(database)
    if "://" not in text:
        return URL.create("sqlite+aiosqlite", database=text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingError(f"{text!r} is not a database URL", hint="give a path or postgresql://…") from None
    driver = _DRIVERS.get(url.drivername.partition("+")[0])
    if driver is None or not url.database:
        raise SettingError(f"a database at {shown(url)} is not supported", hint="use SQLite or PostgreSQL")
    return url.set(drivername=driver)


def shown(url: URL) -> str:
    """A database as a message may name it: without its password."""
    if url.drivername.startswith("sqlite"):
        return str(url.database)
    return url.render_as_string(hide_password=True)


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite database; None for PostgreSQL."""
    return Path(str(url.database)) if url.drivername.startswith("sqlite") else None


def check_file(path: Path, *, create: bool) -> None:
    """Refuses a SQLite file that is missing or none; with `create`, one that cannot be made or written."""
    if path.is_dir() or (create and not path.parent.is_dir()):
        raise StoreMissingError(
            f"{path} is no place for a database file", hint="name a file in a folder that is"
        )
    if create:
        # SQLite itself would notice at the first change only.
        for place in (path, path.parent):
            if place.exists() and not os.access(place, os.W_OK):
                raise StoreReadOnlyError(f"{place} cannot be written")
    if not path.exists():
        if create:
            return
        raise StoreMissingError(f"no database at {path}")
    try:
        with path.open("rb") as file:
            header = file.read(len(_SQLITE_HEADER))
    except PermissionError:
        raise StoreReadOnlyError(f"the database {path} cannot be read") from None
    if header != _SQLITE_HEADER[: len(header)] or (not header and not create):
        raise StoreCorruptError(f"{path} is not a database")


def make_engine(
    url: URL, *, writes: bool, pooled: bool = False, server_settings: Mapping[str, str] | None = None
) -> AsyncEngine:
    """Connections for reading, or for writing. Every transaction of a reader sees one state throughout.

    `pooled` keeps a reader's connections open for the next question, in the same event loop.
    `server_settings` are PostgreSQL's, for these connections alone.
    """
    if sqlite_path(url) is None:
        level = "READ COMMITTED" if writes else "REPEATABLE READ"
        arguments = {"server_settings": dict(server_settings or {})}
        return create_async_engine(url, isolation_level=level, pool_pre_ping=True, connect_args=arguments)
    # A reader's connection is cheap to open, and none is left when its event loop ends.
    pool: dict[str, Any] = {} if writes or pooled else {"poolclass": NullPool}
    engine = create_async_engine(url, connect_args={"timeout": BUSY_SECONDS}, **pool)
    _begin_explicitly(engine, writes=writes)
    return engine


def _begin_explicitly(engine: AsyncEngine, *, writes: bool) -> None:
    # The driver would begin at the first write only: reads before it would see other states, and a
    # transaction that has read could no longer wait for its turn to write.
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        # A crash of the machine can lose the last blocks, never half of one; they are indexed again.
        cursor.execute("PRAGMA synchronous = NORMAL")
        for pragma in _WRITER if writes else _READER:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)


@contextmanager
def store_errors(url: URL) -> Iterator[None]:
    """Turns the drivers' failures into the StoreError that says what to do."""
    try:
        yield
    except DBAPIError as error:
        raise _translated(url, error.orig) from error
    except sqlite3.Error as error:
        # From the statements that set up a connection, which SQLAlchemy does not wrap.
        raise _translated(url, error) from error
    except OSError as error:
        # asyncpg: nobody listens there.
        reason = error.strerror or str(error) or type(error).__name__
        raise StoreError(
            f"no connection to {shown(url)}: {reason}", hint="check the URL and the server"
        ) from error
    except Exception as error:
        # From COPY, which is asyncpg's own.
        if not hasattr(error, "sqlstate"):
            raise
        raise _translated(url, error) from error


def _translated(url: URL, cause: BaseException | None) -> StoreError:
    code = getattr(cause, "sqlite_errorcode", None)
    state = getattr(cause, "sqlstate", None)
    known = _SQLITE_ERRORS.get(code & 0xFF) if code is not None else _POSTGRES_ERRORS.get(str(state))
    if known is None:
        return StoreError(f"the database {shown(url)} failed: {cause}")
    kind, reason = known
    return kind(f"the database {shown(url)} {reason}")
