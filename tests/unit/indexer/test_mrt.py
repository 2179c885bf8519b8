from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chain_kit.errors import UnknownMarketError
from chain_kit.units import format_units
from indexer import queries
from indexer.answering.moments import moment
from indexer.store import Store, open_store
from tests.index_support.chain import CURVE, DEPLOYMENT, FakeChain, address_of, raw_event

FIRST = DEPLOYMENT.first_block
ZERO = "0x" + "0" * 40
SUPPLY = 10**27
BUYERS = [address_of(f"buyer {n}") for n in range(5)]


class Token:
    """A reward token that is bought, given away and at last graduates; keeps who holds what."""

    def __init__(self, chain: FakeChain, seed: int = 0) -> None:
        self.chain = chain
        self.random = random.Random(seed)
        self.held: Counter[str] = Counter()
        self.history: dict[int, Counter[str]] = {chain.tip.number: Counter()}
        self.raised = self.fees = self.sold = 0
        self.mine(self.move(ZERO, CURVE.address, SUPPLY))

    def move(self, sender: str, receiver: str, amount: int) -> Any:
        """A transfer, a mint or a burn."""
        for account, change in ((sender, -amount), (receiver, amount)):
            if account != ZERO:
                self.held[account] += change
        return raw_event("MrtToken", "Transfer", sender, receiver, amount)

    def mine(self, *events: Any) -> None:
        """A block of them."""
        self.chain.mine(*events)
        self.history[self.chain.tip.number] = self.held.copy()

    def trade(self, blocks: int) -> None:
        """Purchases from the curve, and gifts."""
        for _ in range(blocks):
            who, amount = self.random.choice(BUYERS), self.random.randint(1, 10**24)
            if self.random.random() < 0.6:
                quote, fee = self.random.randint(1, 10**8), self.random.randint(0, 1_000)
                self.raised, self.fees, self.sold = self.raised + quote, self.fees + fee, self.sold + amount
                bought = raw_event("MrtCurve", "CurveBought", who, who, quote + fee, fee, amount)
                self.mine(bought, self.move(CURVE.address, who, amount))
            else:
                given = self.random.randint(0, self.held[who])
                self.mine(self.move(who, self.random.choice(BUYERS), given))


@pytest.fixture
def token() -> Token:
    """A token that has been traded for a while."""
    made = Token(FakeChain(), 3)
    made.trade(60)
    return made


@pytest.fixture
async def store(token: Token, database_url: str) -> AsyncIterator[Store]:
    """Its index, in each of the two databases."""
    async with open_store(database_url, DEPLOYMENT) as opened:
        await opened.take(token.chain.forward(FIRST))
        yield opened


async def test_holders_are_as_the_transfers_say(token: Token, store: Store) -> None:
    """All who hold something, the largest first, at every block looked at."""
    for number in range(FIRST, token.chain.tip.number + 1, 11):
        held = {account: amount for account, amount in token.history[number].items() if amount}
        rows = await queries.mrt_holders(store, "BTC", at_block=number)
        ordered = sorted(held, key=lambda account: (-held[account], account))
        assert [(row["rank"], row["account"]) for row in rows] == list(enumerate(ordered, start=1))
        assert {row["account"]: row["balance"] for row in rows} == {
            account: format_units(amount, 18) for account, amount in held.items()
        }
        assert (await queries.mrt(store, "BTC", at_block=number))["holders"] == len(held)


async def test_the_largest_holders_only(token: Token, store: Store) -> None:
    """With a limit; the curve is told as such, and its share is cut off, not rounded."""
    rows = await queries.mrt_holders(store, "BTC", limit=2)
    assert [row["role"] for row in rows] == ["curve", None]
    assert rows[0]["share"] == format_units(token.held[CURVE.address] * 10**18 // SUPPLY, 18)


async def test_before_graduation_progress_never_says_all(token: Token, store: Store) -> None:
    """In basis points of the target, rounded down; 9,999 while the last step is missing."""
    answer = await queries.mrt(store, "BTC")
    assert answer["total_raised"] == format_units(token.raised, 6)
    assert answer["graduation_progress"] == token.raised * 10_000 // CURVE.target
    assert not answer["is_graduated"]
    assert (answer["supply"], answer["sold"]) == ("1000000000", format_units(token.sold, 18))
    assert answer["unclaimed_fees"] == format_units(token.fees, 6)
    left = CURVE.target - token.raised
    token.mine(raw_event("MrtCurve", "CurveBought", BUYERS[0], BUYERS[0], left, 0, 1))
    await store.take(token.chain.forward(token.chain.tip.number))
    answer = await queries.mrt(store, "BTC")
    assert (answer["graduation_progress"], answer["is_graduated"]) == (9_999, False)
    assert answer["total_raised"] == answer["target"] == "10000"


async def test_after_graduation_the_pool_holds_and_the_rest_is_burnt(token: Token, store: Store) -> None:
    """10,000 basis points, what was raised stays raised, and the pool's shares are locked."""
    left = CURVE.target - token.raised
    pooled, burnt = 10**24, token.held[CURVE.address] - 10**24
    token.mine(
        raw_event("MrtCurve", "CurveBought", BUYERS[0], BUYERS[0], left, 0, 1),
        token.move(CURVE.address, CURVE.pool, pooled),
        token.move(CURVE.address, ZERO, burnt),
        raw_event("MrtCurve", "Graduated", CURVE.pool, CURVE.target, pooled, 10**15),
        raw_event("LpStaking", "Staked", BUYERS[1], 700),
        raw_event("LpStaking", "Unstaked", BUYERS[1], 200),
    )
    await store.take(token.chain.forward(token.chain.tip.number))
    answer = await queries.mrt(store, "BTC")
    assert (answer["graduation_progress"], answer["is_graduated"]) == (10_000, True)
    assert answer["total_raised"] == "10000"
    assert answer["supply"] == format_units(SUPPLY - burnt, 18)
    assert (answer["locked"], answer["staked"]) == ("0.001", "0.0000000000000005")
    roles = {row["account"]: row["role"] for row in await queries.mrt_holders(store, "BTC")}
    assert roles[CURVE.pool] == "pool"
    assert CURVE.address not in roles


async def test_a_token_is_told_with_all_that_belongs_to_it(store: Store) -> None:
    """Addresses, name and symbol, as the deployment has them."""
    answer = await queries.mrt(store, "BTC")
    assert (answer["token_address"], answer["curve_address"]) == (CURVE.token, CURVE.address)
    assert (answer["pool_address"], answer["lock_address"], answer["staking_address"]) == (
        CURVE.pool, CURVE.lock, CURVE.staking,
    )  # fmt: skip
    assert (answer["token_name"], answer["token_symbol"], answer["quote_symbol"]) == (
        "BTC Perpetual MRT", "BTC-PERP-MRT", "USDC",
    )  # fmt: skip


@pytest.mark.parametrize("question", [queries.mrt, queries.mrt_holders])
async def test_a_market_without_a_token(store: Store, question: Any) -> None:
    """The error names the markets that have one."""
    with pytest.raises(UnknownMarketError) as caught:
        await question(store, "ETH")
    assert "BTC" in caught.value.hint


async def test_fees_of_the_pool_and_rewards_are_sums(token: Token, store: Store) -> None:
    """What the lock owes to whom and the staking to all, of both tokens of the pool."""
    token.mine(
        raw_event("LiquidityLock", "FeesBooked", BUYERS[0], 10, 20),
        raw_event("LiquidityLock", "FeesBooked", CURVE.staking, 5, 0),
        raw_event("LiquidityLock", "FeesPaid", CURVE.staking, 5, 0),
        raw_event("LpStaking", "RewardsHarvested", 5, 1),
        raw_event("LpStaking", "RewardsClaimed", BUYERS[2], 2, 1),
        raw_event("LpStaking", "StreamStarted", 5, 1, 99),
    )
    await store.take(token.chain.forward(token.chain.tip.number))
    assets = ["lock:BTC:0", "lock:BTC:1", "rewards:BTC:0", "rewards:BTC:1"]
    async with moment(store) as (_, _, reading):
        sums = await reading.sums_of(None, assets)
    assert {(account, asset): amount for (account, asset), amount in sums.items() if amount} == {
        (BUYERS[0], "lock:BTC:0"): 10,
        ("external", "lock:BTC:0"): -10,
        (BUYERS[0], "lock:BTC:1"): 20,
        ("external", "lock:BTC:1"): -20,
        ("owed", "rewards:BTC:0"): 3,
        (BUYERS[2], "rewards:BTC:0"): 2,
        ("external", "rewards:BTC:0"): -5,
        (BUYERS[2], "rewards:BTC:1"): 1,
        ("external", "rewards:BTC:1"): -1,
    }
