"""Keepers: programs that run beside a deployment, and do on chain what anybody may do but somebody must."""

from chain_kit.keepers.claim import Claim, ClaimKeeper, ClaimSource
from chain_kit.keepers.effects import EFFECTS
from chain_kit.keepers.resolve import ResolveKeeper, ResolveRound
from chain_kit.keepers.vault_root import RootKeeper, RootState, RootStatus

__all__ = [
    "EFFECTS",
    "Claim",
    "ClaimKeeper",
    "ClaimSource",
    "ResolveKeeper",
    "ResolveRound",
    "RootKeeper",
    "RootState",
    "RootStatus",
]
