from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from indexer.store import Store
from tests.http_support.serving import asking, indexed_world
from tests.index_support.world import World


@dataclass
class Indexed:
    """The model world and its index."""

    world: World
    store: Store
    path: Path


@pytest.fixture(scope="module")
async def indexed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Indexed]:
    """A market that has traded through a dozen epochs; shared by a file's tests, which only read."""
    path = tmp_path_factory.mktemp("http") / "index.db"
    async with indexed_world(path) as (world, store):
        yield Indexed(world, store, path)


@pytest.fixture
async def client(indexed: Indexed) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application on it, without limits."""
    async with asking(indexed.path) as opened:
        yield opened
