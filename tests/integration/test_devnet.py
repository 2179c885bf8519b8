from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from chain_kit import toolchain
from chain_kit.devnet import Anvil
from chain_kit.errors import AnvilExitedError, PortInUseError, RpcUnreachableError, ToolMissingError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.networks import ANVIL_ADDRESSES

ROOT = Path(__file__).resolve().parents[2]
ALICE, BOB = ANVIL_ADDRESSES[:2]
ETHER = 10**18


async def balance(rpc: JsonRpc, address: str) -> int:
    """The ether of an account, in wei."""
    return int(await rpc.call("eth_getBalance", [address, "latest"]), 16)


async def send(rpc: JsonRpc, amount_wei: int = 1) -> str:
    """Sends ether from Alice to Bob; anvil holds her key. The transaction's hash."""
    return str(await rpc.call("eth_sendTransaction", [{"from": ALICE, "to": BOB, "value": hex(amount_wei)}]))


async def test_chain_runs_inside_the_context_and_not_after_it() -> None:
    """It answers when `async with` is entered, and process and port are gone when it is left."""
    async with Anvil() as anvil:
        pid = anvil.pid
        assert (await anvil.rpc.client_version()).startswith("anvil")
        assert await anvil.rpc.chain_id() == 31337

    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert anvil.pid is None
    async with JsonRpc(anvil.url) as rpc:
        with pytest.raises(RpcUnreachableError):
            await rpc.chain_id()


async def test_options_reach_the_chain() -> None:
    """Chain id, genesis time and number of accounts are as asked for."""
    async with Anvil(chain_id=8453, timestamp=1_700_000_000, accounts=12) as anvil:
        assert await anvil.rpc.chain_id() == 8453
        assert await anvil.timestamp() == 1_700_000_000
        assert len(await anvil.rpc.call("eth_accounts")) == 12


async def test_newest_block_becomes_safe_and_final_soon() -> None:
    """With one slot in an epoch, safe is one block behind the head and finalized two."""
    async with Anvil() as anvil:
        await anvil.mine(5)
        tags = [("eth_getBlockByNumber", [tag, False]) for tag in ("latest", "safe", "finalized")]

        assert [int(block["number"], 16) for block in await anvil.rpc.batch(tags)] == [5, 4, 3]


async def test_two_chains_take_two_ports() -> None:
    """Port 0 is a free port, whatever else runs."""
    async with Anvil() as one, Anvil() as other:
        assert one.port != other.port
        await one.mine(3)
        assert [await chain.rpc.block_number() for chain in (one, other)] == [3, 0]


async def test_port_in_use_is_named() -> None:
    """A taken port is an error that names it, whoever has taken it, and nothing stays behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        anvil = Anvil(port=port)
        with pytest.raises(PortInUseError, match=str(port)):
            await anvil.start()

    assert anvil.pid is None


async def test_missing_anvil_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the program the error says what is missing, and the hint how to get it."""
    monkeypatch.setattr(toolchain, "root", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="anvil is not installed") as caught:
        await Anvil().start()

    assert "make setup" in caught.value.hint


async def test_wrong_argument_shows_what_anvil_says() -> None:
    """An anvil that ends at once leaves its last lines in the error."""
    with pytest.raises(AnvilExitedError, match="--no-such-thing"):
        await Anvil(extra=["--no-such-thing"]).start()


async def test_slow_start_is_given_up() -> None:
    """An anvil that is not ready in time is an error, and no process stays behind."""
    anvil = Anvil(startup_seconds=0.0)
    with pytest.raises(AnvilExitedError, match="not ready"):
        await anvil.start()

    assert anvil.pid is None


async def test_death_is_noticed() -> None:
    """`wait` raises when the chain dies by itself."""
    async with Anvil() as anvil:
        assert anvil.pid is not None
        waiting = asyncio.create_task(anvil.wait())
        os.kill(anvil.pid, signal.SIGKILL)
        with pytest.raises(AnvilExitedError, match="status -9"):
            await waiting


async def test_stop_ends_the_wait_and_may_be_repeated() -> None:
    """A chain that is stopped has not died; stopping it again, or one that never ran, is fine."""
    anvil = Anvil()
    await anvil.stop()
    await anvil.start()
    waiting = asyncio.create_task(anvil.wait())
    await anvil.stop()
    await anvil.stop()
    await waiting


async def test_chain_dies_with_a_parent_that_is_killed() -> None:
    """Kill -9 of the process that started it takes the chain along."""
    program = textwrap.dedent("""
        import asyncio
        from chain_kit.devnet import Anvil

        async def main():
            async with Anvil() as anvil:
                print(anvil.pid, flush=True)
                await asyncio.Event().wait()

        asyncio.run(main())
    """)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    chain = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()

    _, alive = await asyncio.to_thread(psutil.wait_procs, [chain], timeout=5)
    assert alive == []


async def test_ctrl_c_of_the_terminal_does_not_reach_the_chain() -> None:
    """The chain is in a session of its own: it ends when we end it, after what stands on it."""
    async with Anvil() as anvil:
        assert anvil.pid is not None
        assert os.getsid(anvil.pid) == anvil.pid


async def test_many_transactions_do_not_fill_a_pipe() -> None:
    """What anvil says of each call is read or silenced: it never blocks on its own output."""
    async with Anvil() as anvil:
        for _ in range(20):
            await anvil.rpc.batch([("eth_getBalance", [ALICE, "latest"])] * 200)

        assert await anvil.rpc.block_number() == 0


async def test_time_is_set_and_put_forward(anvil: Anvil) -> None:
    """The next block has the time that was set; after that the clock goes on from it."""
    start = await anvil.timestamp()
    await anvil.set_next_timestamp(start + 1_000)
    await anvil.mine()
    assert await anvil.timestamp() == start + 1_000

    await anvil.increase_time(300)
    await anvil.mine()
    assert start + 1_300 <= await anvil.timestamp() <= start + 1_330


async def test_blocks_are_mined_at_an_interval(anvil: Anvil) -> None:
    """Many blocks at once are as far apart as asked for."""
    start, number = await anvil.timestamp(), await anvil.rpc.block_number()
    await anvil.mine(4, interval=12)

    assert await anvil.rpc.block_number() == number + 4
    assert await anvil.timestamp() - start >= 3 * 12


async def test_without_automine_a_transaction_waits_for_a_block(anvil: Anvil) -> None:
    """Switched off, transactions wait in the pool until `mine`."""
    await anvil.set_automine(False)
    try:
        transaction = await send(anvil.rpc)
        assert await anvil.rpc.call("eth_getTransactionReceipt", [transaction]) is None
        await anvil.mine()
        assert await anvil.rpc.call("eth_getTransactionReceipt", [transaction]) is not None
    finally:
        await anvil.set_automine(True)


async def test_no_mining_starts_without_automine() -> None:
    """`mining=False` waits from the first transaction on."""
    async with Anvil(mining=False) as anvil:
        await send(anvil.rpc)
        assert await anvil.rpc.block_number() == 0
        await anvil.mine()
        assert await anvil.rpc.block_number() == 1


async def test_revert_goes_back_and_empties_the_pool(anvil: Anvil) -> None:
    """State and pool are as they were at the snapshot."""
    before = await balance(anvil.rpc, BOB)
    snapshot = await anvil.snapshot()
    await send(anvil.rpc, ETHER)
    await anvil.set_automine(False)
    await send(anvil.rpc, ETHER)
    await anvil.revert(snapshot)
    await anvil.set_automine(True)
    await anvil.mine()

    assert await balance(anvil.rpc, BOB) == before


async def test_balance_and_code_are_set(anvil: Anvil) -> None:
    """Any account can be given ether, and code that answers."""
    account = "0x" + "11" * 20
    await anvil.set_balance(account, 5 * ETHER)
    await anvil.set_code(account, "0x602a60005260206000f3")  # returns 42

    assert await balance(anvil.rpc, account) == 5 * ETHER
    assert int(await anvil.rpc.call("eth_call", [{"to": account}, "latest"]), 16) == 42


async def test_reorg_and_rollback_change_the_past(anvil: Anvil) -> None:
    """A reorg puts other blocks in the place of the last ones; a rollback removes them."""
    await anvil.mine(5)
    transaction = await send(anvil.rpc)
    head = await anvil.rpc.block_number()

    await anvil.reorg(2)
    assert await anvil.rpc.block_number() == head
    assert await anvil.rpc.call("eth_getTransactionReceipt", [transaction]) is None

    await anvil.rollback(3)
    assert await anvil.rpc.block_number() == head - 3


async def test_impersonated_account_sends_without_its_key(anvil: Anvil) -> None:
    """Any address can send while it is impersonated, and no longer."""
    stranger = "0x" + "22" * 20
    await anvil.set_balance(stranger, ETHER)
    transaction = {"from": stranger, "to": BOB, "value": "0x1"}
    before = await balance(anvil.rpc, BOB)

    await anvil.impersonate(stranger)
    await anvil.rpc.call("eth_sendTransaction", [transaction])
    await anvil.stop_impersonating(stranger)

    assert await balance(anvil.rpc, BOB) == before + 1
    results = await anvil.rpc.batch_settled([("eth_sendTransaction", [transaction])])
    assert "No Signer" in str(results[0])


async def test_fork_starts_from_the_upstream_and_leaves_it_alone() -> None:
    """A fork has the upstream's id and state; what happens on it stays on it."""
    account = "0x" + "33" * 20
    async with Anvil(chain_id=8453) as upstream:
        await upstream.set_balance(account, 7)
        await upstream.mine(3)
        async with Anvil(fork_url=upstream.url) as fork:
            assert await fork.rpc.chain_id() == 8453
            assert await fork.rpc.block_number() == 3
            assert await balance(fork.rpc, account) == 7
            await fork.set_balance(account, 1)
        assert await balance(upstream.rpc, account) == 7


async def test_fork_of_nothing_shows_why() -> None:
    """An upstream that cannot be reached is in the error."""
    with pytest.raises(AnvilExitedError, match="Connection refused"):
        await Anvil(fork_url="http://127.0.0.1:1").start()
