"""The reserve and what it pays out, races, and how the index stands."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import TypeAdapter

from chain_kit.errors import UnknownMarketError
from indexer import queries
from indexer.database import Database
from indexer.http.errors import not_found
from indexer.http.models_more import IndexStatus, Payouts, Race, RaceEpoch, Reserve
from indexer.http.parameters import AtBlock, EpochQuery, Limit, responses
from indexer.http.service import Asked

__all__ = ["router"]

router = APIRouter(prefix="/api/v1")

_RESERVE = TypeAdapter(Reserve)
_PAYOUTS = TypeAdapter(Payouts)
_RACES = TypeAdapter(list[Race])
_RACE = TypeAdapter(RaceEpoch)
_STATUS = TypeAdapter(IndexStatus)
RacePath = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9._-]{1,31}$", description="A race's symbol.", examples=["RACE"])
]


@router.get("/prop/reserve", tags=["reserve"], response_model=Reserve, responses=responses(400))
async def show_reserve(service: Asked, at_block: AtBlock = None) -> Response:
    """What the hub, the vault and the race market hold and owe."""

    async def body(database: Database) -> Any:
        return {"races": None, **await queries.reserve(database, at_block=at_block)}

    return await service.respond(("reserve", at_block), _RESERVE, body)


@router.get("/prop/payouts", tags=["reserve"], response_model=Payouts, responses=responses(400))
async def show_payouts(
    service: Asked,
    address: Annotated[
        str | None, Query(pattern="^0x[0-9a-fA-F]{40}$", description="Only this account's claims.")
    ] = None,
    limit: Limit = 100,
    at_block: AtBlock = None,
) -> Response:
    """What the vault owes and has paid."""

    async def body(database: Database) -> Any:
        return await queries.payouts(database, address, limit=limit, at_block=at_block)

    return await service.respond(("payouts", address, limit, at_block), _PAYOUTS, body)


@router.get("/races", tags=["races"], response_model=list[Race], responses=responses(400))
async def list_races(service: Asked, at_block: AtBlock = None) -> Response:
    """Every race; none where there is no race market."""

    async def bodies(database: Database) -> Any:
        return await queries.races(database, at_block=at_block)

    return await service.respond(("races", at_block), _RACES, bodies)


@router.get("/races/{symbol}", tags=["races"], response_model=RaceEpoch, responses=responses(400, 404))
async def show_race(
    service: Asked, symbol: RacePath, epoch: EpochQuery = None, at_block: AtBlock = None
) -> Response:
    """An epoch of a race: who finished where, and what each question of it pays."""

    async def body(database: Database) -> Any:
        try:
            return await queries.race(database, symbol, epoch=epoch, at_block=at_block)
        except UnknownMarketError:
            raise not_found(f"Race {symbol!r}", symbol=symbol) from None

    return await service.respond(("race", symbol, epoch, at_block), _RACE, body)


@router.get("/index/status", tags=["index"], response_model=IndexStatus, responses=responses())
async def show_status(service: Asked) -> Response:
    """How far the index is, and how far it is proven."""

    async def body(database: Database) -> Any:
        return await queries.status(database)

    return await service.respond(("index status",), _STATUS, body)
