from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.abi_codec import CODEC
from chain_kit.clob.orders import Side
from chain_kit.contracts import Contract
from chain_kit.errors import RpcUnreachableError
from chain_kit.keepers.rounds import Head
from chain_kit.keepers.trade.book import ChainBook, Day, Deal, payout_down, sum_up
from chain_kit.prices import DAY, EPOCH
from chain_kit.units import keccak256

OPEN, YES, NO, VOID = range(4)
NOON = 20_000 * DAY + DAY // 2
ACCOUNT = "0x" + "11" * 20
PLACE = (1, 7)


@pytest.mark.parametrize(("outcome", "paid"), [(OPEN, 0), (YES, 5), (NO, 8), (VOID, 6)])
def test_shares_pay_as_the_contract_pays(outcome: int, paid: int) -> None:
    """One each for what won, one half each in a void epoch, and no half units."""
    assert payout_down(outcome, 5, 8) == paid


class TestDay:
    """What deals come to."""

    def test_an_open_epoch_is_at_stake_with_its_gas(self) -> None:
        """Nothing is won or lost yet."""
        deals = [Deal(PLACE, Side.YES, 10, 15, gas_units=2), Deal(PLACE, Side.NO, 4, 5)]

        assert sum_up(deals, {PLACE: OPEN}, {PLACE: NOON + 9}, NOON) == Day(20_000, 0, 16)

    @pytest.mark.parametrize(("outcome", "profit"), [(YES, 15 - 16), (NO, 5 - 16), (VOID, 10 - 16)])
    def test_an_ended_epoch_is_won_or_lost(self, outcome: int, profit: int) -> None:
        """What both sides pay less what they and their gas cost."""
        deals = [Deal(PLACE, Side.YES, 10, 15, gas_units=2), Deal(PLACE, Side.NO, 4, 5)]
        day = sum_up(deals, {PLACE: outcome}, {PLACE: NOON - 9}, NOON)

        assert day == Day(20_000, profit, 0)
        assert day.loss_units == -profit

    def test_a_sale_takes_shares_and_cost_away(self) -> None:
        """Sold at a gain, an open epoch has nothing at stake."""
        deals = [Deal(PLACE, Side.YES, 10, 15), Deal(PLACE, Side.YES, -12, -15)]

        assert sum_up(deals, {PLACE: OPEN}, {PLACE: NOON}, NOON).open_units == 0
        assert sum_up(deals, {PLACE: NO}, {PLACE: NOON}, NOON).realised_units == 2

    def test_yesterday_s_epochs_are_yesterday_s(self) -> None:
        """By when they end: one that ends at midnight is of the new day."""
        midnight = 20_000 * DAY
        for ends, realised in ((midnight - 1, 0), (midnight, -10)):
            assert sum_up([Deal(PLACE, Side.YES, 10, 15)], {PLACE: NO}, {PLACE: ends}, NOON) == Day(
                20_000, realised, 0
            )

    @given(
        st.lists(
            st.tuples(st.integers(1, 3), st.sampled_from(Side), st.integers(1, 99), st.integers(1, 99)),
            max_size=9,
        ),
        st.tuples(*[st.sampled_from([OPEN, YES, NO, VOID])] * 3),
    )
    def test_the_worst_case_is_counted(self, made: list[tuple[int, Side, int, int]], ended: Any) -> None:
        """Whatever open epochs come to, the day is no worse than what is realised less what is at stake."""
        deals = [Deal((1, epoch), side, amount, shares) for epoch, side, amount, shares in made]
        outcomes = {(1, epoch): ended[epoch - 1] for epoch in (1, 2, 3)}
        ends = dict.fromkeys(outcomes, NOON)
        day = sum_up(deals, outcomes, ends, NOON)

        for guess in (YES, NO, VOID):
            later = {place: known or guess for place, known in outcomes.items()}
            assert sum_up(deals, later, ends, NOON).realised_units >= day.realised_units - day.open_units


class Node:
    """A node with blocks a second apart, logs, receipts and outcomes, that may fail at a log query."""

    public_url = "http://node"

    def __init__(self, first: int, blocks: int) -> None:
        self.times = [first + n for n in range(blocks)]
        self.salt = ""
        self.logs: list[dict[str, Any]] = []
        self.queries: list[tuple[int, int]] = []
        self.fails_at: int | None = None
        self.receipts: dict[str, dict[str, Any] | None] = {}

    async def call(self, method: str, parameters: list[Any]) -> Any:
        """One answer."""
        if method == "eth_getBlockByNumber":
            number = int(parameters[0], 16)
            known = number < len(self.times)
            return {"hash": f"{number}{self.salt}", "timestamp": hex(self.times[number])} if known else None
        first, last = (int(parameters[0][end], 16) for end in ("fromBlock", "toBlock"))
        self.queries.append((first, last))
        if self.fails_at is not None and first <= self.fails_at <= last:
            raise RpcUnreachableError("u", "r")
        return [log for log in self.logs if first <= log["block"] <= last]

    async def batch(self, calls: list[tuple[str, list[Any]]]) -> list[Any]:
        """Receipts."""
        return [self.receipts[parameters[0]] for _, parameters in calls]

    async def batch_settled(self, calls: list[Any]) -> list[Any]:
        """An outcome (open), or a market with its genesis at 0; told apart by the length of the question."""
        hub = Contract("EpochHub", ACCOUNT)
        return [
            "0x" + (b"\0" * 96).hex()
            if calls[0][1][0]["data"].startswith("0x" + hub.encode_call("outcomeOf", 1, 1)[:4].hex())
            else _market()
            for _ in calls
        ]

    def bought(
        self, block: int, amount: int, *, by: str = ACCOUNT, gas: int = 0, l1_fee: int | None = None
    ) -> None:
        """A purchase of `amount` YES in a transaction of its own."""
        transaction = f"0x{len(self.logs)}"
        signature = "Bought(uint256,uint256,address,uint8,uint256,uint256,uint256,bool)"
        self.logs.append(_log(signature, block, transaction, [0, amount, 1, 2 * amount]))
        receipt = {"from": by, "gasUsed": hex(gas), "effectiveGasPrice": "0x2"}
        self.receipts[transaction] = receipt
        if l1_fee is not None:
            self.receipts[transaction] = {**receipt, "l1Fee": hex(l1_fee)}


def _log(signature: str, block: int, transaction: str, words: list[int]) -> dict[str, Any]:
    topics = [keccak256(signature.encode()).hex(), f"{1:064x}", f"{7:064x}", ACCOUNT]
    data = "".join(f"{word:064x}" for word in [*words, 0])
    return {
        "block": block,
        "transactionHash": transaction,
        "topics": ["0x" + topic.removeprefix("0x") for topic in topics],
        "data": "0x" + data,
    }


def _market() -> str:
    """A market as the hub answers: what matters of it is the genesis, 0."""
    types = "(address,address,bytes32,string,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256)"
    return "0x" + CODEC.encode([types], [(ACCOUNT, ACCOUNT, b"", "X", *[0] * 8)]).hex()


def book(node: Node, **options: Any) -> ChainBook:
    """A book on that node."""
    rpc: Any = node
    return ChainBook(rpc, Contract("EpochHub", ACCOUNT), ACCOUNT, **options)


def head(node: Node, number: int | None = None) -> Head:
    """Its newest block, or another."""
    at = len(node.times) - 1 if number is None else number
    return Head(at, node.times[at])


class TestChainBook:
    """Reading the chain's logs."""

    async def test_begins_an_epoch_before_the_day_does(self) -> None:
        """In ranges of the size that is set; what is older is not asked for."""
        midnight = 20_000 * DAY
        node = Node(midnight - 1000, 1200)

        await book(node, range_blocks=200).read(head(node), lambda wei: wei)

        assert node.queries == [(700, 899), (900, 1099), (1100, 1199)]
        assert node.times[700] == midnight - EPOCH

    async def test_goes_on_where_it_was(self) -> None:
        """The second time only what is new is read, and nothing counts twice."""
        node = Node(NOON, 20)
        node.bought(5, 10)
        node.bought(18, 20)
        counted = book(node)
        await counted.read(head(node, 10), lambda wei: wei)
        day = await counted.read(head(node), lambda wei: wei)

        assert node.queries == [(0, 10), (11, 19)]
        assert day.open_units == 30
        assert counted.purchases(PLACE) == 2
        assert counted.purchases((2, 7)) == 0

    async def test_reads_again_after_a_reorg(self) -> None:
        """The hash of the last block that it read is another's."""
        node = Node(NOON, 20)
        node.bought(5, 10)
        counted = book(node)
        await counted.read(head(node), lambda wei: wei)
        node.salt, node.logs = "'", []
        node.bought(6, 70)

        assert (await counted.read(head(node), lambda wei: wei)).open_units == 70

    async def test_a_query_that_fails_half_way_leaves_nothing_behind(self) -> None:
        """What was read before it is read again, and counts once."""
        node = Node(NOON, 20)
        node.bought(2, 10)
        node.fails_at = 15
        counted = book(node, range_blocks=10)
        with pytest.raises(RpcUnreachableError):
            await counted.read(head(node), lambda wei: wei)
        node.fails_at = None

        assert (await counted.read(head(node), lambda wei: wei)).open_units == 10

    async def test_counts_the_gas_that_the_account_paid(self) -> None:
        """On both chains; not what somebody else paid."""
        node = Node(NOON, 20)
        node.bought(2, 10, gas=100, l1_fee=7)
        node.bought(3, 10, gas=100, by="0x" + "22" * 20)
        node.bought(4, 10, gas=1)

        assert (await book(node).read(head(node), lambda wei: 3 * wei)).open_units == 30 + 3 * (207 + 2)

    async def test_a_receipt_that_is_not_there_yet_is_asked_for_again(self) -> None:
        """A node that has the log and not the receipt has not caught up."""
        node = Node(NOON, 20)
        node.bought(2, 10)
        node.receipts["0x0"] = None

        with pytest.raises(RpcUnreachableError, match="no receipt"):
            await book(node).read(head(node), lambda wei: wei)

    async def test_a_head_that_the_node_does_not_know_is_an_error(self) -> None:
        """Behind another node's, for instance."""
        node = Node(NOON, 20)

        with pytest.raises(RpcUnreachableError, match="block 30"):
            await book(node).read(Head(30, NOON), lambda wei: wei)
