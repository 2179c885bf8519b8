from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from chain_kit.errors import BadAddressError, UnknownMarketError, UsageError
from chain_kit.units import format_units, iso_utc
from indexer import queries
from indexer.deals import account_number
from indexer.decode import Decoder, Event
from indexer.steps import Undo
from indexer.store import Store, open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain, address_of, raw_event
from tests.index_support.world import World

FIRST = DEPLOYMENT.first_block
FEED = b"BTC/USD".ljust(32, b"\0")
KINDS = ("Bought", "Sold", "OrderFilled")
A, B = address_of("a"), address_of("b")


@pytest.fixture
def world() -> World:
    """A market that has traded through a dozen epochs or two."""
    made = World(FakeChain(), 11)
    made.run(160)
    return made


@pytest.fixture
async def store(world: World, database_url: str) -> AsyncIterator[Store]:
    """Its index, in each of the two databases."""
    async with open_store(database_url, DEPLOYMENT) as opened:
        await opened.take(world.chain.forward(FIRST))
        yield opened


def _traded(world: World, last: int | None = None) -> list[Event]:
    """All trades up to a block, newest first, from the chain's own logs."""
    logs = world.chain.logs_between(FIRST, world.chain.tip.number if last is None else last)
    return [event for event in reversed(Decoder(DEPLOYMENT).decode_all(logs)) if event.name in KINDS]


def _who(event: Event) -> str:
    return str(event.args["maker" if event.name == "OrderFilled" else "account"])


def _places(rows: Any) -> list[tuple[int, str]]:
    return [(int(row["position"]), row["account"]) for row in rows]


async def test_trades_come_newest_first_and_none_is_missing(world: World, store: Store) -> None:
    """All house trades and fills, as of now and of earlier blocks."""
    for number in (world.chain.tip.number, world.chain.tip.number - 40, FIRST):
        rows = await queries.trades(store, limit=10_000, at_block=number)
        assert _places(rows) == [(event.log.position, _who(event)) for event in _traded(world, number)]
        assert {row["block"] for row in rows} <= {number}


@pytest.mark.parametrize("limit", [1, 7, 50])
async def test_pages_put_together_are_the_whole(world: World, store: Store, limit: int) -> None:
    """`before` the last of a page begins the next one, of everything and of an account."""
    for account in (None, world.accounts[1]):
        whole = await queries.trades(store, account=account, limit=10_000)
        pages: list[Any] = []
        before: int | None = None
        while page := await queries.trades(store, account=account, limit=limit, before=before):
            assert len(page) <= limit
            pages += page
            before = int(page[-1]["position"])
        assert pages == whole


async def test_trades_of_an_account(world: World, store: Store) -> None:
    """Just those, of every trader; none of somebody who never traded."""
    for account in world.accounts:
        rows = await queries.trades(store, account=account.lower(), market="BTC", limit=10_000)
        expected = [event.log.position for event in _traded(world) if _who(event) == account]
        assert [int(row["position"]) for row in rows] == expected
        assert {row["account"] for row in rows} == {account}
    assert await queries.trades(store, account=address_of("nobody")) == []


async def test_what_cannot_be_asked_for(store: Store) -> None:
    """An unknown market, an address that is none."""
    with pytest.raises(UnknownMarketError):
        await queries.trades(store, market="ETH")
    with pytest.raises(BadAddressError):
        await queries.trades(store, account="0x12")


def _market(number: int, symbol: str, genesis: int) -> Any:
    terms = (genesis, 10**20, 100, 4_000, 300, 10**21)
    facade = address_of(f"facade {number}")
    return raw_event("EpochHub", "MarketCreated", number, facade, FEED, A, symbol, *terms)


@pytest.fixture
def small() -> FakeChain:
    """Two markets on one feed, and a trade of every kind."""
    chain = FakeChain()
    genesis = chain.tip.timestamp // 300 * 300
    chain.mine(_market(1, "BTC", genesis), _market(2, "ETH", genesis))
    chain.mine(raw_event("EpochHub", "Bought", 1, 1, A, 0, 10**18, 10**16, 2 * 10**18, True), seconds=10)
    chain.mine(raw_event("EpochHub", "Sold", 2, 1, B, 1, 3 * 10**18, 10**15, 10**18, False), seconds=10)
    fills = [
        raw_event("EpochHub", "OrderFilled", bytes([n]) * 32, who, 1, 2, side, True, 10**19, amount, fee)
        for n, who, side, amount, fee in ((1, B, 1, 4 * 10**18, 7), (2, A, 0, 6 * 10**18, 0))
    ]
    chain.mine(*fills, seconds=300)
    return chain


async def test_each_kind_of_trade_is_told_alike(small: FakeChain, database_url: str) -> None:
    """Amounts are without fees, prices per share; a fill has its order's hash."""
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(small.forward(FIRST))
        rows = await queries.trades(store)
    names = ("market", "epoch", "account", "source", "action", "side", "shares", "amount", "price", "fee")
    assert [tuple(row[name] for name in names) for row in rows] == [  # type: ignore[literal-required]
        ("BTC", 2, A, "order", "buy", "YES", "10", "6", "0.6", "0"),
        ("BTC", 2, B, "order", "buy", "NO", "10", "4", "0.4", "0.000000000000000007"),
        ("ETH", 1, B, "house", "sell", "NO", "3", "1.001", "0.333666666666666666", "0.001"),
        ("BTC", 1, A, "house", "buy", "YES", "2", "0.99", "0.495", "0.01"),
    ]
    assert [row["order_hash"] for row in rows] == ["0x" + "02" * 32, "0x" + "01" * 32, None, None]
    newest = small.logs_between(FIRST, small.tip.number)[-1]
    assert (rows[0]["tx_hash"], rows[0]["mined_block"]) == (newest.tx_hash, newest.block_number)
    assert rows[0]["at"] == iso_utc(small.tip.timestamp)


async def test_trades_of_a_market(small: FakeChain, database_url: str) -> None:
    """By symbol or address; what a house opens and settles is no trade."""
    chain = small
    chain.mine(raw_event("EpochHub", "HouseOpened", 2, 1, 5), raw_event("EpochHub", "HouseOpened", 2, 2, 5))
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        for name in ("ETH", address_of("facade 2")):
            assert [row["account"] for row in await queries.trades(store, market=name, limit=1)] == [B]
        assert await queries.trades(store, market="ETH", account=A) == []


async def test_accounts_that_begin_alike_are_told_apart(small: FakeChain, database_url: str) -> None:
    """The database finds trades by the beginning of an address; the answer goes by all of it."""
    twin = "0x" + A[2:20].lower() + "00" * 11
    assert account_number(twin) == account_number(A)
    for n in range(3):
        small.mine(raw_event("EpochHub", "Bought", 1, 2, twin, n % 2, 10**18, 0, 10**18, True))
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(small.forward(FIRST))
        assert len(await queries.trades(store, account=twin)) == 3
        assert [row["epoch"] for row in await queries.trades(store, account=A, limit=2)] == [2, 1]


async def test_fills_of_races_are_no_trades_of_markets(small: FakeChain, database_url: str) -> None:
    """Even where a book's id is a market's."""
    small.mine(raw_event("RaceMarket", "OrderFilled", b"x" * 32, A, 1, 1, 0, True, 10, 5, 0))
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(small.forward(FIRST))
        assert len(await queries.trades(store, account=A)) == 2


async def test_a_trade_that_is_taken_back_is_none(small: FakeChain, database_url: str) -> None:
    """Nothing is left of it to be found by."""
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(small.forward(FIRST))
        await store.take(Undo(small.tip.number - 1, small.head))
        assert len(await queries.trades(store)) == 2


# ---------------------------------------------------------------- candles


def _posted(chain: FakeChain, genesis: int, prices: dict[int, int | None]) -> None:
    chain.mine(raw_event("BoundaryOracle", "FeedRegistered", FEED, 1, A, 600))
    for boundary, price in prices.items():
        at = genesis + boundary * 300
        event = (
            raw_event("BoundaryOracle", "BoundaryVoided", FEED, at)
            if price is None
            else raw_event("BoundaryOracle", "BoundaryPosted", FEED, at, price * 10**18)
        )
        chain.mine(event, seconds=300)


@pytest.fixture
def priced() -> tuple[FakeChain, int]:
    """A market with boundary prices over an hour, one of them void and one missing, and some trades."""
    chain = FakeChain(start_at=1_699_999_200)
    genesis = 1_699_999_200 // 3_600 * 3_600 + 3_600
    chain.mine(_market(1, "BTC", genesis), seconds=genesis - chain.tip.timestamp)
    chain.mine(raw_event("EpochHub", "Bought", 1, 1, A, 0, 10**18, 10**16, 2 * 10**18, True), seconds=10)
    chain.mine(
        raw_event("EpochHub", "OrderFilled", b"1" * 32, A, 1, 1, 0, True, 10**19, 3 * 10**18, 0),
        raw_event("EpochHub", "OrderFilled", b"2" * 32, B, 1, 1, 0, False, 10**19, 3 * 10**18, 0),
        raw_event("EpochHub", "Bought", 1, 1, A, 1, 10**18, 0, 4 * 10**18, True),
        seconds=10,
    )
    _posted(chain, genesis, {0: 100, 1: 103, 2: 99, 3: None, 5: 104, 6: 104, 12: 90})
    return chain, genesis


async def _candles(store: Store, **asked: Any) -> list[tuple[str, ...]]:
    rows = await queries.candles(store, "BTC", **asked)
    names = ("timestamp", "open", "high", "low", "close")
    return [tuple(row[name] for name in names) for row in rows]  # type: ignore[literal-required]


async def test_a_candle_of_an_epoch_has_its_two_prices(
    priced: tuple[FakeChain, int], database_url: str
) -> None:
    """Open is the start price, close the end price; where only one is known it is both."""
    chain, genesis = priced
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        candles = await _candles(store, end=genesis + 3_900)
        row = (await queries.candles(store, "BTC", end=genesis + 300))[0]
    at = {n: iso_utc(genesis + n * 300) for n in range(-1, 13)}
    assert candles == [
        (at[-1], "100", "100", "100", "100"),
        (at[0], "100", "103", "100", "103"),
        (at[1], "103", "103", "99", "99"),
        (at[2], "99", "99", "99", "99"),
        (at[4], "104", "104", "104", "104"),
        (at[5], "104", "104", "104", "104"),
        (at[6], "104", "104", "104", "104"),
        (at[11], "90", "90", "90", "90"),
        (at[12], "90", "90", "90", "90"),
    ]
    assert (row["volume"], row["trades"], row["level"]) == ("0", 0, "linked")


async def test_longer_candles_hold_the_shorter_ones(priced: tuple[FakeChain, int], database_url: str) -> None:
    """An hour from its first boundary to its last, and what was traded in it: a fill counts once."""
    chain, genesis = priced
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        (hour,) = await queries.candles(store, "BTC", 3_600, start=genesis, end=genesis + 3_600)
    assert (hour["open"], hour["high"], hour["low"], hour["close"]) == ("100", "104", "90", "90")
    assert (hour["timestamp"], hour["volume"], hour["trades"]) == (iso_utc(genesis), "4.99", 4)


async def test_candles_of_yes_are_of_its_trades(priced: tuple[FakeChain, int], database_url: str) -> None:
    """What YES was traded at: a NO at a quarter is a YES at three."""
    chain, genesis = priced
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        (row,) = await queries.candles(store, "BTC", of="yes", end=genesis + 300)
    assert (row["open"], row["high"], row["low"], row["close"]) == ("0.495", "0.75", "0.3", "0.75")
    assert (row["timestamp"], row["volume"]) == (iso_utc(genesis), "4.99")


async def test_candles_can_be_narrowed(priced: tuple[FakeChain, int], database_url: str) -> None:
    """From an instant, to an instant, and to the newest so many intervals."""
    chain, genesis = priced
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        everything = await _candles(store, end=genesis + 3_900)
        assert await _candles(store, start=genesis, end=genesis + 600) == everything[1:3]
        assert await _candles(store, start=genesis + 1, end=genesis + 599) == everything[2:3]
        assert await _candles(store, end=genesis + 600, limit=1) == everything[2:3]
        assert await _candles(store, start=genesis + 600, end=genesis + 600) == []
        assert await _candles(store, at_block=chain.tip.number - 3, end=genesis + 900) == everything[:4]
        assert await _candles(store, limit=1) == []


@pytest.mark.parametrize("interval", [0, -300, 299, 301, 450])
async def test_an_interval_is_a_multiple_of_an_epoch(
    priced: tuple[FakeChain, int], database_url: str, interval: int
) -> None:
    """Anything else is a user's mistake."""
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(priced[0].forward(FIRST))
        with pytest.raises(UsageError, match=f"{interval} s is no multiple of 300 s"):
            await queries.candles(store, "BTC", interval)


async def test_volume_is_what_was_traded(world: World, store: Store) -> None:
    """Over the whole of a random history, by the model's own logs."""
    rows = await queries.candles(store, "BTC", 86_400, end=world.chain.tip.timestamp, of="yes")
    doubled = 0
    for event in _traded(world):
        amount, fee = event.args["amount"], event.args["fee"]
        doubled += {"Bought": 2 * (amount - fee), "Sold": 2 * (amount + fee), "OrderFilled": amount}[
            str(event.name)
        ]
    total = sum(Decimal(row["volume"]) for row in rows)
    # Each candle's half unit is cut off.
    assert 0 <= Decimal(format_units(doubled, 18)) / 2 - total <= Decimal(len(rows)).scaleb(-18)
    assert sum(row["trades"] for row in rows) == len(_traded(world))
