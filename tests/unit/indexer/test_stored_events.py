"""Logs and events as they come back out of an index."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from indexer.accounts import Key
from indexer.blocks import Log, first_after
from indexer.decode import Decoder, Event
from indexer.steps import Undo
from indexer.store import Store, open_store
from indexer.stored_events import stored_events
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.world import World

FIRST = DEPLOYMENT.first_block
DECODER = Decoder(DEPLOYMENT)


@pytest.fixture
def world() -> World:
    """A traded market."""
    made = World(FakeChain(), 2)
    made.run(150)
    return made


@pytest.fixture
async def store(world: World, database_url: str) -> AsyncIterator[Store]:
    """An index of it."""
    async with open_store(database_url, DEPLOYMENT) as opened:
        await opened.take(world.chain.forward(FIRST))
        yield opened


def _named(logs: list[Log], *names: str) -> list[Event]:
    return [event for event in map(DECODER.decode, logs) if event.name in names]


async def test_logs_come_back_as_they_came(world: World, store: Store) -> None:
    """All of them, of one block, and of none."""
    last = world.chain.tip.number
    for first, end in (
        (FIRST, last),
        (FIRST + 40, FIRST + 40),
        (FIRST + 9, FIRST + 70),
        (last + 1, last + 5),
    ):
        assert await store.events_between(first, end) == world.chain.logs_between(first, end)


async def test_events_are_found_by_name(world: World, store: Store) -> None:
    """Of one kind, of several, and of one contract: decoded, in the order of the chain."""
    logs = world.chain.logs_between(FIRST, world.chain.tip.number)
    async with store.snapshot() as connection:
        bought = await stored_events(connection, DECODER, ["Bought"])
        traded = await stored_events(connection, DECODER, ["Bought", "Sold", "OrderFilled"])
        of_hub = await stored_events(connection, DECODER, ["Transfer"], contract="EpochHub")
        none = await stored_events(connection, DECODER, ["Bought"], contract="MrtCurve:BTC")
    assert bought == _named(logs, "Bought")
    assert traded == _named(logs, "Bought", "Sold", "OrderFilled")
    assert of_hub == [event for event in _named(logs, "Transfer") if event.contract == "EpochHub"]
    assert none == []
    assert len(bought) > 5


async def test_a_part_of_them_is_found_by_place(world: World, store: Store) -> None:
    """From a position on, before one, and only the newest: as a reader turns pages."""
    logs = world.chain.logs_between(FIRST, world.chain.tip.number)
    every = _named(logs, "Deposited", "OrderFilled")
    middle = FIRST + 80
    async with store.snapshot() as connection:
        names = ["Deposited", "OrderFilled"]
        early = await stored_events(connection, DECODER, names, before=first_after(middle))
        late = await stored_events(connection, DECODER, names, first=first_after(middle))
        page = await stored_events(connection, DECODER, names, before=every[-3].log.position, newest=4)
    assert early == [event for event in every if event.log.block_number <= middle]
    assert early + late == every
    assert page == every[-7:-3]


async def test_what_blocks_have_touched(world: World, store: Store) -> None:
    """The keys that have entries there: what changed between two states, and perhaps what came back."""
    last = world.chain.tip.number
    everything = await store.touched(FIRST, last)
    assert Key("budget:1", "collateral") in everything
    parts = [await store.touched(number, number + 9) for number in range(FIRST, last + 1, 10)]
    assert set().union(*parts) == everything
    assert any(part < everything for part in parts)
    assert await store.touched(last + 1, last + 9) == set()
    await store.take(Undo(FIRST, world.chain.head))
    assert await store.touched(FIRST + 1, last) == set()
