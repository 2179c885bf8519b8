"""A model of the race market that is traded at random, keeps its own books, and logs as the contract does.

Two races over the same oracle: four assets in three positions, and two in one. The books are kept by other
means than the ledger's, so that the two can be held against each other.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.index_support.chain import DEPLOYMENT, FakeChain, Raw, address_of, raw_event

__all__ = ["FEEDS", "RACES", "RaceBooks", "RaceWorld"]

ZERO = "0x" + "0" * 40
DEADLINE = 600
OPERATOR = address_of("race operator")
FEEDS = {name: f"{name}/USD".encode().ljust(32, b"\0") for name in ("BTC", "ETH", "SOL", "DOGE")}
RACES = {1: ("MAJORS", ("BTC", "ETH", "SOL", "DOGE"), 3), 2: ("DUEL", ("ETH", "BTC"), 1)}
YES, NO = 0, 1
Hold = tuple[str, int, int, int]
"""An account's shares of a side of a book in an epoch: (account, book, epoch, side)."""


def book_of(race: int, position: int, asset: int) -> int:
    """The market id of a book."""
    return race * 65_536 + position * 256 + asset


@dataclass
class RaceBooks:
    """What the contract would hold."""

    balance: Counter[str] = field(default_factory=Counter)
    pot: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    paid: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    """What redemptions have taken out of pots."""
    shares: Counter[Hold] = field(default_factory=Counter)
    cost: Counter[Hold] = field(default_factory=Counter)
    realized: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    touched: set[tuple[str, int, int]] = field(default_factory=set)
    made: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    """Shares of a side of a book in an epoch that were issued and not given back before its end."""
    tokens: int = 0
    prices: dict[tuple[str, int], int | None] = field(default_factory=dict)

    def liabilities(self) -> int:
        """All that the race market owes."""
        return self.balance.total() + self.pot.total()

    def add(self, hold: Hold, amount: int, cost: int) -> None:
        """Shares that came to an account, and what they cost it."""
        self.shares[hold] += amount
        self.cost[hold] += cost
        self.touched.add(hold[:3])

    def give_up(self, hold: Hold, amount: int) -> int:
        """Takes shares off an account and returns what they have cost."""
        cost = self.cost[hold] * amount // self.shares[hold] if self.shares[hold] else 0
        self.shares[hold] -= amount
        self.cost[hold] -= cost
        return cost


class RaceWorld:
    """Both races, from their creation on. The same seed trades the same."""

    def __init__(self, chain: FakeChain, seed: int = 0, accounts: int = 4) -> None:
        self.chain = chain
        self.random = random.Random(seed)
        self.accounts = [address_of(f"racer {number}") for number in range(accounts)]
        self.genesis = (chain.tip.timestamp // 300 + 1) * 300
        self.books = RaceBooks()
        self.history = {chain.tip.number: RaceBooks()}
        self.now = chain.tip.timestamp
        feeds = enumerate(FEEDS.values(), start=1)
        chain.mine(
            *(
                raw_event("BoundaryOracle", "FeedRegistered", feed, number, OPERATOR, DEADLINE)
                for number, feed in feeds
            ),
            *(self.created(race) for race in RACES),
            *(raw for who in self.accounts for raw in self._pay_in(who, 10**21)),
        )
        self._remember()

    def created(self, race: int) -> Raw:
        """A race's creation."""
        symbol, assets, positions = RACES[race]
        feeds = [FEEDS[asset] for asset in assets]
        values = (race, address_of("creator"), symbol, feeds, positions, self.genesis)
        return raw_event("RaceMarket", "RaceCreated", *values)

    def created_later(self) -> Raw:
        """The creation of a third race, of two assets."""
        feeds = [FEEDS["SOL"], FEEDS["DOGE"]]
        values = (3, address_of("somebody"), "LATE", feeds, 1, self.genesis)
        return raw_event("RaceMarket", "RaceCreated", *values)

    def later_split(self) -> Raw:
        """Seven units on both assets of the third race, in a far epoch."""
        return raw_event("RaceMarket", "FieldSplit", 3, 9_000, self.accounts[0], 1, 7)

    def run(self, blocks: int) -> None:
        """Mines that many blocks, with up to three actions in each."""
        for _ in range(blocks):
            seconds = self.random.choice((1, 7, 40, 90))
            self.now = self.chain.tip.timestamp + seconds
            events = [raw for _ in range(self.random.randrange(4)) for raw in self._act()]
            self.chain.mine(*events, seconds=seconds)
            self._remember()

    def _remember(self) -> None:
        self.history[self.chain.tip.number] = copy.deepcopy(self.books)

    @property
    def epoch(self) -> int:
        """The epoch that runs at the time of the block that is being made."""
        return max(0, (self.now - self.genesis) // 300 + 1)

    def places(self, race: int, epoch: int, now: int, books: RaceBooks | None = None) -> Any:
        """OPEN, VOID, or (first place, shared by) of each asset, by exact fractions."""
        prices, assets = (books or self.books).prices, RACES[race][1]
        start, end = self.genesis + (epoch - 1) * 300, self.genesis + epoch * 300
        if now < end:
            return "OPEN"
        ends = [(asset, instant) for asset in assets for instant in (start, end)]
        if any(prices.get(one) is None and (one in prices or now > one[1] + DEADLINE) for one in ends):
            return "VOID"
        if any(one not in prices for one in ends):
            return "OPEN"
        runs = [Fraction(prices[asset, end] or 0, prices[asset, start] or 1) for asset in assets]
        return [(1 + sum(other > run for other in runs), runs.count(run)) for run in runs]

    def part(self, book: int, epoch: int, now: int, books: RaceBooks | None = None) -> Fraction | None:
        """What a YES of a book pays; None while the epoch is open."""
        race, position, asset = book // 65_536, book // 256 % 256, book % 256
        places = self.places(race, epoch, now, books)
        if isinstance(places, str):
            return None if places == "OPEN" else Fraction(1, len(RACES[race][1]))
        first, shared = places[asset]
        return Fraction(1, shared) if first <= position < first + shared else Fraction(0)

    def claimable(self, hold: tuple[str, int, int], now: int, books: RaceBooks | None = None) -> int:
        """What an account's shares of a book pay, rounded down."""
        known, part = books or self.books, self.part(hold[1], hold[2], now, books)
        if part is None:
            return 0
        return int(known.shares[*hold, YES] * part + known.shares[*hold, NO] * (1 - part))

    # ------------------------------------------------------------------ actions

    def _act(self) -> list[Raw]:
        actions = [
            self._deposit, self._withdraw, self._split, self._merge, self._split_field, self._split_field,
            self._merge_field, self._to_field, self._from_field, self._give, self._redeem, self._redeem,
            self._post, self._post, self._post, self._post, self._stamp, self._donate, self._match,
            self._match, self._store, self._pause,
        ]  # fmt: skip
        return self.random.choice(actions)()

    def _some(self, most: int) -> int:
        return self.random.randint(1, most) if most > 0 else 0

    def _who(self) -> str:
        return self.random.choice(self.accounts)

    def _book(self) -> tuple[int, int, int]:
        race = self.random.choice(list(RACES))
        _, assets, positions = RACES[race]
        return race, self.random.randint(1, positions), self.random.randrange(len(assets))

    def _field(self, race: int, position: int) -> list[int]:
        return [book_of(race, position, asset) for asset in range(len(RACES[race][1]))]

    def _soon(self) -> int:
        return max(1, self.epoch) + self.random.randrange(2)

    def _race(self, name: str, *values: Any) -> Raw:
        return raw_event("RaceMarket", name, *values)

    def _token(self, sender: str, receiver: str, amount: int) -> Raw:
        return raw_event("TestToken", "Transfer", sender, receiver, amount)

    def _shares(self, sender: str, receiver: str, what: tuple[int, int, int], amount: int) -> Raw:
        book, epoch, side = what
        number = book << 64 | epoch << 8 | side
        return self._race(
            "Transfer", self.random.choice((sender, OPERATOR)), sender, receiver, number, amount
        )

    def _pay_in(self, account: str, amount: int) -> list[Raw]:
        self.books.balance[account] += amount
        self.books.tokens += amount
        paid = self._token(account, str(DEPLOYMENT.races), amount)
        return [self._race("Deposited", account, account, amount), paid]

    def _deposit(self) -> list[Raw]:
        return self._pay_in(self._who(), self._some(10**20))

    def _withdraw(self) -> list[Raw]:
        account = self._who()
        amount = self._some(self.books.balance[account] // 4)
        if not amount:
            return []
        self.books.balance[account] -= amount
        self.books.tokens -= amount
        gone = self._token(str(DEPLOYMENT.races), account, amount)
        return [self._race("Withdrawn", account, account, amount), gone]

    def _donate(self) -> list[Raw]:
        amount = self._some(1_000)
        self.books.tokens += amount
        return [self._token(address_of("donor"), str(DEPLOYMENT.races), amount)]

    def _split(self) -> list[Raw]:
        account, (race, position, asset), epoch = self._who(), self._book(), self._soon()
        amount, book = self._some(self.books.balance[account] // 4), book_of(race, position, asset)
        if not amount:
            return []
        self.books.balance[account] -= amount
        self.books.pot[race, position, epoch] += amount
        for side, cost in ((YES, amount // 2), (NO, amount - amount // 2)):
            self.books.add((account, book, epoch, side), amount, cost)
            self.books.made[book, epoch, side] += amount
        mints = [self._shares(ZERO, account, (book, epoch, side), amount) for side in (YES, NO)]
        return [self._race("Split", book, epoch, account, amount), *mints]

    def _merge(self) -> list[Raw]:
        account, (race, position, asset), epoch = self._who(), self._book(), self._some(self.epoch)
        book = book_of(race, position, asset)
        amount = self._some(min(self.books.shares[account, book, epoch, side] for side in (YES, NO)))
        if not amount or self.books.pot[race, position, epoch] < amount:
            return []
        self.books.balance[account] += amount
        self.books.pot[race, position, epoch] -= amount
        cost = sum(self.books.give_up((account, book, epoch, side), amount) for side in (YES, NO))
        self.books.realized[account, book, epoch] += amount - cost
        for side in (YES, NO):
            self.books.made[book, epoch, side] -= amount
        burns = [self._shares(account, ZERO, (book, epoch, side), amount) for side in (YES, NO)]
        return [*burns, self._race("Merged", book, epoch, account, amount)]

    def _split_field(self) -> list[Raw]:
        account, (race, position, _), epoch = self._who(), self._book(), self._soon()
        amount = self._some(self.books.balance[account] // 4)
        if not amount:
            return []
        self.books.balance[account] -= amount
        self.books.pot[race, position, epoch] += amount
        field_books = self._field(race, position)
        costs = self._shared(amount, len(field_books))
        for book, cost in zip(field_books, costs, strict=True):
            self.books.add((account, book, epoch, YES), amount, cost)
            self.books.made[book, epoch, YES] += amount
        mints = [self._shares(ZERO, account, (book, epoch, YES), amount) for book in field_books]
        return [self._race("FieldSplit", race, epoch, account, position, amount), *mints]

    def _merge_field(self) -> list[Raw]:
        account, (race, position, _), epoch = self._who(), self._book(), self._some(self.epoch)
        field_books = self._field(race, position)
        amount = self._some(min(self.books.shares[account, book, epoch, YES] for book in field_books))
        if not amount or self.books.pot[race, position, epoch] < amount:
            return []
        self.books.balance[account] += amount
        self.books.pot[race, position, epoch] -= amount
        for book, proceeds in zip(field_books, self._shared(amount, len(field_books)), strict=True):
            cost = self.books.give_up((account, book, epoch, YES), amount)
            self.books.realized[account, book, epoch] += proceeds - cost
            self.books.made[book, epoch, YES] -= amount
        burns = [self._shares(account, ZERO, (book, epoch, YES), amount) for book in field_books]
        return [*burns, self._race("FieldMerged", race, epoch, account, position, amount)]

    def _shared(self, amount: int, count: int) -> list[int]:
        """Equal parts, the first of which takes what does not divide."""
        return [amount - amount // count * (count - 1), *[amount // count] * (count - 1)]

    def _to_field(self) -> list[Raw]:
        return self._convert(to_field=True)

    def _from_field(self) -> list[Raw]:
        return self._convert(to_field=False)

    def _convert(self, *, to_field: bool) -> list[Raw]:
        account, (race, position, asset), epoch = self._who(), self._book(), self._soon()
        book = book_of(race, position, asset)
        one = [(book, NO)]
        others = [(other, YES) for other in self._field(race, position) if other != book]
        given, got = (one, others) if to_field else (others, one)
        amount = self._some(min(self.books.shares[account, which, epoch, side] for which, side in given))
        if not amount:
            return []
        cost = 0
        for which, side in given:
            cost += self.books.give_up((account, which, epoch, side), amount)
            self.books.made[which, epoch, side] -= amount
        for (which, side), part in zip(got, self._shared(cost, len(got)), strict=True):
            self.books.add((account, which, epoch, side), amount, part)
            self.books.made[which, epoch, side] += amount
        burns = [self._shares(account, ZERO, (which, epoch, side), amount) for which, side in given]
        mints = [self._shares(ZERO, account, (which, epoch, side), amount) for which, side in got]
        return [*burns, self._race("Converted", book, epoch, account, to_field, amount), *mints]

    def _give(self) -> list[Raw]:
        sender, receiver, epoch, side = self._who(), self._who(), self._soon(), self.random.choice((YES, NO))
        book = book_of(*self._book())
        amount = self._some(self.books.shares[sender, book, epoch, side])
        if not amount:
            return []
        if sender != receiver:
            cost = self.books.give_up((sender, book, epoch, side), amount)
            self.books.add((receiver, book, epoch, side), amount, cost)
        return [self._shares(sender, receiver, (book, epoch, side), amount)]

    def _redeem(self) -> list[Raw]:
        account, (race, position, asset), epoch = self._who(), self._book(), self._some(self.epoch - 1)
        book = book_of(race, position, asset)
        held = [self.books.shares[account, book, epoch, side] for side in (YES, NO)]
        if not epoch or not any(held) or self.part(book, epoch, self.now) is None:
            return []
        paid = self.claimable((account, book, epoch), self.now)
        if self.books.pot[race, position, epoch] < paid:
            return []
        self.books.pot[race, position, epoch] -= paid
        self.books.paid[race, position, epoch] += paid
        self.books.tokens -= paid
        cost = sum(self.books.give_up((account, book, epoch, side), held[side]) for side in (YES, NO))
        self.books.realized[account, book, epoch] += paid - cost
        burns = [
            self._shares(account, ZERO, (book, epoch, side), held[side]) for side in (YES, NO) if held[side]
        ]
        redeemed = self._race("Redeemed", book, epoch, account, *held, paid)
        return [*burns, redeemed, self._token(str(DEPLOYMENT.races), account, paid)]

    def _match(self) -> list[Raw]:
        """A buyer and a seller of one book swap shares, each at the same price and a fee of its own."""
        buyer, seller = self.random.sample(self.accounts, 2)
        race, position, asset = self._book()
        book, epoch, side = book_of(race, position, asset), self._soon(), self.random.choice((YES, NO))
        size = self._some(min(self.books.shares[seller, book, epoch, side], self.books.balance[buyer] // 2))
        amount = size * self.random.randint(1, 999) // 1_000
        if not amount:
            return []
        fees = [self.random.randint(0, amount // 50) for _ in range(2)]
        self.books.balance[buyer] -= amount + fees[0]
        self.books.add((buyer, book, epoch, side), size, amount + fees[0])
        cost = self.books.give_up((seller, book, epoch, side), size)
        self.books.realized[seller, book, epoch] += amount - fees[1] - cost
        self.books.balance[seller] += amount - fees[1]
        self.books.balance[OPERATOR] += sum(fees)
        number = book << 64 | epoch << 8 | side
        fills = [
            self._race(
                "OrderFilled", self.random.randbytes(32), who, book, epoch, side, is_buy, size, amount, fee
            )
            for who, is_buy, fee in ((buyer, True, fees[0]), (seller, False, fees[1]))
        ]
        charged = [self._race("FeesCharged", OPERATOR, sum(fees))] if any(fees) else []
        return [self._race("Transfer", OPERATOR, seller, buyer, number, size), *fills, *charged]

    def _post(self) -> list[Raw]:
        """The prices of all assets at a boundary that has passed; few of them, so that some assets tie."""
        boundary = self.genesis + (self.epoch - self._some(2)) * 300
        if boundary // 300 % 6 == 0 or boundary > self.now or self.now > boundary + DEADLINE:
            return []
        posted = []
        for name, feed in FEEDS.items():
            if (name, boundary) not in self.books.prices:
                price = self.random.randint(1, 3) * 10**18
                self.books.prices[name, boundary] = price
                posted.append(raw_event("BoundaryOracle", "BoundaryPosted", feed, boundary, price))
        return posted

    def _stamp(self) -> list[Raw]:
        name = self.random.choice(list(FEEDS))
        boundary = (self.now - DEADLINE - 1) // 300 * 300
        if boundary < self.genesis or (name, boundary) in self.books.prices:
            return []
        self.books.prices[name, boundary] = None
        return [raw_event("BoundaryOracle", "BoundaryVoided", FEEDS[name], boundary)]

    def _store(self) -> list[Raw]:
        return [self._race("ResultStored", self.random.choice(list(RACES)), max(1, self.epoch - 1), 1 << 128)]

    def _pause(self) -> list[Raw]:
        return [self._race("TradingPaused", self.random.random() < 0.5)]
