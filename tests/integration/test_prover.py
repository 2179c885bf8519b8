"""The runner and the prover together on a real anvil, one of whose endpoints lies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import JsonRpc
from indexer.database import open_database
from indexer.proof.levels import Level
from indexer.proof.prover import Cadence, Prover
from indexer.proof.ranges import Standing, level_at
from indexer.proof.readiness import readiness
from indexer.proof.trouble import troubles
from indexer.rpc import ChainRpc
from indexer.source import Source
from indexer.store import Store, open_store
from indexer.tail import run
from indexer.verify import verify
from tests.index_support.market import LiveMarket
from tests.keeper_support.kit import START
from tests.keeper_support.proxy import RpcProxy

CADENCE = Cadence(blocks=20, seconds=0.2, idle_seconds=0.02, retry_seconds=0.05, refetches=2)

Answer = dict[str, Any]
Lie = Callable[[str, Answer], None]


class Proving:
    """A store that is filled and proven in the background, and what was seen meanwhile."""

    def __init__(self, store: Store, prover: Prover, rpc: ChainRpc) -> None:
        self.store = store
        self.prover = prover
        self.rpc = rpc
        self.seen: set[str] = set()
        self.notices: list[str] = []

    async def standing(self) -> tuple[int, Standing]:
        """The last block, and how far it is proven."""
        tip = await self.store.tip()
        number = tip.number if tip else 0
        async with self.store.snapshot() as connection:
            self.seen |= {one.kind for one in await troubles(connection)}
            return number, await level_at(connection, number)

    async def until(self, head: int, *, reconciled: bool = True) -> None:
        """Until that block is there and proven."""
        async with asyncio.timeout(90):
            while True:
                number, standing = await self.standing()
                if number == head and (not reconciled or standing == (Level.RECONCILED, True)):
                    return
                await asyncio.sleep(0.01)

    async def until_trouble(self) -> None:
        """Until something is found."""
        async with asyncio.timeout(90):
            while not self.seen:
                await self.standing()
                await asyncio.sleep(0.005)


@asynccontextmanager
async def proving(market: LiveMarket, path: Path, *urls: str) -> AsyncIterator[Proving]:
    """Runs both while the body runs; a failure of either is one of the test."""
    stop = asyncio.Event()
    clients = [JsonRpc(url) for url in urls]
    rpc = ChainRpc(clients, rest_seconds=0.2)
    async with open_store(path, market.deployment) as store:
        source = Source(rpc, market.deployment, store, poll_seconds=0.02)
        prover = Prover(store, rpc, CADENCE)
        made = Proving(store, prover, rpc)
        tasks = [
            asyncio.create_task(run(store, source, stop, on_trouble=lambda _: None, retry_seconds=0.05)),
            asyncio.create_task(prover.run(stop)),
        ]
        try:
            yield made
        finally:
            stop.set()
            await asyncio.gather(*tasks)
            for client in clients:
                await client.aclose()


@pytest.fixture
async def market() -> AsyncIterator[LiveMarket]:
    """Real contracts, traded; blocks are final late, so that a reorg is an ordinary one."""
    async with Anvil(timestamp=START, slots_in_an_epoch=64) as anvil:
        made = await LiveMarket.deploy(anvil, seed=4)
        await made.trade(60)
        yield made


async def _head(market: LiveMarket) -> int:
    return int(await market.kit.anvil.rpc.call("eth_blockNumber", []), 16)


async def test_real_trading_is_reconciled_while_it_goes_on(market: LiveMarket, tmp_path: Path) -> None:
    """Every block, live, through a reorg; and what it says then, `verify` says too."""
    anvil = market.kit.anvil
    async with proving(market, tmp_path / "index.db", anvil.url) as made:
        await made.until(await _head(market))
        for _ in range(3):
            await market.trade(10)
        await made.until(await _head(market))
        await anvil.reorg(5)
        await market.trade(10)
        head = -1
        # A block that came while the last ones were proven is proven too.
        while head != await _head(market):
            head = await _head(market)
            await made.until(head)
        assert made.seen == set()
        found = await readiness(made.store)
        assert (found.ready, found.reasons, found.level, found.verified) == (True, [], Level.RECONCILED, True)
    async with JsonRpc(anvil.url) as rpc, open_database(tmp_path / "index.db") as database:
        (await verify(database, ChainRpc([rpc]))).require_ok()


def _logs(change: Callable[[list[Answer]], list[Answer]]) -> Lie:
    def lie(method: str, answer: Answer) -> None:
        if method == "eth_getLogs" and isinstance(answer.get("result"), list):
            answer["result"] = change(answer["result"])

    return lie


def _amount(logs: list[Answer]) -> list[Answer]:
    """A deposit is a little larger."""
    for log in logs:
        if len(log["data"]) == 66 and len(log["topics"]) == 3:
            log["data"] = f"0x{int(log['data'], 16) + 1:064x}"
            break
    return logs


def _twice(logs: list[Answer]) -> list[Answer]:
    """The last one comes again, under another number."""
    if not logs:
        return logs
    return [*logs, logs[-1] | {"logIndex": hex(int(logs[-1]["logIndex"], 16) + 1)}]


def _swapped(logs: list[Answer]) -> list[Answer]:
    """The first two of a transaction change places."""
    for place in range(len(logs) - 1):
        one, other = logs[place], logs[place + 1]
        if one["transactionHash"] == other["transactionHash"]:
            logs[place : place + 2] = [
                other | {"logIndex": one["logIndex"]}, one | {"logIndex": other["logIndex"]},
            ]  # fmt: skip
            return logs
    return logs


def _call(method: str, answer: Answer) -> None:
    result = answer.get("result")
    if method == "eth_call" and isinstance(result, str) and len(result) == 66:
        answer["result"] = f"0x{int(result, 16) + 1:064x}"


@pytest.mark.parametrize(
    "lie",
    [_logs(lambda logs: logs[:-1]), _logs(_twice), _logs(_swapped), _logs(_amount), _call],
    ids=["omitted", "duplicated", "reordered", "altered", "balance"],
)
async def test_an_endpoint_that_lies_is_found_and_left(market: LiveMarket, tmp_path: Path, lie: Lie) -> None:
    """The index is never verified while it is wrong, and right in the end by the other endpoint's word."""
    anvil = market.kit.anvil
    async with RpcProxy(anvil.url) as proxy:
        proxy.after = lambda request, answer: lie(request["method"], answer)
        async with proving(market, tmp_path / "index.db", proxy.url, anvil.url) as made:
            await made.until_trouble()
            assert not (await readiness(made.store)).ready
            # While it lies, what it told goes and comes again; in the end all is proven.
            await made.until(await _head(market))
            assert made.seen == {"difference"}
            assert made.rpc.endpoints.all[0].offences > 0
    async with JsonRpc(anvil.url) as rpc, open_database(tmp_path / "index.db") as database:
        (await verify(database, ChainRpc([rpc]))).require_ok()


async def test_the_only_endpoint_lies(market: LiveMarket, tmp_path: Path) -> None:
    """There is nobody else to ask: it says that it is not well, until the endpoint tells the truth."""
    anvil = market.kit.anvil
    async with RpcProxy(anvil.url) as proxy:
        proxy.after = lambda request, answer: _logs(_amount)(request["method"], answer)
        async with proving(market, tmp_path / "index.db", proxy.url) as made:
            await made.until_trouble()
            for _ in range(50):
                assert not (await made.standing())[1].verified or not made.seen
                await asyncio.sleep(0.01)
            assert not (await readiness(made.store)).ready
            proxy.after = None
            await made.until(await _head(market))
            assert (await readiness(made.store)).ready
