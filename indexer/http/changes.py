"""Notices what another process commits to the index's database.

SQLite is asked for its data version, which changes with every commit of another connection: a look at shared
memory that takes microseconds. PostgreSQL notifies, and is looked at now and then for what it may not say; a
replica cannot listen, so there the position of its replay is asked for.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]  # it brings none
from sqlalchemy import URL

from indexer.engine import sqlite_path, store_errors
from indexer.store import CHANNEL

__all__ = ["POLL_SECONDS", "Changes", "watch"]

POLL_SECONDS = 0.02
_LISTEN_SECONDS = 1.0


class Changes(Protocol):
    """Tells when the database may say something new."""

    async def wait(self) -> None:
        """Returns after a commit. Raises StoreError if the database cannot be watched any more."""


@asynccontextmanager
async def watch(url: URL) -> AsyncIterator[Changes]:
    """Watches a database. Raises StoreError."""
    path = sqlite_path(url)
    if path is None:
        async with _watch_postgres(url) as changes:
            yield changes
        return
    with store_errors(url), _connected(str(path)) as connection:
        yield _DataVersion(url, connection)


@contextmanager
def _connected(path: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        yield connection
    finally:
        connection.close()


class _DataVersion:
    """SQLite's."""

    def __init__(self, url: URL, connection: sqlite3.Connection) -> None:
        self._url = url
        self._connection = connection
        self._last = self._version()

    async def wait(self) -> None:
        """Polls."""
        while (version := self._version()) == self._last:  # noqa: ASYNC110  nobody tells us
            await asyncio.sleep(POLL_SECONDS)
        self._last = version

    def _version(self) -> int:
        with store_errors(self._url):
            version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version


@asynccontextmanager
async def _watch_postgres(url: URL) -> AsyncIterator[Changes]:
    with _asyncpg_errors(url):
        connection = await asyncpg.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False)
        )
    try:
        with _asyncpg_errors(url):
            is_replica = await connection.fetchval("SELECT pg_is_in_recovery()")
            notified = _Notified(url, connection)
            if not is_replica:
                await connection.add_listener(CHANNEL, notified.hear)
        yield _Replay(url, connection) if is_replica else notified
    finally:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=1)


@contextmanager
def _asyncpg_errors(url: URL) -> Iterator[None]:
    with store_errors(url):
        try:
            yield
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ConnectionResetError(str(error)) from error


class _Notified:
    """A primary's notifications; it also counts as changed when it has said nothing for a while."""

    def __init__(self, url: URL, connection: Any) -> None:
        self._url = url
        self._connection = connection
        self._heard = asyncio.Event()

    def hear(self, *_: object) -> None:
        """Called for each notification."""
        self._heard.set()

    async def wait(self) -> None:
        """For a notification, or as long as one may have been missed."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), _LISTEN_SECONDS)
        self._heard.clear()
        with _asyncpg_errors(self._url):
            if self._connection.is_closed():
                raise ConnectionResetError("the connection was closed")


class _Replay:
    """A replica's position in the log of its primary."""

    def __init__(self, url: URL, connection: Any) -> None:
        self._url = url
        self._connection = connection
        self._last: str | None = None

    async def wait(self) -> None:
        """Polls."""
        while (position := await self._position()) == self._last:  # noqa: ASYNC110  nobody tells us
            await asyncio.sleep(POLL_SECONDS)
        self._last = position

    async def _position(self) -> str:
        query = "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn()::text"
        with _asyncpg_errors(self._url):
            is_replica, position = await self._connection.fetchrow(query)
            if not is_replica:
                raise ConnectionResetError("it is no replica any more")
        return str(position)
