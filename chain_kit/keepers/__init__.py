"""Keepers: programs that run beside a deployment, and do on chain what anybody may do but somebody must."""

from chain_kit.keepers.accruals import AccrualError, AccrualFile, AccrualSource, FixedAccruals
from chain_kit.keepers.claim import Claim, ClaimKeeper, ClaimSource
from chain_kit.keepers.effects import EFFECTS
from chain_kit.keepers.resolve import ResolveKeeper, ResolveRound
from chain_kit.keepers.root import (
    CoverageError,
    PublishError,
    RootKeeper,
    RootState,
    RootStatus,
    RootVetoedError,
)
from chain_kit.keepers.seed import SeedFundsError, SeedKeeper, SeedRound, SeedRules
from chain_kit.keepers.trade import TradeKeeper, TradeRound
from chain_kit.keepers.trade.paper import PaperBook
from chain_kit.keepers.trade.rules import TradeRules

__all__ = [
    "EFFECTS",
    "AccrualError",
    "AccrualFile",
    "AccrualSource",
    "Claim",
    "ClaimKeeper",
    "ClaimSource",
    "CoverageError",
    "FixedAccruals",
    "PaperBook",
    "PublishError",
    "ResolveKeeper",
    "ResolveRound",
    "RootKeeper",
    "RootState",
    "RootStatus",
    "RootVetoedError",
    "SeedFundsError",
    "SeedKeeper",
    "SeedRound",
    "SeedRules",
    "TradeKeeper",
    "TradeRound",
    "TradeRules",
]
