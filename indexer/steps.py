"""What a source says and a store takes: the chain went forward, or back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from indexer.blocks import Block, Log
from indexer.proof.levels import Level

__all__ = ["DEEP_REORG", "Forward", "Head", "Headers", "Step", "Undo"]

DEEP_REORG = "deep_reorg"


@dataclass(frozen=True)
class Head:
    """How far the chain is: its newest block, and the numbers of the safe and the finalized one."""

    block: Block
    safe: int
    finalized: int


@dataclass(frozen=True)
class Forward:
    """The next blocks, linked by their hashes, and all their logs of the deployment, in order."""

    blocks: tuple[Block, ...]
    logs: Sequence[Log]
    head: Head
    endpoint: str = ""
    """Who told of them, without credentials."""
    level: Level = Level.NONE
    """How far the source has proven them."""
    quiet: tuple[int, ...] = ()
    """The numbers of the blocks that are proven to hold no log of the deployment: their blooms say so."""


@dataclass(frozen=True)
class Undo:
    """The blocks after `to_block` are no longer in the chain.

    `reason` is "reorg", or DEEP_REORG if more was replaced than a chain should: what was final, or more
    blocks than the undo window has. Others may undo blocks for reasons of their own.
    """

    to_block: int
    head: Head
    reason: str = "reorg"


Step = Forward | Undo


class Headers(Protocol):
    """The headers that have been taken already: what a reorg is found by."""

    async def tip(self) -> Block | None:
        """The last one."""

    async def headers(self, first: int, last: int) -> list[Block]:
        """Those of the blocks `first` to `last` that there are, in order."""
