"""The events of a reward token, of the lock of its pool's shares, and of the staking of others.

Amounts 0 and 1 are of the pool's two tokens, in the order of their addresses.
"""

from __future__ import annotations

from typing import NamedTuple

from indexer import events as ev

__all__ = [
    "EVENTS",
    "FeesBooked",
    "FeesPaid",
    "RewardsClaimed",
    "RewardsHarvested",
    "Staked",
    "Unstaked",
]


class FeesBooked(NamedTuple):
    """Fees of the pool that the lock owes to an account."""

    account: str
    amount0: int
    amount1: int


class FeesPaid(NamedTuple):
    """What the lock owed to an account went there."""

    account: str
    amount0: int
    amount1: int


class Staked(NamedTuple):
    """`amount` of the pool's shares came in from `account`."""

    account: str
    amount: int


class Unstaked(NamedTuple):
    """`amount` of the pool's shares went back to `account`."""

    account: str
    amount: int


class RewardsHarvested(NamedTuple):
    """New rewards that the staking owes to those who stake."""

    amount0: int
    amount1: int


class RewardsClaimed(NamedTuple):
    """Rewards that went to an account."""

    account: str
    amount0: int
    amount1: int


EVENTS: dict[tuple[str, str], type[NamedTuple]] = {
    ("MrtToken", "Transfer"): ev.TokenTransfer,
    **{("LiquidityLock", event.__name__): event for event in (FeesBooked, FeesPaid)},
    **{
        ("LpStaking", event.__name__): event for event in (Staked, Unstaked, RewardsHarvested, RewardsClaimed)
    },
}
"""(contract of the ABI files, event) -> class."""
