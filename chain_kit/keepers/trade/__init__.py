"""The trade keeper: buys from a market's house what a strategy finds cheap, within limits."""

from chain_kit.keepers.trade.keeper import TradeKeeper, TradeRound
from chain_kit.keepers.trade.paper import PaperBook
from chain_kit.keepers.trade.rules import TradeRules

__all__ = ["PaperBook", "TradeKeeper", "TradeRound", "TradeRules"]
