"""Which blocks are proven how far. The rows of `proof` are disjoint and cover every indexed block once.

State is a sum over all blocks, so an answer is as well proven as the worst block up to it. `verified` says
that every block up to it is complete, and that nothing is open.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.blocks import Block
from indexer.models import BlockRow, CursorRow, ProofRow, TroubleRow, table_of
from indexer.proof.levels import Level
from indexer.steps import Head

__all__ = [
    "ProofRange",
    "Standing",
    "append",
    "cut",
    "first_at",
    "first_failed",
    "head_of",
    "level_at",
    "proven_to",
    "ranges_between",
    "set_level",
]


class Standing(NamedTuple):
    """How far what is said as of a block is proven."""

    level: Level
    verified: bool


class ProofRange(NamedTuple):
    """Blocks `first` to `last`. `what` says what failed, if `failed`."""

    first: int
    last: int
    level: Level
    failed: bool
    what: str
    endpoint: str


async def append(
    connection: AsyncConnection,
    first: int,
    last: int,
    level: Level,
    endpoint: str,
    *,
    quiet: Collection[int] = (),
) -> None:
    """Says of new blocks, after all others, how far they are proven.

    Of linked blocks the `quiet` ones, whose blooms rule out any log of ours, are complete as they are.
    """
    new = _runs(first, last, level, endpoint, frozenset(quiet) if level is Level.LINKED else frozenset())
    table = table_of(ProofRow)
    same = (
        table.c.last_block == first - 1,
        table.c.level == int(new[0].level),
        table.c.endpoint == endpoint,
        ~table.c.failed,
    )
    longer = update(table).where(*same).values(last_block=new[0].last)
    if (await connection.execute(longer)).rowcount:
        del new[0]
    if new:
        await connection.execute(insert(table), [_row(one) for one in new])


def _runs(first: int, last: int, level: Level, endpoint: str, quiet: Collection[int]) -> list[ProofRange]:
    """The ranges of new blocks: one, unless some of them are quiet."""
    runs: list[ProofRange] = []
    for number in range(first, last + 1) if quiet else ():
        known = Level.COMPLETE if number in quiet else level
        if runs and runs[-1].level is known:
            runs[-1] = runs[-1]._replace(last=number)
        else:
            runs.append(ProofRange(number, number, known, failed=False, what="", endpoint=endpoint))
    return runs or [ProofRange(first, last, level, failed=False, what="", endpoint=endpoint)]


async def cut(connection: AsyncConnection, to_block: int) -> None:
    """Forgets what was said of later blocks."""
    table = table_of(ProofRow)
    await connection.execute(delete(table).where(table.c.first_block > to_block))
    shorter = update(table).where(table.c.last_block > to_block).values(last_block=to_block)
    await connection.execute(shorter)


async def set_level(
    connection: AsyncConnection, first: int, last: int, level: Level, *, failed: bool = False, what: str = ""
) -> None:
    """Says anew how far blocks that are there are proven; what is beside them stays as it was."""
    found = await ranges_between(connection, first - 1, last + 1)
    new: list[ProofRange] = []
    for one in found:
        if one.first < first:
            new.append(one._replace(last=min(one.last, first - 1)))
        if one.first <= last and one.last >= first:
            new.append(_part(one, first, last, level, failed=failed, what=what))
        if one.last > last:
            new.append(one._replace(first=max(one.first, last + 1)))
    if new != found:
        await _replace(connection, found, _merged(new))


async def ranges_between(connection: AsyncConnection, first: int, last: int) -> list[ProofRange]:
    """The ranges that have a block in common with `first` to `last`, whole, in order."""
    table = table_of(ProofRow)
    query = _ranges().where(table.c.last_block >= first, table.c.first_block <= last)
    rows = await connection.execute(query.order_by(table.c.first_block))
    return [_range(row) for row in rows]


async def first_at(connection: AsyncConnection, level: Level) -> ProofRange | None:
    """The first range that is proven just so far and has not failed."""
    table = table_of(ProofRow)
    query = _ranges().where(table.c.level == int(level), ~table.c.failed)
    row = (await connection.execute(query.order_by(table.c.first_block).limit(1))).first()
    return None if row is None else _range(row)


async def first_failed(connection: AsyncConnection) -> ProofRange | None:
    """The first range that has failed."""
    table = table_of(ProofRow)
    query = _ranges().where(table.c.failed).order_by(table.c.first_block).limit(1)
    row = (await connection.execute(query)).first()
    return None if row is None else _range(row)


async def head_of(connection: AsyncConnection) -> Head:
    """The chain's head as the runner saw it last."""
    table = table_of(CursorRow)
    columns = (table.c.head, table.c.head_hash, table.c.safe, table.c.finalized)
    number, digest, safe, finalized = (await connection.execute(select(*columns))).one()
    return Head(Block(number, digest, "", 0), safe, finalized)


async def proven_to(connection: AsyncConnection, level: Level) -> int | None:
    """The last block up to which all are proven so far at least; None if not even the first is."""
    proof, block = table_of(ProofRow), table_of(BlockRow)
    first, last = (await connection.execute(select(func.min(block.c.number), func.max(block.c.number)))).one()
    lacking = await connection.scalar(select(func.min(proof.c.first_block)).where(proof.c.level < int(level)))
    until = last if lacking is None else lacking - 1
    return until if last is not None and until >= first else None


async def level_at(connection: AsyncConnection, block: int) -> Standing:
    """How far everything up to a block is proven."""
    proof, trouble = table_of(ProofRow), table_of(TroubleRow)
    least = select(func.min(proof.c.level)).where(proof.c.first_block <= block)
    lowest = await connection.scalar(least)
    failed = select(func.count()).select_from(proof).where(proof.c.failed)
    is_open = await connection.scalar(failed) or await connection.scalar(
        select(func.count()).select_from(trouble)
    )
    level = Level(lowest or 0)
    return Standing(level, level >= Level.COMPLETE and not is_open)


def _merged(found: list[ProofRange]) -> list[ProofRange]:
    """One range of neighbours that say the same."""
    merged: list[ProofRange] = []
    for one in found:
        if merged and merged[-1]._replace(first=one.first, last=one.last) == one:
            merged[-1] = merged[-1]._replace(last=one.last)
        else:
            merged.append(one)
    return merged


async def _replace(connection: AsyncConnection, old: list[ProofRange], new: list[ProofRange]) -> None:
    """Puts other rows in the place of neighbours."""
    table = table_of(ProofRow)
    gone = table.c.first_block.between(old[0].first, old[-1].first)
    await connection.execute(delete(table).where(gone))
    await connection.execute(insert(table), [_row(one) for one in new])


def _part(one: ProofRange, first: int, last: int, level: Level, *, failed: bool, what: str) -> ProofRange:
    return ProofRange(max(one.first, first), min(one.last, last), level, failed, what, one.endpoint)


def _ranges() -> Select[Any]:
    table = table_of(ProofRow)
    return select(
        table.c.first_block,
        table.c.last_block,
        table.c.level,
        table.c.failed,
        table.c.what,
        table.c.endpoint,
    )


def _range(row: Any) -> ProofRange:
    first, last, level, failed, what, endpoint = row
    return ProofRange(first, last, Level(level), bool(failed), what, endpoint)


def _row(one: ProofRange) -> dict[str, object]:
    return {
        "first_block": one.first,
        "last_block": one.last,
        "level": int(one.level),
        "failed": one.failed,
        "what": one.what,
        "endpoint": one.endpoint,
        "checked_at": int(time.time()),
    }
