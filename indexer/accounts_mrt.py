"""The accounts and assets of reward tokens, S being the symbol of their market. `accounts` has their curves'.

asset            accounts
mrt:S            0x… (who holds the token), `minted` (minus the supply)
lock:S:0, 1      0x… (what the pool's lock owes to an account, of the pool's token 0 and 1), `external`
locked:S         `locked` (the pool's shares that graduation made, for good), `pool` (contra)
staked:S         0x… (the pool's shares that an account has staked), `staking` (contra)
rewards:S:0, 1   `owed` (to those who stake), 0x… (what was paid to them), `external`
"""

from __future__ import annotations

__all__ = ["lock_asset", "locked_asset", "mrt_asset", "rewards_asset", "staked_asset"]


def mrt_asset(symbol: str) -> str:
    """The reward token of a market."""
    return f"mrt:{symbol}"


def lock_asset(symbol: str, which: int) -> str:
    """Token 0 or 1 of the pool, as the lock owes it."""
    return f"lock:{symbol}:{which}"


def locked_asset(symbol: str) -> str:
    """The shares of the pool that are locked."""
    return f"locked:{symbol}"


def staked_asset(symbol: str) -> str:
    """The shares of the pool that are staked."""
    return f"staked:{symbol}"


def rewards_asset(symbol: str, which: int) -> str:
    """Token 0 or 1 of the pool, as rewards for staking."""
    return f"rewards:{symbol}:{which}"
