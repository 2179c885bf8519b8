"""The same in earnest: processes that the system kills, over HTTP, while the chain goes its own way."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from chain_kit.devnet import Anvil
from chain_kit.outbox import State
from chain_kit.testing import DuplicateDelivery, EnforceReplacementRule, FaultProxy, LateReceipt, StaleReplica
from tests.keeper_support.journals import mining, rows_in
from tests.keeper_support.killing import run_keeper, start
from tests.keeper_support.payments import balance_of, payee
from tests.keeper_support.proxy import BrokenOffError, RpcProxy
from tests.state_machine.chain import SIGNER, Chain

COUNT = 6
KILLS = 3
FAULTS = (
    DuplicateDelivery(per_mille=200),
    EnforceReplacementRule(),
    LateReceipt(1, per_mille=300),
    StaleReplica(1, per_mille=100),
)


async def killed(config: dict[str, Any], proxy: RpcProxy, chance: random.Random) -> bool:
    """Runs a keeper until it is killed at one of its first requests, on its way there or back."""
    process = await start(config)
    left = chance.randint(8, 45)

    def strike(*_: object) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            if process.returncode is None:
                process.kill()
            raise BrokenOffError

    proxy.before, proxy.after = (strike, None) if chance.random() < 0.5 else (None, strike)
    await process.communicate()
    proxy.before = proxy.after = None
    return process.returncode == -9


async def trouble(anvil: Anvil, chance: random.Random) -> None:
    """The chain goes back, with or without a transaction of another program, or the pool forgets."""
    head = await anvil.rpc.block_number()
    depth = min(head, chance.randint(1, 4))
    what = chance.choice(["reorg", "theft", "rollback", "drop"])
    if what == "drop" or not depth:
        await anvil.rpc.call("anvil_dropAllTransactions")
    elif what == "rollback":
        await anvil.rollback(depth)
    else:
        count = await anvil.rpc.call("eth_getTransactionCount", [SIGNER.address, hex(head - depth)])
        thief = [[Chain.foreign(int(count, 16)), 0]] if what == "theft" else []
        await anvil.reorg(depth, thief)


@pytest.mark.parametrize("seed", [2, 5])
async def test_killed_processes_pay_each_once(tmp_path: Path, seed: int) -> None:
    """Kills, reorgs, thefts and a faulty way to the node: one payment each, and no nonce left open."""
    chance, path = random.Random(seed), tmp_path / "outbox.db"
    async with (
        Anvil(slots_in_an_epoch=32) as anvil,
        FaultProxy(anvil.url, FAULTS, seed=seed) as faulty,
        RpcProxy(faulty.url) as proxy,
    ):
        config = {"kind": "pay", "url": proxy.url, "outbox": str(path), "signer": 0, "count": COUNT}
        met = 0
        for _ in range(KILLS):
            met += await killed(config, proxy, chance)
            await trouble(anvil, chance)
        faulty.faults = ()
        async with mining(anvil):
            await run_keeper(config)

        assert met
        assert [await balance_of(anvil.rpc, payee(number)) for number in range(COUNT)] == [1] * COUNT
        rows = await rows_in(anvil.rpc, path)
        assert {row.state for row in rows} <= {State.DONE, State.SUPERSEDED}
        count = int(await anvil.rpc.call("eth_getTransactionCount", [SIGNER.address, "pending"]), 16)
        assert all(row.nonce is None or row.nonce < count for row in rows)
