"""Logs as bytes: how many of them are handed on, from the process that judges them to the one that writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, overload

from indexer.blocks import Log, pack_position
from indexer.words import WORD

__all__ = ["Packed", "PackedLogs", "pack"]

_DIGITS = 2 + 2 * WORD
"""Of a topic in JSON."""


class Packed(NamedTuple):
    """A log. `words` are its topics, `topic_count` of them, and its data."""

    position: int
    tx_hash: bytes
    address: str
    """In lower case."""
    topic_count: int
    words: bytes


def pack(log: Log) -> Packed:
    """A log as bytes. Raises ValueError if a part of it is not hexadecimal, or a topic is no word."""
    number, _, index, tx_hash, address, topics, data = log
    digits = "".join([topic[2:] for topic in topics if len(topic) == _DIGITS])
    words = bytes.fromhex(digits + data[2:])
    count = len(topics)
    if len(digits) != 2 * WORD * count or 2 * len(words) != len(digits) + len(data) - 2:
        raise ValueError("not hexadecimal")
    return Packed(pack_position(number, index), bytes.fromhex(tx_hash[2:]), address, count, words)


class PackedLogs(Sequence[Log]):
    """Logs that are kept packed; each is a `Log` when it is asked for. `hashes` are of their blocks."""

    def __init__(self, rows: Sequence[Packed], hashes: Mapping[int, str]) -> None:
        self.rows = rows
        self._hashes = hashes

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Log: ...

    @overload
    def __getitem__(self, place: slice) -> PackedLogs: ...

    def __getitem__(self, place: int | slice) -> Log | PackedLogs:
        if isinstance(place, slice):
            return PackedLogs(self.rows[place], self._hashes)
        position, tx_hash, address, count, words = self.rows[place]
        number, size = position >> 32, WORD * count
        topics = tuple("0x" + words[at : at + WORD].hex() for at in range(0, size, WORD))
        return Log(
            number,
            self._hashes[number],
            position >> 8 & 0xFFFFFF,
            "0x" + tx_hash.hex(),
            address,
            topics,
            "0x" + words[size:].hex(),
        )
