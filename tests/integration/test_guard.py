"""The guard as the gate of a real sender on a real chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import ChainKitError, EffectMissingError, RevertedError
from chain_kit.fees import FeePolicy
from chain_kit.guard import (
    ActionHaltedError,
    Breaker,
    Budget,
    BudgetExceededError,
    DeadMan,
    Guard,
    chain_clock,
)
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.fleet.health import KeeperMetrics
from chain_kit.l1_fee import GAS_PRICE_ORACLE
from chain_kit.outbox import Effect, Effects, ExpiredError, Intent, Kind, Sender, State
from tests.keeper_support.journals import mine_until_done, rows_in, until
from tests.keeper_support.payments import PAYMENT_EFFECTS, balance_of, payee, payment
from tests.keeper_support.web import WebServer

SIGNER = dev_signer(0)
TRAP = "0x" + "7a" * 20
# Reverts where gas has a price: the node's own trial has none, and so the preflight lets it pass.
TRAP_CODE = "0x3a600557005b60006000fd"
PRICELESS = FeePolicy(stuck_seconds=10)


async def _never(_rpc: JsonRpc, _args: Mapping[str, Any], _block: int | str) -> bool:
    return False


EFFECTS: Effects = {**PAYMENT_EFFECTS, "never": _never}


def trap(number: int) -> Intent:
    """Passes every trial, and reverts."""
    return Intent(TRAP, "step in", (str(number),), b"", Effect("never", {}))


def vain(number: int) -> Intent:
    """Succeeds, and brings nothing about."""
    return Intent(payee(number), "shout", (str(number),), b"", Effect("never", {}))


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    """A chain of the test's own, with finality far behind the head."""
    async with Anvil(slots_in_an_epoch=32) as anvil:
        await anvil.set_code(TRAP, TRAP_CODE)
        yield anvil


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the outbox is."""
    return tmp_path / "outbox.db"


@asynccontextmanager
async def sending(anvil: Anvil, path: Path, **options: Any) -> AsyncIterator[tuple[Sender, Guard]]:
    """A sender with a guard at its gate."""
    async with (
        JsonRpc(anvil.url) as rpc,
        await Guard.open(path, SIGNER.address, 31337, clock=chain_clock(rpc), **options) as guard,
        await Sender.open(
            rpc, path, SIGNER, EFFECTS, gate=guard, fee_policy=PRICELESS, poll_seconds=0.05
        ) as sender,
    ):
        yield sender, guard


async def in_pool(anvil: Anvil) -> bool:
    """Whether a transaction waits."""
    status = await anvil.rpc.call("txpool_status", [])
    return int(status["pending"], 16) > 0


async def nonce(anvil: Anvil) -> int:
    """How many transactions of the signer the chain holds."""
    return int(await anvil.rpc.call("eth_getTransactionCount", [SIGNER.address, "latest"]), 16)


class TestBreaker:
    """An action that does nothing but cost."""

    @pytest.mark.parametrize(("intent", "error"), [(trap, RevertedError), (vain, EffectMissingError)])
    async def test_is_halted_while_another_goes_on(
        self, anvil: Anvil, path: Path, intent: Any, error: type[ChainKitError]
    ) -> None:
        """Reverted or without effect; the fourth is not even signed, and over a restart it stays so."""
        async with sending(anvil, path, breaker=Breaker(3)) as (sender, _):
            for number in range(3):
                with pytest.raises(error):
                    await sender.submit(intent(number))
            with pytest.raises(ActionHaltedError, match="is halted: 3 transactions in a row without effect"):
                await sender.submit(intent(3))
        async with sending(anvil, path, breaker=Breaker(3)) as (sender, guard):
            with pytest.raises(ActionHaltedError):
                await sender.submit(intent(3))
            await sender.submit(payment(1))

            assert await nonce(anvil) == 4
            assert list(await guard.halted()) == [intent(0).action]

            assert await guard.resume(intent(0).action)
            with pytest.raises(error):
                await sender.submit(intent(4))


class TestBudget:
    """What may be spent in an hour."""

    async def test_stops_and_goes_on_when_time_has_passed(self, anvil: Anvil, path: Path) -> None:
        """Of the chain; the machine's clock has hardly moved."""
        async with sending(anvil, path) as (sender, _):
            cost_wei = (await sender.quote(payment(0))).total_wei
        async with sending(anvil, path, budget=Budget(hour_wei=cost_wei * 3 // 2)) as (sender, guard):
            await sender.submit(payment(0))
            with pytest.raises(BudgetExceededError):
                await sender.submit(payment(1))
            assert await nonce(anvil) == 1

            await anvil.increase_time(3_600)
            await anvil.mine()
            await sender.submit(payment(1))

            assert await nonce(anvil) == 2
            assert (await guard.counted()).day_wei > cost_wei

    async def test_counts_what_the_chain_took(self, anvil: Anvil, path: Path) -> None:
        """Once it is final: to the wei, what the balance lost beside what was paid."""
        before_wei = await balance_of(anvil.rpc, SIGNER.address)
        async with sending(anvil, path, budget=Budget(hour_wei=10**18)) as (sender, guard):
            for number in range(3):
                await sender.submit(payment(number))
            await anvil.mine(100)
            await sender.reconcile()

            lost_wei = before_wei - await balance_of(anvil.rpc, SIGNER.address) - 3
            assert (await guard.counted()).hour_wei == lost_wei

    async def test_counts_the_fee_of_the_parent_chain(self, anvil: Anvil, path: Path) -> None:
        """It is most of the cost there: a budget without it would be none."""
        l1_fee_wei = 5 * 10**12
        await anvil.set_code(GAS_PRICE_ORACLE, f"0x7f{l1_fee_wei:064x}60005260206000f3")
        async with sending(anvil, path) as (sender, _):
            quote = await sender.quote(payment(0))
            assert quote.l1_fee_wei == l1_fee_wei
        async with sending(anvil, path, budget=Budget(hour_wei=quote.l2_fee_wei)) as (sender, guard):
            with pytest.raises(BudgetExceededError):
                await sender.submit(payment(0))
        async with sending(anvil, path, budget=Budget(hour_wei=quote.total_wei)) as (sender, guard):
            await sender.submit(payment(0))

            assert (await guard.counted()).hour_wei == quote.total_wei

    async def test_counts_the_difference_of_a_replacement(self, anvil: Anvil, path: Path) -> None:
        """The first offer is stuck; a dearer one is made as soon as the budget has room for the rest."""
        await anvil.set_automine(False)
        async with sending(anvil, path) as (sender, _):
            cost_wei = (await sender.quote(payment(0))).total_wei
            await self.left_waiting(anvil, sender, payment(0))
        (row,) = await rows_in(anvil.rpc, path)
        await anvil.rpc.call("anvil_dropAllTransactions")
        await anvil.increase_time(60)
        await anvil.mine()
        await anvil.rpc.call("eth_sendRawTransaction", ["0x" + row.raw.hex()])

        for hour_wei, attempts in ((cost_wei, 1), (2 * cost_wei, 2)):
            async with sending(anvil, path, budget=Budget(hour_wei=hour_wei)) as (sender, guard):
                (row,) = await sender.reconcile()

                assert len(row.attempts) == attempts
                most_wei = row.attempts[-1].offer.most_wei
                assert (await guard.counted()).hour_wei == most_wei

    async def test_lets_a_cancellation_pass(self, anvil: Anvil, path: Path) -> None:
        """The deadline has passed and nothing is left: the nonce is freed all the same."""
        await anvil.set_automine(False)
        async with sending(anvil, path) as (sender, _):
            cost_wei = (await sender.quote(payment(0))).total_wei
        async with sending(anvil, path, budget=Budget(hour_wei=cost_wei)) as (sender, guard):
            wanted = Intent(
                payee(0),
                "pay",
                ("0",),
                b"",
                Effect("paid", {"to": payee(0)}),
                value_wei=1,
                deadline=await anvil.timestamp() + 60,
            )
            await self.left_waiting(anvil, sender, wanted)
            await anvil.rpc.call("anvil_dropAllTransactions")
            await anvil.increase_time(120)
            await anvil.mine()
            with pytest.raises(ExpiredError):
                await mine_until_done(anvil, asyncio.create_task(sender.submit(wanted)))

            (row,) = await rows_in(anvil.rpc, path)
            assert (row.state, row.attempt.kind) == (State.EXPIRED, Kind.CANCEL)
            assert await guard.budget_left() == {"hour": 0, "day": None}

    @staticmethod
    async def left_waiting(anvil: Anvil, sender: Sender, intent: Intent) -> None:
        """Its transaction is in the pool, and nobody looks after it."""
        task = asyncio.create_task(sender.submit(intent))
        await until(lambda: in_pool(anvil))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class TestDeadMan:
    """What is told outside."""

    async def test_is_pinged_after_the_effect(self, anvil: Anvil, path: Path) -> None:
        """Not while the transaction waits."""
        await anvil.set_automine(False)
        async with WebServer() as web:
            dead_man = DeadMan({"pay": web.url + "/secret"})
            async with sending(anvil, path, dead_man=dead_man) as (sender, _):
                task = asyncio.create_task(sender.submit(payment(0)))
                await until(lambda: in_pool(anvil))
                assert web.requests == []

                await mine_until_done(anvil, task)
                assert await web.asked(1) == ["GET /secret"]

    async def test_is_not_pinged_for_what_was_in_vain(self, anvil: Anvil, path: Path) -> None:
        """It was mined, and that is all."""
        metrics = KeeperMetrics()
        async with WebServer() as web:
            dead_man = DeadMan({"shout": web.url, "step in": web.url})
            async with sending(anvil, path, dead_man=dead_man, metrics=metrics) as (sender, guard):
                for intent in (vain(0), trap(0)):
                    with pytest.raises(ChainKitError):
                        await sender.submit(intent)
                await guard.refresh()

            assert web.requests == []
        text = metrics.text().decode()
        assert 'chain_kit_intents{action="shout",state="failed"} 1.0' in text
        assert "chain_kit_last_verified_timestamp_seconds{" not in text
