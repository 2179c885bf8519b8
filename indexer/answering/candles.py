"""Candles: open, high, low and close of a market's prices by interval, with what was traded."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal, TypedDict

from sqlalchemy import select

from chain_kit.errors import UsageError
from chain_kit.units import format_units, iso_utc
from indexer.answering.moments import moment, stamp_at
from indexer.answering.stamp import Stamp
from indexer.answering.trades import Trade
from indexer.answers import find_market
from indexer.blocks import pack_position
from indexer.database import Database
from indexer.models import DealRow, table_of
from indexer.reading import Reading
from indexer.state import EPOCH_SECONDS
from indexer.stored_events import events_at

__all__ = ["CandleAnswer", "CandleFacts", "candles"]


class CandleFacts(TypedDict):
    """One interval, from `timestamp` on. `volume` is the collateral that was traded for shares in it.

    `trades` are counted as `trades` has them: both ends of a fill, whose collateral counts once.

    Of `of="price"` the prices are the oracle's at the interval's boundaries, both ends included: those of an
    interval of 300 s are an epoch's start and end price. Of `of="yes"` they are what YES was traded at.
    """

    timestamp: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int


class CandleAnswer(CandleFacts, Stamp):
    """A candle, as of a block."""


async def candles(
    database: Database,
    market: str,
    interval_seconds: int = 300,
    *,
    start: int | None = None,
    end: int | None = None,
    limit: int = 100,
    of: Literal["price", "yes"] = "price",
    at_block: int | None = None,
) -> list[CandleAnswer]:
    """The newest `limit` candles that begin from `start` to before `end` (Unix seconds), oldest first.

    An interval without a price has no candle. Raises UnknownMarketError, BadAddressError, or UsageError
    for an interval that is not a multiple of 300 s.
    """
    if interval_seconds < EPOCH_SECONDS or interval_seconds % EPOCH_SECONDS:
        raise UsageError(
            f"an interval of {interval_seconds} s is no multiple of {EPOCH_SECONDS} s",
            hint="give 300, 900, 3600 or 86400",
        )
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        found = find_market((await reading.markets()).values(), market)
        first, last = _span(interval_seconds, start, end, limit, now=block.timestamp)
        if first >= last:
            return []
        since, until = [pack_position(await reading.block_from(one), 0) for one in (first, last)]
        place, number = table_of(DealRow).c.position, table_of(DealRow).c.market_id
        query = select(place).where(number == found.market_id, place >= since, place < until)
        events = await events_at(connection, database.decoder, list(await connection.scalars(query)))
        times = await reading.timestamps({event.log.block_number for event in events})
        prices = await _posted(reading, found.feed, interval_seconds, first, last) if of == "price" else []
    dealt = [(times[event.log.block_number], Trade.of(event)) for event in events]
    trades = [(at, trade) for at, trade in dealt if trade is not None]
    if of == "yes":
        prices = [(at, trade.yes_price_e18) for at, trade in trades]
    decimals = database.deployment.collateral.decimals
    rows = _candles(interval_seconds, prices, trades, decimals)
    return [{**row, **stamp} for row in rows]


def _span(interval: int, start: int | None, end: int | None, limit: int, *, now: int) -> tuple[int, int]:
    """From when to when the newest `limit` intervals are."""
    last = -(-(now + 1 if end is None else end) // interval) * interval
    first = last - limit * interval
    return (first if start is None else max(first, -(-start // interval) * interval)), last


async def _posted(reading: Reading, feed: str, interval: int, first: int, last: int) -> list[tuple[int, int]]:
    """The posted prices by the interval that they are in; one between two intervals is in both."""
    posted = await reading.boundaries(feed, first, last)
    found: list[tuple[int, int]] = []
    for (_, at), price in sorted(posted.items()):
        if price is None:
            continue
        if at % interval == 0 and at > first:
            found.append((at - 1, price))
        if at < last:
            found.append((at, price))
    return found


def _candles(
    interval: int, prices: Sequence[tuple[int, int]], trades: Sequence[tuple[int, Trade]], decimals: int
) -> list[CandleFacts]:
    seen: defaultdict[int, list[int]] = defaultdict(list)
    for at, price in prices:
        seen[at // interval].append(price)
    # Each end of a signed order's fill is a trade, and counts half.
    doubled: Counter[int] = Counter()
    count: Counter[int] = Counter()
    for at, trade in trades:
        doubled[at // interval] += trade.amount * (2 if trade.source == "house" else 1)
        count[at // interval] += 1
    return [
        {
            "timestamp": iso_utc(number * interval),
            "open": format_units(of[0], 18),
            "high": format_units(max(of), 18),
            "low": format_units(min(of), 18),
            "close": format_units(of[-1], 18),
            "volume": format_units(doubled[number] // 2, decimals),
            "trades": count[number],
        }
        for number, of in sorted(seen.items())
    ]
