"""The runner: takes the chain's steps into a store, catches up, follows, and stops when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from chain_kit.errors import RpcError
from indexer.blocks import Block
from indexer.source import Source
from indexer.steps import Forward, Step
from indexer.store import Store

__all__ = ["Progress", "run"]

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
) -> None:
    """Indexes until `stop` is set; a step that was begun is finished.

    Without `on_trouble` the first RpcError ends it. With it, the error is handed over and the node asked
    again after `retry_seconds`, for as long as it takes. StoreError always ends it. `on_step` hears of each
    step, and of none, with `events` and `undone` 0, where there is nothing to do at first.
    """
    told = False
    while not stop.is_set():
        try:
            step = await _unless(stop, source.next_step())
        except RpcError as error:
            if on_trouble is None:
                raise
            on_trouble(error)
            await _unless(stop, asyncio.sleep(retry_seconds))
            continue
        tip = await store.tip()
        if step is not None:
            await store.take(step)
        progress = _progress(step, tip)
        if on_step is not None and progress is not None and not (step is None and (told or stop.is_set())):
            on_step(progress)
        told = told or progress is not None
        if step is None:
            await _unless(stop, source.wait())


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
