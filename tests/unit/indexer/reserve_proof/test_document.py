"""A proof's file: one way to write it, and no other is read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import rlp  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie  # type: ignore[import-untyped]

from chain_kit import toolchain
from chain_kit.units import keccak256
from indexer.reserve_proof.document import Fields, ProofError, dump, load, read_file
from indexer.reserve_proof.evidence import require_hash
from indexer.reserve_proof.reserves import FORMAT, verify_reserves
from indexer.reserve_proof.shares import verify_share
from indexer.reserve_proof.tries import EMPTY_ROOT, Account, Header, header_of, minimal, storage_at

KIND = "a kind"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def fields(**values: object) -> Fields:
    """An object of just these."""
    return Fields(values, list(values), "it")


def test_what_was_written_is_read() -> None:
    """With the same fields, in the same order."""
    body = dump({"format": KIND, "number": "7"})
    assert load(body, ["format", "number"], KIND).number("number") == 7


@pytest.mark.parametrize(
    "other",
    [
        lambda body: body.replace(b'"7"', b'"8"'),
        lambda body: body.replace(b"  ", b" "),
        lambda body: body + b"\n",
        lambda body: body[:-1],
        lambda body: body.replace(b'"number": "7"', b'"number": "8",\n  "number": "7"'),
        lambda body: body.replace(b"number", b"num\\u0062er"),
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b'"digest"', b'"digesf"'),
    ],
)
def test_no_other_bytes_are_read(other: Callable[[bytes], bytes]) -> None:
    """Not even those that JSON takes for the same."""
    body = dump({"format": KIND, "number": "7"})
    assert other(body) != body
    with pytest.raises(ProofError):
        load(other(body), ["format", "number"], KIND)


@pytest.mark.parametrize("value", [b"", b"[]", b"null", b"{}", b'{"format": "other"}', b"\xff", b"[" * 2000])
def test_what_is_no_document_is_refused(value: bytes) -> None:
    """With a sentence."""
    for verify in (verify_reserves, lambda body: verify_share(body, "0x" + "0" * 40)):
        with pytest.raises(ProofError):
            verify(value)


def _fits(value: object) -> bool:
    """Whether it can be written as JSON: some numbers and texts cannot."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


@given(JSON.filter(_fits))
def test_any_other_document_is_refused(value: object) -> None:
    """Whatever its parts are, nothing but ProofError is raised."""
    parts = value if isinstance(value, dict) else {"block": value, "reserves": value, "accounts": value}
    with pytest.raises(ProofError):
        verify_reserves(orjson.dumps({"format": FORMAT, **parts}))


@given(JSON.filter(_fits))
def test_any_parts_under_a_good_digest_are_refused(value: object) -> None:
    """The digest is anybody's to compute."""
    document = {"format": FORMAT, "chain_id": "1", "block": value, "reserves": value, "accounts": value}
    with pytest.raises(ProofError):
        verify_reserves(dump(document))


NO_NUMBERS = ["", "01", "-1", "+1", "1.0", "1e3", " 1", "\u0661", "9" * 79, str(2**256), 7, None]


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_a_number_has_one_form(value: object) -> None:
    """Decimal text without leading zeros, below 2^256."""
    with pytest.raises(ProofError, match=r"it\.number"):
        fields(number=value).number("number")


@pytest.mark.parametrize("value", ["", "0x0", "ab", "0xAB", "0xzz", "0x ab", "0Xab", 7, None, []])
def test_bytes_have_one_form(value: object) -> None:
    """0x and lower-case digits, two a byte."""
    with pytest.raises(ProofError, match=r"it\.data"):
        fields(data=value).data("data")


def test_a_size_is_kept() -> None:
    """Neither more nor less."""
    assert fields(data="0x" + "11" * 32).data("data", 32) == b"\x11" * 32
    for size in (31, 33):
        with pytest.raises(ProofError, match="32 bytes"):
            fields(data="0x" + "11" * size).data("data", 32)


@pytest.mark.parametrize("value", ["0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5a", 5, "0x" + "AB" * 20])
def test_an_address_has_its_checksum(value: object) -> None:
    """One form of it is right."""
    with pytest.raises(ProofError):
        fields(address=value).address("address")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, or a folder."""
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ProofError):
            read_file(path)


def test_a_file_that_is_far_too_large(tmp_path: Path) -> None:
    """It is not even read."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(ProofError, match="too large"):
        read_file(path)


def _trie(items: dict[bytes, int]) -> HexaryTrie:
    """A storage trie of these numbers."""
    trie = HexaryTrie({})
    for key, value in items.items():
        trie[keccak256(key)] = rlp.encode(value)
    return trie


KEYS = st.binary(min_size=1, max_size=3)


@given(st.dictionaries(KEYS, st.integers(1, 2**256 - 1), min_size=1, max_size=40), KEYS)
def test_a_slot_is_proven_whether_it_is_there_or_not(values: dict[bytes, int], key: bytes) -> None:
    """Its number; 0 where the trie has none. One node less proves nothing, one more is too many."""
    trie = _trie(values)
    proof = [rlp.encode(node) for node in trie.get_proof(keccak256(key))]
    account = Account(trie.root_hash, b"")
    needed = minimal(trie.root_hash, key, list(dict.fromkeys(proof)))
    assert storage_at(account, key, needed, "it") == values.get(key, 0)
    with pytest.raises(ProofError):
        storage_at(account, key, needed[1:], "it")
    with pytest.raises(ProofError):
        storage_at(account, key, [*needed, rlp.encode([b"\x20", b"x"])], "it")


def test_an_empty_storage_needs_no_proof() -> None:
    """Every slot of it is 0."""
    assert storage_at(Account(EMPTY_ROOT, b""), b"\0" * 32, [], "it") == 0
    with pytest.raises(ProofError):
        storage_at(Account(EMPTY_ROOT, b""), b"\0" * 32, [b"\x80"], "it")


NO_FIELDS = ([b""] * 14, [b""] * 15, [b"\1" * 32] * 16, [[b"x"]] * 16)
NO_HEADERS = [b"", b"\x80", b"\xf9", *map(rlp.encode, NO_FIELDS)]


@pytest.mark.parametrize("encoded", NO_HEADERS)
def test_what_is_no_header_is_refused(encoded: bytes) -> None:
    """Too short, of other fields, or no RLP."""
    with pytest.raises(ProofError):
        header_of(encoded)


def test_a_hash_is_compared_in_any_case() -> None:
    """Letters of a hash are digits."""
    header = Header("0xab", 1, 1, b"")
    require_hash(header, None)
    require_hash(header, "0xAB")
    with pytest.raises(ProofError, match="and not of 0xac"):
        require_hash(header, "0xac")


def test_checking_needs_nothing_of_the_index() -> None:
    """No database, no network, and of our own only the units and the Merkle tree."""
    code = (
        "import sys, indexer.reserve_proof.reserves, indexer.reserve_proof.shares\n"
        "print(*[name for name in sys.modules if name.split('.')[0] in"
        " {'indexer', 'sqlalchemy', 'sqlmodel', 'httpx', 'aiosqlite', 'asyncpg', 'websockets', 'web3'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=toolchain.root()
    )
    names = set(done.stdout.split())
    assert {name for name in names if not name.startswith("indexer.reserve_proof")} == {"indexer"}
    assert "indexer.reserve_proof.fetching" not in names
