"""Logs against receipts: each way to be wrong is told by its name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.blocks import Block, Log
from indexer.proof.completeness import LogMatcher, UnprovenError, differences
from tests.index_support.answering import _matches
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.world import World

MATCHER = LogMatcher(DEPLOYMENT.log_filters())
WORLD = World(FakeChain(deposits=True), seed=3)
WORLD.run(60)
CHAIN = WORLD.chain


def ours(block: Block) -> list[Log]:
    """A block's logs, of our contracts."""
    return [log for log in CHAIN.logs[block.hash] if MATCHER.matches(log)]


BUSY = max(CHAIN.blocks, key=lambda block: len(ours(block)))
RECEIPTS = CHAIN.sealed[BUSY.hash].receipts()
LOGS = ours(BUSY)


def test_what_is_stored_rightly_has_no_differences() -> None:
    """In every block of a traded world."""
    assert len(LOGS) > 3
    for block in CHAIN.blocks:
        assert differences(block, CHAIN.sealed[block.hash].receipts(), ours(block), MATCHER) == []


def test_a_log_that_is_missing() -> None:
    """By its place."""
    assert differences(BUSY, RECEIPTS, LOGS[1:], MATCHER) == [
        f"block {BUSY.number} log {LOGS[0].log_index} is missing"
    ]


def test_a_log_too_many() -> None:
    """One of another place, and one that comes twice."""
    more = LOGS[-1]._replace(log_index=999)
    assert differences(BUSY, RECEIPTS, [*LOGS, more], MATCHER) == [
        f"block {BUSY.number} log 999 is stored, and is none of ours in the chain"
    ]
    assert differences(BUSY, RECEIPTS, [*LOGS, LOGS[-1]], MATCHER) == [f"block {BUSY.number} has a log twice"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("data", "0x"), ("topics", ()), ("address", "0x" + "00" * 20), ("tx_hash", "0x" + "00" * 32)],
)
def test_a_log_that_is_altered(name: str, value: Any) -> None:
    """The field, and both of its values."""
    altered = LOGS[1]._replace(**{name: value})
    (found,) = differences(BUSY, RECEIPTS, [LOGS[0], altered, *LOGS[2:]], MATCHER)
    assert found.startswith(f"block {BUSY.number} log {altered.log_index} {name} is {value}, in the chain ")


@given(st.permutations(range(len(LOGS))))
def test_an_order_that_is_not_the_chains(order: list[int]) -> None:
    """Logs at each other's places differ, unless they are the same."""
    moved = [LOGS[source]._replace(log_index=LOGS[place].log_index) for place, source in enumerate(order)]
    assert bool(differences(BUSY, RECEIPTS, moved, MATCHER)) == (moved != LOGS)


def test_not_every_difference_of_many_is_told() -> None:
    """A block of thousands would fill the table."""
    many = [LOGS[0]._replace(log_index=1_000 + n) for n in range(100)]
    assert len(differences(BUSY, RECEIPTS, [*LOGS, *many], MATCHER)) == 20


@pytest.mark.parametrize(
    "receipts", [None, {}, "x", [], [None], [{}], RECEIPTS[1:], RECEIPTS[::-1], [*RECEIPTS, RECEIPTS[0]]]
)
def test_receipts_that_are_not_the_blocks_prove_nothing(receipts: object) -> None:
    """Not that the logs are right, and not that they are wrong."""
    with pytest.raises(UnprovenError, match=f"block {BUSY.number}"):
        differences(BUSY, receipts, LOGS, MATCHER)


def test_a_block_without_receipts_has_none() -> None:
    """The first one: its root is the empty one."""
    assert differences(CHAIN.blocks[0], [], [], MATCHER) == []


def test_filters_match_as_a_node_does() -> None:
    """Every log of the world, and with a topic less or another address."""
    for logs in CHAIN.logs.values():
        for log in logs:
            for one in (
                log,
                log._replace(topics=log.topics[:1]),
                log._replace(address=DEPLOYMENT.vault.lower()),
            ):
                by_node = any(_matches(one, wanted.params()) for wanted in DEPLOYMENT.log_filters())
                assert MATCHER.matches(one) == by_node
