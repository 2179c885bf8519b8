from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.jsonrpc import JsonRpc
from chain_kit.websocket_rpc import WebSocketRpc
from indexer.blocks import Block
from indexer.live import Live
from indexer.rpc import Backoff, ChainRpc
from indexer.source import Source
from indexer.steps import Forward, Head
from indexer.store import Store, open_store
from indexer.tail import Progress, run
from indexer.together import together
from tests.index_support.chain import DEPLOYMENT, FakeChain, raw_event
from tests.index_support.node import FakeNode
from tests.index_support.world import World


class Following:
    """An index that follows a node by HTTP and WebSocket, and what it went through."""

    def __init__(self, node: FakeNode, http: JsonRpc, socket: WebSocketRpc, store: Store) -> None:
        self.node = node
        self.store = store
        self.told: list[str] = []
        self.rpc = ChainRpc([http, socket], backoff=Backoff(attempts=2), on_notice=self.told.append)
        pushing = self.rpc.endpoints.pushing()
        assert pushing is not None
        self.live = Live(self.rpc, pushing, backoff=Backoff(first_seconds=0.01))
        # Long: whatever is seen within the test was pushed, unless it polls since there is no subscription.
        self.source = Source(self.rpc, DEPLOYMENT, store, poll_seconds=0.05, live=self.live)
        self.stop = asyncio.Event()
        self.steps: list[Progress] = []
        self._moved = asyncio.Event()
        self.live.on_change(self._moved.set)

    def hear(self, progress: Progress) -> None:
        """What the runner tells."""
        self.steps.append(progress)
        self._moved.set()

    async def until(self, block: Block) -> None:
        """That one is the last that is indexed."""
        async with asyncio.timeout(20):
            while await self.store.tip() != block:
                await self._moved.wait()
                self._moved.clear()

    async def subscribed(self, *, to_be: bool = True) -> None:
        """The subscription stands, or it does not."""
        async with asyncio.timeout(20):
            while self.live.subscribed != to_be:
                await self._moved.wait()
                self._moved.clear()

    async def stored(self) -> None:
        """What is indexed is the chain."""
        chain = self.node.chain
        await self.until(chain.tip)
        first = DEPLOYMENT.first_block
        assert await self.store.headers(first, chain.tip.number) == chain.blocks[first:]
        logs = chain.logs_between(first, chain.tip.number)
        assert await self.store.events_between(first, chain.tip.number) == logs

    def asked(self) -> list[str]:
        """What was asked since this was called last."""
        methods = self.node.methods()
        self.node.requests.clear()
        return methods


@pytest.fixture
def world() -> World:
    """A chain with some events."""
    made = World(FakeChain(finality=1_000), 4)
    made.run(40)
    return made


@pytest.fixture
async def following(world: World, tmp_path: Path) -> AsyncIterator[Following]:
    """Caught up, and subscribed."""
    async with (
        FakeNode(world.chain) as node,
        JsonRpc(node.url) as http,
        WebSocketRpc(node.ws_url, timeout_seconds=5) as socket,
        open_store(tmp_path / "index.db", DEPLOYMENT) as store,
    ):
        made = Following(node, http, socket, store)
        tail = run(
            store, made.source, made.stop, on_step=made.hear, on_trouble=lambda _: None, retry_seconds=0
        )
        task = asyncio.create_task(together(tail, made.live.run()))
        await made.until(world.chain.tip)
        await made.subscribed()
        yield made
        made.stop.set()
        await asyncio.wait_for(task, 10)


async def test_a_block_that_is_pushed_is_taken_without_a_look(world: World, following: Following) -> None:
    """Its header is in the push; its logs are asked by its hash. Looks go on beside, about one a second."""
    following.asked()
    for _ in range(10):
        tip = world.chain.mine(raw_event("EpochHub", "TradingPaused", True))
        await following.until(tip)
    asked = following.asked()
    assert asked.count("eth_getLogs") == 10 * len(DEPLOYMENT.log_filters())
    assert asked.count("eth_getBlockByNumber") <= 9
    await following.stored()


async def test_of_a_quiet_block_nothing_is_asked(world: World, following: Following) -> None:
    """Its bloom says that it holds nothing of ours."""
    following.asked()
    for _ in range(5):
        world.chain.mine()
        await following.until(world.chain.tip)
    assert "eth_getLogs" not in following.asked()


async def test_many_blocks_at_once(world: World, following: Following) -> None:
    """None is left out."""
    world.run(30)
    await following.stored()


async def test_a_reorg_is_found_by_the_next_push(world: World, following: Following) -> None:
    """The pushed block names another parent: the replaced ones are undone first."""
    world.rewind(7)
    world.run(9)
    await following.stored()
    assert sum(step.undone for step in following.steps) == 7


async def test_a_connection_that_breaks_is_made_anew_without_a_gap(
    world: World, following: Following
) -> None:
    """What was mined meanwhile is asked for; then pushes come again."""
    following.node.drop_sockets()
    await following.subscribed(to_be=False)
    world.run(5)
    await following.stored()
    await following.subscribed()
    world.run(5)
    await following.stored()
    assert [text.split(": ", 1)[1] for text in following.told] == [
        "new blocks are pushed",
        "new blocks are no longer pushed: polling",
        "new blocks are pushed",
    ]


async def test_pushes_that_are_missing_leave_no_gap(world: World, following: Following) -> None:
    """A push that names an unknown parent makes it ask for the numbers between."""
    following.node.mute = True
    world.run(3)
    following.node.mute = False
    world.run(1)
    await following.stored()


async def test_a_subscription_that_has_fallen_silent_is_found_out(world: World, following: Following) -> None:
    """Heads elsewhere go on while nothing is pushed: it is begun anew."""
    heard = following.node._announce
    following.node._listen_to(None)
    for _ in range(3):
        world.run(1)
        await following.until(world.chain.tip)
    await following.subscribed()
    assert any("did not tell of block" in text for text in following.told)
    assert heard in world.chain.listeners or following.node.subscribers
    world.run(2)
    await following.stored()


async def test_a_push_that_is_no_header_is_a_sign_to_look(world: World, following: Following) -> None:
    """Some nodes leave fields out: then the block is asked for, and nobody is blamed."""
    following.live.heads.append({"number": "0x1"})
    following.live.heads.append(None)
    world.run(2)
    await following.stored()
    assert following.rpc.endpoints.pushing() in following.rpc.endpoints.usable()


async def test_a_socket_that_tells_false_logs_is_left(world: World, following: Following) -> None:
    """The block is taken from elsewhere."""

    def twice(method: str, params: list[Any], result: Any) -> Any:
        by_hash = method == "eth_getLogs" and "blockHash" in params[0]
        return [*result, *result] if by_hash and following.live.endpoint.offences == 0 else result

    following.node.lies.append(twice)
    tip = world.chain.mine(raw_event("EpochHub", "TradingPaused", True))
    await following.until(tip)
    await following.stored()
    assert following.live.endpoint.offences == 1
    assert not following.live.subscribed


async def test_safe_and_final_are_followed(world: World, following: Following) -> None:
    """Looks beside the pushes see them, and the store keeps them although no block comes."""
    noted = asyncio.Event()
    keep = following.store.note_head

    async def note(head: Head, looked_at_ms: int | None = None) -> None:
        await keep(head, looked_at_ms)
        if head.finalized:
            noted.set()

    following.store.note_head = note  # type: ignore[method-assign]
    world.chain.finality = 4
    await asyncio.wait_for(noted.wait(), 10)
    assert await following.store.finalized() == world.chain.tip.number - 4


async def test_forward_names_the_socket(world: World, following: Following) -> None:
    """Who told of a block can be asked to answer for it."""
    steps: list[Forward] = []
    take = following.store.take

    async def keep(step: Any) -> None:
        steps.append(step)
        await take(step)

    following.store.take = keep  # type: ignore[method-assign]
    world.run(1)
    await following.until(world.chain.tip)
    assert steps[-1].endpoint == following.node.ws_url


async def test_only_a_websocket_can_push() -> None:
    """An HTTP endpoint is a programming error."""
    async with JsonRpc("http://127.0.0.1:1") as http:
        rpc = ChainRpc([http])
        assert rpc.endpoints.pushing() is None
        with pytest.raises(TypeError, match="no WebSocket"):
            Live(rpc, rpc.endpoints.all[0])
