"""What a source says and a store takes: the chain went forward, or back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from indexer.blocks import Block, Log

__all__ = ["Forward", "Head", "Headers", "Step", "Undo"]


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
    logs: tuple[Log, ...]
    head: Head


@dataclass(frozen=True)
class Undo:
    """The blocks after `to_block` are no longer in the chain."""

    to_block: int
    head: Head


Step = Forward | Undo


class Headers(Protocol):
    """The headers that have been taken already: what a reorg is found by."""

    async def tip(self) -> Block | None:
        """The last one."""

    async def headers(self, first: int, last: int) -> list[Block]:
        """Those of the blocks `first` to `last` that there are, in order."""
