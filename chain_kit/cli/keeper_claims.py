"""Who is owed something: the claim keeper's source is an index, as `chain-kit index run` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chain_kit.keepers import Claim
    from indexer.database import Database

__all__ = ["IndexedClaims"]


class IndexedClaims:
    """The claim keeper's source: an index."""

    def __init__(self, index: Database) -> None:
        self._index = index

    async def claims(self) -> list[Claim]:
        """What the index says is owed, in markets and in races."""
        from chain_kit.keepers import Claim
        from indexer.due import claimable_accounts, claimable_in_races

        due = [(one, False) for one in await claimable_accounts(self._index)]
        due += [(one, True) for one in await claimable_in_races(self._index)]
        return [Claim(one.account, one.market_id, one.epochs, one.amount_units, race) for one, race in due]
