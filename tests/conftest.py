"""What every test shares: a clean environment, and one local chain."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import hypothesis
import pytest

from chain_kit.devnet import Anvil

pytest_plugins = ["tests.keeper_support.deployed", "tests.keeper_support.proxied"]

# How long an example takes on a busy machine says nothing of what it tests.
hypothesis.settings.register_profile("chain-kit", deadline=None)
hypothesis.settings.load_profile("chain-kit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits longest begins first: the others run beside it."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/week/"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches a test."""
    for name in os.environ:
        if name.startswith("CHAIN_KIT_") or name == "ETH_RPC_URL":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
async def _shared_anvil() -> AsyncIterator[Anvil]:
    async with Anvil() as anvil:
        yield anvil


@pytest.fixture
async def anvil(_shared_anvil: Anvil) -> AsyncIterator[Anvil]:
    """A running local chain; what a test does to it is undone. Start an `Anvil` to have one alone."""
    snapshot = await _shared_anvil.snapshot()
    yield _shared_anvil
    await _shared_anvil.revert(snapshot)
