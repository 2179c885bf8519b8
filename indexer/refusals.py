"""What a node's refusal means: wait, ask for fewer blocks, ask for fewer addresses, or it will not.

Providers word it differently, and few use codes. The words here are those of geth, erigon, nethermind, anvil
and of the larger providers; what none of them says is taken for a refusal that stays.
"""

from __future__ import annotations

import re

from chain_kit.errors import RpcResponseError, RpcUnreachableError

__all__ = [
    "Failure",
    "allowed_blocks",
    "is_batch_too_long",
    "is_not_now",
    "is_too_many_values",
    "is_too_wide",
]

Failure = RpcResponseError | RpcUnreachableError

_LIMIT_EXCEEDED = -32005
_TOO_MANY_REQUESTS = 429

_SLOW_DOWN = re.compile(
    r"rate.?limit|too many requests|status 429|compute units|per second|throughput|credits", re.IGNORECASE
)
_NOT_NOW = re.compile(
    _SLOW_DOWN.pattern + r"|busy|overload|timeout|timed out|try again|unavailable|retry later",
    re.IGNORECASE,
)
_TOO_WIDE = re.compile(
    r"too many|more than|too wide|too large|too long|too big|larger than|greater than|range|limit|exceed|size"
    r"|timeout|timed out|took too long|status 413|-0x|up to",
    re.IGNORECASE,
)
_VALUES = re.compile(
    r"(number of|too many|less|fewer|max\w*|exceeds?) (number of )?(filter )?(addresses|address|topics)"
    r"|(addresses|topics) (exceed|limit|count|too)",
    re.IGNORECASE,
)
_BATCH = re.compile(r"batch", re.IGNORECASE)
_BLOCKS_NAMED = re.compile(r"(0x[0-9a-f]+)\s*(?:-|,|to|\.\.)\s*(0x[0-9a-f]+)", re.IGNORECASE)
_NUMBER_OF_BLOCKS = re.compile(
    r"(?:range|limit|max\w*|up to|than|exceeds?)\D{0,24}?(\d[\d,_]*)\s*(k\b)?\s*(\w*)", re.IGNORECASE
)
_NOT_BLOCKS = ("result", "log", "byte", "ms", "sec", "mb", "kb", "event", "item", "request")


def is_not_now(failure: object) -> bool:
    """Whether the same question may be answered a little later."""
    if not isinstance(failure, RpcResponseError):
        return False
    if is_too_many_values(failure):
        return False
    return failure.code in (_LIMIT_EXCEEDED, _TOO_MANY_REQUESTS) or bool(_NOT_NOW.search(failure.reason))


def is_too_wide(failure: Failure) -> bool:
    """Whether fewer blocks might be answered: too many results, too wide, too large, or too slow."""
    if isinstance(failure, RpcResponseError) and failure.code == _TOO_MANY_REQUESTS:
        return False
    return bool(_TOO_WIDE.search(failure.reason)) and not _SLOW_DOWN.search(failure.reason)


def is_too_many_values(failure: Failure) -> bool:
    """Whether fewer addresses or topics in one filter might be answered."""
    return bool(_VALUES.search(failure.reason))


def is_batch_too_long(failure: Failure) -> bool:
    """Whether fewer calls in one request might be answered."""
    return bool(_BATCH.search(failure.reason))


def allowed_blocks(reason: str, first: int, asked: int) -> int | None:
    """How many blocks from `first` on the node says it would answer; None if none, or as many as `asked`."""
    for low, high in _BLOCKS_NAMED.findall(reason):
        if int(low, 16) == first and first <= int(high, 16) < first + asked - 1:
            return int(high, 16) - first + 1
    for digits, thousands, unit in _NUMBER_OF_BLOCKS.findall(reason):
        number = int(re.sub(r"[,_]", "", digits)) * (1_000 if thousands else 1)
        if 0 < number < asked and not unit.lower().startswith(_NOT_BLOCKS):
            return number
    return None
