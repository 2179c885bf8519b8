from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chain_kit.errors import RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc
from indexer.blocks import Block, Log
from indexer.deployment import LogFilter
from indexer.fetch import Ahead, Fetcher, _parts
from indexer.rpc import Backoff, ChainRpc
from tests.index_support.chain import DEPLOYMENT, FakeChain, raw_event
from tests.index_support.node import FakeNode, error_answer
from tests.index_support.world import World

FILTERS = DEPLOYMENT.log_filters()


class Fetching:
    """A fetcher over a node, and what came through it."""

    def __init__(self, node: FakeNode, client: JsonRpc, **options: Any) -> None:
        self.node = node
        self.rpc = ChainRpc([client], backoff=Backoff(attempts=3, first_seconds=0), **options)
        self.fetcher = Fetcher(self.rpc, FILTERS)
        self.ahead = Ahead(self.fetcher, self.rpc)
        self.blocks: list[Block] = []
        self.logs: list[Log] = []

    async def all(self, first: int = 0) -> None:
        """Everything from a block to the tip."""
        last = self.node.chain.tip.number
        while first <= last:
            piece = await self.ahead.get(first, last)
            judged = await self.fetcher.read(piece)
            assert judged is not None
            self.blocks += judged.blocks
            self.logs += judged.logs
            first = piece.last + 1

    def check(self, first: int = 0) -> None:
        """It is the chain, whole."""
        chain = self.node.chain
        assert self.blocks == chain.blocks[first:]
        assert self.logs == chain.logs_between(first, chain.tip.number)


@pytest.fixture(scope="module")
def world() -> World:
    """A chain of more than five hundred blocks, two hundred of them empty."""
    made = World(FakeChain(), 3)
    made.run(300)
    made.chain.mine_empty(250)
    return made


@pytest.fixture
async def fetching(world: World) -> AsyncIterator[Fetching]:
    """A fetcher of it."""
    async with FakeNode(world.chain) as node, JsonRpc(node.url, timeout_seconds=5) as client:
        made = Fetching(node, client)
        yield made
        await made.ahead.stop()


async def test_headers_and_logs_come_in_one_request(fetching: Fetching) -> None:
    """A request a range, whatever is in it."""
    pieces = await fetching.fetcher.fetch(3, 102)
    assert len(fetching.node.requests) == len(pieces) == 1
    assert fetching.node.methods() == ["eth_getBlockByNumber"] * 100 + ["eth_getLogs"] * len(FILTERS)


async def test_a_whole_chain_comes_in_order(fetching: Fetching) -> None:
    """In a few requests: ranges grow where blocks are empty."""
    await fetching.all()
    fetching.check()
    assert len(fetching.node.requests) <= 5
    assert fetching.rpc.span > 100


async def test_several_ranges_are_under_way(fetching: Fetching) -> None:
    """While the first is taken the next ones are asked for: two, and not more."""
    await fetching.all(540)
    fetching.node.requests.clear()
    fetching.rpc.ranges.size = 10
    await fetching.ahead.get(0, 500)
    assert len(fetching.ahead._tasks) == 2
    await asyncio.gather(*fetching.ahead._tasks)
    assert len(fetching.node.requests) == 3


async def test_what_waits_is_bounded(fetching: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where answers are large, fewer are fetched ahead."""
    monkeypatch.setattr("indexer.fetch._HELD_BYTES", 1)
    await fetching.all(540)
    fetching.node.requests.clear()
    fetching.rpc.ranges.size = 10
    await fetching.ahead.get(0, 500)
    await asyncio.gather(*fetching.ahead._tasks)
    before = len(fetching.node.requests)
    fetching.ahead._plan()
    await asyncio.sleep(0)
    assert len(fetching.node.requests) == before


@pytest.mark.parametrize("limit", [1, 7, 64])
async def test_a_limit_on_blocks(fetching: Fetching, limit: int) -> None:
    """Where a node says how many it allows, it is asked for so many: one refusal, then none."""
    fetching.node.limits.blocks = limit
    await fetching.all(430)
    fetching.check(430)
    refused, *answered = _spans(fetching.node)[:: len(FILTERS)]
    assert refused == 100
    assert max(answered) <= limit


@pytest.mark.parametrize("limit", [50, 200])
async def test_a_limit_on_results(fetching: Fetching, limit: int) -> None:
    """Ranges are halved until the answers fit."""
    fetching.node.limits.results = limit
    await fetching.all()
    fetching.check()


async def test_a_limit_on_calls(fetching: Fetching) -> None:
    """Headers and logs then come in several requests."""
    fetching.node.limits.calls = 30
    fetching.rpc.ranges.size = 80
    await fetching.all(400)
    fetching.check(400)


async def test_an_answer_that_is_too_large_is_cut_off(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not read to its end, and less is asked for."""
    monkeypatch.setattr("indexer.fetch._MOST_BYTES", 100_000)
    await fetching.all()
    fetching.check()
    assert fetching.rpc.span < 100


async def test_a_node_that_streams_without_end() -> None:
    """After so many bytes the connection is closed, whatever the node goes on to send."""
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while sent < 500 << 20:
                writer.write(b"100000\r\n" + b"[" * (1 << 20) + b"\r\n")
                sent += 1 << 20
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, JsonRpc(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client:
        with pytest.raises(RpcUnreachableError, match="larger than 24 MB"):
            await Fetcher(ChainRpc([client], backoff=Backoff(attempts=1)), FILTERS).fetch(5, 5)
    assert sent < 100 << 20


async def test_a_node_that_takes_few_addresses(fetching: Fetching) -> None:
    """Filters are split until it takes them; together they find the same."""

    def few(batch: list[dict[str, Any]]) -> None:
        lists = [call["params"][0]["address"] for call in batch if call["method"] == "eth_getLogs"]
        if any(len(addresses) > 2 for addresses in lists):
            fetching.node.faults.append(error_answer(-32000, "specify less number of addresses"))

    fetching.node.before = few
    await fetching.all()
    fetching.check()
    assert len(fetching.fetcher._asked) > len(FILTERS)


def test_parts_of_a_filter_say_the_same() -> None:
    """Each combination of addresses and topics is asked for exactly once."""
    one = LogFilter(("a", "b", "c"), (("x",), None, ("p", "q", "r")))
    parts = list(_parts(one, 2))
    asked = [
        (address, topic) for part in parts for address in part.addresses for topic in part.topics[2] or ()
    ]
    assert sorted(asked) == sorted((address, topic) for address in "abc" for topic in "pqr")
    assert all(part.topics[:2] == (("x",), None) for part in parts)


async def test_a_failure_comes_where_it_belongs(fetching: Fetching) -> None:
    """What was fetched before it is given first; asked again, it goes on from there."""
    fetching.rpc.ranges.size = 10

    def broken(batch: list[dict[str, Any]]) -> None:
        if batch[0]["params"][0] == hex(20):
            fetching.node.faults.append(error_answer(-32000, "missing trie node"))

    fetching.node.before = broken
    assert [(await fetching.ahead.get(first, 500)).first for first in (0, 10)] == [0, 10]
    with pytest.raises(RpcResponseError, match="missing trie node"):
        await fetching.ahead.get(20, 500)
    fetching.node.before = lambda _: None
    assert (await fetching.ahead.get(20, 500)).first == 20


async def test_a_block_by_its_hash(fetching: Fetching) -> None:
    """All its logs, in one request."""
    chain = fetching.node.chain
    block = chain.mine(raw_event("EpochHub", "TradingPaused", True))
    judged = await fetching.fetcher.block(block)
    assert judged is not None
    assert list(judged.logs) == chain.logs[block.hash]
    assert len(fetching.node.requests) == 1
    chain.rollback(1)


def _spans(node: FakeNode) -> list[int]:
    """How many blocks each `eth_getLogs` was about."""
    wanted = [
        call["params"][0] for batch in node.requests for call in batch if call["method"] == "eth_getLogs"
    ]
    return [int(one["toBlock"], 16) - int(one["fromBlock"], 16) + 1 for one in wanted]
