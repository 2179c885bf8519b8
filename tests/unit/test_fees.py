from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import FeeCapError, RpcUnreachableError
from chain_kit.fees import FeePolicy, Fees, fees_from_history, suggest_fees
from chain_kit.jsonrpc import JsonRpc

GWEI = 10**9
POLICY = FeePolicy(min_priority_fee_wei=1, max_priority_fee_wei=5 * GWEI, max_fee_wei=100 * GWEI)


def history(base_fee_wei: int, rewards: list[int], used: list[float] | None = None) -> dict[str, Any]:
    """An eth_feeHistory answer; the last base fee is the next block's."""
    return {
        "baseFeePerGas": [hex(1)] * len(rewards) + [hex(base_fee_wei)],
        "gasUsedRatio": used if used is not None else [0.5] * len(rewards),
        "reward": [[hex(reward)] for reward in rewards],
    }


def test_covers_twice_the_next_base_fee_and_the_median_tip() -> None:
    """Room for six full blocks in a row."""
    fees = fees_from_history(history(10 * GWEI, [1 * GWEI, 3 * GWEI, 2 * GWEI]), POLICY)

    assert fees == Fees(22 * GWEI, 2 * GWEI)


def test_leaves_empty_blocks_out_of_the_tip() -> None:
    """Nobody paid anything in them, which says nothing about what is asked."""
    fees = fees_from_history(history(GWEI, [0, 0, 3 * GWEI], [0, 0, 0.9]), POLICY)

    assert fees.max_priority_fee_per_gas_wei == 3 * GWEI


@pytest.mark.parametrize(("rewards", "tip_wei"), [([], 1), ([0], 1), ([50 * GWEI], 5 * GWEI)])
def test_keeps_the_tip_within_its_bounds(rewards: list[int], tip_wei: int) -> None:
    """A quiet chain and a hysterical one."""
    assert fees_from_history(history(GWEI, rewards), POLICY).max_priority_fee_per_gas_wei == tip_wei


def test_never_offers_more_than_the_cap() -> None:
    """The headroom shrinks, the tip with it."""
    assert fees_from_history(history(99 * GWEI, [5 * GWEI]), POLICY) == Fees(100 * GWEI, 5 * GWEI)


def test_refuses_a_base_fee_above_the_cap() -> None:
    """The transaction could not be mined: better said now."""
    with pytest.raises(FeeCapError, match="base fee is 100000000001 wei per gas, the cap is 100000000000"):
        fees_from_history(history(100 * GWEI + 1, []), POLICY)


def test_works_without_rewards() -> None:
    """Some nodes leave them out when no percentile paid."""
    answer = history(GWEI, [])
    del answer["reward"]

    assert fees_from_history(answer, POLICY) == Fees(2 * GWEI + 1, 1)


@given(st.integers(0, 100 * GWEI), st.lists(st.integers(0, 10**12), max_size=20))
def test_offers_are_always_consistent(base_fee_wei: int, rewards: list[int]) -> None:
    """The tip within the fee, the fee within the cap and above the base fee: what nodes insist on."""
    fees = fees_from_history(history(base_fee_wei, rewards), POLICY)

    assert base_fee_wei <= fees.max_fee_per_gas_wei <= POLICY.max_fee_wei
    assert 0 < fees.max_priority_fee_per_gas_wei <= fees.max_fee_per_gas_wei


class FakeRpc(JsonRpc):
    """Gives one answer, and keeps the question."""

    def __init__(self, answer: Any) -> None:
        super().__init__("http://127.0.0.1:1")
        self.answer = answer
        self.asked: list[Any] = []

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """One answer."""
        self.asked.append((method, list(params)))
        return self.answer


async def test_asks_the_node_for_its_history() -> None:
    """As many blocks and the percentile that the policy says."""
    rpc = FakeRpc(history(GWEI, [7]))

    assert await suggest_fees(rpc, FeePolicy(blocks=20, percentile=30, min_priority_fee_wei=1)) == Fees(
        2 * GWEI + 7, 7
    )
    assert rpc.asked == [("eth_feeHistory", ["0x14", "latest", [30]])]


@pytest.mark.parametrize(
    "answer", [None, {}, {"baseFeePerGas": []}, {"baseFeePerGas": ["x"]}, {"baseFeePerGas": [None]}]
)
async def test_says_when_the_answer_is_no_history(answer: Any) -> None:
    """A node that answers nonsense is an unreachable one."""
    with pytest.raises(RpcUnreachableError, match="did not give a fee history"):
        await suggest_fees(FakeRpc(answer))
