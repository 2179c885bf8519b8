"""A process that dies at any point of a transaction's life leaves what the next one needs to finish it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Journal, Sender, State
from tests.keeper_support.journals import broadcasts_by_intent, mining, rows_in
from tests.keeper_support.killing import run_keeper, run_with_kills
from tests.keeper_support.payments import PAYMENT_EFFECTS, balance_of, payee, payment
from tests.keeper_support.proxy import RpcProxy

SEED = 20_220_108


class Crash(BaseException):
    """The process is gone: nothing after this runs."""


def crash_at(monkeypatch: pytest.MonkeyPatch, step: int, *, committed: bool) -> Callable[[], int]:
    """Lets the journal's `step`-th change be the last, made or not made; gives a counter of changes."""
    changes = 0

    def wrap(name: str) -> None:
        original = getattr(Journal, name)

        def changed(*args: Any, **kwargs: Any) -> Any:
            nonlocal changes
            changes += 1
            if changes >= step and not committed:
                raise Crash
            result = original(*args, **kwargs)
            if changes >= step:
                raise Crash
            return result

        monkeypatch.setattr(Journal, name, changed)

    for name in ("begin", "replace", "update", "drop", "settle"):
        wrap(name)
    return lambda: changes


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("step", [1, 2, 3])
async def test_dying_at_a_step_of_the_journal_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, committed: bool
) -> None:
    """Entered, sent, done: killed before or after the commit of each, the next process finishes it."""
    path = tmp_path / "outbox.db"
    async with Anvil() as anvil, RpcProxy(anvil.url) as proxy, JsonRpc(proxy.url) as rpc:
        with monkeypatch.context() as patch:
            changes = crash_at(patch, step, committed=committed)
            dying = await Sender.open(rpc, path, dev_signer(0), PAYMENT_EFFECTS)
            with pytest.raises(Crash):
                await dying.submit(payment(0))
            assert changes() == step

        async with await Sender.open(rpc, path, dev_signer(0), PAYMENT_EFFECTS) as sender:
            await sender.reconcile()
            await sender.submit(payment(0))

        assert await balance_of(rpc, payee(0)) == 1
        assert len(set(proxy.sent)) == 1
        assert [row.state for row in await rows_in(rpc, path)] == [State.DONE]


async def test_killed_again_and_again_it_pays_each_once(tmp_path: Path) -> None:
    """Six kills at seeded requests: every payment is made once in the end, by one transaction."""
    path = tmp_path / "outbox.db"
    async with Anvil() as anvil, RpcProxy(anvil.url) as proxy:
        config = {"kind": "pay", "url": proxy.url, "outbox": str(path), "signer": 0, "count": 12}
        met = await run_with_kills(config, proxy, SEED, kills=6, spread=30)

        assert met >= 5
        assert [await balance_of(anvil.rpc, payee(number)) for number in range(12)] == [1] * 12
        rows = await rows_in(anvil.rpc, path)
        assert broadcasts_by_intent(rows, proxy.sent) == {str(payment(number)): 1 for number in range(12)}
        assert {row.state for row in rows} == {State.DONE}


async def test_two_processes_on_one_outbox_share_the_work(tmp_path: Path) -> None:
    """Both are asked for the same payments with the same key: each is made once, by one transaction."""
    path = tmp_path / "outbox.db"
    async with Anvil() as anvil, RpcProxy(anvil.url) as proxy:
        config = {"kind": "pay", "url": proxy.url, "outbox": str(path), "signer": 0, "count": 20}

        async with mining(anvil):
            await asyncio.gather(run_keeper(config), run_keeper(config))

        assert [await balance_of(anvil.rpc, payee(number)) for number in range(20)] == [1] * 20
        rows = await rows_in(anvil.rpc, path)
        assert sorted(row.nonce or 0 for row in rows) == list(range(20))
        assert len(set(proxy.sent)) == 20
