"""What accounts hold: their part in one epoch, and in all."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from chain_kit.units import checksum_address
from indexer import queries
from indexer.database import Database
from indexer.http import models, views
from indexer.http.models_more import RacePosition
from indexer.http.parameters import AccountPath, AtBlock, EpochQuery, Limit, MarketPath, Page, responses
from indexer.http.perpetual import find_market
from indexer.http.service import Asked

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/perpetual", tags=["accounts"])

_POSITION = TypeAdapter(models.Position)
_POSITIONS = TypeAdapter(list[models.Position])
_TRADES = TypeAdapter(list[models.Trade])
_RACES = TypeAdapter(list[RacePosition])


@router.get(
    "/markets/{symbol}/position/{address}", response_model=models.Position, responses=responses(400, 404)
)
async def show_position(
    service: Asked,
    symbol: MarketPath,
    address: AccountPath,
    epoch: EpochQuery = None,
    at_block: AtBlock = None,
) -> Response:
    """An account's part in an epoch of a market; zeros where it has none."""

    async def body(database: Database) -> Any:
        account = checksum_address(address)
        market = await find_market(service, symbol, at_block)
        asked = market["epoch"] if epoch is None else epoch
        rows = await queries.positions(
            database, account, market=market["address"], epoch=asked, at_block=at_block
        )
        return views.position_body(rows[0], account) if rows else views.no_position(market, asked, account)

    return await service.respond(("position", symbol, address, epoch, at_block), _POSITION, body)


@router.get("/positions/{address}", response_model=list[models.Position], responses=responses(400))
async def list_positions(
    service: Asked, address: AccountPath, limit: Limit = 100, page: Page = 1, at_block: AtBlock = None
) -> Response:
    """What an account holds or once held, the newest epochs first."""

    async def bodies(database: Database) -> Any:
        account = checksum_address(address)
        rows = await queries.positions(database, account, at_block=at_block)
        rows.sort(key=lambda row: (-row["epoch"], row["market_id"]))
        return [views.position_body(row, account) for row in rows[(page - 1) * limit : page * limit]]

    return await service.respond(("positions", address, limit, page, at_block), _POSITIONS, bodies)


@router.get("/positions/{address}/races", response_model=list[RacePosition], responses=responses(400))
async def list_race_positions(
    service: Asked, address: AccountPath, limit: Limit = 100, page: Page = 1, at_block: AtBlock = None
) -> Response:
    """What an account holds or once held of races, the newest epochs first."""

    async def bodies(database: Database) -> Any:
        rows = await queries.race_positions(database, checksum_address(address), at_block=at_block)
        rows.sort(key=lambda row: -row["epoch"])
        return rows[(page - 1) * limit : page * limit]

    return await service.respond(("race positions", address, limit, page, at_block), _RACES, bodies)


@router.get("/positions/{address}/trades", response_model=list[models.Trade], responses=responses(400))
async def list_account_trades(
    service: Asked, address: AccountPath, limit: Limit = 100, at_block: AtBlock = None
) -> Response:
    """An account's trades in all markets, the newest first."""

    async def bodies(database: Database) -> Any:
        account = checksum_address(address)
        rows = await queries.trades(database, account=account, limit=limit, at_block=at_block)
        return [views.trade_body(row) for row in rows]

    return await service.respond(("account trades", address, limit, at_block), _TRADES, bodies)
