"""Where our contracts, and the tokens that they hold, keep what counts. Slots are 32 bytes.

A contract's slots are what the compiler says of it: a test compares these numbers with its storage layout.
Our contracts cannot change their code, so they hold for as long as the contracts stand.
"""

from __future__ import annotations

from typing import NamedTuple

from chain_kit.units import keccak256

__all__ = [
    "LEDGERS",
    "VAULT",
    "Ledger",
    "Vault",
    "balance_layouts",
    "balance_slot",
    "mapping_slot",
    "number_slot",
]

_SOLADY_BALANCES = (0x87A211A2).to_bytes(4, "big")
_OPENZEPPELIN = 0x52C63247E1F47DB19D5CE0460030C497F067CA4CEBF71BA98EEADABE20BACE00
"""ERC-7201 of "openzeppelin.storage.ERC20": the base of its upgradeable tokens, balances first."""
_MOST_SLOT = 60


class Ledger(NamedTuple):
    """Slots of a contract that is built on CollateralLedger and Positions."""

    liabilities: int
    """In its low 112 bits."""
    accounts: int
    """Mapping by account; the internal balance in the low 112 bits."""
    positions: int
    """Mapping by `market << 56 | epoch`, then by account; YES in the low 128 bits, NO in the high."""


class Vault(NamedTuple):
    """Slots of the payout vault."""

    root: int
    totals: int
    """The active root's total in the low 128 bits, all that was claimed in the high."""
    pending_root: int
    pending_total: int
    """In its low 128 bits."""
    claimed: int
    """Mapping by account."""


LEDGERS = {
    "EpochHub": Ledger(liabilities=5, accounts=7, positions=9),
    "RaceMarket": Ledger(liabilities=8, accounts=10, positions=12),
}
VAULT = Vault(root=4, totals=5, pending_root=6, pending_total=7, claimed=10)


def number_slot(number: int) -> bytes:
    """A slot by its number."""
    return number.to_bytes(32, "big")


def mapping_slot(slot: int | bytes, key: int | str) -> bytes:
    """The slot of a mapping's value, of a number or an address, as Solidity places it."""
    base = slot if isinstance(slot, bytes) else number_slot(slot)
    return keccak256(number_slot(int(key, 16) if isinstance(key, str) else key) + base)


def balance_slot(layout: str, holder: str) -> bytes | None:
    """Where a token of a known layout keeps an account's balance; None for a layout that is not known.

    "solady" and "openzeppelin" (upgradeable, since 5.0) are named for their libraries; "mapping 9" is a
    mapping in slot 9, as USDC's; "vyper 1" the same with the hash's halves the other way round.
    """
    if layout == "solady":
        return keccak256(bytes.fromhex(holder[2:]) + bytes(8) + _SOLADY_BALANCES)
    if layout == "openzeppelin":
        return mapping_slot(_OPENZEPPELIN, holder)
    kind, _, digits = layout.partition(" ")
    if kind not in {"mapping", "vyper"} or digits not in {str(n) for n in range(_MOST_SLOT)}:
        return None
    if kind == "mapping":
        return mapping_slot(int(digits), holder)
    return keccak256(number_slot(int(digits)) + number_slot(int(holder, 16)))


def balance_layouts() -> list[str]:
    """All layouts that are known, the likely ones first."""
    plain = [f"{kind} {number}" for kind in ("mapping", "vyper") for number in range(_MOST_SLOT)]
    return ["solady", "mapping 9", "openzeppelin", *(one for one in plain if one != "mapping 9")]
