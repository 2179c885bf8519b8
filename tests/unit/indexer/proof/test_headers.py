"""Headers' hashes, for every fork that appended something."""

from __future__ import annotations

from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]

from chain_kit.units import keccak256
from indexer.proof.headers import header_hash, header_rlp

# The first block of Ethereum, whose hash is known to everybody.
MAINNET_GENESIS: dict[str, Any] = {
    "parentHash": "0x" + "00" * 32,
    "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "miner": "0x" + "00" * 20,
    "stateRoot": "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
    "transactionsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "receiptsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "logsBloom": "0x" + "00" * 256,
    "difficulty": "0x400000000",
    "number": "0x0",
    "gasLimit": "0x1388",
    "gasUsed": "0x0",
    "timestamp": "0x0",
    "extraData": "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
    "mixHash": "0x" + "00" * 32,
    "nonce": "0x0000000000000042",
}
ADDED: list[tuple[str, str]] = [
    ("baseFeePerGas", "0x3b9aca00"),
    ("withdrawalsRoot", "0x" + "11" * 32),
    ("blobGasUsed", "0x0"),
    ("excessBlobGas", "0x20000"),
    ("parentBeaconBlockRoot", "0x" + "22" * 32),
    ("requestsHash", "0x" + "33" * 32),
]


def test_the_first_header_of_ethereum_hashes_to_its_name() -> None:
    """A constant of the network."""
    assert (
        header_hash(MAINNET_GENESIS) == "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"
    )


@pytest.mark.parametrize("count", range(len(ADDED) + 1))
def test_each_fork_appends_its_fields(count: int) -> None:
    """None of them, the first, and so on; those that are not there, or null, are not encoded."""
    block = MAINNET_GENESIS | dict(ADDED[:count]) | dict.fromkeys((name for name, _ in ADDED[count:]), None)
    decoded = rlp.decode(header_rlp(block))
    assert len(decoded) == 15 + count
    wanted = [
        int(v, 16).to_bytes(8, "big").lstrip(b"\0") if len(v) < 66 else bytes.fromhex(v[2:]) for _, v in ADDED
    ]
    assert decoded[15:] == wanted[:count]


def test_a_field_of_no_fork_does_not_count() -> None:
    """Sizes and transactions are said beside the header."""
    more = MAINNET_GENESIS | {"size": "0x1", "transactions": [], "hash": "0x00", "totalDifficulty": "0x1"}
    assert header_hash(more) == header_hash(MAINNET_GENESIS)


@pytest.mark.parametrize("name", MAINNET_GENESIS)
def test_every_field_is_in_the_hash(name: str) -> None:
    """One digit of any of them makes another hash."""
    value = MAINNET_GENESIS[name]
    other = value[:-1] + ("1" if value[-1] == "0" else "0")
    assert header_hash(MAINNET_GENESIS | {name: other}) != header_hash(MAINNET_GENESIS)


@pytest.mark.parametrize("name", MAINNET_GENESIS)
@pytest.mark.parametrize("value", [None, 5, "0xzz"])
def test_what_is_no_header_is_refused(name: str, value: object) -> None:
    """As the errors that the caller expects."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        header_hash(MAINNET_GENESIS | {name: value})
    with pytest.raises(KeyError):
        header_hash({key: held for key, held in MAINNET_GENESIS.items() if key != name})


def test_the_hash_is_of_the_rlp() -> None:
    """Nothing else goes in."""
    assert header_hash(MAINNET_GENESIS) == "0x" + keccak256(header_rlp(MAINNET_GENESIS)).hex()
