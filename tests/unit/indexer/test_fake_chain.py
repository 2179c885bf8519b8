"""The chain that the index is tested on is one: its headers, blooms, receipts and contracts agree."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import rlp  # type: ignore[import-untyped]
from trie import HexaryTrie  # type: ignore[import-untyped]
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chain_kit.errors import RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc
from indexer.proof.bloom import BloomTest
from indexer.proof.headers import header_hash
from indexer.rpc import ChainRpc
from indexer.store import open_store
from indexer.verify import verify
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.node import FakeNode, Limits
from tests.index_support.sealing import FORKS, trie_root
from tests.index_support.world import World

FIRST = DEPLOYMENT.first_block


@pytest.fixture
def world() -> World:
    """A chain with some events."""
    made = World(FakeChain(), 8)
    made.run(60)
    return made


@pytest.mark.parametrize("fork", FORKS)
def test_headers_hash_to_their_names(fork: str) -> None:
    """Whatever fields a fork has added, with deposits and without."""
    chain = FakeChain(fork=fork, deposits=fork == "cancun")
    World(chain, 1).run(30)
    assert [header_hash(chain.header_json(block)) for block in chain.blocks] == [b.hash for b in chain.blocks]


def test_blooms_tell_quiet_blocks(world: World) -> None:
    """A block without logs of the deployment is known by its bloom, and only that."""
    test = BloomTest(DEPLOYMENT.log_filters())
    chain = world.chain
    told = [test.may_contain(chain.header_json(block)["logsBloom"]) for block in chain.blocks]
    assert told == [bool(chain.logs[block.hash]) for block in chain.blocks]
    assert set(told) == {True, False}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 16, 17, 127, 128, 129, 300])
def test_the_trie_is_the_one_of_others(count: int) -> None:
    """Against py-trie, with values that are longer and shorter than a hash."""
    values = [os.urandom(1 + number * 7 % 200) for number in range(count)]
    other = HexaryTrie({})
    for number, value in enumerate(values):
        other[rlp.encode(number)] = value
    assert trie_root(values) == "0x" + other.root_hash.hex()


def test_receipts_hold_the_logs_in_order(world: World) -> None:
    """Numbered through the block, each in the transaction that the log names."""
    chain = world.chain
    for block in chain.blocks:
        receipts = chain.sealed[block.hash].receipts()
        found = [(int(log["logIndex"], 16), log["transactionHash"], log["data"])
                 for receipt in receipts for log in receipt["logs"]]  # fmt: skip
        assert found == [(log.log_index, log.tx_hash, log.data) for log in chain.logs[block.hash]]
        assert [receipt["transactionHash"] for receipt in receipts] == chain.sealed[block.hash].header[
            "transactions"
        ]


def test_reorgs_and_branches_have_other_hashes(world: World) -> None:
    """The same events in another branch make other blocks; what is below stays."""
    before = list(world.chain.blocks)
    branch = world.branch(10, seed=5)
    branch.run(10)
    world.rewind(10)
    world.run(10)
    assert world.chain.blocks[:-10] == branch.chain.blocks[:-10] == before[:-10]
    tips = [
        {block.hash for block in blocks[-10:]} for blocks in (before, world.chain.blocks, branch.chain.blocks)
    ]
    assert len(set.union(*tips)) == 30


@pytest.fixture
async def node(world: World) -> AsyncIterator[FakeNode]:
    """It, served."""
    async with FakeNode(world.chain) as served:
        yield served


async def test_the_contracts_answer_what_the_logs_add_up_to(
    world: World, node: FakeNode, tmp_path: Path
) -> None:
    """At any block, also of a branch: what is indexed by logs is what the calls say."""
    world.rewind(9)
    world.run(40)
    async with JsonRpc(node.url) as rpc, open_store(tmp_path / "index.db", DEPLOYMENT) as store:
        await store.take(world.chain.forward(FIRST))
        for number in (FIRST, 30, 70, world.chain.tip.number):
            report = await verify(store, ChainRpc([rpc]), at_block=number)
            assert report.ok, report.differences


async def test_a_lagging_replica_knows_nothing_of_the_newest(world: World, node: FakeNode) -> None:
    """Neither by number nor by hash, and its logs end earlier."""
    node.lag = 3
    tip = world.chain.tip
    async with JsonRpc(node.url) as rpc:
        newest = await rpc.call("eth_getBlockByNumber", ["latest", False])
        assert newest["hash"] == world.chain.blocks[-4].hash
        assert await rpc.call("eth_getBlockByNumber", [hex(tip.number), False]) is None
        assert await rpc.call("eth_getBlockByHash", [tip.hash, False]) is None
        assert await rpc.call("eth_getBlockReceipts", [tip.hash]) is None
        with pytest.raises(RpcResponseError, match="unknown block"):
            await rpc.call("eth_getLogs", [{"blockHash": tip.hash}])
        logs = await rpc.call("eth_getLogs", [{"fromBlock": "0x0", "toBlock": hex(tip.number)}])
    assert len(logs) == len(world.chain.logs_between(0, tip.number - 3))


async def test_limits_refuse_as_providers_do(world: World, node: FakeNode) -> None:
    """Wide ranges, many results, long batches and methods that are not there, each in its words."""
    node.limits = Limits(blocks=20, results=5, calls=3, unsupported={"eth_getBlockReceipts"})
    async with JsonRpc(node.url) as rpc:
        with pytest.raises(RpcResponseError, match="max block range 20"):
            await rpc.call("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "0x14"}])
        with pytest.raises(RpcResponseError, match="more than 5 results"):
            await rpc.call("eth_getLogs", [{"blockHash": world.chain.blocks[FIRST].hash}])
        with pytest.raises(RpcUnreachableError, match="413"):
            await rpc.batch([("eth_blockNumber", [])] * 4)
        with pytest.raises(RpcResponseError, match="does not exist"):
            await rpc.call("eth_getBlockReceipts", ["latest"])


async def test_lies_change_answers(world: World, node: FakeNode) -> None:
    """Whatever was asked for, before it is sent."""

    def fewer(method: str, _: list[Any], result: Any) -> Any:
        return result[:-1] if method == "eth_getLogs" else result

    node.lies.append(fewer)
    async with JsonRpc(node.url) as rpc:
        logs = await rpc.call("eth_getLogs", [{"blockHash": world.chain.blocks[FIRST].hash}])
    assert len(logs) == len(world.chain.logs[world.chain.blocks[FIRST].hash]) - 1


async def _ask(connection: ClientConnection, method: str, *params: Any) -> Any:
    await connection.send(orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    return orjson.loads(await connection.recv())["result"]


async def test_new_heads_are_announced(world: World, node: FakeNode) -> None:
    """Each block to each subscriber, with a header that hashes; other questions are answered between."""
    async with asyncio.timeout(20), connect(node.ws_url) as connection:
        subscription = await _ask(connection, "eth_subscribe", "newHeads")
        assert await _ask(connection, "eth_blockNumber") == hex(world.chain.tip.number)
        world.run(2)
        for block in world.chain.blocks[-2:]:
            news = orjson.loads(await connection.recv())
            assert news["method"] == "eth_subscription"
            assert news["params"]["subscription"] == subscription
            assert header_hash(news["params"]["result"]) == news["params"]["result"]["hash"] == block.hash
        assert await _ask(connection, "eth_unsubscribe", subscription)
        assert node.subscribers == 0


async def test_sockets_can_be_dropped(node: FakeNode) -> None:
    """A break that the other side sees."""
    async with asyncio.timeout(20), connect(node.ws_url) as connection:
        await _ask(connection, "eth_subscribe", "newHeads")
        node.drop_sockets()
        with pytest.raises(ConnectionClosed):
            await connection.recv()
