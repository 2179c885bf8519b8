from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from chain_kit.errors import (
    InsufficientFundsError,
    RevertedError,
    RpcResponseError,
    RpcUnreachableError,
)
from chain_kit.fees import FeePolicy
from chain_kit.jsonrpc import Call, JsonRpc
from chain_kit.outbox import Effect, Intent, Row, State
from chain_kit.outbox.node import Answer, Node

ADDRESS = "0x" + "22" * 20
INTENT = Intent(ADDRESS, "pay", ("1",), b"\x01", Effect("paid", {}), value_wei=100)
ROW = Row(1, INTENT, ADDRESS, 3, b"raw", "0xhash", State.SENT)
POLICY = FeePolicy(min_priority_fee_wei=1)
HISTORY = {"baseFeePerGas": ["0xa"], "gasUsedRatio": [], "reward": []}
GOOD: dict[str, Any] = {
    "eth_call": "0x",
    "eth_estimateGas": hex(1_000),
    "eth_feeHistory": HISTORY,
    "eth_getBalance": hex(10**18),
    "eth_getTransactionCount": "0x3",
}


class FakeRpc(JsonRpc):
    """Answers by method."""

    def __init__(self, **answers: Any) -> None:
        super().__init__("http://127.0.0.1:1")
        self.answers = {**GOOD, **answers}

    async def call(self, method: str, _: Sequence[Any] = ()) -> Any:
        """One answer, or an error raised."""
        answer = self.answers[method]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def batch_settled(self, calls: Sequence[Call]) -> list[Any]:
        """One answer for each."""
        return [self.answers[method] for method, _ in calls]


def node(**answers: Any) -> Node:
    """A node that answers so, and well to everything else."""
    return Node(FakeRpc(**answers), POLICY)


def refusal(words: str, data: str | None = None) -> RpcResponseError:
    """An error object; with `data` it is a revert's."""
    return RpcResponseError("m", 3 if data else -32000, words, data)


class TestPlan:
    """Before a transaction is made."""

    async def test_gives_gas_with_a_margin_fees_and_nonce(self) -> None:
        """What the transaction needs beside its intent."""
        plan = await node().plan(INTENT, ADDRESS)

        assert (plan.gas_limit, plan.chain_nonce) == (1_300, 3)
        assert plan.fees.max_fee_per_gas_wei == 21

    @pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas"])
    async def test_raises_what_the_contract_would_say(self, method: str) -> None:
        """Whichever of the two notices."""
        with pytest.raises(RevertedError, match=r"pay 1: the contract at 0x2222.* refused: zero amount"):
            await node(**{method: refusal("execution reverted", "0x1f2a2005")}).plan(INTENT, ADDRESS)

    @pytest.mark.parametrize("method", ["eth_feeHistory", "eth_getBalance", "eth_getTransactionCount"])
    async def test_raises_the_node_s_own_errors(self, method: str) -> None:
        """They say nothing about the contract."""
        error = refusal("too many requests")

        with pytest.raises(RpcResponseError) as caught:
            await node(**{method: error}).plan(INTENT, ADDRESS)

        assert caught.value is error

    @pytest.mark.parametrize(("balance", "needed"), [(99, 100), (100, 100 + 1_300 * 21), (27_399, 27_400)])
    async def test_the_balance_must_cover_value_and_the_highest_fee(self, balance: int, needed: int) -> None:
        """To the wei."""
        with pytest.raises(InsufficientFundsError, match=f"holds {balance} wei, .* cost {needed} wei"):
            await node(eth_getBalance=hex(balance)).plan(INTENT, ADDRESS)

    async def test_the_balance_may_be_just_enough(self) -> None:
        """Value and gas limit times the highest fee."""
        plan = await node(eth_getBalance=hex(100 + 1_300 * 21)).plan(INTENT, ADDRESS)

        assert plan.gas_limit == 1_300

    async def test_a_node_without_fee_history_is_no_node(self) -> None:
        """Nonsense is not computed with."""
        with pytest.raises(RpcUnreachableError, match="did not give a fee history"):
            await node(eth_feeHistory={"nothing": 1}).plan(INTENT, ADDRESS)


class TestBroadcast:
    """What nodes say."""

    @pytest.mark.parametrize(
        ("words", "answer"),
        [
            ("already known", Answer.TAKEN),
            ("AlreadyKnown", Answer.TAKEN),
            ("transaction already imported", Answer.TAKEN),
            ("known transaction: 0xab", Answer.TAKEN),
            ("nonce too low: next nonce 5, tx nonce 3", Answer.NONCE_USED),
            ("OldNonce", Answer.NONCE_USED),
            ("replacement transaction underpriced", Answer.NONCE_TAKEN),
            ("ReplacementNotAllowed", Answer.NONCE_TAKEN),
            ("insufficient funds for gas * price + value", Answer.REFUSED),
            ("transaction underpriced", Answer.REFUSED),
            ("txpool is full", Answer.REFUSED),
        ],
    )
    async def test_is_understood_in_every_dialect(self, words: str, answer: Answer) -> None:
        """Geth's words, anvil's, Nethermind's."""
        assert await node(eth_sendRawTransaction=refusal(words)).broadcast(ROW) == (answer, words)

    async def test_a_hash_is_a_yes(self) -> None:
        """The usual answer."""
        assert await node(eth_sendRawTransaction="0xhash").broadcast(ROW) == (Answer.TAKEN, "")

    async def test_silence_is_no_answer(self) -> None:
        """Whether it arrived is not known: the caller must look."""
        with pytest.raises(RpcUnreachableError):
            await node(eth_sendRawTransaction=RpcUnreachableError("u", "broke off")).broadcast(ROW)


class TestNews:
    """What became of a transaction."""

    @pytest.mark.parametrize("receipt", [None, {"blockHash": None}, "pending"])
    async def test_a_receipt_without_a_block_is_none(self, receipt: Any) -> None:
        """Some nodes give one for what is in the pool."""
        news = await node(eth_getTransactionReceipt=receipt, eth_getTransactionByHash={"hash": "0x"}).news(
            ROW
        )

        assert (news.receipt, news.in_pool, news.chain_nonce) == (None, True, 3)

    async def test_a_transaction_may_be_unknown(self) -> None:
        """Dropped, or never arrived."""
        news = await node(eth_getTransactionReceipt=None, eth_getTransactionByHash=None).news(ROW)

        assert not news.in_pool

    async def test_a_revert_is_explained_by_the_state_of_its_block(self) -> None:
        """As far as that tells."""
        explained = await node(eth_call=refusal("execution reverted", "0x1f2a2005")).explain(ROW, 5)
        unexplained = await node().explain(replace(ROW), 5)

        assert explained.name == "ZeroAmount"
        assert "a reason that the state after its block does not show" in unexplained.sentence

    async def test_finality_must_be_known(self) -> None:
        """A node without the tag is named, not guessed around."""
        with pytest.raises(RpcUnreachableError, match="knows no finalized block"):
            await node(eth_getBlockByNumber=None).finalized()
