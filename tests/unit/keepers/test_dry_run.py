from __future__ import annotations

import inspect

import pytest

from chain_kit.contracts import Contract
from chain_kit.devnet import Anvil
from chain_kit.fees import FeePolicy
from chain_kit.keepers.effects import total_claimed
from chain_kit.keepers.fleet.dry_run import DryRunError, DrySender, Quoted
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.outbox import Effect, Intent, Sender

NOBODY = "0x" + "12" * 20


def payment(effect: Effect, **changes: object) -> Intent:
    """An intent that pays somebody a wei."""
    usual: dict[str, object] = {"contract": NOBODY, "action": "pay", "subjects": ("1",), "data": b""}
    return Intent(**{**usual, "value_wei": 1, "effect": effect, **changes})  # type: ignore[arg-type]


def sender(anvil: Anvil, told: list[Quoted]) -> DrySender:
    """A dry sender without an outbox."""
    return DrySender(
        anvil.rpc, ANVIL_ADDRESSES[9], 31_337, fee_policy=FeePolicy(), outbox=None, tell=told.append
    )


def test_it_answers_whatever_a_keeper_asks() -> None:
    """Nothing of the real sender is left that would look for parts that this one has not."""
    public = {name for name, _ in inspect.getmembers(Sender, inspect.isfunction) if not name.startswith("_")}
    own = {name for name in vars(DrySender) if not name.startswith("_")}
    assert {"submit", "quote", "reconcile", "under_way"} <= public
    assert public - own == set()


@pytest.fixture
def pays(monkeypatch: pytest.MonkeyPatch) -> Effect:
    """An effect that never holds."""

    async def never(*_: object) -> bool:
        return False

    monkeypatch.setattr("chain_kit.keepers.fleet.dry_run.EFFECTS", {"never": never})
    return Effect("never", {})


async def test_what_would_be_sent_is_told_and_not_sent(anvil: Anvil, pays: Effect) -> None:
    """With its fees; the nonce stays."""
    told: list[Quoted] = []
    dry, before = (
        sender(anvil, told),
        await anvil.rpc.call("eth_getTransactionCount", [ANVIL_ADDRESSES[9], "pending"]),
    )
    with pytest.raises(DryRunError):
        await dry.submit(payment(pays))
    (quoted,) = told

    assert quoted.problem == ""
    assert quoted.quote is not None
    assert quoted.quote.total_wei > 21_000
    assert await anvil.rpc.call("eth_getTransactionCount", [ANVIL_ADDRESSES[9], "pending"]) == before
    assert (await dry.reconcile(), await dry.under_way(NOBODY, "pay")) == ([], set())
    assert await dry.rows_about(NOBODY, "pay", ["1"]) == []


async def test_what_stands_in_its_way_is_told(anvil: Anvil, pays: Effect) -> None:
    """That it is not worth its fee, or that the node cannot say."""
    told: list[Quoted] = []
    for changes in ({"worth_wei": 1}, {"value_wei": 10**30}):
        with pytest.raises(DryRunError):
            await sender(anvil, told).submit(payment(pays, **changes))

    assert told[0].problem == "at the highest it costs more than it is worth, 1 wei"
    assert told[1].quote is None or told[1].problem


async def test_an_effect_that_holds_is_no_news(anvil: Anvil, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing would be sent."""

    async def always(*_: object) -> bool:
        return True

    monkeypatch.setattr("chain_kit.keepers.fleet.dry_run.EFFECTS", {"total claimed": always})
    told: list[Quoted] = []
    intent = payment(total_claimed(Contract("PayoutVault", NOBODY).address, NOBODY, 1))

    assert (await sender(anvil, told).submit(intent)).intent is intent
    assert told == []
