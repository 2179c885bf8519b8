"""Keepers that are killed again and again, or run twice at once, leave what an undisturbed one leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain_kit.devnet import Anvil
from chain_kit.outbox import State
from chain_kit.payouts import PayoutTree
from chain_kit.prices import EPOCH
from chain_kit.units import parse_units
from tests.keeper_support.journals import broadcasts_by_intent, rows_in
from tests.keeper_support.killing import Config, run_keeper, run_with_kills
from tests.keeper_support.kit import OWNER, ROOT_DELAY, START, TRADERS, Kit
from tests.keeper_support.proxy import RpcProxy

SEED = 20_220_109
EPOCHS = 3
CLOSES = ("46377", "46411.5", "46411.5", "46300")
POSTS = [(START + n * EPOCH, parse_units(close, 18)) for n, close in enumerate(CLOSES)]
OUTCOMES = [1, 3, 2]
"""Up, equal, down."""
REDEEMED = "Redeemed(uint256,uint256,address,uint256,uint256,uint256)"
SETTLED = "HouseSettled(uint256,uint256,uint256,uint256,uint256)"
CLAIMED = "Claimed(address,address,uint256,uint256)"

pytestmark = pytest.mark.slow


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    """A market whose first epochs hold shares of every trader."""
    async with Anvil(timestamp=START) as anvil:
        kit = await Kit.deploy(anvil)
        for epoch in range(1, EPOCHS + 1):
            for trader in TRADERS:
                await kit.split(trader, epoch)
        await kit.buy(TRADERS[0], 0, 1)
        yield kit


@pytest.fixture
async def proxy(kit: Kit) -> AsyncIterator[RpcProxy]:
    """Between the keepers and the chain."""
    async with RpcProxy(kit.anvil.url) as proxy:
        yield proxy


def resolve_config(kit: Kit, proxy: RpcProxy, folder: Path) -> Config:
    """A resolve keeper that posts one price in a transaction, from a file in `folder`."""
    prices = folder / "prices.csv"
    rows = (f"{START + n * EPOCH},{close}\n" for n, close in enumerate(CLOSES))
    prices.write_text("ts,close\n" + "".join(rows))
    return {
        "kind": "resolve",
        "url": proxy.url,
        "outbox": str(folder / "outbox.db"),
        "signer": 9,
        "hub": kit.hub.address,
        "oracle": kit.oracle.address,
        "adapter": kit.adapter.address,
        "prices": str(prices),
        "batch": 1,
    }


def claim_config(kit: Kit, proxy: RpcProxy, folder: Path) -> Config:
    """A claim keeper for all traders, with the payouts published in `folder`."""
    return {
        "kind": "claim",
        "url": proxy.url,
        "outbox": str(folder / "outbox.db"),
        "signer": 9,
        "hub": kit.hub.address,
        "vault": kit.vault.address,
        "payouts": str(folder / "payouts.json"),
        "accounts": list(TRADERS),
        "epochs": EPOCHS,
    }


async def check_posts(kit: Kit) -> None:
    """Every boundary was posted once, with the price of the file, and the epochs ended as it says."""
    assert await kit.posts() == POSTS
    assert [await kit.outcome(epoch) for epoch in range(1, EPOCHS + 1)] == OUTCOMES


async def publish_payouts(kit: Kit, path: Path) -> None:
    """Brings a payout tree into force: 10, 20 and 30 for the traders."""
    tree = PayoutTree.build(31337, kit.vault.address, zip(TRADERS, (10, 20, 30), strict=True))
    tree.save(path)
    await kit.send(OWNER, kit.vault, "proposeRoot", tree.root, tree.total_units, "")
    await kit.move_to(await kit.anvil.timestamp() + ROOT_DELAY)
    await kit.send(OWNER, kit.vault, "activateRoot")


async def end_epochs(kit: Kit) -> None:
    """Lets the deadlines pass: every epoch without prices is void, and pays half to each side."""
    await kit.move_to(START + (EPOCHS + 3) * EPOCH)


async def check_claims(kit: Kit) -> None:
    """Each trader's epochs, the house's epoch and each payout were paid, once."""
    redeemed = {(log["topics"][3], log["topics"][2]) for log in await kit.logs(kit.hub, REDEEMED)}
    assert len(redeemed) == len(await kit.logs(kit.hub, REDEEMED)) == EPOCHS * len(TRADERS)
    assert len(await kit.logs(kit.hub, SETTLED)) == 1
    assert len(await kit.logs(kit.vault, CLAIMED)) == len(TRADERS)
    assert [await kit.ask(kit.usdc, "balanceOf", trader) for trader in TRADERS] == [10, 20, 30]
    for trader in TRADERS:
        for epoch in range(1, EPOCHS + 1):
            assert tuple(await kit.ask(kit.hub, "positionOf", 1, epoch, trader)) == (0, 0)


async def test_a_resolve_keeper_that_is_killed_posts_each_price_once(
    kit: Kit, proxy: RpcProxy, tmp_path: Path
) -> None:
    """Ten kills at seeded requests: the same posts in the same order, one transaction for each intent."""
    await kit.move_to(START + EPOCH)
    config = resolve_config(kit, proxy, tmp_path)
    met = await run_with_kills(config, proxy, SEED, kills=4, spread=25)
    await kit.move_to(START + 2 * EPOCH)
    met += await run_with_kills(config, proxy, SEED + 1, kills=3, spread=25)
    await kit.move_to(START + 3 * EPOCH)
    met += await run_with_kills(config, proxy, SEED + 2, kills=3, spread=25)

    assert met >= 8
    await check_posts(kit)
    rows = await rows_in(kit.anvil.rpc, tmp_path / "outbox.db")
    assert set(broadcasts_by_intent(rows, proxy.sent).values()) == {1}
    assert {row.state for row in rows} == {State.DONE}


async def test_two_resolve_keepers_on_one_outbox_post_each_price_once(
    kit: Kit, proxy: RpcProxy, tmp_path: Path
) -> None:
    """The same key and the same file, both started at once, three times."""
    config = resolve_config(kit, proxy, tmp_path)
    for epoch in range(1, EPOCHS + 1):
        await kit.move_to(START + epoch * EPOCH)
        await asyncio.gather(run_keeper(config), run_keeper(config))

    await check_posts(kit)
    rows = await rows_in(kit.anvil.rpc, tmp_path / "outbox.db")
    assert set(broadcasts_by_intent(rows, proxy.sent).values()) == {1}


async def test_a_claim_keeper_that_is_killed_pays_each_claim_once(
    kit: Kit, proxy: RpcProxy, tmp_path: Path
) -> None:
    """Ten kills at seeded requests: every account has what it is owed, one transaction for each intent."""
    await end_epochs(kit)
    config = claim_config(kit, proxy, tmp_path)
    await publish_payouts(kit, Path(config["payouts"]))

    met = await run_with_kills(config, proxy, SEED, kills=10, spread=25)

    assert met >= 8
    await check_claims(kit)
    rows = await rows_in(kit.anvil.rpc, tmp_path / "outbox.db")
    assert set(broadcasts_by_intent(rows, proxy.sent).values()) == {1}
    assert {row.state for row in rows} == {State.DONE}


async def test_two_claim_keepers_on_one_outbox_pay_each_claim_once(
    kit: Kit, proxy: RpcProxy, tmp_path: Path
) -> None:
    """The same key and the same file, both started at once."""
    await end_epochs(kit)
    config = claim_config(kit, proxy, tmp_path)
    await publish_payouts(kit, Path(config["payouts"]))

    await asyncio.gather(run_keeper(config), run_keeper(config))

    await check_claims(kit)
    rows = await rows_in(kit.anvil.rpc, tmp_path / "outbox.db")
    assert set(broadcasts_by_intent(rows, proxy.sent).values()) == {1}
