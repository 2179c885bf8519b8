from __future__ import annotations

import pytest

from chain_kit.errors import RpcResponseError, RpcUnreachableError
from indexer.refusals import (
    allowed_blocks,
    is_batch_too_long,
    is_not_now,
    is_too_many_values,
    is_too_wide,
)

TOO_WIDE = [
    (-32005, "query returned more than 10000 results"),
    (-32005, "query returned more than 10000 results. Try with this block range [0x10, 0x20]."),
    (
        -32602,
        "Log response size exceeded. Based on your parameters, this block range should work: [0x10, 0x30]",
    ),
    (-32614, "eth_getLogs is limited to a 10,000 range"),
    (-32000, "exceed maximum block range: 5000"),
    (-32600, "You can make eth_getLogs requests with up to a 500 block range."),
    (-32000, "block range is too wide"),
    (-32000, "Range is too large, max is 1k blocks"),
    (-32000, "query exceeds max block range 100"),
    (-32002, "query timeout exceeded"),
    (-32020, "backend response too large"),
    (-32000, "response size should not greater than 10000000 bytes"),
    (-32000, "logs matched by query exceeds limit of 10000"),
    (-32701, "retry with 0x10-0x4f"),
]

NOT_NOW = [
    (429, "Your app has exceeded its compute units per second capacity"),
    (-32005, "project ID request rate limit exceeded"),
    (-32029, "Too Many Requests"),
    (-32603, "server busy, try again"),
    (-32016, "over rate limit"),
]


@pytest.mark.parametrize(("code", "message"), TOO_WIDE)
def test_providers_words_for_a_range_that_is_too_wide(code: int, message: str) -> None:
    """All of them lead to fewer blocks."""
    assert is_too_wide(RpcResponseError("eth_getLogs", code, message))


@pytest.mark.parametrize(("code", "message"), NOT_NOW)
def test_providers_words_for_later(code: int, message: str) -> None:
    """They are waited for, and no reason to ask for less."""
    error = RpcResponseError("eth_getLogs", code, message)
    assert is_not_now(error)
    assert not is_too_wide(error)


@pytest.mark.parametrize("reason", ["it took too long", "HTTP status 413", "the answer is larger than 24 MB"])
def test_what_does_not_come_in_one_piece_is_too_wide(reason: str) -> None:
    """Less may come."""
    assert is_too_wide(RpcUnreachableError("http://node", reason))


@pytest.mark.parametrize("reason", ["could not connect", "HTTP status 502", "HTTP status 429"])
def test_what_does_not_come_at_all_is_not_too_wide(reason: str) -> None:
    """Asking for less would not help."""
    assert not is_too_wide(RpcUnreachableError("http://node", reason))


@pytest.mark.parametrize(
    ("message", "blocks"),
    [
        ("this block range should work: [0x10, 0x2f]", 32),
        ("Try with this block range [0x10, 0x10].", 1),
        ("retry with 0x10-0x4f", 64),
        ("retry with 0x11-0x4f", None),
        ("query exceeds max block range 100", 100),
        ("Range is too large, max is 1k blocks", 1_000),
        ("eth_getLogs is limited to a 1,000 range", 1_000),
        ("up to a 500 block range", 500),
        ("query returned more than 1000 results", None),
        ("response size should not greater than 1000 bytes", None),
        ("query exceeds max block range 5000", None),
        ("block range is too wide", None),
    ],
)
def test_a_range_that_the_node_names(message: str, blocks: int | None) -> None:
    """2,000 were asked for from block 16 on: another start, or as many or more, says nothing."""
    assert allowed_blocks(message, 16, 2_000) == blocks


@pytest.mark.parametrize(
    "message",
    ["specify less number of addresses", "too many addresses", "exceed max addresses", "exceeds max topics"],
)
def test_too_many_addresses(message: str) -> None:
    """A filter that is too long is not a range that is too wide."""
    assert is_too_many_values(RpcResponseError("eth_getLogs", -32000, message))


def test_too_many_calls() -> None:
    """Nor is a batch."""
    assert is_batch_too_long(RpcResponseError("the request", -32600, "batch too large"))
    assert not is_batch_too_long(RpcResponseError("the request", -32600, "too many results"))
