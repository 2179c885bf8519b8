"""Blocks as nodes make them: receipts in a trie, a bloom of their logs, a header that hashes to its name.

Written from the execution specifications and by no means of the index, which is tested against it. What a
test cannot tell apart (state roots, gas, miners) is made up, but always the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from rlp.codec import encode_raw  # type: ignore[import-untyped]

from chain_kit.units import keccak256

__all__ = ["EMPTY_ROOT", "FORKS", "Raw", "Sealed", "Transaction", "seal", "transactions_of", "trie_root"]

FORKS = {"berlin": 0, "london": 1, "shanghai": 2, "cancun": 5, "prague": 6}
"""How many fields each fork's headers have beyond the first fifteen."""

EMPTY_ROOT = "0x" + keccak256(b"\x80").hex()
_NO_UNCLES = "0x" + keccak256(b"\xc0").hex()
_NO_REQUESTS = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_ZERO = "0x" + "00" * 32
_NO_BLOOM = "0x" + "00" * 256
_MINER = "0x" + "c0" * 20
_DEPOSIT = 0x7E
_GAS = 21_000


@dataclass(frozen=True)
class Raw:
    """A log before it is in a block."""

    address: str
    topics: tuple[str, ...]
    data: str


class Transaction(NamedTuple):
    """One transaction's receipt, as far as it is not the same for all."""

    type: int
    status: int
    logs: tuple[Raw, ...]
    nonce: int = 0
    """Of a deposit."""


class Sealed(NamedTuple):
    """A block and its receipts."""

    header: dict[str, Any]
    """As JSON-RPC gives it."""
    transactions: tuple[Transaction, ...]

    @property
    def hash(self) -> str:
        """0x and 64 digits."""
        digest: str = self.header["hash"]
        return digest

    def receipts(self) -> list[dict[str, Any]]:
        """What `eth_getBlockReceipts` answers."""
        found, log_index = [], 0
        for number, transaction in enumerate(self.transactions):
            found.append(_receipt_json(self.header, number, transaction, log_index))
            log_index += len(transaction.logs)
        return found


def transactions_of(events: Sequence[Raw], number: int, *, deposits: bool = False) -> tuple[Transaction, ...]:
    """Shares events out over transactions of one to three logs; here and there one failed."""
    made = [Transaction(_DEPOSIT, 1, (), number)] if deposits else []
    position = 0
    while position < len(events):
        size = 1 + (number + len(made)) % 3
        made.append(Transaction(len(made) % 3, 1, tuple(events[position : position + size])))
        position += size
    if events and number % 5 == 0:
        made.insert(len(made) // 2 + deposits, Transaction(2, 0, ()))
    return tuple(made)


def seal(
    number: int, parent_hash: str, timestamp: int, transactions: tuple[Transaction, ...], *,
    salt: int = 0, fork: str = "prague",
) -> Sealed:  # fmt: skip
    """The block. `salt` makes another one of the same contents."""
    receipts, bloom = [], 0
    for position, one in enumerate(transactions):
        encoded, bits = _receipt(one, _GAS * (position + 1))
        receipts.append(encoded)
        bloom |= bits
    seed = f"{parent_hash}/{salt}".encode()
    hashes = ["0x" + keccak256(seed + position.to_bytes(4, "big")).hex() for position in range(len(receipts))]
    header: dict[str, Any] = {
        "parentHash": parent_hash,
        "sha3Uncles": _NO_UNCLES,
        "miner": _MINER,
        "stateRoot": "0x" + keccak256(seed).hex(),
        "transactionsRoot": "0x" + keccak256("".join(hashes).encode()).hex() if hashes else EMPTY_ROOT,
        "receiptsRoot": trie_root(receipts),
        "logsBloom": f"0x{bloom:0512x}" if bloom else _NO_BLOOM,
        "difficulty": "0x0",
        "number": hex(number),
        "gasLimit": "0x1c9c380",
        "gasUsed": hex(_GAS * len(receipts)),
        "timestamp": hex(timestamp),
        "extraData": "0x",
        "mixHash": _ZERO,
        "nonce": "0x0000000000000000",
    }
    added = {
        "baseFeePerGas": "0x3b9aca00", "withdrawalsRoot": EMPTY_ROOT, "blobGasUsed": "0x0",
        "excessBlobGas": "0x0", "parentBeaconBlockRoot": _ZERO, "requestsHash": _NO_REQUESTS,
    }  # fmt: skip
    header |= dict(list(added.items())[: FORKS[fork]])
    digest = "0x" + keccak256(encode_raw([_bytes(value) for value in header.values()])).hex()
    header |= {"hash": digest, "size": "0x400", "uncles": [], "transactions": hashes}
    return Sealed(header, transactions)


def _bytes(value: str) -> bytes:
    """Quantities have no leading zeros, and what is data has all of its digits, so that the text tells."""
    digits = value[2:]
    if digits == "0":
        return b""
    return bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


@lru_cache(1 << 16)
def _bits(value: str) -> int:
    digest = keccak256(bytes.fromhex(value[2:]))
    places = (int.from_bytes(digest[offset : offset + 2], "big") % 2048 for offset in (0, 2, 4))
    return sum({1 << place for place in places})


def _receipt(one: Transaction, gas: int) -> tuple[bytes, int]:
    """The receipt as it is in the trie, and the bits of its bloom."""
    bloom, logs = 0, []
    for log in one.logs:
        for value in (log.address, *log.topics):
            bloom |= _bits(value)
        logs.append([bytes.fromhex(log.address[2:]), [bytes.fromhex(topic[2:]) for topic in log.topics],
                     bytes.fromhex(log.data[2:])])  # fmt: skip
    fields: list[Any] = [_number(one.status), _number(gas), bloom.to_bytes(256, "big"), logs]
    if one.type == _DEPOSIT:
        fields += [_number(one.nonce), b"\x01"]
    encoded: bytes = encode_raw(fields)
    return (bytes([one.type]) if one.type else b"") + encoded, bloom


def _receipt_json(header: dict[str, Any], number: int, one: Transaction, first_log: int) -> dict[str, Any]:
    bloom = 0
    for log in one.logs:
        for value in (log.address, *log.topics):
            bloom |= _bits(value)
    place = {
        "transactionHash": header["transactions"][number],
        "transactionIndex": hex(number),
        "blockHash": header["hash"],
        "blockNumber": header["number"],
    }
    logs = [
        {"address": log.address, "topics": list(log.topics), "data": log.data,
         "logIndex": hex(first_log + position), "removed": False} | place
        for position, log in enumerate(one.logs)
    ]  # fmt: skip
    deposit = {"depositNonce": hex(one.nonce), "depositReceiptVersion": "0x1"}
    return place | {
        "type": hex(one.type),
        "status": hex(one.status),
        "cumulativeGasUsed": hex(_GAS * (number + 1)),
        "gasUsed": hex(_GAS),
        "effectiveGasPrice": "0x3b9aca00",
        "from": _MINER,
        "to": _MINER,
        "contractAddress": None,
        "logsBloom": f"0x{bloom:0512x}",
        "logs": logs,
    } | (deposit if one.type == _DEPOSIT else {})  # fmt: skip


def trie_root(values: Sequence[bytes]) -> str:
    """The root of the Merkle-Patricia trie of values under the RLP of their numbers."""
    if not values:
        return EMPTY_ROOT
    keys = [tuple(n for byte in encode_raw(_number(i)) for n in (byte >> 4, byte & 15))
            for i in range(len(values))]  # fmt: skip
    root = _node(list(zip(keys, values, strict=True)), 0)
    return "0x" + keccak256(encode_raw(root)).hex()


_Pairs = list[tuple[tuple[int, ...], bytes]]


def _node(pairs: _Pairs, depth: int) -> list[Any]:
    """The node of pairs that have the same first `depth` nibbles."""
    first = pairs[0][0]
    if len(pairs) == 1:
        return [_compact(first[depth:], leaf=True), pairs[0][1]]
    end = depth
    while all(len(key) > end and key[end] == first[end] for key, _ in pairs):
        end += 1
    if end > depth:
        return [_compact(first[depth:end], leaf=False), _child(pairs, end)]
    branch: list[Any] = [b""] * 17
    for nibble in range(16):
        below = [pair for pair in pairs if pair[0][depth] == nibble]
        if below:
            branch[nibble] = _child(below, depth + 1)
    return branch


def _child(pairs: _Pairs, depth: int) -> Any:
    node = _node(pairs, depth)
    encoded = encode_raw(node)
    return node if len(encoded) < 32 else keccak256(encoded)


def _compact(nibbles: Sequence[int], *, leaf: bool) -> bytes:
    flag = 2 * leaf
    odd = len(nibbles) % 2
    whole = [flag + odd, *nibbles] if odd else [flag, 0, *nibbles]
    return bytes(high << 4 | low for high, low in zip(whole[::2], whole[1::2], strict=True))
