from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from chain_kit import toolchain
from indexer import queries
from indexer.http.app import create_app
from indexer.http.catalogue import facts_of
from indexer.queries import open_database
from tests.http_support.serving import API, asking, indexed_world, serving
from tests.index_support.chain import DEPLOYMENT, address_of, raw_event
from tests.unit.indexer.http.conftest import Indexed

STAMP = {"block", "block_hash", "level", "verified"}


async def _get(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), answer.text
    return answer.json()


def _without(row: Any, *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


async def test_markets(client: httpx.AsyncClient, indexed: Indexed) -> None:
    """The documented fields, and the ids of the running epoch's shares as the hub counts them."""
    rows = await _get(client, f"{API}/markets")
    known = (await queries.markets(indexed.store))[0]
    epoch = known["epoch"]
    assert len(rows) == 1
    assert {name: rows[0][name] for name in ("symbol", "name", "asset_type", "oracle_tier", "chain_id")} == {
        "symbol": "BTC", "name": "Bitcoin", "asset_type": "crypto", "oracle_tier": 1, "chain_id": 31337,
    }  # fmt: skip
    assert rows[0]["market_address"] == known["address"]
    assert rows[0]["epoch_duration"] == 300
    assert rows[0]["collateral_token"] == DEPLOYMENT.collateral.address
    assert rows[0]["token_contract"] == DEPLOYMENT.hub
    assert (rows[0]["yes_token"], rows[0]["no_token"]) == (
        str(2**64 + epoch * 256),
        str(2**64 + epoch * 256 + 1),
    )
    assert {name: rows[0][name] for name in STAMP} == {name: known[name] for name in STAMP}  # type: ignore[literal-required]


@pytest.mark.parametrize("name", ["BTC", address_of("BTC facade"), address_of("BTC facade").lower()])
async def test_a_market_and_its_status(client: httpx.AsyncClient, indexed: Indexed, name: str) -> None:
    """By symbol or address; the status is the index's, at the chain's time."""
    status = await _get(client, f"{API}/markets/{name}/status")
    tip = indexed.world.chain.tip
    epoch = (await queries.epochs(indexed.store, "BTC", first=status["epoch"], last=status["epoch"]))[0]
    assert (status["symbol"], status["block"]) == ("BTC", tip.number)
    assert status["market_address"] == address_of("BTC facade")
    assert (status["yes_pool"], status["yes_supply"]) == (epoch["yes_supply"], epoch["yes_supply"])
    assert (status["no_pool"], status["no_supply"]) == (epoch["no_supply"], epoch["no_supply"])
    assert status["start_price"] == (epoch["start_price"] or "0")
    assert 0 < status["time_remaining"] <= 300
    detail = await _get(client, f"{API}/markets/{name}")
    assert _without(detail["status"], "time_remaining", "timestamp") == _without(
        status, "time_remaining", "timestamp"
    )
    assert _without(detail, "status") == (await _get(client, f"{API}/markets"))[0]


async def test_epochs_newest_first_and_by_page(client: httpx.AsyncClient, indexed: Indexed) -> None:
    """Every epoch once, as the index says, under the documented names."""
    known = [row for row in await queries.epochs(indexed.store, "BTC") if row["epoch"] <= indexed.world.epoch]
    pages = [await _get(client, f"{API}/markets/BTC/epochs?limit=7&page={page}") for page in range(1, 10)]
    rows = [row for page in pages for row in page]
    assert [row["epoch"] for row in rows] == [row["epoch"] for row in reversed(known)]
    assert pages[-1] == []
    for row, expected in zip(rows, reversed(known), strict=True):
        for name in (
            "start_price",
            "end_price",
            "outcome",
            "yes_supply",
            "no_supply",
            "collateral",
            "end_at",
        ):
            assert row[name] == expected[name]
        assert (row["yes_pool"], row["no_pool"]) == (expected["yes_supply"], expected["no_supply"])
        assert row["resolved_at"] == (expected["end_at"] if expected["outcome"] else None)
        payouts = {"YES": ("1", "0"), "NO": ("0", "1"), "VOID": ("0.5", "0.5"), None: (None, None)}
        assert (row["yes_payout"], row["no_payout"]) == payouts[expected["outcome"]]
    one = await _get(client, f"{API}/markets/BTC/epochs/{rows[3]['epoch']}")
    assert one == rows[3]


async def test_as_of_an_earlier_block(client: httpx.AsyncClient, indexed: Indexed) -> None:
    """Each answer is what it was then, and says so."""
    for number in (10, 60, indexed.world.chain.tip.number):
        rows = await _get(client, f"{API}/markets/BTC/epochs?at_block={number}&limit=500")
        known = await queries.epochs(indexed.store, "BTC", at_block=number)
        outcomes = {row["epoch"]: row["outcome"] for row in known}
        assert {row["epoch"]: row["outcome"] for row in rows}.items() <= outcomes.items()
        assert {row["block"] for row in rows} <= {number}
        reserve = await _get(client, f"/api/v1/prop/reserve?at_block={number}")
        expected = await queries.reserve(indexed.store, at_block=number)
        assert reserve == {"races": None, **expected}


async def test_the_book_is_empty_in_both_shapes(client: httpx.AsyncClient) -> None:
    """Until an exchange is configured."""
    book = await _get(client, f"{API}/markets/BTC/orderbook")
    sides = ("bids", "asks", "yes_bids", "yes_asks", "no_bids", "no_asks")
    assert [book[side] for side in sides] == [[]] * 6
    assert (book["spread"], book["symbol"]) == (None, "BTC")


async def test_positions(client: httpx.AsyncClient, indexed: Indexed) -> None:
    """Of one epoch, zeros where there is none; and of all, newest first, by page."""
    account = indexed.world.accounts[0]
    known = await queries.positions(indexed.store, account)
    assert known
    for row in known:
        one = await _get(client, f"{API}/markets/BTC/position/{account.lower()}?epoch={row['epoch']}")
        assert one["address"] == account
        assert _without(one, "symbol", "address") == _without(row, "market")
    none = await _get(client, f"{API}/markets/BTC/position/{address_of('nobody')}?epoch=4")
    assert (none["yes_tokens"], none["entry_price"], none["claimable"], none["epoch"]) == ("0", None, "0", 4)
    running = await _get(client, f"{API}/markets/BTC/position/{account}")
    assert running["epoch"] == (await queries.markets(indexed.store))[0]["epoch"]
    pages = [await _get(client, f"{API}/positions/{account}?limit=2&page={page}") for page in (1, 2, 3)]
    shown = [row["epoch"] for page in pages for row in page]
    assert shown == sorted((row["epoch"] for row in known), reverse=True)[:6]


async def test_trades_by_page(client: httpx.AsyncClient, indexed: Indexed) -> None:
    """`before` of the next page is the position of the last trade of this one; an account's by itself."""
    known = await queries.trades(indexed.store, market="BTC", limit=500)
    assert len(known) > 5
    first = await _get(client, f"{API}/markets/BTC/trades?limit=3")
    rest = await _get(client, f"{API}/markets/BTC/trades?limit=500&before={first[-1]['position']}")
    rows = first + rest
    assert [row["position"] for row in rows] == [row["position"] for row in known]
    assert _without(rows[0], "symbol", "timestamp") == _without(known[0], "market", "at")
    assert (rows[0]["symbol"], rows[0]["timestamp"]) == (known[0]["market"], known[0]["at"])
    account = rows[0]["account"]
    mine = await _get(client, f"{API}/positions/{account}/trades?limit=500")
    assert [row["position"] for row in mine] == [
        row["position"] for row in known if row["account"] == account
    ]


async def test_candles(client: httpx.AsyncClient, indexed: Indexed) -> None:
    """By interval, oldest first; a longer one holds the shorter ones."""
    short = await _get(client, f"{API}/markets/BTC/candles?interval=5m&limit=500")
    assert short == await queries.candles(indexed.store, "BTC", 300, limit=500)
    assert short[0]["timestamp"] < short[-1]["timestamp"]
    long = await _get(client, f"{API}/markets/BTC/candles?interval=1d&limit=500")
    assert sum(row["trades"] for row in long) == sum(row["trades"] for row in short)
    newest = await _get(client, f"{API}/markets/BTC/candles?limit=2")
    assert 1 <= len(newest) <= 2
    assert newest == short[-len(newest) :]


async def test_reward_token(client: httpx.AsyncClient, indexed: Indexed) -> None:
    """The documented fields and links, and who holds it."""
    known = await queries.mrt(indexed.store, "BTC")
    found = await _get(client, f"{API}/markets/BTC/mrt")
    assert _without(found, "symbol", "dex_links") == _without(known, "market")
    links = found["dex_links"]
    assert links["dexscreener"] == f"https://dexscreener.com/base/{known['pool_address']}"
    assert links["basescan_token"] == f"https://basescan.org/token/{known['token_address']}"
    holders = await _get(client, f"{API}/markets/BTC/mrt/holders?limit=3")
    assert holders == await queries.mrt_holders(indexed.store, "BTC", limit=3)


async def test_a_market_without_a_reward_token(tmp_path: Path) -> None:
    """Not found, and the market is; as for its holders."""
    path = tmp_path / "index.db"
    async with indexed_world(path, blocks=2) as (world, store), asking(path) as client:
        names = (2, address_of("ETH facade"), b"ETH/USD".ljust(32, b"\0"), address_of("c"), "ETH")
        terms = (world.genesis, 10**20, 0, 10_000, 0, 10**20)
        block = world.chain.mine(raw_event("EpochHub", "MarketCreated", *names, *terms))
        await store.take(world.chain.forward(block.number))
        for part in ("mrt", "mrt/holders"):
            answer = await client.get(f"{API}/markets/ETH/{part}")
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["details"]) == (
                404,
                "NOT_FOUND",
                {"symbol": "ETH"},
            )


@pytest.mark.parametrize("name", ["ETH%2FUSD", "ETH%2fUSD", "ETH~USD"])
async def test_a_symbol_with_a_slash(tmp_path: Path, name: str) -> None:
    """In a path it is %2F or ~: over HTTP and WebSocket."""
    path = tmp_path / "index.db"
    async with indexed_world(path, blocks=2) as (world, store):
        names = (2, address_of("ETH facade"), b"ETH/USD".ljust(32, b"\0"), address_of("c"), "ETH/USD")
        terms = (world.genesis, 10**20, 0, 10_000, 0, 10**20)
        block = world.chain.mine(raw_event("EpochHub", "MarketCreated", *names, *terms))
        await store.take(world.chain.forward(block.number))
        async with serving(path) as served:
            for part in ("status", "epochs", "candles", "trades", "orderbook"):
                assert (await served.http.get(f"{API}/markets/{name}/{part}")).status_code == 200
            async with served.stream(name) as socket:
                assert '"symbol":"ETH/USD"' in str(await socket.recv())


async def test_payouts_and_races(client: httpx.AsyncClient, indexed: Indexed) -> None:
    """As the index says, all of it or an account's."""
    assert await _get(client, "/api/v1/prop/payouts") == await queries.payouts(indexed.store)
    account = indexed.world.accounts[1]
    mine = await _get(client, f"/api/v1/prop/payouts?address={account}")
    assert mine == await queries.payouts(indexed.store, account)
    assert await _get(client, "/api/v1/races") == await queries.races(indexed.store)
    assert await _get(client, f"{API}/positions/{account}/races") == []
    answer = await client.get("/api/v1/races/NONE")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_how_the_index_stands(client: httpx.AsyncClient, indexed: Indexed) -> None:
    """The same as `chain-kit index status` asks."""
    found = await _get(client, "/api/v1/index/status")
    known = await queries.status(indexed.store)
    assert found == {name: value for name, value in known.items() if name in found}
    assert set(found) >= STAMP | {"head", "behind", "events"}


async def test_assets(client: httpx.AsyncClient) -> None:
    """Those with a market first; by kind, by part of a name, by page; and how many there are."""
    answer = await client.get(f"{API}/assets")
    rows = answer.json()
    assert answer.headers["x-total-count"] == str(len(rows))
    assert (rows[0]["symbol"], rows[0]["has_market"], rows[0]["coingecko_id"]) == ("BTC", True, "bitcoin")
    assert rows[0]["market_address"] == address_of("BTC facade")
    assert rows[0]["current_price"] is not None
    assert {row["has_market"] for row in rows[1:]} == {False}
    stocks = await _get(client, f"{API}/assets?asset_type=stock")
    assert {row["asset_type"] for row in stocks} == {"stock"}
    assert [row["symbol"] for row in await _get(client, f"{API}/assets?search=bitC")] == ["BTC"]
    assert await _get(client, f"{API}/assets?has_market=false&limit=2") == rows[1:3]
    assert await _get(client, f"{API}/assets?page=2&page_size=4") == rows[4:8]
    stats = await _get(client, f"{API}/assets/stats")
    assert stats["total_assets"] == len(rows)
    assert (stats["stocks"], stats["active_markets"]) == (len(stocks), 1)
    kinds = ("cryptocurrencies", "stocks", "forex", "commodities")
    assert sum(stats[kind] for kind in kinds) == stats["total_assets"]


def test_a_later_version_of_a_market_is_of_the_same_asset() -> None:
    """And what nobody has heard of is called what it is called."""
    assert facts_of("AAPL_V2") == ("AAPL_V2", "Apple", "stock", "Technology", None)
    assert facts_of("ABC") == ("ABC", "ABC", "crypto", None, None)


@pytest.mark.parametrize("path", [f"{API}/markets", f"{API}/markets/XYZ/status", "/readyz", "/", "/nothing"])
async def test_head_is_get_without_the_body(client: httpx.AsyncClient, path: str) -> None:
    """The same status and headers."""
    get, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_other_sites_may_read(client: httpx.AsyncClient) -> None:
    """Any origin, to read; headers that say what is left are theirs to see, too."""
    origin = {"origin": "https://bots.example"}
    answer = await client.get(f"{API}/markets", headers=origin)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "X-RateLimit-Remaining" in answer.headers["access-control-expose-headers"]
    asked = {**origin, "access-control-request-method": "GET"}
    preflight = await client.options(f"{API}/markets", headers=asked)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"


async def test_headers_that_browsers_obey(client: httpx.AsyncClient) -> None:
    """No sniffing, no frames, no scripts out of JSON; the page brings its own policy, and only one."""
    for path in (f"{API}/markets", "/nothing", "/"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert len(headers.get_list("content-security-policy")) == 1
        assert "server" not in headers
    assert "default-src 'none'" in (await client.get("/healthz")).headers["content-security-policy"]


async def test_both_databases_answer_the_same(
    database_url: str, indexed: Indexed, client: httpx.AsyncClient
) -> None:
    """Whatever is asked, from a file or from PostgreSQL."""
    account = indexed.world.accounts[0]
    paths = [f"{API}/markets", f"{API}/markets/BTC/epochs", f"{API}/markets/BTC/trades",
             f"{API}/positions/{account}", f"{API}/markets/BTC/candles", f"{API}/markets/BTC/mrt",
             "/api/v1/prop/reserve"]  # fmt: skip
    async with indexed_world(database_url), asking(database_url) as other:
        for path in paths:
            assert await _get(other, path) == await _get(client, path)


def test_the_description_is_true() -> None:
    """Every body is typed, every error has the envelope, nothing is said that does not happen."""
    document = create_app("nothing.db").openapi()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path, operations in document["paths"].items():
        assert set(operations) == {"get"}
        for status, response in operations["get"]["responses"].items():
            assert status in {"200", "400", "404", "429", "500", "503"}
            schema = next(iter(response["content"].values()))["schema"]
            assert schema, path
            if path.startswith("/api/") and status != "200":
                assert schema == {"$ref": "#/components/schemas/ErrorBody"}
            if path.startswith("/api/"):
                assert "X-RateLimit-Remaining" in response["headers"]
        for parameter in operations["get"].get("parameters", []):
            assert parameter["description"], (path, parameter["name"])


def test_every_endpoint_and_parameter_is_documented() -> None:
    """docs/http.md names each, and none that is not there."""
    text = (toolchain.root() / "docs" / "http.md").read_text(encoding="utf-8")
    paths = create_app("nothing.db").openapi()["paths"]
    documented = set(re.findall(r"^\| `(/[^`]*)` \|", text, flags=re.MULTILINE))
    assert documented == set(paths)
    for path, operations in paths.items():
        for parameter in operations["get"].get("parameters", []):
            assert parameter["in"] == "path" or f"`{parameter['name']}`" in text, path


async def test_an_index_of_a_file_can_be_read_beside_the_server(
    client: httpx.AsyncClient, indexed: Indexed
) -> None:
    """The server holds nothing that another reader would wait for."""
    async with open_database(indexed.path) as database:
        assert await _get(client, f"{API}/markets")
        assert await queries.markets(database)
