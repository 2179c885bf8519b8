"""The contracts on a chain of their own, with a keeper's sender. A plugin: its fixture is every test's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.keepers import EFFECTS
from chain_kit.outbox import Sender
from tests.keeper_support.kit import START, Kit

__all__ = ["kit", "open_sender"]


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    """The contracts on a chain of the test's own."""
    async with Anvil(timestamp=START) as anvil:
        yield await Kit.deploy(anvil)


async def open_sender(kit: Kit, path: Path, account: int = 9, **options: Any) -> Sender:
    """A sender with the key of one of anvil's accounts."""
    return await Sender.open(kit.anvil.rpc, path, dev_signer(account), EFFECTS, poll_seconds=0.05, **options)
