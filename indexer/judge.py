"""Whether what an endpoint told of a range of blocks can be: headers and logs that bear each other out.

Every header must hash to its name, and name the one before as its parent. Every log must be in the range, of
a block with that header, match a filter that was asked, and stand where it says, once. A block whose bloom
rules out all filters is *quiet*: it holds nothing of ours, and that is proven; who tells of a log in it lies.

What is false in itself is a FalseAnswerError. What only does not fit together (two requests of which a reorg
was between) is None: asking again settles it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from indexer.blocks import Block, Log
from indexer.deployment import LogFilter
from indexer.false_answer import FalseAnswerError
from indexer.parsing import MalformedAnswerError, RawLog, block_of
from indexer.proof.bloom import BloomTest

__all__ = ["Judge", "Judged"]

_IN_ORDER = attrgetter("block_number", "log_index")


@dataclass(frozen=True)
class Judged:
    """Linked blocks, all their logs that match, in order, and the numbers of the quiet blocks."""

    blocks: tuple[Block, ...]
    logs: Sequence[Log]
    quiet: tuple[int, ...]


class Judge:
    """Judges answers to one set of filters. With `trust_headers` blocks are taken as they are told."""

    def __init__(self, filters: Sequence[LogFilter], *, trust_headers: bool = False) -> None:
        self._bloom = BloomTest(filters)
        self._trusted = trust_headers

    def header(self, header: Any, endpoint: str) -> tuple[Block, bool]:
        """A block, and whether it is quiet. Raises FalseAnswerError."""
        block = block_of(header, endpoint, trusted=self._trusted)
        return block, not self._trusted and self._is_quiet(header, endpoint)

    def range(
        self,
        headers: Sequence[Any],
        answers: Sequence[tuple[LogFilter, Any]],
        endpoint: str,
        *,
        first: int,
    ) -> Judged | None:
        """What the headers of the blocks from `first` on, and the answers to filters, say together."""
        blocks: list[Block] = []
        quiet: list[int] = []
        for number, header in enumerate(headers, first):
            if header is None:
                return None
            block, is_quiet = self.header(header, endpoint)
            if block.number != number:
                raise FalseAnswerError(endpoint, f"it gave block {block.number} for block {number}")
            if blocks and block.parent_hash != blocks[-1].hash:
                return None
            blocks.append(block)
            if is_quiet:
                quiet.append(number)
        logs = self._logs(blocks, answers, endpoint)
        if logs is None:
            return None
        silent = set(quiet)
        if silent and (told := next((log for log in logs if log.block_number in silent), None)):
            raise FalseAnswerError(
                endpoint, f"it told of a log in block {told.block_number}, whose bloom has none of ours"
            )
        return Judged(tuple(blocks), tuple(logs), tuple(quiet))

    def logs_of(self, block: Block, answers: Sequence[tuple[LogFilter, Any]], endpoint: str) -> Judged | None:
        """The same for one block, whose header was judged, and which is not quiet."""
        logs = self._logs((block,), answers, endpoint)
        return None if logs is None else Judged((block,), tuple(logs), ())

    def _logs(
        self, blocks: Sequence[Block], answers: Sequence[tuple[LogFilter, Any]], endpoint: str
    ) -> list[Log] | None:
        by_number = {hex(block.number): block for block in blocks}
        merged: list[Log] = []
        parts = 0
        for asked, answer in answers:
            if not isinstance(answer, list):
                raise MalformedAnswerError(endpoint, f"{answer!r} is not a list of logs")
            found = _of_filter(asked, answer, by_number, endpoint)
            if found is None:
                return None
            parts += bool(found)
            merged += found
        return _once(merged, endpoint) if parts > 1 else merged

    def _is_quiet(self, header: Any, endpoint: str) -> bool:
        try:
            return not self._bloom.may_contain(header["logsBloom"])
        except (KeyError, TypeError, ValueError):
            raise MalformedAnswerError(endpoint, "a block has no bloom") from None


def _of_filter(
    asked: LogFilter, answer: Sequence[RawLog], by_number: dict[str, Block], endpoint: str
) -> list[Log] | None:
    """The logs of one answer; None if they are of other blocks than the headers."""
    addresses = {address.lower() for address in asked.addresses}
    wanted = [(place, frozenset(topic)) for place, topic in enumerate(asked.topics) if topic is not None]
    logs: list[Log] = []
    number, digest, numbered, index = -1, "", "", -1
    for raw in answer:
        if raw.block_number != numbered:
            block = by_number.get(raw.block_number)
            if block is None:
                raise FalseAnswerError(endpoint, f"it told of a log in block {raw.block_number}, unasked")
            if block.number <= number:
                raise FalseAnswerError(endpoint, f"it told of block {block.number} after block {number}")
            number, digest, numbered, index = block.number, block.hash, raw.block_number, -1
        if raw.block_hash != digest:
            return None
        address = raw.address if raw.address in addresses else raw.address.lower()
        if address not in addresses or (wanted and not _matches(raw.topics, wanted)):
            raise FalseAnswerError(endpoint, f"it told of a log of {address} in block {number}, unasked")
        before, index = index, _place(raw, endpoint)
        if index <= before:
            raise FalseAnswerError(endpoint, f"it told of log {index} of block {number} after log {before}")
        logs.append(Log(number, digest, index, raw.transaction_hash, address, raw.topics, raw.data))
    return logs


def _matches(topics: Sequence[str], wanted: Sequence[tuple[int, frozenset[str]]]) -> bool:
    # Not `all`: this is run for every log, and a generator costs more than all the rest.
    for place, values in wanted:  # noqa: SIM110
        if place >= len(topics) or topics[place] not in values:
            return False
    return True


def _place(raw: RawLog, endpoint: str) -> int:
    try:
        return int(raw.log_index, 16)
    except ValueError:
        raise MalformedAnswerError(endpoint, f"{raw.log_index!r} is no place of a log") from None


def _once(logs: list[Log], endpoint: str) -> list[Log]:
    """Logs of several filters in order: one that two of them found must be the same in both."""
    logs.sort(key=_IN_ORDER)
    if len(set(map(_IN_ORDER, logs))) == len(logs):
        return logs
    kept = logs[:1]
    for log in logs[1:]:
        if _IN_ORDER(log) != _IN_ORDER(kept[-1]):
            kept.append(log)
        elif log != kept[-1]:
            raise FalseAnswerError(
                endpoint, f"it told two things of log {log.log_index} of block {log.block_number}"
            )
    return kept
