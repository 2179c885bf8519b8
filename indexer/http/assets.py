"""What can be traded, and what is known by name only."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import TypeAdapter

from indexer.database import Database
from indexer.http.catalogue import CATALOGUE, AssetFacts, facts_of
from indexer.http.models import Asset, AssetStats, AssetType
from indexer.http.parameters import MOST_ROWS, Page, responses
from indexer.http.perpetual import all_markets, status_of
from indexer.http.service import Asked, Service
from indexer.queries import MarketAnswer

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/perpetual", tags=["assets"])

_ASSETS = TypeAdapter(list[Asset])
_STATS = TypeAdapter(AssetStats)
_ROWS = 100


@router.get("/assets", response_model=list[Asset], responses=responses(400))
async def list_assets(
    service: Asked,
    *,
    asset_type: Annotated[AssetType | None, Query(description="Only of this kind.")] = None,
    search: Annotated[
        str | None, Query(max_length=64, description="Part of a symbol or name, in any case.")
    ] = None,
    has_market: Annotated[bool | None, Query(description="Only with a market, or only without.")] = None,
    limit: Annotated[int | None, Query(ge=1, le=MOST_ROWS, description="As page_size.")] = None,
    page: Page = 1,
    page_size: Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows at most.")] = _ROWS,
) -> Response:
    """Assets, those with a market first. The header X-Total-Count says how many there are in all."""
    size = page_size if limit is None else limit
    found: list[tuple[AssetFacts, MarketAnswer | None]] = []

    async def bodies(_: Database) -> Any:
        wanted = (search or "").casefold()
        for facts, market in await _everything(service):
            is_right = asset_type in (None, facts.asset_type) and has_market in (None, market is not None)
            if is_right and (wanted in facts.symbol.casefold() or wanted in facts.name.casefold()):
                found.append((facts, market))
        shown = found[(page - 1) * size : page * size]
        return [await _asset(service, facts, market) for facts, market in shown]

    def count(_: Any) -> dict[str, str]:
        return {"x-total-count": str(len(found))}

    key = ("assets", asset_type, search, has_market, page, size)
    return await service.respond(key, _ASSETS, bodies, count)


@router.get("/assets/stats", response_model=AssetStats, responses=responses())
async def count_assets(service: Asked) -> Response:
    """How many assets there are, and how many of them have a market."""

    async def body(_: Database) -> Any:
        everything = await _everything(service)
        kinds = [facts.asset_type for facts, _ in everything]
        return {
            "total_assets": len(everything),
            "cryptocurrencies": kinds.count("crypto"),
            "stocks": kinds.count("stock"),
            "forex": kinds.count("forex"),
            "commodities": kinds.count("commodity"),
            "active_markets": sum(market is not None for _, market in everything),
        }

    return await service.respond(("asset stats",), _STATS, body)


async def _everything(service: Service) -> list[tuple[AssetFacts, MarketAnswer | None]]:
    """Each symbol once: the first market that has it, then what is known without one."""
    first: dict[str, MarketAnswer] = {}
    for row in await all_markets(service):
        first.setdefault(row["market"], row)
    traded = [(facts_of(symbol), row) for symbol, row in first.items()]
    return [*traded, *((facts, None) for symbol, facts in CATALOGUE.items() if symbol not in first)]


async def _asset(service: Service, facts: AssetFacts, market: MarketAnswer | None) -> dict[str, Any]:
    price = None
    if market is not None:
        price = (await status_of(service, market["address"]))["current_price"]
    return {
        "symbol": facts.symbol,
        "name": facts.name,
        "asset_type": facts.asset_type,
        "sector": facts.sector,
        "market_cap": 0,
        "oracle_tier": int(market is not None),
        "has_market": market is not None,
        "market_address": None if market is None else market["address"],
        "logo_url": None,
        "coingecko_id": facts.coingecko_id,
        "current_price": price,
    }
