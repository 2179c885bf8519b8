"""What a header's bloom rules out: a block in which no log can match our filters.

A bloom sets three of 2048 bits for the address and for each topic of every log (Ethereum Yellow Paper,
4.4.3). Where one of them is not set, there is no such log; where all are, there may be one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chain_kit.units import keccak256
from indexer.deployment import LogFilter

__all__ = ["BloomTest", "bits_of"]

_Group = tuple[int, ...]


def bits_of(value: bytes) -> int:
    """The three bits of an address or a topic, as a number of 2048 bits."""
    digest = keccak256(value)
    bits = 0
    for offset in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[offset : offset + 2], "big") & 2047)
    return bits


class BloomTest:
    """Asks blooms about one set of filters."""

    def __init__(self, filters: Iterable[LogFilter]) -> None:
        self._filters = [_groups(one) for one in filters]

    def may_contain(self, logs_bloom: str) -> bool:
        """Whether a block with this bloom (0x and 512 digits) can hold a log that matches a filter."""
        bloom = int(logs_bloom, 16)
        return any(
            all(any(bloom & bits == bits for bits in group) for group in groups) for groups in self._filters
        )


def _groups(one: LogFilter) -> list[_Group]:
    """For the address and each topic that is asked for: the bits of every value that would do."""
    wanted: list[Sequence[str]] = [one.addresses, *(topic for topic in one.topics if topic is not None)]
    return [tuple(bits_of(bytes.fromhex(value[2:])) for value in values) for values in wanted]
