from __future__ import annotations

from typing import Any

import pytest

from chain_kit.errors import SettingError
from indexer.http.limits import Clients, ConnectionLimit, Limits, WindowLimit
from tests.http_support.serving import API, asking, serving
from tests.unit.indexer.http.conftest import Indexed


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        """The time."""
        return self.time


def test_a_minute_begins_with_the_first_request() -> None:
    """What is left goes down to none, and is whole again after the minute; others have their own."""
    watch = Watch()
    limit = WindowLimit(2, watch)
    assert limit.take("a") == (True, 2, 1, 1_060)
    watch.time += 59
    assert limit.take("a") == (True, 2, 0, 1_060)
    assert limit.take("a") == (False, 2, 0, 1_060)
    assert limit.take("b").allowed
    watch.time += 1
    assert limit.take("a") == (True, 2, 1, 1_120)


def test_looking_uses_nothing_up() -> None:
    """A count of 0 tells what is left."""
    limit = WindowLimit(1, Watch())
    assert limit.take("a", 0) == (True, 1, 1, 1_060)
    assert limit.take("a").remaining == 0
    assert limit.take("a", 0).allowed


def test_clients_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask, so many are kept and no more."""
    monkeypatch.setattr("indexer.http.limits._CLIENTS_MOST", 3)
    watch = Watch()
    limit = WindowLimit(1, watch)
    for client in "abcd":
        assert limit.take(client).allowed
        watch.time += 1
    assert limit.take("a").allowed
    assert not limit.take("d").allowed


def test_connections_are_given_back() -> None:
    """So many at one time: one that ends makes room for another."""
    limit = ConnectionLimit(1)
    with limit.one("a") as first, limit.one("a") as second, limit.one("b") as other:
        assert (first, second, other) == (True, False, True)
    with limit.one("a") as again:
        assert again


def _scope(peer: str, forwarded: str = "") -> dict[str, Any]:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return {"client": (peer, 1234), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("9.9.9.9", "1.2.3.4", "9.9.9.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, nonsense", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("10.0.0.1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8::1", "", "2001:db8::/64"),
        ("::ffff:1.2.3.4", "", "1.2.3.4"),
    ],
)
def test_who_asks(peer: str, forwarded: str, client: str) -> None:
    """Only trusted proxies are believed, and only what the first that is not one of them said to them."""
    assert Clients(["10.0.0.0/8"]).name(_scope(peer, forwarded)) == client


def test_nobody_is_trusted_unless_it_is_said() -> None:
    """Anyone can write the header."""
    assert Clients().name(_scope("127.0.0.1", "1.2.3.4")) == "127.0.0.1"
    with pytest.raises(SettingError, match="'localhost'"):
        Clients(["localhost"])


async def test_every_response_says_what_is_left(indexed: Indexed) -> None:
    """The headers count down; beyond the limit it is 429 with Retry-After, in the envelope."""
    async with asking(indexed.path, limits=Limits(requests_per_minute=3)) as client:
        left = []
        for path in ("/markets", "/nothing", "/markets/XYZ/epochs/1"):
            answer = await client.get(API + path)
            assert answer.headers["x-ratelimit-limit"] == "3"
            assert int(answer.headers["x-ratelimit-reset"]) > 1_600_000_000
            left.append(answer.headers["x-ratelimit-remaining"])
        refused = await client.get(f"{API}/markets")
        probe = await client.get("/healthz")
    assert left == ["2", "1", "0"]
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    error = refused.json()["error"]
    assert (error["code"], error["details"]["limit"]) == ("RATE_LIMIT_EXCEEDED", 3)
    assert (probe.status_code, probe.headers["x-ratelimit-remaining"]) == (200, "0")


async def test_the_documented_limits_hold_without_asking(indexed: Indexed) -> None:
    """100 requests a minute, for each client by itself, behind a proxy that is trusted."""
    options = {"limits": None, "trusted_proxies": ["127.0.0.0/8"]}
    async with asking(indexed.path, **options) as client:
        for _ in range(100):
            first = await client.get("/api/v1/nothing", headers={"x-forwarded-for": "1.1.1.1"})
            assert first.status_code == 404
        refused = await client.get("/api/v1/nothing", headers={"x-forwarded-for": "1.1.1.1"})
        other = await client.get("/api/v1/nothing", headers={"x-forwarded-for": "2.2.2.2"})
    assert (refused.status_code, other.status_code) == (429, 404)
    assert other.headers["x-ratelimit-limit"] == "100"


async def test_without_limits_there_are_no_headers(indexed: Indexed) -> None:
    """A limit that is off is not told of."""
    async with serving(indexed.path) as served:
        answer = await served.http.get(f"{API}/markets")
    assert "x-ratelimit-limit" not in answer.headers
