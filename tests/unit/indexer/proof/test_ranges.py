"""The ranges always cover every block once, whatever is said of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from indexer.database import open_database
from indexer.models import CursorRow, table_of
from indexer.proof import ranges
from indexer.proof.levels import Level
from indexer.proof.readiness import proof_status, readiness
from indexer.proof.trouble import clear_trouble, raise_trouble, troubles
from indexer.store import Store, open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain

FIRST = DEPLOYMENT.first_block

BLOCKS = st.integers(FIRST, FIRST + 30)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 6), st.sampled_from(Level), st.sets(BLOCKS, max_size=4)),
        st.tuples(st.just("cut"), BLOCKS, st.just(None), st.just(None)),
        st.tuples(
            st.just("set"), BLOCKS, st.sampled_from(Level), st.tuples(st.integers(0, 8), st.booleans())
        ),
    ),
    max_size=20,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(actions=ACTIONS)
async def test_ranges_say_of_each_block_what_was_said_last(
    tmp_path_factory: pytest.TempPathFactory, actions: list[Any]
) -> None:
    """Against a dictionary of blocks: appended, cut, raised, failed, in any order."""
    told: dict[int, tuple[Level, bool]] = {}
    async with (
        open_store(tmp_path_factory.mktemp("ranges") / "i.db", DEPLOYMENT) as store,
        store.writing() as connection,
    ):
        for what, number, level, more in actions:
            if what == "append":
                first = max(told, default=FIRST - 1) + 1
                last = first + number - 1
                quiet = {one for one in more if first <= one <= last}
                await ranges.append(connection, first, last, level, "one", quiet=quiet)
                raised = quiet if level is Level.LINKED else set()
                told |= {n: (Level.COMPLETE if n in raised else level, False) for n in range(first, last + 1)}
            elif what == "cut":
                await ranges.cut(connection, number)
                told = {n: said for n, said in told.items() if n <= number}
            else:
                length, failed = more
                await ranges.set_level(
                    connection, number, number + length, level, failed=failed, what="x" if failed else ""
                )
                told |= {n: (level, failed) for n in range(number, number + length + 1) if n in told}
        found = await ranges.ranges_between(connection, 0, 10**9)
        assert {n: (one.level, one.failed) for one in found for n in range(one.first, one.last + 1)} == told
        assert sum(one.last - one.first + 1 for one in found) == len(told)
        for block in told:
            lowest = min(level for n, (level, _) in told.items() if n <= block)
            is_open = any(failed for _, failed in told.values())
            standing = await ranges.level_at(connection, block)
            assert standing == (lowest, lowest >= Level.COMPLETE and not is_open)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Ten blocks, linked."""
    chain = FakeChain()
    chain.mine_empty(10)
    async with open_store(tmp_path / "index.db", DEPLOYMENT) as made:
        await made.take(chain.forward(FIRST))
        yield made


async def test_neighbours_that_say_the_same_are_one_row(store: Store) -> None:
    """Raised one by one, they end as a single range."""
    async with store.writing() as connection:
        for number in (5, 3, 4, 8, 7, 6, 12, 9, 10, 11):
            await ranges.set_level(connection, number, number, Level.COMPLETE)
        (only,) = await ranges.ranges_between(connection, 0, 100)
        assert (only.first, only.last, only.level) == (3, 12, Level.COMPLETE)


async def test_proven_to_ends_before_the_first_that_is_not(store: Store) -> None:
    """None if not even the first block is."""
    async with store.writing() as connection:
        assert await ranges.proven_to(connection, Level.LINKED) == 12
        assert await ranges.proven_to(connection, Level.COMPLETE) is None
        await ranges.set_level(connection, 3, 6, Level.RECONCILED)
        await ranges.set_level(connection, 8, 12, Level.RECONCILED)
        assert await ranges.proven_to(connection, Level.COMPLETE) == 6
        found = await ranges.first_at(connection, Level.LINKED)
        assert found is not None
        assert (found.first, found.last) == (7, 7)


async def test_trouble_anywhere_makes_every_answer_unverified(store: Store) -> None:
    """Also of blocks that are proven themselves."""
    async with store.writing() as connection:
        await ranges.set_level(connection, 3, 12, Level.COMPLETE)
        assert (await ranges.level_at(connection, 3)).verified
        await raise_trouble(connection, "deep_reorg", 11, "it is deeper than the window")
        assert not (await ranges.level_at(connection, 3)).verified
        await clear_trouble(connection, "deep_reorg")
        assert (await ranges.level_at(connection, 3)).verified
        await ranges.set_level(connection, 12, 12, Level.COMPLETE, failed=True, what="x")
        assert not (await ranges.level_at(connection, 3)).verified


async def test_trouble_keeps_its_beginning(store: Store) -> None:
    """Noticed again, it is at another block and said in other words, and began when it began."""
    async with store.writing() as connection:
        await raise_trouble(connection, "difference", 5, "one")
        (before,) = await troubles(connection)
        await raise_trouble(connection, "difference", 6, "two")
        assert await troubles(connection) == [before._replace(block=6, what="two")]


async def _looked_at(store: Store, **values: int) -> None:
    async with store.writing() as connection:
        await connection.execute(update(table_of(CursorRow)).values(values))


async def test_an_index_that_is_fresh_and_well_is_ready(store: Store) -> None:
    """Whatever its level: that is said beside."""
    await _looked_at(store, looked_at=1_000_000)
    found = await readiness(store, now=lambda: 1_030.0)
    assert found == (True, [], 12, 12, Level.LINKED, False)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"looked_at": 969_000}, "the chain was last looked at 31 s ago"),
        ({"looked_at": 0}, "the chain was never looked at"),
        ({"looked_at": 1_000_000, "head": 23}, "the index is 11 blocks behind the chain"),
    ],
)
async def test_an_index_that_is_not_fresh_is_not_ready(
    store: Store, values: dict[str, int], reason: str
) -> None:
    """The reasons are in words."""
    await _looked_at(store, **values)
    assert (await readiness(store, now=lambda: 1_000.0))[:2] == (False, [reason])


async def test_trouble_is_a_reason(store: Store) -> None:
    """Each kind of it, and a failed range that nobody speaks of."""
    await _looked_at(store, looked_at=1_000_000)
    facts = '{"level":"complete","first":4,"last":5,"differences":["log 3 is missing"]}'
    async with store.writing() as connection:
        await ranges.set_level(connection, 4, 5, Level.LINKED, failed=True, what=facts)
    assert (await readiness(store, now=lambda: 1_000.0)).reasons == [
        "1 ranges of blocks are not what the chain says"
    ]
    async with store.writing() as connection:
        await raise_trouble(connection, "difference", 5, facts)
        await raise_trouble(connection, "no_endpoint", 12, "all are down")
        status = await proof_status(connection)
    assert (await readiness(store, now=lambda: 1_000.0)).reasons == [
        "difference: blocks 4 to 5 are not complete: log 3 is missing",
        "no_endpoint: all are down",
    ]
    assert [(one["first"], one["last"], one["failed"], one["differences"]) for one in status["ranges"]] == [
        (3, 3, False, []), (4, 5, True, ["log 3 is missing"]), (6, 12, False, []),
    ]  # fmt: skip
    assert status | {"ranges": [], "trouble": []} == {
        "level": "linked", "verified": False, "linked": 12, "complete": None, "reconciled": None,
        "ranges": [], "trouble": [],
    }  # fmt: skip


async def test_an_empty_index_is_not_ready(tmp_path: Path) -> None:
    """It has no block, and has seen nothing."""
    async with open_store(tmp_path / "empty.db", DEPLOYMENT):
        pass
    async with open_database(tmp_path / "empty.db") as database:
        found = await readiness(database)
        async with database.snapshot() as connection:
            status = await proof_status(connection)
    assert found.reasons == ["no block is indexed yet", "the chain was never looked at"]
    assert (status["level"], status["verified"], status["ranges"]) == ("none", False, [])
