"""EIP-712 of orders: the digest that a maker signs, its signature, and whose a signature is.

The digest is worked out here rather than by a library of typed data: an order book hashes every order that it
sees. A test holds the two, and the contract, against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from chain_kit.clob.orders import ORDER_FIELDS, Order, SignedOrder
from chain_kit.oracle import TypedDataSigner
from chain_kit.typed_data import typed_data
from chain_kit.units import checksum_address, keccak256

__all__ = ["HUB_NAME", "RACE_NAME", "OrderDomain"]

HUB_NAME = "chain-kit EpochHub"
RACE_NAME = "chain-kit RaceMarket"

_DOMAIN_TYPEHASH = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_ORDER_TYPEHASH = keccak256(f"Order({','.join(f'{kind} {name}' for name, kind in ORDER_FIELDS)})".encode())
_VERSION_HASH = keccak256(b"1")
_HALF = 2**255


def _word(value: int) -> bytes:
    return int(value).to_bytes(32, "big")


def _address_word(address: str) -> bytes:
    return bytes.fromhex(address[2:]).rjust(32, b"\0")


@dataclass(frozen=True)
class OrderDomain:
    """Where orders are settled: a contract on a chain. `name` is the contract's: HUB_NAME or RACE_NAME."""

    chain_id: int
    contract: str
    name: str = HUB_NAME

    def __post_init__(self) -> None:
        object.__setattr__(self, "contract", checksum_address(self.contract))

    @cached_property
    def separator(self) -> bytes:
        """The 32 bytes that stand for the domain in every digest."""
        name = keccak256(self.name.encode())
        words = (name, _VERSION_HASH, _word(self.chain_id), _address_word(self.contract))
        return keccak256(_DOMAIN_TYPEHASH + b"".join(words))

    def digest(self, order: Order) -> bytes:
        """The 32 bytes that are signed: the contract's `hashOrder`, by which it knows the order."""
        return keccak256(b"\x19\x01" + self.separator + _struct_hash(order))

    def typed_data(self, order: Order) -> dict[str, Any]:
        """The whole message, as wallets and eth_account take it."""
        values = zip(ORDER_FIELDS, order.as_struct(), strict=True)
        message = {name: value for (name, _), value in values} | {"side": int(order.side)}
        return typed_data(self.name, self.chain_id, self.contract, {"Order": ORDER_FIELDS}, message)

    def sign(self, order: Order, signer: TypedDataSigner) -> SignedOrder:
        """The order with the signature of `signer`, who should be its maker."""
        return SignedOrder(order, signer.sign_typed_data(self.typed_data(order)))

    def signer_of(self, signed: SignedOrder) -> str | None:
        """The account whose key made the signature, checksummed; None if no key did.

        Takes 65 bytes (r, s, v) and the 64 of EIP-2098, as the contracts do. A contract's own signature
        (ERC-1271) only the chain can judge.
        """
        signature = _expanded(signed.signature)
        if signature is None or signature[64] not in (27, 28):
            return None
        message = SignableMessage(b"\x01", self.separator, _struct_hash(signed.order))
        try:
            return checksum_address(Account.recover_message(message, signature=signature))
        except (BadSignature, ValidationError):
            return None


def _struct_hash(order: Order) -> bytes:
    maker, *numbers = order.as_struct()
    return keccak256(_ORDER_TYPEHASH + _address_word(maker) + b"".join(map(_word, numbers)))


def _expanded(signature: bytes) -> bytes | None:
    """Both forms of a signature as r, s and v."""
    if len(signature) == 65:
        return signature
    if len(signature) != 64:
        return None
    packed = int.from_bytes(signature[32:], "big")
    odd, s = packed >> 255, packed % _HALF
    return signature[:32] + s.to_bytes(32, "big") + bytes([27 + odd])
