"""The runner: takes the chain's steps into a store, catches up, follows, and stops when it is told to.

What it meets on the way it writes down for readers, as trouble: that no endpoint has answered for a while,
and that a reorg went deeper than a chain should (the store does, with the undo). Both go when they are over.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from chain_kit.errors import RpcError
from indexer.blocks import Block
from indexer.decode import LogDecodeError
from indexer.proof.trouble import clear_trouble, raise_trouble, troubles
from indexer.source import Source
from indexer.steps import DEEP_REORG, Forward, Step
from indexer.store import OutOfStepError, Store

__all__ = ["NO_ENDPOINT", "Progress", "run"]

NO_ENDPOINT = "no_endpoint"
"""No endpoint has answered for a while: how far the chain is, nobody knows."""

_HEARTBEAT_SECONDS = 1.0

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """What one step did. `block` is the last one indexed since; `undone` how many blocks went."""

    block: int
    head: int
    events: int = 0
    undone: int = 0

    @property
    def caught_up(self) -> bool:
        """Whether the index is at the chain's head."""
        return self.block == self.head


async def run(
    store: Store,
    source: Source,
    stop: asyncio.Event,
    *,
    on_step: Callable[[Progress], None] | None = None,
    on_trouble: Callable[[RpcError], None] | None = None,
    retry_seconds: float = 1.0,
    patience_seconds: float = 30.0,
) -> None:
    """Indexes until `stop` is set; a step that was begun is finished.

    Without `on_trouble` the first RpcError ends it. With it, the error is handed over and the node asked
    again after `retry_seconds`, for as long as it takes; after `patience_seconds` of that readers are told.
    StoreError always ends it. `on_step` hears of each step, and of none, with `events` and `undone` 0, where
    there is nothing to do at first.
    """
    told = False
    health = _Health(store, patience_seconds)
    try:
        while not stop.is_set():
            tip = await store.tip()
            try:
                step = await _unless(stop, source.next_step())
                if stop.is_set() and step is None:
                    break
                if step is not None and not await _take(store, source, step, tip):
                    continue
            except RpcError as error:
                if on_trouble is None:
                    raise
                on_trouble(error)
                await health.failed(error)
                await _unless(stop, asyncio.sleep(retry_seconds))
                continue
            progress = _progress(step, tip)
            await health.went_well(source, step, progress)
            if on_step is not None and progress is not None and not (step is None and told):
                on_step(progress)
            told = told or progress is not None
            if step is None:
                await _unless(stop, source.wait())
        with contextlib.suppress(OutOfStepError):
            await store.flush()
    finally:
        await source.aclose()


async def _take(store: Store, source: Source, step: Step, tip: Block | None) -> bool:
    """Stores a step; False if the prover has taken blocks back meanwhile, and it is to go on from there.

    Raises LogDecodeError for logs that cannot be; who told of them is left.
    """
    try:
        await store.take(step)
    except OutOfStepError:
        if await store.tip() == tip:
            raise
        return False
    except LogDecodeError as error:
        if isinstance(step, Forward):
            await source.refuse(step, error.message)
        raise
    except OverflowError:
        if not isinstance(step, Forward):
            raise
        await source.refuse(step, "a number in its logs is larger than any of the contracts'")
        return False
    return True


class _Health:
    """What readers are told beside the blocks: when the chain was last seen, and what is wrong."""

    def __init__(self, store: Store, patience_seconds: float) -> None:
        self._store = store
        self._patience_seconds = patience_seconds
        self._good_at = time.monotonic()
        self._noted_at = 0.0
        self._open: set[str] | None = None

    async def failed(self, error: RpcError) -> None:
        """No step could be made."""
        known = await self._known()
        if time.monotonic() - self._good_at >= self._patience_seconds and NO_ENDPOINT not in known:
            tip = await self._store.tip()
            async with self._store.writing() as connection:
                await raise_trouble(connection, NO_ENDPOINT, tip.number if tip else 0, error.message)
            known.add(NO_ENDPOINT)

    async def went_well(self, source: Source, step: Step | None, progress: Progress | None) -> None:
        """The chain was looked at, and a step made if there was one."""
        self._good_at = now = time.monotonic()
        known = await self._known()
        if step is not None and not isinstance(step, Forward) and step.reason == DEEP_REORG:
            known.add(DEEP_REORG)
        over = {NO_ENDPOINT} | ({DEEP_REORG} if progress is not None and progress.caught_up else set())
        if over & known:
            async with self._store.writing() as connection:
                for kind in over & known:
                    await clear_trouble(connection, kind)
            known -= over
        if step is None and source.head is not None and now - self._noted_at >= _HEARTBEAT_SECONDS:
            await self._store.note_head(source.head)
            self._noted_at = now

    async def _known(self) -> set[str]:
        """The kinds of trouble that are there, of those that are this one's to clear."""
        if self._open is None:
            async with self._store.snapshot() as connection:
                found = {trouble.kind for trouble in await troubles(connection)}
            self._open = found & {NO_ENDPOINT, DEEP_REORG}
        return self._open


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What `work` gives; None, and the work given up, as soon as `stop` is set."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


def _progress(step: Step | None, tip: Block | None) -> Progress | None:
    """What a step from `tip` did; no step is the head reached, or None before the deployment."""
    if isinstance(step, Forward):
        return Progress(step.blocks[-1].number, step.head.block.number, events=len(step.logs))
    if tip is None:
        return None
    if step is None:
        return Progress(tip.number, tip.number)
    return Progress(step.to_block, step.head.block.number, undone=tip.number - step.to_block)
