"""The accounts of the asset `switches`, which holds what was last set, and by whom it counts.

`paused:EpochHub` and `paused:RaceMarket` are 1 while new trades are refused; `daily:M` is what the house of
market M may risk on one UTC day, in base units; `unset` is the contra account.
"""

from __future__ import annotations

__all__ = ["SWITCHES", "daily_account", "paused_account"]

SWITCHES = "switches"


def paused_account(contract: str) -> str:
    """Whether a contract ("EpochHub", "RaceMarket") refuses new trades."""
    return f"paused:{contract}"


def daily_account(market_id: int) -> str:
    """The daily limit of a market's house."""
    return f"daily:{market_id}"
