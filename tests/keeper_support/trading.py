"""A market with a price history, and a trader's account in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from chain_kit.contracts import Contract
from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.keepers import EFFECTS
from chain_kit.keepers.rounds import read_head
from chain_kit.keepers.trade import TradeKeeper
from chain_kit.keepers.trade.market import MarketReader, Reading, Through
from chain_kit.keepers.trade.prices import FixedEther, Spot, SpotSource
from chain_kit.keepers.trade.rules import TradeRules, TradeSender
from chain_kit.lmsr import WAD
from chain_kit.oracle import BoundaryPrice, sign_report
from chain_kit.outbox import Sender
from chain_kit.prices import EPOCH
from chain_kit.strategies import FairValue
from tests.keeper_support.kit import FEED, KEEPER, OWNER, START, UNIT, Kit, quorum

__all__ = [
    "BTC",
    "FALLEN",
    "RISEN",
    "RUNNING",
    "NoStarts",
    "Spots",
    "aged_market",
    "facade",
    "fund",
    "house_budget",
    "live_through",
    "open_sender",
    "post",
    "purchases",
    "reading",
    "rules",
    "shares",
    "start_of",
    "trade_keeper",
]

BTC = 40_000 * WAD
RISEN, FALLEN = BTC + BTC // 1000, BTC - BTC // 1000
BOUGHT = "Bought(uint256,uint256,address,uint8,uint256,uint256,uint256,bool)"
RUNNING = 14
"""The epoch that runs once the history has been lived through."""
_HISTORY = [BTC, BTC + BTC // 1000]


def start_of(epoch: int) -> int:
    """When an epoch of the kit's market begins."""
    return START + (epoch - 1) * EPOCH


async def live_through(kit: Kit, epochs: int = RUNNING) -> None:
    """Thirteen epochs whose boundary prices go up and down by a thousandth; the last begins at BTC."""
    for epoch in range(1, epochs + 1):
        if await kit.anvil.timestamp() < start_of(epoch):
            await kit.move_to(start_of(epoch))
        await post(kit, start_of(epoch), _HISTORY[epoch % 2])


async def post(kit: Kit, boundary: int, price_e18: int) -> None:
    """Posts a boundary's price."""
    prices = [BoundaryPrice(FEED, boundary, price_e18)]
    chain_id = await kit.anvil.rpc.chain_id()
    report = sign_report(chain_id, kit.adapter.address, prices, quorum()[:2])
    await kit.send(OWNER, kit.oracle, "post", kit.adapter.address, report)


async def facade(kit: Kit) -> Contract:
    """The market's own address."""
    return Contract("MarketFacade", await kit.ask(kit.hub, "facadeOf", 1))


async def fund(kit: Kit, *, wallet: int = 0, hub: int = 0) -> None:
    """Gives the keeper's account collateral, and the leave to spend it."""
    await kit.send(OWNER, kit.collateral, "mint", KEEPER, wallet + hub)
    await kit.send(KEEPER, kit.collateral, "approve", (await facade(kit)).address, wallet)
    if hub:
        await kit.send(KEEPER, kit.collateral, "approve", kit.hub.address, hub)
        await kit.send(KEEPER, kit.hub, "deposit", KEEPER, hub)


class Spots:
    """A spot source that says what it is told, as of now or `age` seconds ago; it may do something first."""

    def __init__(self, price_e18: int | None, age: int = 0) -> None:
        self.price_e18 = price_e18
        self.age = age
        self.first: Any = None

    async def spot(self, feed: str, now: int) -> Spot | None:
        """The price that it was told."""
        if self.first is not None:
            await self.first()
        if feed != FEED or self.price_e18 is None:
            return None
        return Spot(self.price_e18, now - self.age)


class NoStarts:
    """A price source that knows one boundary."""

    def __init__(self, known: Sequence[tuple[int, int]]) -> None:
        self._known = dict(known)

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """Its price."""
        return self._known.get(boundary) if feed == FEED else None

    async def run(self, stop: asyncio.Event) -> None:
        """Observes nothing."""
        await stop.wait()


def rules(**changes: Any) -> TradeRules:
    """Ample limits."""
    return TradeRules(**{"position_units": 10_000 * UNIT, "daily_loss_units": 10_000 * UNIT, **changes})


def trade_keeper(kit: Kit, sender: TradeSender, spot: SpotSource, **options: Any) -> TradeKeeper:
    """A keeper of the kit's market by fair value; an ether costs 3,000 of the collateral."""
    usual: dict[str, Any] = {"strategy": FairValue(), "ether": FixedEther(3_000 * WAD), "rules": rules()}
    usual["market_id"] = 1
    return TradeKeeper(sender, hub=kit.hub.address, spot=spot, **usual | options)


@asynccontextmanager
async def aged_market(**options: Any) -> AsyncIterator[Kit]:
    """A market on a chain of its own, thirteen epochs old and a minute; a funded account."""
    async with Anvil(timestamp=START) as anvil:
        kit = await Kit.deploy(anvil, **options)
        await live_through(kit)
        await fund(kit, wallet=5_000 * UNIT)
        await kit.move_to(start_of(RUNNING) + 60)
        yield kit


async def open_sender(kit: Kit, path: Path, **options: Any) -> Sender:
    """A sender with the keeper's key."""
    return await Sender.open(kit.anvil.rpc, path, dev_signer(9), EFFECTS, poll_seconds=0.05, **options)


async def shares(kit: Kit, epoch: int = RUNNING) -> tuple[int, int]:
    """The keeper's YES and NO."""
    yes, no = await kit.ask(kit.hub, "positionOf", 1, epoch, KEEPER)
    return yes, no


async def purchases(kit: Kit) -> int:
    """How often the keeper has bought."""
    account = "0x" + KEEPER[2:].lower().rjust(64, "0")
    return sum(log["topics"][3] == account for log in await kit.logs(kit.hub, BOUGHT))


async def house_budget(kit: Kit) -> int:
    """What the house has not spent."""
    market = await kit.ask(kit.hub, "market", 1)
    return int(market.houseBudget)


async def reading(kit: Kit, through: Through = Through.FACADE) -> Reading:
    """The market as the keeper reads it."""
    reader = MarketReader(kit.anvil.rpc, kit.hub, 1, KEEPER, through)
    await reader.open()
    return await reader.read(await read_head(kit.anvil.rpc))
