"""Whether the logs that are stored of a block are all that its receipts hold of ours, and no other.

The receipts are believed when they give the root in the block's header, which was checked by its hash. What
they say of our contracts must then be stored: at the same places, in the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from indexer.blocks import Block, Log
from indexer.deployment import LogFilter
from indexer.proof.receipts import Receipt, logs_of, receipts_root

__all__ = ["LogMatcher", "UnprovenError", "differences"]

_SHOWN = 20
_COMPARED = ("tx_hash", "address", "topics", "data")


class UnprovenError(Exception):
    """What was given as a block's receipts is not what its header says."""


class LogMatcher:
    """Tells the logs that a set of filters asks for."""

    def __init__(self, filters: Iterable[LogFilter]) -> None:
        self._filters = [
            (
                frozenset(address.lower() for address in one.addresses),
                [None if topic is None else frozenset(topic) for topic in one.topics],
            )
            for one in filters
        ]

    def matches(self, log: Log) -> bool:
        """Whether one of the filters does, as `eth_getLogs` would."""
        return any(log.address in addresses and _topics(log, topics) for addresses, topics in self._filters)


def _topics(log: Log, wanted: Sequence[frozenset[str] | None]) -> bool:
    if len(wanted) > len(log.topics):
        return False
    return all(some is None or topic in some for some, topic in zip(wanted, log.topics, strict=False))


def differences(block: Block, receipts: Any, stored: Sequence[Log], matcher: LogMatcher) -> list[str]:
    """What of a block's stored logs is not as its receipts say; nothing if all is.

    Raises UnprovenError if these are not the receipts that the header names.
    """
    expected = [log for log in _logs(block, receipts) if matcher.matches(log)]
    there, wanted = ({log.log_index: log for log in logs} for logs in (stored, expected))
    found = []
    for index in sorted(there.keys() | wanted.keys()):
        what = f"block {block.number} log {index}"
        if index not in wanted:
            found.append(f"{what} is stored, and is none of ours in the chain")
        elif index not in there:
            found.append(f"{what} is missing")
        else:
            found += [
                f"{what} {name} is {getattr(there[index], name)}, in the chain {getattr(wanted[index], name)}"
                for name in _COMPARED
                if getattr(there[index], name) != getattr(wanted[index], name)
            ]
    if len(there) != len(stored):
        found.append(f"block {block.number} has a log twice")
    return found[:_SHOWN]


def _logs(block: Block, receipts: Any) -> list[Log]:
    if not isinstance(receipts, list):
        raise UnprovenError(f"there are no receipts of block {block.number}")
    given: list[Receipt] = receipts
    try:
        root = receipts_root(given)
        logs = logs_of(given, block.number, block.hash)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnprovenError(f"the receipts of block {block.number} are malformed: {error!r}") from None
    if root != block.receipts_root:
        raise UnprovenError(
            f"the receipts of block {block.number} give the root {root}, its header has {block.receipts_root}"
        )
    return logs
