"""What accounts earn off the chain in the week: the file that the root keeper reads."""

from __future__ import annotations

import random
from pathlib import Path

from chain_kit.contracts import call_many
from chain_kit.files import write_atomically
from tests.keeper_support.kit import KEEPER, TRADERS
from tests.week.world import World

__all__ = ["Accruals"]

_MOST_UNITS = 50 * 10**6


class Accruals:
    """Cumulative totals (base units of the payout token) of the traders and of the keepers' account."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._chance = random.Random(f"accruals {seed}")
        self.totals = dict.fromkeys((*TRADERS, KEEPER), 0)
        self.grow()

    def grow(self) -> None:
        """Everybody has earned something more."""
        for account in self.totals:
            self.totals[account] += self._chance.randint(1, _MOST_UNITS)
        lines = ["account,total_units", *(f"{account},{total}" for account, total in self.totals.items())]
        write_atomically(self._path, ("\n".join(lines) + "\n").encode())

    async def unpaid(self, world: World) -> list[str]:
        """Who has not been paid by the vault, by its own word."""
        vault = world.kit.vault
        answers = await call_many(
            world.anvil.rpc, [(vault, "claimed", (account,)) for account in self.totals]
        )
        pairs = zip(self.totals.items(), answers, strict=True)
        return [f"{account}: {paid} of {total}" for (account, total), (paid,) in pairs if paid != total]
