from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import RpcUnreachableError
from chain_kit.keepers import EFFECTS
from chain_kit.keepers.fleet.sender import FleetSender, tell_once
from chain_kit.outbox import Effect, Intent, Outcome, Row, Sender

INTENT = Intent("0x" + "12" * 20, "post", ("1",), b"", Effect("never", {}))


@pytest.fixture
async def sender(anvil: Anvil, tmp_path: Path) -> AsyncIterator[Sender]:
    """A fleet's sender."""
    async with await FleetSender.open(anvil.rpc, tmp_path / "o.db", dev_signer(9), EFFECTS) as sender:
        yield sender


class Passes:
    """Stands in for the real reconciling: counts, waits until it is let go, and may fail."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.count = 0
        self.go = asyncio.Event()
        self._failure = failure

    async def __call__(self, _: Sender) -> list[Row]:
        """One pass."""
        self.count += 1
        await self.go.wait()
        if self._failure is not None:
            raise self._failure
        return []


def patched(monkeypatch: pytest.MonkeyPatch, passes: Passes) -> Passes:
    """Puts it in the place of the real one."""

    async def reconcile(sender: Sender) -> list[Row]:
        return await passes(sender)

    monkeypatch.setattr(Sender, "reconcile", reconcile)
    return passes


async def test_those_who_reconcile_at_once_do_it_together(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes later begins anew; who is cancelled leaves it to the others."""
    passes = patched(monkeypatch, Passes())
    three = [asyncio.create_task(sender.reconcile()) for _ in range(3)]
    await asyncio.sleep(0)
    three[0].cancel()
    passes.go.set()
    results = await asyncio.gather(*three, return_exceptions=True)

    assert (passes.count, results[1:]) == (1, [[], []])
    assert await sender.reconcile() == []
    assert passes.count == 2


async def test_a_failure_is_everybodys(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next begins anew."""
    passes = patched(monkeypatch, Passes(RpcUnreachableError("http://node", "away")))
    passes.go.set()
    results = await asyncio.gather(sender.reconcile(), sender.reconcile(), return_exceptions=True)

    assert [type(result) for result in results] == [RpcUnreachableError] * 2
    assert passes.count == 1


async def test_closing_breaks_off_what_runs(
    anvil: Anvil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a node that is away."""
    passes = patched(monkeypatch, Passes())
    sender = await FleetSender.open(anvil.rpc, tmp_path / "o.db", dev_signer(9), EFFECTS)
    waiting = asyncio.create_task(sender.reconcile())
    while passes.count == 0:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await asyncio.wait_for(sender.aclose(), 30)
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_each_transaction_is_told_of_once() -> None:
    """Who has done it and who has seen it are one; what others did has no transaction of ours."""
    told: list[Outcome] = []
    tell = tell_once(told.append)
    ours, theirs = Outcome(INTENT, "0x01", 1), Outcome(INTENT)
    for outcome in (ours, ours, theirs, Outcome(INTENT, "0x02", 1), ours, theirs):
        tell(outcome)

    assert [outcome.tx_hash for outcome in told] == ["0x01", None, "0x02", None]
