"""EIP-1559 fees from the chain's own recent history. All fees are wei per gas, integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chain_kit.errors import FeeCapError, RpcUnreachableError
from chain_kit.jsonrpc import Call, JsonRpc

__all__ = ["FeePolicy", "Fees", "fees_from_answer", "fees_from_history", "fees_request", "suggest_fees"]


@dataclass(frozen=True)
class Fees:
    """What a transaction offers, in wei per gas."""

    max_fee_per_gas_wei: int
    max_priority_fee_per_gas_wei: int


@dataclass(frozen=True)
class FeePolicy:
    """How fees are chosen: what others paid in the last blocks, within caps (wei per gas)."""

    blocks: int = 10
    percentile: int = 50
    headroom: int = 2
    """The fee covers the next base fee this many times: six full blocks in a row double it."""
    min_priority_fee_wei: int = 1_000_000
    max_priority_fee_wei: int = 10 * 10**9
    max_fee_wei: int = 500 * 10**9


def fees_request(policy: FeePolicy) -> Call:
    """The eth_feeHistory call that `fees_from_history` reads."""
    return ("eth_feeHistory", [hex(policy.blocks), "latest", [policy.percentile]])


def fees_from_history(history: Mapping[str, Any], policy: FeePolicy) -> Fees:
    """The fees that the node's eth_feeHistory answer suggests.

    The tip is the median over the blocks of what the policy's percentile paid, empty blocks left out.
    Raises FeeCapError if the next base fee alone is above the cap.
    """
    base_fee_wei = int(history["baseFeePerGas"][-1], 16)
    if base_fee_wei > policy.max_fee_wei:
        raise FeeCapError(base_fee_wei, policy.max_fee_wei)
    rewards = [int(reward[0], 16) for reward in history.get("reward") or () if reward]
    tip_wei = _median(rewards, history.get("gasUsedRatio") or ())
    tip_wei = max(policy.min_priority_fee_wei, min(tip_wei, policy.max_priority_fee_wei))
    max_fee_wei = min(base_fee_wei * policy.headroom + tip_wei, policy.max_fee_wei)
    return Fees(max_fee_wei, min(tip_wei, max_fee_wei))


def _median(rewards: Sequence[int], used: Sequence[float]) -> int:
    """The lower median of the rewards of blocks that held transactions; 0 if none did."""
    paid = sorted(reward for reward, ratio in zip(rewards, used, strict=False) if ratio > 0)
    return paid[(len(paid) - 1) // 2] if paid else 0


def fees_from_answer(rpc: JsonRpc, answer: Any, policy: FeePolicy) -> Fees:
    """As `fees_from_history`; raises RpcUnreachableError if the node's answer is no fee history."""
    try:
        return fees_from_history(answer, policy)
    except (KeyError, IndexError, TypeError, ValueError):
        raise RpcUnreachableError(rpc.public_url, "eth_feeHistory did not give a fee history") from None


async def suggest_fees(rpc: JsonRpc, policy: FeePolicy | None = None) -> Fees:
    """The fees to offer now. Raises FeeCapError or an RpcError."""
    policy = policy or FeePolicy()
    return fees_from_answer(rpc, await rpc.call(*fees_request(policy)), policy)
