from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from chain_kit.errors import UnknownMarketError
from chain_kit.units import format_units, iso_utc
from indexer import queries
from indexer.store import Store, open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain, address_of, raw_event
from tests.index_support.world import LIQUIDITY, World

FIRST = DEPLOYMENT.first_block
DAY = 86_400
B = 10**20
OPENING = 69_314_718_055_994_531_000
FEED = b"BTC/USD".ljust(32, b"\0")
A = address_of("a")


class House:
    """A market whose house has a budget, from the start of a UTC day on."""

    def __init__(self, *, daily: int = 100 * OPENING, budget: int = 100 * OPENING) -> None:
        self.start = 1_700_006_400
        self.chain = FakeChain(start_at=self.start - 3)
        terms = (self.start, B, 100, 4_000, 300, daily)
        self.mine(
            raw_event("BoundaryOracle", "FeedRegistered", FEED, 1, A, 600),
            raw_event("EpochHub", "MarketCreated", 1, address_of("facade"), FEED, A, "BTC", *terms),
            raw_event("EpochHub", "Deposited", A, A, budget),
            raw_event("EpochHub", "HouseFunded", 1, A, budget),
        )

    def mine(self, *events: Any, at: int | None = None) -> None:
        """A block of events, at an instant."""
        seconds = 1 if at is None else at - self.chain.tip.timestamp
        self.chain.mine(*events, seconds=seconds)

    def hub(self, name: str, *values: Any, at: int | None = None) -> None:
        """A block with one event of the hub."""
        self.mine(raw_event("EpochHub", name, *values), at=at)

    async def status(self, url: str, now: int, **asked: Any) -> queries.MarketStatusAnswer:
        """The market's status, out of an index of all this."""
        async with open_store(url, DEPLOYMENT) as store:
            if await store.tip() is None:
                await store.take(self.chain.forward(FIRST))
            return await queries.market_status(store, "BTC", now, **asked)

    async def trades(self, url: str, now: int) -> bool:
        """Whether it takes trades."""
        return (await self.status(url, now))["trading_active"]


async def test_a_running_epoch(database_url: str) -> None:
    """Start price, the time that is left, even prices and no supply where nobody has traded."""
    house = House()
    house.mine(raw_event("BoundaryOracle", "BoundaryPosted", FEED, house.start, 5 * 10**18))
    answer = await house.status(database_url, house.start + 100)
    tip = house.chain.tip
    assert answer == {
        "market": "BTC",
        "market_id": 1,
        "address": address_of("facade"),
        "epoch": 1,
        "start_price": "5",
        "current_price": "5",
        "time_remaining": 200,
        "trading_active": True,
        "yes_price": "0.5",
        "no_price": "0.5",
        "yes_supply": "0",
        "no_supply": "0",
        "at": iso_utc(house.start + 100),
        "block": tip.number,
        "block_hash": tip.hash,
        "level": "linked",
        "verified": False,
    }


@pytest.mark.parametrize(
    ("elapsed", "epoch", "remaining", "active"),
    [
        (-100, 0, 100, False),
        (0, 1, 300, True),
        (269, 1, 31, True),
        (270, 1, 30, False),
        (299, 1, 1, False),
        (300, 2, 300, True),
        (300 * 1_000 + 7, 1_001, 293, True),
    ],
)
async def test_the_clock_alone_moves_it_on(
    database_url: str, elapsed: int, epoch: int, remaining: int, active: bool
) -> None:
    """Epoch, time left and the trading window follow from the instant that is given."""
    house = House()
    answer = await house.status(database_url, house.start + elapsed)
    assert (answer["epoch"], answer["time_remaining"], answer["trading_active"]) == (
        epoch, remaining, active,
    )  # fmt: skip
    assert answer["start_price"] is None


async def test_prices_are_those_of_the_houses_holdings(database_url: str) -> None:
    """As LMSR has them; YES and NO add up to one, supplies are the traders'."""
    house = House()
    house.hub("HouseOpened", 1, 1, OPENING)
    house.hub("Bought", 1, 1, A, 0, 10 * 10**18, 0, 18 * 10**18, True)
    answer = await house.status(database_url, house.start + 20)
    yes, no = Decimal(OPENING + (10 - 18) * 10**18) / B, Decimal(OPENING + 10 * 10**18) / B
    expected = (-yes).exp() / ((-yes).exp() + (-no).exp())
    assert abs(Decimal(answer["yes_price"]) - expected) < Decimal("1e-17")
    assert Decimal(answer["yes_price"]) + Decimal(answer["no_price"]) == 1
    assert (answer["yes_supply"], answer["no_supply"]) == ("18", "0")


async def test_the_guardians_switch(database_url: str) -> None:
    """While trading is paused nothing is traded, whatever the house has."""
    house = House()
    house.hub("TradingPaused", True)
    house.hub("TradingPaused", False)
    house.hub("TradingPaused", True)
    paused = house.chain.tip.number
    house.hub("TradingPaused", False)
    assert await house.trades(database_url, house.start + 5)
    assert not (await house.status(database_url, house.start + 5, at_block=paused))["trading_active"]
    assert (await house.status(database_url, house.start + 5, at_block=paused - 1))["trading_active"]


@pytest.mark.parametrize(("budget", "active"), [(OPENING, True), (OPENING - 1, False)])
async def test_a_house_opens_only_what_its_budget_covers(
    database_url: str, budget: int, active: bool
) -> None:
    """b·ln 2, rounded up, to the last unit."""
    house = House(budget=budget)
    assert await house.trades(database_url, house.start + 29) is active


async def test_later_in_the_window_less_is_needed(database_url: str) -> None:
    """The liquidity falls in steps, and what an opening costs with it."""
    house = House(budget=OPENING * 4 // 10 + 1)
    assert not await house.trades(database_url, house.start + 239)
    assert await house.trades(database_url, house.start + 240)


async def test_an_open_house_needs_no_budget(database_url: str) -> None:
    """What it opened with is its own."""
    house = House(budget=OPENING)
    house.hub("HouseOpened", 1, 1, OPENING)
    assert await house.trades(database_url, house.start + 10)
    assert not await house.trades(database_url, house.start + 310)


async def test_a_day_has_a_limit(database_url: str) -> None:
    """What was opened on a UTC day counts, less what came back on it; the next day begins anew."""
    house = House(daily=2 * OPENING)
    for epoch in (1, 2):
        house.hub("HouseOpened", 1, epoch, OPENING, at=house.start + epoch * 300 - 290)
    spent = house.chain.tip.number
    house.hub("HouseSettled", 1, 1, OPENING, OPENING, OPENING - 1, at=house.start + 700)
    short = house.chain.tip.number
    house.hub("HouseSettled", 1, 2, 1, 0, 1, at=house.start + 710)
    at = house.start + 901
    for block, active in ((spent, False), (short, False), (None, True)):
        answer = await house.status(database_url, at, at_block=block)
        assert answer["trading_active"] is active
    assert (await house.status(database_url, house.start + DAY, at_block=spent))["trading_active"]


async def test_what_comes_back_from_yesterday_is_no_credit(database_url: str) -> None:
    """A day's spending does not fall below nothing."""
    house = House(daily=2 * OPENING)
    house.hub("HouseOpened", 1, 1, OPENING, at=house.start + 5)
    day = house.start + DAY
    house.hub("HouseSettled", 1, 1, OPENING, OPENING, OPENING, at=day + 5)
    for epoch in (289, 290):
        house.hub("HouseOpened", 1, epoch, OPENING, at=day + (epoch - 289) * 300 + 20)
    assert not await house.trades(database_url, day + 700)


async def test_the_creator_may_set_another_limit(database_url: str) -> None:
    """The last one counts."""
    house = House(daily=OPENING - 1)
    assert not await house.trades(database_url, house.start + 5)


async def test_a_limit_that_was_raised(database_url: str) -> None:
    """From the block on in which it was."""
    house = House(daily=OPENING - 1)
    house.hub("HouseDailyBudgetSet", 1, OPENING)
    assert await house.trades(database_url, house.start + 5)
    answer = await house.status(database_url, house.start + 5, at_block=house.chain.tip.number - 1)
    assert not answer["trading_active"]


@pytest.fixture
async def traded(database_url: str) -> AsyncIterator[tuple[Store, World]]:
    """The index of a market that trades at random."""
    world = World(FakeChain(), 11)
    world.run(120)
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(world.chain.forward(FIRST))
        yield store, world


async def test_a_status_is_as_the_model_says(traded: tuple[Store, World]) -> None:
    """Supplies, start price and house price of the epoch that runs at each block's own time."""
    store, world = traded
    for number in range(FIRST + 1, world.chain.tip.number, 9):
        now, books = world.chain.blocks[number].timestamp, world.history[number]
        epoch = max(0, (now - world.genesis) // 300 + 1)
        answer = await queries.market_status(store, "BTC", now, at_block=number)
        sets = books.sets[epoch]
        assert answer["yes_supply"] == format_units(sets - books.house[epoch, 0], 18)
        assert answer["no_supply"] == format_units(sets - books.house[epoch, 1], 18)
        price = books.prices.get(world.genesis + (epoch - 1) * 300) if epoch else None
        assert answer["start_price"] == (None if price is None else format_units(price, 18))
        liquidity = books.liquidity.get(epoch, LIQUIDITY)
        yes, no = (Decimal(books.quoted(epoch, side)) / liquidity for side in (0, 1))
        expected = (-yes).exp() / ((-yes).exp() + (-no).exp())
        assert abs(Decimal(answer["yes_price"]) - expected) < Decimal("1e-17")


async def test_an_unknown_market_has_no_status(traded: tuple[Store, World]) -> None:
    """As it has no epochs."""
    with pytest.raises(UnknownMarketError):
        await queries.market_status(traded[0], "ETH", 1)
