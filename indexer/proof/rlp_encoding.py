"""RLP, as far as headers, receipts and tries are written in it: byte strings, and lists of what is encoded.

The same bytes as `rlp.encode` gives, in a fraction of its time: every header and every receipt goes through.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["encode_bytes", "encode_list", "encode_number"]

_LONGEST_SHORT = 55


def encode_bytes(value: bytes) -> bytes:
    """A string of bytes."""
    size = len(value)
    if size == 1 and value[0] < 0x80:
        return value
    if size <= _LONGEST_SHORT:
        return bytes((0x80 + size,)) + value
    return _long_prefix(0xB7, size) + value


def encode_list(items: Iterable[bytes]) -> bytes:
    """A list of items that are encoded already."""
    body = b"".join(items)
    size = len(body)
    if size <= _LONGEST_SHORT:
        return bytes((0xC0 + size,)) + body
    return _long_prefix(0xF7, size) + body


def encode_number(value: int) -> bytes:
    """A number that is not negative: big-endian, without leading zeros."""
    if value < 0x80:
        return bytes((value,)) if value else b"\x80"
    return encode_bytes(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _long_prefix(kind: int, size: int) -> bytes:
    length = (size.bit_length() + 7) // 8
    return bytes((kind + length,)) + size.to_bytes(length, "big")
