"""Signed limit orders as contracts, wallets and JSON have them.

An `Order` holds whatever the contract's struct can hold, so that any can be hashed and shown; `Order.check`
says whether one could ever be settled. Shares and collateral are base units of the collateral, prices are
collateral per share in 1e18 fixed point.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

from chain_kit.errors import BadAddressError, OrderInvalidError
from chain_kit.json_fields import FieldError, JsonFields
from chain_kit.units import checksum_address

__all__ = ["BPS", "ORDER_FIELDS", "PRICE_TICK_E18", "SIZE_LOT_UNITS", "WAD", "Order", "Side", "SignedOrder"]

WAD = 10**18
BPS = 10_000
PRICE_TICK_E18 = 10**15
"""Prices are multiples of it, above 0 and below 1."""
SIZE_LOT_UNITS = 1000
"""Fills are multiples of it, so that a fill's cost is a whole number of base units."""

ORDER_FIELDS = (
    ("maker", "address"),
    ("marketId", "uint256"),
    ("epoch", "uint256"),
    ("side", "uint8"),
    ("isBuy", "bool"),
    ("price", "uint256"),
    ("size", "uint256"),
    ("feeBpsMax", "uint256"),
    ("expiry", "uint256"),
    ("nonce", "uint256"),
    ("salt", "uint256"),
)
"""The contract's struct, in the order of `Order`'s own fields."""

_UINT256_MAX = 2**256 - 1
_HEX_BYTES = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


class Side(IntEnum):
    """A side of an epoch, as the contracts number them."""

    YES = 0
    NO = 1


@dataclass(frozen=True, slots=True)
class Order:
    """A limit order. Raises OrderInvalidError for what the contract's struct could not hold."""

    maker: str
    """Checksummed, whatever it was given as."""
    market_id: int
    epoch: int
    side: Side
    is_buy: bool
    price_e18: int
    """The most that a share may cost, or the least that it must bring."""
    size_units: int
    fee_bps_max: int
    """The most that may be charged, in basis points of the collateral that the order pays or is paid."""
    expiry: int
    """Unix seconds; not settled later."""
    nonce: int
    """Not settled once the maker's nonce floor is above it."""
    salt: int
    """Makes otherwise equal orders different."""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "maker", checksum_address(self.maker))
            object.__setattr__(self, "side", Side(self.side))
        except BadAddressError as error:
            raise OrderInvalidError(f"the order's maker {error.message}") from None
        except ValueError:
            raise OrderInvalidError(f"the order's side is {self.side!r}, neither YES nor NO") from None
        for name in _NUMBERS:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _UINT256_MAX:
                raise OrderInvalidError(f"the order's {name} is {value!r}, not a uint256")

    @property
    def book(self) -> tuple[int, int]:
        """The market and the epoch that it is for."""
        return self.market_id, self.epoch

    @property
    def position_id(self) -> int:
        """The ERC-6909 id of the shares that it is about."""
        return self.market_id << 64 | self.epoch << 8 | self.side

    def check(self) -> None:
        """Raises OrderInvalidError if no fill of it could ever be settled."""
        if not 0 < self.price_e18 < WAD or self.price_e18 % PRICE_TICK_E18:
            raise OrderInvalidError(
                f"the price {self.price_e18} is off the tick",
                hint=f"a multiple of {PRICE_TICK_E18} (0.001), above 0 and below {WAD} (1)",
            )
        if not self.size_units or self.size_units % SIZE_LOT_UNITS:
            raise OrderInvalidError(
                f"the size {self.size_units} is off the lot",
                hint=f"a multiple of {SIZE_LOT_UNITS} base units, above 0",
            )
        if not self.market_id or not self.epoch:
            raise OrderInvalidError(
                f"there is no epoch {self.epoch} of a market {self.market_id}", hint="both count from 1"
            )

    def as_struct(self) -> tuple[Any, ...]:
        """The contract's struct, as the ABI codec takes it."""
        return tuple(getattr(self, name) for name in _NAMES)

    def to_json(self) -> dict[str, Any]:
        """The wire form: numbers as decimal strings, the side as its name."""
        numbers = {name: str(getattr(self, name)) for name in _NUMBERS}
        whole = {"maker": self.maker, "side": self.side.name, "is_buy": self.is_buy, **numbers}
        return {name: whole[name] for name in _NAMES}

    @classmethod
    def from_json(cls, data: object) -> Order:
        """The reverse of `to_json`, from anything. Raises OrderInvalidError, which names the field."""
        try:
            return cls._from_fields(JsonFields(data))
        except FieldError as error:
            raise OrderInvalidError(f"not an order: {error}") from None

    @classmethod
    def _from_fields(cls, order: JsonFields) -> Order:
        unknown = sorted(set(order) - set(_NAMES))
        if unknown:
            raise FieldError(f"{unknown[0]} is no field of an order")
        side = order.text("side")
        if side not in Side.__members__:
            raise FieldError(f"side must be YES or NO, not {side!r}")
        numbers = {name: order.big_integer(name) for name in _NUMBERS}
        return cls(maker=order.address("maker"), side=Side[side], is_buy=order.boolean("is_buy"), **numbers)


_NAMES = tuple(field.name for field in fields(Order))
_NUMBERS = tuple(field.name for field in fields(Order) if field.type == "int")


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """An order and its maker's signature; empty if the order has been registered on chain."""

    order: Order
    signature: bytes = b""

    def as_struct(self) -> tuple[Any, ...]:
        """The contract's struct, as the ABI codec takes it."""
        return self.order.as_struct(), self.signature

    def to_json(self) -> dict[str, Any]:
        """The wire form: the order, and the signature as 0x and hexadecimal digits."""
        return {"order": self.order.to_json(), "signature": "0x" + self.signature.hex()}

    @classmethod
    def from_json(cls, data: object) -> SignedOrder:
        """The reverse of `to_json`, from anything. Raises OrderInvalidError, which names the field."""
        if not isinstance(data, Mapping) or set(data) != {"order", "signature"}:
            raise OrderInvalidError("a signed order is an object of an order and a signature")
        signature = data["signature"]
        if not isinstance(signature, str) or _HEX_BYTES.fullmatch(signature) is None:
            raise OrderInvalidError(
                f"not a signed order: signature must be 0x and hexadecimal, not {signature!r}"
            )
        return cls(Order.from_json(data["order"]), bytes.fromhex(signature[2:]))
