"""What keeps the index from being believed: a row for each kind of it, for as long as it lasts."""

from __future__ import annotations

import time
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.models import TroubleRow, table_of

__all__ = ["DIFFERENCE", "UNPROVEN", "Trouble", "clear_trouble", "raise_trouble", "troubles"]

DIFFERENCE = "difference"
"""Something that is stored is not what the chain says."""
UNPROVEN = "unproven"
"""No endpoint gives the receipts that a header says there are."""


class Trouble(NamedTuple):
    """`since` in Unix seconds; `block` is where it is, or where it was noticed."""

    kind: str
    since: int
    block: int
    what: str


async def raise_trouble(connection: AsyncConnection, kind: str, block: int, what: str) -> None:
    """Notes it; where there is such trouble already, it keeps its beginning."""
    table = table_of(TroubleRow)
    known = update(table).where(table.c.kind == kind).values(block=block, what=what)
    if (await connection.execute(known)).rowcount == 0:
        row = {"kind": kind, "since": int(time.time()), "block": block, "what": what}
        await connection.execute(insert(table), [row])


async def clear_trouble(connection: AsyncConnection, kind: str) -> None:
    """It is over."""
    table = table_of(TroubleRow)
    await connection.execute(delete(table).where(table.c.kind == kind))


async def troubles(connection: AsyncConnection) -> list[Trouble]:
    """All that there is, by kind."""
    table = table_of(TroubleRow)
    columns = (table.c.kind, table.c.since, table.c.block, table.c.what)
    return [Trouble(*row) for row in await connection.execute(select(*columns).order_by(table.c.kind))]
