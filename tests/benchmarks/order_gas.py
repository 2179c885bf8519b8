"""Gas of signed orders: matches by their kind and their number of makers, registration and cancellation.

A maker's order is *warm* if it has been filled in part before, *fresh* if not; the taker's is fresh always.
Everyone, the operator included, has a balance, and the traders hold shares of the epoch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chain_kit.clob import MakerPart, Match, Order, OrderDomain, Side, SignedOrder
from chain_kit.dev_accounts import dev_signer
from chain_kit.networks import ANVIL_ADDRESSES
from tests.keeper_support.kit import OWNER, UNIT, Kit

TAKER, MAKERS = 1, (2, 3, 4, 8, 9)
"""Which of anvil's accounts sign orders."""
FEE_BPS_MAX = 200
FIRST_SALT = 0x1D_0F2E_3C4B_5A69
"""As long as a salt that is a time in nanoseconds."""

Note = Callable[..., Awaitable[None]]
"""Sends a transaction and notes its gas: a name, the sender, the contract, its function and the arguments."""


class OrderMeter:
    """Trades signed orders of one epoch of market 1 on a deployment. `note` keeps the figures."""

    def __init__(self, kit: Kit, epoch: int, note: Note) -> None:
        self.kit, self.epoch, self.note = kit, epoch, note
        self.salt = FIRST_SALT
        self.domain: OrderDomain

    async def measure(self) -> None:
        """All figures, in the order in which the table shows them."""
        kit = self.kit
        self.domain = OrderDomain(await kit.anvil.rpc.chain_id(), kit.hub.address)
        await self._equip()
        for name, taker, makers, count in (
            ("matchOrders MINT, 1", (Side.YES, True), (Side.NO, True), 1),
            ("matchOrders MINT, 5", (Side.YES, True), (Side.NO, True), 5),
            ("matchOrders COMPLEMENTARY, 1", (Side.YES, True), (Side.YES, False), 1),
            ("matchOrders MERGE, 1", (Side.YES, False), (Side.NO, False), 1),
        ):
            standing = [self._signed(account, *makers) for account in MAKERS[:count]]
            plural = "s" if count > 1 else ""
            await self._match(f"{name} fresh maker{plural}", taker, standing)
            await self._match(f"{name} warm maker{plural}", taker, standing)
        signed = self._signed(TAKER, Side.YES, True)
        sender, struct = ANVIL_ADDRESSES[TAKER], signed.order.as_struct()
        await self.note("registerOrder, signed", OWNER, kit.hub, "registerOrder", *signed.as_struct())
        await self.note("cancelOrder", sender, kit.hub, "cancelOrder", struct)
        await self.note("cancelOrdersBelow", sender, kit.hub, "cancelOrdersBelow", 1)

    async def _equip(self) -> None:
        """Balances for all, and both shares for the traders."""
        kit = self.kit
        for address in (OWNER, *(ANVIL_ADDRESSES[account] for account in (TAKER, *MAKERS))):
            await kit.send(OWNER, kit.collateral, "mint", address, 1_000 * UNIT)
            await kit.send(address, kit.collateral, "approve", kit.hub.address, 1_000 * UNIT)
            await kit.send(address, kit.hub, "deposit", address, 1_000 * UNIT)
            await kit.split(address, self.epoch, 100 * UNIT)
        await kit.send(OWNER, kit.hub, "setMatchOperator", OWNER, True)

    async def _match(self, name: str, taker: tuple[Side, bool], standing: list[SignedOrder]) -> None:
        fee_units = UNIT // 1000
        makers = tuple(MakerPart(signed, UNIT, fee_units) for signed in standing)
        match = Match(self._signed(TAKER, *taker), makers, fee_units)
        await self.note(name, OWNER, self.kit.hub, "matchOrders", *match.arguments())

    def _signed(self, account: int, side: Side, is_buy: bool) -> SignedOrder:
        self.salt += 1
        order = Order(
            maker=ANVIL_ADDRESSES[account],
            market_id=1,
            epoch=self.epoch,
            side=side,
            is_buy=is_buy,
            price_e18=UNIT // 2,
            size_units=50 * UNIT,
            fee_bps_max=FEE_BPS_MAX,
            expiry=self.kit.genesis + self.epoch * 300,
            nonce=0,
            salt=self.salt,
        )
        return self.domain.sign(order, dev_signer(account))
