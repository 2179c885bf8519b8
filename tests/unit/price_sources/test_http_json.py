from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from chain_kit.errors import PriceSourceError
from chain_kit.price_sources import HttpPriceSource
from chain_kit.prices import DAY, EPOCH

E18 = 10**18
BOMB = b" " * 10_000_000
START = 1_641_600_000
"""Midnight UTC."""


class TestHttp:
    """A source on the web."""

    def source(
        self, answer: Any, *, now: list[float], path: str = "data.price", **options: Any
    ) -> HttpPriceSource:
        """A source whose server answers with `answer`: text, a response, an error, or a function."""

        def handle(request: httpx.Request) -> httpx.Response:
            given = answer(request) if callable(answer) else answer
            if isinstance(given, Exception):
                raise given
            return given if isinstance(given, httpx.Response) else httpx.Response(200, text=given)

        return HttpPriceSource(
            "BTC/USD",
            "https://user:secret@prices.example/key/v1",
            path,
            transport=httpx.MockTransport(handle),
            clock=lambda: now[0],
            **options,
        )

    @pytest.mark.parametrize(
        ("text", "path", "price_e18"),
        [
            ('{"data": {"price": 46377.1}}', "data.price", 463_771 * 10**17),
            ('{"data": {"price": "46377.1"}}', "data.price", 463_771 * 10**17),
            ('[{"last": 5}]', "0.last", 5 * E18),
            ('{"p": 0.100000000000000005}', "p", 100_000_000_000_000_005),
        ],
    )
    async def test_reads_the_price_at_its_path_exactly(self, text: str, path: str, price_e18: int) -> None:
        """Numbers or strings, in objects or lists; never through a binary float."""
        source = self.source(text, now=[START + 1], path=path)

        await source.poll()

        assert await source.price_e18("BTC/USD", START) == price_e18
        await source.aclose()

    async def test_a_boundary_has_the_first_price_seen_at_or_after_it(self) -> None:
        """Later observations do not change it."""
        now, prices = [START + 2.0], iter(["1", "2", "3"])
        source = self.source(lambda _: f'{{"data": {{"price": {next(prices)}}}}}', now=now)

        for seconds in (2, 4, 302):
            now[0] = START + seconds
            await source.poll()

        assert await source.price_e18("BTC/USD", START) == E18
        assert await source.price_e18("BTC/USD", START + EPOCH) == 2 * E18
        assert await source.price_e18("ETH/USD", START) is None

    async def test_a_price_seen_too_late_is_none(self) -> None:
        """What was not observed at the boundary is not known, and not made up."""
        source = self.source('{"data": {"price": 1}}', now=[START + 61.0], max_lag_seconds=60)

        await source.poll()

        assert await source.price_e18("BTC/USD", START) is None

    async def test_remembers_over_a_restart(self, tmp_path: Path) -> None:
        """A start price that somebody needs only later is not lost; what is older than a week is."""
        memory = tmp_path / "memory.json"
        now = [float(START)]
        await self.source('{"data": {"price": 1}}', now=now, memory=memory).poll()
        now[0] = START + 7 * DAY
        await self.source('{"data": {"price": 2}}', now=now, memory=memory).poll()

        later = self.source(httpx.ConnectError("down"), now=now, memory=memory)

        assert await later.price_e18("BTC/USD", START + 7 * DAY) == 2 * E18
        assert list(json.loads(memory.read_text())) == [str(START + 7 * DAY)]

    @pytest.mark.parametrize("text", ["{", "[1]", '{"x": "y"}'])
    def test_refuses_a_memory_that_is_none(self, tmp_path: Path, text: str) -> None:
        """The file is named, and left."""
        memory = tmp_path / "memory.json"
        memory.write_text(text)

        with pytest.raises(PriceSourceError, match=r"memory\.json does not hold observed prices"):
            self.source("", now=[0.0], memory=memory)

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (httpx.Response(500), "HTTP status 500"),
            (httpx.Response(302, headers={"location": "https://elsewhere.example"}), "HTTP status 302"),
            (httpx.ConnectError("secret"), "ConnectError"),
            ("x" * 10_000_000, "it sent more than 65536 bytes"),
            (
                httpx.Response(
                    200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(gzip.compress(BOMB))
                ),
                "a compressed answer that was not asked for",
            ),
            ("<html>", "it is not JSON"),
            ("[" * 100_000, "more than 65536 bytes"),
            ("[" * 60_000, "it is not JSON"),
            ('{"data": {}}', "there is no 'price'"),
            ('{"data": []}', "there is no 'price'"),
            ('{"data": {"price": null}}', "None is not a number"),
            ('{"data": {"price": true}}', "True is not a number"),
            ('{"data": {"price": {}}}', "{} is not a number"),
            ('{"data": {"price": NaN}}', "not a finite number"),
            ('{"data": {"price": -1}}', "not above zero"),
            ('{"data": {"price": "soon"}}', "'soon' is not a number"),
        ],
    )
    async def test_refuses_nonsense_without_showing_secrets(self, answer: Any, reason: str) -> None:
        """One error for all of it; the URL is shown without user, password and path."""
        source = self.source(answer, now=[START + 1.0])

        with pytest.raises(PriceSourceError) as caught:
            await source.poll()

        assert reason in caught.value.message
        assert "https://prices.example" in caught.value.message
        assert "secret" not in caught.value.message
        assert await source.price_e18("BTC/USD", START) is None

    async def test_does_not_wait_for_a_slow_server(self) -> None:
        """One that sends a byte now and then is cut off as well."""

        async def drip() -> Any:
            while True:
                yield b" "
                await asyncio.sleep(0.01)

        source = self.source(
            lambda _: httpx.Response(200, content=drip()), now=[START + 1.0], timeout_seconds=0.1
        )

        with pytest.raises(PriceSourceError, match=r"no answer within 0\.1 s"):
            await source.poll()

    async def test_polls_until_it_is_stopped(self, caplog: pytest.LogCaptureFixture) -> None:
        """A poll that fails is logged, and the next one comes."""
        stop, calls = asyncio.Event(), 0

        def answer(_: httpx.Request) -> httpx.Response:
            nonlocal calls
            calls += 1
            if calls == 3:
                stop.set()
                return httpx.Response(200, text='{"data": {"price": 5}}')
            return httpx.Response(503)

        source = self.source(answer, now=[START + 1.0], poll_seconds=0.001)
        await asyncio.wait_for(source.run(stop), 5)

        assert await source.price_e18("BTC/USD", START) == 5 * E18
        assert caplog.text.count("HTTP status 503") == 2

    @pytest.mark.parametrize(
        ("said", "reason"),
        [
            ("1641600003", None),
            ("1641600003500", None),
            ("1641599999", "is of 1641599999"),
            ("1641600061", "is of 1641600061"),
            ('"soon"', "no time at 'at'"),
        ],
    )
    async def test_a_price_of_another_time_is_refused(self, said: str, reason: str | None) -> None:
        """Where the document says of when its price is, that must be just after the boundary."""
        text = f'{{"p": 7, "at": {said}}}'
        source = self.source(text, now=[START + 5.0], path="p", time_path="at")

        if reason is None:
            await source.poll()
            assert await source.price_e18("BTC/USD", START) == 7 * E18
        else:
            with pytest.raises(PriceSourceError, match=reason):
                await source.poll()
