"""Races, reward tokens and statuses out of the index, held against what the contracts say themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chain_kit.contracts import Contract
from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import JsonRpc
from chain_kit.units import format_units
from indexer import queries
from indexer.database import Database, open_database
from indexer.rpc import ChainRpc
from indexer.verify import verify
from tests.index_support.dump import dump
from tests.index_support.indexing import fresh_dump, index_to_head
from tests.index_support.live_races import FEEDS, LiveRaces
from tests.index_support.market import LiveMarket
from tests.keeper_support.kit import START, TRADERS, Kit

pytestmark = pytest.mark.slow
STATUSES = ("OPEN", "FINISHED", "VOID")


class Scene:
    """A chain on which everything has happened, and its index."""

    def __init__(self, market: LiveMarket, races: LiveRaces, database: Database) -> None:
        self.market = market
        self.races = races
        self.database = database

    @property
    def kit(self) -> Kit:
        """Whose chain it is."""
        return self.market.kit

    async def ask(self, contract: Contract, fn: str, *args: Any, block: int | str = "latest") -> Any:
        """What a contract answers; its one value, if it is one."""
        answer = await contract.call(self.kit.anvil.rpc, fn, *args, block=block)
        return answer[0] if len(answer) == 1 else answer


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A market that graduates, and races beside it; one of them is made late."""
    async with Anvil(timestamp=START) as anvil:
        market = await LiveMarket.deploy(anvil, seed=5)
        races = await LiveRaces.deploy(market, seed=6)
        await market.trade(30)
        await races.trade(70)
        await races.create("DUEL", FEEDS[:2], 1)
        await races.trade(70)
        await market.graduate()
        await market.trade(15)
        await index_to_head(anvil.url, races.deployment, tmp_path / "index.db")
        async with open_database(tmp_path / "index.db") as database:
            yield Scene(market, races, database)


async def test_everything_is_what_the_contracts_say(scene: Scene) -> None:
    """`verify` asks for every sum, of races and reward tokens too; then single answers are compared."""
    assert scene.races.mined > 40
    async with JsonRpc(scene.kit.anvil.url) as rpc:
        head = (await queries.status(scene.database))["block"]
        for number in (head, head // 2):
            report = await verify(scene.database, ChainRpc([rpc]), at_block=number)
            report.require_ok()
            assert report.checks > 1_000
    await _races_end_as_their_contract_says(scene)
    await _positions_are_those_of_the_contract(scene)
    await _reserves_are_those_of_the_contracts(scene)
    await _the_token_is_as_its_contracts_say(scene)
    await _trades_and_status_are_those_of_the_market(scene)


async def _races_end_as_their_contract_says(scene: Scene) -> None:
    seen = set()
    for row in await queries.races(scene.database):
        for epoch in range(1, row["epoch"] + 1):
            answer = await queries.race(scene.database, row["race"], epoch=epoch)
            status, places, tied = await scene.ask(scene.races.races, "resultOf", row["race_id"], epoch)
            assert answer["status"] == STATUSES[status]
            names = [asset["asset"] for asset in row["assets"]]
            expected = dict(zip(names, zip(places, tied, strict=True), strict=True))
            found = {one["asset"]: (one["first_place"], one["shared_by"]) for one in answer["finish"]}
            assert found == (dict.fromkeys(names, (None, None)) if status == 0 else expected)
            for book in answer["books"]:
                part = await scene.ask(scene.races.races, "payoutOf", book["book_id"], epoch)
                pays = None if not part[1] else format_units(part[0] * 10**18 // part[1], 18)
                assert book["yes_payout"] == pays
            for position, pot in enumerate(answer["pots"], start=1):
                held = await scene.ask(scene.races.races, "potOf", row["race_id"], epoch, position)
                assert pot == format_units(held, 18)
            seen.add(answer["status"])
    assert seen == set(STATUSES)
    assert [row["race"] for row in await queries.races(scene.database)] == ["MAJORS", "DUEL"]


async def _positions_are_those_of_the_contract(scene: Scene) -> None:
    claimable = 0
    for trader in TRADERS:
        for row in await queries.race_positions(scene.database, trader):
            where = (row["market_id"], row["epoch"], trader)
            yes, no = await scene.ask(scene.races.races, "positionOf", *where)
            due = await scene.ask(scene.races.races, "claimable", *where)
            assert (row["yes_tokens"], row["no_tokens"]) == (format_units(yes, 18), format_units(no, 18))
            assert row["claimable"] == format_units(due, 18)
            claimable += due > 0
    assert claimable


async def _reserves_are_those_of_the_contracts(scene: Scene) -> None:
    answer = await queries.reserve(scene.database)
    for name, contract in (("hub", scene.kit.hub), ("races", scene.races.races)):
        held, owed, _ = await scene.ask(contract, "reserveStatus")
        part = answer[name]  # type: ignore[literal-required]
        assert (part["reserve"], part["liabilities"]) == (format_units(held, 18), format_units(owed, 18))
    assert answer["verified"]


async def _the_token_is_as_its_contracts_say(scene: Scene) -> None:
    answer = await queries.mrt(scene.database, "BTC")
    curve = scene.market.curve
    token, lock = (
        Contract("MrtToken", answer["token_address"]),
        Contract("LiquidityLock", answer["lock_address"]),
    )
    assert answer["graduation_progress"] == await scene.ask(curve, "graduationProgress") == 10_000
    assert answer["total_raised"] == format_units(await scene.ask(curve, "raised"), 6)
    assert answer["supply"] == format_units(await scene.ask(token, "totalSupply"), 18)
    assert answer["sold"] == format_units(await scene.ask(curve, "sold"), 18)
    assert answer["locked"] == format_units(await scene.ask(lock, "locked"), 18)
    holders = await queries.mrt_holders(scene.database, "BTC", limit=1_000)
    for holder in holders:
        assert holder["balance"] == format_units(await scene.ask(token, "balanceOf", holder["account"]), 18)
    assert sum(Decimal(holder["balance"]) for holder in holders) == Decimal(answer["supply"])
    assert holders[0]["role"] == "pool" or "pool" in {holder["role"] for holder in holders}


async def _trades_and_status_are_those_of_the_market(scene: Scene) -> None:
    whole = await queries.trades(scene.database, limit=10_000)
    logs = [await scene.kit.logs(scene.kit.hub, signature) for signature in (
        "Bought(uint256,uint256,address,uint8,uint256,uint256,uint256,bool)",
        "Sold(uint256,uint256,address,uint8,uint256,uint256,uint256,bool)",
        "OrderFilled(bytes32,address,uint256,uint256,uint8,bool,uint256,uint256,uint256)",
    )]  # fmt: skip
    assert len(whole) == sum(map(len, logs)) > 10
    head = (await queries.status(scene.database))["block"]
    compared = 0
    for number in range(head, head // 2, -7):
        block = await scene.kit.anvil.rpc.call("eth_getBlockByNumber", [hex(number), False])
        now = int(block["timestamp"], 16)
        answer = await queries.market_status(scene.database, "BTC", now, at_block=number)
        said = await scene.ask(scene.market.facade, "getCurrentStatus", block=number)
        epoch, start_price, remaining, active, yes_price, no_price, yes_supply, no_supply = said
        assert (answer["epoch"], answer["time_remaining"], answer["trading_active"]) == (
            epoch, remaining, active,
        )  # fmt: skip
        assert answer["start_price"] == (format_units(start_price, 18) if start_price else None)
        assert (answer["yes_supply"], answer["no_supply"]) == (
            format_units(yes_supply, 18), format_units(no_supply, 18),
        )  # fmt: skip
        for mine, theirs in (("yes_price", yes_price), ("no_price", no_price)):
            price = Decimal(answer[mine])  # type: ignore[literal-required]
            assert abs(price - Decimal(theirs).scaleb(-18)) < Decimal("1e-15")
        compared += active
    assert compared


async def test_what_is_added_to_a_manifest_is_indexed_from_its_block_on(tmp_path: Path) -> None:
    """An index without races and curve, opened with both, ends as one that had them from the beginning."""
    path = tmp_path / "index.db"
    async with Anvil(timestamp=START) as anvil:
        market = await LiveMarket.deploy(anvil, seed=2)
        await market.trade(10)
        races = await LiveRaces.deploy(market, seed=3)
        await races.trade(25)
        bare = replace(market.deployment, curves={})
        await index_to_head(anvil.url, bare, path)
        async with open_database(path) as database:
            assert await queries.races(database) == []
            assert "races" not in await queries.reserve(database)
        await index_to_head(anvil.url, races.deployment, path)
        async with open_database(path) as database:
            assert [row["race"] for row in await queries.races(database)] == ["MAJORS"]
            assert await dump(database) == await fresh_dump(anvil.url, races.deployment, tmp_path)
            async with JsonRpc(anvil.url) as rpc:
                (await verify(database, ChainRpc([rpc]))).require_ok()
