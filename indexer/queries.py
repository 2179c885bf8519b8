"""The answers out of an index, as of its last block or any before.

    async with open_database("index.db") as database:
        rows = await epochs(database, "BTC")

Each question reads one consistent moment of the database. All raise FutureBlockError, BlockTooOldError or a
StoreError; nothing here asks the chain.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, TypedDict

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain_kit.units import checksum_address, iso_utc
from indexer.accounts import CLAIMED, COLLATERAL, ROOT, SIDES, Stake, quotes_asset, token_asset
from indexer.answers import (
    EpochAnswer,
    MarketAnswer,
    PositionAnswer,
    ReserveAnswer,
    epoch_answer,
    epochs_to_show,
    find_market,
    market_answer,
    position_answer,
    reserve_answer,
)
from indexer.blocks import Block
from indexer.database import Database, open_database
from indexer.models import CursorRow, EventRow, VerificationRow, table_of
from indexer.reading import Reading, read_block
from indexer.state import EPOCH_SECONDS, State

__all__ = [
    "Database",
    "EpochAnswer",
    "MarketAnswer",
    "PositionAnswer",
    "ReserveAnswer",
    "StatusAnswer",
    "epochs",
    "markets",
    "open_database",
    "positions",
    "reserve",
    "status",
]

HOUSE_ACCOUNTS = ("issued", "house", "house-settled")
QUOTE_ACCOUNTS = ("opened", "retired:YES", "retired:NO", "step")


class StatusAnswer(TypedDict):
    """How far the index is, and how far the chain was when it last looked."""

    chain_id: int
    block: int
    block_hash: str
    at: str
    head: int
    behind: int
    safe: int
    finalized: int
    events: int
    unknown_events: int
    """Logs of our contracts that no ABI file knows."""
    verified_block: int | None
    """The last block that was compared with the chain and found right."""


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


async def epochs(
    database: Database,
    market: str,
    *,
    at_block: int | None = None,
    first: int = 1,
    last: int | None = None,
) -> list[EpochAnswer]:
    """The epochs of a market (its symbol or address): to the one that runs, and later ones with shares.

    `first` and `last` narrow them, both included. Raises UnknownMarketError or BadAddressError.
    """
    async with moment(database, at_block) as (_, block, reading):
        found = find_market((await reading.markets()).values(), market)
        sums = await reading.sums(HOUSE_ACCOUNTS, [f"shares:{found.market_id}:"])
        state = State(database.deployment, block, sums=sums)
        shown = [e for e in epochs_to_show(state, found) if e >= first and (last is None or e <= last)]
        if not shown:
            return []
        start, end = found.start_of(shown[0]), found.start_of(shown[-1]) + EPOCH_SECONDS
        boundaries = await reading.boundaries(found.feed, start, end)
        deadlines = await reading.deadlines()
    state = State(database.deployment, block, {}, deadlines, boundaries, sums)
    return [epoch_answer(state, found, epoch) for epoch in shown]


async def positions(database: Database, address: str, *, at_block: int | None = None) -> list[PositionAnswer]:
    """What an account holds or once held, by market and epoch. Raises BadAddressError."""
    account = checksum_address(address)
    async with moment(database, at_block) as (_, block, reading):
        markets = await reading.markets()
        sums = await reading.sums([account], ["shares:", "cost:", "realized:"])
        parts = sorted({part_of(key.asset) for key in sums})
        stakes = [Stake(market_id, epoch, side) for market_id, epoch in parts for side in SIDES]
        sums |= await reading.sums_of(HOUSE_ACCOUNTS, [stake.shares for stake in stakes])
        sums |= await reading.sums_of(QUOTE_ACCOUNTS, [quotes_asset(*part) for part in parts])
        starts = [(markets[number].feed, markets[number].start_of(epoch)) for number, epoch in parts]
        ends = [(feed, start + EPOCH_SECONDS) for feed, start in starts]
        boundaries = await reading.boundaries_at(starts + ends)
        deadlines = await reading.deadlines()
    state = State(database.deployment, block, markets, deadlines, boundaries, sums)
    return [position_answer(state, markets[market_id], epoch, account) for market_id, epoch in parts]


async def reserve(database: Database, *, at_block: int | None = None) -> ReserveAnswer:
    """What the hub and the vault hold and owe."""
    deployment = database.deployment
    accounts = ["external", deployment.hub, deployment.vault, "active", "pending", "vault"]
    tokens = [token_asset(token) for token in deployment.token_addresses]
    async with moment(database, at_block) as (connection, block, reading):
        sums = await reading.sums_of(accounts, [COLLATERAL, ROOT, CLAIMED, *tokens])
        verified = await _is_verified(connection, block)
    return reserve_answer(State(deployment, block, sums=sums), verified=verified)


async def markets(database: Database, *, at_block: int | None = None) -> list[MarketAnswer]:
    """All markets of the hub, in the order of their creation."""
    async with moment(database, at_block) as (_, block, reading):
        found = await reading.markets()
    state = State(database.deployment, block, found)
    return [market_answer(state, found[market_id]) for market_id in sorted(found)]


async def status(database: Database) -> StatusAnswer:
    """How far the index is."""
    event, verified = table_of(EventRow), table_of(VerificationRow)
    async with moment(database) as (connection, block, _):
        cursor = (await connection.execute(select(table_of(CursorRow)))).one()
        events = await connection.scalar(select(func.count()).select_from(event))
        unknown = await connection.scalar(
            select(func.count()).select_from(event).where(event.c.name.is_(None))
        )
        proven = await connection.scalar(select(func.max(verified.c.block_number)).where(verified.c.ok))
    return {
        "chain_id": database.deployment.chain_id,
        "block": block.number,
        "block_hash": block.hash,
        "at": iso_utc(block.timestamp),
        "head": cursor.head,
        "behind": max(cursor.head - block.number, 0),
        "safe": cursor.safe,
        "finalized": cursor.finalized,
        "events": events or 0,
        "unknown_events": unknown or 0,
        "verified_block": proven,
    }


def part_of(asset: str) -> tuple[int, int]:
    """Market and epoch of an asset such as "cost:1:42:YES"."""
    _, market_id, epoch = asset.split(":")[:3]
    return int(market_id), int(epoch)


async def _is_verified(connection: AsyncConnection, block: Block) -> bool:
    table = table_of(VerificationRow)
    query = select(table.c.ok).where(table.c.block_number == block.number, table.c.block_hash == block.hash)
    return bool(await connection.scalar(query))
