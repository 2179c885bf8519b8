"""One moment of a database, and the stamp of what is answered out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, cast

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.answering.stamp import LevelWord, Stamp
from indexer.blocks import Block
from indexer.database import Database
from indexer.models import ProofRow, TroubleRow, VerificationRow, table_of
from indexer.proof import ranges
from indexer.reading import Reading, read_block

__all__ = ["Moment", "has_passed", "moment", "stamp_at"]


class Moment(NamedTuple):
    """One moment of a database: its connection, and what it says as of a block."""

    connection: AsyncConnection
    block: Block
    reading: Reading


@asynccontextmanager
async def moment(database: Database, at_block: int | None = None) -> AsyncIterator[Moment]:
    """A database as of a block; nothing changes under it."""
    async with database.snapshot() as connection:
        block = await read_block(connection, database, at_block)
        yield Moment(connection, block, Reading(connection, block))


async def stamp_at(connection: AsyncConnection, block: Block) -> Stamp:
    """The stamp of what is answered as of a block."""
    standing = await ranges.level_at(connection, block.number)
    return {
        "block": block.number,
        "block_hash": block.hash,
        "level": cast("LevelWord", standing.level.word),
        "verified": standing.verified,
    }


async def has_passed(connection: AsyncConnection, block: Block) -> bool:
    """Whether `verify` found everything right at a block, and nothing has come into doubt since."""
    table, proof, trouble = table_of(VerificationRow), table_of(ProofRow), table_of(TroubleRow)
    query = select(table.c.ok).where(table.c.block_number == block.number, table.c.block_hash == block.hash)
    if not await connection.scalar(query):
        return False
    failed = await connection.scalar(select(func.count()).select_from(proof).where(proof.c.failed))
    return not (failed or await connection.scalar(select(func.count()).select_from(trouble)))
