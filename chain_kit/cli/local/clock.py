"""Waiting for what must come true on a local chain, and moving its clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from chain_kit.cli.local.children import Children
from chain_kit.devnet import Anvil
from chain_kit.errors import ChainKitError

__all__ = ["StuckError", "advance_to", "until"]

_POLL_SECONDS = 0.02


class StuckError(
    ChainKitError, hint="run it again with CHAIN_KIT_LOG_LEVEL=debug and look at what the keepers say"
):
    """Something that must come true did not, in all the time that it may take."""


async def until(
    what: str, holds: Callable[[], Awaitable[bool]], children: Children, *, timeout_seconds: float = 90.0
) -> None:
    """Returns once `holds()`. Raises StuckError in the end, or at once what a child died of."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    while not await holds():
        children.check()
        if loop.time() > deadline:
            raise StuckError(f"{what}: not after {timeout_seconds:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


async def advance_to(anvil: Anvil, instant: int, *, mine: bool) -> None:
    """Puts a clock that is behind on `instant` (UNIX seconds), for the next block or for one mined now."""
    if await anvil.timestamp() < instant:
        await anvil.set_next_timestamp(instant)
    if mine:
        await anvil.mine()
