from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from chain_kit.errors import PriceSourceError
from chain_kit.keepers.trade.prices import Spot
from chain_kit.keepers.trade.spot import HermesSpot, HttpSpot
from chain_kit.lmsr import WAD

NOW = 1_700_000_123
ID = "ab" * 32


def answering(document: Any, asked: list[httpx.URL] | None = None) -> httpx.MockTransport:
    """A server that says this, whatever it is asked."""

    def handle(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request.url)
        return httpx.Response(200, text=document if isinstance(document, str) else json.dumps(document))

    return httpx.MockTransport(handle)


def update(**changes: Any) -> dict[str, Any]:
    """A document of Hermes with one update: 40,000.5, certain, two seconds ago."""
    price = {"price": "4000050", "conf": "10", "expo": -2, "publish_time": NOW - 2}
    return {"parsed": [{"id": ID, "price": price | changes}]}


class TestHttp:
    """A JSON document."""

    def source(self, document: Any, **options: Any) -> HttpSpot:
        """A source whose price is at data.price."""
        transport = answering(document)
        return HttpSpot("BTC/USD", "https://prices.example/v1", "data.price", transport=transport, **options)

    async def test_is_of_now_if_it_does_not_say_of_when(self) -> None:
        """It was read this moment; exactly as it is written."""
        source = self.source('{"data": {"price": 40000.1}}')

        assert await source.spot("BTC/USD", NOW) == Spot(400_001 * WAD // 10, NOW)
        assert await source.spot("ETH/USD", NOW) is None
        await source.aclose()

    @pytest.mark.parametrize("said", [NOW - 7, (NOW - 7) * 1000 + 999])
    async def test_is_of_the_time_that_it_says(self, said: int) -> None:
        """In seconds or milliseconds; whether it is fresh is for the keeper to say."""
        source = self.source({"data": {"price": "5"}, "t": said}, time_path="t")

        assert await source.spot("BTC/USD", NOW) == Spot(5 * WAD, NOW - 7)
        await source.aclose()

    @pytest.mark.parametrize(
        "document",
        [
            "<html>",
            {"data": {}},
            {"data": {"price": 0}},
            {"data": {"price": 1}},
            {"data": {"price": 1}, "t": "x"},
        ],
    )
    async def test_never_makes_a_price_up(self, document: Any) -> None:
        """What is no price, or has no time where one was promised, is an error."""
        source = self.source(document, time_path="t")

        with pytest.raises(PriceSourceError, match="no price from"):
            await source.spot("BTC/USD", NOW)
        await source.aclose()


class TestHermes:
    """Pyth's server."""

    def source(self, document: Any, asked: list[httpx.URL] | None = None) -> HermesSpot:
        """A source of one feed."""
        return HermesSpot("https://hermes.example", {"BTC/USD": ID}, transport=answering(document, asked))

    async def test_is_the_latest_update(self) -> None:
        """With its own time."""
        asked: list[httpx.URL] = []
        source = self.source(update(), asked)

        assert await source.spot("BTC/USD", NOW) == Spot(400_005 * WAD // 10, NOW - 2)
        assert [url.path for url in asked] == ["/v2/updates/price/latest"]
        assert await source.spot("ETH/USD", NOW) is None
        await source.aclose()

    @pytest.mark.parametrize("document", [update(conf="40002"), {"parsed": []}, {"parsed": None}])
    async def test_is_none_while_pyth_does_not_know(self, document: Any) -> None:
        """A wide interval, or no update at all."""
        source = self.source(document)

        assert await source.spot("BTC/USD", NOW) is None
        await source.aclose()

    @pytest.mark.parametrize("document", [[], {}, {"parsed": [{}]}, update(price="much"), update(expo=-19)])
    async def test_refuses_what_is_no_update(self, document: Any) -> None:
        """Rather than read something into it."""
        source = self.source(document)

        with pytest.raises(PriceSourceError, match="not an update of Pyth"):
            await source.spot("BTC/USD", NOW)
        await source.aclose()
