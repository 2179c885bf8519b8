"""The documented clients, with only the base address changed: what they call, and the fields they read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from indexer.http.limits import Limits
from tests.http_support.bots import Scanner, StreamBot, signal_of
from tests.http_support.serving import API, Served, indexed_world, serving

Kinds = dict[str, tuple[type, ...]]
NUMBER, TEXT, FLAG = (int,), (str,), (bool,)
MAYBE = (str, type(None))
STATUS: Kinds = {
    "epoch": NUMBER, "start_price": TEXT, "time_remaining": NUMBER, "trading_active": FLAG, "yes_price": TEXT,
    "no_price": TEXT, "yes_supply": TEXT, "no_supply": TEXT,
}  # fmt: skip
TYPES: dict[str, Kinds] = {
    "assets": {
        "symbol": TEXT, "name": TEXT, "asset_type": TEXT, "sector": MAYBE, "market_cap": NUMBER,
        "oracle_tier": NUMBER, "has_market": FLAG, "market_address": MAYBE, "logo_url": MAYBE,
        "coingecko_id": MAYBE,
    },
    "markets": {
        "symbol": TEXT, "name": TEXT, "asset_type": TEXT, "market_address": TEXT, "yes_token": TEXT,
        "no_token": TEXT, "collateral_token": TEXT, "oracle_tier": NUMBER, "epoch_duration": NUMBER,
        "chain_id": NUMBER,
    },
    "status": {"symbol": TEXT, "market_address": TEXT, **STATUS, "timestamp": TEXT},
    "orderbook": {
        "symbol": TEXT, "market_address": TEXT, "bids": (list,), "asks": (list,), "timestamp": TEXT,
    },
    "mrt": {
        "token_address": TEXT, "token_symbol": TEXT, "token_name": TEXT, "pool_address": TEXT,
        "is_graduated": FLAG, "total_raised": TEXT, "graduation_progress": NUMBER, "dex_links": (dict,),
    },
    "links": {"dexscreener": TEXT, "geckoterminal": TEXT, "basescan_token": TEXT, "aerodrome": TEXT},
    "message": {"type": TEXT, "symbol": TEXT, "data": (dict,), "timestamp": TEXT},
    "data": STATUS,
    "error": {"type": TEXT, "message": TEXT, "timestamp": TEXT},
}  # fmt: skip


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A server on the model world, with the documented limits."""
    path = tmp_path_factory.mktemp("clients") / "index.db"
    async with indexed_world(path), serving(path, limits=Limits(), status_seconds=0.3) as opened:
        yield opened


def _is_of(document: dict[str, Any], name: str) -> None:
    """Raises unless every field of a documented type is there, in that type."""
    for field, types in TYPES[name].items():
        assert isinstance(document[field], types), (name, field, document[field])


async def test_the_signal_bot(served: Served) -> None:
    """One look at the status, one price as a number."""
    assert await signal_of(served.url + API, "BTC") in ("YES", "NO", "HOLD")


async def test_the_stream_bot(served: Served) -> None:
    """REST first, then the stream with pings: statuses at once, again by themselves, and on each ping."""
    bot = StreamBot(served.url + API, "BTC")
    epoch, price = await bot.first_look()
    async with asyncio.timeout(20):
        await bot.live(ping_seconds=0.1, enough=5)
    assert bot.pongs >= 1
    assert not bot.errors
    assert {seen[0] for seen in bot.seen} == {epoch}
    assert {seen[3] for seen in bot.seen} == {float(price)}
    assert all(0 <= seen[1] <= 300 for seen in bot.seen)


async def test_the_stream_bot_of_no_market(served: Served) -> None:
    """It hears the error, and that the server hangs up."""
    bot = StreamBot(served.url + API, "XYZ")
    async with asyncio.timeout(20):
        await bot.live(ping_seconds=5, enough=1)
    assert bot.errors == ["Market for XYZ not found"]


async def test_the_scanner(served: Served) -> None:
    """Markets that are not there are left out; the others have a price and a time."""
    found = await Scanner(served.url + API, ["ETH", "BTC", "SOL", "NVDA_V2"]).scan()
    assert set(found) <= {"BTC"}
    for yes, left in found.values():
        assert 0 <= yes <= 1
        assert 0 <= left <= 300


async def test_the_typed_client(served: Served) -> None:
    """Every field of the documented types, in its type, as JavaScript reads it."""
    words = ["node", "--experimental-websocket", "--no-warnings", "tests/http_support/typed_client.mjs"]
    process = await asyncio.create_subprocess_exec(
        *words, served.url + API, "BTC", stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    assert process.returncode == 0
    found = json.loads(output)
    assert [asset["symbol"] for asset in found["assets"]][:2] == ["BTC", "BNB"]
    for name in ("assets", "markets"):
        for row in found[name]:
            _is_of(row, name)
    for name in ("status", "orderbook", "mrt"):
        _is_of(found[name], name)
    _is_of(found["mrt"]["dex_links"], "links")
    status, remaining = found["retried"]
    assert (status, 0 <= remaining < 100) == (200, True)
    first, pong, second = found["messages"]
    assert pong == "pong"
    for message in (first, second):
        _is_of(message, "message")
        _is_of(message["data"], "data")
    _is_of(found["unknown"][0], "error")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/assets?asset_type=crypto&limit=10",
         {"symbol", "name", "asset_type", "has_market", "oracle_tier", "current_price"}),
        ("/assets/stats", {"total_assets", "cryptocurrencies", "stocks", "active_markets"}),
        ("/markets/BTC/status",
         {"epoch", "start_price", "current_price", "time_remaining", "trading_active", "yes_price",
          "no_price", "yes_pool", "no_pool"}),
        ("/markets/BTC/epochs/3",
         {"epoch", "start_price", "end_price", "outcome", "yes_pool", "no_pool", "resolved_at"}),
        ("/markets/BTC/orderbook", {"yes_bids", "yes_asks", "no_bids", "no_asks", "spread"}),
        ("/markets/BTC/position/0x00000000000000000000000000000000000000aa?epoch=2",
         {"yes_tokens", "no_tokens", "entry_price", "unrealized_pnl"}),
        ("/markets/BTC/candles?interval=5m&limit=5", {"timestamp", "open", "high", "low", "close", "volume"}),
        ("/markets/BTC/mrt",
         {"token_address", "token_symbol", "token_name", "pool_address", "is_graduated", "total_raised",
          "graduation_progress", "dex_links"}),
    ],
)  # fmt: skip
async def test_the_documented_examples(served: Served, path: str, fields: set[str]) -> None:
    """Each has the fields that its example shows; amounts and prices are strings."""
    answer = await served.http.get(API + path)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    rows = body if isinstance(body, list) else [body]
    assert rows
    for row in rows:
        assert fields <= set(row)
        assert not [name for name, value in row.items() if isinstance(value, float)]
