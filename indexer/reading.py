"""Parts of a state out of a database, as of one of its blocks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain_kit.errors import BlockTooOldError, FutureBlockError, StoreMissingError
from indexer.accounts import Key
from indexer.blocks import Block, first_after
from indexer.database import Database
from indexer.models import BlockRow, BoundaryRow, FeedRow, MarketRow, RaceRow, table_of
from indexer.race_state import Race
from indexer.state import Market
from indexer.sums import sums_in, sums_under

__all__ = ["HOUSE_ACCOUNTS", "QUOTE_ACCOUNTS", "Reading", "part_of", "read_block"]

HOUSE_ACCOUNTS = ("issued", "house", "house-settled")
QUOTE_ACCOUNTS = ("opened", "retired:YES", "retired:NO", "step")
_LAST_INSTANT = (1 << 63) - 1
_PER_QUERY = 500


def part_of(asset: str) -> tuple[int, int]:
    """Market and epoch of an asset such as "cost:1:42:YES"."""
    _, market_id, epoch = asset.split(":")[:3]
    return int(market_id), int(epoch)


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
        self.block = block
        self._connection = connection
        self._limit = first_after(block.number)

    async def markets(self) -> dict[int, Market]:
        """All markets, by id."""
        table = table_of(MarketRow)
        columns = [table.c[name] for name in Market._fields]
        rows = await self._connection.execute(select(*columns).where(table.c.position < self._limit))
        return {row.market_id: Market(*row) for row in rows}

    async def races(self) -> dict[int, Race]:
        """All races, by id, in the order of their creation."""
        table = table_of(RaceRow)
        columns = [table.c[name] for name in Race._fields]
        query = select(*columns).where(table.c.position < self._limit).order_by(table.c.position)
        rows = await self._connection.execute(query)
        races = (Race(*row) for row in rows)
        return {race.race_id: race._replace(feeds=tuple(str(race.feeds).split())) for race in races}

    async def timestamps(self, numbers: Iterable[int]) -> dict[int, int]:
        """Blocks, by their numbers -> when they were mined, in Unix seconds."""
        table = table_of(BlockRow)
        wanted = sorted(set(numbers))
        found: dict[int, int] = {}
        for start in range(0, len(wanted), _PER_QUERY):
            part = wanted[start : start + _PER_QUERY]
            query = select(table.c.number, table.c.timestamp).where(table.c.number.in_(part))
            found |= {row.number: row.timestamp for row in await self._connection.execute(query)}
        return found

    async def block_from(self, instant: int) -> int:
        """The number of the first block that was mined at an instant (Unix seconds) or later.

        One more than the last block's where there is none yet.
        """
        number, timestamp = table_of(BlockRow).c.number, table_of(BlockRow).c.timestamp
        first = select(number, timestamp).order_by(number).limit(1)
        low, low_at = (await self._connection.execute(first)).one()
        high, high_at = self.block.number, self.block.timestamp
        if instant <= low_at or instant > high_at:
            return int(low) if instant <= low_at else high + 1
        halve = False
        # Times never fall from block to block, and mostly rise evenly: a guess is better than the middle.
        while high - low > 1:
            guess = low + (high - low) * (instant - low_at) // (high_at - low_at)
            middle = (low + high) // 2 if halve else min(max(guess, low + 1), high - 1)
            halve = not halve
            mined_at = (
                await self._connection.execute(select(timestamp).where(number == middle))
            ).scalar_one()
            if mined_at < instant:
                low, low_at = middle, mined_at
            else:
                high, high_at = middle, mined_at
        return high

    async def newest_price(self, feed: str) -> int | None:
        """The price (1e18) of a feed's latest boundary that has one."""
        table = table_of(BoundaryRow)
        query = (
            select(table.c.price_e18)
            .where(table.c.feed == feed, table.c.position < self._limit, table.c.price_e18.is_not(None))
            .order_by(table.c.boundary.desc())
            .limit(1)
        )
        price: int | None = await self._connection.scalar(query)
        return price

    async def deadlines(self) -> dict[str, int]:
        """Feed -> its deadline in seconds."""
        table = table_of(FeedRow)
        query = select(table.c.feed, table.c.deadline).where(table.c.position < self._limit)
        return {row.feed: row.deadline for row in await self._connection.execute(query)}

    async def boundaries(self, feed: str, first: int, last: int) -> dict[tuple[str, int], int | None]:
        """Prices (1e18) and void stamps of a feed between two instants."""
        table = table_of(BoundaryRow)
        first, last = min(first, _LAST_INSTANT), min(last, _LAST_INSTANT)
        query = self._boundaries().where(table.c.feed == feed, table.c.boundary.between(first, last))
        return {(row.feed, row.boundary): row.price_e18 for row in await self._connection.execute(query)}

    async def boundaries_at(self, ends: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int | None]:
        """Prices and void stamps of just these (feed, instant)s."""
        table = table_of(BoundaryRow)
        found: dict[tuple[str, int], int | None] = {}
        # What a false log may say is later than any instant that can be stored.
        wanted = sorted(end for end in set(ends) if end[1] <= _LAST_INSTANT)
        for start in range(0, len(wanted), _PER_QUERY):
            part = wanted[start : start + _PER_QUERY]
            clauses = [and_(table.c.feed == feed, table.c.boundary == instant) for feed, instant in part]
            for row in await self._connection.execute(self._boundaries().where(or_(*clauses))):
                found[row.feed, row.boundary] = row.price_e18
        return found

    async def sums(self, accounts: Iterable[str], prefixes: Iterable[str]) -> dict[Key, int]:
        """The sums of some accounts in all assets whose names begin with one of `prefixes`."""
        return await sums_under(self._connection, self.block.number, accounts, prefixes)

    async def sums_of(self, accounts: Iterable[str] | None, assets: Iterable[str]) -> dict[Key, int]:
        """The sums of some accounts, or of all, in just these assets."""
        return await sums_in(self._connection, self.block.number, accounts, assets)

    def _boundaries(self) -> Any:
        table = table_of(BoundaryRow)
        return select(table.c.feed, table.c.boundary, table.c.price_e18).where(table.c.position < self._limit)
