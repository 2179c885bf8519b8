from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import PriceFileError
from chain_kit.price_sources import RecordedPrices, ReplayedPrices
from chain_kit.prices import DAY, EPOCH, PriceSeries

E18 = 10**18
START = 1_641_600_000
"""Midnight UTC."""


def series(*timestamps: int) -> PriceSeries:
    """Prices at these times, each a different one."""
    return PriceSeries("prices.csv", {ts: (ts % 1000 + 1) * E18 for ts in timestamps})


class TestRecorded:
    """Prices on their own clock."""

    async def test_answers_by_feed(self) -> None:
        """Each feed has its series; an unknown one has no price."""
        source = RecordedPrices({"BTC/USD": series(300)})

        assert await source.price_e18("BTC/USD", 300) == series(300).price_e18(300)
        assert await source.price_e18("BTC/USD", 600) is None
        assert await source.price_e18("ETH/USD", 300) is None

    async def test_has_nothing_to_observe(self) -> None:
        """Its run ends at once."""
        await asyncio.wait_for(RecordedPrices({}).run(asyncio.Event()), 1)


class TestReplay:
    """Recorded days mapped onto live ones."""

    @pytest.fixture
    def days(self) -> PriceSeries:
        """The end of a day, two whole days, and the beginning of another."""
        return series(*range(START - 3600, START + 2 * DAY + 3600, EPOCH))

    def test_every_day_has_its_own_whenever_the_replay_began(self, days: PriceSeries) -> None:
        """A replay that is made anew plays the same, in a circle without end; the time of day stays."""
        replay, later = ReplayedPrices("BTC/USD", days), ReplayedPrices("BTC/USD", days)
        live = [1_800_000_000 + n * DAY for n in range(5)]

        mapped = [(replay.recorded(ts) - START) // DAY for ts in live]

        assert mapped in ([0, 1, 0, 1, 0], [1, 0, 1, 0, 1])
        assert [later.recorded(ts) for ts in live] == [replay.recorded(ts) for ts in live]
        assert {replay.recorded(ts) % DAY for ts in live} == {live[0] % DAY}

    @given(st.integers(0, 10**8))
    def test_boundaries_stay_boundaries(self, epochs: int) -> None:
        """Multiples of 300 s map onto multiples of 300 s, whole days away, and always to a price."""
        prices = series(*range(START, START + DAY, EPOCH))
        replay = ReplayedPrices("BTC/USD", prices)
        live = epochs * EPOCH

        recorded = replay.recorded(live)

        assert recorded % EPOCH == 0
        assert (live - recorded) % DAY == 0
        assert prices.price_e18(recorded) is not None

    async def test_answers_for_its_feed_only(self, days: PriceSeries) -> None:
        """With the price of the recorded instant."""
        replay, live = ReplayedPrices("BTC/USD", days), START + 7 * DAY + 600

        assert await replay.price_e18("BTC/USD", live) == days.price_e18(replay.recorded(live))
        assert await replay.price_e18("ETH/USD", live) is None

    def test_needs_a_whole_day(self) -> None:
        """Less would leave most of the clock without prices."""
        with pytest.raises(PriceFileError, match="no whole day"):
            ReplayedPrices("BTC/USD", series(*range(START, START + DAY - EPOCH, EPOCH)))
