"""Amounts, addresses and times: between what the chain holds and what people read.

Money is an `int` of the token's base units everywhere inside; it becomes a decimal string at the edge. No
float is ever involved.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from eth_hash.auto import keccak

from chain_kit.errors import BadAddressError, BadAmountError

__all__ = ["checksum_address", "format_units", "iso_utc", "keccak256", "parse_units"]

_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")
_AMOUNT = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]*))?")
# 2**256 has 78 digits: whatever is longer cannot be an amount, and int() need not try.
_MAX_AMOUNT_LENGTH = 160


def keccak256(data: bytes) -> bytes:
    """The 32 bytes of Ethereum's hash of `data`."""
    return keccak(data)


def format_units(amount_units: int, decimals: int) -> str:
    """`amount_units` of a token with `decimals`, as an exact decimal string: (1500000, 6) is "1.5"."""
    sign = "-" if amount_units < 0 else ""
    digits = str(abs(amount_units)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def parse_units(amount: str, decimals: int) -> int:
    """The base units of a decimal string: ("1.5", 6) is 1500000. Never rounds.

    Raises BadAmountError for anything but an optional sign and decimal digits, and for more digits after
    the point than the token has (trailing zeros aside).
    """
    match = _AMOUNT.fullmatch(amount) if len(amount) <= _MAX_AMOUNT_LENGTH else None
    if match is None:
        raise BadAmountError(amount, "is not a decimal number")
    sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
    if len(fraction) > decimals:
        raise BadAmountError(amount, f"has more than {decimals} digits after the point")
    magnitude = int(whole + fraction.ljust(decimals, "0"))
    return -magnitude if sign == "-" else magnitude


@lru_cache(maxsize=65_536)
def checksum_address(address: str) -> str:
    """`address` in the mixed case of EIP-55.

    Takes lower case, upper case, or a right checksum; raises BadAddressError for anything else, so that a
    mistyped address never passes.
    """
    if not isinstance(address, str) or _ADDRESS.fullmatch(address) is None:  # type: ignore[redundant-expr]
        raise BadAddressError(address)
    digits = address[2:]
    lower = digits.lower()
    nibbles = keccak(lower.encode()).hex()
    checked = "".join(c.upper() if n >= "8" else c for c, n in zip(lower, nibbles, strict=False))
    if digits not in (lower, lower.upper(), checked):
        raise BadAddressError(address, "has a wrong checksum")
    return "0x" + checked


def iso_utc(timestamp: int) -> str:
    """Seconds since 1970 as ISO 8601 in UTC: 1700000000 is "2023-11-14T22:13:20Z"."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
