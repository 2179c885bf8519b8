"""What chains, nodes and other programs do to a transaction, and that each intent takes effect once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import PendingError, RevertedError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Level, Outcome, Sender, State
from tests.keeper_support.journals import broadcasts_by_intent, mine_until_done, rows_in
from tests.keeper_support.payments import PAYMENT_EFFECTS, balance_of, payee, payment
from tests.keeper_support.proxied import SIGNER, open_sender, settle
from tests.keeper_support.proxy import BrokenOffError, RpcProxy


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    """A chain of the test's own."""
    # Finality far behind the head: nothing that these tests undo is final yet.
    async with Anvil(slots_in_an_epoch=32) as anvil:
        yield anvil


async def balances(rpc: JsonRpc, count: int) -> list[int]:
    """What the first `count` payees hold: 1 each if they were paid once."""
    return [await balance_of(rpc, payee(number)) for number in range(count)]


async def foreign(nonce: int, fee_wei: int = 10**10) -> str:
    """Another program's transaction with the same key and this nonce."""
    signed = SIGNER.sign_transaction(
        {
            "type": 2,
            "chainId": 31337,
            "nonce": nonce,
            "to": payee(99),
            "value": 0,
            "data": b"",
            "gas": 30_000,
            "maxFeePerGas": fee_wei,
            "maxPriorityFeePerGas": fee_wei,
        }
    )
    return "0x" + signed.raw.hex()


class TestReplies:
    """The connection between sender and node."""

    async def test_an_answer_that_is_lost_is_no_second_transaction(
        self, sender: Sender, rpc: JsonRpc, proxy: RpcProxy
    ) -> None:
        """The node took the transaction and the reply never came."""

        def lose(request: dict[str, Any], _: dict[str, Any]) -> None:
            if request["method"] == "eth_sendRawTransaction":
                proxy.after = None
                raise BrokenOffError

        proxy.after = lose
        await sender.submit(payment(0))

        assert len(set(proxy.sent)) == 1
        assert await balances(rpc, 1) == [1]

    async def test_a_request_that_is_lost_is_sent_again_as_it_was(
        self, sender: Sender, rpc: JsonRpc, proxy: RpcProxy
    ) -> None:
        """The node never saw it; the same bytes go out a second time."""

        def lose(request: dict[str, Any]) -> None:
            if request["method"] == "eth_sendRawTransaction":
                proxy.before = None
                proxy.sent.append(request["params"][0])
                raise BrokenOffError

        proxy.before = lose
        await sender.submit(payment(0))

        assert len(proxy.sent) == 2
        assert len(set(proxy.sent)) == 1
        assert await balances(rpc, 1) == [1]

    async def test_a_duplicate_delivery_is_harmless(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, proxy: RpcProxy
    ) -> None:
        """The node has the bytes already when they come from us: that is as good as taking them."""
        await anvil.set_automine(False)

        def before_us(request: dict[str, Any]) -> None:
            if request["method"] == "eth_sendRawTransaction":
                twice.append(asyncio.create_task(anvil.rpc.call(request["method"], request["params"])))

        twice: list[asyncio.Task[Any]] = []
        proxy.before = before_us
        submitted = asyncio.create_task(sender.submit(payment(0)))
        await proxy.broadcasts(1)
        await asyncio.gather(*twice, return_exceptions=True)
        await anvil.mine()

        assert (await submitted).tx_hash is not None
        assert await balances(rpc, 1) == [1]

    async def test_a_node_that_is_away_for_a_while_is_waited_for(
        self, sender: Sender, anvil: Anvil, proxy: RpcProxy
    ) -> None:
        """After the broadcast nothing answers for twenty requests; then it goes on."""
        await anvil.set_automine(False)
        submitted = asyncio.create_task(sender.submit(payment(0)))
        await proxy.broadcasts(1)
        left = 20

        def away(_: dict[str, Any]) -> None:
            nonlocal left
            left -= 1
            if left >= 0:
                raise BrokenOffError

        proxy.before = away
        await anvil.mine()

        assert (await submitted).tx_hash is not None
        assert left < 0

    async def test_a_receipt_that_comes_late_is_no_lost_nonce(
        self, sender: Sender, path: Path, rpc: JsonRpc, proxy: RpcProxy
    ) -> None:
        """The nonce is used and the receipt is not there yet: looking again tells whose it was."""
        late = 1

        def hide(request: dict[str, Any], answer: dict[str, Any]) -> None:
            nonlocal late
            if request["method"] == "eth_getTransactionReceipt" and late:
                late -= 1
                answer["result"] = None

        proxy.after = hide
        outcome = await sender.submit(payment(0))

        assert late == 0
        assert outcome.tx_hash is not None
        assert [row.state for row in await rows_in(rpc, path)] == [State.DONE]
        assert len(proxy.sent) == 1

    async def test_a_node_without_old_states_tells_the_newest(
        self, sender: Sender, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """The effect is looked for at the block of the receipt, and where that is gone at the head."""
        pruned = {"code": -32000, "message": "missing trie node"}

        def forget(request: dict[str, Any]) -> dict[str, Any] | None:
            old = request["method"] == "eth_getBalance" and request["params"][1] != "latest"
            return pruned if old else None

        proxy.before = forget
        await sender.submit(payment(0))

        assert [row.state for row in await rows_in(rpc, path)] == [State.DONE]

    async def test_a_stale_node_does_not_hide_the_effect(
        self, sender: Sender, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Its "latest" is the state before: the block of the receipt is asked for."""

        def lag(request: dict[str, Any], answer: dict[str, Any]) -> None:
            if request["method"] == "eth_getBalance" and request["params"] == [payee(0), "latest"]:
                answer["result"] = "0x0"

        proxy.after = lag
        outcome = await sender.submit(payment(0))

        assert outcome.tx_hash is not None
        assert [row.state for row in await rows_in(rpc, path)] == [State.DONE]


class TestPool:
    """The pool forgets, and other programs use the same key."""

    async def test_a_dropped_transaction_is_sent_again_as_it_was(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, proxy: RpcProxy
    ) -> None:
        """Identical bytes: whichever copy is mined, it is one transaction."""
        await anvil.set_automine(False)
        submitted = asyncio.create_task(sender.submit(payment(0)))
        await proxy.broadcasts(1)
        await anvil.rpc.call("anvil_dropAllTransactions")
        await proxy.broadcasts(2)

        await mine_until_done(anvil, submitted)
        assert len(set(proxy.sent)) == 1
        assert await balances(rpc, 1) == [1]

    async def test_a_nonce_that_another_program_used_is_given_up(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Its transaction is mined in ours' place: the intent is built again, and the old row says so."""
        await anvil.set_automine(False)
        submitted = asyncio.create_task(sender.submit(payment(0)))
        await proxy.broadcasts(1)
        await anvil.rpc.call("eth_sendRawTransaction", [await foreign(0, 10**11)])

        outcome = await mine_until_done(anvil, submitted)
        old, new = await rows_in(rpc, path)
        assert (old.state, old.nonce) == (State.SUPERSEDED, 0)
        assert (new.state, new.nonce, new.replaces, new.tx_hash) == (State.DONE, 1, old.id, outcome.tx_hash)
        assert await balances(rpc, 1) == [1]

    async def test_a_nonce_that_another_program_holds_in_the_pool_is_passed_over(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """The pool counts: ours takes the next nonce at once."""
        await anvil.set_automine(False)
        await anvil.rpc.call("eth_sendRawTransaction", [await foreign(0)])
        submitted = asyncio.create_task(sender.submit(payment(0)))

        await mine_until_done(anvil, submitted)
        assert [row.nonce for row in await rows_in(rpc, path)] == [1]
        assert await balances(rpc, 1) == [1]

    async def test_a_nonce_taken_between_look_and_broadcast_is_given_up(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """The node calls ours an underpriced replacement: it is built again with the next nonce."""
        await anvil.set_automine(False)
        raw = await foreign(0, 10**11)

        async def race() -> None:
            await anvil.rpc.call("eth_sendRawTransaction", [raw])

        racing: list[asyncio.Task[None]] = []

        def overtake(request: dict[str, Any]) -> dict[str, Any] | None:
            if request["method"] == "eth_sendRawTransaction" and not racing:
                racing.append(asyncio.create_task(race()))
                return {"code": -32000, "message": "replacement transaction underpriced"}
            return None

        proxy.before = overtake
        submitted = asyncio.create_task(sender.submit(payment(0)))

        await mine_until_done(anvil, submitted)
        assert [(row.state, row.nonce) for row in await rows_in(rpc, path)] == [
            (State.SUPERSEDED, 0),
            (State.DONE, 1),
        ]
        assert await balances(rpc, 1) == [1]

    async def test_a_rebuilt_intent_that_the_contract_now_refuses_has_failed(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Its nonce was another's and its time has passed: the row says why, and no nonce is lost."""
        await anvil.set_automine(False)
        submitted = asyncio.create_task(sender.submit(payment(0)))
        await proxy.broadcasts(1)
        await anvil.set_code(payee(0), "0x60006000fd")
        await anvil.rpc.call("eth_sendRawTransaction", [await foreign(0, 10**11)])

        with pytest.raises(RevertedError, match="it gave no reason"):
            await mine_until_done(anvil, submitted)
        (row,) = await rows_in(rpc, path)
        assert (row.state, row.nonce, row.level) == (State.FAILED, None, Level.MINED)

    async def test_a_nonce_that_nobody_holds_is_filled(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, proxy: RpcProxy
    ) -> None:
        """Another program took nonce 0 in the pool and went away: nonce 1 must not wait for ever."""
        await anvil.set_automine(False)
        await anvil.rpc.call("eth_sendRawTransaction", [await foreign(0)])
        submitted = asyncio.create_task(sender.submit(payment(0)))
        await proxy.broadcasts(1)
        await anvil.rpc.call("anvil_dropAllTransactions")
        await proxy.broadcasts(2)

        await sender.reconcile()

        await mine_until_done(anvil, submitted)
        assert await balances(rpc, 1) == [1]
        assert int(await rpc.call("eth_getTransactionCount", [SIGNER.address, "latest"]), 16) == 2

    async def test_a_nonce_that_waits_behind_a_gap_in_the_pool_is_passed_over(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """The node does not count it, and refuses ours there: the next nonce is taken, and again the next."""
        await anvil.set_automine(False)
        for nonce in (1, 2):
            await anvil.rpc.call("eth_sendRawTransaction", [await foreign(nonce, 10**11)])
        both = [asyncio.create_task(sender.submit(payment(number))) for number in range(2)]

        for task in both:
            await mine_until_done(anvil, task)

        assert await balances(rpc, 2) == [1, 1]
        rows = await rows_in(rpc, path)
        assert {row.nonce for row in rows if row.state is State.DONE} == {0, 3}

    async def test_two_outboxes_with_one_key_do_each_thing_once(self, rpc: JsonRpc, tmp_path: Path) -> None:
        """Their nonces collide again and again; each sorts that out, and no payment is lost or doubled."""
        async with (
            await open_sender(rpc, tmp_path / "one.db") as one,
            await open_sender(rpc, tmp_path / "two.db") as two,
        ):
            await asyncio.gather(
                *(one.submit(payment(number)) for number in range(10)),
                *(two.submit(payment(number)) for number in range(10, 20)),
            )

        assert await balances(rpc, 20) == [1] * 20


class TestReorgs:
    """Blocks that are taken back."""

    @pytest.mark.parametrize("depth", [1, 5, 20])
    async def test_what_a_reorg_took_back_is_sent_again_as_it_was(
        self, depth: int, sender: Sender, anvil: Anvil, path: Path, proxy: RpcProxy
    ) -> None:
        """Every payment of the lost blocks is made again by the identical bytes."""
        rpc = anvil.rpc
        for number in range(depth):
            await sender.submit(payment(number))
        await anvil.reorg(depth)
        assert await balances(rpc, depth) == [0] * depth

        await settle(sender)

        assert await balances(rpc, depth) == [1] * depth
        rows = await rows_in(rpc, path)
        assert [row.state for row in rows] == [State.DONE] * depth
        assert set(broadcasts_by_intent(rows, proxy.sent).values()) == {1}

    async def test_a_rollback_is_a_reorg_like_any_other(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, proxy: RpcProxy
    ) -> None:
        """The chain is shorter and the nonces are rewound; new intents queue behind the old ones."""
        for number in range(3):
            await sender.submit(payment(number))
        await anvil.rollback(3)

        submitted = asyncio.create_task(sender.submit(payment(3)))
        await settle(sender)
        await submitted

        assert await balances(rpc, 4) == [1] * 4
        assert len(set(proxy.sent)) == 4

    async def test_a_reorg_that_gives_our_nonce_away_builds_the_intent_again(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """The new chain holds another transaction with the nonce."""
        await sender.submit(payment(0))
        await anvil.reorg(1, [[await foreign(0), 0]])

        await settle(sender)

        assert [(row.state, row.nonce) for row in await rows_in(rpc, path)] == [
            (State.SUPERSEDED, 0),
            (State.DONE, 1),
        ]
        assert await balances(rpc, 1) == [1]

    async def test_asking_again_finds_out_about_a_reorg(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, proxy: RpcProxy
    ) -> None:
        """An intent that was done and is no longer is brought about by the same bytes, not by new ones."""
        await sender.submit(payment(0))
        await anvil.reorg(1)

        await sender.submit(payment(0))

        assert len(set(proxy.sent)) == 1
        assert await balances(rpc, 1) == [1]

    async def test_rows_in_final_blocks_are_left_alone(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """The watch ends when the finalized tag has passed the block."""
        await sender.submit(payment(0))
        await sender.reconcile()
        assert not (await rows_in(rpc, path))[0].final
        await anvil.mine(100)

        await sender.reconcile()

        assert (await rows_in(rpc, path))[0].final


class TestRestart:
    """A process that ended in the middle, and the next one."""

    async def test_an_effect_that_came_meanwhile_is_not_paid_for_twice(
        self, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Journaled, never broadcast, and somebody else did it: nothing is sent, the nonce is free again."""
        refusal = {"code": -32000, "message": "no"}
        proxy.before = lambda request: refusal if request["method"] == "eth_sendRawTransaction" else None
        async with await open_sender(rpc, path, timeout_seconds=0.05) as first:
            with pytest.raises(Exception, match="the node refuses"):
                await first.submit(payment(0))
        proxy.before = None
        await anvil.set_balance(payee(0), 5)

        async with await open_sender(rpc, path) as second:
            assert await second.reconcile() == []
            assert proxy.sent == []
            await second.submit(payment(1))

        assert [(row.state, row.nonce) for row in await rows_in(rpc, path)] == [
            (State.DONE, None),
            (State.DONE, 0),
        ]

    async def test_what_was_in_the_pool_is_found_there(
        self, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """The next process waits for the transaction of the last one."""
        await anvil.set_automine(False)
        async with await open_sender(rpc, path, timeout_seconds=0.05) as first:
            with pytest.raises(PendingError):
                await first.submit(payment(0))

        async with await open_sender(rpc, path) as second:
            waiting = asyncio.create_task(second.submit(payment(0)))
            await anvil.mine()
            outcome = await waiting

        assert outcome == Outcome(payment(0), outcome.tx_hash, outcome.block_number)
        assert len(proxy.sent) == 1

    async def test_another_key_finishes_what_it_can(
        self, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Rebroadcasting needs no key: a keeper with another one brings the row through."""
        await anvil.set_automine(False)
        async with await open_sender(rpc, path, timeout_seconds=0.05) as first:
            with pytest.raises(PendingError):
                await first.submit(payment(0))
        await anvil.rpc.call("anvil_dropAllTransactions")
        await anvil.set_automine(True)

        other = await Sender.open(rpc, path, dev_signer(1), PAYMENT_EFFECTS, poll_seconds=0.05)
        async with other:
            await settle(other)

        assert len(set(proxy.sent)) == 1
        assert await balances(rpc, 1) == [1]
