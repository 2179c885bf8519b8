"""A busy deployment on a real anvil: the real contracts, traded by thousands, as fast as anvil takes it.

    python -m tests.benchmarks.index_busy FOLDER [LOGS]

Twenty markets, two thousand traders and an epoch every twenty blocks; everything that the index understands
happens, a few transactions a block. What anvil then says of headers and logs is recorded in FOLDER.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import orjson

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import Call
from indexer.deployment import Deployment
from tests.benchmarks.index_deploy import CHAIN_START, Busy, deploy
from tests.benchmarks.index_market import BLOCK_SECONDS, GAS, Trading, Tx
from tests.benchmarks.index_record import record
from tests.keeper_support.kit import UNIT

__all__ = ["Live", "live_chain", "write_chain"]

_BLOCKS_AT_ONCE = 100


class Sender:
    """Puts transactions into anvil's pool, with nonces counted here, and mines a block of them."""

    def __init__(self, anvil: Anvil) -> None:
        self._anvil = anvil
        self._nonces: dict[str, int] = {}

    async def start(self) -> None:
        """Anvil mines no more by itself, and believes every sender."""
        await self._anvil.set_automine(False)
        await self._anvil.rpc.call("anvil_autoImpersonateAccount", [True])
        for account in (*(dev_signer(n).address for n in range(10)),):
            found = await self._anvil.rpc.call("eth_getTransactionCount", [account, "latest"])
            self._nonces[account] = int(found, 16)

    def calls(self, txs: list[Tx]) -> list[Call]:
        """What puts these into the pool."""
        calls: list[Call] = []
        for tx in txs:
            nonce = self._nonces.get(tx["from"], 0)
            self._nonces[tx["from"]] = nonce + 1
            calls.append(("eth_sendTransaction", [{**tx, "nonce": hex(nonce), "gasPrice": "0x0"}]))
        return calls

    async def send(self, calls: list[Call]) -> None:
        """Puts them there, in this order."""
        for first in range(0, len(calls), 500):
            await self._anvil.rpc.batch(calls[first : first + 500])

    async def mine(self, timestamp: int) -> None:
        """A block of what is in the pool."""
        await self._anvil.rpc.call("evm_mine", [hex(timestamp)])


async def fund(busy: Busy, sender: Sender) -> int:
    """Everybody's first deposit; the time of the last block of them."""
    now = await busy.anvil.timestamp()
    for first in range(0, len(busy.traders), 200):
        now += 1
        txs = [
            {
                "from": trader,
                "to": busy.hub.address,
                "gas": GAS,
                "data": "0x" + busy.hub.encode_call("deposit", trader, 10_000 * UNIT).hex(),
            }
            for trader in busy.traders[first : first + 200]
        ]
        await sender.send(sender.calls(txs))
        await sender.mine(now)
    return now


class Live:
    """A deployment that trades on a running anvil. `number` is that of its newest block."""

    def __init__(self, busy: Busy, sender: Sender, now: int, number: int) -> None:
        self.busy = busy
        self.number = number
        self._sender = sender
        self._trading = Trading(busy)
        self._now = now

    async def prepare(self) -> int:
        """Puts the next block's trades into the pool; the block's time."""
        now, calls = self._next()
        await self._sender.send(calls)
        return now

    def _next(self) -> tuple[int, list[Call]]:
        self._now += BLOCK_SECONDS
        return self._now, self._sender.calls(self._trading.block(self._now))

    async def trade(self, logs: int) -> None:
        """Blocks until there are that many logs. While one is mined, the next one's trades are thought of."""
        rpc, count = self.busy.anvil.rpc, 0
        filters = Deployment.from_manifest(self.busy.manifest).log_filters()
        now, calls = self._next()
        while count < logs:
            where = {"fromBlock": hex(self.number + 1), "toBlock": "latest"}
            for _ in range(_BLOCKS_AT_ONCE):
                await self._sender.send(calls)
                following = asyncio.to_thread(self._next)
                _, (now, calls) = await asyncio.gather(self._sender.mine(now), following)
                self.number += 1
            answers = await rpc.batch([("eth_getLogs", [one.params() | where]) for one in filters])
            count += sum(map(len, answers))


@asynccontextmanager
async def live_chain(*, is_long: bool = False) -> AsyncIterator[Live]:
    """An anvil with a deployment on which nobody has traded yet.

    Of a long chain it cannot keep the state of every block: then it answers calls about old blocks by the
    newest, and is no node to prove anything with.
    """
    extra = ["--disable-block-gas-limit", "--base-fee", "0", "--order", "fifo"]
    extra += ["--prune-history"] if is_long else []
    async with Anvil(timestamp=CHAIN_START, extra=extra) as anvil:
        busy = await deploy(anvil)
        sender = Sender(anvil)
        await sender.start()
        now = await fund(busy, sender)
        yield Live(busy, sender, now, await anvil.rpc.block_number())


async def write_chain(folder: Path, logs: int) -> int:
    """Records a chain of at least that many logs, and anvil's own state of it; how many there are."""
    async with live_chain(is_long=True) as live:
        await live.trade(logs)
        count = await record(live.busy.anvil.rpc, live.busy.manifest, folder)
        (folder / "state.json").write_bytes(await asyncio.to_thread(_state, live.busy.anvil.url))
        return count


def _state(url: str) -> bytes:
    """What `anvil --load-state` reads: blocks, transactions and receipts too."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "anvil_dumpState", "params": []}
    request = Request(url, orjson.dumps(asked), {"content-type": "application/json"})  # noqa: S310
    with urlopen(request, timeout=120) as answer:  # noqa: S310
        return gzip.decompress(bytes.fromhex(orjson.loads(answer.read())["result"][2:]))


def main() -> None:
    """Records one, and says how long it is."""
    began = time.perf_counter()
    count = asyncio.run(write_chain(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200_000))
    print(f"{count} logs in {time.perf_counter() - began:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
