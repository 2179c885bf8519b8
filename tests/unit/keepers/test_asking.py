from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from chain_kit.errors import PriceSourceError
from chain_kit.keepers.asking import PriceDesk
from chain_kit.keepers.needs import Point
from chain_kit.oracle import feed_id

BTC, ETH = Point(feed_id("BTC/USD"), 3_000), Point(feed_id("ETH/USD"), 3_000)


class Source:
    """Answers as it is told, and notes what it was asked."""

    def __init__(self, answer: Callable[[str], object]) -> None:
        self._answer = answer
        self.asked: list[str] = []
        self.now = self.most = 0
        self.both = asyncio.Event()

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """A price, nothing, an error, or never."""
        self.asked.append(f"{feed}@{boundary}")
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now == 2:
            self.both.set()
        try:
            await asyncio.sleep(0)
            answer = self._answer(feed)
            if isinstance(answer, asyncio.Event):
                await answer.wait()
        finally:
            self.now -= 1
        if isinstance(answer, Exception):
            raise answer
        assert answer is None or isinstance(answer, int)
        return answer

    async def run(self, stop: asyncio.Event) -> None:
        """Observes nothing."""


async def test_one_feed_s_failure_is_not_another_s(caplog: pytest.LogCaptureFixture) -> None:
    """The price that is known comes; the failure is kept for the end of the round."""
    down = PriceSourceError("it is down")
    desk = PriceDesk(Source(lambda feed: down if feed == "BTC/USD" else 5))

    asked = await desk.ask([BTC, ETH], 3_001)

    assert asked.prices == {ETH: 5}
    assert asked.missing == [BTC]
    assert asked.failure is down
    assert "BTC/USD@3000: it is down" in caplog.text


async def test_one_that_does_not_answer_holds_up_nobody() -> None:
    """After the round's time it is missing, and nothing goes on in the background."""
    never = asyncio.Event()
    source = Source(lambda feed: never if feed == "BTC/USD" else 5)

    asked = await PriceDesk(source, seconds=0.05).ask([BTC, ETH], 3_001)

    assert (asked.prices, asked.missing, asked.failure) == ({ETH: 5}, [BTC], None)
    assert source.now == 0


async def test_being_stopped_stops_the_asking() -> None:
    """Cancelled in the middle, it leaves no task behind."""
    never = asyncio.Event()
    source = Source(lambda _: never)
    asking = asyncio.create_task(PriceDesk(source).ask([BTC, ETH], 3_001))
    await asyncio.wait_for(source.both.wait(), 5)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert source.now == 0


async def test_asks_for_so_many_at_a_time() -> None:
    """A source on the web is not overrun after an outage."""
    source = Source(lambda _: 5)

    asked = await PriceDesk(source, at_once=3).ask([Point(BTC.feed, n * 300) for n in range(20)], 9_000)

    assert len(asked.prices) == 20
    assert source.most == 3


@pytest.mark.parametrize("clock", ["chain", "own"])
async def test_asks_again_the_less_often_the_longer_it_is_in_vain(clock: str) -> None:
    """In the next round, then after pauses that double up to half a minute, by the faster of two clocks."""
    source, now = Source(lambda _: None), [0]
    desk = PriceDesk(source, clock=lambda: now[0] if clock == "own" else 0)
    times = []
    for second in range(200):
        now[0] = second
        before = len(source.asked)
        asked = await desk.ask([BTC], 3_000 + (second if clock == "chain" else 0))
        assert asked.missing == [BTC]
        times += [second] * (len(source.asked) - before)

    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses == [1, 1, 3, 7, 15, 30, 30, 30, 30, 30]


@pytest.mark.parametrize("price_e18", [0, -1, 2**128 - 1, 2**200])
async def test_a_price_that_the_oracle_refuses_is_none(
    price_e18: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It would take all of its batch with it."""
    asked = await PriceDesk(Source(lambda _: price_e18)).ask([BTC], 3_001)

    assert (asked.prices, asked.missing) == ({}, [BTC])
    assert "not a price that the oracle takes" in caplog.text


async def test_a_bug_in_a_source_is_not_hidden() -> None:
    """Only what a source says of itself is passed over."""
    with pytest.raises(KeyError):
        await PriceDesk(Source(lambda _: KeyError("oops"))).ask([BTC], 3_001)
