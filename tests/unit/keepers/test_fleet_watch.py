from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chain_kit.devnet import Anvil
from chain_kit.guard import Guard
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.fleet.health import KeeperMetrics
from chain_kit.keepers.fleet.watch import FleetWatch
from chain_kit.networks import ANVIL_ADDRESSES

RICH, POOR = ANVIL_ADDRESSES[9], "0x" + "12" * 20


@pytest.fixture
async def guard(tmp_path: Path) -> AsyncIterator[Guard]:
    """A guard of an outbox in which there is nothing."""
    async with await Guard.open(tmp_path / "outbox.db", RICH, 31_337) as guard:
        yield guard


def watch(guard: Guard, rpc: JsonRpc, metrics: KeeperMetrics, signer: str = RICH, *own: str) -> FleetWatch:
    """A watch over a fleet with reasons of its own."""
    fleet: Any = SimpleNamespace(reasons=own)
    return FleetWatch(fleet, rpc, guard, metrics, signer=signer)


async def test_figures_of_chain_and_account(guard: Guard, anvil: Anvil) -> None:
    """All is well: the fleet's own reasons are the only ones."""
    metrics = KeeperMetrics()
    one = watch(guard, anvil.rpc, metrics, RICH, "on standby")
    await one.look()

    assert one.reasons() == ("on standby",)
    found = re.search(r"^chain_kit_balance_wei (\S+)$", metrics.text().decode(), re.MULTILINE)
    assert found is not None
    assert float(found[1]) == float(int(await anvil.rpc.call("eth_getBalance", [RICH, "latest"]), 16))


async def test_an_empty_account_is_a_reason(guard: Guard, anvil: Anvil) -> None:
    """It cannot pay for gas."""
    one = watch(guard, anvil.rpc, KeeperMetrics(), POOR)
    await one.look()
    assert one.reasons() == (f"{POOR} has nothing to pay gas with",)


async def test_a_node_that_is_away_is_a_reason_until_it_answers(guard: Guard, anvil: Anvil) -> None:
    """The watch goes on."""
    async with JsonRpc("http://127.0.0.1:1") as away:
        one = watch(guard, away, KeeperMetrics())
        await one.look()
        assert "no answer from http://127.0.0.1:1" in one.reasons()[0]
        one._rpc = anvil.rpc
        await one.look()
        assert one.reasons() == ()


async def test_it_looks_until_it_is_stopped(guard: Guard, anvil: Anvil) -> None:
    """And ends at once then."""
    one, stop = watch(guard, anvil.rpc, KeeperMetrics()), asyncio.Event()
    running = asyncio.create_task(one.run(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(running, 30)
