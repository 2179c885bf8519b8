"""One writer per database: a lock that the system takes back when its holder dies, however it dies."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType

from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from chain_kit.errors import StoreLockedError, StoreReadOnlyError
from indexer.engine import make_engine, shown, sqlite_path, store_errors

__all__ = ["WriterLock"]

_ADVISORY_KEY = 0x636861696E6B6974  # "chainkit"
_RETRY_SECONDS = 0.1
# A holder whose machine is gone says no goodbye: after about seven seconds the server gives up on it.
_KEEPALIVE = {"tcp_keepalives_idle": "3", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "2"}


class WriterLock:
    """The right to write a database's index. For SQLite a file beside it, for PostgreSQL an advisory lock.

    Raises StoreLockedError if another process has held it for all of `wait_seconds`.
    """

    def __init__(self, url: URL, *, wait_seconds: float = 0.0) -> None:
        self._url = url
        self._wait_seconds = wait_seconds
        self._release: Callable[[], Awaitable[None]] | None = None

    async def __aenter__(self) -> WriterLock:
        path = sqlite_path(self._url)
        if path is not None:
            await self._lock_file(path.with_name(path.name + ".lock"))
        else:
            await self._lock_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._release is not None:
            release, self._release = self._release, None
            await release()

    async def _until(self, attempt: Callable[[], Awaitable[bool]]) -> bool:
        deadline = time.monotonic() + self._wait_seconds
        while not await attempt():
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_RETRY_SECONDS)
        return True

    def _refused(self) -> StoreLockedError:
        return StoreLockedError(f"another process is indexing into {shown(self._url)}")

    async def _lock_file(self, path: Path) -> None:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreReadOnlyError(f"{path} cannot be written: {error.strerror}") from None

        async def attempt() -> bool:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        async def release() -> None:
            # The file stays: removing it could take it from under the next holder.
            os.close(handle)

        if not await self._until(attempt):
            await release()
            raise self._refused()
        self._release = release

    async def _lock_server(self) -> None:
        engine = make_engine(self._url, writes=True, server_settings=_KEEPALIVE)
        connection: AsyncConnection | None = None

        async def release() -> None:
            if connection is not None:
                # Should the connection be gone, the server has taken the lock back already.
                with contextlib.suppress(DBAPIError):
                    await connection.close()
            await engine.dispose()

        try:
            with store_errors(self._url):
                connection = await engine.connect()
                held = connection

                async def attempt() -> bool:
                    query = text("SELECT pg_try_advisory_lock(:key)").bindparams(key=_ADVISORY_KEY)
                    return bool((await held.execute(query)).scalar())

                if not await self._until(attempt):
                    raise self._refused()
        except BaseException:
            await release()
            raise
        self._release = release
