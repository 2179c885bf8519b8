"""A block's receipts: the bytes that its header's receipts root is made of, and the logs in them.

A receipt is the RLP of (status or state root, gas used so far, bloom, logs), after its type's byte unless it
is a legacy one (EIP-658, EIP-2718). Deposits of the OP stack (type 0x7e) have one more rule. Their receipts
name the sender's nonce since Regolith, but the root was computed without it until Canyon, since when it has
both the nonce and a version (OP stack specifications, "Deposited transactions"). A receipt that states its
version is of after Canyon, so the rule needs no fork's time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from indexer.blocks import Log
from indexer.proof.ordered_trie import ordered_root
from indexer.proof.rlp_encoding import encode_bytes, encode_list, encode_number

__all__ = ["DEPOSIT", "Receipt", "encode_receipt", "logs_of", "receipts_root"]

DEPOSIT = 0x7E
_LEGACY = 0

Receipt = Mapping[str, Any]
"""A receipt as `eth_getBlockReceipts` gives it."""


def receipts_root(receipts: Sequence[Receipt]) -> str:
    """0x and 64 digits, from all receipts of a block in order.

    Raises KeyError, TypeError or ValueError for what is no receipt.
    """
    return "0x" + ordered_root([encode_receipt(receipt) for receipt in receipts]).hex()


def encode_receipt(receipt: Receipt) -> bytes:
    """A receipt as it stands in the trie. Raises KeyError, TypeError or ValueError for what is none."""
    kind = int(receipt.get("type") or "0x0", 16)
    fields = [
        _outcome(receipt),
        encode_number(int(receipt["cumulativeGasUsed"], 16)),
        encode_bytes(_raw(receipt["logsBloom"])),
        encode_list([_log(log) for log in receipt["logs"]]),
    ]
    version = receipt.get("depositReceiptVersion")
    if kind == DEPOSIT and version is not None:
        fields.append(encode_number(int(receipt["depositNonce"], 16)))
        fields.append(encode_number(int(version, 16)))
    body = encode_list(fields)
    return body if kind == _LEGACY else bytes((kind,)) + body


def logs_of(receipts: Sequence[Receipt], number: int, digest: str) -> list[Log]:
    """All logs of the receipts of block `number`, in order, at the places that the receipts give them.

    A log's index is counted here and not read: the receipts' root does not cover what the node calls it, nor
    the name of its transaction (which is compared with what was stored).
    """
    logs: list[Log] = []
    for receipt in receipts:
        name = receipt["transactionHash"]
        for log in receipt["logs"]:
            topics, address = tuple(log["topics"]), log["address"].lower()
            logs.append(Log(number, digest, len(logs), name, address, topics, log["data"]))
    return logs


def _outcome(receipt: Receipt) -> bytes:
    """Whether it succeeded; before Byzantium the state's root after it."""
    root = receipt.get("root")
    if root is not None and receipt.get("status") is None:
        return encode_bytes(_raw(root))
    return b"\x01" if int(receipt["status"], 16) else b"\x80"


def _log(log: Mapping[str, Any]) -> bytes:
    topics = encode_list([encode_bytes(_raw(topic)) for topic in log["topics"]])
    return encode_list((encode_bytes(_raw(log["address"])), topics, encode_bytes(_raw(log["data"]))))


def _raw(digits: str) -> bytes:
    if not digits.startswith("0x"):
        raise ValueError(f"{digits[:20]!r} is not hexadecimal data of JSON-RPC")
    return bytes.fromhex(digits[2:])
