"""What all keepers share: the chain's clock, the loop of rounds, and going on although one thing failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from chain_kit.errors import (
    ChainKitError,
    PendingError,
    PriceSourceError,
    RevertedError,
    RpcError,
    RpcUnreachableError,
    SendError,
    StoreLockedError,
)
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Intent, Outcome, Sender

__all__ = ["Head", "raise_first", "read_head", "run_rounds", "submit_all", "submit_each"]

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
# What may be otherwise in the next round. Anything else ends the keeper: it needs somebody.
_PASSING = (RpcError, SendError, RevertedError, PendingError, PriceSourceError, StoreLockedError)


@dataclass(frozen=True)
class Head:
    """The newest block; its timestamp (UNIX seconds) is the chain's clock."""

    number: int
    timestamp: int


async def read_head(rpc: JsonRpc) -> Head:
    """The newest block that the node knows."""
    block = await rpc.call("eth_getBlockByNumber", ["latest", False])
    if not isinstance(block, dict):
        raise RpcUnreachableError(rpc.public_url, "it knows no latest block")
    return Head(int(block["number"], 16), int(block["timestamp"], 16))


async def run_rounds(
    name: str,
    run_once: Callable[[], Awaitable[T]],
    stop: asyncio.Event,
    poll_seconds: float,
    *,
    finished: Callable[[T], bool] = lambda _: False,
) -> None:
    """Calls `run_once` every `poll_seconds` until `stop` is set, or what a round gives is `finished`.

    An error that may pass (the node does not answer, a transaction fails) is logged, and the next round tries
    again; any other is raised.
    """
    while not stop.is_set():
        try:
            if finished(await run_once()):
                return
        except _PASSING as error:
            _LOG.warning("keeper %s: %s", name, error.message)
        try:
            async with asyncio.timeout(poll_seconds):
                await stop.wait()
        except TimeoutError:
            continue


async def submit_all(sender: Sender, intents: Iterable[Intent], *, in_flight: int = 1) -> list[Outcome]:
    """Submits every intent, `in_flight` at a time, although some may fail; then raises the first failure."""
    results = await submit_each(sender, intents, in_flight=in_flight)
    raise_first(results)
    return [result for result in results if isinstance(result, Outcome)]


async def submit_each(
    sender: Sender, intents: Iterable[Intent], *, in_flight: int = 1
) -> list[Outcome | ChainKitError]:
    """As `submit_all`, but with the error of an intent that failed in its place; it is logged."""
    slots = asyncio.Semaphore(in_flight)

    async def submit(intent: Intent) -> Outcome | ChainKitError:
        async with slots:
            try:
                outcome = await sender.submit(intent)
            except ChainKitError as error:
                _LOG.warning("%s", error.message)
                return error
        _LOG.info("%s: done", intent)
        return outcome

    return list(await asyncio.gather(*(submit(intent) for intent in intents)))


def raise_first(results: Iterable[object]) -> None:
    """Raises the first error among the results, if there is one."""
    for result in results:
        if isinstance(result, ChainKitError):
            raise result
