"""Answers, computed once for each state of the database and each question."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

__all__ = ["AnswerCache"]

T = TypeVar("T")

_ANSWERS_MOST = 512
"""Of more, those that were asked for the longest ago are forgotten."""


class AnswerCache:
    """Forgets everything when the database changes. Who asks at the same time waits for one computation."""

    def __init__(self, most: int = _ANSWERS_MOST) -> None:
        self._most = most
        self._tasks: OrderedDict[Hashable, asyncio.Task[Any]] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def forget(self) -> None:
        """The database has changed. What is being computed goes to those who wait for it, and no further."""
        self._tasks.clear()

    async def get(self, key: Hashable, compute: Callable[[], Awaitable[T]]) -> T:
        """The answer to a question. One that fails is computed again for the next who asks."""
        task = self._tasks.get(key)
        if task is None:
            self.misses += 1
            task = asyncio.ensure_future(_run(compute))
            self._keep(key, task)
        else:
            self.hits += 1
            if task.done():
                result: T = task.result()
                return result
        # Whoever goes away does not take the answer from the others.
        answer: T = await asyncio.shield(task)
        return answer

    def _keep(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._tasks[key] = task
        if len(self._tasks) > self._most:
            self._tasks.popitem(last=False)

        def drop_failed(done: asyncio.Task[Any]) -> None:
            if (done.cancelled() or done.exception() is not None) and self._tasks.get(key) is done:
                del self._tasks[key]

        task.add_done_callback(drop_failed)


async def _run(compute: Callable[[], Awaitable[T]]) -> T:
    return await compute()
