"""Two processes with one key: one works under the lease, the other takes over when it is killed."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from chain_kit import toolchain
from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.guard import Lease
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import LeaseLostError, Sender
from tests.keeper_support.journals import mining, rows_in
from tests.keeper_support.payments import PAYMENT_EFFECTS, balance_of, payee, payment
from tests.keeper_support.proxy import RpcProxy
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

COUNT = 12
TAKEOVER_SECONDS = 10.0


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The shared outbox."""
    if request.param == "sqlite":
        return str(tmp_path / "outbox.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


async def start(url: str, rpc_url: str, holder: str, **config: Any) -> asyncio.subprocess.Process:
    """A process that waits for the lease and pays."""
    document = {"outbox": url, "url": rpc_url, "holder": holder, "first": 0, "stays": False, **config}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.keeper_support.leasing",
        json.dumps(document),
        cwd=toolchain.root(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def line(process: asyncio.subprocess.Process) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode().strip()


async def test_another_takes_over_within_ten_seconds_of_a_kill(url: str) -> None:
    """With the next token, and nothing is paid twice."""
    async with Anvil() as anvil, mining(anvil), RpcProxy(anvil.url) as proxy:
        first = await start(url, proxy.url, "first", last=COUNT // 2, stays=True)
        assert await line(first) == "held 1"
        second = await start(url, proxy.url, "second", last=COUNT)
        assert await line(first) == "paid"

        first.kill()
        killed_at = time.monotonic()
        assert await line(second) == "held 2"
        waited = time.monotonic() - killed_at
        await asyncio.gather(first.wait(), second.wait())

        assert waited <= TAKEOVER_SECONDS
        assert second.returncode == 0
        assert [await balance_of(anvil.rpc, payee(number)) for number in range(COUNT)] == [1] * COUNT
        assert len(set(proxy.sent)) == COUNT


async def test_one_that_was_stopped_signs_nothing_when_it_wakes_up(tmp_path: Path) -> None:
    """Another has taken over and done the work meanwhile: it ends with the reason."""
    path = str(tmp_path / "outbox.db")
    async with Anvil() as anvil, mining(anvil), RpcProxy(anvil.url) as proxy:
        # It is stopped in the middle of a request, at its fourth transaction.
        seen = 0

        def stop(request: dict[str, Any]) -> None:
            nonlocal seen
            seen += request["method"] == "eth_sendRawTransaction"
            if seen == 4 and first.returncode is None:
                proxy.before = None
                first.send_signal(signal.SIGSTOP)

        first = await start(path, proxy.url, "first", last=COUNT)
        proxy.before = stop
        assert await line(first) == "held 1"
        second = await start(path, proxy.url, "second", last=COUNT)
        assert await line(second) == "held 2"
        await second.wait()
        sent = list(proxy.sent)

        first.send_signal(signal.SIGCONT)
        _, errors = await first.communicate()

        assert second.returncode == 0
        assert b"LeaseLostError" in errors
        assert set(proxy.sent) == set(sent)
        assert [await balance_of(anvil.rpc, payee(number)) for number in range(COUNT)] == [1] * COUNT


async def test_a_sender_without_its_lease_does_nothing(url: str) -> None:
    """Neither new intents nor what is under way: the holder goes on with all of it."""
    signer = dev_signer(0)
    async with Anvil() as anvil, RpcProxy(anvil.url) as proxy, JsonRpc(proxy.url) as rpc:
        await anvil.set_automine(False)
        lease = Lease(url, signer.address, 31337, "first")
        await lease.acquire()
        sender = await Sender.open(
            rpc, url, signer, PAYMENT_EFFECTS, fence=lease.fence, poll_seconds=0.05, timeout_seconds=5
        )
        waiting = asyncio.create_task(sender.submit(payment(0)))
        await proxy.broadcasts(1)
        await lease.release()

        async with Lease(url, signer.address, 31337, "second"):
            await anvil.mine()
            with pytest.raises(LeaseLostError):
                await waiting
            with pytest.raises(LeaseLostError):
                await sender.submit(payment(1))
            with pytest.raises(LeaseLostError):
                await sender.reconcile()
        await sender.aclose()

        assert len(proxy.sent) == 1
        assert len(await rows_in(rpc, url)) == 1
