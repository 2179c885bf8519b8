"""Receipts by hand, against the rules of the specifications."""

from __future__ import annotations

from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.units import keccak256
from indexer.blocks import Log
from indexer.proof.receipts import encode_receipt, logs_of, receipts_root

BLOOM = bytes(range(256))
ADDRESS, TOPIC = b"\xaa" * 20, b"\xbb" * 32
LOG = {"address": "0x" + ADDRESS.hex(), "topics": ["0x" + TOPIC.hex()], "data": "0x0102"}
RAW_LOG = [ADDRESS, [TOPIC], b"\x01\x02"]


def receipt(**fields: Any) -> dict[str, Any]:
    """A receipt with one log, as a node gives it."""
    plain = {
        "status": "0x1",
        "cumulativeGasUsed": "0x5208",
        "logsBloom": "0x" + BLOOM.hex(),
        "logs": [LOG],
        "transactionHash": "0x" + "77" * 32,
    }
    return {name: value for name, value in (plain | fields).items() if value != "absent"}


def body(outcome: bytes = b"\x01", *more: int) -> bytes:
    """What its bytes must be, by the library."""
    return bytes(rlp.encode([outcome, 0x5208, BLOOM, [RAW_LOG], *more]))


@pytest.mark.parametrize("kind", ["absent", "0x0", None])
def test_a_legacy_receipt_has_no_type_byte(kind: str | None) -> None:
    """Whether the node says type 0 or nothing."""
    assert encode_receipt(receipt(type=kind)) == body()


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 0x7E])
def test_a_typed_receipt_begins_with_its_type(kind: int) -> None:
    """Access lists, dynamic fees, blobs, set code; and a deposit of before Regolith."""
    assert encode_receipt(receipt(type=hex(kind))) == bytes((kind,)) + body()


def test_a_failed_transaction_has_an_empty_status() -> None:
    """RLP's zero is the empty string."""
    assert encode_receipt(receipt(status="0x0")) == body(b"")


def test_before_byzantium_a_receipt_names_the_state() -> None:
    """The root stands where the status came later."""
    assert encode_receipt(receipt(status="absent", root="0x" + "cd" * 32)) == body(b"\xcd" * 32)


def test_a_status_is_taken_before_an_empty_root() -> None:
    """Some nodes send both names."""
    assert encode_receipt(receipt(root="0x")) == body()


@pytest.mark.parametrize("version", ["absent", None])
def test_a_regolith_deposits_nonce_is_not_in_the_root(version: str | None) -> None:
    """The receipt states it, its bytes do not."""
    given_by_node = receipt(type="0x7e", depositNonce="0x3", depositReceiptVersion=version)
    assert encode_receipt(given_by_node) == b"\x7e" + body()


@pytest.mark.parametrize("nonce", [0, 3, 0x7F, 0x80, 2**40])
def test_a_canyon_deposit_has_nonce_and_version_in_the_root(nonce: int) -> None:
    """Both follow the logs."""
    given_by_node = receipt(type="0x7E", depositNonce=hex(nonce), depositReceiptVersion="0x1")
    assert encode_receipt(given_by_node) == b"\x7e" + body(b"\x01", nonce, 1)


def test_only_deposits_have_the_further_fields() -> None:
    """A node may name them with null or a number at others."""
    assert (
        encode_receipt(receipt(type="0x2", depositNonce="0x3", depositReceiptVersion="0x1"))
        == b"\x02" + body()
    )


@pytest.mark.parametrize(
    "broken",
    [{"status": "absent"}, {"logs": "absent"}, {"logs": None}, {"logsBloom": "absent"}, {"logsBloom": "ff"},
     {"cumulativeGasUsed": "many"}, {"logs": [{}]}, {"type": "0x7e", "depositReceiptVersion": "0x1"}],
)  # fmt: skip
def test_what_is_no_receipt_is_refused(broken: dict[str, Any]) -> None:
    """As the errors that the caller expects."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        receipts_root([receipt(**broken)])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=6), st.data())
def test_every_change_of_what_is_logged_changes_the_root(
    shape: list[tuple[bool, int]], data: st.DataObject
) -> None:
    """A log left out, twice, in another order, or with another topic, address or data."""
    logs = [
        {"address": "0x" + bytes([n]).hex() * 20, "topics": [], "data": f"0x{n:02x}"} for n in range(1, 4)
    ]
    good = [receipt(logs=logs), *(receipt(status=hex(int(ok)), logs=logs[:n]) for ok, n in shape)]
    root = receipts_root(good)
    place = data.draw(st.integers(0, 2))
    altered = dict(logs[place]) | data.draw(
        st.sampled_from([{"data": "0x"}, {"topics": ["0x" + "00" * 32]}, {"address": "0x" + "99" * 20}])
    )
    for wrong in (
        logs[:place] + logs[place + 1 :],
        [*logs[: place + 1], *logs[place:]],
        logs[::-1],
        [*logs[:place], altered, *logs[place + 1 :]],
    ):
        assert receipts_root([receipt(logs=wrong), *good[1:]]) != root
    assert receipts_root(good[:-1]) != root


def test_logs_are_counted_over_the_whole_block() -> None:
    """Each has its transaction's hash, and an address in lower case."""
    upper = LOG | {"address": LOG["address"].upper().replace("0X", "0x")}  # type: ignore[attr-defined]
    found = logs_of(
        [receipt(logs=[LOG, upper]), receipt(logs=[]), receipt(transactionHash="0x01")], 9, "0xabc"
    )
    rest = ("0x" + ADDRESS.hex(), ("0x" + TOPIC.hex(),), "0x0102")
    assert found == [
        Log(9, "0xabc", 0, "0x" + "77" * 32, *rest),
        Log(9, "0xabc", 1, "0x" + "77" * 32, *rest),
        Log(9, "0xabc", 2, "0x01", *rest),
    ]


def test_no_receipts_have_the_empty_root() -> None:
    """What an empty block's header says."""
    assert receipts_root([]) == "0x" + keccak256(b"\x80").hex()
