"""The prover over a chain in memory, whose nodes lie in one thing at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from chain_kit.errors import RpcResponseError
from chain_kit.jsonrpc import Call
from indexer.blocks import Log
from indexer.models import AccountRow, AssetRow, EntryRow, HoldingRow, table_of
from indexer.proof import ranges
from indexer.proof.levels import Level
from indexer.proof.prover import Cadence, Prover
from indexer.proof.trouble import troubles
from indexer.steps import Forward, Undo
from indexer.store import Store, open_store
from tests.index_support.answering import Answering
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.dump import dump
from tests.index_support.world import World

FIRST = DEPLOYMENT.first_block
EAGER = Cadence(blocks=1, seconds=0.0, idle_seconds=0.001, retry_seconds=0.001)

Spoil = Callable[[list[Log]], list[Log]]


class Nodes:
    """Some nodes by name, the first of which is asked until it is distrusted."""

    def __init__(self, **nodes: Answering) -> None:
        self.nodes = nodes
        self.left: list[tuple[str, str]] = []
        self.passed: list[str] = []
        self.asked: list[str] = []

    @property
    def current(self) -> str:
        """Who is asked now: those that were left come last, and in turn."""
        names = [name for name, _ in self.left] + self.passed
        return min(self.nodes, key=lambda name: (names.count(name), list(self.nodes).index(name)))

    async def told(self, calls: Sequence[Call]) -> tuple[str, list[Any]]:
        """Each call by itself; the first error is raised."""
        self.asked += [method for method, _ in calls]
        requests = [{"id": n, "method": m, "params": list(p)} for n, (m, p) in enumerate(calls)]
        reply = self.nodes[self.current].answer(orjson.dumps(requests))
        assert reply is not None
        answers = orjson.loads(reply[1])
        for (method, _), answer in zip(calls, answers, strict=True):
            if "error" in answer:
                raise RpcResponseError(method, answer["error"]["code"], answer["error"]["message"])
        return self.current, [answer["result"] for answer in answers]

    def distrust(self, endpoint: str, why: str) -> None:
        """Notes it."""
        if endpoint in self.nodes:
            self.left.append((endpoint, why))

    def pass_over(self, endpoint: str) -> None:
        """Notes that too."""
        self.passed.append(endpoint)


class Scene:
    """A store, the nodes that it is filled from, and a prover."""

    def __init__(self, store: Store, world: World, nodes: Nodes, cadence: Cadence = EAGER) -> None:
        self.store, self.world, self.nodes = store, world, nodes
        self.chain = world.chain
        self.now = 0.0
        self.said: list[str] = []
        self.spoiled: dict[str, Spoil] = {}
        """By node: what it makes of the logs that it gives."""
        self.prover = Prover(store, nodes, cadence, clock=lambda: self.now, on_trouble=self.said.append)

    async def catch_up(self) -> None:
        """As the runner does: the blocks that are not there yet, from the node that is asked now."""
        tip = await self.store.tip()
        first = FIRST if tip is None else tip.number + 1
        if first <= self.chain.tip.number:
            step, name = self.chain.forward(first), self.nodes.current
            logs = list(step.logs)
            if name in self.spoiled:
                logs = self.spoiled[name](logs)
            await self.store.take(Forward(step.blocks, tuple(logs), step.head, name, Level.LINKED))

    async def settle(self, most: int = 500) -> None:
        """Proves and fetches until there is nothing to do."""
        for _ in range(most):
            await self.catch_up()
            if not await self.prover.step():
                tip = await self.store.tip()
                assert tip is not None
                if tip.number == self.chain.tip.number:
                    return
        raise AssertionError("it does not come to rest")

    async def standing(self) -> ranges.Standing:
        """How far all is proven."""
        async with self.store.snapshot() as connection:
            return await ranges.level_at(connection, self.chain.tip.number)

    async def trouble(self) -> list[str]:
        """The kinds that there are."""
        async with self.store.snapshot() as connection:
            return [one.kind for one in await troubles(connection)]


@asynccontextmanager
async def scene(
    folder: Path, *names: str, blocks: int = 60, cadence: Cadence = EAGER
) -> AsyncIterator[Scene]:
    """A world that has traded, and nodes that all tell the truth of it."""
    world = World(FakeChain(deposits=True), seed=5)
    world.run(blocks)
    nodes = Nodes(**{name: Answering(world.chain) for name in names or ("one", "other")})
    async with open_store(folder / "index.db", DEPLOYMENT) as store:
        yield Scene(store, world, nodes, cadence)


async def test_what_is_right_becomes_reconciled(tmp_path: Path) -> None:
    """Every block, from the first to the last, in pieces; then there is nothing left to do."""
    async with scene(tmp_path, blocks=230) as made:
        await made.catch_up()
        assert await made.standing() == (Level.LINKED, False)
        await made.settle()
        assert await made.standing() == (Level.RECONCILED, True)
        assert await made.trouble() == []
        assert not await made.prover.step()
        async with made.store.snapshot() as connection:
            (only,) = await ranges.ranges_between(connection, 0, 10**6)
        assert (only.first, only.last) == (FIRST, made.chain.tip.number)
        assert made.nodes.left == []


async def test_what_comes_later_is_proven_too(tmp_path: Path) -> None:
    """Block by block, and after a reorg."""
    async with scene(tmp_path) as made:
        await made.settle()
        for _ in range(5):
            made.world.run(3)
            await made.catch_up()
            assert not (await made.standing()).verified
            await made.settle()
            assert await made.standing() == (Level.RECONCILED, True)


async def test_a_quiet_block_is_complete_without_receipts(tmp_path: Path) -> None:
    """Its bloom rules out that anything of ours is in it; nobody is asked for its receipts."""
    async with scene(tmp_path) as made:
        async with made.store.writing() as connection:
            await ranges.append(connection, 10, 14, Level.LINKED, "one", quiet={10, 12, 13})
        async with made.store.snapshot() as connection:
            found = await ranges.ranges_between(connection, 10, 14)
        assert [(one.first, one.last, one.level) for one in found] == [
            (10, 10, Level.COMPLETE), (11, 11, Level.LINKED),
            (12, 13, Level.COMPLETE), (14, 14, Level.LINKED),
        ]  # fmt: skip


def _omit(logs: list[Log]) -> list[Log]:
    return logs[:40] + logs[41:]


def _duplicate(logs: list[Log]) -> list[Log]:
    """The last log of a block comes again, as the one after it."""
    place = next(n for n in range(40, len(logs)) if logs[n].block_number != logs[n + 1].block_number)
    again = logs[place]._replace(log_index=logs[place].log_index + 1)
    return [*logs[: place + 1], again, *logs[place + 1 :]]


def _reorder(logs: list[Log]) -> list[Log]:
    """Two of a block change their places."""
    place = next(n for n in range(40, len(logs)) if logs[n].block_number == logs[n + 1].block_number)
    one, other = logs[place], logs[place + 1]
    swapped = [other._replace(log_index=one.log_index), one._replace(log_index=other.log_index)]
    return [*logs[:place], *swapped, *logs[place + 2 :]]


def _alter(logs: list[Log]) -> list[Log]:
    """One digit of an amount."""
    data = logs[40].data
    return [*logs[:40], logs[40]._replace(data=data[:-1] + ("1" if data[-1] == "0" else "0")), *logs[41:]]


def _elsewhere(logs: list[Log]) -> list[Log]:
    """Another transaction is said to have logged it."""
    return [*logs[:40], logs[40]._replace(tx_hash="0x" + "ab" * 32), *logs[41:]]


def _always(logs: list[Log]) -> list[Log]:
    """One log of a certain block, however often it is asked for."""
    place = next((n for n, log in enumerate(logs) if log.block_number == 45), None)
    if place is None:
        return logs
    data = logs[place].data
    altered = logs[place]._replace(data=data[:-1] + ("1" if data[-1] == "0" else "0"))
    return [*logs[:place], altered, *logs[place + 1 :]]


LIES: list[Spoil] = [_omit, _duplicate, _reorder, _alter, _elsewhere]


@pytest.mark.parametrize("lie", LIES)
async def test_logs_that_were_told_falsely_are_found_and_fetched_anew(tmp_path: Path, lie: Spoil) -> None:
    """Whatever is wrong with them: the node is left, and all ends as if it had never been asked."""
    async with scene(tmp_path) as made, open_store(tmp_path / "right.db", DEPLOYMENT) as right:
        made.spoiled["one"] = lie
        await made.catch_up()
        while not await made.trouble():
            assert not (await made.standing()).verified
            assert await made.prover.step()
        assert not (await made.standing()).verified
        assert [name for name, _ in made.nodes.left] == ["one"]
        await made.settle()
        assert await made.standing() == (Level.RECONCILED, True)
        assert await made.trouble() == []
        await right.take(made.chain.forward(FIRST))
        healed, expected = await dump(made.store), await dump(right)
        assert healed | {"proof": []} == expected | {"proof": []}


async def test_trouble_lasts_until_the_blocks_are_proven_again(tmp_path: Path) -> None:
    """Undone, fetched, linked: at each of these the index says that it is not well."""
    async with scene(tmp_path) as made:
        made.spoiled["one"] = _omit
        await made.catch_up()
        while not await made.trouble():
            await made.prover.step()
        seen = set()
        while await made.trouble():
            standing = await made.standing()
            assert not standing.verified
            seen.add(standing.level)
            await made.catch_up()
            await made.prover.step()
        assert Level.LINKED in seen


async def test_what_stays_is_asked_of_a_node_that_has_come_back_since(tmp_path: Path) -> None:
    """After all was tried in vain the next attempt is another node's, although nobody is left any more."""
    async with scene(tmp_path, cadence=Cadence(blocks=1, seconds=0.0, refetches=2)) as made:
        made.spoiled |= {"one": _always, "other": _always}
        await made.settle()
        assert "stays so" in made.said[-1]
        assert made.nodes.passed == ["one"]
        del made.spoiled["other"]
        made.now += 61
        await made.settle()
        assert await made.trouble() == []
        assert await made.standing() == (Level.RECONCILED, True)


async def test_a_lie_that_all_nodes_tell_stays_trouble(tmp_path: Path) -> None:
    """After some attempts it is said, and not tried in a circle; it is tried again after a while."""
    async with scene(tmp_path, cadence=Cadence(blocks=1, seconds=0.0, refetches=2)) as made:
        made.spoiled |= {"one": _always, "other": _always}
        await made.settle()
        assert await made.trouble() == ["difference"]
        assert "stays so" in made.said[-1]
        assert not (await made.standing()).verified
        assert len(made.nodes.left) == 2
        made.spoiled.clear()
        await made.settle()
        assert await made.trouble() == ["difference"]
        made.now += 61
        await made.settle()
        assert await made.trouble() == []
        assert await made.standing() == (Level.RECONCILED, True)


async def test_a_difference_survives_a_restart(tmp_path: Path) -> None:
    """What failed before the process ended is taken back by the next one."""
    async with scene(tmp_path) as made:
        made.spoiled["one"] = _omit
        await made.catch_up()
        while not await made.trouble():
            await made.prover.step()
    async with open_store(tmp_path / "index.db", DEPLOYMENT) as store:
        again = Scene(store, made.world, Nodes(other=Answering(made.chain)))
        assert not (await again.standing()).verified
        await again.settle()
        assert await again.standing() == (Level.RECONCILED, True)
        assert await again.trouble() == []


async def test_what_failed_and_is_gone_with_a_reorg_is_no_trouble(tmp_path: Path) -> None:
    """The chain became shorter than the block that failed: it is proven as far as it goes."""
    async with scene(tmp_path) as made:
        made.spoiled["one"] = _omit
        await made.catch_up()
        while not await made.trouble():
            await made.prover.step()
        made.world.rewind(made.chain.tip.number - FIRST - 2)
        await made.store.take(Undo(made.chain.tip.number, made.chain.head))
        assert not (await made.standing()).verified
        await made.settle()
        assert await made.trouble() == []
        assert await made.standing() == (Level.RECONCILED, True)


@pytest.mark.parametrize("given", [None, [], "junk", [{}]])
async def test_receipts_that_are_not_the_headers_are_no_proof(tmp_path: Path, given: Any) -> None:
    """The node is left; the logs are not said to be wrong, and not to be right either."""
    async with scene(tmp_path) as made:
        made.nodes.nodes["one"].lies.append(
            lambda method, _, result: given if method == "eth_getBlockReceipts" else result
        )
        await made.catch_up()
        assert not await made.prover.step()
        assert await made.trouble() == ["unproven"]
        assert [name for name, _ in made.nodes.left] == ["one"]
        await made.settle()
        assert await made.trouble() == []
        assert await made.standing() == (Level.RECONCILED, True)


def _false_call(method: str, _: list[Any], result: Any) -> Any:
    """Every amount is one more."""
    return (
        f"0x{int(result, 16) + 1:0{len(result) - 2}x}"
        if method == "eth_call" and len(result) == 66
        else result
    )


async def test_a_contracts_answer_that_was_told_falsely_is_asked_elsewhere(tmp_path: Path) -> None:
    """The logs are proven: nothing is fetched anew, and the second node's word mends it."""
    async with scene(tmp_path) as made:
        made.nodes.nodes["one"].lies.append(_false_call)
        await made.catch_up()
        while not await made.trouble():
            assert await made.prover.step()
        assert not (await made.standing()).verified
        assert [name for name, _ in made.nodes.left] == ["one"]
        tip = await made.store.tip()
        await made.settle()
        assert await made.store.tip() == tip
        assert await made.trouble() == []
        assert await made.standing() == (Level.RECONCILED, True)


async def test_sums_that_are_wrong_in_the_store_are_counted_anew(tmp_path: Path) -> None:
    """An entry was spoiled on the disk: the contracts say so, and the blocks are indexed again."""
    async with scene(tmp_path) as made:
        await made.catch_up()
        key = next(
            key for key in sorted(await made.store.touched(FIRST, FIRST + 1)) if "balance:" in key.account
        )
        async with made.store.writing() as connection:
            holding, entry = table_of(HoldingRow), table_of(EntryRow)
            account, asset = table_of(AccountRow), table_of(AssetRow)
            number = select(holding.c.id).where(
                holding.c.account_id
                == select(account.c.id).where(account.c.name == key.account).scalar_subquery(),
                holding.c.asset_id == select(asset.c.id).where(asset.c.name == key.asset).scalar_subquery(),
            )
            spoil = update(entry).where(entry.c.holding_id == number.scalar_subquery()).values(balance=7)
            await connection.execute(spoil)
        await made.settle()
        assert len(made.nodes.left) == 2
        assert await made.trouble() == []
        assert await made.standing() == (Level.RECONCILED, True)


async def test_a_contract_that_answers_otherwise_everywhere_stays_trouble(tmp_path: Path) -> None:
    """It is fetched anew a few times, then asked again from time to time."""
    async with scene(tmp_path, cadence=Cadence(blocks=1, seconds=0.0, refetches=2)) as made:
        for node in made.nodes.nodes.values():
            node.lies.append(_false_call)
        await made.settle()
        assert await made.trouble() == ["difference"]
        assert "stays so" in made.said[-1]
        assert not (await made.standing()).verified
        for node in made.nodes.nodes.values():
            node.lies.clear()
        made.now += 61
        await made.settle()
        assert await made.trouble() == []


async def test_a_forgotten_state_is_no_difference(tmp_path: Path) -> None:
    """A newer block is asked about when there is one; meanwhile the blocks stay complete."""
    async with scene(tmp_path) as made:
        gone = made.chain.tip.hash

        def refuse(batch: list[dict[str, Any]]) -> None:
            if any(call["method"] == "eth_call" and call["params"][1]["blockHash"] == gone for call in batch):
                node.faults.append(
                    lambda calls: (200, orjson.dumps([
                        {"id": call["id"], "error": {"code": -32000, "message": "missing trie node"}}
                        for call in calls
                    ]))
                )  # fmt: skip

        node = made.nodes.nodes["one"]
        node.before = refuse
        await made.settle()
        assert await made.standing() == (Level.COMPLETE, True)
        assert "missing trie node" in made.said[-1]
        made.world.run(1)
        await made.settle()
        assert await made.standing() == (Level.RECONCILED, True)
        assert await made.trouble() == []


async def test_contracts_are_asked_at_their_cadence(tmp_path: Path) -> None:
    """After so many seconds, or so many blocks; completeness does not wait."""
    async with scene(tmp_path, cadence=Cadence(blocks=50, seconds=15.0)) as made:
        await made.settle()
        assert (await made.standing()).level == Level.RECONCILED
        made.world.run(3)
        await made.settle()
        assert (await made.standing()).level == Level.COMPLETE
        made.now += 15
        await made.settle()
        assert (await made.standing()).level == Level.RECONCILED
        made.world.run(50)
        await made.settle()
        assert (await made.standing()).level == Level.RECONCILED


async def test_only_what_has_changed_is_asked(tmp_path: Path) -> None:
    """And the reserves, always."""
    async with scene(tmp_path) as made:
        await made.settle()
        made.nodes.asked.clear()
        made.chain.mine()
        made.world._remember()
        await made.settle()
        assert made.nodes.asked == ["eth_getBlockReceipts", *["eth_call"] * 4]


async def test_blocks_that_are_undone_meanwhile_are_not_proven(tmp_path: Path) -> None:
    """A reorg while the node is asked: what was found is of blocks that are gone."""
    async with scene(tmp_path) as made:
        await made.settle()
        made.world.run(4)
        await made.catch_up()
        told = made.nodes.told

        async def after_a_reorg(calls: Sequence[Call]) -> tuple[str, list[Any]]:
            made.nodes.told = told  # type: ignore[method-assign]
            answer = await told(calls)
            await made.store.take(Undo(made.chain.tip.number - 4, made.chain.head))
            made.world.rewind(4)
            made.world.run(6)
            await made.catch_up()
            return answer

        made.nodes.told = after_a_reorg  # type: ignore[method-assign]
        await made.prover.step()
        assert (await made.standing()).level == Level.LINKED
        assert await made.trouble() == []
        await made.settle()
        assert await made.standing() == (Level.RECONCILED, True)


async def _refetch(made: Scene, depth: int, spoil: Spoil) -> None:
    """The chain leaves its newest blocks and comes back to them, and false logs of them are stored then."""
    there = made.chain.tip.number - depth
    await made.store.take(Undo(there, made.chain.head))
    step = made.chain.forward(there + 1)
    await made.store.take(replace(step, logs=tuple(spoil(list(step.logs)))))


def _without_the_last(logs: list[Log]) -> list[Log]:
    return logs[:-1]


@pytest.mark.parametrize("method", ["eth_getBlockReceipts", "eth_call"])
async def test_blocks_that_came_back_with_other_logs_are_not_proven(tmp_path: Path, method: str) -> None:
    """They have the same hashes; what the node was asked about was stored before they were taken back."""
    async with scene(tmp_path) as made:
        await made.settle()
        made.world.run(6)
        await made.catch_up()
        told = made.nodes.told

        async def meanwhile(calls: Sequence[Call]) -> tuple[str, list[Any]]:
            answer = await told(calls)
            if calls[0][0] == method:
                made.nodes.told = told  # type: ignore[method-assign]
                await _refetch(made, 6, _without_the_last)
            return answer

        made.nodes.told = meanwhile  # type: ignore[method-assign]
        while made.nodes.told is not told:
            await made.prover.step()
        assert await made.standing() == (Level.LINKED, False)
        await made.settle()
        assert any("is missing" in text for text in made.said)
        assert await made.standing() == (Level.RECONCILED, True)


async def test_unproven_blocks_that_are_gone_are_no_trouble(tmp_path: Path) -> None:
    """Nobody had their receipts; then a reorg took them."""
    async with scene(tmp_path) as made:
        await made.settle()
        made.world.run(4)
        await made.catch_up()
        for node in made.nodes.nodes.values():
            node.lies.append(lambda method, _, result: [] if method == "eth_getBlockReceipts" else result)
        await made.prover.step()
        assert await made.trouble() == ["unproven"]
        made.world.rewind(4)
        await made.store.take(Undo(made.chain.tip.number, made.chain.head))
        await made.settle()
        assert await made.trouble() == []
        assert await made.standing() == (Level.RECONCILED, True)


async def test_it_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """Beside the runner, through an endpoint that fails for a while."""
    async with scene(tmp_path) as made:
        await made.catch_up()
        failing = made.nodes.nodes["one"]
        failing.limits.unsupported.add("eth_getBlockReceipts")
        stop, failed = asyncio.Event(), asyncio.Event()
        made.prover._tell = lambda _: failed.set()
        running = asyncio.create_task(made.prover.run(stop))
        async with asyncio.timeout(30):
            await failed.wait()
            failing.limits.unsupported.clear()
            made.prover.wake()
            while (await made.standing()).level < Level.RECONCILED:  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0)
            stop.set()
            await running


async def test_all_that_can_be_proven_is_proven_at_once(tmp_path: Path) -> None:
    """Whatever the cadence; unless it is told to stop."""
    async with scene(tmp_path, cadence=Cadence(blocks=10**6, seconds=10**6)) as made:
        await made.catch_up()
        stop = asyncio.Event()
        stop.set()
        await made.prover.finish(stop)
        assert made.nodes.asked == []
        stop.clear()
        await made.prover.finish(stop)
        assert await made.standing() == (Level.RECONCILED, True)


async def test_what_differs_at_the_end_is_left_for_the_next_run(tmp_path: Path) -> None:
    """It is said and kept, and nothing is taken back: nobody would fetch it."""
    async with scene(tmp_path) as made:
        for node in made.nodes.nodes.values():
            node.lies.append(_false_call)
        await made.catch_up()
        tip = await made.store.tip()
        await made.prover.finish(asyncio.Event())
        assert await made.trouble() == ["difference"]
        assert await made.store.tip() == tip
        assert "differ" in made.said[-1]


async def test_an_endpoint_without_receipts_proves_nothing(tmp_path: Path) -> None:
    """That is said; the blocks stay linked."""
    async with scene(tmp_path) as made:
        for node in made.nodes.nodes.values():
            node.limits.unsupported.add("eth_getBlockReceipts")
        await made.catch_up()
        await made.prover.finish(asyncio.Event())
        assert "eth_getBlockReceipts" in made.said[-1]
        assert await made.standing() == (Level.LINKED, False)


async def test_a_runner_that_is_far_behind_is_not_disturbed(tmp_path: Path) -> None:
    """Proving begins when it comes near the head."""
    async with scene(tmp_path, cadence=Cadence(blocks=1, seconds=0.0, most_behind=10)) as made:
        head = made.chain.tip.number
        await made.store.take(made.chain.forward(FIRST, head - 11))
        assert not await made.prover.step()
        assert made.nodes.asked == []
        await made.store.take(made.chain.forward(head - 10, head - 10))
        assert await made.prover.step()
