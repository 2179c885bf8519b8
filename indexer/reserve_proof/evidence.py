"""The part that both files have: a block's header, and slots of accounts, each with its proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from indexer.reserve_proof.document import Fields, ProofError
from indexer.reserve_proof.tries import Header, account_at, header_of, storage_at

__all__ = [
    "SlotProof",
    "Slots",
    "Wanted",
    "read_header",
    "read_slots",
    "require_hash",
    "write_slots",
]

_BLOCK = ("number", "hash", "header")
_ACCOUNT = ("address", "proof", "slots")
_SLOT = ("slot", "value", "proof")

Wanted = Mapping[str, Sequence[bytes]]
"""Address -> the slots of it that have to be proven, all in their order."""
Slots = Mapping[tuple[str, bytes], int]
"""(address, slot) -> its value."""


class SlotProof(NamedTuple):
    """What a node gave for one slot."""

    slot: bytes
    value: int
    proof: Sequence[bytes]


def read_header(fields: Fields) -> Header:
    """The header in a file, which hashes to what the file says. Raises ProofError, as all here do."""
    block = fields.object("block", _BLOCK)
    header = header_of(block.data("header"))
    if (header.number, header.hash) != (block.number("number"), block.text("hash")):
        raise ProofError(f"the header is of block {header.number}, {header.hash}, and not of the one named")
    return header


def require_hash(header: Header, block_hash: str | None) -> None:
    """That the header is of the block with this hash, if one is given."""
    if block_hash is not None and header.hash != block_hash.lower():
        raise ProofError(
            f"it is of block {header.number}, {header.hash}, and not of {block_hash}",
            hint="a proof is of one block: compare the hash with that block's, from a source that you trust",
        )


def read_slots(fields: Fields, header: Header, wanted: Wanted) -> Slots:
    """The slots that are wanted, each led to from the header's state root; no other may be in the file."""
    accounts = fields.objects("accounts", _ACCOUNT)
    if [one.address("address") for one in accounts] != list(wanted):
        raise ProofError(f"the accounts that have to be proven are {', '.join(wanted)}")
    found: dict[tuple[str, bytes], int] = {}
    for one in accounts:
        address = one.address("address")
        account = account_at(header, address, one.items("proof"))
        slots = one.objects("slots", _SLOT)
        if [slot.data("slot", 32) for slot in slots] != list(wanted[address]):
            raise ProofError(f"the slots of {address} are not those that have to be proven")
        for slot in slots:
            place = slot.data("slot", 32)
            value = storage_at(account, place, slot.items("proof"), f"slot 0x{place.hex()} of {address}")
            if value != int.from_bytes(slot.data("value", 32), "big"):
                raise ProofError(f"slot 0x{place.hex()} of {address} is {value}, and not what is stated")
            found[address, place] = value
    return found


def write_slots(proofs: Mapping[str, tuple[Sequence[bytes], Sequence[SlotProof]]]) -> list[dict[str, Any]]:
    """Accounts with their slots, as `read_slots` reads them."""
    return [
        {
            "address": address,
            "proof": [_hex(node) for node in proof],
            "slots": [
                {
                    "slot": _hex(one.slot),
                    "value": _hex(one.value.to_bytes(32, "big")),
                    "proof": [_hex(node) for node in one.proof],
                }
                for one in slots
            ],
        }
        for address, (proof, slots) in proofs.items()
    ]


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
