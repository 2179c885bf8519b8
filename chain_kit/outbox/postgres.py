"""The outbox on PostgreSQL, for keepers on several hosts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from chain_kit.errors import SettingError, StoreError, StoreLockedError, StoreReadOnlyError, StoreSchemaError
from chain_kit.outbox.outcomes import outcomes
from chain_kit.outbox.tables import METADATA, SCHEMA_VERSION

__all__ = ["PostgresStore"]

T = TypeVar("T")
_SCHEMA = "chain_kit_outbox"
_LOCK_SECONDS = 10
# What a URL's query may hold that nobody has to see.
_SECRETS = ("password", "passfile", "sslpassword")
_SERVER_SETTINGS = {
    # A schema of its own: an index may live in the same database.
    "search_path": _SCHEMA,
    # A row must outlive a power cut.
    "synchronous_commit": "on",
    "lock_timeout": f"{_LOCK_SECONDS}s",
    # A holder of locks whose machine is gone says no goodbye: after some seconds the server gives up on it.
    "tcp_keepalives_idle": "3",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
}
_LOCKED, _READ_ONLY = "55P03", "25006"


class PostgresStore:
    """A pool of connections. Of several hosts in the URL (`?host=a:5432&host=b:5432`) the primary is used.

    Raises SettingError for a URL that is none.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise SettingError("the outbox's URL is not one", hint="give a path or postgresql://…") from None
        shown = parsed.difference_update_query(_SECRETS)
        self.name = shown.render_as_string(hide_password=True)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="outbox", daemon=True)
        self._thread.start()
        self._engine = create_async_engine(
            parsed.set(drivername="postgresql+asyncpg"),
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            connect_args={"server_settings": _SERVER_SETTINGS, "target_session_attrs": "read-write"},
        )
        try:
            self.write(self._prepare, lock=0)
        except BaseException:
            self.close()
            raise

    def read(self, ask: Callable[[Connection], T]) -> T:
        """What `ask` finds. Raises a StoreError."""

        async def run() -> T:
            async with self._engine.connect() as connection, connection.begin():
                return await connection.run_sync(ask)

        return self._wait(run())

    def write(self, change: Callable[[Connection], T], *, lock: int, lasting: bool = True) -> T:  # noqa: ARG002
        """Runs `change` as one transaction, alone among all writers with this `lock`; an error undoes it.

        All of them last: the server waits for the disk once for many.
        """

        async def run() -> T:
            async with self._engine.connect() as connection, connection.begin():
                taking = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, :lock))")
                await connection.execute(taking, {"name": _SCHEMA, "lock": lock})
                return await connection.run_sync(change)

        return self._wait(run())

    def together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Makes them one after another, each with its own transactions; gives results, or errors.

        A StoreError ends it, and is raised; what takes long is cut short.
        """
        return outcomes(calls)

    def now_ms(self, connection: Connection) -> int:
        """The server's clock."""
        now = connection.execute(text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"))
        return int(now.scalar_one())

    def close(self) -> None:
        """Gives the connections back; calling it twice is fine."""
        if self._loop.is_closed():
            return
        self._wait(self._engine.dispose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop.is_closed():
            work.close()
            raise StoreError(f"the outbox {self.name}: it is closed")
        with self._translated():
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            kind, said = {
                _LOCKED: (StoreLockedError, "is locked by another process"),
                _READ_ONLY: (StoreReadOnlyError, "is read-only"),
            }.get(str(state), (StoreError, f"failed: {error.orig}"))
            raise kind(f"the outbox {self.name} {said}", hint="name another with --outbox") from error
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            raise StoreError(
                f"no connection to the outbox {self.name}: {reason}", hint="check the URL and the server"
            ) from error

    def _prepare(self, connection: Connection) -> None:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}"))
        connection.execute(text("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)"))
        version = connection.execute(text("SELECT version FROM schema_version")).scalar()
        if version is None:
            METADATA.create_all(connection)
            connection.execute(
                text("INSERT INTO schema_version VALUES (:version)"), {"version": SCHEMA_VERSION}
            )
        elif version != SCHEMA_VERSION:
            raise StoreSchemaError(
                f"the outbox {self.name} has schema {version}, this version reads {SCHEMA_VERSION}",
                hint="use the version that wrote it",
            )
