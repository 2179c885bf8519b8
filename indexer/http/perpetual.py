"""The markets: what they are, how they stand, their epochs, books, candles, trades and reward tokens."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import TypeAdapter

from chain_kit.errors import UnknownMarketError
from chain_kit.units import checksum_address
from indexer import queries
from indexer.database import Database
from indexer.http import models, views
from indexer.http.errors import not_found
from indexer.http.parameters import (
    AtBlock,
    EpochPath,
    Limit,
    MarketPath,
    Page,
    responses,
)
from indexer.http.service import Asked, Service
from indexer.queries import MarketAnswer, MarketStatusAnswer

__all__ = ["find_market", "router", "status_of"]

router = APIRouter(prefix="/api/v1/perpetual", tags=["markets"])

INTERVALS = {"5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14_400, "1d": 86_400}
Interval = Literal["5m", "15m", "30m", "1h", "4h", "1d"]

_MARKETS = TypeAdapter(list[models.Market])
_DETAIL = TypeAdapter(models.MarketDetail)
_STATUS = TypeAdapter(models.MarketStatus)
_EPOCHS = TypeAdapter(list[models.Epoch])
_EPOCH = TypeAdapter(models.Epoch)
_BOOK = TypeAdapter(models.Orderbook)
_CANDLES = TypeAdapter(list[models.Candle])
_TRADES = TypeAdapter(list[models.Trade])
_MRT = TypeAdapter(models.MrtInfo)
_HOLDERS = TypeAdapter(list[models.MrtHolder])


async def all_markets(service: Service, at_block: int | None = None) -> list[MarketAnswer]:
    """Every market, in the order of their creation."""
    return await service.ask(("markets", at_block), lambda db: queries.markets(db, at_block=at_block))


async def find_market(service: Service, name: str, at_block: int | None = None) -> MarketAnswer:
    """The market of a symbol, the first of them if several have it, or of an address.

    Raises UnknownMarketError, or BadAddressError for an address with a wrong checksum.
    """
    rows = await all_markets(service, at_block)
    address = checksum_address(name) if name.startswith("0x") and len(name) == 42 else None
    for row in rows:
        if name == row["market"] or address == row["address"]:
            return row
    raise UnknownMarketError(name)


async def status_of(service: Service, name: str) -> MarketStatusAnswer:
    """How a market stands now, by the chain's clock."""
    now = service.clock.seconds()
    return await service.ask(("status", name, now), lambda db: queries.market_status(db, name, now))


@router.get("/markets", response_model=list[models.Market], responses=responses(400))
async def list_markets(service: Asked, at_block: AtBlock = None) -> Response:
    """Every market."""

    async def bodies(database: Database) -> Any:
        rows = await all_markets(service, at_block)
        return [views.market_body(row, database.deployment) for row in rows]

    return await service.respond(("markets", at_block), _MARKETS, bodies)


@router.get("/markets/{symbol}", response_model=models.MarketDetail, responses=responses(400, 404))
async def show_market(service: Asked, symbol: MarketPath) -> Response:
    """A market, and how it stands."""

    async def body(database: Database) -> Any:
        market = await find_market(service, symbol)
        status = await status_of(service, symbol)
        return views.market_body(market, database.deployment) | {"status": views.status_body(status)}

    return await service.respond(("market", symbol, service.clock.seconds()), _DETAIL, body)


@router.get("/markets/{symbol}/status", response_model=models.MarketStatus, responses=responses(400, 404))
async def show_status(service: Asked, symbol: MarketPath) -> Response:
    """The epoch that runs: its prices, its time, what was traded."""

    async def body(_: Database) -> Any:
        return views.status_body(await status_of(service, symbol))

    return await service.respond(("status", symbol, service.clock.seconds()), _STATUS, body)


@router.get("/markets/{symbol}/epochs", response_model=list[models.Epoch], responses=responses(400, 404))
async def list_epochs(
    service: Asked, symbol: MarketPath, limit: Limit = 50, page: Page = 1, at_block: AtBlock = None
) -> Response:
    """Epochs, the newest first, from the one that runs."""

    async def bodies(database: Database) -> Any:
        market = await find_market(service, symbol, at_block)
        last = market["epoch"] - (page - 1) * limit
        if last < 1:
            return []
        first = max(1, last - limit + 1)
        rows = await queries.epochs(database, symbol, first=first, last=last, at_block=at_block)
        return [views.epoch_body(row) for row in reversed(rows)]

    return await service.respond(("epochs", symbol, limit, page, at_block), _EPOCHS, bodies)


@router.get("/markets/{symbol}/epochs/{epoch}", response_model=models.Epoch, responses=responses(400, 404))
async def show_epoch(
    service: Asked, symbol: MarketPath, epoch: EpochPath, at_block: AtBlock = None
) -> Response:
    """One epoch, from its beginning on."""

    async def body(database: Database) -> Any:
        rows = await queries.epochs(database, symbol, first=epoch, last=epoch, at_block=at_block)
        if not rows:
            raise not_found(f"Epoch {epoch} of market {symbol!r}", symbol=symbol, epoch=epoch)
        return views.epoch_body(rows[0])

    return await service.respond(("epoch", symbol, epoch, at_block), _EPOCH, body)


@router.get("/markets/{symbol}/orderbook", response_model=models.Orderbook, responses=responses(400, 404))
async def show_orderbook(service: Asked, symbol: MarketPath) -> Response:
    """The book of signed orders: empty, as long as no exchange is configured."""

    async def body(_: Database) -> Any:
        return views.orderbook_body(await find_market(service, symbol), service.clock.iso())

    return await service.respond(("orderbook", symbol, service.clock.seconds()), _BOOK, body)


@router.get("/markets/{symbol}/candles", response_model=list[models.Candle], responses=responses(400, 404))
async def list_candles(
    service: Asked,
    symbol: MarketPath,
    interval: Annotated[Interval, Query(description="How long a candle is.")] = "5m",
    limit: Limit = 100,
    at_block: AtBlock = None,
) -> Response:
    """The oracle's prices by interval, oldest first; the last candle may still grow."""

    async def bodies(database: Database) -> Any:
        return await queries.candles(database, symbol, INTERVALS[interval], limit=limit, at_block=at_block)

    return await service.respond(("candles", symbol, interval, limit, at_block), _CANDLES, bodies)


@router.get("/markets/{symbol}/trades", response_model=list[models.Trade], responses=responses(400, 404))
async def list_trades(
    service: Asked,
    symbol: MarketPath,
    limit: Limit = 100,
    before: Annotated[
        int | None, Query(ge=0, lt=2**63, description="Of the last trade of the page before: its position.")
    ] = None,
    at_block: AtBlock = None,
) -> Response:
    """Trades, the newest first."""

    async def bodies(database: Database) -> Any:
        rows = await queries.trades(database, market=symbol, limit=limit, before=before, at_block=at_block)
        return [views.trade_body(row) for row in rows]

    return await service.respond(("trades", symbol, limit, before, at_block), _TRADES, bodies)


@router.get("/markets/{symbol}/mrt", response_model=models.MrtInfo, responses=responses(400, 404))
async def show_mrt(service: Asked, symbol: MarketPath, at_block: AtBlock = None) -> Response:
    """A market's reward token, and its way to the pool."""

    async def body(database: Database) -> Any:
        market = await find_market(service, symbol, at_block)
        try:
            row = await queries.mrt(database, market["market"], at_block=at_block)
        except UnknownMarketError:
            raise not_found(f"Reward token of market {symbol!r}", symbol=symbol) from None
        return views.mrt_body(row, database.deployment.chain_id)

    return await service.respond(("mrt", symbol, at_block), _MRT, body)


@router.get(
    "/markets/{symbol}/mrt/holders", response_model=list[models.MrtHolder], responses=responses(400, 404)
)
async def list_holders(
    service: Asked, symbol: MarketPath, limit: Limit = 100, at_block: AtBlock = None
) -> Response:
    """Who holds a market's reward token, the largest first."""

    async def bodies(database: Database) -> Any:
        market = await find_market(service, symbol, at_block)
        try:
            return await queries.mrt_holders(database, market["market"], limit=limit, at_block=at_block)
        except UnknownMarketError:
            raise not_found(f"Reward token of market {symbol!r}", symbol=symbol) from None

    return await service.respond(("holders", symbol, limit, at_block), _HOLDERS, bodies)
