"""What is decided by boundary prices: the hub's markets, and the races of a race market."""

from __future__ import annotations

from dataclasses import dataclass

from chain_kit.contracts import Contract, Question, call_many
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.rounds import Head
from chain_kit.prices import EPOCH

__all__ = ["Contest", "read_contests", "read_markets", "read_races"]


@dataclass(frozen=True)
class Contest:
    """A market, or a race: whose prices it needs, and when its first epoch began (UNIX seconds).

    `positions` are a race's; a market has none.
    """

    contract: Contract
    id: int
    feeds: tuple[bytes, ...]
    genesis: int
    positions: int = 0

    def epochs_at(self, boundary: int) -> list[int]:
        """The epochs that end and start at `boundary`."""
        ending = (boundary - self.genesis) // EPOCH
        return [epoch for epoch in (ending, ending + 1) if epoch >= 1 and boundary >= self.genesis]

    def running(self, timestamp: int) -> int:
        """The epoch that runs at an instant; 0 before the first."""
        return max(0, (timestamp - self.genesis) // EPOCH + 1)

    def holdings(self, epoch: int) -> list[Question]:
        """What to ask whether anybody has a stake in an epoch: somebody has if an answer begins above 0."""
        if not self.positions:
            return [(self.contract, "epochState", (self.id, epoch))]
        places = range(1, self.positions + 1)
        return [(self.contract, "potOf", (self.id, epoch, place)) for place in places]


async def read_contests(rpc: JsonRpc, hub: Contract, race: Contract | None, head: Head) -> list[Contest]:
    """All markets and races as of block `head`."""
    return [*await read_markets(rpc, hub, head), *await read_races(rpc, race, head)]


async def read_markets(rpc: JsonRpc, hub: Contract, head: Head) -> list[Contest]:
    """All markets of a hub as of block `head`, in order of their ids."""
    (count,) = await hub.call(rpc, "marketCount", block=head.number)
    answers = await call_many(rpc, _of_each(hub, "market", count), block=head.number)
    return [Contest(hub, id_, (one.feed,), one.genesis) for id_, (one,) in enumerate(answers, 1)]


async def read_races(rpc: JsonRpc, race: Contract | None, head: Head) -> list[Contest]:
    """All races of a race market as of block `head`, in order of their ids."""
    if race is None:
        return []
    (count,) = await race.call(rpc, "raceCount", block=head.number)
    answers = await call_many(rpc, _of_each(race, "raceOf", count), block=head.number)
    return [
        Contest(race, id_, tuple(one.feeds), one.genesis, one.positions)
        for id_, (one,) in enumerate(answers, 1)
    ]


def _of_each(contract: Contract, fn: str, count: int) -> list[Question]:
    return [(contract, fn, (number,)) for number in range(1, count + 1)]
