"""Matches as `matchOrders` takes them, checked before they are sent.

`settled` goes through a match as the contract does, in its order, on what the chain is known to say. What the
contract would refuse it refuses first, with a sentence, and what the contract would do it returns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from chain_kit.clob.matching import Fill, MatchKind, fee_most, fill_of, kind_of
from chain_kit.clob.orders import PRICE_TICK_E18, SIZE_LOT_UNITS, WAD, Order, SignedOrder
from chain_kit.clob.signing import OrderDomain
from chain_kit.errors import MatchRefusedError

__all__ = ["ChainView", "MakerPart", "Match", "OrderState", "Settled", "settled"]


@dataclass(frozen=True, slots=True)
class OrderState:
    """What is known of an order: `orderState` of the contract."""

    filled_units: int = 0
    cancelled_at: int = 0
    """Unix seconds from which on it is cancelled; 0 if never."""
    proven: bool = False
    """Its signature needs no look: it is registered on chain, or has been checked before."""


@dataclass(frozen=True)
class ChainView:
    """The chain as of the block that is to settle. What is None is not known, and not checked."""

    now: int
    """The block's time, Unix seconds."""
    ends_at: int | None = None
    """When the epoch ends."""
    orders: Mapping[bytes, OrderState] = field(default_factory=dict)
    """By digest; an order that is not there has never been settled."""
    nonce_floors: Mapping[str, int] = field(default_factory=dict)
    """By maker; 0 for one that is not there."""
    collateral: Mapping[str, int] | None = None
    """Internal balances in base units, by account; 0 for one that is not there."""
    shares: Mapping[tuple[str, int], int] | None = None
    """By account and position; 0 for one that is not there."""
    contracts: Collection[str] = ()
    """Makers that are contracts: only the chain can judge their signatures."""


@dataclass(frozen=True, slots=True)
class MakerPart:
    """One maker's part of a match: how many shares, and the fee (base units of collateral) to charge it."""

    signed: SignedOrder
    size_units: int
    fee_units: int = 0

    def as_struct(self) -> tuple[Any, ...]:
        """The contract's struct, as the ABI codec takes it."""
        return *self.signed.as_struct(), self.size_units, self.fee_units


@dataclass(frozen=True, slots=True)
class Match:
    """A taker's order against makers' orders, and the fee (base units) of the taker for all of them."""

    taker: SignedOrder
    makers: tuple[MakerPart, ...]
    taker_fee_units: int = 0

    def arguments(self) -> tuple[Any, ...]:
        """What `matchOrders` takes."""
        return self.taker.as_struct(), self.taker_fee_units, [part.as_struct() for part in self.makers]


@dataclass(slots=True)
class Settled:
    """What a match does, in base units. `collateral` and `shares` are changes, the operator left out."""

    size_units: int = 0
    """Shares settled of the taker's order."""
    amount_units: int = 0
    """Collateral that the taker paid or was paid, its fee left out."""
    minted_units: int = 0
    merged_units: int = 0
    fees_units: int = 0
    """What the operator is credited."""
    fills: list[Fill] = field(default_factory=list)
    collateral: Counter[str] = field(default_factory=Counter)
    shares: Counter[tuple[str, int]] = field(default_factory=Counter)
    filled: Counter[bytes] = field(default_factory=Counter)
    """By digest, of this match alone."""


def settled(match: Match, domain: OrderDomain, view: ChainView) -> Settled:
    """What `matchOrders` would do. Raises MatchRefusedError for what it would refuse.

    That the caller is an operator, that trading is not paused and that there is such an epoch is not asked.
    """
    settling = _Settling(domain, view)
    taker = match.taker.order
    if not match.makers:
        raise MatchRefusedError("a match without makers' orders", "NoFills")
    if view.ends_at is not None and view.now >= view.ends_at:
        raise MatchRefusedError(
            f"epoch {taker.epoch} ended at {view.ends_at}, it is {view.now}", "EpochEnded"
        )
    for part in match.makers:
        settling.add_maker(taker, part)
    settling.add_taker(match)
    return settling.done


class _Settling:
    """A match on its way through."""

    def __init__(self, domain: OrderDomain, view: ChainView) -> None:
        self._domain = domain
        self._view = view
        self.done = Settled()

    def add_maker(self, taker: Order, part: MakerPart) -> None:
        order, done = part.signed.order, self.done
        fill = self._fill(taker, part)
        self._count(part.signed, part.size_units)
        self._move(order, part.size_units, fill.maker_amount_units, part.fee_units)
        done.fills.append(fill)
        done.size_units += fill.size_units
        done.amount_units += fill.taker_amount_units
        done.minted_units += fill.size_units if fill.kind is MatchKind.MINT else 0
        done.merged_units += fill.size_units if fill.kind is MatchKind.MERGE else 0

    def add_taker(self, match: Match) -> None:
        done = self.done
        self._count(match.taker, done.size_units)
        self._move(match.taker.order, done.size_units, done.amount_units, match.taker_fee_units)

    def _fill(self, taker: Order, part: MakerPart) -> Fill:
        maker = part.signed.order
        if maker.maker == taker.maker:
            raise MatchRefusedError(f"{maker.maker} made both orders", "SelfMatch")
        if maker.book != taker.book:
            raise MatchRefusedError(
                f"{self._named(maker)} is for market {maker.market_id}, epoch {maker.epoch}, "
                f"the taker's for market {taker.market_id}, epoch {taker.epoch}",
                "DifferentBooks",
            )
        if kind_of(taker, maker) is not None and maker.price_e18 > WAD:
            self._require_tick(maker)
        fill = fill_of(taker, maker, part.size_units)
        if fill is None:
            raise MatchRefusedError(
                f"{_terms(taker)} does not cross {_terms(maker)} of {maker.maker}", "OrdersDoNotCross"
            )
        return fill

    def _count(self, signed: SignedOrder, size_units: int) -> None:
        """Counts a fill towards an order, if that may be settled at all."""
        order, view = signed.order, self._view
        self._require_tick(order)
        if not size_units or size_units % SIZE_LOT_UNITS:
            raise MatchRefusedError(
                f"a fill of {size_units} shares is not a multiple of {SIZE_LOT_UNITS}", "SizeOffLot"
            )
        if view.now > order.expiry:
            raise MatchRefusedError(
                f"{self._named(order)} expired at {order.expiry}, it is {view.now}", "OrderExpired"
            )
        floor = view.nonce_floors.get(order.maker, 0)
        if order.nonce < floor:
            raise MatchRefusedError(
                f"{self._named(order)} has nonce {order.nonce}, its maker has cancelled all below {floor}",
                "NonceTooLow",
            )
        self._count_left(signed, size_units)

    def _count_left(self, signed: SignedOrder, size_units: int) -> None:
        order, digest = signed.order, self._domain.digest(signed.order)
        state = self._view.orders.get(digest, OrderState())
        if state.cancelled_at and self._view.now >= state.cancelled_at:
            raise MatchRefusedError(
                f"{self._named(order)} was cancelled at {state.cancelled_at}", "OrderIsCancelled"
            )
        left_units = order.size_units - state.filled_units - self.done.filled[digest]
        if not left_units:
            raise MatchRefusedError(f"{self._named(order)} is filled", "OrderIsFilled")
        if size_units > left_units:
            raise MatchRefusedError(
                f"{self._named(order)} has {left_units} shares left, not {size_units}", "OrderOverfilled"
            )
        if not (state.proven or order.maker in self._view.contracts):
            self._require_signature(signed)
        self.done.filled[digest] += size_units

    def _require_signature(self, signed: SignedOrder) -> None:
        signer = self._domain.signer_of(signed)
        if signer != signed.order.maker:
            whose = f"that of {signer}" if signer else "none"
            raise MatchRefusedError(
                f"{self._named(signed.order)} bears no signature of its maker: it is {whose}",
                "InvalidSignature",
            )

    def _require_tick(self, order: Order) -> None:
        if not 0 < order.price_e18 < WAD or order.price_e18 % PRICE_TICK_E18:
            raise MatchRefusedError(
                f"{self._named(order)} has price {order.price_e18}, not a multiple of {PRICE_TICK_E18} "
                f"between 0 and {WAD}",
                "PriceOffTick",
            )

    def _move(self, order: Order, size_units: int, amount_units: int, fee_units: int) -> None:
        """Moves what the order's maker pays and gets."""
        most_units = fee_most(order, amount_units)
        if fee_units > most_units:
            raise MatchRefusedError(
                f"{self._named(order)} lets itself be charged {most_units}, not {fee_units}", "FeeAboveCap"
            )
        position = order.maker, order.position_id
        if order.is_buy:
            self._require_collateral(order.maker, amount_units + fee_units)
            self.done.collateral[order.maker] -= amount_units + fee_units
            self.done.shares[position] += size_units
        else:
            self._require_shares(position, size_units)
            self.done.shares[position] -= size_units
            self.done.collateral[order.maker] += amount_units - fee_units
        self.done.fees_units += fee_units

    def _require_collateral(self, account: str, needed_units: int) -> None:
        if self._view.collateral is None:
            return
        held_units = self._view.collateral.get(account, 0) + self.done.collateral[account]
        if held_units < needed_units:
            raise MatchRefusedError(
                f"{account} has {held_units} of collateral on its internal balance, not {needed_units}",
                "InsufficientCollateral",
            )

    def _require_shares(self, position: tuple[str, int], needed_units: int) -> None:
        if self._view.shares is None:
            return
        held_units = self._view.shares.get(position, 0) + self.done.shares[position]
        if held_units < needed_units:
            raise MatchRefusedError(
                f"{position[0]} has {held_units} shares of position {position[1]}, not {needed_units}",
                "InsufficientShares",
            )

    def _named(self, order: Order) -> str:
        return f"order 0x{self._domain.digest(order).hex()} of {order.maker}"


def _terms(order: Order) -> str:
    """What an order wants: "buy YES at 450000000000000000"."""
    return f"{'buy' if order.is_buy else 'sell'} {order.side.name} at {order.price_e18}"
