"""Gas of whole transactions on anvil, each in a block of its own; the collateral is an 18-decimal ERC-20.

    python -m tests.benchmarks.gas      measures and writes gas.json

`gas.json` is committed; a test measures again and compares, so that a change of cost is a line in a diff.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from chain_kit.contracts import Contract
from chain_kit.devnet import Anvil
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.oracle import BoundaryPrice, feed_id, sign_report
from chain_kit.payouts import PayoutTree
from tests.benchmarks.order_gas import OrderMeter
from tests.benchmarks.venue_gas import VenueMeter
from tests.keeper_support.kit import (
    DEADLINE,
    FEED,
    OWNER,
    REGISTER_FEED,
    ROOT_DELAY,
    START,
    UNIT,
    Kit,
    house_terms,
    quorum,
)

SNAPSHOT = Path(__file__).with_name("gas.json")
FOREVER = 2**256 - 1
BATCH = 100

TARGETS = {
    "buyYes, first of an account in an epoch": 105_000,
    "buyYes, repeat": 75_000,
    "post one boundary of a batch of 100": 30_000,
    "redeem 1 epoch": 55_000,
    "redeem 5 epochs": 100_000,
    "vault claim, repeat": 70_000,
    "graduate, pool already there": 280_000,
    "matchOrders MINT, 1 warm maker": 130_000,
    "matchOrders MINT, 5 warm makers": 300_000,
}
"""What the design asks for, in gas."""


async def measure() -> dict[str, int]:
    """The gas of each action, in the order in which the table shows them."""
    async with Anvil(timestamp=START - 60) as anvil:
        kit = await Kit.deploy(anvil)
        meter = _Meter(kit)
        await meter.trades()
        await meter.orders()
        await meter.reports()
        await meter.redemptions()
        await meter.claims()
        venues = VenueMeter(kit, meter.gas)
        await venues.measure()
        return meter.gas


class _Meter:
    """Acts on a fresh deployment and notes what each transaction used."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.gas: dict[str, int] = {}
        self.alice, self.bob = ANVIL_ADDRESSES[1], ANVIL_ADDRESSES[2]

    async def _note(self, name: str, sender: str, contract: Contract, fn: str, *args: Any) -> None:
        receipt = await self.kit.send(sender, contract, fn, *args)
        self.gas[name] = int(receipt["gasUsed"], 16)

    async def trades(self) -> None:
        """Buys through the facade, with an allowance that is not used up, and what else a trader does."""
        kit = self.kit
        facade = Contract("MarketFacade", await kit.ask(kit.hub, "facadeOf", 1))
        for account in (self.alice, self.bob):
            await kit.send(OWNER, kit.collateral, "mint", account, 1_000 * UNIT)
            await kit.send(account, kit.collateral, "approve", facade.address, FOREVER)
        for epoch in range(1, 6):
            await self._reach(epoch)
            await kit.send(self.alice, facade, "buyYes(uint256)", UNIT)
        await self._reach(6)
        await self._note("buyYes, opens the epoch's house", self.alice, facade, "buyYes(uint256)", UNIT)
        first = "buyYes, first of an account in an epoch"
        await self._note(first, self.bob, facade, "buyYes(uint256)", UNIT)
        await self._note("buyYes, repeat", self.alice, facade, "buyYes(uint256)", UNIT)
        await self._note("sellYes", self.alice, facade, "sellYes", UNIT // 2, 1, 6, FOREVER)
        await self._note("hub buy, repeat", self.alice, kit.hub, "buy", 1, 0, UNIT, 1, 6, FOREVER)
        await kit.split(self.bob, 6)
        await self._note("split, repeat", self.bob, kit.hub, "split", 1, 6, UNIT)
        await self._note("merge", self.bob, kit.hub, "merge", 1, 6, UNIT)
        market = (feed_id(FEED), "BTC", kit.genesis + 3_000, house_terms())
        await kit.send(OWNER, kit.hub, "createMarket", *market)
        await self._note("createMarket", OWNER, kit.hub, "createMarket", *market)

    async def orders(self) -> None:
        """Signed orders of the epoch that the trades have reached."""
        await OrderMeter(self.kit, 8, self._note).measure()

    async def _reach(self, epoch: int) -> None:
        """Into an epoch, with the price at its start posted."""
        boundary = self.kit.genesis + (epoch - 1) * 300
        await self.kit.move_to(boundary + 10)
        await self._post("post 1 boundary", [BoundaryPrice(FEED, boundary, (40_000 + epoch) * UNIT)])

    async def reports(self) -> None:
        """Reports signed by two of three, of one boundary and of one boundary of a hundred feeds."""
        kit = self.kit
        feeds = [f"FEED{number}/USD" for number in range(BATCH)]
        for feed in feeds:
            await kit.send(OWNER, kit.oracle, REGISTER_FEED, feed_id(feed), kit.adapter.address, DEADLINE)
        await self._reach(7)
        # Neighbours share a slot: the first of a pair is the dearer one.
        first = kit.genesis + 5 * 300
        first -= first % 600
        batch = [BoundaryPrice(feed, first, 40_000 * UNIT + i) for i, feed in enumerate(feeds)]
        await self._post("post a batch of 100", batch)
        each = -(-self.gas["post a batch of 100"] // BATCH)
        self.gas["post one boundary of a batch of 100"] = each
        neighbours = [BoundaryPrice(price.feed, price.boundary + 300, price.price_e18) for price in batch]
        await self._post("post the other half of their slots", neighbours)

    async def _post(self, name: str, prices: list[BoundaryPrice]) -> None:
        kit = self.kit
        report = sign_report(await kit.anvil.rpc.chain_id(), kit.adapter.address, prices, quorum()[:2])
        await self._note(name, OWNER, kit.oracle, "post", kit.adapter.address, report)

    async def redemptions(self) -> None:
        """Redeems to a wallet that holds collateral already."""
        kit = self.kit
        await self._note("redeem 1 epoch", self.alice, kit.hub, "redeem", 1, [6])
        await self._note("redeem 5 epochs", self.alice, kit.hub, "redeem", 1, [1, 2, 3, 4, 5])
        await self._note("settleHouse, 5 epochs", self.bob, kit.hub, "settleHouse", 1, [1, 2, 3, 4, 5])

    async def claims(self) -> None:
        """An account's second claim from the vault, by a proof of seven levels."""
        kit = self.kit
        chain_id = await kit.anvil.rpc.chain_id()
        others = [f"0x{number:040x}" for number in range(1, 100)]
        for total in (10**6, 2 * 10**6):
            payouts = [(account, total) for account in (self.alice, *others)]
            tree = PayoutTree.build(chain_id, kit.vault.address, payouts)
            await kit.send(OWNER, kit.vault, "proposeRoot", tree.root, tree.total_units, "")
            await kit.move_to(await kit.anvil.timestamp() + ROOT_DELAY)
            await kit.send(OWNER, kit.vault, "activateRoot")
            await self._note(
                "vault claim, repeat", self.bob, kit.vault, "claim", self.alice, total, tree.proof(self.alice)
            )


def table(gas: dict[str, int]) -> str:
    """The figures as a Markdown table, with the design's targets."""
    lines = ["| action | gas | target |", "|---|---:|---:|"]
    for name, used in gas.items():
        target = f"{TARGETS[name]:,}" if name in TARGETS else ""
        lines.append(f"| {name} | {used:,} | {target} |")
    return "\n".join(lines)


def main() -> None:
    """Measures, writes the snapshot and prints the table."""
    gas = asyncio.run(measure())
    SNAPSHOT.write_text(json.dumps(gas, indent=2) + "\n", encoding="utf-8")
    print(table(gas))  # noqa: T201


if __name__ == "__main__":
    main()
