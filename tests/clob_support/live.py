"""Signed orders on the real hub: what it says of them, what it would do, and what it has done."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from chain_kit.clob.matching import size_most
from chain_kit.clob.orders import PRICE_TICK_E18, SIZE_LOT_UNITS, Order, Side, SignedOrder
from chain_kit.clob.settlement import ChainView, MakerPart, Match, OrderState
from chain_kit.clob.signing import OrderDomain
from chain_kit.contracts import Question, call_many
from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import RevertedError
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.signers import Signer
from tests.keeper_support.kit import OWNER, UNIT, Kit

__all__ = ["OPERATOR", "Holdings", "LiveBook"]

OPERATOR = ANVIL_ADDRESSES[8]
FOREVER = 2**64


@dataclass(frozen=True)
class Holdings:
    """What everybody has: balances by account, shares by account and position, complete sets."""

    collateral: dict[str, int]
    shares: dict[tuple[str, int], int]
    sets: int


class LiveBook:
    """The order book of one epoch of the hub's market 1, and the accounts that trade on it."""

    def __init__(self, kit: Kit, chain_id: int, epoch: int) -> None:
        self.kit = kit
        self.domain = OrderDomain(chain_id, kit.hub.address)
        self.epoch = epoch
        self.signers: dict[str, Signer] = {signer.address: signer for signer in map(dev_signer, range(1, 5))}

    @classmethod
    async def open(cls, anvil: Anvil, kit: Kit, epoch: int) -> LiveBook:
        """With an operator; the kit's traders have deposited already, and a fourth does now."""
        await kit.send(OWNER, kit.hub, "setMatchOperator", OPERATOR, True)
        opened = cls(kit, await anvil.rpc.chain_id(), epoch)
        fourth, amount = opened.accounts[3], 10_000 * UNIT
        await kit.send(OWNER, kit.collateral, "mint", fourth, 2 * amount)
        await kit.send(fourth, kit.collateral, "approve", kit.hub.address, 2 * amount)
        await kit.send(fourth, kit.hub, "deposit", fourth, amount)
        return opened

    @property
    def accounts(self) -> list[str]:
        """Those that trade."""
        return list(self.signers)

    def order(self, maker: str, **fields: Any) -> Order:
        """An order of the epoch: a buy of 1 YES at 0.5, made with `fields`."""
        plain = {
            "market_id": 1, "epoch": self.epoch, "side": Side.YES, "is_buy": True,
            "price_e18": 500 * PRICE_TICK_E18, "size_units": UNIT, "fee_bps_max": 200, "expiry": FOREVER,
            "nonce": 0, "salt": 0,
        }  # fmt: skip
        return Order(maker=maker, **(plain | fields))

    def sign(self, order: Order) -> SignedOrder:
        """With its maker's key, if that is one of ours."""
        signer = self.signers.get(order.maker)
        return self.domain.sign(order, signer) if signer else SignedOrder(order)

    async def view(self, match: Match, contracts: Iterable[str] = ()) -> ChainView:
        """What the hub says of all that the match touches."""
        hub = self.kit.hub
        orders = [match.taker.order, *(part.signed.order for part in match.makers)]
        digests = [self.domain.digest(order) for order in orders]
        makers = sorted({order.maker for order in orders})
        positions = sorted({(order.maker, order.position_id) for order in orders})
        asked: list[Question] = [(hub, "orderState", (digest,)) for digest in digests]
        asked += [(hub, "nonceFloorOf", (maker,)) for maker in makers]
        asked += [(hub, "collateralOf", (maker,)) for maker in makers]
        asked += [(hub, "balanceOf", position) for position in positions]
        answers = iter(await call_many(self.kit.anvil.rpc, asked))
        return ChainView(
            now=await self.kit.anvil.timestamp(),
            ends_at=self.kit.genesis + match.taker.order.epoch * 300,
            orders={digest: OrderState(*next(answers)) for digest in digests},
            nonce_floors={maker: next(answers)[0] for maker in makers},
            collateral={maker: next(answers)[0] for maker in makers},
            shares={position: next(answers)[0] for position in positions},
            contracts=set(contracts),
        )

    async def would(self, match: Match) -> tuple[int, int] | str:
        """The size and amount that `matchOrders` would return, or the name of the error it would give."""
        try:
            size, amount = await self.kit.hub.call(
                self.kit.anvil.rpc, "matchOrders", *match.arguments(), sender=OPERATOR
            )
        except RevertedError as refused:
            return refused.error_name or refused.message
        return size, amount

    async def settle(self, match: Match) -> dict[str, Any]:
        """Sends the match, which must succeed; its receipt."""
        return await self.kit.send(OPERATOR, self.kit.hub, "matchOrders", *match.arguments())

    async def holdings(self, extra: Iterable[str] = ()) -> Holdings:
        """What the hub says that everybody has of the book's epoch."""
        hub, accounts = self.kit.hub, [*self.accounts, OPERATOR, *extra]
        positions = [(account, 1 << 64 | self.epoch << 8 | side) for account in accounts for side in Side]
        asked: list[Question] = [(hub, "epochState", (1, self.epoch))]
        asked += [(hub, "collateralOf", (account,)) for account in accounts]
        asked += [(hub, "balanceOf", position) for position in positions]
        (state, *answers) = await call_many(self.kit.anvil.rpc, asked)
        amounts = [answer[0] for answer in answers]
        return Holdings(
            dict(zip(accounts, amounts, strict=False)),
            dict(zip(positions, amounts[len(accounts) :], strict=True)),
            state[0],
        )

    def crossing(self, chance: random.Random, makers: int) -> Match:
        """A taker against makers that cross it, each filled in part or in full, with fees within the caps."""
        who = chance.choice(self.accounts)
        ticks, side, is_buy = chance.randint(1, 999), chance.choice(list(Side)), chance.random() < 0.5
        price = ticks * PRICE_TICK_E18
        terms: dict[str, Any] = {"side": side, "is_buy": is_buy, "price_e18": price}
        taker = self.order(who, **terms, size_units=10**12 * SIZE_LOT_UNITS, salt=chance.getrandbits(256))
        parts = [self._crossing_part(chance, taker) for _ in range(makers)]
        filled_units = sum(part.size_units for part in parts)
        more_units = chance.choice((0, 1, 7)) * SIZE_LOT_UNITS
        taker = replace(taker, size_units=filled_units + more_units)
        return Match(self.sign(taker), tuple(parts), 0)

    def _crossing_part(self, chance: random.Random, taker: Order) -> MakerPart:
        swap, ticks = chance.random() < 0.5, taker.price_e18 // PRICE_TICK_E18
        # What the taker pays at most, or gets at least: its own price.
        own = chance.randint(1, ticks) if taker.is_buy else chance.randint(ticks, 999)
        maker = self.order(
            chance.choice([account for account in self.accounts if account != taker.maker]),
            side=taker.side if swap else Side(1 - taker.side),
            is_buy=taker.is_buy != swap,
            price_e18=(own if swap else 1000 - own) * PRICE_TICK_E18,
            size_units=chance.randint(1, 10**13) * SIZE_LOT_UNITS,
            salt=chance.getrandbits(256),
            fee_bps_max=chance.choice((0, 1, 200, 20_000)),
        )
        size_units = size_most(chance.randint(SIZE_LOT_UNITS, maker.size_units), maker.size_units)
        most_fee = size_units * maker.price_e18 // 10**18 * min(maker.fee_bps_max, 10_000) // 10_000
        return MakerPart(self.sign(maker), size_units, chance.randint(0, most_fee))
