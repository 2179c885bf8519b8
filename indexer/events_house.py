"""The events that say whether the house takes trades: the guardian's switch and the creator's daily limit."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["EVENTS", "HouseDailyBudgetSet", "TradingPaused"]


class TradingPaused(NamedTuple):
    """New trades are refused, or taken again."""

    paused: bool


class HouseDailyBudgetSet(NamedTuple):
    """What a house may risk on one UTC day."""

    market_id: int
    daily_budget: int


EVENTS: dict[tuple[str, str], type[NamedTuple]] = {
    ("EpochHub", "TradingPaused"): TradingPaused,
    ("EpochHub", "HouseDailyBudgetSet"): HouseDailyBudgetSet,
    ("RaceMarket", "TradingPaused"): TradingPaused,
}
"""(contract of the ABI files, event) -> class."""
