"""RLP and tries, against the libraries that everybody else uses."""

from __future__ import annotations

import pytest
import rlp  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie  # type: ignore[import-untyped]

from indexer.proof.ordered_trie import EMPTY_ROOT, ordered_root, trie_root
from indexer.proof.rlp_encoding import encode_bytes, encode_list, encode_number

NESTED = st.recursive(st.binary(max_size=300), lambda inner: st.lists(inner, max_size=6), max_leaves=30)


def encode(value: bytes | list[object]) -> bytes:
    """Nested lists of bytes, by our encoding."""
    return encode_bytes(value) if isinstance(value, bytes) else encode_list(map(encode, value))  # type: ignore[arg-type]


def by_library(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """The root that py-trie computes."""
    trie = HexaryTrie({})
    for key, value in pairs:
        trie[key] = value
    return bytes(trie.root_hash)


@given(NESTED)
def test_lists_and_strings_are_encoded_as_rlp_does(value: bytes | list[object]) -> None:
    """Any nesting gives the bytes of the library."""
    assert encode(value) == rlp.encode(value)


@pytest.mark.parametrize("size", [0, 1, 55, 56, 255, 256, 65_535, 65_536])
def test_strings_at_the_borders_of_a_length(size: int) -> None:
    """Where the prefix changes, it changes as in the library."""
    assert encode_bytes(b"\x80" * size) == rlp.encode(b"\x80" * size)
    assert encode_list([b"\x01"] * size) == rlp.encode([1] * size)


@given(st.integers(min_value=0, max_value=2**256))
def test_numbers_are_encoded_as_rlp_does(value: int) -> None:
    """Big-endian without leading zeros; nothing for zero."""
    assert encode_number(value) == rlp.encode(value)


@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 127, 128, 129, 255, 256, 257, 300, 1000])
def test_an_ordered_root_is_that_of_the_library(count: int) -> None:
    """Also where the keys become a byte longer, at 128 and 256."""
    values = [bytes((place % 251,)) * (1 + place % 70) for place in range(1, count + 1)]
    pairs = [(rlp.encode(place), value) for place, value in enumerate(values)]
    assert ordered_root(values) == by_library(pairs)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=40))
def test_short_and_long_values_are_placed_as_the_library_does(values: list[bytes]) -> None:
    """Short nodes stand in their parents, long ones are named by their hashes."""
    pairs = [(rlp.encode(place), value) for place, value in enumerate(values)]
    assert ordered_root(values) == by_library(pairs)


@given(st.dictionaries(st.binary(max_size=4), st.binary(min_size=1, max_size=40), max_size=40))
def test_any_trie_is_that_of_the_library(items: dict[bytes, bytes]) -> None:
    """Keys of any length, keys that begin other keys, and the empty key."""
    assert trie_root(list(items.items())) == by_library(list(items.items()))


def test_the_empty_root_is_ethereums() -> None:
    """As the header of every empty block has it."""
    assert EMPTY_ROOT.hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    assert ordered_root([]) == EMPTY_ROOT
