"""Blocks, logs, and the place of everything in the chain as one number.

A *position* orders all that happens on a chain: `block << 32 | log_index << 8 | seq`, where `seq` counts the
entries that one log causes. It fits a signed 64-bit column (2**31 blocks, 2**24 logs a block, 2**8 entries a
log), sorts as the chain does, and makes "as of block N" a single comparison: `position < first_after(N)`.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Block", "Log", "first_after", "pack_position"]

_BLOCK_SHIFT = 32
_LOG_SHIFT = 8


class Block(NamedTuple):
    """A block's header, as far as the index needs it. Hashes are 0x and 64 lower-case digits."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    """Unix seconds."""
    receipts_root: str = ""
    """Of the receipts' trie; empty where the header was not checked."""


class Log(NamedTuple):
    """One event log as the node gives it; addresses and hashes in lower case."""

    block_number: int
    block_hash: str
    log_index: int
    """Its number within the block."""
    tx_hash: str
    address: str
    topics: tuple[str, ...]
    data: str
    """0x and hexadecimal digits."""

    @property
    def position(self) -> int:
        """Where in the chain the log stands."""
        return self.block_number << _BLOCK_SHIFT | self.log_index << _LOG_SHIFT


def pack_position(block: int, log_index: int, seq: int = 0) -> int:
    """The position of entry `seq` of log `log_index` of `block`."""
    return block << _BLOCK_SHIFT | log_index << _LOG_SHIFT | seq


def first_after(block: int) -> int:
    """The first position that is later than everything in `block`."""
    return (block + 1) << _BLOCK_SHIFT
