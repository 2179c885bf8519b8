from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from chain_kit.errors import RpcResponseError, RpcUnreachableError
from chain_kit.fees import Fees
from chain_kit.jsonrpc import Call, JsonRpc
from chain_kit.outbox import Attempt, Effect, Intent, Kind, Level, Offer, Row
from chain_kit.outbox.node import Answer, Block, Node

ADDRESS = "0x" + "22" * 20
INTENT = Intent(ADDRESS, "pay", ("1",), b"\x01", Effect("paid", {}), value_wei=100)
OFFER = Offer(21_000, Fees(20, 2))
FIRST = Attempt(Kind.CALL, "0xfirst", b"raw", OFFER, 5)
SECOND = Attempt(Kind.CALL, "0xsecond", b"raw2", OFFER, 6)
ROW = Row(1, INTENT, ADDRESS, 3, "0xsecond", Level.SENT, attempts=(FIRST, SECOND))
HEAD = {"number": "0x9", "hash": "0xnine", "timestamp": "0x64"}
RECEIPT = {
    "blockHash": "0xabc",
    "blockNumber": "0x7",
    "status": "0x1",
    "gasUsed": hex(1_000),
    "effectiveGasPrice": hex(3),
}
GOOD: dict[str, Any] = {
    "eth_call": "0x",
    "eth_getTransactionCount": "0x3",
    "eth_getBlockByNumber": HEAD,
    "eth_getTransactionReceipt": None,
    "eth_getTransactionByHash": None,
}


class FakeRpc(JsonRpc):
    """Answers by method; a function is asked with the parameters."""

    def __init__(self, **answers: Any) -> None:
        super().__init__("http://127.0.0.1:1")
        self.answers = {**GOOD, **answers}

    def _answer(self, method: str, params: Sequence[Any]) -> Any:
        answer = self.answers[method]
        return answer(*params) if callable(answer) else answer

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """One answer, or an error raised."""
        answer = self._answer(method, params)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def batch_settled(self, calls: Sequence[Call]) -> list[Any]:
        """One answer for each."""
        return [self._answer(method, params) for method, params in calls]


def node(**answers: Any) -> Node:
    """A node that answers so, and well to everything else."""
    return Node(FakeRpc(**answers))


def refusal(words: str, data: str | None = None) -> RpcResponseError:
    """An error object; with `data` it is a revert's."""
    return RpcResponseError("m", 3 if data else -32000, words, data)


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
        assert await node(eth_sendRawTransaction=refusal(words)).broadcast(FIRST) == (answer, words)

    async def test_a_hash_is_a_yes(self) -> None:
        """The usual answer."""
        assert await node(eth_sendRawTransaction="0xhash").broadcast(FIRST) == (Answer.TAKEN, "")

    async def test_silence_is_no_answer(self) -> None:
        """Whether it arrived is not known: the caller must look."""
        with pytest.raises(RpcUnreachableError):
            await node(eth_sendRawTransaction=RpcUnreachableError("u", "broke off")).broadcast(FIRST)


class TestNews:
    """What became of a row's transactions."""

    @pytest.mark.parametrize("receipt", [None, {"blockHash": None}, "pending"])
    async def test_a_receipt_without_a_block_is_none(self, receipt: Any) -> None:
        """Some nodes give one for what is in the pool."""
        news = await node(eth_getTransactionReceipt=receipt, eth_getTransactionByHash={"hash": "0x"}).news(
            ROW
        )

        assert (news.mined, news.in_pool, news.chain_nonce) == (None, True, 3)

    async def test_a_transaction_may_be_unknown(self) -> None:
        """Dropped, or never arrived."""
        news = await node().news(ROW)

        assert not news.in_pool
        assert news.head == Block(9, "0xnine", 100)

    @pytest.mark.parametrize("attempt", [FIRST, SECOND])
    async def test_any_of_a_row_s_transactions_may_be_the_one(self, attempt: Attempt) -> None:
        """Every hash ever signed at the nonce is asked for."""

        def receipt(tx_hash: str) -> Any:
            return RECEIPT if tx_hash == attempt.tx_hash else None

        mined = (await node(eth_getTransactionReceipt=receipt).news(ROW)).mined

        assert mined is not None
        assert (mined.attempt, mined.block, mined.succeeded) == (attempt, (7, "0xabc"), True)

    @pytest.mark.parametrize("attempt", [FIRST, SECOND])
    async def test_the_pool_may_hold_any_of_them(self, attempt: Attempt) -> None:
        """A replacement that was refused leaves the one before it there."""

        def known(tx_hash: str) -> Any:
            return {"hash": tx_hash} if tx_hash == attempt.tx_hash else None

        assert (await node(eth_getTransactionByHash=known).news(ROW)).in_pool

    @pytest.mark.parametrize(
        ("l1_fee", "cost"), [({}, 3_000), ({"l1Fee": "0x64"}, 3_100), ({"l1Fee": None}, 3_000)]
    )
    async def test_what_it_cost_counts_the_l1_fee(self, l1_fee: dict[str, Any], cost: int) -> None:
        """OP-stack receipts tell it apart."""
        mined = (await node(eth_getTransactionReceipt={**RECEIPT, **l1_fee}).news(ROW)).mined

        assert mined is not None
        assert mined.cost_wei == cost

    async def test_a_node_without_a_head_is_no_node(self) -> None:
        """Nonsense is not computed with."""
        with pytest.raises(RpcUnreachableError, match="knows no latest block"):
            await node(eth_getBlockByNumber=None).news(ROW)

    async def test_a_revert_is_explained_by_the_state_of_its_block(self) -> None:
        """As far as that tells."""
        explained = await node(eth_call=refusal("execution reverted", "0x1f2a2005")).explain(ROW, 5)
        unexplained = await node().explain(replace(ROW), 5)

        assert explained.name == "ZeroAmount"
        assert "a reason that the state after its block does not show" in unexplained.sentence

    async def test_finality_must_be_known(self) -> None:
        """A node without the tag is named, not guessed around."""
        with pytest.raises(RpcUnreachableError, match="knows no finalized block"):
            await node(eth_getBlockByNumber=None).firm()

    @pytest.mark.parametrize(("safe", "expected"), [(8, (8, 4)), (2, (4, 4)), (None, (4, 4))])
    async def test_what_is_final_is_safe(self, safe: int | None, expected: tuple[int, int]) -> None:
        """A node that has no safe block, or one behind, is no worse than one without the tag."""

        def block(tag: str, _: bool) -> Any:
            if tag == "finalized":
                return {**HEAD, "number": "0x4"}
            return refusal("unknown tag") if safe is None else {**HEAD, "number": hex(safe)}

        assert await node(eth_getBlockByNumber=block).firm() == expected


class TestThief:
    """Who used a nonce."""

    HASH = "0xthief"

    def chain(self, used_at: int, *, states_from: int = 0, blocks_to: int = 200) -> Node:
        """A chain whose block `used_at` uses the account's nonce 3.

        Its node knows states from one block on, and the blocks up to another.
        """

        def count(_: str, tag: str) -> Any:
            number = int(tag, 16)
            return (
                refusal("missing trie node") if number < states_from else hex(4 if number >= used_at else 3)
            )

        def block(tag: str, _: bool) -> Any:
            own = {"from": ADDRESS.upper().replace("0X", "0x"), "nonce": "0x3", "hash": self.HASH}
            other = {"from": "0x" + "99" * 20, "nonce": "0x3", "hash": "0xother"}
            there = [other, own] if int(tag, 16) == used_at else [other]
            return {**HEAD, "number": tag, "transactions": there} if int(tag, 16) <= blocks_to else None

        return node(eth_getTransactionCount=count, eth_getBlockByNumber=block)

    @pytest.mark.parametrize("used_at", [1, 2, 150, 199, 200])
    async def test_is_found_in_its_block(self, used_at: int) -> None:
        """Wherever in the last hundred blocks it is, or in a young chain."""
        head = Block(200 if used_at > 100 else used_at + 20, "0xhead", 0)

        found = await self.chain(used_at).user_of(ADDRESS, 3, head)

        assert found is not None
        assert (found[0], found[1].number) == (self.HASH, used_at)

    async def test_is_none_while_the_nonce_is_free_at_the_head(self) -> None:
        """Another replica said that it was used: this one does not know."""
        assert await self.chain(201).user_of(ADDRESS, 3, Block(200, "0xhead", 0)) is None

    @pytest.mark.parametrize("used_at", [101, 150, 200])
    async def test_is_found_without_states(self, used_at: int) -> None:
        """Blocks of the last hundred tell it too."""
        found = await self.chain(used_at, states_from=200).user_of(ADDRESS, 3, Block(200, "0xhead", 0))

        assert found is not None
        assert (found[0], found[1].number) == (self.HASH, used_at)

    async def test_is_not_known_by_a_node_that_is_behind(self) -> None:
        """What it has not got yet may be our own transaction: nobody is blamed."""
        head = Block(200, "0xhead", 0)

        assert await self.chain(199, states_from=200, blocks_to=198).user_of(ADDRESS, 3, head) is None

    @pytest.mark.parametrize(("used_at", "states_from"), [(50, 0), (50, 120)])
    async def test_a_chain_that_went_back_meanwhile_tells_nothing(
        self, used_at: int, states_from: int
    ) -> None:
        """States that are missing then, or blocks, are no sign of a thief."""
        head = Block(200, "0xgone", 0)

        assert await self.chain(used_at, states_from=states_from).user_of(ADDRESS, 3, head) is None

    async def test_a_block_that_was_replaced_meanwhile_tells_nothing(self) -> None:
        """It was found by the account's nonces, and when it is read the nonce is free there."""
        looks = 0

        def count(_: str, tag: str) -> Any:
            nonlocal looks
            looks += 1
            # Two ends and seven steps between them; then the chain is another.
            return hex(4 if int(tag, 16) >= 150 and looks <= 9 else 3)

        def block(tag: str, _: bool) -> Any:
            return {**HEAD, "number": tag, "transactions": []}

        asked = node(eth_getTransactionCount=count, eth_getBlockByNumber=block)
        assert await asked.user_of(ADDRESS, 3, Block(200, "0xhead", 0)) is None
        assert looks == 11

    async def test_a_nonce_may_be_used_by_an_authorisation(self) -> None:
        """The block uses it up, and holds no transaction of the account."""

        def block(tag: str, _: bool) -> Any:
            return {**HEAD, "number": tag, "transactions": []}

        def count(_: str, tag: str) -> Any:
            return hex(4 if int(tag, 16) >= 150 else 3)

        asked = node(eth_getTransactionCount=count, eth_getBlockByNumber=block)
        found = await asked.user_of(ADDRESS, 3, Block(200, "0xhead", 0))
        assert found is not None
        assert (found[0], found[1].number) == (None, 150)

    @pytest.mark.parametrize(("used_at", "states_from"), [(50, 0), (50, 120)])
    async def test_is_unknown_beyond_the_node_s_states(self, used_at: int, states_from: int) -> None:
        """Used it is, by whom cannot be told."""
        head = Block(200, str(HEAD["hash"]), 0)

        assert await self.chain(used_at, states_from=states_from).user_of(ADDRESS, 3, head) == (None, head)
