"""The real contracts on a real anvil, traded at random from a seed: what the index is tested against."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

from chain_kit.abi_codec import AbiEntry, load_abi
from chain_kit.contracts import Contract
from chain_kit.devnet import Anvil
from chain_kit.oracle import BoundaryPrice, sign_report
from chain_kit.payouts import PayoutTree
from indexer.deployment import Curve, Deployment, Token
from tests.clob_support.live import LiveBook
from tests.index_support.market_orders import OrderTrading
from tests.keeper_support.kit import (
    DEADLINE,
    FEED,
    OWNER,
    START,
    TRADERS,
    UNIT,
    Kit,
    bytecode,
    house_terms,
    quorum,
    transact,
)

__all__ = ["LiveMarket"]

FOREVER = 2**64
USDC = 10**6


class LiveMarket:
    """A deployment with a market, a vault and a curve. Each action is one transaction; some revert."""

    def __init__(
        self,
        kit: Kit,
        curve: Contract,
        facade: Contract,
        book: LiveBook,
        *,
        deployment: Deployment,
        seed: int,
    ) -> None:
        self.kit = kit
        self.curve = curve
        self.facade = facade
        self.deployment = deployment
        self.chance = random.Random(seed)
        self.orders = OrderTrading(self, book)
        self.payouts: dict[str, int] = {}
        self.mined = 0

    @classmethod
    async def deploy(cls, anvil: Anvil, seed: int = 0) -> LiveMarket:
        """Deploys on an anvil that began at START."""
        terms = house_terms(closing_liquidity_bps=2_500, closing_fee_bps=400)
        kit = await Kit.deploy(anvil, genesis=START + 300, terms=terms)
        book = await LiveBook.open(anvil, kit, epoch=1)
        curve = await _create_curve(kit)
        facade = Contract("MarketFacade", await kit.ask(kit.hub, "facadeOf", 1))
        for trader in TRADERS:
            await kit.send(OWNER, kit.usdc, "mint", trader, 10**6 * USDC)
            await kit.send(trader, kit.usdc, "approve", curve.address, 2**255)
            await kit.send(OWNER, kit.collateral, "mint", trader, 10_000 * UNIT)
            await kit.send(trader, kit.collateral, "approve", kit.hub.address, 2**255)
            await kit.send(trader, kit.collateral, "approve", facade.address, 2**255)
        genesis = await anvil.rpc.call("eth_getBlockByNumber", ["0x0", False])
        deployment = Deployment(
            chain_id=await anvil.rpc.chain_id(),
            genesis_hash=genesis["hash"],
            first_block=1,
            hub=kit.hub.address,
            oracle=kit.oracle.address,
            vault=kit.vault.address,
            collateral=Token(kit.collateral.address, "CYM1", 18),
            payout_token=Token(kit.usdc.address, "USDC", 6),
            curves={"BTC": await _curve_record(kit, curve)},
        )
        return cls(kit, curve, facade, book, deployment=deployment, seed=seed)

    async def trade(self, actions: int) -> None:
        """That many random actions, a few seconds or minutes apart."""
        for _ in range(actions):
            await self.act()

    async def act(self) -> None:
        """One of everything that can be done."""
        now = await self.kit.anvil.timestamp()
        await self.kit.anvil.set_next_timestamp(now + self.chance.choice((1, 5, 20, 60, 120)))
        actions: list[Callable[[], Awaitable[None]]] = [
            self._money, self._sets, self._house, self._house, self._facade, self._facade, self._give,
            self._price, self._price, self._price, self._redeem, self._settle, self._stamp, self._vault,
            self._curve, self._donate, self.orders.match, self.orders.match, self.orders.match,
            self.orders.other,
        ]  # fmt: skip
        await self.chance.choice(actions)()

    async def attempt(self, sender: str, contract: Contract, fn: str, *args: Any) -> bool:
        """Sends; whether it succeeded. A refusal is mined as well, and leaves no log."""
        data = "0x" + contract.encode_call(fn, *args).hex()
        try:
            await transact(self.kit.anvil, {"from": sender, "to": contract.address, "data": data})
        except AssertionError:
            return False
        self.mined += 1
        return True

    async def graduate(self) -> None:
        """Buys all that the curve has left to sell, and opens its pool."""
        buyer = TRADERS[0]
        await self.kit.send(buyer, self.curve, "buy", 200 * USDC, 0, buyer, FOREVER)
        await self.kit.send(OWNER, self.curve, "graduate")

    async def epoch(self) -> int:
        """The epoch that runs."""
        now = await self.kit.anvil.timestamp()
        return max(0, (now - self.kit.genesis) // 300 + 1)

    def _trader(self) -> str:
        return self.chance.choice(TRADERS)

    def _amount(self, most: int = 20 * UNIT) -> int:
        return self.chance.randint(1, most)

    async def _some_epoch(self) -> int:
        return self.chance.randint(1, max(1, await self.epoch()))

    async def _money(self) -> None:
        trader, amount = self._trader(), self._amount()
        fn, whom = self.chance.choice((("deposit", self._trader()), ("withdraw", trader)))
        await self.attempt(trader, self.kit.hub, fn, whom, amount)

    async def _sets(self) -> None:
        fn = self.chance.choice(("split", "split", "merge"))
        epoch = await self.epoch() + self.chance.randint(0, 1) if fn == "split" else await self._some_epoch()
        await self.attempt(self._trader(), self.kit.hub, fn, 1, max(1, epoch), self._amount(UNIT))

    async def _house(self) -> None:
        side, trader = self.chance.randint(0, 1), self._trader()
        if self.chance.random() < 0.6:
            await self.attempt(trader, self.kit.hub, "buy", 1, side, self._amount(), 0, 0, FOREVER)
        else:
            await self.attempt(trader, self.kit.hub, "sell", 1, side, self._amount(UNIT), 0, 0, FOREVER)

    async def _facade(self) -> None:
        side, trader = self.chance.choice(("Yes", "No")), self._trader()
        if self.chance.random() < 0.6:
            await self.attempt(trader, self.facade, f"buy{side}(uint256)", self._amount())
        else:
            await self.attempt(trader, self.facade, f"sell{side}", self._amount(UNIT), 0, 0, FOREVER)

    async def _give(self) -> None:
        number = 1 << 64 | await self._some_epoch() << 8 | self.chance.randint(0, 1)
        await self.attempt(
            self._trader(), self.kit.hub, "transfer", self._trader(), number, self._amount(UNIT)
        )

    async def _price(self) -> None:
        boundary = self.kit.genesis + (await self.epoch() - self.chance.randint(1, 2)) * 300
        # Few prices, so that some are equal; some boundaries never get one.
        if boundary // 300 % 5:
            price = BoundaryPrice(FEED, boundary, self.chance.randint(1, 3) * UNIT)
            adapter = self.kit.adapter.address
            report = sign_report(self.deployment.chain_id, adapter, [price], quorum()[:2])
            await self.attempt(OWNER, self.kit.oracle, "post", adapter, report)

    async def _stamp(self) -> None:
        boundary = (await self.kit.anvil.timestamp() - DEADLINE) // 300 * 300
        await self.attempt(OWNER, self.kit.oracle, "voidBoundary", FEED.encode().ljust(32, b"\0"), boundary)

    async def _redeem(self) -> None:
        epochs = sorted({await self._some_epoch() for _ in range(3)})
        await self.attempt(OWNER, self.kit.hub, "redeemFor", self._trader(), 1, epochs)

    async def _settle(self) -> None:
        await self.attempt(OWNER, self.kit.hub, "settleHouse", 1, [await self._some_epoch()])

    async def _donate(self) -> None:
        await self.attempt(OWNER, self.kit.collateral, "mint", self.kit.hub.address, self._amount(1000))

    async def _vault(self) -> None:
        vault = self.kit.vault
        if self.payouts and self.chance.random() < 0.5:
            trader = self.chance.choice(sorted(self.payouts))
            proof = self._tree().proof(trader)
            await self.attempt(trader, vault, "claim", trader, self.payouts[trader], proof)
        elif await self.attempt(OWNER, vault, "activateRoot"):
            return
        else:
            grown = dict(self.payouts)
            grown[self._trader()] = grown.get(self._trader(), 0) + sum(grown.values()) + self._amount(USDC)
            tree = PayoutTree.build(self.deployment.chain_id, vault.address, grown.items())
            if await self.attempt(OWNER, vault, "proposeRoot", tree.root, tree.total_units, "ipfs://leaves"):
                self.payouts = grown

    def _tree(self) -> PayoutTree:
        return PayoutTree.build(self.deployment.chain_id, self.kit.vault.address, self.payouts.items())

    async def _curve(self) -> None:
        trader, what = self._trader(), self.chance.random()
        if what < 0.6:
            args = (self._amount(5 * USDC), 0, trader, FOREVER)
            await self.attempt(trader, self.curve, "buy", *args)
        elif what < 0.9:
            token = Contract("MrtToken", await self.kit.ask(self.curve, "token"))
            held = await self.kit.ask(token, "balanceOf", trader)
            await self.attempt(trader, token, "approve", self.curve.address, held)
            await self.attempt(trader, self.curve, "sell", self._amount(max(1, held)), 0, trader, FOREVER)
        else:
            await self.attempt(OWNER, self.curve, "claimFees", OWNER)


async def _create_curve(kit: Kit) -> Contract:
    pools = await _deployed(kit, bytecode("TestPoolFactory"))
    constructor = next(item for item in load_abi("MrtCurve") if item["type"] == "constructor")
    sale = (kit.usdc.address, 100 * USDC, 25, 8_000, OWNER, TRADERS[0], pools, 5_000, 3_000)
    terms = ("BTC Perpetual MRT", "BTC-PERP-MRT", *sale)
    arguments = AbiEntry("MrtCurve", tuple(constructor["inputs"])).encode((terms,))[4:]
    return Contract("MrtCurve", await _deployed(kit, bytecode("MrtCurve") + arguments))


async def _curve_record(kit: Kit, curve: Contract) -> Curve:
    token, pool, lock, staking = [await kit.ask(curve, part) for part in ("token", "pool", "lock", "staking")]
    target = await kit.ask(curve, "target")
    return Curve(curve.address, token, pool, lock, staking, target, "BTC Perpetual MRT", "BTC-PERP-MRT", 1)


async def _deployed(kit: Kit, code: bytes) -> str:
    receipt = await transact(kit.anvil, {"from": OWNER, "data": "0x" + code.hex()})
    return str(receipt["contractAddress"])
