"""More feeds, markets and races for the kit, and a price source for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chain_kit.contracts import Contract
from chain_kit.oracle import feed_id
from chain_kit.prices import EPOCH
from tests.keeper_support.kit import DEADLINE, OWNER, REGISTER_FEED, START, UNIT, Kit, create, house_terms

__all__ = ["POSTED_EVENT", "Prices", "add_feed", "add_market", "add_race", "boundary", "posted"]

REGISTER_ADAPTERS = "registerFeed(bytes32,address[],uint256[])"
POSTED_EVENT = "BoundaryPosted(bytes32,uint256,uint256)"


class Prices:
    """A source with the price of each boundary and feed that it is told; it notes what it is asked for."""

    def __init__(self, prices_e18: dict[tuple[str, int], int]) -> None:
        self.prices_e18 = prices_e18
        self.asked: list[tuple[str, int]] = []

    async def price_e18(self, feed: str, boundary_: int) -> int | None:
        """What it was told."""
        self.asked.append((feed, boundary_))
        return self.prices_e18.get((feed, boundary_))

    async def run(self, stop: asyncio.Event) -> None:
        """Observes nothing, until it is stopped."""
        await stop.wait()


def boundary(number: int) -> int:
    """Boundary `number` of the market: the start of epoch `number` + 1, the end of epoch `number`."""
    return START + number * EPOCH


async def add_feed(kit: Kit, feed: str, adapters: Sequence[str] = (), deadlines: Sequence[int] = ()) -> None:
    """Registers a feed: with the kit's adapter, or with several in their order."""
    if adapters:
        arguments = (REGISTER_ADAPTERS, feed_id(feed), list(adapters), list(deadlines))
        await kit.send(OWNER, kit.oracle, *arguments)
    else:
        await kit.send(OWNER, kit.oracle, REGISTER_FEED, feed_id(feed), kit.adapter.address, DEADLINE)


async def add_market(kit: Kit, feed: str, *, budget: int = 0) -> int:
    """A market on a feed, from START on; its id."""
    symbol = feed.split("/", maxsplit=1)[0]
    await kit.send(OWNER, kit.hub, "createMarket", feed_id(feed), symbol, START, house_terms())
    market_id = int(await kit.ask(kit.hub, "marketCount"))
    if budget:
        await kit.send(OWNER, kit.collateral, "mint", OWNER, budget)
        await kit.send(OWNER, kit.collateral, "approve", kit.hub.address, budget)
        await kit.send(OWNER, kit.hub, "deposit", OWNER, budget)
        await kit.send(OWNER, kit.hub, "fundHouse", market_id, budget)
    return market_id


async def add_race(kit: Kit, feeds: Sequence[str], positions: int, accounts: Sequence[str]) -> Contract:
    """A race market with one race, from START on, and collateral in it for `accounts`."""
    race, _ = await create(kit.anvil, "RaceMarket", OWNER, kit.collateral.address, kit.oracle.address, OWNER)
    ids = [feed_id(feed) for feed in feeds]
    await kit.send(OWNER, race, "createRace", "RACE", ids, positions, START)
    for account in accounts:
        await kit.send(OWNER, kit.collateral, "mint", account, 1_000 * UNIT)
        await kit.send(account, kit.collateral, "approve", race.address, 1_000 * UNIT)
        await kit.send(account, race, "deposit", account, 1_000 * UNIT)
    return race


async def posted(kit: Kit) -> list[tuple[str, int, str]]:
    """Feed, boundary and transaction of every price that was posted, in order."""
    return [
        (
            bytes.fromhex(log["topics"][1][2:]).rstrip(b"\0").decode(),
            int(log["topics"][2], 16),
            log["transactionHash"],
        )
        for log in await kit.logs(kit.oracle, POSTED_EVENT)
    ]
