"""Calls of the journal that wait for each other's turn go together: in one thread, in one transaction.

A journal is written by one at a time, and what was signed waits for the disk. With many intents in flight the
calls that come meanwhile are made in one go: the disk is waited for once, and their transactions can be
broadcast in one request. Nobody hears of a call before what all of them wrote is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

from chain_kit.outbox.journal import Journal

__all__ = ["Together"]

P = ParamSpec("P")
T = TypeVar("T")
_MOST = 32


class Together:
    """One event loop's way to a journal, whose methods block."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._going: asyncio.Task[None] | None = None

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Makes a call of the journal. One that is cancelled may be made all the same."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((partial(function, *args, **kwargs), future))
        if self._going is None or self._going.done():
            self._going = asyncio.create_task(self._go())
        return await future

    async def _go(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            outcomes = await self._made([call for call, _ in batch])
            self._waiting[:0] = batch[len(outcomes) :]
            for (_, future), outcome in zip(batch, outcomes, strict=False):
                if future.done():
                    continue
                if isinstance(outcome, BaseException):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    async def _made(self, calls: list[Callable[[], Any]]) -> list[Any]:
        try:
            if len(calls) == 1:
                return [await asyncio.to_thread(calls[0])]
            return await asyncio.to_thread(self._journal.together, calls)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  # whoever called is told, and nobody waits for ever
            return [error] * len(calls)
