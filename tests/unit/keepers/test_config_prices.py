from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chain_kit.cli.local.samples import SAMPLE_PRICES
from chain_kit.errors import PriceSourceError
from chain_kit.keepers.config import FleetConfig
from chain_kit.keepers.config.prices import FirstSpot, PriceConfig, SourceConfig
from chain_kit.keepers.fleet.parts import FeedPrices, choose_names
from chain_kit.keepers.trade.prices import Spot
from chain_kit.price_sources import HttpPriceSource, MedianPriceSource, RecordedPrices, ReplayedPrices
from chain_kit.prices import DAY, EPOCH
from tests.keeper_support.configs import write_config
from tests.system_support.prices import sample_rows

FEED = "BTC/USD"
HTTP = SourceConfig("http", url="https://p.example/btc")
HERMES = SourceConfig("hermes", url="https://hermes.example", id="ab" * 32)
CSV, REPLAY = SourceConfig("csv", file=SAMPLE_PRICES), SourceConfig("replay", file=SAMPLE_PRICES)


def price(*sources: SourceConfig, least: int = 1) -> PriceConfig:
    """The prices of a feed."""
    return PriceConfig(FEED, sources, least, 50)


class Told:
    """A spot source that says what it is told, and notes that it was closed."""

    def __init__(self, answer: Spot | PriceSourceError | None) -> None:
        self.answer = answer
        self.closed = False

    async def spot(self, feed: str, now: int) -> Spot | None:
        """What it was told."""
        assert (feed, now) == (FEED, 7)
        if isinstance(self.answer, PriceSourceError):
            raise self.answer
        return self.answer

    async def aclose(self) -> None:
        """Notes it."""
        self.closed = True


async def test_one_source_is_itself_and_several_are_a_median(tmp_path: Path) -> None:
    """Each kind becomes its own source."""
    kinds = [type(price(one).source(tmp_path)) for one in (CSV, REPLAY, HTTP)]
    assert kinds == [RecordedPrices, ReplayedPrices, HttpPriceSource]
    assert isinstance(price(HTTP, HERMES, least=2).source(tmp_path), MedianPriceSource)


async def test_what_was_observed_is_kept_beside_the_outbox(tmp_path: Path) -> None:
    """In a file for each source, unless the source names one."""
    own = SourceConfig("http", url="https://p.example", memory=tmp_path / "own.json")
    source = price(own, HTTP, least=1).source(tmp_path)
    assert isinstance(source, MedianPriceSource)
    memories = [one._observed._memory for one in source._sources if isinstance(one, HttpPriceSource)]

    assert memories == [tmp_path / "own.json", tmp_path / "prices-btc-usd-2.json"]


@pytest.mark.parametrize("kind", [CSV, REPLAY])
async def test_recorded_prices_are_spot_prices_too(kind: SourceConfig) -> None:
    """At the recorded instant; a replayed day is today."""
    (ts, close), days = sample_rows()[10], 3 * DAY if kind is REPLAY else 0
    found = await price(kind).spot().spot(FEED, ts + days + 5)

    assert found is not None
    assert (found.at, found.price_e18) == (ts + days, int(float(close) * 100) * 10**16)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((Spot(1, 7), Spot(2, 7)), Spot(1, 7)),
        ((None, Spot(2, 7)), Spot(2, 7)),
        ((PriceSourceError("down"), Spot(2, 7)), Spot(2, 7)),
        ((None, None), None),
    ],
)
async def test_the_first_that_has_a_price(
    answers: tuple[Spot | PriceSourceError | None, ...], expected: Spot | None
) -> None:
    """One that fails does not keep the next from being asked; all are closed."""
    sources = [Told(answer) for answer in answers]
    first = FirstSpot(list(sources))

    assert await first.spot(FEED, 7) == expected
    await first.aclose()
    assert all(source.closed for source in sources)


async def test_a_failure_is_raised_where_nobody_has_a_price() -> None:
    """It says more than that there is none."""
    with pytest.raises(PriceSourceError, match="down"):
        await FirstSpot([Told(PriceSourceError("down")), Told(None)]).spot(FEED, 7)


async def test_each_feed_asks_its_own_source(tmp_path: Path) -> None:
    """A feed that is not configured has no price; observing ends with its sources."""
    prices = FeedPrices.of(FleetConfig.load(write_config(tmp_path)))
    boundary = next(ts for ts, _ in sample_rows() if ts % EPOCH == 0)

    assert await prices.price_e18(FEED, boundary) is not None
    assert await prices.price_e18("ETH/USD", boundary) is None
    await asyncio.wait_for(prices.run(asyncio.Event()), 30)
    await prices.aclose()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ((), ("resolve", "claim", "trade:BTC")),
        (("claim", "resolve"), ("resolve", "claim")),
        (("trade",), ("trade:BTC",)),
        (("trade:BTC", "trade"), ("trade:BTC",)),
    ],
)
def test_keepers_go_by_name_or_by_kind(
    tmp_path: Path, wanted: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """In the order of the file's kinds, each once."""
    assert choose_names(FleetConfig.load(write_config(tmp_path)), wanted) == expected
