"""What lies and lags and comes back: every hash is watched, and nothing is ended that may yet change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain_kit.devnet import Anvil
from chain_kit.errors import PendingError, SendError
from chain_kit.fees import FeePolicy
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Intent, Kind, Level, Sender, State
from tests.keeper_support.journals import mine_until_done, rows_in, until
from tests.keeper_support.payments import balance_of, payee, payment
from tests.keeper_support.proxied import SIGNER, open_sender, settle
from tests.keeper_support.proxy import RpcProxy


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    """A chain of the test's own, with finality far behind the head."""
    async with Anvil(slots_in_an_epoch=32) as anvil:
        yield anvil


async def in_pool(sender: Sender, intent: Intent) -> None:
    """Gets the intent's transaction into the pool, and no further."""
    sender._timeout_seconds = 0.05
    with pytest.raises((PendingError, SendError)):
        await sender.submit(intent)
    sender._timeout_seconds = 10.0


async def foreign(nonce: int, fee_wei: int) -> str:
    """Another program's transaction with the same key and this nonce."""
    fields = {"type": 2, "chainId": 31337, "nonce": nonce, "to": payee(99), "value": 0, "data": b""}
    fees = {"gas": 30_000, "maxFeePerGas": fee_wei, "maxPriorityFeePerGas": fee_wei}
    return "0x" + SIGNER.sign_transaction({**fields, **fees}).raw.hex()


class TestLies:
    """Nodes that say what is not so."""

    async def test_hidden_receipts_are_no_stolen_nonce(
        self, sender: Sender, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """However often it looks, and even if the effect cannot be seen: the nonce's user is its own."""
        looks = 0

        def hide(request: dict[str, Any], answer: dict[str, Any]) -> None:
            nonlocal looks
            if request["method"] == "eth_getTransactionReceipt":
                looks += 1
                if looks < 8:
                    answer["result"] = None
            if request["method"] == "eth_getBalance" and request["params"][0] == payee(0) and looks < 8:
                answer["result"] = "0x0"

        proxy.after = hide
        await sender.submit(payment(0))

        assert looks >= 8
        assert [row.state for row in await rows_in(rpc, path)] == [State.DONE]
        assert len(proxy.sent) == 1
        assert await balance_of(rpc, payee(0)) == 1

    async def test_a_nonce_that_only_one_replica_calls_used_is_kept(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """At the block that it should have been used by it was not."""
        await anvil.set_automine(False)
        lies = 6

        def lie(request: dict[str, Any], answer: dict[str, Any]) -> None:
            nonlocal lies
            if request["method"] == "eth_getTransactionCount" and request["params"][1] == "latest" and lies:
                lies -= 1
                answer["result"] = "0x5"

        proxy.after = lie
        submitted = asyncio.create_task(sender.submit(payment(0)))
        await until(lambda: asyncio.sleep(0, lies == 0))
        await mine_until_done(anvil, submitted)

        assert [(row.state, row.nonce) for row in await rows_in(rpc, path)] == [(State.DONE, 0)]
        assert await balance_of(rpc, payee(0)) == 1

    async def test_an_effect_that_a_stale_node_does_not_show_is_not_missing(
        self, sender: Sender, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """It knows neither the block nor the state after it: nothing failed, it is looked for again."""
        unknown = {"code": -32000, "message": "unknown block"}
        stale = 4

        def no_block(request: dict[str, Any]) -> dict[str, Any] | None:
            named = request["method"] == "eth_getBalance" and request["params"][0] == payee(0)
            return unknown if named and request["params"][1] != "latest" and stale > 0 else None

        def old_state(request: dict[str, Any], answer: dict[str, Any]) -> None:
            nonlocal stale
            if (
                request["method"] == "eth_getBalance"
                and request["params"] == [payee(0), "latest"]
                and proxy.sent
            ):
                stale -= 1
                if stale >= 0:
                    answer["result"] = "0x0"

        proxy.before, proxy.after = no_block, old_state
        await sender.submit(payment(0))

        assert [row.state for row in await rows_in(rpc, path)] == [State.DONE]
        assert len(proxy.sent) == 1

    async def test_a_nonce_in_doubt_is_not_given_up_while_ours_may_be_somewhere(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Once broadcast, only a mined thief makes it build anew: dropped here, it may wait elsewhere."""
        await anvil.set_automine(False)
        await in_pool(sender, payment(0))
        ours = proxy.sent[0]
        await anvil.rpc.call("anvil_dropAllTransactions")
        await anvil.rpc.call("eth_sendRawTransaction", [await foreign(0, 10**11)])

        for _ in range(3):
            await sender.reconcile()

        assert [(row.state, row.nonce) for row in await rows_in(rpc, path)] == [(State.SENT, 0)]
        await anvil.rpc.call("anvil_dropAllTransactions")
        await anvil.rpc.call("eth_sendRawTransaction", [ours])
        await anvil.mine()
        await settle(sender)
        assert await balance_of(rpc, payee(0)) == 1
        assert len(await rows_in(rpc, path)) == 1


class TestNotTheEnd:
    """Ends that a reorg takes back."""

    async def test_what_somebody_else_had_done_is_done_again_when_that_is_gone(
        self, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """A row that was dropped because the effect was there gets a nonce again, and brings it about."""
        refusal = {"code": -32000, "message": "no"}
        proxy.before = lambda request: refusal if request["method"] == "eth_sendRawTransaction" else None
        async with await open_sender(rpc, path) as sender:
            await in_pool(sender, payment(0))
            proxy.before = None
            await anvil.set_balance(payee(0), 5)
            await anvil.mine()
            await sender.reconcile()
            (row,) = await rows_in(rpc, path)
            assert (row.state, row.level, row.nonce) == (State.DONE, Level.MINED, None)

            await anvil.reorg(1)
            await anvil.set_balance(payee(0), 0)
            await settle(sender)

        assert [row.state for row in await rows_in(rpc, path)] == [State.SUPERSEDED, State.DONE]
        assert await balance_of(rpc, payee(0)) == 1

    async def test_a_failure_is_tried_again_when_its_block_is_gone(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """It reverted in a block that is no more; the same bytes succeed."""
        await anvil.set_automine(False)
        await in_pool(sender, payment(0))
        await anvil.set_code(payee(0), "0x60006000fd")
        await anvil.mine()
        await sender.reconcile()
        assert [row.state for row in await rows_in(rpc, path)] == [State.FAILED]

        await anvil.reorg(1)
        await anvil.set_code(payee(0), "0x")
        await anvil.set_automine(True)
        await settle(sender)

        assert [row.state for row in await rows_in(rpc, path)] == [State.DONE]
        assert len(set(proxy.sent)) == 1

    async def test_an_expiry_stays_one_after_a_reorg(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """The empty transaction is sent again, not the call."""
        await anvil.set_automine(False)
        await in_pool(sender, replace(payment(0), deadline=await anvil.timestamp() + 10))
        await anvil.rpc.call("anvil_dropAllTransactions")
        await anvil.increase_time(11)
        await anvil.mine()
        await anvil.set_automine(True)
        await settle(sender)
        (row,) = await rows_in(rpc, path)
        assert row.state is State.EXPIRED

        await anvil.reorg(1)
        await settle(sender)

        (again,) = await rows_in(rpc, path)
        assert (again.state, again.tx_hash) == (State.EXPIRED, row.tx_hash)
        assert await balance_of(rpc, payee(0)) == 0

    async def test_a_reorg_that_brings_the_lost_transaction_back_pays_once(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """The thief's block is gone and ours is mined after all: its successor is cancelled."""
        await sender.submit(payment(0))
        ours = proxy.sent[0]
        await anvil.reorg(1, [[await foreign(0, 10**10), 0]])
        await anvil.set_automine(False)
        # The thief is found, the intent is built again with nonce 1, and waits in the pool.
        await until(lambda: _has_rows(sender, rpc, path, 2))
        successor = (await rows_in(rpc, path))[1]
        await anvil.reorg(1)
        await anvil.rpc.call("eth_sendRawTransaction", [ours])
        await anvil.mine()
        await anvil.rpc.call("eth_sendRawTransaction", ["0x" + successor.raw.hex()])

        async def is_over() -> bool:
            under_way = await sender.reconcile()
            await anvil.mine()
            return not under_way

        await until(is_over)

        assert await balance_of(rpc, payee(0)) == 1
        rows = await rows_in(rpc, path)
        assert [row.state for row in rows] == [State.SUPERSEDED, State.DONE]

    async def test_superseded_rows_are_watched_until_the_thief_is_final(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path
    ) -> None:
        """Then nothing about them changes again."""
        await sender.submit(payment(0))
        await anvil.reorg(1, [[await foreign(0, 10**10), 0]])
        await settle(sender)
        assert not (await rows_in(rpc, path))[0].final
        await anvil.mine(100)

        await sender.reconcile()

        assert [row.level for row in await rows_in(rpc, path)] == [Level.FINALIZED] * 2


async def _has_rows(sender: Sender, rpc: JsonRpc, path: Path, count: int) -> bool:
    await sender.reconcile()
    return len(await rows_in(rpc, path)) == count


class TestBaseFee:
    """The base fee rises above what was offered."""

    async def test_a_spike_is_outbid(self, anvil: Anvil, rpc: JsonRpc, path: Path) -> None:
        """The row waits its time, then is replaced by the newest suggestion, and mined."""
        await anvil.set_automine(False)
        policy = FeePolicy(stuck_seconds=30)
        async with await open_sender(rpc, path, fee_policy=policy) as sender:
            await in_pool(sender, payment(0))
            await anvil.rpc.call("anvil_setNextBlockBaseFeePerGas", [hex(50 * 10**9)])
            await anvil.increase_time(31)
            await anvil.mine()
            assert await balance_of(rpc, payee(0)) == 0

            await sender.reconcile()
            await mine_until_done(anvil, asyncio.create_task(sender.submit(payment(0))))

        (row,) = await rows_in(rpc, path)
        assert (row.state, row.attempt.kind, len(row.attempts)) == (State.DONE, Kind.CALL, 2)
        assert row.attempt.offer.fees.max_fee_per_gas_wei > 50 * 10**9
        assert await balance_of(rpc, payee(0)) == 1
