from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import JsonRpc
from chain_kit.websocket_rpc import WebSocketRpc
from indexer.rpc import ChainRpc
from indexer.source import Source
from indexer.steps import Forward
from tests.index_support.dump import dump
from tests.index_support.indexing import following, fresh_dump
from tests.index_support.market import LiveMarket
from tests.keeper_support.kit import START


@pytest.fixture
async def market() -> AsyncIterator[LiveMarket]:
    """The contracts, deployed and traded a little, on an anvil of their own."""
    async with Anvil(timestamp=START) as anvil:
        made = await LiveMarket.deploy(anvil, seed=7)
        await made.trade(20)
        yield made


async def _head(anvil: Anvil) -> tuple[int, str]:
    block = await anvil.rpc.call("eth_getBlockByNumber", ["latest", False])
    return int(block["number"], 16), block["hash"]


async def test_pushed_blocks_make_the_same_index(market: LiveMarket, tmp_path: Path) -> None:
    """Trades, a reorg and a rollback while anvil pushes its heads: as an index that is made afterwards."""
    anvil = market.kit.anvil
    async with following(anvil.url, market.deployment, tmp_path / "live.db", pushed=True) as follower:
        await follower.reach(*await _head(anvil))
        await market.trade(20)
        await follower.reach(*await _head(anvil))
        await anvil.rpc.call("anvil_reorg", [5, []])
        await follower.reach(*await _head(anvil))
        assert follower.undone == 5
        await anvil.rpc.call("anvil_rollback", [3])
        await anvil.rpc.call("anvil_mine", ["0x4"])
        await follower.reach(*await _head(anvil))
        assert follower.undone == 8
        live = await dump(follower.store)
    fresh = await fresh_dump(anvil.url, market.deployment, tmp_path)
    # Ranges are by who told of them, and there were two here.
    del live["proof"], fresh["proof"]
    assert live == fresh


async def test_every_header_of_anvil_can_be_recomputed(market: LiveMarket) -> None:
    """By HTTP and as it is pushed; blooms say of each block without our logs that it is quiet."""
    anvil = market.kit.anvil

    class Nothing:
        async def tip(self) -> None:
            return None

        async def headers(self, first: int, last: int) -> list[object]:
            raise AssertionError((first, last))

    async with JsonRpc(anvil.url) as http, WebSocketRpc(anvil.url.replace("http", "ws", 1)) as socket:
        source = Source(ChainRpc([http]), market.deployment, Nothing())  # type: ignore[arg-type]
        step = await source.next_step()
        assert isinstance(step, Forward)
        with_logs = {log.block_number for log in step.logs}
        assert len(with_logs) > 20
        assert {block.number for block in step.blocks} == with_logs | set(step.quiet)
        pushes = await socket.subscribe("newHeads")
        await anvil.rpc.call("evm_mine")
        pushed, quiet = source._fetcher.judge.header(await anext(pushes), "anvil")
        assert (pushed.number, pushed.hash) == await _head(anvil)
        assert quiet
        await source.aclose()
