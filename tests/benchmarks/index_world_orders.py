"""Matches of signed orders in the model world at scale, as the hub logs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.benchmarks.index_world import World
    from tests.benchmarks.index_world_logs import RawLog

__all__ = ["match"]

LOT, TICKS = 1000, 1000


def match(world: World) -> list[RawLog]:
    """A buyer of one side against one to three buyers of the other: complete sets are made for them."""
    chance, epoch, market = world.chance, max(1, world.epoch), world.some_market()
    taker, makers = world.someone(), [world.someone() for _ in range(chance.randint(1, 3))]
    side, ticks = chance.randrange(2), chance.randint(1, TICKS - 1)
    if taker in makers:
        return []
    logs: list[RawLog] = []
    minted = paid = fees = 0
    for maker in makers:
        lots = chance.randint(1, 10**15)
        amount, fee = lots * (TICKS - ticks), lots
        if world.balance[maker] < amount + fee or world.balance[taker] < (minted + lots) * TICKS:
            continue
        logs += _minted(world, _Fill(maker, (market, epoch, 1 - side), lots * LOT, amount, fee))
        minted, paid, fees = minted + lots, paid + lots * ticks, fees + fee
    if not minted:
        return []
    logs += _minted(world, _Fill(taker, (market, epoch, side), minted * LOT, paid, 0))
    return [*logs, world.hub["FeesCharged"](world.operator, fees)]


class _Fill(NamedTuple):
    trader: int
    position: tuple[int, int, int]
    size: int
    amount: int
    fee: int


def _minted(world: World, fill: _Fill) -> list[RawLog]:
    """Shares for a buyer: the transfer that announces them, and the fill."""
    market, epoch, side = fill.position
    world.balance[fill.trader] -= fill.amount + fill.fee
    world.shares_of(fill.trader, market, epoch)[side] += fill.size
    number, account = market << 64 | epoch << 8 | side, world.traders[fill.trader]
    filled = (world.chance.getrandbits(256), account, market, epoch, side, True, *fill[2:])
    return [
        world.hub["Transfer"](world.operator, 0, account, number, fill.size),
        world.hub["OrderFilled"](*filled),
    ]
