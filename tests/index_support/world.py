"""A model of the contracts that trades at random, keeps its own books, and logs as the contracts do.

The books are kept by other means than the ledger's, so that the two can be held against each other.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from indexer.blocks import Block
from tests.index_support import world_orders
from tests.index_support.chain import DEPLOYMENT, FakeChain, Raw, address_of, raw_event
from tests.index_support.truth import WorldTruth

__all__ = ["Books", "Trade", "World"]

ZERO = "0x" + "0" * 40
FEED = b"BTC/USD".ljust(32, b"\0")
LIQUIDITY, CLOSING_BPS = 100 * 10**18, 4_000
DEADLINE = 600
HUB, VAULT, CURVE = DEPLOYMENT.hub, DEPLOYMENT.vault, DEPLOYMENT.curves["BTC"].address
FACADE = address_of("BTC facade")
SIDES = (0, 1)


class Trade(NamedTuple):
    """Shares bought or sold, of the house or by a signed order. Side 0 is YES; `paid` is without the fee."""

    account: str
    epoch: int
    is_buy: bool
    side: int
    shares: int
    paid: int
    is_order: bool
    at: int


@dataclass
class Books:
    """What the contracts would hold. Shares and costs are by (account, epoch, side)."""

    balance: Counter[str] = field(default_factory=Counter)
    budget: int = 0
    pot: Counter[int] = field(default_factory=Counter)
    shares: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    cost: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    realized: Counter[tuple[str, int]] = field(default_factory=Counter)
    touched: set[tuple[str, int]] = field(default_factory=set)
    sets: Counter[int] = field(default_factory=Counter)
    house: Counter[tuple[int, int]] = field(default_factory=Counter)
    retired: Counter[tuple[int, int]] = field(default_factory=Counter)
    liquidity: dict[int, int] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)
    hub_tokens: int = 0
    vault_tokens: int = 0
    active: int = 0
    pending: int | None = None
    claimed: Counter[str] = field(default_factory=Counter)
    raised: int = 0
    pooled: int = 0
    fees: int = 0
    curve_tokens: Counter[str] = field(default_factory=Counter)
    mrt: Counter[str] = field(default_factory=Counter)
    """Reward tokens, whoever has them."""
    prices: dict[int, int | None] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    opened: bool = False
    """Whether there is a market yet."""

    def copy(self) -> Books:
        """The same, to be changed apart. Nothing that the containers hold changes itself."""
        made = replace(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | set | list):
                setattr(made, name, value.copy())
        return made

    def liabilities(self) -> int:
        """All that the hub owes."""
        return self.balance.total() + self.budget + self.pot.total()

    def quoted(self, epoch: int, side: int) -> int:
        """Shares that the house quotes on."""
        return self.house[epoch, side] - self.retired[epoch, side]

    def give_up(self, account: str, epoch: int, side: int, amount: int) -> int:
        """Takes shares off an account and returns what they have cost."""
        key = (account, epoch, side)
        cost = self.cost[key] * amount // self.shares[key] if self.shares[key] else 0
        self.shares[key] -= amount
        self.cost[key] -= cost
        return cost


class World:
    """One market (id 1, BTC) with its house, a vault and a curve. The same seed trades the same."""

    def __init__(self, chain: FakeChain, seed: int = 0, accounts: int = 5) -> None:
        self.chain = chain
        self.random = random.Random(seed)
        self.accounts = [address_of(f"trader {n}") for n in range(accounts)]
        self.creator = address_of("creator")
        self.genesis = (chain.tip.timestamp // 300 + 1) * 300
        self.books = Books()
        self.history: dict[int, Books] = {chain.tip.number: Books()}
        self.born = chain.tip.hash
        self.deadline = DEADLINE
        self.by_hash: dict[str, Books] = {self.born: Books()}
        """As of every block that ever was, of whatever branch."""
        self.now = chain.tip.timestamp
        chain.truth = WorldTruth(self)
        chain.mine(*self._set_up())
        self._remember()

    def _remember(self) -> None:
        books = self.books.copy()
        self.history[self.chain.tip.number] = self.by_hash[self.chain.tip.hash] = books

    def _set_up(self) -> list[Raw]:
        self.books.opened = True
        paid = [raw for who in (self.creator, *self.accounts) for raw in self._pay_in(who, who, 10**24)]
        return [
            raw_event("BoundaryOracle", "FeedRegistered", FEED, 1, address_of("adapter"), DEADLINE),
            raw_event(
                "EpochHub", "MarketCreated", 1, FACADE, FEED, self.creator, "BTC",
                self.genesis, LIQUIDITY, 100, CLOSING_BPS, 300, 10**21,
            ),
            *paid,
            self._reward(ZERO, CURVE, 10**27),
        ]  # fmt: skip

    def market_terms(self, books: Books) -> tuple[Any, ...]:
        """The hub's struct of the market."""
        closing = (CLOSING_BPS, 300, 10**21, 0)
        return (FACADE, self.creator, FEED, "BTC", self.genesis, LIQUIDITY, 100, books.budget, *closing)

    def run(self, blocks: int) -> None:
        """Mines that many blocks, with up to three actions in each."""
        for _ in range(blocks):
            seconds = self.random.choice((1, 7, 40, 90))
            self.now = self.chain.tip.timestamp + seconds
            events = [raw for _ in range(self.random.randrange(4)) for raw in self._act()]
            self.chain.mine(*events, seconds=seconds)
            self._remember()

    def note_trade(
        self,
        account: str,
        epoch: int,
        *,
        is_buy: bool,
        side: int,
        shares: int,
        paid: int,
        is_order: bool = False,
    ) -> None:
        """Writes down who traded what, in the order of the logs."""
        self.books.trades.append(Trade(account, epoch, is_buy, side, shares, paid, is_order, self.now))

    def rewind(self, depth: int) -> None:
        """The newest blocks are gone, and with them what was done in them."""
        self.chain.rollback(depth)
        last = self.chain.tip.number
        self.history = {number: books for number, books in self.history.items() if number <= last}
        self.books = self.history[last].copy()

    def return_to(self, blocks: Sequence[Block]) -> None:
        """The chain leaves its newest blocks for some that it once had."""
        self.chain.return_to(blocks)
        known = self.by_hash
        self.history = {one.number: known[one.hash] for one in blocks if one.hash in known}
        self.books = self.history[self.chain.tip.number].copy()

    def branch(self, depth: int, seed: int = 0) -> World:
        """A world that goes on by itself from `depth` blocks below this one's tip, on a chain of its own."""
        other = copy.copy(self)
        other.chain = self.chain.branch(depth)
        last = other.chain.tip.number
        other.history = {number: books for number, books in self.history.items() if number <= last}
        other.books = other.history[last].copy()
        other.random = random.Random(seed)
        return other

    @property
    def epoch(self) -> int:
        """The epoch that runs at the time of the block that is being made."""
        return max(0, (self.now - self.genesis) // 300 + 1)

    def outcome(self, epoch: int, now: int, books: Books | None = None) -> str | None:
        """YES, NO, VOID or None, from the prices in the books."""
        prices = (books or self.books).prices
        ends = [self.genesis + (epoch - 1) * 300, self.genesis + epoch * 300]
        if now < ends[1]:
            return None
        if any(prices.get(end) is None and (end in prices or now > end + DEADLINE) for end in ends):
            return "VOID"
        if any(end not in prices for end in ends):
            return None
        start, end = (prices[instant] or 0 for instant in ends)
        return "VOID" if start == end else "YES" if end > start else "NO"

    def _act(self) -> list[Raw]:
        actions = [
            self._deposit, self._withdraw, self._split, self._merge, self._buy, self._buy, self._sell,
            self._give, self._redeem, self._redeem, self._settle, self._fund, self._defund, self._post,
            self._post, self._post, self._stamp, self._donate, self._root, self._claim, self._curve_buy,
            self._curve_sell, self._curve_fees, self._graduate, self._match, self._match, self._match,
            self._remark,
        ]  # fmt: skip
        return self.random.choice(actions)()

    def _match(self) -> list[Raw]:
        return world_orders.match(self)

    def _remark(self) -> list[Raw]:
        return world_orders.remark(self)

    def _some(self, most: int) -> int:
        return self.random.randint(1, most) if most > 0 else 0

    def _who(self) -> str:
        return self.random.choice(self.accounts)

    def _token(self, sender: str, receiver: str, amount: int, token: str | None = None) -> Raw:
        address = token or DEPLOYMENT.collateral.address
        return raw_event("TestToken", "Transfer", sender, receiver, amount, address=address)

    def _usdc(self, sender: str, receiver: str, amount: int) -> Raw:
        return self._token(sender, receiver, amount, DEPLOYMENT.payout_token.address)

    def _reward(self, sender: str, receiver: str, amount: int) -> Raw:
        if sender != ZERO:
            self.books.mrt[sender] -= amount
        self.books.mrt[receiver] += amount
        return raw_event("MrtToken", "Transfer", sender, receiver, amount)

    def _shares(self, sender: str, receiver: str, epoch: int, side: int, amount: int) -> Raw:
        number = 1 << 64 | epoch << 8 | side
        caller = self.random.choice((sender, world_orders.OPERATOR))
        return raw_event("EpochHub", "Transfer", caller, sender, receiver, number, amount)

    def _hub(self, name: str, *values: Any) -> Raw:
        return raw_event("EpochHub", name, *values)

    def _deposit(self) -> list[Raw]:
        return self._pay_in(self._who(), self._who(), self._some(10**21))

    def _pay_in(self, account: str, payer: str, amount: int) -> list[Raw]:
        self.books.balance[account] += amount
        self.books.hub_tokens += amount
        return [self._hub("Deposited", account, payer, amount), self._token(payer, HUB, amount)]

    def _withdraw(self) -> list[Raw]:
        account = self._who()
        amount = self._some(self.books.balance[account])
        if not amount:
            return []
        self.books.balance[account] -= amount
        self.books.hub_tokens -= amount
        return [self._hub("Withdrawn", account, account, amount), self._token(HUB, account, amount)]

    def _split(self) -> list[Raw]:
        account = self._who()
        epoch, amount = max(1, self.epoch) + self.random.randrange(2), self._some(self.books.balance[account])
        if not amount:
            return []
        self.books.balance[account] -= amount
        self.books.pot[epoch] += amount
        self.books.sets[epoch] += amount
        self.books.touched.add((account, epoch))
        for side in SIDES:
            self.books.shares[account, epoch, side] += amount
        self.books.cost[account, epoch, 0] += amount // 2
        self.books.cost[account, epoch, 1] += amount - amount // 2
        mints = [self._shares(ZERO, account, epoch, side, amount) for side in SIDES]
        return [self._hub("Split", 1, epoch, account, amount), *mints]

    def _merge(self) -> list[Raw]:
        account, epoch = self._who(), self._some(self.epoch)
        amount = self._some(min(self.books.shares[account, epoch, side] for side in SIDES))
        if not amount or self.books.pot[epoch] < amount:
            return []
        self.books.balance[account] += amount
        self.books.pot[epoch] -= amount
        self.books.sets[epoch] -= amount
        cost = sum(self.books.give_up(account, epoch, side, amount) for side in SIDES)
        self.books.realized[account, epoch] += amount - cost
        burns = [self._shares(account, ZERO, epoch, side, amount) for side in SIDES]
        return [*burns, self._hub("Merged", 1, epoch, account, amount)]

    def _bring(self, epoch: int) -> list[Raw]:
        """The house as it trades now: opened, or less what it keeps aside since its liquidity fell."""
        step = min((self.now - self.genesis - (epoch - 1) * 300) // 30, 8)
        liquidity = LIQUIDITY - LIQUIDITY * (10_000 - CLOSING_BPS) * step // 80_000
        if epoch not in self.books.liquidity:
            return self._open(epoch, liquidity)
        before = self.books.liquidity[epoch]
        gone = [self.books.quoted(epoch, s) * (before - liquidity) // before for s in SIDES]
        if not any(gone):
            return []
        self.books.liquidity[epoch] = liquidity
        for side in SIDES:
            self.books.retired[epoch, side] += gone[side]
        return [self._hub("HouseRetired", 1, epoch, step, *gone)]

    def _open(self, epoch: int, liquidity: int) -> list[Raw]:
        opening = liquidity * 7 // 10
        if self.books.budget < opening:
            return []
        self.books.liquidity[epoch] = liquidity
        self.books.budget -= opening
        self.books.pot[epoch] += opening
        self.books.sets[epoch] += opening
        for side in SIDES:
            self.books.house[epoch, side] = opening
        return [self._hub("HouseOpened", 1, epoch, opening)]

    def _buy(self) -> list[Raw]:
        account, epoch, side = self._who(), self.epoch, self.random.choice(SIDES)
        opened = self._bring(epoch) if epoch else []
        wallet = self.random.random() < 0.5
        amount = self._some(10**19 if wallet else self.books.balance[account])
        if not amount or epoch not in self.books.liquidity:
            return opened
        shares = self._some(self.books.quoted(epoch, side) + amount)
        self.books.house[epoch, side] += amount - shares
        self.books.house[epoch, 1 - side] += amount
        self.books.sets[epoch] += amount
        self.books.pot[epoch] += amount
        self.books.shares[account, epoch, side] += shares
        self.books.cost[account, epoch, side] += amount
        self.books.touched.add((account, epoch))
        self.note_trade(account, epoch, is_buy=True, side=side, shares=shares, paid=amount - amount // 100)
        paid = []
        if wallet:
            self.books.hub_tokens += amount
            paid = [self._token(account, HUB, amount)]
        else:
            self.books.balance[account] -= amount
        bought = self._hub("Bought", 1, epoch, account, side, amount, amount // 100, shares, wallet)
        return [*paid, *opened, bought, self._shares(ZERO, account, epoch, side, shares)]

    def _sell(self) -> list[Raw]:
        account, epoch, side = self._who(), self.epoch, self.random.choice(SIDES)
        shares = self._some(self.books.shares[account, epoch, side])
        if not shares or epoch not in self.books.liquidity:
            return []
        brought, house, quoted = self._bring(epoch), self.books.house, self.books.quoted
        amount = self._some(min(shares, quoted(epoch, 1 - side), quoted(epoch, side) + shares))
        if not amount:
            return brought
        house[epoch, side] += shares - amount
        house[epoch, 1 - side] -= amount
        self.books.sets[epoch] -= amount
        self.books.pot[epoch] -= amount
        cost = self.books.give_up(account, epoch, side, shares)
        self.books.realized[account, epoch] += amount - cost
        self.note_trade(account, epoch, is_buy=False, side=side, shares=shares, paid=amount + amount // 100)
        wallet = self.random.random() < 0.5
        events = [
            self._shares(account, ZERO, epoch, side, shares),
            *brought,
            self._hub("Sold", 1, epoch, account, side, shares, amount // 100, amount, wallet),
        ]
        if wallet:
            self.books.hub_tokens -= amount
            return [*events, self._token(HUB, account, amount)]
        self.books.balance[account] += amount
        return events

    def _give(self) -> list[Raw]:
        sender, receiver, epoch = self._who(), self._who(), self._some(self.epoch + 1)
        side = self.random.choice(SIDES)
        amount = self._some(self.books.shares[sender, epoch, side])
        if amount and sender != receiver:
            cost = self.books.give_up(sender, epoch, side, amount)
            self.books.shares[receiver, epoch, side] += amount
            self.books.cost[receiver, epoch, side] += cost
            self.books.touched.add((receiver, epoch))
        return [self._shares(sender, receiver, epoch, side, amount)]

    def _payout(self, epoch: int, yes: int, no: int) -> int | None:
        outcome = self.outcome(epoch, self.now)
        return None if outcome is None else {"YES": yes, "NO": no, "VOID": (yes + no) // 2}[outcome]

    def _redeem(self) -> list[Raw]:
        account, epoch = self._who(), self._some(self.epoch)
        yes, no = (self.books.shares[account, epoch, side] for side in SIDES)
        payout = self._payout(epoch, yes, no) if yes or no else None
        if payout is None:
            return []
        cost = sum(self.books.give_up(account, epoch, side, n) for side, n in ((0, yes), (1, no)))
        self.books.realized[account, epoch] += payout - cost
        self.books.pot[epoch] -= payout
        self.books.hub_tokens -= payout
        burns = [self._shares(account, ZERO, epoch, side, n) for side, n in ((0, yes), (1, no)) if n]
        redeemed = self._hub("Redeemed", 1, epoch, account, yes, no, payout)
        return [*burns, redeemed, *([self._token(HUB, account, payout)] if payout else [])]

    def _settle(self) -> list[Raw]:
        epoch = self._some(self.epoch)
        yes, no = (self.books.house[epoch, side] for side in SIDES)
        payout = self._payout(epoch, yes, no) if yes and epoch not in self.books.settled else None
        if payout is None:
            return []
        self.books.settled.add(epoch)
        self.books.pot[epoch] -= payout
        self.books.budget += payout
        return [self._hub("HouseSettled", 1, epoch, yes, no, payout)]

    def _fund(self) -> list[Raw]:
        amount = self._some(min(10**21, self.books.balance[self.creator]))
        if not amount:
            return []
        self.books.balance[self.creator] -= amount
        self.books.budget += amount
        return [self._hub("HouseFunded", 1, self.creator, amount)]

    def _defund(self) -> list[Raw]:
        amount = self._some(min(10**18, self.books.budget))
        if not amount:
            return []
        self.books.balance[self.creator] += amount
        self.books.budget -= amount
        return [self._hub("HouseDefunded", 1, self.creator, amount)]

    def _missing(self) -> list[int]:
        past = [self.genesis + n * 300 for n in range(self.epoch)]
        return [boundary for boundary in past if boundary not in self.books.prices]

    def _post(self) -> list[Raw]:
        due = [boundary for boundary in self._missing() if self.now <= boundary + DEADLINE]
        if not due:
            return []
        # Few prices, so that some are equal.
        boundary, price = self.random.choice(due), self.random.randint(1, 3) * 10**18
        self.books.prices[boundary] = price
        return [raw_event("BoundaryOracle", "BoundaryPosted", FEED, boundary, price)]

    def _stamp(self) -> list[Raw]:
        late = [boundary for boundary in self._missing() if self.now > boundary + DEADLINE]
        if not late:
            return []
        self.books.prices[late[0]] = None
        return [raw_event("BoundaryOracle", "BoundaryVoided", FEED, late[0])]

    def _donate(self) -> list[Raw]:
        amount = self._some(1000)
        self.books.hub_tokens += amount
        return [self._token(self._who(), HUB, amount)]

    def _vault(self, name: str, *values: Any) -> Raw:
        return raw_event("PayoutVault", name, *values)

    def _root(self) -> list[Raw]:
        root = self.random.randbytes(32)
        if self.books.pending is None:
            self.books.pending = self.books.active + self._some(10**9)
            needed = self.books.pending - self.books.claimed.total() - self.books.vault_tokens
            self.books.vault_tokens += max(needed, 0)
            funding = [self._usdc(self.creator, VAULT, needed)] if needed > 0 else []
            return [
                *funding,
                self._vault("RootProposed", root, self.books.pending, self.now, "ipfs://leaves"),
            ]
        pending, self.books.pending = self.books.pending, None
        if self.random.random() < 0.3:
            return [self._vault("RootVetoed", root)]
        self.books.active = pending
        return [self._vault("RootActivated", root, pending)]

    def _claim(self) -> list[Raw]:
        account = self._who()
        amount = self._some(self.books.active - self.books.claimed.total())
        if not amount:
            return []
        self.books.claimed[account] += amount
        self.books.vault_tokens -= amount
        total = self.books.claimed[account]
        return [self._vault("Claimed", account, account, amount, total), self._usdc(VAULT, account, amount)]

    def _curve_buy(self) -> list[Raw]:
        account, amount, tokens = self._who(), self._some(10**8), self._some(10**24)
        if self.books.pooled:
            return []
        fee = amount // 400
        self.books.raised += amount - fee
        self.books.fees += fee
        self.books.curve_tokens[account] += tokens
        bought = raw_event("MrtCurve", "CurveBought", account, account, amount, fee, tokens)
        return [bought, self._usdc(account, CURVE, amount), self._reward(CURVE, account, tokens)]

    def _curve_sell(self) -> list[Raw]:
        account = self._who()
        tokens, gross = self._some(self.books.curve_tokens[account]), self._some(self.books.raised)
        if not tokens or not gross:
            return []
        fee = gross // 400
        self.books.raised -= gross
        self.books.fees += fee
        self.books.curve_tokens[account] -= tokens
        sold = raw_event("MrtCurve", "CurveSold", account, account, tokens, fee, gross - fee)
        return [sold, self._usdc(CURVE, account, gross - fee), self._reward(account, CURVE, tokens)]

    def _graduate(self) -> list[Raw]:
        quote = self.books.raised
        if quote < 5 * 10**7:
            return []
        self.books.raised, self.books.pooled = 0, quote
        pool = address_of("pool")
        graduated = raw_event("MrtCurve", "Graduated", pool, quote, 10**24, 10**15)
        return [self._usdc(CURVE, pool, quote), self._reward(CURVE, pool, 10**24), graduated]

    def _curve_fees(self) -> list[Raw]:
        amount = self._some(self.books.fees)
        if not amount:
            return []
        self.books.fees -= amount
        claimed = raw_event("MrtCurve", "FeesClaimed", self.creator, amount)
        return [claimed, self._usdc(CURVE, self.creator, amount)]
