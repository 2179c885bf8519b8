"""The hash of a block's header, recomputed from what the node says of the block.

The fields and their order are those of the Ethereum execution specifications; each fork appended some.
A chain whose headers have others (a fork to come) hashes to something else, and is not believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chain_kit.units import keccak256
from indexer.proof.rlp_encoding import encode_bytes, encode_list, encode_number

__all__ = ["header_hash", "header_rlp"]

_BYTES, _NUMBER = "bytes", "number"
_FIELDS = (
    ("parentHash", _BYTES), ("sha3Uncles", _BYTES), ("miner", _BYTES), ("stateRoot", _BYTES),
    ("transactionsRoot", _BYTES), ("receiptsRoot", _BYTES), ("logsBloom", _BYTES), ("difficulty", _NUMBER),
    ("number", _NUMBER), ("gasLimit", _NUMBER), ("gasUsed", _NUMBER), ("timestamp", _NUMBER),
    ("extraData", _BYTES), ("mixHash", _BYTES), ("nonce", _BYTES),
)  # fmt: skip
_ADDED = (
    ("baseFeePerGas", _NUMBER), ("withdrawalsRoot", _BYTES), ("blobGasUsed", _NUMBER),
    ("excessBlobGas", _NUMBER), ("parentBeaconBlockRoot", _BYTES), ("requestsHash", _BYTES),
)  # fmt: skip
"""London; Shanghai; Cancun (three); Prague."""


def header_rlp(block: Mapping[str, Any]) -> bytes:
    """A header in RLP, from the block as JSON-RPC gives it. Raises KeyError, TypeError or ValueError."""
    fields = [_field(block[name], kind) for name, kind in _FIELDS]
    for name, kind in _ADDED:
        value = block.get(name)
        if value is None:
            break
        fields.append(_field(value, kind))
    return encode_list(fields)


def header_hash(block: Mapping[str, Any]) -> str:
    """0x and 64 digits. Raises KeyError, TypeError or ValueError for what is no block."""
    return "0x" + keccak256(header_rlp(block)).hex()


def _field(value: str, kind: str) -> bytes:
    return encode_bytes(bytes.fromhex(value[2:])) if kind == _BYTES else encode_number(int(value, 16))
