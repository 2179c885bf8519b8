"""One budget for several processes, of which some are killed."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from chain_kit import toolchain
from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.guard import Guard
from chain_kit.outbox import Sender
from tests.keeper_support.journals import rows_in
from tests.keeper_support.payments import PAYMENT_EFFECTS, balance_of, payment
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

SIGNER = dev_signer(0)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An outbox's place, on either database."""
    if request.param == "sqlite":
        return str(tmp_path / "outbox.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


async def start(config: dict[str, Any]) -> asyncio.subprocess.Process:
    """A process that pays as long as it may."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.keeper_support.spending",
        json.dumps(config),
        cwd=toolchain.root(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def go(process: asyncio.subprocess.Process) -> None:
    """Lets it begin."""
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    await process.stdin.drain()


async def said(process: asyncio.subprocess.Process, word: str) -> None:
    """Returns when it has printed a line that begins so."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while not (line := await process.stdout.readline()).startswith(word.encode()):
            assert line, "it ended without a word"


@pytest.mark.slow
async def test_is_shared_and_outlives_them(url: str) -> None:
    """Three with one key, and one is killed in the midst. The budget is spent, and no more."""
    async with Anvil(slots_in_an_epoch=32) as anvil:
        async with await Sender.open(anvil.rpc, url, SIGNER, PAYMENT_EFFECTS) as sender:
            # The base fee falls by an eighth with each block: eight times the first would never be spent.
            hour_wei = 5 * (await sender.quote(payment(0))).total_wei
        before_wei = await balance_of(anvil.rpc, SIGNER.address)
        config = {"url": anvil.url, "outbox": url, "hour_wei": str(hour_wei)}

        # The heir makes the payments of the one that is killed.
        doomed, steady, heir = [await start({**config, "first": first}) for first in (1_000, 0, 1_000)]
        for process in (doomed, steady, heir):
            await said(process, "ready")
        await go(doomed)
        await said(doomed, "paid")
        await go(steady)
        await go(heir)
        with suppress(ProcessLookupError):
            doomed.kill()
        await doomed.wait()
        for process in (steady, heir):
            await said(process, "stopped")
            assert await process.wait() == 0

        rows = await rows_in(anvil.rpc, url)
        paid = sum([await balance_of(anvil.rpc, row.intent.contract) for row in rows])
        spent_wei = before_wei - await balance_of(anvil.rpc, SIGNER.address) - paid
        assert len(rows) >= 5
        assert 0 < spent_wei <= hour_wei
        async with await Guard.open(url, SIGNER.address, 31337) as guard:
            assert spent_wei <= (await guard.counted()).hour_wei
