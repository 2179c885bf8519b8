"""Gas of graduation, of races, and of deploying each contract."""

from __future__ import annotations

from typing import Any

from chain_kit.contracts import Contract
from chain_kit.oracle import BoundaryPrice, feed_id, sign_report
from tests.keeper_support.kit import DEADLINE, OWNER, REGISTER_FEED, ROOT_DELAY, UNIT, Kit, create, quorum

ASSETS = 16
TARGET_UNITS = 100 * 10**6
FOREVER = 2**256 - 1


class VenueMeter:
    """Makes a second system beside the kit's, and notes what each transaction used in `gas`."""

    def __init__(self, kit: Kit, gas: dict[str, int]) -> None:
        self.kit = kit
        self.gas = gas

    async def measure(self) -> None:
        """All figures, in the order in which the table shows them."""
        await self._deploy()
        await self._graduate()
        await self._race()

    async def _create(self, name: str, *arguments: Any) -> Contract:
        contract, self.gas[f"deploy {name}"] = await create(self.kit.anvil, name, *arguments)
        return contract

    async def _note(self, name: str, contract: Contract, fn: str, *args: Any) -> None:
        receipt = await self.kit.send(OWNER, contract, fn, *args)
        self.gas[name] = int(receipt["gasUsed"], 16)

    async def _deploy(self) -> None:
        kit = self.kit
        collateral, oracle = kit.collateral.address, kit.oracle.address
        await self._create("BoundaryOracle", OWNER)
        await self._create("SignedReportAdapter", [signer.address for signer in quorum()], 2)
        await self._create("EpochHub", OWNER, collateral, oracle, OWNER)
        self.race = await self._create("RaceMarket", OWNER, collateral, oracle, OWNER)
        await self._create("PayoutVault", OWNER, kit.usdc.address, OWNER, OWNER, ROOT_DELAY, ROOT_DELAY)
        await self._create("Timelock", 3600, OWNER, OWNER)
        factory, _ = await create(kit.anvil, "TestPoolFactory")
        terms = (
            *("BTC reward", "mBTC", kit.usdc.address, TARGET_UNITS, 25, 8000),
            *(OWNER, OWNER, factory.address, 5000, 4000),
        )
        self.curve = await self._create("MrtCurve", terms)

    async def _graduate(self) -> None:
        """The pool is there from the curve's construction on, as on any network."""
        kit = self.kit
        await kit.send(OWNER, kit.usdc, "mint", OWNER, 2 * TARGET_UNITS)
        await kit.send(OWNER, kit.usdc, "approve", self.curve.address, FOREVER)
        await self._note("curve buy", self.curve, "buy", TARGET_UNITS // 2, 1, OWNER, FOREVER)
        await kit.send(OWNER, self.curve, "buy", TARGET_UNITS, 1, OWNER, FOREVER)
        await self._note("graduate, pool already there", self.curve, "graduate")

    async def _race(self) -> None:
        """A race of sixteen assets, each a little faster than the one before it."""
        kit = self.kit
        feeds = [f"RACER{number}/USD" for number in range(ASSETS)]
        for feed in feeds:
            await kit.send(OWNER, kit.oracle, REGISTER_FEED, feed_id(feed), kit.adapter.address, DEADLINE)
        start = await kit.anvil.timestamp() // 300 * 300 + 300
        await self._note(
            "createRace, 16 assets", self.race, "createRace", "ALL", [*map(feed_id, feeds)], 5, start
        )
        await kit.send(OWNER, kit.collateral, "mint", OWNER, 100 * UNIT)
        await kit.send(OWNER, kit.collateral, "approve", self.race.address, FOREVER)
        await kit.send(OWNER, self.race, "deposit", OWNER, 100 * UNIT)
        await self._note("splitField, 16 assets, first", self.race, "splitField", 1, 1, 1, UNIT)
        await self._note("splitField, 16 assets, repeat", self.race, "splitField", 1, 1, 1, UNIT)
        await kit.send(OWNER, self.race, "splitField", 1, 1, 2, UNIT)
        await kit.move_to(start + 300)
        chain_id = await kit.anvil.rpc.chain_id()
        for boundary, step in ((start, 0), (start + 300, 1)):
            prices = [BoundaryPrice(feed, boundary, UNIT + step * n) for n, feed in enumerate(feeds)]
            report = sign_report(chain_id, kit.adapter.address, prices, quorum()[:2])
            await kit.send(OWNER, kit.oracle, "post", kit.adapter.address, report)
        first, second = (1 << 16 | place << 8 | (ASSETS - place) for place in (1, 2))
        await self._note("redeem a book of 16 assets, result not stored", self.race, "redeem", first, [1])
        await self._note("storeResult, 16 assets", self.race, "storeResult", 1, 1)
        await self._note("redeem a book, result stored", self.race, "redeem", second, [1])
