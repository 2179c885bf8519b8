from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from chain_kit.errors import PriceSourceError, SettingError
from chain_kit.price_sources import HermesPriceSource

START = 1_714_746_000
BTC = "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43"


def update(**changes: Any) -> dict[str, Any]:
    """A document of Hermes's form with one update, two seconds after START."""
    facts = {"price": "6140993501000", "conf": "3287868567", "expo": -8, "publish_time": START + 2}
    price = facts | {name: value for name, value in changes.items() if name in facts}
    return {
        "binary": {"encoding": "hex", "data": ["504e4155"]},
        "parsed": [
            {
                "id": changes.get("id", BTC),
                "price": price,
                "ema_price": {**price, "price": "1"},
                "metadata": {
                    "slot": 138881186,
                    "proof_available_time": START + 3,
                    "prev_publish_time": changes.get("before", START - 1),
                },
            }
        ],
    }


class Server:
    """Answers with one document, and remembers what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[httpx.URL] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        self.asked.append(request.url)
        if isinstance(self.answer, httpx.Response):
            return self.answer
        return httpx.Response(200, text=json.dumps(self.answer))


def source(server: Server, **options: Any) -> HermesPriceSource:
    """A source that asks this server."""
    ids = options.pop("ids", {"BTC/USD": f"0x{BTC}"})
    return HermesPriceSource("https://hermes.example/", ids, transport=httpx.MockTransport(server), **options)


async def test_gives_the_first_update_at_or_after_the_boundary() -> None:
    """Whole number and exponent become 1e18 fixed point, exactly; the boundary is what is asked for."""
    server = Server(update())
    hermes = source(server)

    assert await hermes.price_e18("BTC/USD", START) == 6_140_993_501_000 * 10**10
    assert server.asked[0].path == f"/v2/updates/price/{START}"
    assert server.asked[0].params["ids[]"] == BTC
    await hermes.aclose()


async def test_asks_once_for_a_price_that_it_has() -> None:
    """A boundary's first update does not change any more."""
    server = Server(update())
    hermes = source(server)

    first, second = [await hermes.price_e18("BTC/USD", START) for _ in range(2)]

    assert first == second
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"publish_time": START - 1},
        {"publish_time": START + 61},
        {"before": START},
        {"before": START + 1},
        {"conf": "61409935011"},
        {"id": "00" * 32},
    ],
    ids=[
        "before the boundary",
        "too late",
        "not the first",
        "later ones before it",
        "too uncertain",
        "another",
    ],
)
async def test_an_update_that_is_not_the_boundarys_is_no_price(changes: dict[str, Any]) -> None:
    """Only the first at or after the boundary counts, if it is certain enough: nobody can choose."""
    assert await source(Server(update(**changes))).price_e18("BTC/USD", START) is None


async def test_knows_its_feeds_only() -> None:
    """Another feed is not asked for."""
    server = Server(update())

    assert await source(server).price_e18("ETH/USD", START) is None
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([], "not an update of Pyth"),
        ({"parsed": [{"id": BTC}]}, "not an update of Pyth"),
        (update(price="-5"), "not an update of Pyth"),
        (update(price="0", conf="0"), "not an update of Pyth"),
        (update(expo=-40), "an exponent of -40"),
        (update(expo=10**9), "an exponent of 1000000000"),
        (update(price="1" * 40), "a price beyond 64 bits"),
        (update(conf="-1"), "a price beyond 64 bits"),
        (httpx.Response(404), "HTTP status 404"),
        (httpx.Response(200, text="<html>"), "it is not JSON"),
        (httpx.Response(302, headers={"location": "https://elsewhere.example"}), "HTTP status 302"),
        (httpx.Response(200, content=b" " * 10_000_000), "more than 65536 bytes"),
    ],
)
async def test_refuses_nonsense(answer: Any, reason: str) -> None:
    """One error for all of it, which names the server."""
    with pytest.raises(PriceSourceError, match=reason) as caught:
        await source(Server(answer)).price_e18("BTC/USD", START)
    assert "https://hermes.example" in caught.value.message


async def test_does_not_wait_for_a_slow_server() -> None:
    """One that sends a byte now and then is cut off as well."""

    async def drip() -> Any:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    hermes = source(Server(httpx.Response(200, content=drip())), timeout_seconds=0.1)

    with pytest.raises(PriceSourceError, match=r"no answer within 0\.1 s"):
        await hermes.price_e18("BTC/USD", START)


async def test_a_failure_is_not_remembered() -> None:
    """The next round asks again, and may hear the price."""
    server = Server(httpx.Response(503))
    hermes = source(server)
    with pytest.raises(PriceSourceError, match="HTTP status 503"):
        await hermes.price_e18("BTC/USD", START)

    server.answer = update()

    assert await hermes.price_e18("BTC/USD", START) is not None


async def test_an_empty_answer_is_no_price() -> None:
    """A feed that the server does not know has none."""
    assert await source(Server({"parsed": []})).price_e18("BTC/USD", START) is None


def test_refuses_an_id_that_is_none() -> None:
    """An id is 64 hexadecimal digits."""
    with pytest.raises(SettingError, match="no id of Pyth"):
        source(Server({}), ids={"BTC/USD": "BTC"})


async def test_has_nothing_to_observe() -> None:
    """Its run ends at once: the past can be asked for."""
    await asyncio.wait_for(source(Server({})).run(asyncio.Event()), 1)
