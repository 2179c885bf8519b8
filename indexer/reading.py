"""Parts of a state out of a database, as of one of its blocks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain_kit.errors import BlockTooOldError, FutureBlockError, StoreMissingError
from indexer.accounts import Key
from indexer.blocks import Block, first_after
from indexer.database import Database
from indexer.models import BlockRow, BoundaryRow, EntryRow, FeedRow, HoldingRow, MarketRow, table_of
from indexer.state import Market

__all__ = ["Reading", "read_block"]

_PER_QUERY = 500


async def read_block(connection: AsyncConnection, database: Database, at_block: int | None) -> Block:
    """The block to answer as of: the last one that is indexed, or block `at_block`.

    Raises FutureBlockError, BlockTooOldError, or StoreMissingError if nothing is indexed yet.
    """
    table = table_of(BlockRow)
    newest = (await connection.execute(select(table).order_by(table.c.number.desc()).limit(1))).first()
    if newest is None:
        raise StoreMissingError(f"the index {database.name} holds no block yet")
    if at_block is None or at_block == newest.number:
        return Block(*newest)
    if at_block > newest.number:
        raise FutureBlockError(at_block, newest.number)
    if at_block < database.deployment.first_block:
        raise BlockTooOldError(at_block, database.deployment.first_block)
    return Block(*(await connection.execute(select(table).where(table.c.number == at_block))).one())


class Reading:
    """Reads what the database says as of a block."""

    def __init__(self, connection: AsyncConnection, block: Block) -> None:
        self._connection = connection
        self._limit = first_after(block.number)

    async def markets(self) -> dict[int, Market]:
        """All markets, by id."""
        table = table_of(MarketRow)
        columns = [table.c[name] for name in Market._fields]
        rows = await self._connection.execute(select(*columns).where(table.c.position < self._limit))
        return {row.market_id: Market(*row) for row in rows}

    async def deadlines(self) -> dict[str, int]:
        """Feed -> its deadline in seconds."""
        table = table_of(FeedRow)
        query = select(table.c.feed, table.c.deadline).where(table.c.position < self._limit)
        return {row.feed: row.deadline for row in await self._connection.execute(query)}

    async def boundaries(self, feed: str, first: int, last: int) -> dict[tuple[str, int], int | None]:
        """Prices (1e18) and void stamps of a feed between two instants."""
        table = table_of(BoundaryRow)
        query = self._boundaries().where(table.c.feed == feed, table.c.boundary.between(first, last))
        return {(row.feed, row.boundary): row.price_e18 for row in await self._connection.execute(query)}

    async def boundaries_at(self, ends: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int | None]:
        """Prices and void stamps of just these (feed, instant)s."""
        table = table_of(BoundaryRow)
        found: dict[tuple[str, int], int | None] = {}
        wanted = sorted(set(ends))
        for start in range(0, len(wanted), _PER_QUERY):
            part = wanted[start : start + _PER_QUERY]
            clauses = [and_(table.c.feed == feed, table.c.boundary == instant) for feed, instant in part]
            for row in await self._connection.execute(self._boundaries().where(or_(*clauses))):
                found[row.feed, row.boundary] = row.price_e18
        return found

    async def sums(self, accounts: Iterable[str], prefixes: Iterable[str]) -> dict[Key, int]:
        """The sums of some accounts in all assets whose names begin with one of `prefixes`."""
        holding = table_of(HoldingRow).c
        return await self._sums(
            holding.account.in_(list(accounts)),
            # "~" is after all that an asset's name is made of.
            or_(*(and_(holding.asset >= prefix, holding.asset < prefix + "~") for prefix in prefixes)),
        )

    async def sums_of(self, accounts: Iterable[str] | None, assets: Iterable[str]) -> dict[Key, int]:
        """The sums of some accounts, or of all, in just these assets."""
        holding = table_of(HoldingRow).c
        found: dict[Key, int] = {}
        wanted = sorted(set(assets))
        for start in range(0, len(wanted), _PER_QUERY):
            clauses: list[ColumnElement[bool]] = [holding.asset.in_(wanted[start : start + _PER_QUERY])]
            if accounts is not None:
                clauses.append(holding.account.in_(list(accounts)))
            found |= await self._sums(*clauses)
        return found

    def _boundaries(self) -> Any:
        table = table_of(BoundaryRow)
        return select(table.c.feed, table.c.boundary, table.c.price_e18).where(table.c.position < self._limit)

    async def _sums(self, *clauses: ColumnElement[bool]) -> dict[Key, int]:
        holding, entry = table_of(HoldingRow), table_of(EntryRow)
        earlier = entry.alias("earlier")
        last = (
            select(func.max(earlier.c.position))
            .where(earlier.c.holding_id == holding.c.id, earlier.c.position < self._limit)
            .scalar_subquery()
        )
        query = (
            select(holding.c.account, holding.c.asset, entry.c.balance)
            .select_from(holding.join(entry, entry.c.position == last))
            .where(holding.c.opened_at < self._limit, *clauses)
        )
        rows = await self._connection.execute(query)
        return {Key(account, asset): balance for account, asset, balance in rows}
