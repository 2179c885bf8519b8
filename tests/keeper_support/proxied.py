"""A sender behind a proxy, on the chain that a test's module has. A plugin: its fixtures are every test's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Sender
from chain_kit.signers import Signer
from tests.keeper_support.journals import until
from tests.keeper_support.payments import PAYMENT_EFFECTS
from tests.keeper_support.proxy import RpcProxy

__all__ = ["SIGNER", "open_sender", "path", "proxy", "rpc", "sender", "settle"]

SIGNER = dev_signer(0)


@pytest.fixture
async def proxy(anvil: Anvil) -> AsyncIterator[RpcProxy]:
    """Between the sender and the chain."""
    async with RpcProxy(anvil.url) as proxy:
        yield proxy


@pytest.fixture
async def rpc(proxy: RpcProxy) -> AsyncIterator[JsonRpc]:
    """A client that goes through the proxy."""
    async with JsonRpc(proxy.url) as rpc:
        yield rpc


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the outbox is."""
    return tmp_path / "outbox.db"


@pytest.fixture
async def sender(rpc: JsonRpc, path: Path) -> AsyncIterator[Sender]:
    """A sender of the usual key."""
    async with await open_sender(rpc, path) as sender:
        yield sender


async def open_sender(rpc: JsonRpc, path: Path, signer: Signer = SIGNER, **options: Any) -> Sender:
    """A sender that does not let tests wait."""
    options = {"poll_seconds": 0.05, "timeout_seconds": 10.0, **options}
    return await Sender.open(rpc, path, signer, PAYMENT_EFFECTS, **options)


async def settle(sender: Sender) -> None:
    """Rounds of reconciling until nothing is under way."""

    async def nothing_is_under_way() -> bool:
        return not await sender.reconcile()

    await until(nothing_is_under_way)
