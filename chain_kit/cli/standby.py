"""The right to write an index, for `index run`: taken at once, or waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chain_kit.errors import StoreLockedError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextlib import AsyncExitStack
    from pathlib import Path

    from indexer.deployment import Deployment
    from indexer.store import Store

__all__ = ["store_in_turn"]

_LOCK_WAIT_SECONDS = 10.0
_LISTEN_SECONDS = 1.0
"""How often one that stands by looks whether it is to stop."""


async def store_in_turn(
    stack: AsyncExitStack,
    database: str | Path,
    deployment: Deployment,
    stop: asyncio.Event,
    *,
    standby: bool,
    say: Callable[[str], None],
) -> Store | None:
    """The index, open for writing until `stack` ends; None if `stop` was set before its turn came.

    On standby it waits for as long as another process writes, and says so once. Otherwise StoreLockedError
    is raised after ten seconds of that. Raises as `open_store` does.
    """
    from indexer.store import open_store

    seconds, told = _LISTEN_SECONDS if standby else _LOCK_WAIT_SECONDS, False
    while not stop.is_set():
        try:
            return await stack.enter_async_context(open_store(database, deployment, wait_seconds=seconds))
        except StoreLockedError as error:
            if not standby:
                raise
            if not told:
                say(f"{error.message}; on standby until that one ends")
            told = True
    return None
