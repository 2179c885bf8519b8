"""What the writer remembers, and forgets: neither changes a row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import numbering
from indexer.accounts import Key
from indexer.holdings import Change, Holding, Holdings, Opened
from indexer.steps import Undo
from indexer.store import open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.dump import dump
from tests.index_support.world import World

FIRST = DEPLOYMENT.first_block
Deltas = dict[str, dict[str, int]]


def _enter(holdings: Holdings, block: int, deltas: Deltas) -> tuple[list[Change], list[Opened]]:
    changes: list[Change] = []
    opened: list[Opened] = []
    holdings.enter(block, deltas, changes, opened)
    return changes, opened


async def _index(path: str | Path, chain: FakeChain, ends: Sequence[int]) -> dict[str, list[Any]]:
    """Indexes in steps to each of `ends`, and says everything."""
    first = FIRST
    async with open_store(path, DEPLOYMENT) as store:
        for last in ends:
            await store.take(chain.forward(first, last))
            first = last + 1
        return await dump(store)


@pytest.mark.parametrize("kept", [0, 7, 60])
async def test_a_writer_that_forgets_writes_the_same(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """With next to nothing remembered from step to step, every row is as with everything remembered."""
    world = World(FakeChain(), 3)
    world.run(150)
    last = world.chain.tip.number
    expected = await _index(tmp_path / "whole.db", world.chain, [last])
    monkeypatch.setattr(numbering, "HOLDINGS_KEPT", kept)
    monkeypatch.setattr(numbering, "ACCOUNTS_KEPT", kept)
    assert await _index(database_url, world.chain, [*range(FIRST, last, 4), last]) == expected


async def test_numbers_are_given_again_after_an_undo(database_url: str, tmp_path: Path) -> None:
    """However deep: the same blocks get the same numbers, and so do other ones instead of them."""
    world = World(FakeChain(), 4)
    world.run(60)
    middle = world.chain.tip.number
    world.run(60)
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(world.chain.forward(FIRST))
        expected = await dump(store)
        for to_block in (world.chain.tip.number - 1, middle, FIRST, FIRST - 1):
            await store.take(Undo(to_block, world.chain.head))
            await store.take(world.chain.forward(to_block + 1))
            assert await dump(store) == expected
        world.rewind(world.chain.tip.number - middle)
        world.run(20)
        await store.take(Undo(middle, world.chain.head))
        await store.take(world.chain.forward(middle + 1))
        got = await dump(store)
    assert got == await _index(tmp_path / "fresh.db", world.chain, [world.chain.tip.number])


def test_what_came_to_be_here_is_known_whole() -> None:
    """Of an asset that is new nothing has to be looked up; of all others what is not remembered."""
    holdings = Holdings(is_whole=False)
    assert holdings.unknown([Key("a", "x")]) == {Key("a", "x")}
    holdings.learn("x", 1, "a", Holding(5, 10))
    assert holdings.unknown([Key("a", "x"), Key("b", "x")]) == {Key("b", "x")}
    assert Holdings().unknown([Key("a", "x")]) == set()


def test_the_longest_unused_is_forgotten_first() -> None:
    """Down to a half, by whole assets; what is left is still whole, what comes anew is not."""
    holdings = Holdings()
    for number, name in enumerate("abcd"):
        _enter(holdings, number, {name: {"one": 1, "two": 2}})
        holdings.forget_beyond(8)
    _enter(holdings, 4, {"a": {"one": 1}, "e": {"one": 3}})
    holdings.forget_beyond(8)
    assert set(holdings.assets) == {"a", "e"}
    assert holdings.unknown([Key("other", "a"), Key("other", "b")]) == {Key("other", "b")}


AMOUNTS = st.integers(-3, 3)
BLOCKS = st.lists(
    st.dictionaries(st.sampled_from("xyz"), st.dictionaries(st.sampled_from("abc"), AMOUNTS)), max_size=8
)


@given(BLOCKS)
def test_a_change_has_the_balance_after_it(blocks: list[Deltas]) -> None:
    """Every change adds its delta to the balance before, none is zero, and a holding opens once."""
    holdings, balances = Holdings(), dict[int, int]()
    met: list[Key] = []
    for number, deltas in enumerate(blocks):
        changes, opened = _enter(holdings, number, deltas)
        met += [Key(one.account, one.name) for one in opened]
        for block, holding, delta, balance in changes:
            assert (block, delta != 0) == (number, True)
            assert balance == balances.get(id(holding), 0) + delta == holding.balance
            balances[id(holding)] = balance
    assert len(set(met)) == len(met) == len(balances)
    assert {key: holdings.balance(*key) for key in met} == holdings.sums()
