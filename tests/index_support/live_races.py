"""The real race market beside a LiveMarket: races that are created, traded at random and stored."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from chain_kit.clob.orders import Order, Side
from chain_kit.clob.settlement import MakerPart, Match
from chain_kit.clob.signing import RACE_NAME, OrderDomain
from chain_kit.contracts import Contract
from chain_kit.dev_accounts import dev_signer
from chain_kit.oracle import BoundaryPrice, feed_id, sign_report
from indexer.deployment import Deployment
from tests.clob_support.live import OPERATOR
from tests.index_support.market import LiveMarket
from tests.keeper_support.kit import DEADLINE, OWNER, REGISTER_FEED, TRADERS, UNIT, create, quorum

__all__ = ["FEEDS", "LiveRaces"]

FEEDS = ("ETH/USD", "SOL/USD", "DOGE/USD")
FOREVER = 2**64
YES = 0


class LiveRaces:
    """A race market on a LiveMarket's chain. Each action is one transaction or a few; some revert."""

    def __init__(self, market: LiveMarket, races: Contract, block: int, seed: int) -> None:
        self.market = market
        self.races = races
        self.block = block
        self.chance = random.Random(seed)
        self.mined = 0
        self.made: dict[int, tuple[int, int, int]] = {}
        """Race -> how many assets and positions it has, and its genesis."""

    @property
    def deployment(self) -> Deployment:
        """The market's, with the race market that was added to it."""
        return replace(self.market.deployment, races=self.races.address, races_block=self.block)

    @classmethod
    async def deploy(cls, market: LiveMarket, seed: int = 0) -> LiveRaces:
        """A race of three assets in two positions, over feeds of their own."""
        kit = market.kit
        terms = (OWNER, kit.collateral.address, kit.oracle.address, OWNER)
        races, _ = await create(kit.anvil, "RaceMarket", *terms)
        block = int(await kit.anvil.rpc.call("eth_blockNumber", []), 16)
        made = cls(market, races, block, seed)
        for feed in FEEDS:
            registered = (feed_id(feed), kit.adapter.address, DEADLINE)
            await kit.send(OWNER, kit.oracle, REGISTER_FEED, *registered)
        await kit.send(OWNER, races, "setMatchOperator", OPERATOR, True)
        await made.create("MAJORS", FEEDS, 2)
        for trader in TRADERS:
            await kit.send(OWNER, kit.collateral, "mint", trader, 10_000 * UNIT)
            await kit.send(trader, kit.collateral, "approve", races.address, 2**255)
            await kit.send(trader, races, "deposit", trader, 5_000 * UNIT)
        return made

    async def create(self, symbol: str, feeds: tuple[str, ...], positions: int) -> None:
        """Another race; anyone may make one."""
        ids = [feed_id(feed) for feed in feeds]
        kit = self.market.kit
        genesis = max(kit.genesis, (await kit.anvil.timestamp() + 60) // 300 * 300)
        await kit.send(TRADERS[0], self.races, "createRace", symbol, ids, positions, genesis)
        self.made[len(self.made) + 1] = (len(feeds), positions, genesis)

    async def trade(self, actions: int) -> None:
        """That many random actions, a few seconds or minutes apart."""
        anvil = self.market.kit.anvil
        acts = [
            self._money, self._sets, self._field, self._field, self._field, self._convert, self._give,
            self._prices, self._prices, self._prices, self._redeem, self._redeem, self._store, self._match,
        ]  # fmt: skip
        for _ in range(actions):
            now = await anvil.timestamp()
            await anvil.set_next_timestamp(now + self.chance.choice((1, 5, 20, 60, 120)))
            await self.chance.choice(acts)()

    async def _attempt(self, sender: str, fn: str, *args: Any) -> None:
        self.mined += await self.market.attempt(sender, self.races, fn, *args)

    def _trader(self) -> str:
        return self.chance.choice(TRADERS)

    def _amount(self, most: int = 5 * UNIT) -> int:
        return self.chance.randint(1, most)

    def _book(self) -> tuple[int, int, int]:
        race = self.chance.choice(list(self.made))
        assets, positions, _ = self.made[race]
        return race, self.chance.randint(1, positions), self.chance.randrange(assets)

    async def _epoch(self, race: int) -> int:
        now = await self.market.kit.anvil.timestamp()
        return max(0, (now - self.made[race][2]) // 300 + 1)

    async def _soon(self, race: int) -> int:
        return max(1, await self._epoch(race) + self.chance.randint(0, 1))

    async def _past(self, race: int) -> int:
        return self.chance.randint(1, max(1, await self._epoch(race)))

    async def _money(self) -> None:
        trader = self._trader()
        fn, whom = self.chance.choice((("deposit", self._trader()), ("withdraw", trader)))
        await self._attempt(trader, fn, whom, self._amount())

    async def _sets(self) -> None:
        fn, (race, position, asset) = self.chance.choice(("split", "merge")), self._book()
        book = race << 16 | position << 8 | asset
        await self._attempt(self._trader(), fn, book, await self._soon(race), self._amount())

    async def _field(self) -> None:
        fn, (race, position, _) = self.chance.choice(("splitField", "splitField", "mergeField")), self._book()
        await self._attempt(self._trader(), fn, race, await self._soon(race), position, self._amount())

    async def _convert(self) -> None:
        fn, (race, position, asset) = self.chance.choice(("convertToField", "convertFromField")), self._book()
        book = race << 16 | position << 8 | asset
        await self._attempt(self._trader(), fn, book, await self._soon(race), self._amount(UNIT))

    async def _give(self) -> None:
        race, position, asset = self._book()
        book = race << 16 | position << 8 | asset
        number = book << 64 | await self._soon(race) << 8 | self.chance.randint(0, 1)
        await self._attempt(self._trader(), "transfer", self._trader(), number, self._amount(UNIT))

    async def _prices(self) -> None:
        """All feeds' prices at a boundary; few different ones, so that some assets tie."""
        kit = self.market.kit
        boundary = kit.genesis + (await self.market.epoch() - self.chance.randint(1, 2)) * 300
        if boundary // 300 % 5:
            prices = [BoundaryPrice(feed, boundary, self.chance.randint(1, 2) * UNIT) for feed in FEEDS]
            adapter = kit.adapter.address
            report = sign_report(self.market.deployment.chain_id, adapter, prices, quorum()[:2])
            await self.market.attempt(OWNER, kit.oracle, "post", adapter, report)

    async def _redeem(self) -> None:
        race, position, asset = self._book()
        book = race << 16 | position << 8 | asset
        await self._attempt(OWNER, "redeemFor", self._trader(), book, [await self._past(race)])

    async def _store(self) -> None:
        race, *_ = self._book()
        await self._attempt(OWNER, "storeResult", race, await self._past(race))

    async def _match(self) -> None:
        """Two orders of one book: they swap shares, or make sets of both sides."""
        race, position, asset = self._book()
        epoch = await self._soon(race)
        book, (one, other) = race << 16 | position << 8 | asset, self.chance.sample(range(3), 2)
        size, ticks = self.chance.randint(1, 10**12) * 1_000, self.chance.randint(1, 999)
        mint, domain = self.chance.random() < 0.5, self._domain()
        if not mint:
            await self._attempt(TRADERS[other], "split", book, epoch, size)
        taker = self._order(TRADERS[one], book, epoch, ticks * 10**15, size)
        side = Side(1) if mint else Side(YES)
        price = (1_000 - ticks if mint else ticks) * 10**15
        maker = replace(
            taker, maker=TRADERS[other], side=side, is_buy=mint, price_e18=price, salt=self._salt()
        )
        signed = [domain.sign(order, dev_signer(n + 1)) for order, n in ((taker, one), (maker, other))]
        match = Match(signed[0], (MakerPart(signed[1], size, self.chance.randint(0, 9)),), 3)
        await self._attempt(OPERATOR, "matchOrders", *match.arguments())

    def _domain(self) -> OrderDomain:
        return OrderDomain(self.market.deployment.chain_id, self.races.address, RACE_NAME)

    def _salt(self) -> int:
        return self.chance.getrandbits(256)

    def _order(self, maker: str, book: int, epoch: int, price: int, size: int) -> Order:
        return Order(
            maker=maker, market_id=book, epoch=epoch, side=Side(YES), is_buy=True, price_e18=price,
            size_units=size, fee_bps_max=200, expiry=FOREVER, nonce=0, salt=self._salt(),
        )  # fmt: skip
