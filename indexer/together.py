"""One thing that is run, and others beside it for as long as it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["in_step", "together"]


async def together(main: Coroutine[Any, Any, None], *beside: Coroutine[Any, Any, None]) -> None:
    """Runs `main`, and the others until it ends. What fails first ends all, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as tasks:
            others = [tasks.create_task(one) for one in beside]
            await tasks.create_task(main)
            for task in others:
                task.cancel()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def in_step(stop: asyncio.Event, *works: Coroutine[Any, Any, None]) -> None:
    """Runs what ends once `stop` is set, and sets it when one of them ends. Raises what one has raised."""

    async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            stop.set()

    ended = await asyncio.gather(*map(until_stopped, works), return_exceptions=True)
    for result in ended:
        if result is not None:
            raise result
