"""Strategies: what to buy, up to which value; how much of it pays; and what it would have made.

A strategy of one's own is a class with a `name` and a `signal`: see `Strategy`.
"""

from collections.abc import Mapping

from chain_kit.strategies.backtest import BacktestResult, EpochResult, Scene, backtest
from chain_kit.strategies.fair_value import Chances, FairValue, chances
from chain_kit.strategies.interface import MarketView, Position, Signal, Strategy
from chain_kit.strategies.sizing import Order, Sizing, size_order
from chain_kit.strategies.threshold import Threshold
from chain_kit.strategies.volatility import RealisedVolatility

STRATEGIES: Mapping[str, type[Threshold | FairValue]] = {"threshold": Threshold, "fair_value": FairValue}
"""Those that are shipped, by name; what a configuration gives them are their fields."""

__all__ = [
    "STRATEGIES",
    "BacktestResult",
    "Chances",
    "EpochResult",
    "FairValue",
    "MarketView",
    "Order",
    "Position",
    "RealisedVolatility",
    "Scene",
    "Signal",
    "Sizing",
    "Strategy",
    "Threshold",
    "backtest",
    "chances",
    "size_order",
]
