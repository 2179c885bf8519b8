from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import PriceSourceError, SettingError
from chain_kit.price_sources import MedianPriceSource


class Says:
    """A source that says one thing; None for nothing, an error for one that fails."""

    def __init__(self, price_e18: int | PriceSourceError | None) -> None:
        self.price = price_e18
        self.ran = False

    async def price_e18(self, feed: str, boundary: int) -> int | None:  # noqa: ARG002
        """What it says of anything."""
        if isinstance(self.price, PriceSourceError):
            raise self.price
        return self.price

    async def run(self, stop: asyncio.Event) -> None:
        """Observes until it is stopped."""
        await stop.wait()
        self.ran = True


async def ask(*prices: int | PriceSourceError | None, least: int = 2, bps: int = 50) -> int | None:
    """What the median of such sources is."""
    median = MedianPriceSource([Says(price) for price in prices], least=least, max_deviation_bps=bps)
    return await median.price_e18("BTC/USD", 300)


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ((10_000, 10_010, 10_020), 10_010),
        ((10_000, 10_010), 10_000),
        ((10_000, 10_010, None), 10_000),
        ((10_000, 10_010, 99_999), 10_000),
        ((1, 10_000, 10_010, 10_020), 10_010),
        ((10_000, None, None), None),
        ((10_000, 20_000), None),
        ((10_000, 20_000, 30_000), None),
        ((10_000, 10_001, 20_000, 20_001), None),
        ((10_000, 10_001, 10_002, 20_000, 20_001), 10_001),
    ],
)
async def test_is_the_lower_median_of_those_that_agree(
    prices: tuple[int | None, ...], expected: int | None
) -> None:
    """Outliers and sources that know nothing do not count; with too few left there is no price."""
    assert expected == await ask(*prices)


async def test_a_source_that_fails_is_one_that_does_not_know(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the others are enough."""
    assert await ask(PriceSourceError("it is down"), 10_000, 10_001) == 10_000
    assert "it is down" in caplog.text


@given(st.lists(st.integers(1, 10**24), min_size=1, max_size=9), st.data())
def test_never_makes_a_price_up(prices: list[int], data: st.DataObject) -> None:
    """What it gives, one source gave; and at least as many as are asked for are near it."""
    least = data.draw(st.integers(1, len(prices)))

    found = asyncio.run(ask(*prices, least=least))

    if found is not None:
        assert found in prices
        middle = sorted(prices)[(len(prices) - 1) // 2]
        near = sum(abs(price - middle) * 10_000 <= middle * 50 for price in prices)
        assert near >= least
        assert near > len(prices) / 2


@given(st.lists(st.integers(1, 10**24), min_size=5, max_size=5), st.integers(0, 4), st.integers(1, 10**24))
def test_one_of_five_cannot_move_the_price_past_the_others(prices: list[int], liar: int, lie: int) -> None:
    """Whatever it says, what comes out lies between what the four others said."""
    honest = prices[:liar] + prices[liar + 1 :]
    said = [*prices[:liar], lie, *prices[liar + 1 :]]

    found = asyncio.run(ask(*said, least=3))

    assert found is None or min(honest) <= found <= max(honest)


@pytest.mark.parametrize(("least", "bps"), [(0, 50), (3, 50), (1, 0), (1, 10_000)])
def test_refuses_bounds_that_cannot_be_met(least: int, bps: int) -> None:
    """More sources than there are, or none, or any deviation."""
    with pytest.raises(SettingError):
        MedianPriceSource([Says(1), Says(2)], least=least, max_deviation_bps=bps)


async def test_lets_all_sources_observe_until_it_is_stopped() -> None:
    """It ends when they have."""
    sources, stop = [Says(1), Says(2)], asyncio.Event()
    running = asyncio.create_task(MedianPriceSource(sources, least=1).run(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert all(source.ran for source in sources)
