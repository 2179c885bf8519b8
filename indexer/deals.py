"""What stands for whom in the table `deal`: numbers, so that its indexes stay small."""

from __future__ import annotations

__all__ = ["account_number", "house_number"]


def account_number(address: str) -> int:
    """What stands for an account: the beginning of its address, which others may share."""
    return int(address[2:17], 16)


def house_number(market_id: int) -> int:
    """What stands for a market's house."""
    return -market_id
