"""The stamp that every answer carries: of which block it is, and how far it is proven."""

from __future__ import annotations

from typing import Literal, TypedDict

__all__ = ["LevelWord", "Stamp"]

LevelWord = Literal["none", "linked", "complete", "reconciled"]


class Stamp(TypedDict):
    """The block that an answer is of, and how far all blocks up to it are proven.

    `verified` says that all their logs are complete and that nothing is in doubt.
    """

    block: int
    block_hash: str
    level: LevelWord
    verified: bool
