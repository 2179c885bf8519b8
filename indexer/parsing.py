"""A node's JSON as blocks and logs. What is neither is the endpoint's fault, and is said of it by name."""

from __future__ import annotations

from typing import Any

import msgspec

from indexer.blocks import Block, Log
from indexer.false_answer import FalseAnswerError
from indexer.proof.headers import header_hash

__all__ = [
    "Answer",
    "MalformedAnswerError",
    "RawLog",
    "block_of",
    "decode",
    "items",
    "log_of",
    "logs_of",
    "quantity",
]


class MalformedAnswerError(
    FalseAnswerError, hint="the endpoint serves another protocol, or is broken: use another"
):
    """The node answered with something that is not a block, a log or a number."""


class RawLog(msgspec.Struct, rename="camel", gc=False):
    """A log as JSON-RPC gives it."""

    address: str
    topics: tuple[str, ...]
    data: str
    block_hash: str
    block_number: str
    transaction_hash: str
    log_index: str


class Answer(msgspec.Struct, gc=False):
    """One of a batch: a header, or logs."""

    id: int
    result: dict[str, Any] | list[RawLog] | None = None


_ANSWERS = msgspec.json.Decoder(list[Answer])


def quantity(value: Any, endpoint: str) -> int:
    """A number. Raises MalformedAnswerError, as all here do."""
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        raise MalformedAnswerError(endpoint, f"{value!r} is not a number of JSON-RPC") from None


def items(answer: Any, endpoint: str) -> list[Any]:
    """A list."""
    if not isinstance(answer, list):
        raise MalformedAnswerError(endpoint, f"{answer!r} is not a list of logs")
    return answer


def block_of(header: Any, endpoint: str, *, trusted: bool = False) -> Block:
    """A block; raises FalseAnswerError if its header does not hash to its name, unless it is `trusted`."""
    try:
        number, digest = int(header["number"], 16), header["hash"]
        found = digest if trusted else header_hash(header)
        root = header.get("receiptsRoot", "")
        block = Block(number, digest, header["parentHash"], int(header["timestamp"], 16), root)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise MalformedAnswerError(endpoint, f"{str(header)[:200]!r} is not a block") from None
    if found != digest:
        raise FalseAnswerError(
            endpoint, f"the header of block {number} hashes to {found}, not to {digest} (see --trust-headers)"
        )
    return block


def log_of(log: Any, endpoint: str) -> Log:
    """A log, of a dict."""
    try:
        return logs_of([msgspec.convert(log, RawLog)], endpoint)[0]
    except msgspec.ValidationError:
        raise MalformedAnswerError(endpoint, f"{str(log)[:200]!r} is not a log") from None


def logs_of(raw: list[RawLog], endpoint: str) -> list[Log]:
    """Logs, in the same order."""
    try:
        return [
            Log(
                int(one.block_number, 16), one.block_hash, int(one.log_index, 16), one.transaction_hash,
                one.address.lower(), one.topics, one.data,
            )
            for one in raw
        ]  # fmt: skip
    except ValueError:
        raise MalformedAnswerError(endpoint, "a log's number is no number") from None


def decode(
    body: bytes, first_id: int, count: int, endpoint: str
) -> list[dict[str, Any] | list[RawLog] | None]:
    """The results of a batch of that many calls, in the calls' order."""
    try:
        answers = _ANSWERS.decode(body)
    except msgspec.DecodeError as error:
        raise MalformedAnswerError(endpoint, f"its answer is no JSON-RPC: {error}") from None
    if [answer.id for answer in answers] != list(range(first_id, first_id + count)):
        answers.sort(key=lambda answer: answer.id)
        if [answer.id for answer in answers] != list(range(first_id, first_id + count)):
            raise MalformedAnswerError(endpoint, "the batch came back incomplete")
    return [answer.result for answer in answers]
