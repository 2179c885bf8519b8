from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chain_kit.errors import ManifestChainError, RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc, RpcClient
from indexer.blocks import Block
from indexer.endpoints import NoEndpointError
from indexer.false_answer import FalseAnswerError
from indexer.proof.levels import Level
from indexer.rpc import Backoff, ChainRpc
from indexer.source import InconsistentChainError, Source
from indexer.steps import DEEP_REORG, Forward, Step, Undo
from tests.index_support.chain import DEPLOYMENT, FakeChain, raw_event
from tests.index_support.node import FakeNode, Lie, error_answer
from tests.index_support.world import World

FIRST = DEPLOYMENT.first_block


class Taken:
    """Takes steps as a store does, and keeps the blocks and logs."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.logs: list[Any] = []
        self.undone: list[int] = []

    async def tip(self) -> Block | None:
        """The last block."""
        return self.blocks[-1] if self.blocks else None

    async def headers(self, first: int, last: int) -> list[Block]:
        """Those that there are."""
        return [block for block in self.blocks if first <= block.number <= last]

    def take(self, step: Step) -> None:
        """Refuses what does not follow."""
        if isinstance(step, Forward):
            tip = self.blocks[-1] if self.blocks else None
            assert tip is None or step.blocks[0].parent_hash == tip.hash
            self.blocks += step.blocks
            self.logs += step.logs
        else:
            assert step.to_block < self.blocks[-1].number
            self.undone.append(self.blocks[-1].number - step.to_block)
            self.blocks = [block for block in self.blocks if block.number <= step.to_block]
            self.logs = [log for log in self.logs if log.block_number <= step.to_block]


class Following:
    """A source over a node, and what it gave."""

    def __init__(
        self,
        node: FakeNode,
        *endpoints: RpcClient,
        taken: Taken | None = None,
        batch_size: int = 1_000,
        **options: Any,
    ) -> None:
        self.node = node
        self.told: list[str] = []
        self.taken = taken or Taken()
        self.rpc = ChainRpc(
            endpoints,
            backoff=Backoff(attempts=2, first_seconds=0),
            most_blocks=50,
            batch_size=batch_size,
            on_notice=self.told.append,
        )
        self.source = Source(self.rpc, DEPLOYMENT, self.taken, poll_seconds=0.01, **options)

    async def catch_up(self) -> None:
        """All steps to the head, which is then seen twice."""
        idle = 0
        while idle < 3:
            step = await self.source.next_step()
            idle = idle + 1 if step is None else 0
            if step is not None:
                self.taken.take(step)

    def check(self) -> None:
        """What was taken is the chain, from the deployment on."""
        chain = self.node.chain
        assert self.taken.blocks == chain.blocks[FIRST:]
        assert self.taken.logs == chain.logs_between(FIRST, chain.tip.number)


@pytest.fixture
def world() -> World:
    """A chain with some hundred events."""
    made = World(FakeChain(finality=1_000), 2)
    made.run(120)
    return made


@pytest.fixture
async def following(world: World) -> AsyncIterator[Following]:
    """A source that has caught up with it."""
    async with FakeNode(world.chain) as node, JsonRpc(node.url) as endpoint:
        made = Following(node, endpoint)
        await made.catch_up()
        made.check()
        yield made


async def test_new_blocks_are_taken_one_by_one_or_many(world: World, following: Following) -> None:
    """At the head a block is a step; after a pause all that came meanwhile are."""
    for count in (1, 1, 30):
        world.run(count)
        await following.catch_up()
        following.check()
    assert following.taken.undone == []


@pytest.mark.parametrize("depth", [1, 5, 20, 100])
async def test_a_reorg_is_undone_to_the_fork(world: World, following: Following, depth: int) -> None:
    """Exactly the replaced blocks go, whether the new chain is as long or longer."""
    world.rewind(depth)
    world.run(depth)
    await following.catch_up()
    following.check()
    assert following.taken.undone == [depth]


@pytest.mark.parametrize("depth", [1, 5, 20, 100])
async def test_a_chain_that_became_shorter_is_undone(world: World, following: Following, depth: int) -> None:
    """A rollback without new blocks is seen as well."""
    world.rewind(depth)
    await following.catch_up()
    following.check()
    assert following.taken.undone == [depth]


async def test_a_reorg_to_a_shorter_chain(world: World, following: Following) -> None:
    """Ten blocks replaced by four."""
    world.rewind(10)
    world.run(4)
    await following.catch_up()
    following.check()
    assert following.taken.undone == [10]


async def test_a_reorg_of_everything(world: World, following: Following) -> None:
    """Even the deployment's own first block can be another one: the index starts over."""
    depth = world.chain.tip.number - FIRST + 1
    world.chain.reorg(depth + 1)
    await following.catch_up()
    following.check()
    assert following.taken.undone == [depth]


@pytest.mark.parametrize("blocks", [1, 300])
async def test_another_chain_undoes_nothing(following: Following, blocks: int) -> None:
    """A node that began anew, as an anvil does that is started again, is refused before anything goes."""
    other = FakeChain(start_at=1_800_000_000, salt=7)
    other.blocks[0] = other.blocks[0]._replace(hash="0x" + "77" * 32)
    other.mine_empty(blocks)
    following.node.chain = other
    following.source._shrinking._looks = 1
    with pytest.raises(ManifestChainError):
        await following.source.next_step()


async def test_a_reorg_while_it_was_not_running(world: World, following: Following) -> None:
    """A new source over what was taken finds it by the stored headers."""
    world.rewind(17)
    world.run(25)
    again = Following(following.node, following.rpc.endpoints.all[0].client, taken=following.taken)
    await again.catch_up()
    again.check()
    assert again.taken.undone == [17]


async def test_an_endpoint_that_lags_once_undoes_nothing(world: World, following: Following) -> None:
    """A head behind the last block is believed only when it is seen again."""
    chain = following.node.chain
    hidden = chain.blocks[-3:]
    del chain.blocks[-3:]
    assert await following.source.next_step() is None
    chain.blocks += hidden
    world.run(1)
    await following.catch_up()
    following.check()
    assert following.taken.undone == []


@pytest.mark.parametrize("seed", range(6))
async def test_the_chain_changes_between_any_two_requests(world: World, seed: int) -> None:
    """Blocks are mined, replaced and removed under the source; at last it has the chain that stands."""
    chance = world.random
    chance.seed(seed)

    def change(_: list[dict[str, Any]]) -> None:
        if len(node.requests) > 60:
            return
        what = chance.random()
        if what < 0.3:
            world.rewind(chance.randint(1, min(25, world.chain.tip.number - FIRST - 5)))
            world.run(chance.randint(0, 30))
        elif what < 0.6:
            world.run(chance.randint(1, 5))

    async with FakeNode(world.chain) as node, JsonRpc(node.url) as endpoint:
        following = Following(node, endpoint)
        node.before = change
        # It may see nothing new three times in a row while more is to come.
        while len(node.requests) <= 60:
            await following.catch_up()
        await following.catch_up()
        following.check()
        assert following.taken.undone


async def test_logs_that_belong_to_other_blocks_are_not_taken(world: World) -> None:
    """When the chain changes between headers and logs, the step is made anew."""
    changed = False

    def change(batch: list[dict[str, Any]]) -> None:
        nonlocal changed
        if not changed and batch[-1]["method"] == "eth_getLogs":
            changed = True
            world.rewind(110)
            world.run(115)

    async with FakeNode(world.chain) as node, JsonRpc(node.url) as endpoint:
        # Short batches: the headers come some requests before the logs.
        following = Following(node, endpoint, batch_size=40)
        node.before = change
        await following.catch_up()
        following.check()
    assert changed


async def test_a_node_that_contradicts_itself_is_given_up(world: World, following: Following) -> None:
    """If headers never link, there is an error instead of an endless loop."""
    world.run(5)
    chain = following.node.chain
    other = chain.branch(4)
    other.mine_empty(4)
    chain.blocks[-2] = other.blocks[-2]
    with pytest.raises(InconsistentChainError):
        await following.source.next_step()


async def test_a_block_whose_logs_are_refused(world: World, following: Following) -> None:
    """An endpoint that never gives a block's logs is an error that says what it answered."""
    world.run(1)
    refused = error_answer(-32000, "missing trie node")

    def refuse(batch: list[dict[str, Any]]) -> None:
        if batch[0]["method"] == "eth_getLogs":
            following.node.faults.append(refused)

    following.node.before = refuse
    with pytest.raises(RpcResponseError, match="missing trie node"):
        await following.source.next_step()


async def test_after_a_failure_it_goes_on(world: World, following: Following) -> None:
    """An outage is raised, and nothing is lost or doubled by it."""
    world.run(8)
    following.node.faults.extend([lambda _: (503, b"")] * 2)
    with pytest.raises(RpcUnreachableError):
        await following.source.next_step()
    await following.catch_up()
    following.check()


async def test_before_the_deployment_there_is_nothing() -> None:
    """A chain that has not reached the first block gives no step, and none of the blocks before it."""
    chain = FakeChain()
    async with FakeNode(chain) as node, JsonRpc(node.url) as endpoint:
        following = Following(node, endpoint)
        assert await following.source.next_step() is None
        chain.mine(raw_event("EpochHub", "TradingPaused", True))
        step = await following.source.next_step()
    assert isinstance(step, Forward)
    assert [block.number for block in step.blocks] == [FIRST]


async def test_it_can_be_woken(following: Following) -> None:
    """At the head it waits for its time, or until somebody knows of a block."""
    source = Source(following.rpc, DEPLOYMENT, following.taken, poll_seconds=3600)
    waiting = asyncio.create_task(source.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    source.wake()
    await asyncio.wait_for(waiting, 5)
    source.wake()
    await asyncio.wait_for(source.wait(), 5)


async def test_undo_names_the_fork_and_not_more(world: World, following: Following) -> None:
    """The step itself: back to the last common block."""
    common = world.chain.tip.number - 9
    world.rewind(9)
    world.run(12)
    step = await following.source.next_step()
    assert step == Undo(common, world.chain.head)


async def test_a_reorg_within_the_window_is_no_trouble(world: World) -> None:
    """As many blocks as the window has may be replaced; one more is a deep reorg."""
    async with FakeNode(world.chain) as node, JsonRpc(node.url) as endpoint:
        following = Following(node, endpoint, undo_window=20)
        await following.catch_up()
        for depth, reason in ((20, "reorg"), (21, DEEP_REORG)):
            common = world.chain.tip.number - depth
            world.rewind(depth)
            world.run(depth)
            step = await following.source.next_step()
            assert step == Undo(common, world.chain.head, reason)
            following.taken.take(step)
            await following.catch_up()
            following.check()


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_reorg_of_what_was_final_is_deep(world: World, restarted: bool) -> None:
    """However short; what the chain calls final now is all that is kept. A restart does not forget."""
    chain = world.chain
    chain.finality = 10
    async with FakeNode(chain) as node, JsonRpc(node.url) as endpoint:
        following = Following(node, endpoint)
        await following.catch_up()
        if restarted:
            final = chain.head.finalized
            following = Following(node, endpoint, taken=following.taken, finalized=final)
        common = chain.tip.number - 12
        world.rewind(12)
        world.run(13)
        if restarted:
            chain.finality = 40
        step = await following.source.next_step()
        expected = min(common, chain.head.finalized)
        assert step == Undo(expected, chain.head, DEEP_REORG)
        following.taken.take(step)
        await following.catch_up()
        following.check()


async def test_quiet_blocks_and_level_are_passed_on(world: World, following: Following) -> None:
    """Blocks whose bloom rules our events out are named; the headers link."""
    tip = world.chain.tip.number
    world.chain.mine()
    world.chain.mine(raw_event("EpochHub", "TradingPaused", True))
    world.chain.mine()
    step = await following.source.next_step()
    assert isinstance(step, Forward)
    assert step.quiet == (tip + 1, tip + 3)
    assert step.level is Level.LINKED
    assert step.endpoint == following.node.url


async def test_trusted_headers_are_no_proof(world: World) -> None:
    """What is taken as it is told has no level, and no quiet block."""
    async with FakeNode(world.chain) as node, JsonRpc(node.url) as endpoint:
        node.lies.append(
            lambda method, _, result: (
                result | {"miner": "0x" + "12" * 20} if method == "eth_getBlockByNumber" else result
            )
        )
        rpc = ChainRpc([endpoint], trust_headers=True)
        step = await Source(rpc, DEPLOYMENT, Taken()).next_step()
    assert isinstance(step, Forward)
    assert (step.level, step.quiet) == (Level.NONE, ())


def _altered(method: str, _: list[Any], result: Any) -> Any:
    return result | {"stateRoot": "0x" + "13" * 32} if method == "eth_getBlockByNumber" else result


def _doubled(method: str, _: list[Any], result: Any) -> Any:
    return [*result, *result[-1:]] if method == "eth_getLogs" else result


def _turned(method: str, _: list[Any], result: Any) -> Any:
    return result[::-1] if method == "eth_getLogs" else result


def _moved(method: str, _: list[Any], result: Any) -> Any:
    if method != "eth_getLogs":
        return result
    return [{**log, "blockNumber": "0x1"} for log in result]


LIES: dict[str, Lie] = {"altered": _altered, "doubled": _doubled, "turned": _turned, "moved": _moved}


@pytest.mark.parametrize("lie", LIES)
async def test_who_lies_is_left_and_another_asked(world: World, lie: str) -> None:
    """The index gets the truth from the other, and the liar is named."""
    async with (
        FakeNode(world.chain) as liar,
        FakeNode(world.chain) as honest,
        JsonRpc(liar.url) as first,
        JsonRpc(honest.url) as second,
    ):
        liar.lies.append(LIES[lie])
        following = Following(honest, first, second)
        await following.catch_up()
        following.check()
        assert any(text.startswith(f"{liar.url} is left for 5 s: ") for text in following.told)
        assert following.rpc.endpoints.all[0].offences == 1


async def test_a_lone_liar_is_asked_again_later(world: World, following: Following) -> None:
    """There is nobody else: the error says what it told, and after a while it has another chance."""
    world.run(3)
    following.node.lies.append(_altered)
    with pytest.raises(FalseAnswerError, match="hashes to"):
        await following.source.next_step()
    with pytest.raises(NoEndpointError, match="hashes to"):
        await following.source.next_step()
    following.node.lies.clear()
    following.rpc.endpoints.all[0].rests_until = 0.0
    await following.catch_up()
    following.check()


async def test_a_replica_that_lags_is_no_reorg(world: World) -> None:
    """With another endpoint that has the block, nothing is undone however often the first one lags."""
    async with (
        FakeNode(world.chain) as near,
        FakeNode(world.chain) as far,
        JsonRpc(near.url) as first,
        JsonRpc(far.url) as second,
    ):
        following = Following(near, first, second)
        await following.catch_up()
        near.lag = 3
        for _ in range(5):
            assert await following.source.next_step() is None
        world.run(2)
        await following.catch_up()
        following.check()
        assert following.taken.undone == []


async def test_answers_that_never_fit_lead_to_another_endpoint(world: World) -> None:
    """A node whose headers do not link is asked some times, and then left."""
    async with (
        FakeNode(world.chain.branch(0)) as torn,
        FakeNode(world.chain) as whole,
        JsonRpc(torn.url) as first,
        JsonRpc(whole.url) as second,
    ):
        other = torn.chain.branch(5)
        other.mine_empty(5)
        torn.chain.blocks[-3] = other.blocks[-3]
        following = Following(whole, first, second)
        await following.catch_up()
        following.check()
        assert any("do not fit together" in text for text in following.told)


async def test_it_can_be_closed_and_asked_again(world: World) -> None:
    """What is under way is given up; the next step is the same."""
    async with FakeNode(world.chain) as node, JsonRpc(node.url) as endpoint:
        following = Following(node, endpoint)
        step = await following.source.next_step()
        assert step is not None
        following.taken.take(step)
        await following.source.aclose()
        await following.catch_up()
        following.check()


@pytest.mark.parametrize("down", [False, True])
async def test_a_rollback_that_all_endpoints_tell_of(world: World, down: bool) -> None:
    """It is believed at once when every endpoint has become shorter, but not while one of them is silent."""
    async with (
        FakeNode(world.chain) as one,
        FakeNode(world.chain) as two,
        JsonRpc(one.url) as first,
        JsonRpc(two.url) as second,
    ):
        following = Following(one, first, second)
        await following.catch_up()
        world.rewind(4)
        if down:
            two.faults.extend([lambda _: (503, b"")] * 20)
            assert [await following.source.next_step() for _ in range(4)] == [None] * 4
            following.source._shrinking._since -= 31
        await following.catch_up()
        following.check()
        assert following.taken.undone == [4]
