"""Blooms never deny what is there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexer.deployment import LogFilter
from indexer.proof.bloom import BloomTest, bits_of

ADDRESSES = [f"0x{n:040x}" for n in range(1, 5)]
TOPICS = [f"0x{n:064x}" for n in range(1, 5)]
LOGS = st.lists(
    st.tuples(st.sampled_from(ADDRESSES), st.lists(st.sampled_from(TOPICS), max_size=3)), max_size=5
)
CHOICES = st.none() | st.lists(st.sampled_from(TOPICS), min_size=1, max_size=2).map(tuple)
FILTERS = st.builds(
    LogFilter,
    st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=2).map(tuple),
    st.lists(CHOICES, max_size=3).map(tuple),
)


def bloom_of(logs: list[tuple[str, list[str]]]) -> str:
    """The bloom of a block with these logs."""
    bits = 0
    for address, topics in logs:
        for value in (address, *topics):
            bits |= bits_of(bytes.fromhex(value[2:]))
    return f"0x{bits:0512x}"


def matches(one: LogFilter, address: str, topics: list[str]) -> bool:
    """By the words of the specification of eth_getLogs."""
    return (
        address in one.addresses
        and len(one.topics) <= len(topics)
        and all(want is None or topic in want for want, topic in zip(one.topics, topics, strict=False))
    )


@given(st.lists(FILTERS, min_size=1, max_size=3), LOGS)
def test_a_bloom_never_rules_out_a_log_that_is_there(
    filters: list[LogFilter], logs: list[tuple[str, list[str]]]
) -> None:
    """Whatever matches a filter keeps its block from being quiet."""
    if any(matches(one, *log) for one in filters for log in logs):
        assert BloomTest(filters).may_contain(bloom_of(logs))


def test_a_bloom_rules_out_other_addresses_and_other_topics() -> None:
    """Where a bit is missing, no such log is in the block."""
    bloom = bloom_of([(ADDRESSES[0], [TOPICS[0]])])
    assert BloomTest([LogFilter((ADDRESSES[0],), ((TOPICS[0],),))]).may_contain(bloom)
    assert not BloomTest([LogFilter((ADDRESSES[1],))]).may_contain(bloom)
    assert not BloomTest([LogFilter((ADDRESSES[0],), (None, (TOPICS[1],)))]).may_contain(bloom)
    assert not BloomTest([LogFilter(tuple(ADDRESSES))]).may_contain(bloom_of([]))


def test_three_bits_of_2048() -> None:
    """As the Yellow Paper's M3:2048 sets them: of the pairs of bytes 0, 2 and 4 of the hash, 11 bits each."""
    # keccak256 of nothing begins c5d2 4601 86f7.
    assert bits_of(b"") == 1 << 0x5D2 | 1 << 0x601 | 1 << 0x6F7
