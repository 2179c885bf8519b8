"""What comes between two looks: reorgs, rows that come back, others who were quicker, lost bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import ChainKitError, RevertedError, RpcUnreachableError, SendError
from chain_kit.fees import FeePolicy
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Effect, Intent, Kind, Sender, State
from chain_kit.outbox.stepper import NONCE_USED
from chain_kit.testing import DropRequest, FaultProxy, StaleReplica
from tests.keeper_support.journals import rows_in, until
from tests.keeper_support.payments import PAYMENT_EFFECTS, balance_of, payee, payment

SIGNER = dev_signer(0)
REVERTS = "0x60006000fd"
BROADCAST = frozenset({"eth_sendRawTransaction"})


class Interrupted(JsonRpc):
    """A client on whose way something happens: `before` is awaited with the body of each request."""

    before: Callable[[bytes], Awaitable[None]] | None = None

    async def _exchange(self, body: bytes, first_id: int, most_bytes: int) -> bytes:
        if self.before is not None:
            await self.before(body)
        return await super()._exchange(body, first_id, most_bytes)


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    """A chain of the test's own that mines when it is told to, with finality far behind the head."""
    async with Anvil(slots_in_an_epoch=32, mining=False) as anvil:
        yield anvil


@pytest.fixture
async def proxy(anvil: Anvil) -> AsyncIterator[FaultProxy]:
    """Between the sender and the chain."""
    async with FaultProxy(anvil.url) as proxy:
        yield proxy


@pytest.fixture
async def rpc(proxy: FaultProxy) -> AsyncIterator[Interrupted]:
    """A client that goes through the proxy."""
    async with Interrupted(proxy.url) as rpc:
        yield rpc


@pytest.fixture
async def sender(rpc: Interrupted, path: Path) -> AsyncIterator[Sender]:
    """One that looks once, and does not wait."""
    async with await open_sender(rpc, path) as sender:
        yield sender


async def open_sender(rpc: JsonRpc, path: Path) -> Sender:
    """A sender that looks once, and does not wait."""
    policy = FeePolicy(stuck_seconds=60)
    return await Sender.open(rpc, path, SIGNER, PAYMENT_EFFECTS, fee_policy=policy, timeout_seconds=0.0)


async def tried(sender: Sender, intent: Intent) -> None:
    """Submits it, whatever comes of it now."""
    try:
        await sender.submit(intent)
    except ChainKitError:
        return


async def settled(sender: Sender, anvil: Anvil) -> None:
    """Blocks and rounds until nothing is under way."""

    async def is_over() -> bool:
        under_way = await sender.reconcile()
        await anvil.mine()
        return not under_way

    await until(is_over)


class TestDoneAndGone:
    """An intent that is asked for again, while the block that holds it goes or cannot be seen."""

    async def test_a_reorg_between_the_two_looks_makes_no_second_transaction(
        self, sender: Sender, anvil: Anvil, rpc: Interrupted, path: Path
    ) -> None:
        """The row's block was there, then the effect was not: the row is brought back, none is made anew."""
        await tried(sender, payment(0))
        await settled(sender, anvil)
        looks = 0

        async def reorg(body: bytes) -> None:
            nonlocal looks
            looks += b"eth_getBlockByNumber" in body
            if looks == 2:
                rpc.before = None
                await anvil.reorg(int(await anvil.rpc.call("eth_blockNumber"), 16))

        rpc.before = reorg
        await tried(sender, payment(0))
        await settled(sender, anvil)

        assert looks == 2
        assert await balance_of(rpc, payee(0)) == 1
        assert len(await rows_in(rpc, path)) == 1

    async def test_a_replica_that_is_behind_is_not_believed(
        self, sender: Sender, anvil: Anvil, rpc: Interrupted, path: Path, proxy: FaultProxy
    ) -> None:
        """It shows the state before the effect: that is no reason to bring it about again."""
        await tried(sender, payment(0))
        await settled(sender, anvil)
        (row,) = await rows_in(rpc, path)
        depth = await anvil.rpc.block_number() - (row.block_number or 0) + 1
        looks = 0

        async def fall_behind(body: bytes) -> None:
            nonlocal looks
            looks += b"eth_getBlockByNumber" in body
            if looks == 2:
                proxy.faults = [StaleReplica(depth)]

        rpc.before = fall_behind
        with pytest.raises(RpcUnreachableError, match="it is behind block"):
            await sender.submit(payment(0))

        proxy.faults = []
        await settled(sender, anvil)
        assert await balance_of(rpc, payee(0)) == 1

    async def test_a_receipt_of_a_block_that_is_gone_is_no_failure(
        self, sender: Sender, anvil: Anvil, rpc: Interrupted, path: Path
    ) -> None:
        """The reorg came between receipt and effect: the intent has not failed, it is sent again."""
        await tried(sender, payment(0))
        await anvil.mine()

        async def reorg(body: bytes) -> None:
            if b"eth_getBalance" in body:
                rpc.before = None
                await anvil.reorg(1)

        rpc.before = reorg
        await tried(sender, payment(0))

        assert [row.state for row in await rows_in(rpc, path)] == [State.SENT]
        await settled(sender, anvil)
        assert await balance_of(rpc, payee(0)) == 1


class TestCarriedOn:
    """Two rows of one intent, because the first had ended when the second came."""

    async def test_a_failure_that_comes_back_is_cancelled_if_it_was_tried_again(
        self, sender: Sender, anvil: Anvil, rpc: Interrupted, path: Path
    ) -> None:
        """Its block went after the intent had been submitted again: one of the two transactions pays."""
        await tried(sender, payment(0))
        await anvil.set_code(payee(0), REVERTS)
        await anvil.mine()
        with pytest.raises(RevertedError):
            await sender.submit(payment(0))
        await anvil.set_code(payee(0), "0x")
        await tried(sender, payment(0))
        await anvil.reorg(1)
        await anvil.set_code(payee(0), "0x")

        await settled(sender, anvil)

        assert await balance_of(rpc, payee(0)) == 1
        first, second = await rows_in(rpc, path)
        assert [one.kind for one in first.attempts] == [Kind.CALL, Kind.CANCEL]
        assert (first.state, second.state) == (State.DONE, State.DONE)


class TestDoneByAnother:
    """Somebody else brings the effect about while a transaction for it is under way."""

    async def test_what_cannot_be_dropped_is_cancelled(
        self, anvil: Anvil, rpc: Interrupted, path: Path, proxy: FaultProxy
    ) -> None:
        """A later nonce is in use: an empty transaction takes the place of a call that would pay again."""
        async with await open_sender(rpc, path) as first:
            proxy.faults = [DropRequest(methods=BROADCAST)]
            await tried(first, payment(0))
            proxy.faults = []
            await tried(first, payment(1))
        await anvil.set_balance(payee(0), 5)

        async with await open_sender(rpc, path) as second:
            await settled(second, anvil)

        assert (await balance_of(rpc, payee(0)), await balance_of(rpc, payee(1))) == (5, 1)
        assert [row.state for row in await rows_in(rpc, path)] == [State.DONE, State.DONE]

    async def test_what_waits_in_the_pool_is_cancelled(
        self, sender: Sender, anvil: Anvil, rpc: Interrupted, path: Path
    ) -> None:
        """Its purpose is served: the call is replaced before it can serve it twice."""
        await tried(sender, payment(0))
        await anvil.set_balance(payee(0), 5)

        await settled(sender, anvil)

        assert await balance_of(rpc, payee(0)) == 5
        (row,) = await rows_in(rpc, path)
        assert (row.state, row.attempt.kind) == (State.DONE, Kind.CANCEL)


class TestReplacements:
    """Replacements that did not arrive, and pools that keep nothing."""

    async def test_one_that_was_only_journaled_is_handed_over(
        self, anvil: Anvil, rpc: Interrupted, path: Path, proxy: FaultProxy
    ) -> None:
        """The process died before it broadcast the cancellation: the next one does, at once."""
        async with await open_sender(rpc, path) as first:
            await tried(first, replace(payment(0), deadline=await anvil.timestamp() + 10))
            raw = (await rows_in(rpc, path))[0].raw
            await anvil.rpc.call("anvil_dropAllTransactions")
            await anvil.increase_time(11)
            await anvil.mine()
            await anvil.rpc.call("eth_sendRawTransaction", ["0x" + raw.hex()])
            proxy.faults = [DropRequest(methods=BROADCAST)]
            with pytest.raises(RpcUnreachableError):
                await first.reconcile()
        proxy.faults = []

        async with await open_sender(rpc, path) as second:
            await second.reconcile()
            await settled(second, anvil)

        (row,) = await rows_in(rpc, path)
        assert (row.state, [one.kind for one in row.attempts]) == (State.EXPIRED, [Kind.CALL, Kind.CANCEL])
        assert await balance_of(rpc, payee(0)) == 0

    async def test_a_pool_that_takes_and_drops_is_outbid_in_the_end(
        self, sender: Sender, anvil: Anvil, rpc: Interrupted, path: Path
    ) -> None:
        """Each time it is broadcast again; that does not make it younger."""
        await tried(sender, payment(0))
        for _ in range(5):
            await anvil.rpc.call("anvil_dropAllTransactions")
            await anvil.increase_time(25)
            await anvil.mine()
            await sender.reconcile()
            await sender.reconcile()

        (row,) = await rows_in(rpc, path)
        assert len(row.attempts) > 1
        await settled(sender, anvil)
        assert await balance_of(rpc, payee(0)) == 1


class TestGaps:
    """A nonce that nobody holds."""

    async def test_is_filled_by_that_nonce_or_not_at_all(
        self, sender: Sender, anvil: Anvil, rpc: Interrupted, path: Path
    ) -> None:
        """A replica that is behind saw a gap: the next nonce would not fill it, and would wait for ever."""
        await tried(sender, payment(0))
        await settled(sender, anvil)
        effect = Effect(NONCE_USED, {"account": SIGNER.address, "nonce": 0})
        filling = Intent(SIGNER.address, "fill nonce", ("0",), b"", effect)

        with pytest.raises(SendError, match="nonce 0 is not free"):
            await sender._enter(filling, 1)

        assert len(await rows_in(rpc, path)) == 1
