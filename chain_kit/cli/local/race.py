"""A race between six assets on recorded prices: bets on places, the finish, and what each bet pays."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain_kit.cli.local.clock import advance_to
from chain_kit.cli.local.order_match import settle
from chain_kit.cli.local.samples import SAMPLE_CROSSES
from chain_kit.cli.local.system import LocalSystem
from chain_kit.cli.local.trader import FOREVER, Wallet
from chain_kit.clob.orders import WAD, Order, Side
from chain_kit.clob.settlement import ChainView, MakerPart, Match
from chain_kit.clob.signing import RACE_NAME, OrderDomain
from chain_kit.contracts import Contract, call_many
from chain_kit.deploy.local import RACE_SYMBOL
from chain_kit.oracle import BoundaryPrice, sign_report
from chain_kit.prices import EPOCH, parse_price_e18
from chain_kit.units import format_units

__all__ = ["RacePlay", "recorded_ends"]

_STATUS = ("OPEN", "FINISHED", "VOID")


@dataclass(frozen=True)
class _Bet:
    """Shares of a book: who holds them, and the book's market id."""

    holder: Wallet
    book: int


def recorded_ends(path: Path = SAMPLE_CROSSES) -> dict[str, tuple[int, int]]:
    """The first two recorded prices (1e18) of each asset: those at the start and the end of the race."""
    prices: dict[str, list[int]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            prices.setdefault(row["symbol"], []).append(parse_price_e18(row["close"]))
    return {asset: (found[0], found[1]) for asset, found in prices.items()}


class RacePlay:
    """Three racers at one epoch of the race. They bet on whole positions, so all that came in is paid."""

    STAKE_UNITS = 60 * WAD
    BOUGHT_UNITS = 24 * WAD
    PRICE_E18 = 35 * WAD // 100

    def __init__(self, system: LocalSystem, racers: Sequence[Wallet], operator: Wallet) -> None:
        manifest = system.manifest
        self._system = system
        self._manifest = manifest
        self._racers = racers
        self._operator = operator
        self._rpc = system.anvil.rpc
        self._race = manifest.races[RACE_SYMBOL]
        self._market = Contract("RaceMarket", manifest.address("RaceMarket"))
        self._oracle = Contract("BoundaryOracle", manifest.address("BoundaryOracle"))
        self._collateral = Contract("TestToken", manifest.collateral.address)
        self._ends = recorded_ends()
        self._assets = [feed.split("/")[0] for feed in self._race.feeds]
        self._epoch = 0

    async def enter(self, epoch: int) -> None:
        """The racers put their stakes on three positions; one buys shares of an asset by a signed order."""
        self._epoch = epoch
        for position, racer in enumerate(self._racers, start=1):
            await racer.send(self._collateral, "approve", self._market.address, FOREVER)
            await racer.send(self._market, "deposit", racer.address, 2 * self.STAKE_UNITS)
            await racer.send(
                self._market, "splitField", self._race.race_id, epoch, position, self.STAKE_UNITS
            )
        seller, buyer = self._racers[0], self._racers[1]
        domain = OrderDomain(self._manifest.chain_id, self._market.address, RACE_NAME)
        sale = domain.sign(self._order(seller, is_buy=False), seller.signer)
        purchase = domain.sign(self._order(buyer, is_buy=True), buyer.signer)
        match = Match(purchase, (MakerPart(sale, self.BOUGHT_UNITS),))
        view = ChainView(await self._system.anvil.timestamp(), ends_at=self._boundary(epoch))
        await settle(self._operator, self._market, match, name=RACE_NAME, view=view)

    async def finish(self) -> dict[str, Any]:
        """Posts the assets' prices, stores the result and pays every bet; what the document says of it."""
        end = self._boundary(self._epoch)
        await advance_to(self._system.anvil, end, mine=True)
        await self._post(end - EPOCH, 0)
        await self._post(end, 1)
        racer = self._racers[0]
        await racer.send(self._market, "storeResult", self._race.race_id, self._epoch)
        paid = await self._redeem()
        return await self._told(paid)

    def _order(self, wallet: Wallet, *, is_buy: bool) -> Order:
        return Order(
            maker=wallet.address,
            market_id=self._book(1, self._assets.index("ETH")),
            epoch=self._epoch,
            side=Side.YES,
            is_buy=is_buy,
            price_e18=self.PRICE_E18,
            size_units=self.BOUGHT_UNITS,
            fee_bps_max=0,
            expiry=self._boundary(self._epoch),
            nonce=0,
            salt=0,
        )

    def _book(self, position: int, asset: int) -> int:
        return self._race.race_id << 16 | position << 8 | asset

    def _boundary(self, epoch: int) -> int:
        return self._race.genesis + epoch * EPOCH

    async def _post(self, boundary: int, which: int) -> None:
        prices = [
            BoundaryPrice(feed, boundary, self._ends[asset][which])
            for feed, asset in zip(self._race.feeds, self._assets, strict=True)
        ]
        roles = self._system.roles
        reporters = [roles.signer(index) for index in roles.reporters]
        adapter = self._manifest.address("SignedReportAdapter")
        report = sign_report(self._manifest.chain_id, adapter, prices, reporters[:2])
        await self._racers[0].send(self._oracle, "post", adapter, report)

    async def _redeem(self) -> int:
        """Pays every racer for every book; the sum, in base units."""
        total = 0
        for bet in await self._bets():
            question = [(self._market, "claimable", (bet.book, self._epoch, bet.holder.address))]
            ((due,),) = await call_many(self._rpc, question)
            total += due
            await bet.holder.send(self._market, "redeem", bet.book, [self._epoch])
        return total

    async def _bets(self) -> list[_Bet]:
        books = [
            self._book(p, a) for p in range(1, self._race.positions + 1) for a in range(len(self._assets))
        ]
        bets = [_Bet(racer, book) for racer in self._racers for book in books]
        held = await call_many(
            self._rpc,
            [(self._market, "positionOf", (bet.book, self._epoch, bet.holder.address)) for bet in bets],
        )
        return [bet for bet, (yes, no) in zip(bets, held, strict=True) if yes or no]

    async def _told(self, paid: int) -> dict[str, Any]:
        decimals = self._manifest.collateral.decimals
        race_id, epoch = self._race.race_id, self._epoch
        status, places, tied = await self._market.call(self._rpc, "resultOf", race_id, epoch)
        staked = self.STAKE_UNITS * len(self._racers)
        return {
            "race": self._race.symbol,
            "epoch": epoch,
            "status": _STATUS[status],
            "positions": self._race.positions,
            "finish": [
                {
                    "asset": asset,
                    "start_price": format_units(self._ends[asset][0], 18),
                    "end_price": format_units(self._ends[asset][1], 18),
                    "first_place": place,
                    "shared_by": shared,
                }
                for asset, place, shared in sorted(
                    zip(self._assets, places, tied, strict=True), key=lambda row: (row[1], row[0])
                )
            ],
            "staked": format_units(staked, decimals),
            "paid": format_units(paid, decimals),
            "settled": paid == staked,
        }
