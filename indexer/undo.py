"""Taking blocks back: what they added is deleted. State needs no more, for it is the sum of what is left."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from indexer.accounts import Key
from indexer.blocks import first_after
from indexer.bulk import bulk_of
from indexer.models import (
    AccountRow,
    AssetRow,
    BlockRow,
    BoundaryRow,
    ChangeRow,
    DealRow,
    EventRow,
    FeedRow,
    HoldingRow,
    KindRow,
    MarketRow,
    RaceRow,
    VerificationRow,
    table_of,
)
from indexer.proof import ranges
from indexer.rows import holdings_in

__all__ = ["delete_after", "touched_between"]

_BY_POSITION: tuple[type[SQLModel], ...] = (EventRow, MarketRow, RaceRow, FeedRow, BoundaryRow, DealRow)
_NUMBERED: tuple[type[SQLModel], ...] = (HoldingRow, AccountRow, AssetRow, KindRow)
_BY_BLOCK: dict[type[SQLModel], str] = {
    ChangeRow: "block",
    BlockRow: "number",
    VerificationRow: "block_number",
}
_AT_A_TIME = 10_000


async def delete_after(connection: AsyncConnection, block: int) -> None:
    """Deletes what is of later blocks, however many they are."""
    holdings = sorted(await _changed(connection, block + 1, None))
    bulk = bulk_of(connection)
    for first in range(0, len(holdings), _AT_A_TIME):
        await bulk.delete_entries(holdings[first : first + _AT_A_TIME], block)
    for model in _BY_POSITION:
        table = table_of(model)
        await connection.execute(delete(table).where(table.c.position >= first_after(block)))
    for model in _NUMBERED:
        table = table_of(model)
        # Numbers grow with the chain: from the highest on, down to the last that stays.
        left = select(table.c.id).where(table.c.opened_at <= block).order_by(table.c.id.desc()).limit(1)
        last = await connection.scalar(left)
        await connection.execute(delete(table).where(table.c.id > (last or 0)))
    for model, column in _BY_BLOCK.items():
        table = table_of(model)
        await connection.execute(delete(table).where(table.c[column] > block))
    await ranges.cut(connection, block)


async def touched_between(connection: AsyncConnection, first: int, last: int) -> set[Key]:
    """The keys that have entries in the blocks `first` to `last`."""
    holding, account, asset = table_of(HoldingRow), table_of(AccountRow), table_of(AssetRow)
    names = (
        select(account.c.name, asset.c.name)
        .select_from(holding.join(account, account.c.id == holding.c.account_id))
        .join(asset, asset.c.id == holding.c.asset_id)
    )
    numbers = sorted(await _changed(connection, first, last))
    found: set[Key] = set()
    for start in range(0, len(numbers), _AT_A_TIME):
        query: Any = names.where(holding.c.id.in_(numbers[start : start + _AT_A_TIME]))
        found |= {Key(*row) for row in await connection.execute(query)}
    return found


async def _changed(connection: AsyncConnection, first: int, last: int | None) -> set[int]:
    """The numbers of the holdings that were changed from one block on, or to another."""
    table = table_of(ChangeRow)
    query = select(table.c.holdings).where(table.c.block >= first)
    if last is not None:
        query = query.where(table.c.block <= last)
    found: set[int] = set()
    for holdings in await connection.scalars(query):
        found.update(holdings_in(holdings))
    return found
