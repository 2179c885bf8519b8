"""Questions to contracts, and the subjects that they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from chain_kit.contracts import Contract
from indexer.accounts import Key

__all__ = ["Kind", "Question", "Questions", "Subject", "coverage"]

Subject = tuple[Any, ...]
"""What it is, and which one: ("balance", account), ("position", market id, epoch, account), …"""


class Question(NamedTuple):
    """What to ask a contract, and what the state says that it will answer."""

    what: str
    contract: Contract
    function: str
    arguments: tuple[Any, ...]
    expected: tuple[Any, ...]
    read: Callable[[bytes], tuple[Any, ...]] | None = None
    """How to read the answer, where not by the ABI."""


Questions = Iterable[Question]


class Kind(NamedTuple):
    """A kind of subject: which sums it rests on, and what to ask about it."""

    keys: Callable[..., list[Key]]
    """From the deployment and which subject it is."""
    questions: Callable[..., Questions]
    """From a state that has those sums, and which subject it is."""


def coverage(held: int, owed: int) -> int:
    """What a contract says of its reserve: held over owed (1e18), or the most there is if nothing is owed."""
    return held * 10**18 // owed if owed else 2**256 - 1
