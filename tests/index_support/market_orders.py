"""Signed orders in the random trading on the real hub: matches, cancellations, trading mode."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from chain_kit.clob.orders import SIZE_LOT_UNITS, SignedOrder
from chain_kit.clob.settlement import MakerPart, Match
from tests.clob_support.live import OPERATOR, LiveBook
from tests.keeper_support.kit import UNIT

if TYPE_CHECKING:
    from tests.index_support.market import LiveMarket

__all__ = ["OrderTrading"]


class OrderTrading:
    """Acts on a LiveMarket, one transaction at a time; some revert."""

    def __init__(self, market: LiveMarket, book: LiveBook) -> None:
        self._market = market
        self._book = book
        self._resting: list[SignedOrder] = []
        self.matched = 0

    @property
    def _chance(self) -> random.Random:
        return self._market.chance

    async def match(self) -> None:
        """A match of fresh orders, or of one that has been settled in part before."""
        self._book.epoch = max(1, await self._market.epoch()) + self._chance.randrange(2)
        match = self._book.crossing(self._chance, self._chance.randint(1, 4))
        here = [one for one in self._resting if one.order.epoch == self._book.epoch]
        if here and self._chance.random() < 0.3:
            match = self._against(self._chance.choice(here))
        await self._supply(match)
        fee_units = self._chance.randint(0, SIZE_LOT_UNITS // 200)
        match = replace(match, taker_fee_units=fee_units)
        if await self._market.attempt(OPERATOR, self._market.kit.hub, "matchOrders", *match.arguments()):
            self._resting += [part.signed for part in match.makers]
            self.matched += 1

    async def _supply(self, match: Match) -> None:
        """Makes shares for those that are to sell some, most of the time."""
        orders = [match.taker.order, *(part.signed.order for part in match.makers)]
        for seller in sorted({order.maker for order in orders if not order.is_buy}):
            if self._chance.random() < 0.9:
                await self._hub(seller, "split", 1, self._book.epoch, self._chance.randint(1, UNIT))

    def _against(self, resting: SignedOrder) -> Match:
        maker = resting.order
        others = [account for account in self._book.accounts if account != maker.maker]
        order = replace(maker, maker=self._chance.choice(others), is_buy=not maker.is_buy)
        taker = self._book.sign(replace(order, salt=self._chance.getrandbits(256)))
        return Match(taker, (MakerPart(resting, self._chance.randint(1, 9) * SIZE_LOT_UNITS),))

    async def other(self) -> None:
        """Something about orders that moves nothing."""
        acts: list[Callable[[], Awaitable[bool]]] = [self._cancel, self._floor, self._register, self._mode]
        await self._chance.choice(acts)()

    async def _cancel(self) -> bool:
        order = self._fresh().order
        return await self._hub(order.maker, "cancelOrder", order.as_struct())

    async def _floor(self) -> bool:
        # Nonces of the orders here are 0: one account at most has all of its own cancelled.
        return await self._hub(self._book.accounts[3], "cancelOrdersBelow", self._chance.randint(1, 9))

    async def _register(self) -> bool:
        signed = self._fresh()
        return await self._hub(OPERATOR, "registerOrder", signed.order.as_struct(), signed.signature)

    async def _mode(self) -> bool:
        account = self._chance.choice(self._book.accounts)
        asset = self._chance.choice((0, 1 << 64 | self._book.epoch << 8))
        if self._chance.random() < 0.4:
            return await self._hub(account, "requestRelease", asset, self._chance.randint(1, 10 * UNIT))
        return await self._hub(account, self._chance.choice(("enterTradingMode", "leaveTradingMode")))

    def _fresh(self) -> SignedOrder:
        if self._resting and self._chance.random() < 0.5:
            return self._chance.choice(self._resting)
        maker = self._chance.choice(self._book.accounts)
        return self._book.sign(self._book.order(maker, salt=self._chance.getrandbits(256)))

    async def _hub(self, sender: str, fn: str, *args: object) -> bool:
        return await self._market.attempt(sender, self._market.kit.hub, fn, *args)
