"""Signed orders in the model world: what a match does to its books, and what the hub logs of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.index_support.chain import Raw, address_of, raw_event

if TYPE_CHECKING:
    from tests.index_support.world import World

__all__ = ["OPERATOR", "match", "remark"]

ZERO = "0x" + "0" * 40
OPERATOR = address_of("operator")
LOT, TICKS = 1000, 1000
"""Base units in a lot, and ticks in a price of 1: `lots` shares at `ticks` cost their product."""


@dataclass
class _Side:
    """One order's part: lots of a side bought or sold at a price in ticks, in one or several fills."""

    account: str
    epoch: int
    side: int
    is_buy: bool
    lots: int = 0
    amount: int = 0
    fee: int = 0
    hash: bytes = b""


@dataclass
class _Match:
    """A match as it goes: the events so far, and what they have left of the taker's means."""

    world: World
    taker: _Side
    events: list[Raw] = field(default_factory=list)
    minted: int = 0
    merged: int = 0
    fees: int = 0

    def transfer(self, sender: str, receiver: str, side: int, lots: int) -> None:
        number = 1 << 64 | self.taker.epoch << 8 | side
        values = (OPERATOR, sender, receiver, number, lots * LOT)
        self.events.append(raw_event("EpochHub", "Transfer", *values))

    def settle(self, part: _Side) -> None:
        """Books one order's part and logs it."""
        books, chance = self.world.books, self.world.random
        key, size = (part.account, part.epoch, part.side), part.lots * LOT
        if part.is_buy:
            part.fee = chance.randint(0, min(part.amount // 20, books.balance[part.account] - part.amount))
            books.balance[part.account] -= part.amount + part.fee
            books.shares[key] += size
            books.cost[key] += part.amount + part.fee
            books.touched.add((part.account, part.epoch))
        else:
            part.fee = chance.randint(0, part.amount // 20)
            cost = books.give_up(*key, size)
            books.realized[part.account, part.epoch] += part.amount - part.fee - cost
            books.balance[part.account] += part.amount - part.fee
        self.world.note_trade(
            part.account, part.epoch,
            is_buy=part.is_buy, side=part.side, shares=size, paid=part.amount, is_order=True,
        )  # fmt: skip
        self.fees += part.fee
        values = (part.epoch, part.side, part.is_buy, size, part.amount, part.fee)
        filled = raw_event("EpochHub", "OrderFilled", part.hash, part.account, 1, *values)
        self.events.append(filled)


def _means(world: World, part: _Side) -> int:
    """The most lots that an account could still buy at any price, or sell."""
    if part.is_buy:
        return world.books.balance[part.account] // TICKS
    return world.books.shares[part.account, part.epoch, part.side] // LOT


def match(world: World) -> list[Raw]:
    """A taker against one to four makers, each a swap, a mint or a merge as their sides have it."""
    chance = world.random
    epoch = max(1, world.epoch) + chance.randrange(2)
    taker = _Side(chance.choice(world.accounts), epoch, chance.randrange(2), chance.random() < 0.5)
    taker.hash = chance.randbytes(32)
    done = _Match(world, taker)
    for _ in range(chance.randint(1, 4)):
        _add_maker(done)
    if not taker.lots:
        return []
    if done.minted:
        done.transfer(ZERO, taker.account, taker.side, done.minted)
    if done.merged:
        done.transfer(taker.account, ZERO, taker.side, done.merged)
    done.settle(taker)
    made = (done.minted - done.merged) * LOT
    world.books.sets[epoch] += made
    world.books.pot[epoch] += made
    if done.fees:
        world.books.balance[OPERATOR] += done.fees
        done.events.append(raw_event("EpochHub", "FeesCharged", OPERATOR, done.fees))
    return done.events


def _add_maker(done: _Match) -> None:
    world, taker = done.world, done.taker
    swap = world.random.random() < 0.5
    maker = _Side(
        world.random.choice([account for account in world.accounts if account != taker.account]),
        taker.epoch,
        taker.side if swap else 1 - taker.side,
        not taker.is_buy if swap else taker.is_buy,
        hash=world.random.randbytes(32),
    )
    most = min(_means(world, maker), _means(world, taker) - taker.lots, 10**15)
    if most <= 0:
        return
    maker.lots, ticks = world.random.randint(1, most), world.random.randint(1, TICKS - 1)
    maker.amount = maker.lots * ticks
    taker.lots += maker.lots
    taker.amount += maker.lots * (ticks if swap else TICKS - ticks)
    _announce(done, maker, swap=swap)
    done.settle(maker)


def _announce(done: _Match, maker: _Side, *, swap: bool) -> None:
    if swap:
        ends = (done.taker.account, maker.account) if maker.is_buy else (maker.account, done.taker.account)
        done.transfer(*ends, maker.side, maker.lots)
    elif maker.is_buy:
        done.minted += maker.lots
        done.transfer(ZERO, maker.account, maker.side, maker.lots)
    else:
        done.merged += maker.lots
        done.transfer(maker.account, ZERO, maker.side, maker.lots)


def remark(world: World) -> list[Raw]:
    """One of the hub's events that move nothing."""
    account, digest, soon = world.random.choice(world.accounts), world.random.randbytes(32), world.now + 60
    said: list[Callable[[], Raw]] = [
        lambda: raw_event("EpochHub", "OrderRegistered", digest, account),
        lambda: raw_event("EpochHub", "OrderCancelled", digest, account, soon),
        lambda: raw_event("EpochHub", "NonceFloorRaised", account, 7, soon),
        lambda: raw_event("EpochHub", "MatchOperatorSet", OPERATOR, True),
        lambda: raw_event("EpochHub", "TradingModeEntered", account),
        lambda: raw_event("EpochHub", "TradingModeLeft", account, soon),
        lambda: raw_event("EpochHub", "ReleaseRequested", account, 0, 5, soon),
        lambda: raw_event("EpochHub", "ReleaseSpent", account, 0, 5),
        lambda: raw_event("EpochHub", "HouseDailyBudgetSet", 1, 10**20),
    ]
    return [world.random.choice(said)()]
