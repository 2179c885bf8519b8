"""A block's header, the accounts under its state root, and their storage: each from its proof, by py-trie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import rlp  # type: ignore[import-untyped]
from trie import HexaryTrie  # type: ignore[import-untyped]
from trie.exceptions import BadTrieProof  # type: ignore[import-untyped]

from chain_kit.units import keccak256
from indexer.reserve_proof.document import ProofError

__all__ = ["Account", "Header", "account_at", "header_of", "minimal", "storage_at"]

_STATE_ROOT, _NUMBER, _TIMESTAMP = 3, 8, 11
_LEAST_FIELDS = 15
_MOST = 1 << 37
"""Above any block's number, and any time before the year 6000."""
EMPTY_ROOT = keccak256(b"\x80")


class Header(NamedTuple):
    """What a header says that its hash covers."""

    hash: str
    number: int
    timestamp: int
    state_root: bytes


class Account(NamedTuple):
    """An account as it stands in the state."""

    storage_root: bytes
    code_hash: bytes


def header_of(encoded: bytes) -> Header:
    """A header out of its RLP. Raises ProofError, as all here do."""
    fields = _decoded(encoded, "the header")
    if (
        not isinstance(fields, list)
        or len(fields) < _LEAST_FIELDS
        or any(type(f) is not bytes for f in fields)
    ):
        raise ProofError("the header is not one")
    number, timestamp = (int.from_bytes(fields[place], "big") for place in (_NUMBER, _TIMESTAMP))
    if len(fields[_STATE_ROOT]) != len(EMPTY_ROOT) or max(number, timestamp) > _MOST:
        raise ProofError("the header is not one")
    return Header("0x" + keccak256(encoded).hex(), number, timestamp, fields[_STATE_ROOT])


def account_at(header: Header, address: str, proof: Sequence[bytes]) -> Account:
    """The account of an address in the state of a block."""
    found = _value(header.state_root, bytes.fromhex(address[2:]), proof, f"the account {address}")
    if not found:
        raise ProofError(f"there is no account {address} in block {header.number}")
    fields = _decoded(found, f"the account {address}")
    if not isinstance(fields, list) or len(fields) != 4:
        raise ProofError(f"the account {address} is not one")
    return Account(fields[2], fields[3])


def storage_at(account: Account, slot: bytes, proof: Sequence[bytes], what: str) -> int:
    """The value of a storage slot; 0 where there is none."""
    found = _value(account.storage_root, slot, proof, what)
    value = _decoded(found, what) if found else b""
    if type(value) is not bytes:
        raise ProofError(f"{what} is no number")
    return int.from_bytes(value, "big")


def minimal(root: bytes, key: bytes, proof: Sequence[bytes]) -> list[bytes]:
    """The nodes of a proof that it needs: some nodes also list those that stand in others."""
    needed = list(proof)
    for node in proof:
        fewer = [one for one in needed if one != node]
        if len(fewer) < len(needed) and _proves(root, key, fewer):
            needed = fewer
    return needed


def _value(root: bytes, key: bytes, proof: Sequence[bytes], what: str) -> bytes:
    nodes = [_decoded(node, what) for node in proof]
    try:
        found: bytes = HexaryTrie.get_from_proof(root, keccak256(key), nodes)
    except BadTrieProof:
        raise ProofError(f"the proof of {what} does not lead to it") from None
    except Exception as error:  # noqa: BLE001 - a made-up node can be anything, and so is what py-trie raises
        raise ProofError(f"the proof of {what} is malformed: {error!r}") from None
    if len(set(proof)) < len(proof) or minimal(root, key, proof) != list(proof):
        raise ProofError(f"the proof of {what} holds more than it needs")
    return found


def _proves(root: bytes, key: bytes, proof: Sequence[bytes]) -> bool:
    try:
        HexaryTrie.get_from_proof(root, keccak256(key), [rlp.decode(node) for node in proof])
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def _decoded(encoded: bytes, what: str) -> Any:
    try:
        return rlp.decode(encoded)
    except (rlp.DecodingError, RecursionError):
        raise ProofError(f"{what} holds what is not RLP") from None
