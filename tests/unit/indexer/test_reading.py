from __future__ import annotations

from bisect import bisect_left

import pytest

from indexer import queries
from indexer.answering.moments import moment
from indexer.reading import part_of
from indexer.store import open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain

FIRST = DEPLOYMENT.first_block


@pytest.mark.parametrize("pauses", [[1] * 60, [0, 0, 5] * 20, [1, 1, 900, 0, 2] * 12, [10_000, *[0] * 30, 1]])
async def test_the_first_block_at_an_instant(database_url: str, pauses: list[int]) -> None:
    """However unevenly blocks come, and several at one instant: the first of them, at any instant."""
    chain = FakeChain()
    for seconds in pauses:
        chain.mine(seconds=seconds)
    times = [block.timestamp for block in chain.blocks[FIRST:]]
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        async with moment(store) as (_, _, reading):
            for instant in {at + near for at in times for near in (-1, 0, 1)} | {0, 2**40}:
                assert await reading.block_from(instant) == FIRST + bisect_left(times, instant)


async def test_as_of_an_earlier_block_later_ones_are_not_seen(database_url: str) -> None:
    """The block after the one that is asked about stands for all that is not there yet."""
    chain = FakeChain()
    chain.mine_empty(20)
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        async with moment(store, FIRST + 5) as (_, _, reading):
            assert await reading.block_from(chain.tip.timestamp) == FIRST + 6
        async with moment(store, FIRST) as (_, _, reading):
            assert await reading.block_from(chain.blocks[FIRST].timestamp) == FIRST


async def test_the_times_of_many_blocks(database_url: str) -> None:
    """Of all that are asked for; of none, none."""
    chain = FakeChain()
    chain.mine_empty(1_100)
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
        async with moment(store) as (_, _, reading):
            wanted = range(FIRST, chain.tip.number + 1)
            expected = {number: chain.blocks[number].timestamp for number in wanted}
            assert await reading.timestamps(wanted) == expected
            assert await reading.timestamps([]) == {}
        assert (await queries.status(store))["block"] == chain.tip.number


@pytest.mark.parametrize(
    ("asset", "part"),
    [("shares:1:42:YES", (1, 42)), ("realized:7:8", (7, 8)), ("race-cost:65792:3:NO", (65_792, 3))],
)
def test_the_part_of_an_asset(asset: str, part: tuple[int, int]) -> None:
    """Market, or book, and epoch."""
    assert part_of(asset) == part
