"""A clock that nobody waits for: an event loop in which time passes only when nothing is left to do.

SQLite's statements run where they are called, so that a seed does the same every time; a statement that has
to wait for another connection's transaction is tried again later, by the same clock.
"""

from __future__ import annotations

import asyncio
import selectors
import sqlite3
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar
from unittest import mock

import aiosqlite.core
from sqlalchemy.pool import AsyncAdaptedQueuePool

from indexer import engine

__all__ = ["StuckError", "VirtualLoop", "limit_pages", "on_statement", "run_virtually"]

T = TypeVar("T")

START = 1_700_000_000
"""Unix seconds at which every run begins."""
_BUSY_SECONDS = 5.0
_RETRY_SECONDS = 0.01
_MOST_PAGES = 1_073_741_823


class StuckError(Exception):
    """Every task waits for another, and none for the clock."""


class _Selector(selectors.DefaultSelector):
    """Never sleeps: it moves the clock on instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise StuckError("nothing is left that could happen")
        # A little more, or a timer that is due at just this instant could be missed by rounding.
        self.now += max(timeout, 0.0) + 1e-6
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with that clock. Work for threads is done at once, in this one."""

    def __init__(self) -> None:
        self.selector = _Selector()
        super().__init__(self.selector)

    def time(self) -> float:
        """Seconds since the run began."""
        return self.selector.now

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]  # noqa: ARG002
        """The result of `func`, as soon as the loop comes by."""
        future: asyncio.Future[T] = self.create_future()
        try:
            self.call_soon(_settle, future, func(*args), None)
        except Exception as error:  # noqa: BLE001
            self.call_soon(_settle, future, None, error)
        return future


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class _Disk:
    """What is done to SQLite's files, and how much they may grow."""

    def __init__(self) -> None:
        self.listener: Callable[[], None] = lambda: None
        self.more_pages: int | None = None
        self.connections: weakref.WeakSet[sqlite3.Connection] = weakref.WeakSet()


_disk = _Disk()


@contextmanager
def on_statement(listener: Callable[[], None]) -> Iterator[None]:
    """Calls `listener` before everything that is done to a SQLite database."""
    before, _disk.listener = _disk.listener, listener
    try:
        yield
    finally:
        _disk.listener = before


class _Queue:
    """In place of aiosqlite's queue to its thread."""

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        future, function = item
        if future is None:
            function()
            return
        _disk.listener()
        loop = future.get_loop()
        self._attempt(loop, future, function, loop.time() + _BUSY_SECONDS)

    def _attempt(
        self,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
        function: Callable[[], Any],
        deadline: float,
    ) -> None:
        if loop.is_closed():
            return
        try:
            loop.call_soon(_settle, future, function(), None)
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if busy and loop.time() < deadline:
                loop.call_later(_RETRY_SECONDS, self._attempt, loop, future, function, deadline)
            else:
                loop.call_soon(_settle, future, None, error)
        except Exception as error:  # noqa: BLE001
            loop.call_soon(_settle, future, None, error)


class _NoThread:
    daemon = True

    def __init__(self, **_: Any) -> None:
        pass

    def start(self) -> None:
        pass

    def is_alive(self) -> bool:
        return False


class _Connection(sqlite3.Connection):
    """One that can be referred to weakly."""


def limit_pages(more: int | None) -> None:
    """The disk has room for so many pages in each database, or for all that come."""
    _disk.more_pages = more
    for connection in list(_disk.connections):
        with suppress(sqlite3.Error):
            _limit(connection)


def _limit(connection: sqlite3.Connection) -> None:
    if _disk.more_pages is None:
        connection.execute(f"PRAGMA max_page_count = {_MOST_PAGES}")
    else:
        (there,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {there + _disk.more_pages}")


class _Sqlite:
    """The module sqlite3, except that no connection waits for another."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)

    def connect(self, database: Any, **options: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = sqlite3.connect(
            database, factory=_Connection, **(options | {"timeout": 0.0})
        )
        _disk.connections.add(made)
        _limit(made)
        return made


def run_virtually(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs a coroutine to its end on a new loop, with every clock of Python going by it."""
    with ExitStack() as patches:
        core = aiosqlite.core
        for name, value in (("SimpleQueue", _Queue), ("Thread", _NoThread), ("sqlite3", _Sqlite())):
            patches.enter_context(mock.patch.object(core, name, value))
        # To open a file for each question takes longer than to answer it.
        patches.enter_context(mock.patch.object(engine, "NullPool", AsyncAdaptedQueuePool))
        runner = patches.enter_context(asyncio.Runner(loop_factory=VirtualLoop))
        loop = runner.get_loop()
        clocks: dict[str, Callable[[], float]] = {
            "time": lambda: START + loop.time(),
            "monotonic": loop.time,
            "time_ns": lambda: int((START + loop.time()) * 10**9),
        }
        for name, clock in clocks.items():
            patches.enter_context(mock.patch.object(time, name, clock))
        return runner.run(main())
