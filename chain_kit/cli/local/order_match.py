"""Two signed orders, matched off chain and settled by the operator: a buyer of YES and a buyer of NO."""

from __future__ import annotations

from typing import Any

from chain_kit.cli.local.trader import Desk, Wallet
from chain_kit.clob.orders import WAD, Order, Side
from chain_kit.clob.settlement import ChainView, MakerPart, Match, settled
from chain_kit.clob.signing import HUB_NAME, OrderDomain
from chain_kit.contracts import Contract, call_many
from chain_kit.prices import EPOCH
from chain_kit.units import format_units

__all__ = ["OrderMatch", "settle"]

_BPS = 10_000


async def settle(operator: Wallet, venue: Contract, match: Match, *, name: str, view: ChainView) -> None:
    """Sends a match, after all has been checked that the contract would refuse.

    Raises MatchRefusedError for what it would, RevertedError for what it does.
    """
    settled(match, OrderDomain(operator.chain_id, venue.address, name), view)
    await operator.send(venue, "matchOrders", *match.arguments())


class OrderMatch:
    """A taker and a maker who want opposite sides of an epoch: their collateral becomes complete sets."""

    TAKER_PRICE_E18 = 56 * WAD // 100
    MAKER_PRICE_E18 = 45 * WAD // 100
    SIZE_UNITS = 20 * WAD
    FEE_BPS = 20

    def __init__(self, desk: Desk, *, taker: Wallet, maker: Wallet, operator: Wallet) -> None:
        self._desk = desk
        self._taker, self._maker, self._operator = taker, maker, operator

    async def play(self, epoch: int) -> dict[str, Any]:
        """Deposits, signs, matches and settles; what the document says of it.

        The taker pays what the maker's price leaves of a set, less than it had offered.
        """
        desk = self._desk
        for wallet in (self._taker, self._maker):
            await wallet.send(desk.hub, "deposit", wallet.address, self.SIZE_UNITS)
        domain = OrderDomain(desk.manifest.chain_id, desk.hub.address)
        taker = domain.sign(
            self._order(self._taker, epoch, Side.YES, self.TAKER_PRICE_E18), self._taker.signer
        )
        maker = domain.sign(
            self._order(self._maker, epoch, Side.NO, self.MAKER_PRICE_E18), self._maker.signer
        )
        amount = self.SIZE_UNITS * (WAD - self.MAKER_PRICE_E18) // WAD
        fee = amount * self.FEE_BPS // _BPS
        match = Match(taker, (MakerPart(maker, self.SIZE_UNITS),), fee)
        now = int((await desk.rpc.call("eth_getBlockByNumber", ["latest", False]))["timestamp"], 16)
        view = ChainView(now, ends_at=desk.genesis + epoch * EPOCH)
        await settle(self._operator, desk.hub, match, name=HUB_NAME, view=view)
        return await self._told(match, amount, fee)

    def _order(self, wallet: Wallet, epoch: int, side: Side, price_e18: int) -> Order:
        return Order(
            maker=wallet.address,
            market_id=self._desk.market_id,
            epoch=epoch,
            side=side,
            is_buy=True,
            price_e18=price_e18,
            size_units=self.SIZE_UNITS,
            fee_bps_max=self.FEE_BPS,
            expiry=self._desk.genesis + epoch * EPOCH,
            nonce=0,
            salt=epoch,
        )

    async def _told(self, match: Match, amount: int, fee: int) -> dict[str, Any]:
        desk, decimals = self._desk, self._desk.manifest.collateral.decimals
        domain = OrderDomain(desk.manifest.chain_id, desk.hub.address)
        taker, maker = match.taker, match.makers[0].signed
        digests = [domain.digest(each.order) for each in (taker, maker)]
        filled = await call_many(desk.rpc, [(desk.hub, "orderState", (digest,)) for digest in digests])
        return {
            "kind": "MINT",
            "market": desk.symbol,
            "epoch": taker.order.epoch,
            "taker": taker.order.maker,
            "taker_side": taker.order.side.name,
            "taker_limit": format_units(taker.order.price_e18, 18),
            "taker_paid": format_units(amount + fee, decimals),
            "maker": maker.order.maker,
            "maker_side": maker.order.side.name,
            "maker_limit": format_units(maker.order.price_e18, 18),
            "maker_paid": format_units(self.SIZE_UNITS - amount, decimals),
            "fee": format_units(fee, decimals),
            "shares": format_units(self.SIZE_UNITS, decimals),
            "orders": ["0x" + digest.hex() for digest in digests],
            "settled": all(state.filled == self.SIZE_UNITS for state in filled),
        }
