"""How the demo's traders trade: a pure function from a seed to who does what, when.

Amounts are base units of 18-decimal collateral unless a name says otherwise. An action's `offset` is seconds
after the start of its epoch, the last well inside the trading window.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["HABITS", "Action", "Kind", "Scene", "plan_epoch", "seeded"]

COIN = 10**18
USDC = 10**6
LATEST_OFFSET = 250


class Kind(StrEnum):
    """What a trader does."""

    BUY_BARE = "buy, bare form"
    BUY = "buy"
    SELL = "sell"
    DEPOSIT = "deposit"
    DEPOSIT_PERMIT = "deposit by permit"
    WITHDRAW = "withdraw"
    SPLIT = "split"
    MERGE = "merge"
    HUB_BUY = "buy from the internal balance"
    HUB_SELL = "sell to the internal balance"
    TRANSFER = "transfer shares"
    MRT_BUY = "buy MRT"
    MRT_SELL = "sell MRT"


@dataclass(frozen=True)
class Action:
    """One step of one trader.

    `amount` is collateral, or USDC (6 decimals) for MRT_BUY; `percent` is the part of what the trader then
    holds, for kinds that dispose of something; `ahead` counts epochs from the running one.
    """

    offset: int
    trader: int
    kind: Kind
    yes: bool = True
    amount: int = 0
    percent: int = 100
    ahead: int = 0
    receiver: int = 0


@dataclass(frozen=True)
class Scene:
    """Where a habit acts: how many traders there are, which epoch runs, and whether it is the last."""

    traders: int
    epoch: int
    last: bool


Habit = Callable[[random.Random, int, Scene], Iterator[Action]]
"""From a source of chance, the trader and the scene, to its actions of that epoch."""


def _coins(chance: random.Random, low: int, high: int) -> int:
    """An amount with cents, so that sums are not round."""
    return chance.randint(low * 100, high * 100) * (COIN // 100)


def _every_epoch(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    del scene
    yield Action(10, me, Kind.BUY, yes=chance.random() < 0.5, amount=_coins(chance, 1, 20))


def _bare_bot(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    del scene
    yield Action(20, me, Kind.BUY_BARE, yes=chance.random() < 0.6, amount=COIN)


def _scalper(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    del scene
    yes = chance.random() < 0.5
    yield Action(30, me, Kind.BUY, yes=yes, amount=_coins(chance, 5, 30))
    yield Action(200, me, Kind.SELL, yes=yes, percent=chance.choice((50, 100)))


def _late(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    del scene
    yield Action(LATEST_OFFSET, me, Kind.BUY, yes=chance.random() < 0.5, amount=_coins(chance, 2, 10))


def _splitter(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    if scene.epoch == 1:
        yield Action(5, me, Kind.DEPOSIT, amount=400 * COIN)
    yield Action(40, me, Kind.SPLIT, amount=_coins(chance, 5, 25))
    yield Action(60, me, Kind.SELL, yes=chance.random() < 0.5)


def _merger(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    if scene.epoch == 1:
        yield Action(6, me, Kind.DEPOSIT_PERMIT, amount=300 * COIN)
    ahead = 0 if scene.last else scene.epoch % 2
    yield Action(50, me, Kind.SPLIT, amount=_coins(chance, 5, 20), ahead=ahead)
    yield Action(150, me, Kind.MERGE, percent=60, ahead=ahead)


def _holder(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    if scene.epoch % 4 == 1:
        yield Action(70, me, Kind.BUY, yes=scene.epoch % 8 == 1, amount=_coins(chance, 30, 60))


def _internal(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    if scene.epoch == 1:
        yield Action(7, me, Kind.DEPOSIT, amount=500 * COIN)
    yes = chance.random() < 0.5
    yield Action(80, me, Kind.HUB_BUY, yes=yes, amount=_coins(chance, 3, 15))
    if scene.epoch % 3 == 0:
        yield Action(170, me, Kind.HUB_SELL, yes=yes, percent=40)
    if scene.epoch % 6 == 0:
        yield Action(180, me, Kind.WITHDRAW, percent=25)


def _generous(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    if scene.epoch % 2 == 0:
        yes = chance.random() < 0.5
        yield Action(90, me, Kind.BUY, yes=yes, amount=_coins(chance, 4, 12))
        yield Action(160, me, Kind.TRANSFER, yes=yes, percent=50, receiver=(me + 1) % scene.traders)


def _contrarian(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    yield Action(100, me, Kind.BUY, yes=scene.epoch % 2 == 0, amount=_coins(chance, 10, 20))


def _collector(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    yield Action(110, me, Kind.MRT_BUY, amount=chance.randint(100, 600) * USDC // 100)
    if scene.epoch % 3 == 0:
        yield Action(190, me, Kind.MRT_SELL, percent=35)


def _rare(chance: random.Random, me: int, scene: Scene) -> Iterator[Action]:
    if scene.epoch % 5 == 2:
        yield Action(120, me, Kind.BUY, yes=False, amount=_coins(chance, 1, 5))
        yield Action(121, me, Kind.MRT_BUY, amount=2 * USDC)


HABITS: tuple[tuple[str, Habit], ...] = (
    ("every epoch", _every_epoch),
    ("bare bot", _bare_bot),
    ("scalper", _scalper),
    ("late", _late),
    ("splitter", _splitter),
    ("merger", _merger),
    ("holder", _holder),
    ("internal balance", _internal),
    ("generous", _generous),
    ("contrarian", _contrarian),
    ("MRT collector", _collector),
    ("rare", _rare),
)


def seeded(*parts: object) -> random.Random:
    """A source of chance that the parts determine: for play, never for secrets."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311


def plan_epoch(seed: int, traders: int, epoch: int, *, last: bool) -> list[Action]:
    """The actions of an epoch, in the order in which they happen. The same arguments give the same plan.

    Nothing is bought for epochs after the last.
    """
    scene = Scene(traders, epoch, last)
    actions: list[Action] = []
    for trader in range(traders):
        _, habit = HABITS[trader % len(HABITS)]
        actions += habit(seeded(seed, trader, epoch), trader, scene)
    return sorted(actions, key=lambda action: (action.offset, action.trader))
