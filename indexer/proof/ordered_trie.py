"""The root of the Merkle-Patricia trie that a block keeps an ordered list in: its receipts.

The key of an item is the RLP of its place in the list, the value the item as it is (Ethereum Yellow Paper,
4.4.2 and appendix D). A list is known whole, so its trie is made from the root down, without a database.
"""

from __future__ import annotations

from collections.abc import Sequence

from chain_kit.units import keccak256
from indexer.proof.rlp_encoding import encode_bytes, encode_list, encode_number

__all__ = ["EMPTY_ROOT", "ordered_root", "trie_root"]

_HASH_BYTES = 32
_EMPTY = b"\x80"
EMPTY_ROOT = keccak256(_EMPTY)
"""Of a list of nothing."""

_Item = tuple[str, bytes]
"""A key as hexadecimal digits, and its value."""


def ordered_root(values: Sequence[bytes]) -> bytes:
    """The 32 bytes of the root of a list's trie."""
    return trie_root([(encode_number(place), value) for place, value in enumerate(values)])


def trie_root(items: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The root of the trie of any keys and values; no key twice, no value empty."""
    pairs = sorted((key.hex(), value) for key, value in items)
    return keccak256(_node(pairs, 0)) if pairs else EMPTY_ROOT


def _node(items: list[_Item], depth: int) -> bytes:
    """The node, in RLP, of items in order of their keys, which have `depth` digits in common."""
    first = items[0][0]
    if len(items) == 1:
        return encode_list((encode_bytes(_path(first[depth:], leaf=True)), encode_bytes(items[0][1])))
    last = items[-1][0]
    end = depth
    while end < len(first) and first[end] == last[end]:
        end += 1
    if end == depth:
        return _branch(items, depth)
    return encode_list((encode_bytes(_path(first[depth:end], leaf=False)), _reference(_branch(items, end))))


def _branch(items: list[_Item], depth: int) -> bytes:
    children = [_EMPTY] * 17
    start = 0
    if len(items[0][0]) == depth:
        children[16] = encode_bytes(items[0][1])
        start = 1
    while start < len(items):
        digit = items[start][0][depth]
        end = start + 1
        while end < len(items) and items[end][0][depth] == digit:
            end += 1
        children[int(digit, 16)] = _reference(_node(items[start:end], depth + 1))
        start = end
    return encode_list(children)


def _reference(node: bytes) -> bytes:
    """How a parent names a node: by its hash, or a short one by itself."""
    return node if len(node) < _HASH_BYTES else encode_bytes(keccak256(node))


def _path(digits: str, *, leaf: bool) -> bytes:
    """Digits as bytes, with a flag of whether they end the key and are odd in number."""
    flag = 2 if leaf else 0
    return bytes.fromhex(f"{flag + 1:x}{digits}" if len(digits) % 2 else f"{flag:x}0{digits}")
