"""Price reports: EIP-712 typed data, signed by a quorum, encoded as the signed-report adapter reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chain_kit.abi_codec import CODEC
from chain_kit.errors import UsageError
from chain_kit.typed_data import typed_data

__all__ = [
    "BoundaryPrice",
    "TypedDataSigner",
    "decode_report",
    "encode_report",
    "feed_id",
    "feed_name",
    "report_typed_data",
    "sign_report",
]

_REPORT_TYPES = ("uint256", "(bytes32,uint256,uint256)[]", "bytes")
_TYPES = {
    "PriceReport": (("chainId", "uint256"), ("prices", "BoundaryPrice[]")),
    "BoundaryPrice": (("feed", "bytes32"), ("boundary", "uint256"), ("price", "uint256")),
}


class TypedDataSigner(Protocol):
    """What can put its name under a report; `chain_kit.signers.Signer` for one."""

    @property
    def address(self) -> str:
        """Checksummed."""

    def sign_typed_data(self, message: dict[str, Any]) -> bytes:
        """65 bytes, r, s and v, over an EIP-712 message with its types and domain."""


@dataclass(frozen=True)
class BoundaryPrice:
    """One price (1e18 fixed point) of a feed ("BTC/USD") at a boundary (UNIX seconds, a multiple of 300)."""

    feed: str
    boundary: int
    price_e18: int


def feed_id(name: str) -> bytes:
    """The bytes32 of a feed: its ASCII name, padded with zeros on the right."""
    if not name or len(name) > 32 or not name.isascii() or not name.isprintable():
        raise UsageError(f"{name!r} is not a feed's name", hint="1 to 32 ASCII characters, such as BTC/USD")
    return name.encode("ascii").ljust(32, b"\0")


def feed_name(feed: bytes) -> str:
    """The name that a feed's bytes32 holds; 0x and hex if it holds none."""
    try:
        name = feed.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError:
        name = ""
    return name if name.isprintable() and name else "0x" + feed.hex()


def report_typed_data(chain_id: int, adapter: str, prices: Sequence[BoundaryPrice]) -> dict[str, Any]:
    """The EIP-712 message that the quorum of `adapter` signs for `prices`, in this order."""
    rows = [{"feed": feed_id(p.feed), "boundary": p.boundary, "price": p.price_e18} for p in prices]
    message = {"chainId": chain_id, "prices": rows}
    return typed_data("chain-kit SignedReportAdapter", chain_id, adapter, _TYPES, message)


def encode_report(chain_id: int, prices: Sequence[BoundaryPrice], signatures: bytes) -> bytes:
    """The report's bytes, for `BoundaryOracle.post`."""
    rows = [(feed_id(p.feed), p.boundary, p.price_e18) for p in prices]
    return CODEC.encode(_REPORT_TYPES, (chain_id, rows, signatures))


def decode_report(report: bytes) -> list[BoundaryPrice]:
    """The prices in a report's bytes. Raises eth_abi's DecodingError for what is none."""
    _, rows, _ = CODEC.decode(_REPORT_TYPES, report)
    return [BoundaryPrice(feed_name(feed), boundary, price_e18) for feed, boundary, price_e18 in rows]


def sign_report(
    chain_id: int, adapter: str, prices: Sequence[BoundaryPrice], signers: Sequence[TypedDataSigner]
) -> bytes:
    """The report of `prices` with the signatures of all `signers`, in the order that the adapter wants."""
    message = report_typed_data(chain_id, adapter, prices)
    ascending = sorted(signers, key=lambda signer: int(signer.address, 16))
    signatures = b"".join(signer.sign_typed_data(message) for signer in ascending)
    return encode_report(chain_id, prices, signatures)
