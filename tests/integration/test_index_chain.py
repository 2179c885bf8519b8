from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.contracts import Contract
from chain_kit.devnet import Anvil
from chain_kit.errors import RpcResponseError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.oracle import feed_id
from chain_kit.units import keccak256
from indexer import queries
from indexer.database import Database, open_database
from indexer.rpc import ChainRpc
from indexer.verify import verify
from tests.index_support.dump import dump
from tests.index_support.indexing import following, fresh_dump, index_to_head
from tests.index_support.market import LiveMarket
from tests.keeper_support.kit import FEED, OWNER, START, TRADERS, UNIT, house_terms

FINAL_BEHIND = 2
"""How many blocks behind its head such an anvil says that the chain is final."""


@pytest.fixture
async def market() -> AsyncIterator[LiveMarket]:
    """The contracts, deployed and traded a little, on an anvil of their own."""
    async with Anvil(timestamp=START) as anvil:
        made = await LiveMarket.deploy(anvil, seed=3)
        await made.trade(40)
        yield made


async def _head(anvil: Anvil) -> tuple[int, str]:
    block = await anvil.rpc.call("eth_getBlockByNumber", ["latest", False])
    return int(block["number"], 16), block["hash"]


@pytest.mark.parametrize("seed", [1, 2])
async def test_an_index_of_real_trading_agrees_with_the_contracts(seed: int, tmp_path: Path) -> None:
    """After hundreds of random actions every number is what direct calls say, now and at earlier blocks."""
    async with Anvil(timestamp=START) as anvil:
        market = await LiveMarket.deploy(anvil, seed=seed)
        await market.trade(200)
        await market.graduate()
        await market.trade(20)
        assert (market.mined > 80, market.orders.matched > 8) == (True, True)
        await index_to_head(anvil.url, market.deployment, tmp_path / "index.db")
        head, _ = await _head(anvil)
        async with JsonRpc(anvil.url) as rpc, open_database(tmp_path / "index.db") as database:
            for number in (head, head // 2, head - 7):
                report = await verify(
                    database, ChainRpc([rpc]), at_block=number, **await _answers(database, number)
                )
                report.require_ok()
                assert report.checks > 500
                assert (await queries.reserve(database, at_block=number))["verified"]
            assert not (await queries.reserve(database, at_block=head - 1))["verified"]
            assert {row["outcome"] for row in await queries.epochs(database, "BTC")} >= {"YES", "NO", "VOID"}


async def _answers(database: Database, number: int) -> dict[str, Any]:
    return {
        "epochs": await queries.epochs(database, "BTC", at_block=number),
        "positions": {who: await queries.positions(database, who, at_block=number) for who in TRADERS},
        "reserve": await queries.reserve(database, at_block=number),
    }


async def test_it_follows_live_and_ends_as_a_fresh_index_does(market: LiveMarket, tmp_path: Path) -> None:
    """Block by block while they are mined, in SQLite."""
    anvil = market.kit.anvil
    async with following(anvil.url, market.deployment, tmp_path / "live.db") as follower:
        await market.trade(40)
        await follower.reach(*await _head(anvil))
        live = await dump(follower.store)
    assert live == await fresh_dump(anvil.url, market.deployment, tmp_path)


@pytest.mark.parametrize("how", ["reorg", "rollback"])
@pytest.mark.parametrize("depth", [1, 5, 20])
async def test_after_a_reorg_it_is_as_a_fresh_index_of_the_new_chain(
    market: LiveMarket, tmp_path: Path, how: str, depth: int
) -> None:
    """Replaced or removed blocks, with trading before and after, while the index runs."""
    anvil = market.kit.anvil
    async with following(anvil.url, market.deployment, tmp_path / "live.db") as follower:
        await market.trade(25)
        await follower.reach(*await _head(anvil))
        await (anvil.reorg(depth) if how == "reorg" else anvil.rollback(depth))
        await follower.reach(*await _head(anvil))
        # Once a final block is gone, only what is final now is built on.
        anew = FINAL_BEHIND if how == "rollback" and depth > FINAL_BEHIND else 0
        assert follower.undone == depth + anew
        await market.trade(15)
        await follower.reach(*await _head(anvil))
        live = await dump(follower.store)
    assert market.orders.matched
    assert live == await fresh_dump(anvil.url, market.deployment, tmp_path)
    async with JsonRpc(anvil.url) as rpc, open_database(tmp_path / "live.db") as database:
        (await verify(database, ChainRpc([rpc]))).require_ok()


async def test_a_reorg_while_it_was_stopped(market: LiveMarket, tmp_path: Path) -> None:
    """Started again over another chain than it left, it finds the fork by its own headers."""
    anvil, path = market.kit.anvil, tmp_path / "index.db"
    await index_to_head(anvil.url, market.deployment, path)
    await anvil.reorg(12)
    await market.trade(10)
    await index_to_head(anvil.url, market.deployment, path)
    async with open_database(path) as database:
        assert await dump(database) == await fresh_dump(anvil.url, market.deployment, tmp_path)


async def test_a_market_that_is_created_later_is_followed(market: LiveMarket, tmp_path: Path) -> None:
    """It is on the same hub: from its creation on, its trades are in the index."""
    anvil, kit = market.kit.anvil, market.kit
    async with following(anvil.url, market.deployment, tmp_path / "live.db") as follower:
        await follower.reach(*await _head(anvil))
        genesis = (await anvil.timestamp()) // 300 * 300
        await kit.send(TRADERS[1], kit.hub, "createMarket", feed_id(FEED), "LATE", genesis, house_terms(50))
        await kit.send(TRADERS[1], kit.hub, "fundHouse", 2, 100 * UNIT)
        await anvil.set_next_timestamp(genesis + 300)
        await kit.send(TRADERS[0], kit.hub, "buy", 2, 0, UNIT, 0, 2, 2**64)
        await follower.reach(*await _head(anvil))
        rows = await queries.epochs(follower.store, "LATE")
        facade = await kit.ask(kit.hub, "facadeOf", 2)
        assert await queries.epochs(follower.store, facade) == rows
    assert [row["epoch"] for row in rows] == [1, 2]
    assert float(rows[1]["yes_supply"]) > 1
    async with JsonRpc(anvil.url) as rpc, open_database(tmp_path / "live.db") as database:
        (await verify(database, ChainRpc([rpc]))).require_ok()


async def test_nobody_can_name_a_market_so_that_a_reader_stops(market: LiveMarket) -> None:
    """The hub refuses a symbol of bytes that are no text."""
    kit = market.kit
    genesis = (await kit.anvil.timestamp()) // 300 * 300
    data = kit.hub.encode_call("createMarket", feed_id(FEED), "a?b?", genesis, house_terms(50))
    call = {"from": OWNER, "to": kit.hub.address, "data": "0x" + data.replace(b"a?b?", b"a\xffb\x00").hex()}
    with pytest.raises(RpcResponseError) as refused:
        await kit.anvil.rpc.call("eth_call", [call, "latest"])
    selector = keccak256(b"SymbolCharacters(string)")[:4]
    assert str(refused.value.data).startswith("0x" + selector.hex())


async def test_tokens_that_pass_by_are_not_followed(market: LiveMarket, tmp_path: Path) -> None:
    """Only transfers from or to our contracts are asked for; a donation is held, and owed to nobody."""
    anvil, kit = market.kit.anvil, market.kit
    path = tmp_path / "index.db"
    await index_to_head(anvil.url, market.deployment, path)
    async with open_database(path) as database:
        before = await queries.status(database), await queries.reserve(database)
    await kit.send(OWNER, kit.collateral, "mint", TRADERS[0], UNIT)
    await kit.send(OWNER, kit.collateral, "mint", kit.hub.address, UNIT)
    await index_to_head(anvil.url, market.deployment, path)
    async with open_database(path) as database:
        after = await queries.status(database), await queries.reserve(database)
    assert after[0]["events"] == before[0]["events"] + 1
    assert after[1]["hub"]["liabilities"] == before[1]["hub"]["liabilities"]
    assert float(after[1]["hub"]["reserve"]) == pytest.approx(float(before[1]["hub"]["reserve"]) + 1)


@pytest.mark.parametrize("seconds", [(0,), (0, 100), (95,), (35, 130, 265)], ids="{}".format)
async def test_marks_are_the_houses_own_prices(
    market: LiveMarket, tmp_path: Path, seconds: tuple[int, ...]
) -> None:
    """An open position is worth what the market shows as its price, to the digits that it shows.

    Whenever the house opened, and however much of its liquidity is gone.
    """
    anvil, kit = market.kit.anvil, market.kit
    genesis, epoch = kit.genesis, await market.epoch() + 1
    for second in seconds:
        await anvil.set_next_timestamp(genesis + (epoch - 1) * 300 + second)
        await kit.send(TRADERS[0], kit.hub, "buy", 1, 0, 10 * UNIT, 0, epoch, 2**64)
    facade = Contract("MarketFacade", await kit.ask(kit.hub, "facadeOf", 1))
    status = await facade.call(anvil.rpc, "getCurrentStatus")
    path = tmp_path / "index.db"
    await index_to_head(anvil.url, market.deployment, path)
    async with open_database(path) as database:
        row = (await queries.positions(database, TRADERS[0]))[-1]
    assert row["epoch"] == epoch
    yes_price, no_price = (price / 10**18 for price in status[4:6])
    worth = float(row["yes_tokens"]) * yes_price + float(row["no_tokens"]) * no_price
    assert float(row["unrealized_pnl"]) == pytest.approx(worth - float(row["cost"]), abs=1e-9)
