"""How a market stands at an instant of the chain's clock."""

from __future__ import annotations

from typing import TypedDict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain_kit.units import format_units, iso_utc
from indexer import events as ev
from indexer.accounts import COLLATERAL, SIDES, Stake, budget_account, quotes_asset
from indexer.accounts_house import SWITCHES, daily_account, paused_account
from indexer.answering.moments import moment, stamp_at
from indexer.answering.stamp import Stamp
from indexer.answers import find_market, price_text
from indexer.blocks import first_after, pack_position
from indexer.database import Database
from indexer.deals import house_number
from indexer.models import DealRow, table_of
from indexer.reading import HOUSE_ACCOUNTS, QUOTE_ACCOUNTS, Reading
from indexer.state import EPOCH_SECONDS, TRADING_SECONDS, Market, State
from indexer.stored_events import events_at

__all__ = ["MarketStatusAnswer", "MarketStatusFacts", "market_status"]

_DAY = 86_400


class MarketStatusFacts(TypedDict):
    """A market at an instant of the chain's clock, as its facade would tell it; supplies are the traders'.

    `current_price` is the last that the oracle has. Before the first epoch `epoch` is 0, and
    `time_remaining` (seconds) is until it begins.
    """

    market: str
    market_id: int
    address: str
    epoch: int
    start_price: str | None
    current_price: str | None
    time_remaining: int
    trading_active: bool
    yes_price: str
    no_price: str
    yes_supply: str
    no_supply: str
    at: str


class MarketStatusAnswer(MarketStatusFacts, Stamp):
    """A market's status, as of a block."""


async def market_status(
    database: Database, market: str, now: int, *, at_block: int | None = None
) -> MarketStatusAnswer:
    """A market (its symbol or address) at `now`, Unix seconds by the chain's clock.

    What has happened is as of the block, what the time is `now` says: which epoch runs, how long yet, and
    whether the house would take a trade. Raises UnknownMarketError or BadAddressError.
    """
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        found = find_market((await reading.markets()).values(), market)
        number, epoch = found.market_id, found.epoch_at(now)
        stakes = [Stake(number, epoch, side).shares for side in SIDES]
        own = (budget_account(number), paused_account("EpochHub"), daily_account(number))
        accounts = (*HOUSE_ACCOUNTS, *QUOTE_ACCOUNTS, *own)
        sums = await reading.sums_of(accounts, [*stakes, quotes_asset(number, epoch), COLLATERAL, SWITCHES])
        start_at = found.start_of(max(epoch, 1))
        boundaries = await reading.boundaries_at([(found.feed, start_at)])
        current = await reading.newest_price(found.feed)
        state = State(database.deployment, block, {}, {}, boundaries, sums)
        takes = _takes_trades(state, found, epoch, now)
        if takes is None:
            day = now - now % _DAY
            spent = await _spent_since(database, connection, reading, number, day)
            takes = spent + found.opening_at(now - start_at) <= state.sum(daily_account(number), SWITCHES)
    facts = _facts(state, found, now, takes=takes, current_e18=current)
    return {**facts, **stamp}


def _takes_trades(state: State, market: Market, epoch: int, now: int) -> bool | None:
    """Whether the house takes trades at `now`; None if only what it has spent on that day can tell."""
    elapsed = now - market.start_of(epoch)
    if not epoch or elapsed >= TRADING_SECONDS or state.sum(paused_account("EpochHub"), SWITCHES):
        return False
    if state.quoted(Stake(market.market_id, epoch, "YES")):
        return True
    budget = state.sum(budget_account(market.market_id), COLLATERAL)
    return None if market.opening_at(elapsed) <= budget else False


async def _spent_since(
    database: Database, connection: AsyncConnection, reading: Reading, market_id: int, day: int
) -> int:
    """What the house has risked on a day and not got back, as the hub counts it."""
    first = pack_position(await reading.block_from(day), 0)
    table = table_of(DealRow)
    query = select(table.c.position).where(
        table.c.account == house_number(market_id),
        table.c.position.between(first, first_after(reading.block.number) - 1),
    )
    events = await events_at(connection, database.decoder, list(await connection.scalars(query)))
    spent = 0
    for event in events:
        match event.data:
            case ev.HouseOpened(number, _, amount) if number == market_id:
                spent += amount
            case ev.HouseSettled(number, _, _, _, payout) if number == market_id:
                spent = max(spent - payout, 0)
            case _:
                pass
    return spent


def _facts(
    state: State, market: Market, now: int, *, takes: bool, current_e18: int | None
) -> MarketStatusFacts:
    epoch, decimals = market.epoch_at(now), state.deployment.collateral.decimals
    start_at = market.start_of(epoch)
    yes, no = (state.supply(Stake(market.market_id, epoch, side)) for side in SIDES)
    yes_e18 = int(state.yes_price(market, epoch).scaleb(18))
    return {
        "market": market.symbol,
        "market_id": market.market_id,
        "address": market.facade,
        "epoch": epoch,
        "start_price": price_text(state.boundaries.get((market.feed, start_at)) if epoch else None),
        "current_price": price_text(current_e18),
        "time_remaining": start_at + EPOCH_SECONDS - now,
        "trading_active": takes,
        "yes_price": format_units(yes_e18, 18),
        "no_price": format_units(10**18 - yes_e18, 18),
        "yes_supply": format_units(yes, decimals),
        "no_supply": format_units(no, decimals),
        "at": iso_utc(now),
    }
