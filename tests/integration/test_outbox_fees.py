"""Fees, worth, deadlines and replacements of the sender, against a real anvil behind a proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from chain_kit.devnet import Anvil
from chain_kit.errors import PendingError, SendError
from chain_kit.fees import FeePolicy, raised
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import (
    ExpiredError,
    Intent,
    Kind,
    Level,
    NotWorthItError,
    Outcome,
    Quote,
    Row,
    Sender,
    State,
)
from tests.keeper_support import proxied
from tests.keeper_support.journals import mine_until_done, rows_in, until
from tests.keeper_support.payments import balance_of, payee, payment
from tests.keeper_support.proxied import SIGNER
from tests.keeper_support.proxy import RpcProxy

GWEI = 10**9
QUICK = FeePolicy(stuck_seconds=60)


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    """A chain of the test's own that mines when it is told to."""
    async with Anvil(slots_in_an_epoch=32) as anvil:
        await anvil.set_automine(False)
        yield anvil


@pytest.fixture
async def sender(rpc: JsonRpc, path: Path) -> AsyncIterator[Sender]:
    """A sender of the usual key."""
    async with await open_sender(rpc, path) as sender:
        yield sender


async def open_sender(rpc: JsonRpc, path: Path, **options: Any) -> Sender:
    """A sender that replaces what is stuck soon."""
    return await proxied.open_sender(rpc, path, **{"fee_policy": QUICK, **options})


async def put_off(anvil: Anvil, rpc: JsonRpc, path: Path, seconds: int) -> Row:
    """Lets time pass on chain while the only row's transactions stay in the pool; gives the row."""
    await anvil.rpc.call("anvil_dropAllTransactions")
    await anvil.increase_time(seconds)
    await anvil.mine()
    (row,) = await rows_in(rpc, path)
    await anvil.rpc.call("eth_sendRawTransaction", ["0x" + row.raw.hex()])
    return row


async def submitted(sender: Sender, intent: Intent) -> None:
    """Gets the intent's transaction into the pool."""
    sender._timeout_seconds = 0.05
    with pytest.raises((PendingError, SendError)):
        await sender.submit(intent)
    sender._timeout_seconds = 10.0


class Watcher:
    """A gate that writes down what it is told, and refuses what it is told to."""

    def __init__(self) -> None:
        self.checked: list[tuple[str, Quote]] = []
        self.spendings: dict[str, int] = {}
        self.seen: list[str] = []
        self.refuses = False

    async def check(self, intent: Intent, quote: Quote) -> None:
        """Perhaps not."""
        self.checked.append((str(intent), quote))
        if self.refuses:
            raise SendError("the budget is spent")

    async def spent(self, row: Row, wei: int) -> None:
        """By hash."""
        self.spendings[row.tx_hash] = wei

    async def verified(self, intent: Intent) -> None:
        """One more."""
        self.seen.append(str(intent))


class TestQuote:
    """What a transaction would cost."""

    async def test_is_what_is_then_offered(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Gas, fees and no L1 fee on a chain without one."""
        quote = await sender.quote(payment(0))
        task = asyncio.create_task(sender.submit(payment(0)))
        await proxy.broadcasts(1)
        await mine_until_done(anvil, task)

        (row,) = await rows_in(rpc, path)
        assert (row.attempt.offer.gas, row.attempt.offer.fees) == (quote.gas, quote.fees)
        assert (quote.l2_fee_wei, quote.l1_fee_wei) == (row.attempt.offer.most_wei, 0)

    async def test_tells_what_the_contract_would_say(self, sender: Sender, anvil: Anvil) -> None:
        """Without raising it: --dry-run shows the sentence."""
        await anvil.set_code(payee(0), "0x60006000fd")

        assert (await sender.quote(payment(0))).revert == "it gave no reason"


class TestWorth:
    """Intents that may cost so much."""

    async def test_too_little_is_not_journaled(
        self, sender: Sender, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """It waits: nothing was signed, and the same intent with more goes through at once."""
        with pytest.raises(NotWorthItError, match="pay 0: it would cost"):
            await sender.submit(replace(payment(0), worth_wei=1_000))

        assert (await rows_in(rpc, path), proxy.sent) == ([], [])

    async def test_is_never_passed(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """The fee is lowered until gas limit times fee fits."""
        quote = await sender.quote(payment(0))
        worth = quote.l2_fee_wei * 7 // 10
        task = asyncio.create_task(sender.submit(replace(payment(0), worth_wei=worth)))
        await proxy.broadcasts(1)
        await mine_until_done(anvil, task)

        (row,) = await rows_in(rpc, path)
        assert worth - quote.gas < row.attempt.offer.most_wei <= worth


class TestStuck:
    """The lowest nonce waits too long."""

    async def test_is_replaced_by_one_that_offers_a_tenth_more(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Same nonce, same call; journaled before it is broadcast; one payment in the end."""
        await submitted(sender, payment(0))
        await sender.reconcile()
        assert len(set(proxy.sent)) == 1
        first = await put_off(anvil, rpc, path, 61)

        await sender.reconcile()

        (row,) = await rows_in(rpc, path)
        old, new = row.attempts
        assert old == first.attempt
        assert ["0x" + new.raw.hex()] == proxy.sent[-1:]
        least = raised(old.offer.fees, QUICK)
        assert new.offer.fees.max_fee_per_gas_wei >= least.max_fee_per_gas_wei
        assert new.offer.fees.max_priority_fee_per_gas_wei >= least.max_priority_fee_per_gas_wei
        assert (new.kind, new.offer.gas, row.tx_hash) == (Kind.CALL, old.offer.gas, new.tx_hash)
        outcome = await mine_until_done(anvil, asyncio.create_task(sender.submit(payment(0))))
        assert outcome.tx_hash == new.tx_hash
        assert await balance_of(rpc, payee(0)) == 1

    async def test_is_left_while_it_is_not_late(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """A second less than the policy says is not late; rows behind the lowest nonce never are."""
        await submitted(sender, payment(0))
        await put_off(anvil, rpc, path, 40)
        await submitted(sender, payment(1))

        await sender.reconcile()

        assert [len(row.attempts) for row in await rows_in(rpc, path)] == [1, 1]

    async def test_is_replaced_again_and_again_up_to_the_cap(
        self, rpc: JsonRpc, anvil: Anvil, path: Path
    ) -> None:
        """What is mined in the end may be any of them; the rest is known to be its own."""
        policy = FeePolicy(stuck_seconds=60, max_fee_wei=3_000_000_000)
        async with await open_sender(rpc, path, fee_policy=policy) as sender:
            await submitted(sender, payment(0))
            for _ in range(8):
                await put_off(anvil, rpc, path, 61)
                await sender.reconcile()

            (row,) = await rows_in(rpc, path)
            fees = [attempt.offer.fees.max_fee_per_gas_wei for attempt in row.attempts]
            assert 2 < len(fees) < 9
            assert max(fees) <= 3_000_000_000
            assert all(later * 100 >= earlier * 110 for earlier, later in pairwise(fees))
            await mine_until_done(anvil, asyncio.create_task(sender.submit(payment(0))))

        assert await balance_of(rpc, payee(0)) == 1

    async def test_an_older_one_that_is_mined_counts(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """The replacement did not reach the block builder: every hash is watched."""
        await submitted(sender, payment(0))
        first = await put_off(anvil, rpc, path, 61)
        await sender.reconcile()
        await anvil.rpc.call("anvil_dropAllTransactions")
        await anvil.rpc.call("eth_sendRawTransaction", ["0x" + first.raw.hex()])
        await anvil.mine()

        assert await sender.reconcile() == []

        (row,) = await rows_in(rpc, path)
        assert (row.state, row.tx_hash, len(row.attempts)) == (State.DONE, first.tx_hash, 2)

    async def test_a_replacement_that_the_node_calls_underpriced_waits(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Some ask for more than a tenth: the row keeps its nonce, the next one offers more still."""
        await submitted(sender, payment(0))
        await put_off(anvil, rpc, path, 61)
        refusal = {"code": -32000, "message": "replacement transaction underpriced"}
        proxy.before = lambda request: refusal if request["method"] == "eth_sendRawTransaction" else None
        await sender.reconcile()
        proxy.before = None
        (row,) = await rows_in(rpc, path)
        assert (row.state, row.nonce, len(row.attempts)) == (State.SENT, 0, 2)

        outcome = await mine_until_done(anvil, asyncio.create_task(sender.submit(payment(0))))

        assert outcome.tx_hash == row.attempts[0].tx_hash
        assert await balance_of(rpc, payee(0)) == 1

    async def test_worth_bounds_replacements(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """A tenth more would be too much: it stays as it is."""
        quote = await sender.quote(payment(0))
        await submitted(sender, replace(payment(0), worth_wei=quote.total_wei * 105 // 100))
        await put_off(anvil, rpc, path, 61)

        await sender.reconcile()

        (row,) = await rows_in(rpc, path)
        assert len(row.attempts) == 1

    async def test_a_replaced_row_survives_a_restart(
        self, rpc: JsonRpc, anvil: Anvil, path: Path, proxy: RpcProxy
    ) -> None:
        """The next process knows both hashes."""
        async with await open_sender(rpc, path) as first:
            await submitted(first, payment(0))
            await put_off(anvil, rpc, path, 61)
            await first.reconcile()
        await anvil.mine()

        async with await open_sender(rpc, path) as second:
            assert await second.reconcile() == []

        assert len(set(proxy.sent)) == 2
        assert await balance_of(rpc, payee(0)) == 1


class TestDeadline:
    """Intents that are wanted until an instant."""

    async def now(self, anvil: Anvil) -> int:
        """The chain's clock."""
        return await anvil.timestamp()

    async def test_past_it_nothing_is_sent(
        self, sender: Sender, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """By the chain's clock."""
        with pytest.raises(ExpiredError, match="its deadline 1000 has passed"):
            await sender.submit(replace(payment(0), deadline=1_000))

        assert (await rows_in(rpc, path), proxy.sent) == ([], [])

    async def test_frees_its_nonce_with_an_empty_transaction(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """To its own sender, at the same nonce; the row has expired, and the next intent goes on."""
        intent = replace(payment(0), deadline=await self.now(anvil) + 10)
        await submitted(sender, intent)
        await put_off(anvil, rpc, path, 11)
        await sender.reconcile()
        (row,) = await rows_in(rpc, path)
        call, cancel = row.attempts
        assert (call.kind, cancel.kind, cancel.offer.gas) == (Kind.CALL, Kind.CANCEL, 21_000)
        sent = await rpc.call("eth_getTransactionByHash", [cancel.tx_hash])
        assert (sent["to"], sent["value"], sent["input"], sent["nonce"]) == (
            *(SIGNER.address.lower(), "0x0", "0x", "0x0"),
        )

        with pytest.raises(ExpiredError, match="an empty transaction used its nonce"):
            await mine_until_done(anvil, asyncio.create_task(sender.submit(intent)))

        (row,) = await rows_in(rpc, path)
        assert (row.state, row.tx_hash) == (State.EXPIRED, cancel.tx_hash)
        assert await balance_of(rpc, payee(0)) == 0
        await mine_until_done(anvil, asyncio.create_task(sender.submit(payment(1))))
        assert [row.nonce for row in await rows_in(rpc, path)] == [0, 1]

    async def test_a_call_that_was_mined_first_is_fine(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """The effect check decides."""
        intent = replace(payment(0), deadline=await self.now(anvil) + 10)
        await submitted(sender, intent)
        first = await put_off(anvil, rpc, path, 11)
        await sender.reconcile()
        await anvil.rpc.call("anvil_dropAllTransactions")
        await anvil.rpc.call("eth_sendRawTransaction", ["0x" + first.raw.hex()])
        await anvil.mine()

        assert await sender.submit(intent) == Outcome(
            intent, first.tx_hash, (await rows_in(rpc, path))[0].block_number
        )

    async def test_an_effect_that_came_meanwhile_is_success(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """The empty transaction was mined, and somebody else had done it."""
        intent = replace(payment(0), deadline=await self.now(anvil) + 10)
        await submitted(sender, intent)
        await put_off(anvil, rpc, path, 11)
        await sender.reconcile()
        await anvil.set_balance(payee(0), 5)

        assert await mine_until_done(anvil, asyncio.create_task(sender.submit(intent))) == Outcome(intent)

    async def test_what_was_never_broadcast_is_cancelled_too(
        self, rpc: JsonRpc, anvil: Anvil, path: Path, proxy: RpcProxy
    ) -> None:
        """Journaled by a process that died: its bytes may be anywhere, so the nonce is used up."""
        intent = replace(payment(0), deadline=await self.now(anvil) + 10)
        refusal = {"code": -32000, "message": "no"}
        proxy.before = lambda request: refusal if request["method"] == "eth_sendRawTransaction" else None
        async with await open_sender(rpc, path) as first:
            await submitted(first, intent)
        proxy.before = None
        await anvil.increase_time(11)
        await anvil.mine()

        async with await open_sender(rpc, path) as second:
            await second.reconcile()
            await anvil.mine()
            assert await second.reconcile() == []

        (row,) = await rows_in(rpc, path)
        assert (row.state, [attempt.kind for attempt in row.attempts]) == (
            State.EXPIRED,
            [Kind.CALL, Kind.CANCEL],
        )
        assert len(proxy.sent) == 1

    async def test_the_absolute_cap_holds_for_the_empty_transaction(
        self, rpc: JsonRpc, anvil: Anvil, path: Path
    ) -> None:
        """It waits until the chain asks less."""
        quote_policy = FeePolicy(stuck_seconds=60)
        async with await open_sender(rpc, path, fee_policy=quote_policy) as sender:
            cap = (await sender.quote(payment(0))).fees.max_fee_per_gas_wei
        policy = FeePolicy(stuck_seconds=60, max_fee_wei=cap)
        async with await open_sender(rpc, path, fee_policy=policy) as sender:
            await submitted(sender, replace(payment(0), deadline=await self.now(anvil) + 10))
            await put_off(anvil, rpc, path, 11)
            await sender.reconcile()

        (row,) = await rows_in(rpc, path)
        assert (row.state, len(row.attempts)) == (State.SENT, 1)


class TestGate:
    """Who is asked, and told."""

    async def test_hears_of_everything(self, rpc: JsonRpc, anvil: Anvil, path: Path) -> None:
        """Asked before, told what it cost, told that the effect is there."""
        gate = Watcher()
        before = await balance_of(rpc, SIGNER.address)
        async with await open_sender(rpc, path, gate=gate) as sender:
            outcome = await mine_until_done(anvil, asyncio.create_task(sender.submit(payment(0))))

        ((name, quote),) = gate.checked
        assert (name, gate.seen) == ("pay 0", ["pay 0"])
        assert list(gate.spendings) == [outcome.tx_hash]
        cost = sum(gate.spendings.values())
        assert before - await balance_of(rpc, SIGNER.address) - 1 == cost <= quote.total_wei

    async def test_may_refuse(self, rpc: JsonRpc, path: Path, proxy: RpcProxy) -> None:
        """Nothing is signed; whoever submitted is told why."""
        gate = Watcher()
        gate.refuses = True
        async with await open_sender(rpc, path, gate=gate) as sender:
            with pytest.raises(SendError, match="the budget is spent"):
                await sender.submit(payment(0))

        assert (await rows_in(rpc, path), proxy.sent, gate.seen) == ([], [], [])

    async def test_is_asked_about_replacements(self, rpc: JsonRpc, anvil: Anvil, path: Path) -> None:
        """With their whole cost; refused, the row waits as it is."""
        gate = Watcher()
        async with await open_sender(rpc, path, gate=gate) as sender:
            await submitted(sender, payment(0))
            gate.refuses = True
            await put_off(anvil, rpc, path, 61)
            await sender.reconcile()
            (row,) = await rows_in(rpc, path)
            assert len(row.attempts) == 1
            gate.refuses = False
            await sender.reconcile()

        (row,) = await rows_in(rpc, path)
        assert [attempt.offer.most_wei for attempt in row.attempts] == [
            gate.checked[0][1].l2_fee_wei,
            gate.checked[-1][1].l2_fee_wei,
        ]

    async def test_is_told_of_empty_transactions_too(self, rpc: JsonRpc, anvil: Anvil, path: Path) -> None:
        """They cost something, and bring nothing about."""
        gate = Watcher()
        intent = replace(payment(0), deadline=await anvil.timestamp() + 10)
        async with await open_sender(rpc, path, gate=gate) as sender:
            await submitted(sender, intent)
            row = await put_off(anvil, rpc, path, 11)
            await sender.reconcile()
            await anvil.mine()
            await sender.reconcile()

        assert len(gate.checked) == 1
        assert row.tx_hash not in gate.spendings
        assert [wei > 0 for wei in gate.spendings.values()] == [True]
        assert gate.seen == []


class TestLevels:
    """How firmly a row stands."""

    async def test_rise_with_the_chain_s_tags(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """Mined, safe, finalized; done all the time, and watched until the last."""
        await mine_until_done(anvil, asyncio.create_task(sender.submit(payment(0))))
        levels: list[Level] = []

        async def is_final() -> bool:
            await sender.reconcile()
            (row,) = await rows_in(rpc, path)
            assert row.state is State.DONE
            if levels[-1:] != [row.level]:
                levels.append(row.level)
            await anvil.mine(8)
            return row.final

        await until(is_final)

        assert levels == [Level.MINED, Level.SAFE, Level.FINALIZED]
