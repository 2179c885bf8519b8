"""The answers out of an index, as of its last block or any before.

    async with open_database("index.db") as database:
        rows = await epochs(database, "BTC")

Each question reads one consistent moment of the database. All raise FutureBlockError, BlockTooOldError or a
StoreError; nothing here asks the chain.
"""

from __future__ import annotations

from sqlalchemy import func, select

from chain_kit.units import checksum_address, iso_utc
from indexer.accounts import (
    CLAIMED,
    COLLATERAL,
    ROOT,
    SIDES,
    Stake,
    quotes_asset,
    token_asset,
)
from indexer.accounts_race import RACE_COLLATERAL
from indexer.answering.candles import CandleAnswer, candles
from indexer.answering.moments import has_passed, moment, stamp_at
from indexer.answering.mrt import MrtAnswer, MrtHolderAnswer, mrt, mrt_holders
from indexer.answering.payouts import PayoutsAnswer, payouts
from indexer.answering.races import (
    RaceAnswer,
    RaceEpochAnswer,
    RacePositionAnswer,
    race,
    race_positions,
    races,
)
from indexer.answering.stamp import Stamp
from indexer.answering.status import MarketStatusAnswer, market_status
from indexer.answering.trades import TradeAnswer, trades
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
from indexer.database import Database, open_database
from indexer.models import CursorRow, EventRow, VerificationRow, table_of
from indexer.reading import HOUSE_ACCOUNTS, QUOTE_ACCOUNTS, part_of
from indexer.state import EPOCH_SECONDS, State
from indexer.stored_events import unknown_kinds

__all__ = [
    "CandleAnswer",
    "Database",
    "EpochAnswer",
    "MarketAnswer",
    "MarketStatusAnswer",
    "MrtAnswer",
    "MrtHolderAnswer",
    "PayoutsAnswer",
    "PositionAnswer",
    "RaceAnswer",
    "RaceEpochAnswer",
    "RacePositionAnswer",
    "ReserveAnswer",
    "Stamp",
    "StatusAnswer",
    "TradeAnswer",
    "candles",
    "epochs",
    "market_status",
    "markets",
    "mrt",
    "mrt_holders",
    "open_database",
    "payouts",
    "positions",
    "race",
    "race_positions",
    "races",
    "reserve",
    "status",
    "trades",
]


_FEW_EPOCHS = 1_000


class StatusAnswer(Stamp):
    """How far the index is, and how far the chain was when it last looked."""

    chain_id: int
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


async def epochs(
    database: Database,
    market: str,
    *,
    at_block: int | None = None,
    first: int = 1,
    last: int | None = None,
    limit: int | None = None,
) -> list[EpochAnswer]:
    """The epochs of a market (its symbol or address): to the one that runs, and later ones with shares.

    `first` and `last` narrow them, both included. With `limit` they are the newest of those up to the one
    that runs, and only these are read. Raises UnknownMarketError or BadAddressError.
    """
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        found = find_market((await reading.markets()).values(), market)
        current = found.epoch_at(block.timestamp)
        near = _asked_for(current, first, last, limit)
        stakes = [Stake(found.market_id, epoch, side) for epoch in near or () for side in SIDES]
        if near is None:
            sums = await reading.sums(HOUSE_ACCOUNTS, [f"shares:{found.market_id}:"])
        else:
            sums = await reading.sums_of(HOUSE_ACCOUNTS, [stake.shares for stake in stakes])
        known = epochs_to_show(State(database.deployment, block, sums=sums), found, near)
        shown = [epoch for epoch in known if epoch >= first and (last is None or epoch <= last)]
        if not shown:
            return []
        start, end = found.start_of(shown[0]), found.start_of(shown[-1]) + EPOCH_SECONDS
        boundaries = await reading.boundaries(found.feed, start, end)
        deadlines = await reading.deadlines()
    state = State(database.deployment, block, {}, deadlines, boundaries, sums)
    return [{**epoch_answer(state, found, epoch), **stamp} for epoch in shown]


async def positions(
    database: Database,
    address: str,
    *,
    market: str | None = None,
    epoch: int | None = None,
    at_block: int | None = None,
) -> list[PositionAnswer]:
    """What an account holds or once held, by market and epoch; of one market or one epoch, if asked.

    Raises BadAddressError or UnknownMarketError.
    """
    account = checksum_address(address)
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        markets = await reading.markets()
        only = "" if market is None else f"{find_market(markets.values(), market).market_id}:"
        sums = await reading.sums([account], [kind + only for kind in ("shares:", "cost:", "realized:")])
        parts = sorted({part_of(key.asset) for key in sums})
        # Before the logs are proven, a market's creation may be missing.
        parts = [part for part in parts if part[0] in markets and epoch in (None, part[1])]
        stakes = [Stake(one, number, side) for one, number in parts for side in SIDES]
        sums |= await reading.sums_of(HOUSE_ACCOUNTS, [stake.shares for stake in stakes])
        sums |= await reading.sums_of(QUOTE_ACCOUNTS, [quotes_asset(*part) for part in parts])
        starts = [(markets[one].feed, markets[one].start_of(number)) for one, number in parts]
        ends = [(feed, start + EPOCH_SECONDS) for feed, start in starts]
        boundaries = await reading.boundaries_at(starts + ends)
        deadlines = await reading.deadlines()
    state = State(database.deployment, block, markets, deadlines, boundaries, sums)
    return [{**position_answer(state, markets[one], number, account), **stamp} for one, number in parts]


async def reserve(database: Database, *, at_block: int | None = None) -> ReserveAnswer:
    """What the hub and the vault hold and owe, and the race market if there is one."""
    deployment = database.deployment
    accounts = ["external", *deployment.holders, "active", "pending", "vault"]
    tokens = [token_asset(token) for token in deployment.token_addresses]
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        stamp["verified"] = stamp["verified"] or await has_passed(connection, block)
        sums = await reading.sums_of(accounts, [COLLATERAL, RACE_COLLATERAL, ROOT, CLAIMED, *tokens])
    return {**reserve_answer(State(deployment, block, sums=sums)), **stamp}


async def markets(database: Database, *, at_block: int | None = None) -> list[MarketAnswer]:
    """All markets of the hub, in the order of their creation."""
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        found = await reading.markets()
    state = State(database.deployment, block, found)
    return [{**market_answer(state, found[market_id]), **stamp} for market_id in sorted(found)]


async def status(database: Database) -> StatusAnswer:
    """How far the index is."""
    event, verified = table_of(EventRow), table_of(VerificationRow)
    async with moment(database) as (connection, block, _):
        stamp = await stamp_at(connection, block)
        cursor = (await connection.execute(select(table_of(CursorRow)))).one()
        events = await connection.scalar(select(func.count()).select_from(event))
        unknown = await connection.scalar(
            select(func.count()).select_from(event).where(event.c.kind.in_(unknown_kinds()))
        )
        proven = await connection.scalar(select(func.max(verified.c.block_number)).where(verified.c.ok))
    return {
        "chain_id": database.deployment.chain_id,
        "at": iso_utc(block.timestamp),
        "head": cursor.head,
        "behind": max(cursor.head - block.number, 0),
        "safe": cursor.safe,
        "finalized": cursor.finalized,
        "events": events or 0,
        "unknown_events": unknown or 0,
        "verified_block": proven,
        **stamp,
    }


def _asked_for(current: int, first: int, last: int | None, limit: int | None) -> range | None:
    """The epochs to look at, if they are few enough to be looked at one by one; None for all there are."""
    if limit is not None:
        newest = current if last is None else min(last, current)
        return range(max(first, newest - limit + 1, 1), newest + 1)
    if last is None or last - first >= _FEW_EPOCHS:
        return None
    return range(max(first, 1), last + 1)
