from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chain_kit.errors import (
    BadAddressError,
    BlockTooOldError,
    FutureBlockError,
    StoreMissingError,
    UnknownMarketError,
    UsageError,
)
from chain_kit.units import format_units, iso_utc
from indexer import due, queries
from indexer.decode import Decoder
from indexer.models import VerificationRow, table_of
from indexer.proof import ranges
from indexer.proof.levels import Level
from indexer.proof.trouble import DIFFERENCE, raise_trouble
from indexer.store import Store, open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain, address_of, raw_event
from tests.index_support.world import LIQUIDITY, Books, World

FIRST = DEPLOYMENT.first_block
SIDES = (0, 1)


@pytest.fixture
def world() -> World:
    """A market that has traded through a dozen epochs or two."""
    made = World(FakeChain(), 11)
    made.run(180)
    return made


@pytest.fixture
async def store(world: World, database_url: str) -> AsyncIterator[Store]:
    """Its index, in each of the two databases."""
    async with open_store(database_url, DEPLOYMENT) as opened:
        await opened.take(world.chain.forward(FIRST))
        yield opened


def _facts(row: Any) -> dict[str, Any]:
    """An answer without its stamp."""
    return {name: row[name] for name in row if name not in queries.Stamp.__annotations__}


def _some_blocks(world: World) -> list[int]:
    return [*range(FIRST, world.chain.tip.number, 23), world.chain.tip.number]


def _units(amount: int, decimals: int = 18) -> str:
    return format_units(amount, decimals)


def _stamp(world: World, number: int | None = None) -> dict[str, Any]:
    block = world.chain.blocks[-1 if number is None else number]
    return {"block": block.number, "block_hash": block.hash, "level": "linked", "verified": False}


def _expected_epoch(world: World, books: Books, epoch: int, now: int) -> dict[str, Any]:
    start, end = world.genesis + (epoch - 1) * 300, world.genesis + epoch * 300
    start_price, end_price = books.prices.get(start), books.prices.get(end)
    sets = books.sets[epoch]
    return {
        "market": "BTC",
        "market_id": 1,
        "epoch": epoch,
        "start_at": iso_utc(start),
        "end_at": iso_utc(end),
        "start_price": None if start_price is None else _units(start_price),
        "end_price": None if end_price is None else _units(end_price),
        "outcome": world.outcome(epoch, now, books),
        "yes_supply": _units(sets - books.house[epoch, 0]),
        "no_supply": _units(sets - books.house[epoch, 1]),
        "collateral": _units(sets),
    }


async def test_epochs_are_as_the_model_says_at_every_block(world: World, store: Store) -> None:
    """Prices, outcome, supplies and collateral, as of now and of earlier blocks."""
    for number in _some_blocks(world):
        now = world.chain.blocks[number].timestamp
        rows = await queries.epochs(store, "BTC", at_block=number)
        current = max(0, (now - world.genesis) // 300 + 1)
        books = world.history[number]
        made = {epoch for epoch, sets in books.sets.items() if sets}
        shown = sorted({*range(1, current + 1), *made})
        stamp = _stamp(world, number)
        assert rows == [_expected_epoch(world, books, epoch, now) | stamp for epoch in shown]
    assert {row["outcome"] for row in rows} >= {"YES", "NO", "VOID", None}


async def test_epochs_can_be_narrowed(store: Store) -> None:
    """From one epoch to another, both included; nothing where there is nothing."""
    everything = await queries.epochs(store, "BTC")
    assert await queries.epochs(store, "BTC", first=3, last=5) == everything[2:5]
    assert await queries.epochs(store, "BTC", last=1) == everything[:1]
    assert await queries.epochs(store, "BTC", first=10_000) == []


async def test_the_newest_epochs_up_to_the_one_that_runs(world: World, store: Store) -> None:
    """With a limit no later ones come, and `last` still holds."""
    everything = await queries.epochs(store, "BTC")
    current = (world.chain.tip.timestamp - world.genesis) // 300 + 1
    assert await queries.epochs(store, "BTC", limit=3) == everything[current - 3 : current]
    assert await queries.epochs(store, "BTC", limit=3, last=5) == everything[2:5]
    assert await queries.epochs(store, "BTC", limit=3, first=4, last=5) == everything[3:5]
    assert await queries.epochs(store, "BTC", limit=10_000) == everything[:current]
    assert await queries.epochs(store, "BTC", first=1, last=10**12) == everything
    assert await queries.epochs(store, "BTC", first=1, last=900) == everything


async def test_positions_of_one_market_or_one_epoch(world: World, store: Store) -> None:
    """What is asked for of the whole; nothing where there is none, an error for no market."""
    account = world.accounts[0]
    everything = await queries.positions(store, account)
    epoch = everything[1]["epoch"]
    facade = address_of("BTC facade")
    assert await queries.positions(store, account, market="BTC") == everything
    assert await queries.positions(store, account, market=facade, epoch=epoch) == everything[1:2]
    assert await queries.positions(store, account, epoch=epoch) == everything[1:2]
    assert await queries.positions(store, account, market="BTC", epoch=10_000) == []
    with pytest.raises(UnknownMarketError):
        await queries.positions(store, account, market="ETH")


async def test_answers_say_how_far_they_are_proven(world: World, store: Store) -> None:
    """The level is that of the worst block so far; complete is verified until something is in doubt."""
    tip = world.chain.tip.number
    async with store.writing() as connection:
        await ranges.set_level(connection, FIRST, tip - 10, Level.COMPLETE)
        await ranges.set_level(connection, tip - 9, tip, Level.LINKED)
    for number, level, verified in ((tip - 10, "complete", True), (tip, "linked", False)):
        answers = [
            *await queries.epochs(store, "BTC", at_block=number),
            *await queries.positions(store, world.accounts[0], at_block=number),
            await queries.reserve(store, at_block=number),
            *await queries.markets(store, at_block=number),
        ]
        for answer in answers:
            assert (answer["block"], answer["level"], answer["verified"]) == (number, level, verified)
    async with store.writing() as connection:
        await raise_trouble(connection, DIFFERENCE, 5, "a sum")
    assert not (await queries.reserve(store, at_block=tip - 10))["verified"]
    assert not (await queries.markets(store, at_block=tip - 10))[0]["verified"]


async def test_a_reserve_that_was_verified_says_so_until_something_is_in_doubt(
    world: World, store: Store
) -> None:
    """A comparison with the chain counts at its own block and hash, and only if it found nothing."""
    tip = world.chain.tip
    table = table_of(VerificationRow)
    rows = [
        {"block_number": tip.number, "block_hash": tip.hash, "ok": True},
        {"block_number": tip.number - 1, "block_hash": tip.hash, "ok": True},
        {"block_number": tip.number - 2, "block_hash": world.chain.blocks[-3].hash, "ok": False},
    ]
    async with store.writing() as connection:
        rest = {"checks": 1, "differences": "[]", "checked_at": 0}
        await connection.execute(table.insert(), [row | rest for row in rows])
    assert (await queries.reserve(store))["verified"]
    assert not (await queries.markets(store))[0]["verified"]
    for number in (tip.number - 1, tip.number - 2):
        assert not (await queries.reserve(store, at_block=number))["verified"]
    async with store.writing() as connection:
        await ranges.set_level(connection, 5, 5, Level.LINKED, failed=True, what="a log")
    assert not (await queries.reserve(store))["verified"]


async def test_a_market_goes_by_its_address_too(store: Store) -> None:
    """The facade's address in any valid case is the market."""
    facade = address_of("BTC facade")
    expected = await queries.epochs(store, "BTC")
    assert await queries.epochs(store, facade) == expected
    assert await queries.epochs(store, facade.lower()) == expected


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("ETH", UnknownMarketError),
        ("", UnknownMarketError),
        (address_of("nobody"), UnknownMarketError),
        ("0x12", UnknownMarketError),
        (address_of("BTC facade").swapcase().replace("0X", "0x"), BadAddressError),
    ],
)
async def test_an_unknown_market_names_those_there_are(
    store: Store, name: str, error: type[UsageError]
) -> None:
    """A symbol or address that is no market's, or is mistyped."""
    with pytest.raises(error) as caught:
        await queries.epochs(store, name)
    assert error is BadAddressError or "BTC" in caught.value.hint


async def test_the_first_market_keeps_its_symbol(world: World, store: Store) -> None:
    """Somebody's second market called BTC does not take the name over."""
    expected = await queries.epochs(store, "BTC")
    values = (
        2,
        address_of("second"),
        b"X".ljust(32, b"\0"),
        address_of("c"),
        "BTC",
        world.genesis,
        10**20,
        0,
        10_000,
        0,
        10**20,
    )
    block = world.chain.mine(raw_event("EpochHub", "MarketCreated", *values), seconds=0)
    await store.take(world.chain.forward(block.number))
    rows = await queries.epochs(store, "BTC")
    assert [_facts(row) for row in rows] == [_facts(row) for row in expected]
    assert [(row["market"], row["market_id"]) for row in await queries.markets(store)] == [
        ("BTC", 1),
        ("BTC", 2),
    ]


async def test_an_epoch_of_the_far_future_is_listed_alone(world: World, store: Store) -> None:
    """Anyone may split the last epoch there is: neither the many before it nor its date break the answer."""
    account, epoch = world.accounts[0], 2**40 - 1
    block = world.chain.mine(raw_event("EpochHub", "Split", 1, epoch, account, 5), seconds=0)
    before = await queries.epochs(store, "BTC")
    await store.take(world.chain.forward(block.number))
    rows = await queries.epochs(store, "BTC")
    assert [_facts(row) for row in rows[:-1]] == [_facts(row) for row in before]
    assert (rows[-1]["epoch"], rows[-1]["outcome"], rows[-1]["end_at"][:9]) == (epoch, None, "+10454664")
    assert (await queries.positions(store, account))[-1]["yes_tokens"] == "0.000000000000000005"


def _price_of_yes(books: Books, epoch: int) -> Decimal:
    liquidity = books.liquidity.get(epoch, LIQUIDITY)
    yes, no = (Decimal(books.quoted(epoch, side)) / liquidity for side in SIDES)
    return (-yes).exp() / ((-yes).exp() + (-no).exp())


def _expected_position(world: World, books: Books, account: str, epoch: int, now: int) -> dict[str, Any]:
    yes, no = (books.shares[account, epoch, side] for side in SIDES)
    cost = sum(books.cost[account, epoch, side] for side in SIDES)
    outcome = world.outcome(epoch, now, books)
    claimable = {None: 0, "YES": yes, "NO": no, "VOID": (yes + no) // 2}[outcome]
    return {
        "market": "BTC",
        "market_id": 1,
        "epoch": epoch,
        "yes_tokens": _units(yes),
        "no_tokens": _units(no),
        "entry_price": _units(cost * 10**18 // (yes + no)) if yes + no else None,
        "cost": _units(cost),
        "realized_pnl": _units(books.realized[account, epoch]),
        "claimable": _units(claimable),
        **({} if outcome is None else {"unrealized_pnl": _units(claimable - cost)}),
    }


async def test_positions_are_as_the_model_says_at_every_block(world: World, store: Store) -> None:
    """Shares, cost, profit and what can be claimed of every account, held or once held."""
    open_ones = 0
    for number in _some_blocks(world):
        now, books = world.chain.blocks[number].timestamp, world.history[number]
        for account in world.accounts:
            rows = await queries.positions(store, account, at_block=number)
            epochs = sorted(epoch for who, epoch in books.touched if who == account)
            assert [row["epoch"] for row in rows] == epochs
            for row in rows:
                expected = _expected_position(world, books, account, row["epoch"], now)
                assert {name: row[name] for name in expected} == expected  # type: ignore[literal-required]
                if "unrealized_pnl" not in expected:
                    open_ones += 1
                    price = _price_of_yes(books, row["epoch"])
                    worth = Decimal(row["yes_tokens"]) * price + Decimal(row["no_tokens"]) * (1 - price)
                    assert float(row["unrealized_pnl"]) == pytest.approx(float(worth - Decimal(row["cost"])))
    assert open_ones


async def test_an_account_that_never_traded_has_no_positions(store: Store) -> None:
    """An empty list, not an error; the house and the contra accounts cannot be asked for."""
    assert await queries.positions(store, address_of("nobody")) == []
    with pytest.raises(BadAddressError):
        await queries.positions(store, "house")


async def test_reserve_is_as_the_model_says_at_every_block(world: World, store: Store) -> None:
    """What hub and vault hold by transfers, and owe by their own events."""
    for number in _some_blocks(world):
        books, block = world.history[number], world.chain.blocks[number]
        owed = max(books.active, books.pending or 0) - books.claimed.total()
        parts = {
            "hub": (books.hub_tokens, books.liabilities(), 18),
            "vault": (books.vault_tokens, owed, 6),
        }
        assert await queries.reserve(store, at_block=number) == {
            **_stamp(world, number),
            "at": iso_utc(block.timestamp),
            "races": {"reserve": "0", "liabilities": "0", "coverage": None},
            **{
                name: {
                    "reserve": _units(held, decimals),
                    "liabilities": _units(owes, decimals),
                    "coverage": _units(held * 10**18 // owes) if owes else None,
                }
                for name, (held, owes, decimals) in parts.items()
            },
        }


async def test_amounts_have_the_decimals_of_their_token(database_url: str) -> None:
    """A deployment on USDC alone: one token of six decimals, held by hub and vault."""
    usdc = DEPLOYMENT.payout_token
    deployment = replace(DEPLOYMENT, collateral=usdc, races=None)
    account, feed = address_of("a"), b"X".ljust(32, b"\0")
    chain = FakeChain()
    genesis = chain.tip.timestamp // 300 * 300
    terms = (genesis, 10**6, 0, 10_000, 0, 10**6)
    chain.mine(
        raw_event("EpochHub", "MarketCreated", 1, address_of("f"), feed, account, "X", *terms),
        raw_event("EpochHub", "Deposited", account, account, 1_500_000),
        raw_event("TestToken", "Transfer", account, deployment.hub, 1_500_000, address=usdc.address),
        raw_event("TestToken", "Transfer", account, deployment.vault, 7, address=usdc.address),
        raw_event("EpochHub", "Split", 1, 1, account, 250_001),
    )
    async with open_store(database_url, deployment) as store:
        await store.take(chain.forward(FIRST))
        answer = await queries.reserve(store)
        row = (await queries.positions(store, account))[0]
    assert "races" not in answer
    assert answer["hub"] == {"reserve": "1.5", "liabilities": "1.5", "coverage": "1"}
    assert answer["vault"] == {"reserve": "0.000007", "liabilities": "0", "coverage": None}
    assert (row["yes_tokens"], row["cost"], row["entry_price"]) == ("0.250001", "0.250001", "0.5")


async def test_markets_tell_what_they_were_made_with(world: World, store: Store) -> None:
    """One row for each market, with the epoch that runs."""
    assert await queries.markets(store) == [
        {
            "market": "BTC",
            "market_id": 1,
            "address": address_of("BTC facade"),
            "creator": world.creator,
            "feed": "0x" + b"BTC/USD".ljust(32, b"\0").hex(),
            "genesis_at": iso_utc(world.genesis),
            "epoch": (world.chain.tip.timestamp - world.genesis) // 300 + 1,
            "liquidity": "100",
            "fee_bps": 100,
            "closing_liquidity_bps": 4_000,
            "closing_fee_bps": 300,
            **_stamp(world),
        }
    ]


async def test_status_tells_how_far_it_is(world: World, store: Store) -> None:
    """The block, and where the chain was then."""
    tip = world.chain.tip
    answer = await queries.status(store)
    assert answer == {
        "chain_id": 31337,
        **_stamp(world),
        "at": iso_utc(tip.timestamp),
        "head": tip.number,
        "behind": 0,
        "safe": tip.number - 1,
        "finalized": tip.number - 2,
        "events": len(world.chain.logs_between(FIRST, tip.number)),
        "unknown_events": 0,
        "verified_block": None,
    }


async def test_a_feed_with_fallbacks_is_void_after_its_last_deadline(database_url: str) -> None:
    """The oracle says the last one with the feed; the fallbacks' own say nothing of that."""
    chain = FakeChain()
    genesis, feed, someone = chain.tip.timestamp // 300 * 300, b"X".ljust(32, b"\0"), address_of("a")
    terms = (genesis, 10**20, 100, 4_000, 300, 10**21)
    chain.mine(
        raw_event("BoundaryOracle", "FeedRegistered", feed, 1, someone, 900),
        raw_event("BoundaryOracle", "FallbackRegistered", feed, 0, someone, 300),
        raw_event("BoundaryOracle", "FallbackRegistered", feed, 1, address_of("b"), 900),
        raw_event("EpochHub", "MarketCreated", 1, address_of("f"), feed, someone, "X", *terms),
    )
    async with open_store(database_url, DEPLOYMENT) as store:
        # The start's price can no longer come 900 s after it, which is 600 s after the end.
        for late, outcome in ((301, None), (600, None), (601, "VOID")):
            chain.mine(seconds=genesis + 300 + late - chain.tip.timestamp)
            tip = await store.tip()
            await store.take(chain.forward(FIRST if tip is None else tip.number + 1))
            (row,) = await queries.epochs(store, "X", last=1)
            assert row["outcome"] == outcome


async def test_a_block_that_is_not_indexed(world: World, store: Store) -> None:
    """The future, and what was before the deployment, are errors that name the range."""
    head = world.chain.tip.number
    with pytest.raises(FutureBlockError) as future:
        await queries.reserve(store, at_block=head + 1)
    assert str(head) in future.value.hint
    for number in (FIRST - 1, 0, -5):
        with pytest.raises(BlockTooOldError, match="before the deployment"):
            await queries.epochs(store, "BTC", at_block=number)


async def test_an_index_without_blocks_has_no_answers(database_url: str) -> None:
    """A fresh index says that it holds nothing yet."""
    async with open_store(database_url, DEPLOYMENT) as empty:
        with pytest.raises(StoreMissingError, match="no block yet"):
            await queries.reserve(empty)


async def test_who_can_claim_what(world: World, store: Store) -> None:
    """Exactly the accounts, epochs and amounts that the model would pay, at every block."""
    found = 0
    for number in _some_blocks(world):
        books, now = world.history[number], world.chain.blocks[number].timestamp
        expected = []
        for account in sorted(world.accounts):
            amounts = {}
            for epoch in sorted(epoch for who, epoch in books.touched if who == account):
                yes, no = (books.shares[account, epoch, side] for side in SIDES)
                outcome = world.outcome(epoch, now, books)
                amount = {None: 0, "YES": yes, "NO": no, "VOID": (yes + no) // 2}[outcome]
                if amount:
                    amounts[epoch] = amount
            if amounts:
                expected.append(due.Claimable(account, 1, tuple(amounts), sum(amounts.values())))
        assert await due.claimable_accounts(store, at_block=number) == expected
        found += len(expected)
    assert found


async def test_where_the_house_can_settle(world: World, store: Store) -> None:
    """The ended epochs in which the house still holds shares."""
    for number in _some_blocks(world):
        books, now = world.history[number], world.chain.blocks[number].timestamp
        epochs = tuple(
            epoch
            for epoch in sorted(books.sets)
            if books.house[epoch, 0] and epoch not in books.settled and world.outcome(epoch, now, books)
        )
        expected = [due.HouseDue(1, epochs)] if epochs else []
        assert await due.house_epochs_to_settle(store, at_block=number) == expected
    assert expected


async def test_what_the_vault_has_paid(world: World, store: Store) -> None:
    """Each account's claims, the active total, and the root that it is of."""
    none = await due.vault_claims(store, at_block=FIRST)
    assert none == due.VaultClaims(None, 0, {})
    answer = await due.vault_claims(store)
    assert answer.total_units == world.books.active
    assert answer.claimed_units == {who: n for who, n in world.books.claimed.items() if n}
    assert answer.root is not None
    assert len(answer.root) == 66


_IMPORTS = """
import json, sys
import indexer.queries
unwanted = ("ape", "web3", "eth_account", "eth_abi", "eth_utils", "httpx", "pandas", "numpy", "asyncpg")
print(json.dumps([name for name in unwanted if name in sys.modules]))
"""


def test_asking_loads_nothing_that_it_does_not_need() -> None:
    """A question imports neither ape nor web3 nor an HTTP client."""
    answer = subprocess.run([sys.executable, "-c", _IMPORTS], check=True, capture_output=True, text=True)
    assert json.loads(answer.stdout) == []


async def test_a_market_whose_creation_is_missing_is_left_out(world: World, database_url: str) -> None:
    """An endpoint kept that log to itself: until it is proven, what is said of the rest is not verified."""
    step = world.chain.forward(FIRST)
    made = Decoder(DEPLOYMENT).decode_all(step.logs)
    gone = next(event.log for event in made if event.name == "MarketCreated")
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(replace(step, logs=tuple(log for log in step.logs if log != gone)))
        assert await queries.markets(store) == []
        assert await queries.trades(store) == []
        for account in world.accounts:
            assert await queries.positions(store, account) == []
        assert await due.claimable_accounts(store) == []
        assert await due.house_epochs_to_settle(store) == []
