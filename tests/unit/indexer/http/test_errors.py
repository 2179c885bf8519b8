from __future__ import annotations

from typing import Any

import httpx
import pytest

from indexer.http.errors import ErrorBody
from tests.http_support.serving import API, asking
from tests.index_support.chain import address_of
from tests.unit.indexer.http.conftest import Indexed

NOBODY = address_of("nobody")
MISTYPED = NOBODY.swapcase().replace("0X", "0x")


async def _error(client: httpx.AsyncClient, path: str, status: int) -> dict[str, Any]:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    return ErrorBody.model_validate_json(answer.content).error.model_dump()


@pytest.mark.parametrize(
    "path",
    ["XYZ/status", "XYZ", "XYZ/epochs", "XYZ/epochs/1", "XYZ/orderbook", "XYZ/candles", "XYZ/trades",
     "XYZ/mrt", "XYZ/mrt/holders", f"XYZ/position/{NOBODY}", "btc/status"],
)  # fmt: skip
async def test_an_unknown_market(client: httpx.AsyncClient, path: str) -> None:
    """MARKET_NOT_FOUND with its symbol, from every endpoint of a market."""
    symbol = path.partition("/")[0]
    assert await _error(client, f"{API}/markets/{path}", 404) == {
        "code": "MARKET_NOT_FOUND",
        "message": f"Market '{symbol}' not found",
        "details": {"symbol": symbol},
    }


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("markets/B%20C/status", "symbol"),
        ("markets/%00/status", "symbol"),
        (f"markets/{'X' * 32}/status", "symbol"),
        ("markets/0x1234567890123456789012345678901234567890a/status", "symbol"),
        ("markets/BTC/position/0x1234", "address"),
        ("markets/BTC/position/nobody", "address"),
        (f"markets/BTC/position/{NOBODY}?epoch=0", "epoch"),
        (f"markets/BTC/position/{NOBODY}?epoch=now", "epoch"),
        ("markets/BTC/epochs/0", "epoch"),
        ("markets/BTC/epochs/-1", "epoch"),
        ("markets/BTC/epochs/1.5", "epoch"),
        (f"markets/BTC/epochs/{2**40}", "epoch"),
        (f"markets/BTC/epochs/{'9' * 5000}", "epoch"),
        ("markets/BTC/epochs?limit=0", "limit"),
        ("markets/BTC/epochs?limit=501", "limit"),
        ("markets/BTC/epochs?page=", "page"),
        ("markets/BTC/epochs?at_block=latest", "at_block"),
        ("markets/BTC/candles?interval=7m", "interval"),
        (f"markets/BTC/trades?before={2**63}", "before"),
        ("assets?asset_type=bond", "asset_type"),
        ("assets?page_size=100000", "page_size"),
        (f"assets?search={'x' * 65}", "search"),
    ],
)
async def test_a_malformed_parameter(client: httpx.AsyncClient, path: str, parameter: str) -> None:
    """INVALID_PARAMETER, which names it."""
    error = await _error(client, f"{API}/{path}", 400)
    assert (error["code"], error["details"]["parameter"]) == ("INVALID_PARAMETER", parameter)
    assert len(error["message"]) < 300


@pytest.mark.parametrize("path", [f"markets/{MISTYPED}/status", f"positions/{MISTYPED}"])
async def test_a_mistyped_address(client: httpx.AsyncClient, path: str) -> None:
    """A wrong checksum is never taken for another address."""
    error = await _error(client, f"{API}/{path}", 400)
    assert error["code"] == "INVALID_PARAMETER"
    assert error["details"] == {"address": MISTYPED}


@pytest.mark.parametrize(
    "path",
    ["perpetual/markets", "perpetual/markets/BTC/epochs", "perpetual/markets/BTC/epochs/1", "prop/reserve",
     f"perpetual/positions/{NOBODY}", f"perpetual/markets/BTC/position/{NOBODY}",
     "perpetual/markets/BTC/trades", "perpetual/markets/BTC/candles", "perpetual/markets/BTC/mrt",
     "prop/payouts", "races"],
)  # fmt: skip
async def test_a_block_that_is_not_indexed(client: httpx.AsyncClient, indexed: Indexed, path: str) -> None:
    """Beyond the head, and before the deployment: INVALID_PARAMETER, with what there is."""
    head = indexed.world.chain.tip.number
    beyond = await _error(client, f"/api/v1/{path}?at_block={head + 1}", 400)
    assert (beyond["code"], beyond["details"]) == ("INVALID_PARAMETER", {"at_block": head + 1, "head": head})
    before = await _error(client, f"/api/v1/{path}?at_block=1", 400)
    assert (before["code"], before["details"]) == ("INVALID_PARAMETER", {"at_block": 1, "first": 3})


async def test_what_a_market_does_not_have(client: httpx.AsyncClient) -> None:
    """An epoch that has not begun is not found, and the market is."""
    error = await _error(client, f"{API}/markets/BTC/epochs/999999", 404)
    assert (error["code"], error["details"]) == ("NOT_FOUND", {"symbol": "BTC", "epoch": 999_999})


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/v1/perpetual/", f"{API}/markets/", "/docs", "/page.py"]
)
async def test_an_unknown_path(client: httpx.AsyncClient, path: str) -> None:
    """The envelope, too."""
    assert (await _error(client, path, 404))["details"] == {"path": path}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", [f"{API}/markets", "/healthz", "/"])
async def test_only_reading(client: httpx.AsyncClient, method: str, path: str) -> None:
    """Every other method is refused, and told which are not."""
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert answer.json()["error"]["code"] == "METHOD_NOT_ALLOWED"


async def test_what_nobody_foresaw(indexed: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    """INTERNAL_SERVER_ERROR without a word of what is inside; the next request is answered."""

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret path /var/index.db")

    async with asking(indexed.path) as client:
        with monkeypatch.context() as patched:
            patched.setattr("indexer.queries.reserve", fail)
            answer = await client.get("/api/v1/prop/reserve")
        again = await client.get("/api/v1/prop/reserve")
        figures = (await client.get("/metrics")).text
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    assert again.status_code == 200
    assert "chain_kit_http_failures_total 1.0" in figures


async def test_a_database_that_fails(indexed: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which file it is, is not told to who asks over the network."""
    from chain_kit.errors import StoreCorruptError

    async def fail(*_: object, **__: object) -> None:
        raise StoreCorruptError("the database /var/index.db is corrupt")

    async with asking(indexed.path) as client:
        monkeypatch.setattr("indexer.queries.reserve", fail)
        error = await _error(client, "/api/v1/prop/reserve", 500)
    assert error == {"code": "INTERNAL_SERVER_ERROR", "message": "the index cannot be read", "details": {}}
