"""The accounts and assets of the race market. They are others than the hub's: each reserve stands for itself.

A book is (race R, position P from 1, asset from 0); B is its market id. `accounts` says what the words mean.

asset                   accounts
race-collateral         `balance:0x…`, `pot:R:P:E` (the collateral of a position: of all its books), `fees`,
                        `external` (minus all that the race market owes)
race-shares:B:E:YES,NO  0x…, `redeemed`, `issued` (minus all that was made of one side, by sets, fields or
                        conversions, and not given back)
race-cost:B:E:YES, NO   0x…, `basis`
race-realized:B:E       0x…, `result`
race-paid               `pot:R:P:E` (what redemptions have taken out of it), `redeemed`
race:R                  `assets` (how many it has), `made`
"""

from __future__ import annotations

from functools import lru_cache

from indexer.accounts import SIDES, EpochNames

__all__ = ["RACE_COLLATERAL", "RACE_PAID", "book_names", "pot_of", "race_asset"]

RACE_COLLATERAL = "race-collateral"
RACE_PAID = "race-paid"


def pot_of(race_id: int, position: int, epoch: int) -> str:
    """The collateral of a position."""
    return f"pot:{race_id}:{position}:{epoch}"


def race_asset(race_id: int) -> str:
    """The asset of what is to be known of a race."""
    return f"race:{race_id}"


@lru_cache(maxsize=4_096)
def book_names(book: int, epoch: int) -> EpochNames:
    """The names of a book, by its market id, in an epoch. There is no house in it, and so no quotes."""
    yes, no = ((f"race-shares:{book}:{epoch}:{side}", f"race-cost:{book}:{epoch}:{side}") for side in SIDES)
    return EpochNames(
        pot=pot_of(book >> 16, book >> 8 & 0xFF, epoch),
        shares=(yes[0], no[0]),
        cost=(yes[1], no[1]),
        realized=f"race-realized:{book}:{epoch}",
        quotes="",
    )
