"""The rounds of one keeper among others: its failures are its own, and what it does now can be asked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from chain_kit.errors import (
    ChainKitError,
    ChainMismatchError,
    PendingError,
    PriceSourceError,
    RevertedError,
    RpcError,
    SendError,
    StoreError,
    StoreLockedError,
    StoreMissingError,
)
from chain_kit.outbox import LeaseLostError

__all__ = ["Keeper", "Rounds", "needs_somebody"]

_LOG = logging.getLogger(__name__)
_PASSING = (RpcError, SendError, RevertedError, PendingError, PriceSourceError)
# A database that is away comes back; one of another chain or version does not change by itself.
_PASSING_STORES = (StoreError, StoreLockedError, StoreMissingError)
_FAILING_ROUNDS = 3
"""From so many failures in a row on the keeper counts as failing."""


class Keeper(Protocol):
    """What does one round at a time."""

    async def run_once(self) -> Any:
        """One round."""


def needs_somebody(error: Exception) -> bool:
    """Whether the next round would fail all the same until somebody mends what is wrong."""
    if isinstance(error, ChainMismatchError) or not isinstance(error, ChainKitError):
        return True
    return not isinstance(error, _PASSING) and type(error) not in _PASSING_STORES


@dataclass
class Rounds:
    """One keeper's rounds, again and again.

    A round that fails is logged, and the pause doubles up to `longest_pause_seconds`. After an error that
    needs somebody there is no other round. `on_round` is told of each: its name, and what was wrong, "" for
    nothing.
    """

    name: str
    keeper: Keeper
    poll_seconds: float
    longest_pause_seconds: float = 15.0
    on_round: Callable[[str, str], Awaitable[None]] | None = None
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self.failures = 0
        """In a row."""
        self.problem = ""
        """Of the last round."""
        self.failure: Exception | None = None
        """What the last round failed with."""
        self.has_ended = False
        self.last_at: float | None = None

    @property
    def reason(self) -> str:
        """Why it is not as it should be, in a sentence; "" if it is."""
        if self.has_ended:
            return f"{self.name} has ended: {self.problem}"
        if self.failures >= _FAILING_ROUNDS:
            return f"{self.name} has failed {self.failures} times in a row: {self.problem}"
        return ""

    async def run(self, stop: asyncio.Event) -> None:
        """Rounds until `stop` is set, or one fails for good. Raises LeaseLostError only."""
        while not stop.is_set():
            await self.once()
            if self.has_ended:
                return
            try:
                async with asyncio.timeout(self._pause()):
                    await stop.wait()
            except TimeoutError:
                continue

    async def once(self) -> None:
        """One round. Raises LeaseLostError only."""
        try:
            await self.keeper.run_once()
        except LeaseLostError:
            raise
        except Exception as error:  # noqa: BLE001  # one keeper's fault must not end the others
            self._failed(error)
        else:
            if self.failures:
                _LOG.info("keeper %s: works again", self.name)
            self.failures, self.problem, self.failure = 0, "", None
        self.last_at = self.clock()
        if self.on_round is not None:
            await self.on_round(self.name, self.problem)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self.failure = error
        is_ours = isinstance(error, ChainKitError)
        self.problem = error.message if isinstance(error, ChainKitError) else repr(error)
        if not needs_somebody(error):
            _LOG.warning("keeper %s: %s", self.name, self.problem)
            return
        self.has_ended = True
        hint = f" ({error.hint})" if isinstance(error, ChainKitError) and error.hint else ""
        _LOG.error("keeper %s ends: %s%s", self.name, self.problem, hint, exc_info=None if is_ours else error)

    def _pause(self) -> float:
        if not self.failures:
            return self.poll_seconds
        doubled = self.poll_seconds * 2.0 ** min(self.failures - 1, 16)
        return float(max(self.poll_seconds, min(doubled, self.longest_pause_seconds)))
