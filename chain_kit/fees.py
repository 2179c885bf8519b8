"""EIP-1559 fees from the chain's own recent history. All fees are wei per gas, integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chain_kit.errors import FeeCapError, RpcUnreachableError, SendError
from chain_kit.jsonrpc import Call, JsonRpc

__all__ = [
    "BumpCapError",
    "FeePolicy",
    "Fees",
    "fees_from_answer",
    "fees_from_history",
    "fees_request",
    "next_base_fee",
    "raised",
    "replacement",
    "suggest_fees",
    "within",
]


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
    bump_percent: int = 10
    """A replacement offers at least this much more, in both fields: with less, nodes refuse it."""
    stuck_seconds: int = 30
    """How long the lowest nonce of a signer may be pending, by the chain's clock, before it is replaced."""
    max_times_suggested: int = 5
    """A replacement never offers more than this many times what would be offered anew, or what was offered
    first, in either field."""


class BumpCapError(SendError, hint="raise the caps on the fee, or wait until the chain asks less"):
    """A replacement that nodes would accept costs more than the caps allow; the message has both."""


def fees_request(policy: FeePolicy) -> Call:
    """The eth_feeHistory call that `fees_from_history` reads."""
    return ("eth_feeHistory", [hex(policy.blocks), "latest", [policy.percentile]])


def fees_from_history(history: Mapping[str, Any], policy: FeePolicy) -> Fees:
    """The fees that the node's eth_feeHistory answer suggests.

    The tip is the median over the blocks of what the policy's percentile paid, empty blocks left out.
    Raises FeeCapError if the next base fee alone is above the cap.
    """
    base_fee_wei = next_base_fee(history)
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


def next_base_fee(history: Mapping[str, Any]) -> int:
    """The next block's base fee, by the node's eth_feeHistory answer."""
    return int(history["baseFeePerGas"][-1], 16)


def replacement(
    previous: Fees, suggested: Fees, policy: FeePolicy, *, first: Fees | None = None, must: bool = False
) -> Fees:
    """What a transaction must offer to take the place of one that offered `previous`.

    The suggestion, or as much more than before as nodes insist on, whichever is higher, in each field.
    `first` is what the first transaction at the nonce offered. Raises BumpCapError if that is above a cap;
    what `must` be replaced is bound by the absolute one alone.
    """
    least = raised(previous, policy)
    tip_wei = max(suggested.max_priority_fee_per_gas_wei, least.max_priority_fee_per_gas_wei)
    fee_wei = max(suggested.max_fee_per_gas_wei, least.max_fee_per_gas_wei, tip_wei)
    first = first or suggested
    for name, wei, usual_wei in (
        ("fee", fee_wei, max(suggested.max_fee_per_gas_wei, first.max_fee_per_gas_wei)),
        (
            "tip",
            tip_wei,
            max(suggested.max_priority_fee_per_gas_wei, first.max_priority_fee_per_gas_wei),
        ),
    ):
        relative_wei = policy.max_fee_wei if must else policy.max_times_suggested * usual_wei
        cap_wei = min(policy.max_fee_wei, relative_wei)
        if wei > cap_wei:
            raise BumpCapError(f"a replacement takes a {name} of {wei} wei per gas, the cap is {cap_wei} wei")
    return Fees(fee_wei, tip_wei)


def raised(fees: Fees, policy: FeePolicy) -> Fees:
    """The least that a replacement must offer: the policy's percentage more in each field, rounded up."""
    fee_wei, tip_wei = (
        -(-wei * (100 + policy.bump_percent) // 100)
        for wei in (fees.max_fee_per_gas_wei, fees.max_priority_fee_per_gas_wei)
    )
    return Fees(fee_wei, tip_wei)


def within(fees: Fees, most_wei: int) -> Fees:
    """The same fees, lowered to `most_wei` per gas where they are above it."""
    return Fees(min(fees.max_fee_per_gas_wei, most_wei), min(fees.max_priority_fee_per_gas_wei, most_wei))


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
