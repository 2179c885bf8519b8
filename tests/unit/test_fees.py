from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import FeeCapError, RpcUnreachableError
from chain_kit.fees import (
    BumpCapError,
    FeePolicy,
    Fees,
    fees_from_history,
    replacement,
    suggest_fees,
    within,
)
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


class TestReplacement:
    """What takes the place of a transaction that offered less."""

    def test_offers_a_tenth_more_in_both_fields_rounded_up(self) -> None:
        """What nodes insist on: one of the two is not enough."""
        assert replacement(Fees(101, 11), Fees(100, 10), POLICY) == Fees(112, 13)

    def test_offers_the_newest_suggestion_where_that_is_more(self) -> None:
        """In each field by itself."""
        assert replacement(Fees(100, 10), Fees(300, 10), POLICY) == Fees(300, 11)
        assert replacement(Fees(100, 10), Fees(90, 30), POLICY) == Fees(110, 30)

    @pytest.mark.parametrize(
        ("previous", "suggested", "words"),
        [
            (
                Fees(91 * GWEI, 1),
                Fees(91 * GWEI, 1),
                "fee of 100100000000 wei per gas, the cap is 100000000000",
            ),
            (Fees(100, 1), Fees(20, 1), "fee of 110 wei per gas, the cap is 100"),
            (Fees(100, 50), Fees(100, 10), "tip of 55 wei per gas, the cap is 50"),
        ],
    )
    def test_passes_no_cap(self, previous: Fees, suggested: Fees, words: str) -> None:
        """The absolute one, and five times what would be offered anew."""
        with pytest.raises(BumpCapError, match=words):
            replacement(previous, suggested, POLICY)

    def test_what_was_offered_first_bounds_it_too(self) -> None:
        """Fees have fallen since, and it waits all the same: it may be outbid by its own successors."""
        assert replacement(Fees(100, 50), Fees(20, 10), POLICY, first=Fees(100, 50)) == Fees(110, 55)
        with pytest.raises(BumpCapError, match="fee of 550 wei per gas, the cap is 500"):
            replacement(Fees(500, 50), Fees(20, 10), POLICY, first=Fees(100, 50))

    def test_passes_the_relative_cap_where_it_must(self) -> None:
        """To free a nonce; the absolute one never."""
        assert replacement(Fees(100, 50), Fees(20, 10), POLICY, must=True) == Fees(110, 55)
        with pytest.raises(BumpCapError):
            replacement(Fees(91 * GWEI, 1), Fees(1, 1), POLICY, must=True)

    @given(
        previous=st.tuples(st.integers(1, 10**12), st.integers(1, 10**12)),
        suggested=st.tuples(st.integers(1, 10**12), st.integers(1, 10**12)),
        percent=st.integers(10, 100),
    )
    def test_is_always_one_that_nodes_accept(
        self, previous: tuple[int, int], suggested: tuple[int, int], percent: int
    ) -> None:
        """At least the percentage more, the tip within the fee, nothing above the cap; or an error."""
        policy = FeePolicy(bump_percent=percent, max_fee_wei=10**12)
        old, new = Fees(max(previous), min(previous)), Fees(max(suggested), min(suggested))
        try:
            fees = replacement(old, new, policy)
        except BumpCapError:
            return

        for before, after in (
            (old.max_fee_per_gas_wei, fees.max_fee_per_gas_wei),
            (old.max_priority_fee_per_gas_wei, fees.max_priority_fee_per_gas_wei),
        ):
            assert after * 100 >= before * (100 + percent)
        assert fees.max_priority_fee_per_gas_wei <= fees.max_fee_per_gas_wei <= policy.max_fee_wei


def test_fees_are_lowered_to_what_is_affordable() -> None:
    """The tip only where it would be above the fee."""
    assert within(Fees(100, 10), 50) == Fees(50, 10)
    assert within(Fees(100, 10), 5) == Fees(5, 5)
    assert within(Fees(100, 10), 200) == Fees(100, 10)
