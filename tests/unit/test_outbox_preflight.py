from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import InsufficientFundsError, RevertedError, RpcResponseError, RpcUnreachableError
from chain_kit.fees import BumpCapError, FeePolicy, Fees
from chain_kit.jsonrpc import Call, JsonRpc
from chain_kit.l1_fee import GAS_PRICE_ORACLE
from chain_kit.outbox import Effect, Intent, NotWorthItError, Offer, Quote
from chain_kit.outbox.preflight import Preflight, worthwhile

ADDRESS = "0x" + "22" * 20
INTENT = Intent(ADDRESS, "pay", ("1",), b"\x01", Effect("paid", {}), value_wei=100)
POLICY = FeePolicy(min_priority_fee_wei=1)
HISTORY = {"baseFeePerGas": ["0xa"], "gasUsedRatio": [], "reward": []}
"""The next base fee is 10: what is offered is 21, the tip 1."""
GOOD: dict[str, Any] = {
    "eth_call": "0x",
    "eth_estimateGas": hex(1_000),
    "eth_feeHistory": HISTORY,
    "eth_getBalance": hex(10**18),
    "eth_getTransactionCount": "0x3",
    "eth_getBlockByNumber": {"number": "0x9", "hash": "0xnine", "timestamp": "0x64"},
    "l1": "0x",
}


class FakeRpc(JsonRpc):
    """Answers by method; "l1" is the fee predeploy's."""

    def __init__(self, **answers: Any) -> None:
        super().__init__("http://127.0.0.1:1")
        self.answers = {**GOOD, **answers}

    async def batch_settled(self, calls: Sequence[Call]) -> list[Any]:
        """One answer for each."""
        return [self.answers["l1" if self._is_l1(call) else call[0]] for call in calls]

    @staticmethod
    def _is_l1(call: Call) -> bool:
        return call[0] == "eth_call" and call[1][0]["to"] == GAS_PRICE_ORACLE


def preflight(**answers: Any) -> Preflight:
    """Before a node that answers so, and well to everything else."""
    return Preflight(FakeRpc(**answers), 31337, POLICY)


def refusal(words: str, data: str | None = None) -> RpcResponseError:
    """An error object; with `data` it is a revert's."""
    return RpcResponseError("m", 3 if data else -32000, words, data)


class TestPlan:
    """Before a transaction is made."""

    async def test_gives_gas_with_a_margin_fees_and_nonce(self) -> None:
        """What the transaction needs beside its intent."""
        plan = await preflight().plan(INTENT, ADDRESS)

        assert (plan.offer.gas, plan.chain_nonce) == (1_300, 3)
        assert plan.offer.fees.max_fee_per_gas_wei == 21

    @pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas"])
    async def test_raises_what_the_contract_would_say(self, method: str) -> None:
        """Whichever of the two notices."""
        with pytest.raises(RevertedError, match=r"pay 1: the contract at 0x2222.* refused: zero amount"):
            await preflight(**{method: refusal("execution reverted", "0x1f2a2005")}).plan(INTENT, ADDRESS)

    @pytest.mark.parametrize("method", ["eth_feeHistory", "eth_getBalance", "eth_getTransactionCount"])
    async def test_raises_the_node_s_own_errors(self, method: str) -> None:
        """They say nothing about the contract."""
        error = refusal("too many requests")

        with pytest.raises(RpcResponseError) as caught:
            await preflight(**{method: error}).plan(INTENT, ADDRESS)

        assert caught.value is error

    @pytest.mark.parametrize(("balance", "needed"), [(99, 100), (100, 100 + 1_300 * 21), (27_399, 27_400)])
    async def test_the_balance_must_cover_value_and_the_highest_fee(self, balance: int, needed: int) -> None:
        """To the wei."""
        with pytest.raises(InsufficientFundsError, match=f"holds {balance} wei, .* cost {needed} wei"):
            await preflight(eth_getBalance=hex(balance)).plan(INTENT, ADDRESS)

    async def test_the_balance_may_be_just_enough(self) -> None:
        """Value and gas limit times the highest fee."""
        plan = await preflight(eth_getBalance=hex(100 + 1_300 * 21)).plan(INTENT, ADDRESS)

        assert plan.offer.gas == 1_300

    async def test_a_node_without_fee_history_is_no_node(self) -> None:
        """Nonsense is not computed with."""
        with pytest.raises(RpcUnreachableError, match="did not give a fee history"):
            await preflight(eth_feeHistory={"nothing": 1}).plan(INTENT, ADDRESS)

    async def test_the_l1_fee_is_part_of_it(self) -> None:
        """The balance must cover it too."""
        most = 100 + 1_300 * 21 + 500
        plan = await preflight(l1=f"0x{500:064x}", eth_getBalance=hex(most)).plan(INTENT, ADDRESS)
        assert plan.quote == Quote(1_300, 27_300, 500, Fees(21, 1))

        with pytest.raises(InsufficientFundsError, match=f"cost {most} wei"):
            await preflight(l1=f"0x{500:064x}", eth_getBalance=hex(most - 1)).plan(INTENT, ADDRESS)

    async def test_a_nonsensical_l1_fee_is_not_computed_with(self) -> None:
        """The predeploy answers a number, or nobody does."""
        with pytest.raises(RpcUnreachableError, match="L1 fee is not a number"):
            await preflight(l1="0xzz").plan(INTENT, ADDRESS)

    async def test_a_node_without_a_head_is_no_node(self) -> None:
        """There is no clock without one."""
        with pytest.raises(RpcUnreachableError, match="knows no latest block"):
            await preflight(eth_getBlockByNumber=None).plan(INTENT, ADDRESS)


class TestQuote:
    """What --dry-run shows."""

    async def test_gives_both_fees(self) -> None:
        """Gas limit times the highest fee, and the bound on the L1 fee."""
        quote = await preflight(l1=f"0x{500:064x}").quote(INTENT, ADDRESS)

        assert quote == Quote(1_300, 27_300, 500, Fees(21, 1))
        assert quote.total_wei == 27_800

    @pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas"])
    async def test_says_what_the_contract_says(self, method: str) -> None:
        """A refusal is part of the quote, not an error."""
        quote = await preflight(**{method: refusal("execution reverted", "0x1f2a2005")}).quote(
            INTENT, ADDRESS
        )

        assert (quote.revert, quote.gas, quote.l2_fee_wei) == ("zero amount", 0, 0)

    @pytest.mark.parametrize("method", ["eth_call", "eth_feeHistory"])
    async def test_raises_the_node_s_own_errors(self, method: str) -> None:
        """They say nothing about the contract."""
        with pytest.raises(RpcResponseError, match="too many requests"):
            await preflight(**{method: refusal("too many requests")}).quote(INTENT, ADDRESS)


class TestWorth:
    """An intent that may cost so much and no more."""

    @staticmethod
    def worth(wei: int) -> Intent:
        """The intent, worth that much."""
        return replace(INTENT, worth_wei=wei)

    async def test_lowers_the_fee_until_the_worst_case_fits(self) -> None:
        """The headroom goes first: 15 per gas pays for the next block."""
        plan = await preflight(l1=f"0x{500:064x}").plan(self.worth(1_300 * 15 + 500), ADDRESS)

        assert plan.quote == Quote(1_300, 1_300 * 15, 500, Fees(15, 1))

    async def test_leaves_the_fee_where_it_fits(self) -> None:
        """Worth is a bound, no aim."""
        plan = await preflight().plan(self.worth(10**9), ADDRESS)

        assert plan.offer.fees == Fees(21, 1)

    async def test_waits_when_the_next_block_would_not_take_it(self) -> None:
        """Base fee and tip are 11 per gas: one wei less than that is refused, with both numbers."""
        needed = 1_300 * 11 + 500
        await preflight(l1=f"0x{500:064x}").plan(self.worth(needed), ADDRESS)

        with pytest.raises(
            NotWorthItError, match=f"cost {needed} wei, and is worth {needed - 1} wei"
        ) as caught:
            await preflight(l1=f"0x{500:064x}").plan(self.worth(needed - 1), ADDRESS)
        assert caught.value.needed_wei == needed

    async def test_an_l1_fee_above_the_worth_leaves_nothing(self) -> None:
        """Not even a negative fee."""
        with pytest.raises(NotWorthItError):
            await preflight(l1=f"0x{500:064x}").plan(self.worth(499), ADDRESS)

    @given(
        worth_wei=st.integers(0, 10**22),
        gas=st.integers(21_000, 30_000_000),
        base=st.integers(0, 10**12),
        tip=st.integers(1, 10**10),
        l1_fee=st.integers(0, 10**18),
    )
    def test_holds_whatever_the_numbers(
        self, worth_wei: int, gas: int, base: int, tip: int, l1_fee: int
    ) -> None:
        """What is offered costs no more than the worth, and the next block takes it; or it waits rightly."""
        offer = Offer(gas, Fees(2 * base + tip, tip))
        try:
            lowered = worthwhile(self.worth(worth_wei), offer, base, l1_fee)
        except NotWorthItError:
            assert (base + tip) * gas + l1_fee > worth_wei
        else:
            assert lowered.most_wei + l1_fee <= worth_wei
            assert base + tip <= lowered.fees.max_fee_per_gas_wei <= offer.fees.max_fee_per_gas_wei
            assert lowered.fees.max_priority_fee_per_gas_wei == tip


class TestReplacement:
    """What takes another's place."""

    async def ask(self, intent: Intent = INTENT, *, cancels: bool = False, **answers: Any) -> Quote:
        """A replacement of an offer of 100 with a tip of 10, for 1,000 gas."""
        previous = Offer(1_000, Fees(100, 10))
        quote, now = await Preflight(
            FakeRpc(**answers), 31337, FeePolicy(min_priority_fee_wei=40)
        ).replacement(intent, ADDRESS, [previous], gas=1_000, cancels=cancels)
        assert now == 100
        return quote

    async def test_offers_what_nodes_insist_on(self) -> None:
        """A tenth more in the fee; the tip goes by the suggestion."""
        assert (await self.ask()).fees == Fees(110, 40)

    async def test_stays_within_the_worth(self) -> None:
        """A tenth more than before, or nothing."""
        assert (await self.ask(replace(INTENT, worth_wei=110_000))).fees == Fees(110, 40)

        with pytest.raises(NotWorthItError, match="cost 110000 wei"):
            await self.ask(replace(INTENT, worth_wei=109_999))

    async def test_a_cancellation_is_not_bound_by_the_worth(self) -> None:
        """The nonce must become free."""
        assert (await self.ask(replace(INTENT, worth_wei=1), cancels=True)).fees == Fees(110, 40)

    async def test_needs_the_money(self) -> None:
        """The value too, unless nothing is sent."""
        with pytest.raises(InsufficientFundsError, match="cost 110100 wei"):
            await self.ask(eth_getBalance=hex(110_099))

        await self.ask(cancels=True, eth_getBalance=hex(110_000))

    async def test_stays_below_the_caps(self) -> None:
        """The absolute one holds for a cancellation too."""
        strict = FeePolicy(min_priority_fee_wei=40, max_fee_wei=109)
        for cancels in (False, True):
            with pytest.raises(BumpCapError, match="the cap is 109 wei"):
                await Preflight(FakeRpc(), 31337, strict).replacement(
                    INTENT, ADDRESS, [Offer(1_000, Fees(100, 10))], gas=1_000, cancels=cancels
                )
