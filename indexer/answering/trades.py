"""Trades: what the house bought and sold, and the fills of signed orders."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypedDict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain_kit.units import checksum_address, format_units, iso_utc
from indexer import events as ev
from indexer.answering.moments import moment, stamp_at
from indexer.answering.stamp import Stamp
from indexer.answers import find_market
from indexer.blocks import first_after
from indexer.database import Database
from indexer.deals import account_number
from indexer.decode import Event
from indexer.models import DealRow, table_of
from indexer.state import Market
from indexer.stored_events import events_at

__all__ = ["Trade", "TradeAnswer", "TradeFacts", "trades"]


class TradeFacts(TypedDict):
    """One trade. `position` is its place in the chain, as `before` takes it.

    `source` says whether the account traded with the house or by a signed order. `amount` is what the
    `shares` cost or brought in collateral, without the `fee` beside it; `price` is that per share, cut off.
    """

    position: str
    mined_block: int
    tx_hash: str
    at: str
    market: str
    market_id: int
    epoch: int
    account: str
    source: Literal["house", "order"]
    action: Literal["buy", "sell"]
    side: Literal["YES", "NO"]
    shares: str
    amount: str
    price: str
    fee: str
    order_hash: str | None


class TradeAnswer(TradeFacts, Stamp):
    """A trade, as of a block."""


class Trade(NamedTuple):
    """One trade, in base units. `side` is 0 (YES) or 1 (NO); `amount` is without the fee."""

    market_id: int
    epoch: int
    account: str
    source: Literal["house", "order"]
    is_buy: bool
    side: int
    shares: int
    amount: int
    fee: int
    order_hash: str | None

    @classmethod
    def of(cls, event: Event) -> Trade | None:
        """The trade that an event of the hub is; None for any other event."""
        match event.data if event.contract == "EpochHub" else None:
            case ev.Bought(number, epoch, account, side, amount, fee, shares, _):
                buy, paid = True, amount - fee
                return cls(number, epoch, account, "house", buy, side, shares, paid, fee, None)
            case ev.Sold(number, epoch, account, side, shares, fee, amount, _):
                buy, brought = False, amount + fee
                return cls(number, epoch, account, "house", buy, side, shares, brought, fee, None)
            case ev.OrderFilled(digest, maker, number, epoch, side, is_buy, size, amount, fee):
                return cls(number, epoch, maker, "order", is_buy, side, size, amount, fee, digest)
            case _:
                return None

    @property
    def price_e18(self) -> int:
        """What a share cost or brought, rounded down."""
        return self.amount * 10**18 // self.shares if self.shares else 0

    @property
    def yes_price_e18(self) -> int:
        """What YES was worth by it: of NO, what it left of 1."""
        return 10**18 - self.price_e18 if self.side else self.price_e18


async def trades(
    database: Database,
    *,
    market: str | None = None,
    account: str | None = None,
    limit: int = 100,
    before: int | None = None,
    at_block: int | None = None,
) -> list[TradeAnswer]:
    """Trades, newest first: of a market (symbol or address), of an account, or all.

    `before` is the `position` of the last trade of the page before. Raises UnknownMarketError or
    BadAddressError.
    """
    who = None if account is None else checksum_address(account)
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        markets = await reading.markets()
        number = None if market is None else find_market(markets.values(), market).market_id
        end = first_after(block.number)
        page = _Page(database, connection, number, who)
        found = await page.read(end if before is None else min(before, end), limit)
        times = await reading.timestamps({event.log.block_number for event, _ in found})
    decimals = database.deployment.collateral.decimals
    return [
        {
            **_facts(event, trade, markets[trade.market_id], times[event.log.block_number], decimals),
            **stamp,
        }
        for event, trade in found
        # Before the logs are proven, a market's creation may be missing.
        if trade.market_id in markets
    ]


class _Page:
    """Reads trades backwards. The table's keys are short: what they find is looked at again."""

    def __init__(
        self, database: Database, connection: AsyncConnection, market_id: int | None, account: str | None
    ) -> None:
        self._decoder = database.decoder
        self._connection = connection
        self._market_id = market_id
        self._account = account

    async def read(self, before: int, limit: int) -> list[tuple[Event, Trade]]:
        found: list[tuple[Event, Trade]] = []
        while len(found) < limit:
            wanted = limit - len(found)
            positions = await self._positions(before, wanted)
            events = await events_at(self._connection, self._decoder, positions)
            pairs = [(event, Trade.of(event)) for event in reversed(events)]
            found += [(event, trade) for event, trade in pairs if trade and self._is_asked_for(trade)]
            if len(positions) < wanted:
                break
            before = positions[-1]
        return found

    def _is_asked_for(self, trade: Trade) -> bool:
        return self._market_id in {None, trade.market_id} and self._account in {None, trade.account}

    async def _positions(self, before: int, limit: int) -> list[int]:
        table = table_of(DealRow)
        query = select(table.c.position).where(table.c.position < before)
        if self._market_id is not None:
            query = query.where(table.c.market_id == self._market_id)
        if self._account is not None:
            query = query.where(table.c.account == account_number(self._account))
        query = query.order_by(table.c.position.desc()).limit(limit)
        return list(await self._connection.scalars(query))


def _facts(event: Event, trade: Trade, market: Market, mined_at: int, decimals: int) -> TradeFacts:
    return {
        "position": str(event.log.position),
        "mined_block": event.log.block_number,
        "tx_hash": event.log.tx_hash,
        "at": iso_utc(mined_at),
        "market": market.symbol,
        "market_id": market.market_id,
        "epoch": trade.epoch,
        "account": trade.account,
        "source": trade.source,
        "action": "buy" if trade.is_buy else "sell",
        "side": "NO" if trade.side else "YES",
        "shares": format_units(trade.shares, decimals),
        "amount": format_units(trade.amount, decimals),
        "price": format_units(trade.price_e18, 18),
        "fee": format_units(trade.fee, decimals),
        "order_hash": trade.order_hash,
    }
