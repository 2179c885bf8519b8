"""The sender against a real anvil, with a proxy between that writes down every broadcast."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import (
    DevKeyRefusedError,
    EffectMissingError,
    FeeCapError,
    InsufficientFundsError,
    PendingError,
    RevertedError,
    SendError,
    StoreDeploymentError,
)
from chain_kit.fees import FeePolicy
from chain_kit.jsonrpc import JsonRpc
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.outbox import Effect, Intent, Journal, Level, Outcome, Sender, State
from tests.keeper_support.journals import rows_in
from tests.keeper_support.payments import balance_of, payee, payment
from tests.keeper_support.proxied import SIGNER, open_sender
from tests.keeper_support.proxy import RpcProxy


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    """A chain of the test's own."""
    async with Anvil() as anvil:
        yield anvil


class TestSubmit:
    """Bringing an intent about."""

    async def test_sends_once_and_reports_the_transaction(
        self, sender: Sender, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """The effect holds, the row is done, and one transaction has passed."""
        outcome = await sender.submit(payment(1))

        assert await balance_of(rpc, payee(1)) == 1
        assert len(proxy.sent) == 1
        (row,) = await rows_in(rpc, path)
        assert (row.state, row.nonce) == (State.DONE, 0)
        assert outcome == Outcome(row.intent, row.tx_hash, row.block_number)

    async def test_stores_the_bytes_before_they_are_broadcast(
        self, sender: Sender, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """At the moment of the broadcast the journal has them already."""
        journaled: list[tuple[str, State]] = []
        genesis = await rpc.call("eth_getBlockByNumber", ["0x0", False])
        reader = Journal.open(path, 31337, genesis["hash"])

        def look(request: dict[str, Any]) -> None:
            if request["method"] == "eth_sendRawTransaction":
                journaled.extend(("0x" + row.raw.hex(), row.state) for row in reader.rows())

        proxy.before = look
        await sender.submit(payment(1))
        reader.close()

        assert journaled == [(proxy.sent[0], State.JOURNALED)]

    async def test_does_nothing_for_an_intent_that_is_done(self, sender: Sender, proxy: RpcProxy) -> None:
        """The second time it only reports what the first did."""
        first = await sender.submit(payment(1))

        assert await sender.submit(payment(1)) == first
        assert len(proxy.sent) == 1

    async def test_sends_nothing_if_the_effect_is_there(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """An effect that somebody else caused is success, and leaves no trace in the journal."""
        await anvil.set_balance(payee(1), 5)

        assert await sender.submit(payment(1)) == Outcome(payment(1))
        assert (proxy.sent, await rows_in(rpc, path)) == ([], [])

    async def test_shares_one_transaction_among_many_callers(
        self, sender: Sender, rpc: JsonRpc, proxy: RpcProxy
    ) -> None:
        """Ten submissions of one intent at once are one transaction."""
        outcomes = await asyncio.gather(*(sender.submit(payment(1)) for _ in range(10)))

        assert len({outcome.tx_hash for outcome in outcomes}) == 1
        assert len(set(proxy.sent)) == 1
        assert await balance_of(rpc, payee(1)) == 1

    async def test_sends_many_intents_at_once_with_nonces_in_a_row(
        self, sender: Sender, rpc: JsonRpc, path: Path
    ) -> None:
        """Twenty concurrent intents get nonces 0 to 19, and each takes effect once."""
        await asyncio.gather(*(sender.submit(payment(number)) for number in range(20)))

        assert sorted(row.nonce or 0 for row in await rows_in(rpc, path)) == list(range(20))
        assert [await balance_of(rpc, payee(number)) for number in range(20)] == [1] * 20

    async def test_tells_of_everything_that_is_done(self, anvil: Anvil, rpc: JsonRpc, path: Path) -> None:
        """What it submitted, what was there already, and what an earlier process had left."""
        told: list[Outcome] = []
        await anvil.set_automine(False)
        async with await open_sender(rpc, path, timeout_seconds=0.1, on_done=told.append) as first:
            with pytest.raises(PendingError):
                await first.submit(payment(1))
        await anvil.set_automine(True)
        await anvil.mine()
        await anvil.set_balance(payee(2), 5)

        async with await open_sender(rpc, path, on_done=told.append) as second:
            await second.reconcile()
            await second.submit(payment(2))
            await second.submit(payment(3))

        assert [(str(outcome.intent), outcome.tx_hash is None) for outcome in told] == [
            ("pay 1", False),
            ("pay 2", True),
            ("pay 3", False),
        ]

    @pytest.mark.parametrize("end", [State.FAILED, State.SUPERSEDED])
    async def test_an_old_look_changes_nothing(
        self, sender: Sender, rpc: JsonRpc, path: Path, end: State
    ) -> None:
        """Another process has ended the row since it was read: its word stands."""
        await sender.submit(payment(1))
        (done,) = await rows_in(rpc, path)
        ended = sender._journal.update(done, end, block=(1, "0xabc"))

        assert await sender._stepper.step(replace(done, level=Level.SENT, outcome="")) == ended
        assert await rows_in(rpc, path) == [ended]

    async def test_waits_for_a_row_that_shares_a_subject(
        self, anvil: Anvil, sender: Sender, proxy: RpcProxy
    ) -> None:
        """A batch that overlaps with one under way is not sent beside it."""
        await anvil.set_automine(False)
        both = Intent(payee(1), "pay", ("1", "2"), b"", Effect("paid", {"to": payee(1)}), value_wei=1)
        first = asyncio.create_task(sender.submit(payment(1)))
        await proxy.broadcasts(1)

        second = asyncio.create_task(sender.submit(both))
        await anvil.mine()

        assert (await first).tx_hash is not None
        assert await second == Outcome(both)
        assert len(proxy.sent) == 1

    async def test_looks_at_once_when_it_is_poked(
        self, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """News that come by another way end the wait for the next poll."""
        monkeypatch.setattr("chain_kit.outbox.sender._FIRST_PAUSE_SECONDS", 60)
        await anvil.set_automine(False)
        async with await open_sender(rpc, path, poll_seconds=60, timeout_seconds=50) as sender:
            waiting = asyncio.create_task(sender.submit(payment(1)))
            await proxy.broadcasts(1)
            await anvil.mine()

            async with asyncio.timeout(20):
                while not waiting.done():
                    sender.poke()
                    await asyncio.wait({waiting}, timeout=0.01)

        assert waiting.result().block_number is not None


class TestRefusals:
    """What is not sent, and what failed on chain."""

    async def test_does_not_send_what_the_contract_refuses(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """The revert is decoded, and neither a row nor a transaction is made."""
        await anvil.set_code(payee(1), revert_code("nothing doing"))

        with pytest.raises(RevertedError, match=r"pay 1: .* refused: nothing doing") as caught:
            await sender.submit(payment(1))

        assert caught.value.error_name == "Error"
        assert (proxy.sent, await rows_in(rpc, path)) == ([], [])

    async def test_decodes_a_revert_on_chain(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """What the preflight let pass, but the block did not, is a failed row with the reason."""
        await anvil.set_automine(False)
        submitted = asyncio.create_task(sender.submit(payment(1)))
        await proxy.broadcasts(1)
        await anvil.set_code(payee(1), revert_code("too late"))
        await anvil.mine()

        with pytest.raises(RevertedError, match="pay 1: the contract refused: too late") as caught:
            await submitted

        (row,) = await rows_in(rpc, path)
        assert (row.state, row.reason) == (State.FAILED, "too late")
        assert caught.value.transaction == row.tx_hash

    async def test_counts_the_effect_of_another_as_success(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Our transaction reverts, because somebody else was quicker: the intent is done."""
        await anvil.set_automine(False)
        submitted = asyncio.create_task(sender.submit(payment(1)))
        await proxy.broadcasts(1)
        await anvil.set_balance(payee(1), 7)
        await anvil.set_code(payee(1), revert_code("again?"))
        await anvil.mine()

        assert await submitted == Outcome(payment(1))
        (row,) = await rows_in(rpc, path)
        assert (row.state, row.reason) == (State.DONE, "it reverted: another transaction had done it")

    async def test_a_refusal_because_another_was_quicker_is_success(
        self, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Not there when it was looked for, refused when it was tried: done in between."""
        await anvil.set_code(payee(1), revert_code("done already"))
        looks: list[bool] = []

        async def there_at_the_second_look(*_: object) -> bool:
            looks.append(bool(looks))
            return looks[-1]

        async with await Sender.open(rpc, path, SIGNER, {"paid": there_at_the_second_look}) as sender:
            assert await sender.submit(payment(1)) == Outcome(payment(1))

        assert proxy.sent == []

    async def test_may_be_asked_again_after_a_failure(
        self, sender: Sender, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """A new row with a new nonce; the failed one stays."""
        await self.test_decodes_a_revert_on_chain(sender, anvil, rpc, path, proxy)
        await anvil.set_automine(True)
        await anvil.set_code(payee(1), "0x")

        await sender.submit(payment(1))

        assert [(row.state, row.nonce) for row in await rows_in(rpc, path)] == [
            (State.FAILED, 0),
            (State.DONE, 1),
        ]

    async def test_reports_a_transaction_without_its_effect(
        self, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Mined is not done."""

        async def never(*_: object) -> bool:
            return False

        async with await Sender.open(rpc, path, SIGNER, {"paid": never}) as sender:
            with pytest.raises(EffectMissingError, match="its effect is not there"):
                await sender.submit(payment(1))

        assert len(proxy.sent) == 1

    async def test_needs_the_money_for_the_worst_case(
        self, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """An account that could pay for the value only is told how much it lacks."""
        await anvil.set_balance(ANVIL_ADDRESSES[3], 10)

        async with await open_sender(rpc, path, dev_signer(3)) as sender:
            with pytest.raises(InsufficientFundsError, match="holds 10 wei") as caught:
                await sender.submit(payment(1))

        assert "send it at least" in caught.value.hint
        assert proxy.sent == []

    async def test_stays_below_the_fee_cap(self, rpc: JsonRpc, path: Path, proxy: RpcProxy) -> None:
        """A base fee above the cap is an error, not a bill."""
        async with await open_sender(rpc, path, fee_policy=FeePolicy(max_fee_wei=1_000)) as sender:
            with pytest.raises(FeeCapError, match="the cap is 1000 wei"):
                await sender.submit(payment(1))

        assert proxy.sent == []

    async def test_reports_what_is_not_mined_in_time(
        self, anvil: Anvil, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """Pending is an answer of its own; asking again goes on with the same transaction."""
        await anvil.set_automine(False)
        async with await open_sender(rpc, path, timeout_seconds=0.1) as sender:
            with pytest.raises(PendingError, match=r"with nonce 0 is not mined after 0\.1 s"):
                await sender.submit(payment(1))
            await anvil.mine()

            await sender.submit(payment(1))

        assert len(proxy.sent) == 1
        assert await balance_of(rpc, payee(1)) == 1

    async def test_reports_what_the_node_refuses(self, rpc: JsonRpc, path: Path, proxy: RpcProxy) -> None:
        """The node's words reach the operator; the row waits for a better day."""
        refusal = {"code": -32000, "message": "txpool is full"}
        proxy.before = lambda request: refusal if request["method"] == "eth_sendRawTransaction" else None
        async with await open_sender(rpc, path, timeout_seconds=0.2) as sender:
            with pytest.raises(SendError, match="the node refuses the transaction: txpool is full"):
                await sender.submit(payment(1))
            proxy.before = None

            await sender.submit(payment(1))

        assert len(set(proxy.sent)) == 1

    async def test_does_not_guess_at_an_unknown_effect(self, rpc: JsonRpc, path: Path) -> None:
        """An outbox written by another keeper is not acted upon."""
        async with await Sender.open(rpc, path, SIGNER, {}) as sender:
            with pytest.raises(SendError, match="an effect 'paid' that this keeper cannot check"):
                await sender.submit(payment(1))


class TestOpen:
    """Which chain and key an outbox is opened with."""

    async def test_refuses_a_public_key_on_a_real_chain(
        self, rpc: JsonRpc, path: Path, proxy: RpcProxy
    ) -> None:
        """A node that is no anvil, and anvil's first account: refused before anything is written."""
        geth = {"jsonrpc": "2.0", "result": "Geth/v1.14"}

        def pretend(request: dict[str, Any], answer: dict[str, Any]) -> None:
            if request["method"] == "web3_clientVersion":
                answer.update(geth)

        proxy.after = pretend

        with pytest.raises(DevKeyRefusedError):
            await open_sender(rpc, path)
        assert list(path.parent.iterdir()) == []

    async def test_refuses_the_outbox_of_a_chain_that_is_gone(self, sender: Sender, path: Path) -> None:
        """A fresh anvil has the same chain id, and none of the transactions."""
        await sender.submit(payment(1))
        async with Anvil(timestamp=1_600_000_000) as other:
            with pytest.raises(StoreDeploymentError, match="of another chain 31337"):
                await open_sender(other.rpc, path)


def revert_code(reason: str) -> str:
    """Runtime code that reverts with Error(reason), up to 32 characters."""
    text = reason.encode().ljust(32, b"\0").hex()
    words = ["08c379a0" + "00" * 28, f"{32:064x}", f"{len(reason):064x}", text]
    places = [0, 4, 36, 68]
    stores = "".join(f"7f{word}60{place:02x}52" for word, place in zip(words, places, strict=True))
    return f"0x{stores}60646000fd"
