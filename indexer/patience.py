"""How long to go on asking, and when asking the same again is in vain."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from chain_kit.errors import RpcResponseError
from chain_kit.jsonrpc import Call
from indexer.refusals import Failure, is_batch_too_long, is_not_now, is_too_wide

__all__ = ["Backoff", "is_final", "is_of_the_batch"]

_REVERTED = 3
_TOOK_TOO_LONG = "it took too long"


@dataclass(frozen=True)
class Backoff:
    """How often to ask, and how long to wait between. Tests replace `sleep` and `jitter` (0 to 1)."""

    attempts: int = 6
    first_seconds: float = 0.1
    most_seconds: float = 5.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def pause(self, attempt: int) -> None:
        """Waits after the attempt with that number, from 0: half to all of a time that doubles."""
        longest = min(self.first_seconds * 2**attempt, self.most_seconds)
        await self.sleep(longest * (0.5 + self.jitter() / 2))


def _is_log_range(calls: Sequence[Call]) -> bool:
    method, params = calls[-1]
    return method == "eth_getLogs" and params[0].get("fromBlock") != params[0].get("toBlock")


def is_of_the_batch(failure: Failure, calls: Sequence[Call]) -> bool:
    """Whether fewer calls in a request may help."""
    if is_batch_too_long(failure):
        return True
    if _is_log_range(calls) and is_too_wide(failure):
        return False
    if isinstance(failure, RpcResponseError):
        return failure.method == "the request" and not is_not_now(failure)
    return "status 413" in failure.reason or "larger than" in failure.reason


def is_final(failure: Failure, calls: Sequence[Call], *, another: bool) -> bool:
    """Whether asking the same again, here or elsewhere, is in vain."""
    if isinstance(failure, RpcResponseError) and failure.code == _REVERTED:
        return True
    if another and (isinstance(failure, RpcResponseError) or failure.reason == _TOOK_TOO_LONG):
        # Another may know, or be quicker.
        return _is_log_range(calls) and is_too_wide(failure) and isinstance(failure, RpcResponseError)
    if _is_log_range(calls) and is_too_wide(failure):
        # Asking again would take as long again: less has to be asked.
        return True
    return isinstance(failure, RpcResponseError) and not is_not_now(failure)
