from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chain_kit.errors import SettingError
from chain_kit.guard import DeadMan
from tests.keeper_support.web import WebServer

SECRET = "/ping/5f1c9a3e-secret?key=also-secret"


class Listener:
    """Who is told whether pings arrived."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bool]] = []

    def __call__(self, action: str, arrived: bool) -> None:
        """Writes it down."""
        self.heard.append((action, arrived))


@asynccontextmanager
async def pinging(url: str, **options: Any) -> AsyncIterator[tuple[DeadMan, Listener]]:
    """A dead man's signal for "post"; when this ends its pings have."""
    dead_man, listener = DeadMan({"post": url}, **options), Listener()
    dead_man.on_ping = listener
    yield dead_man, listener
    await dead_man.aclose()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_pings_the_action_s_url(method: Any) -> None:
    """With all of its path and query."""
    async with WebServer() as server:
        async with pinging(server.url + SECRET, method=method) as (dead_man, listener):
            dead_man.effect("post")

        assert server.requests == [f"{method} {SECRET}"]
    assert listener.heard == [("post", True)]


async def test_pings_nobody_for_other_actions() -> None:
    """Silence about one action must not be filled by another."""
    async with WebServer() as server:
        async with pinging(server.url) as (dead_man, listener):
            dead_man.effect("claim")

        assert (server.requests, listener.heard) == ([], [])


async def test_pings_no_more_often_than_it_may() -> None:
    """The first of many effects, and again when the time has passed."""
    async with WebServer() as server:
        async with pinging(server.url, least_seconds=3_600) as (dead_man, _):
            for _ in range(5):
                dead_man.effect("post")
            await server.asked(1)
            dead_man._last["post"] -= 3_600
            dead_man.effect("post")

        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("500 Internal Server Error", "HTTP status 500"),
        ("404 Not Found", "HTTP status 404"),
        ("302 Found\r\nlocation: http://127.0.0.2/elsewhere", "it redirects elsewhere"),
        ("302 Found\r\nlocation: http://127.0.0.1:1/other-port", "it redirects elsewhere"),
        ("302 Found\r\nlocation: /ping/loop", "it redirects too often"),
        ("302 Found\r\nlocation: http://[", "it redirects elsewhere"),
        ("none", "RemoteProtocolError"),
        (None, "no answer within 0.3 s"),
    ],
)
async def test_a_ping_that_fails_is_logged(
    answer: str | None, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And stops nobody; no more of the URL is shown than its host."""
    loop = "302 Found\r\nlocation: /ping/loop"
    async with WebServer({SECRET: answer, "/ping/loop": loop}) as server:
        with caplog.at_level(logging.DEBUG):
            async with pinging(server.url + SECRET, timeout_seconds=0.3) as (dead_man, listener):
                dead_man.effect("post")
        expected = f"the ping of post to {server.url}/… did not arrive: {problem}"

    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == [expected]
    assert "secret" not in caplog.text
    assert listener.heard == [("post", False)]


async def test_nobody_there_is_logged() -> None:
    """The service is down, the keeper goes on."""
    async with WebServer() as server:
        url = server.url
    async with pinging(url) as (dead_man, listener):
        dead_man.effect("post")

    assert listener.heard == [("post", False)]


async def test_follows_to_another_place_on_the_same_host() -> None:
    """A service may have moved its paths."""
    async with WebServer({"/old": "301 Moved\r\nlocation: /new"}) as server:
        async with pinging(server.url + "/old") as (dead_man, listener):
            dead_man.effect("post")

        assert server.requests == ["GET /old", "GET /new"]
    assert listener.heard == [("post", True)]


async def test_a_ping_that_arrives_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """Not even where every library logs all that it does."""
    async with WebServer() as server:
        with caplog.at_level(logging.DEBUG):
            async with pinging(server.url + SECRET) as (dead_man, _):
                dead_man.effect("post")

    assert "HTTP Request" in caplog.text
    assert "secret" not in caplog.text + repr(dead_man)


@pytest.mark.parametrize(
    "url", ["", "hc-ping.com/secret", "ftp://host/secret", "https:///secret", "http://[secret"]
)
def test_refuses_what_is_no_url(url: str) -> None:
    """At the start, without showing it."""
    with pytest.raises(SettingError, match="the dead man's URL of post is not one") as caught:
        DeadMan({"post": url})

    assert "secret" not in str(caught.value) + caught.value.hint


async def test_ends_with_its_pings() -> None:
    """What is on its way arrives; ending twice is fine."""
    async with WebServer() as server, pinging(server.url) as (dead_man, _):
        dead_man.effect("post")
        await dead_man.aclose()
        assert len(server.requests) == 1
