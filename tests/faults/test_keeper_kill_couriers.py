"""The root and the seed keeper, and claims in batches, killed again and again at seeded requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain_kit.outbox import State
from chain_kit.payouts import PayoutTree
from chain_kit.prices import EPOCH
from tests.keeper_support.feeds import add_feed, add_market
from tests.keeper_support.journals import broadcasts_by_intent, rows_in
from tests.keeper_support.killing import Config, run_keeper, run_with_kills
from tests.keeper_support.kit import KEEPER, OWNER, ROOT_DELAY, START, TRADERS, UNIT, Kit
from tests.keeper_support.proxy import RpcProxy

SEED = 20_220_110
EPOCHS = 3
REDEEMED = "Redeemed(uint256,uint256,address,uint256,uint256,uint256)"
PROPOSED = "RootProposed(bytes32,uint256,uint256,string)"
ACTIVATED = "RootActivated(bytes32,uint256)"
FUNDED = "HouseFunded(uint256,address,uint256)"

pytestmark = pytest.mark.slow


@pytest.fixture
async def proxy(kit: Kit) -> AsyncIterator[RpcProxy]:
    """Between the keepers and the chain."""
    async with RpcProxy(kit.anvil.url) as proxy:
        yield proxy


def config(kind: str, proxy: RpcProxy, home: Path, *, signer: int, **more: object) -> Config:
    """A keeper process with its outbox in `home`."""
    outbox = str(home / "outbox.db")
    return {"kind": kind, "url": proxy.url, "outbox": outbox, "signer": signer, **more}


async def check_once(kit: Kit, proxy: RpcProxy, folder: Path) -> None:
    """Every intent is done, by one transaction."""
    rows = await rows_in(kit.anvil.rpc, folder / "outbox.db")
    assert set(broadcasts_by_intent(rows, proxy.sent).values()) == {1}
    assert {row.state for row in rows} == {State.DONE}


async def test_a_root_keeper_that_is_killed_brings_one_root_into_force(
    kit: Kit, proxy: RpcProxy, tmp_path: Path
) -> None:
    """One proposal, one activation, and the leaves are there before either."""
    folder = tmp_path / "payouts"
    totals = dict(zip(TRADERS, (10, 20, 30), strict=True))
    process = config(
        "root", proxy, tmp_path, signer=0, vault=kit.vault.address, totals=totals, folder=str(folder)
    )
    met = await run_with_kills(process, proxy, SEED, kills=4, spread=14)
    (proposed,) = await kit.logs(kit.vault, PROPOSED)
    await kit.move_to(await kit.anvil.timestamp() + ROOT_DELAY)
    met += await run_with_kills(process, proxy, SEED + 1, kills=4, spread=14)

    assert met >= 5
    (activated,) = await kit.logs(kit.vault, ACTIVATED)
    assert activated["topics"][1] == proposed["topics"][1]
    tree = PayoutTree.load(folder / "payouts.json")
    assert "0x" + tree.root.hex() == activated["topics"][1]
    assert dict(tree.totals) == totals
    await check_once(kit, proxy, tmp_path)


async def test_a_seed_keeper_that_is_killed_fills_a_budget_once(
    kit: Kit, proxy: RpcProxy, tmp_path: Path
) -> None:
    """One approval, one funding."""
    await add_feed(kit, "ETH/USD")
    market = await add_market(kit, "ETH/USD")
    await kit.send(OWNER, kit.collateral, "mint", KEEPER, 1_000 * UNIT)
    marks = {"low": str(100 * UNIT), "high": str(300 * UNIT), "daily": str(500 * UNIT)}
    process = config("seed", proxy, tmp_path, signer=9, hub=kit.hub.address, market=market, **marks)

    met = await run_with_kills(process, proxy, SEED, kills=8, spread=20)

    assert met >= 5
    (*_, funded) = await kit.logs(kit.hub, FUNDED)
    assert (int(funded["topics"][1], 16), int(funded["data"], 16)) == (market, 300 * UNIT)
    assert (await kit.ask(kit.hub, "market", market)).houseBudget == 300 * UNIT
    assert await kit.ask(kit.collateral, "balanceOf", KEEPER) == 700 * UNIT
    await check_once(kit, proxy, tmp_path)


@pytest.mark.parametrize("at_once", [False, True])
async def test_claims_in_batches_are_paid_once(
    kit: Kit, proxy: RpcProxy, tmp_path: Path, at_once: bool
) -> None:
    """Six epochs in a transaction, of two accounts: killed six times, or two at once on one outbox."""
    for epoch in range(1, EPOCHS + 1):
        for trader in TRADERS:
            await kit.split(trader, epoch)
    before = [await kit.ask(kit.collateral, "balanceOf", trader) for trader in TRADERS]
    await kit.move_to(START + (EPOCHS + 3) * EPOCH)
    payouts = {"vault": kit.vault.address, "payouts": str(tmp_path / "none.json")}
    of = {"hub": kit.hub.address, "accounts": list(TRADERS), "epochs": EPOCHS, "chunk": 6, **payouts}
    process = config("claim", proxy, tmp_path, signer=9, **of)

    if at_once:
        await asyncio.gather(run_keeper(process), run_keeper(process))
    else:
        assert await run_with_kills(process, proxy, SEED, kills=6, spread=20) >= 4

    redeemed = await kit.logs(kit.hub, REDEEMED)
    assert len({(log["topics"][2], log["topics"][3]) for log in redeemed}) == len(redeemed) == 9
    after = [await kit.ask(kit.collateral, "balanceOf", trader) for trader in TRADERS]
    assert [now - was for now, was in zip(after, before, strict=True)] == [3 * UNIT] * 3
    await check_once(kit, proxy, tmp_path)
