"""Plays a schedule: a chain, its nodes, an index that is started again whenever it ends, and a referee."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import deque
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chain_kit.errors import (
    ChainKitError,
    ManifestChainError,
    RpcError,
    StoreError,
    StoreLockedError,
    UnknownMarketError,
)
from indexer.database import Database, open_database
from indexer.store import open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.world import World
from tests.simulator import schedule as plan
from tests.simulator.memory import Behaviour, SimulatedNode
from tests.simulator.referee import Referee, WrongAnswerError
from tests.simulator.stack import serve, why_not_ready
from tests.simulator.virtual import limit_pages, on_statement, run_virtually

__all__ = ["Outcome", "SimulationError", "play"]

_HEALING_SECONDS = 1800.0
_LOOK_SECONDS = 12.0
_ASKED = 2
"""Questions at each look; at the end all of them."""
_KEPT = DEPLOYMENT.first_block + 2
"""Blocks that no reorg takes: the market is made in the last of them."""


class SimulationError(Exception):
    """Something that must not happen has happened."""


@dataclass
class Outcome:
    """What came of a run."""

    verified: int = 0
    unverified: int = 0
    lives: int = 0
    seconds: float = 0.0
    """By the run's own clock."""
    ready_checks: int = 0
    log: deque[str] = field(default_factory=lambda: deque(maxlen=400))


def play(schedule: plan.Schedule, folder: Path) -> Outcome:
    """Plays it to its end. Raises SimulationError or WrongAnswerError, with the log in its notes."""
    simulation = _Simulation(schedule, folder)
    try:
        run_virtually(simulation.play)
    except BaseException as error:
        error.add_note("\n".join([plan.told(schedule), *simulation.outcome.log]))
        raise
    return simulation.outcome


def _elsewhere(behaviour: Behaviour) -> bool:
    """Whether a node is behind, or on a chain of its own: with two nodes, nobody can tell which is right."""
    return bool(behaviour.lag or behaviour.branch or behaviour.stranger)


class _Simulation:
    def __init__(self, schedule: plan.Schedule, folder: Path) -> None:
        self.schedule = schedule
        self.outcome = Outcome()
        self.chance = random.Random(schedule.seed + 1)
        chain = FakeChain(finality=schedule.finality, deposits=schedule.deposits)
        self.world = World(chain, schedule.seed)
        self.world.run(schedule.blocks)
        self.nodes = [SimulatedNode(chain, self.chance) for _ in range(schedule.nodes)]
        self.branches: dict[int, World] = {}
        self.referee = Referee(self.world)
        self.folder = folder
        self.path = folder / "0" / "index.db"
        self.path.parent.mkdir()
        self.stop = asyncio.Event()
        self.is_open = False
        self.life: asyncio.Task[None] | None = None
        self.fatal: BaseException | None = None
        self._dies_in: int | None = None
        self._image: Path | None = None
        self._storm = 0
        self._readers = AsyncExitStack()
        self._open_database: tuple[Path, Database | None] = (self.path, None)
        self._depth = 0

    async def play(self) -> None:
        """Everything, from the first block to the last answer."""
        for node in self.nodes:
            node.before = self._before
        with on_statement(self._statement):
            keeper, watcher = (asyncio.create_task(work()) for work in (self._keep, self._watch))
            try:
                for step in self.schedule.steps:
                    self._note(plan.brief(step))
                    await self._do(step)
                    self._check_alive()
                    await self._judge()
                self._heal()
                await self._until_right()
            finally:
                self.stop.set()
                watcher.cancel()
                keeper_done = asyncio.gather(keeper, watcher, return_exceptions=True)
                if self.life is not None:
                    self.life.cancel()
                keeper.cancel()
                await keeper_done
                await self._readers.aclose()
        self.outcome.verified, self.outcome.unverified = self.referee.verified, self.referee.unverified
        self.outcome.seconds = asyncio.get_running_loop().time()

    def _note(self, text: str) -> None:
        self.outcome.log.append(f"{asyncio.get_running_loop().time():9.2f}  {text}")

    def _check_alive(self) -> None:
        if isinstance(self.fatal, WrongAnswerError):
            raise self.fatal
        if self.fatal is not None:
            raise SimulationError("the index broke") from self.fatal

    async def _keep(self) -> None:
        """Starts the index whenever it is not running, as a supervisor does."""
        while not self.stop.is_set():
            self.outcome.lives += 1
            self.life = asyncio.create_task(self._serve())
            try:
                await self.life
            except asyncio.CancelledError:
                if self._image is None:
                    raise
                self._note("killed")
                self.path, self._image = self._image, None
            except ChainKitError as error:
                self._note(f"ended: {type(error).__name__}: {error}")
                if not self._may_end(error):
                    self.fatal = error
                    raise
            except Exception as error:
                self.fatal = error
                raise
            self.is_open = False
            await asyncio.sleep(1 + 2 * self.chance.random())

    def _may_end(self, error: ChainKitError) -> bool:
        """Whether a process may end so: nobody answers as it starts, another writes, or the disk is full."""
        if isinstance(error, RpcError | ManifestChainError):
            return not self.is_open or isinstance(error, ManifestChainError)
        return isinstance(error, StoreLockedError) or "disk is full" in str(error)

    async def _serve(self) -> None:
        sockets = self.schedule.sockets
        await serve(self.path, self.nodes, self.chance, self.stop, self._hear, sockets=sockets)

    def _hear(self, text: str) -> None:
        self.is_open = True
        self._note(text)

    def _statement(self) -> None:
        """A kill takes everything but the files, as they are at that instant."""
        if self._dies_in is None or self.life is None or not self.is_open:
            return
        self._dies_in -= 1
        if self._dies_in >= 0:
            return
        self._dies_in = None
        image = self.folder / str(self.outcome.lives)
        image.mkdir()
        for ending in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copy(f"{self.path}{ending}", image / f"index.db{ending}")
        self._image = image / "index.db"
        self.life.cancel()

    def _before(self, _: list[dict[str, Any]]) -> None:
        """The chain changes between two requests."""
        if self._storm <= 0:
            return
        self._storm -= 1
        what = self.chance.random()
        if what < 0.3:
            self._reorg(self.chance.randint(1, self._depth), self.chance.randint(0, self._depth))
        elif what < 0.6:
            self._mine(self.chance.randint(1, 4))

    def _mine(self, blocks: int) -> None:
        for world in (self.world, *self.branches.values()):
            world.run(blocks)

    def _reorg(self, depth: int, blocks: int) -> None:
        depth = min(depth, self.world.chain.tip.number - _KEPT)
        if depth > 0:
            self.world.rewind(depth)
            self._note(f"{depth} blocks replaced by {blocks}")
        self.world.run(blocks)

    async def _return(self, depth: int, blocks: int, seconds: float) -> None:
        there = list(self.world.chain.blocks)
        self._reorg(depth, blocks)
        await asyncio.sleep(seconds)
        self._note(f"back at block {there[-1].number}")
        self.world.return_to(there)

    async def _do(self, step: plan.Step) -> None:
        match step:
            case plan.Mine(blocks, seconds):
                for _ in range(blocks):
                    self._mine(1)
                    await asyncio.sleep(seconds)
            case plan.Reorg(depth, blocks):
                self._reorg(depth, blocks)
            case plan.Shrink(depth):
                self._reorg(depth, 0)
            case plan.Return(depth, blocks, seconds):
                await self._return(depth, blocks, seconds)
            case plan.Storm(requests, depth):
                self._storm, self._depth = requests, depth
            case plan.Behave(node, behaviour):
                self._behave(node, behaviour)
            case _:
                await self._trouble(step)

    async def _trouble(self, step: plan.Step) -> None:
        """What happens to the index itself, and time."""
        match step:
            case plan.Dies(statements):
                self._dies_in = statements
            case plan.Full(pages, seconds):
                limit_pages(pages)
                await asyncio.sleep(seconds)
                limit_pages(None)
            case plan.Second():
                await self._second_writer()
            case plan.Drop(seconds):
                await self._drop(seconds)
            case plan.Pause(seconds):
                await asyncio.sleep(seconds)

    async def _drop(self, seconds: float) -> None:
        for node in self.nodes:
            node.drop()
            node.mute = True
        await asyncio.sleep(seconds)
        for node in self.nodes:
            node.mute = False

    def _behave(self, node: int, behaviour: Behaviour) -> None:
        self.branches.pop(node, None)
        chain = self.world.chain
        if behaviour.branch:
            depth = min(behaviour.branch, chain.tip.number - _KEPT)
            branch = self.world.branch(max(depth, 0), seed=self.chance.randrange(10**9))
            branch.run(max(depth, 0))
            self.branches[node] = branch
            chain = branch.chain
        elif behaviour.stranger:
            other = World(FakeChain(start_at=chain.start_at + 7), self.schedule.seed)
            other.run(chain.tip.number)
            chain = other.chain
        self.nodes[node].behave(behaviour, chain)

    async def _second_writer(self) -> None:
        was_open = self.is_open
        try:
            async with open_store(self.path, DEPLOYMENT):
                got_in = True
        except StoreLockedError:
            got_in = False
        except StoreError as error:
            self._note(f"the second writer: {error}")
            return
        if got_in and was_open and self.is_open:
            raise SimulationError("two writers had the same database open")

    def _heal(self) -> None:
        """No faults any more, but of the nodes that are beyond hope: one of them is honest."""
        self._note("the faults stop")
        honest = self.chance.randrange(len(self.nodes))
        self._storm, self._dies_in = 0, None
        for number, node in enumerate(self.nodes):
            if number == honest or self.chance.random() < 0.3:
                self._behave(number, Behaviour())
            elif self.chance.random() < 0.4:
                self._behave(number, Behaviour(errors=1.0))
            elif node.behaviour == Behaviour() or _elsewhere(node.behaviour):
                self._behave(number, plan.false_answers(self.chance))
        self._mine(2)

    async def _until_right(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _HEALING_SECONDS
        reason = ""
        while loop.time() < deadline:
            self._check_alive()
            reason = await self._why_not_right()
            if not reason:
                return
            await asyncio.sleep(3.0)
            if self.chance.random() < 0.1:
                self._mine(1)
        raise SimulationError(f"it has not healed within {_HEALING_SECONDS} s: {reason}")

    async def _why_not_right(self) -> str:
        """Empty if the index is ready, at the tip, and every answer is verified and right."""
        try:
            database = await self._database()
            reason = await why_not_ready(database, self.world.chain.tip)
            if reason:
                return reason
            before = self.referee.unverified
            await self.referee.judge(database, self.world.accounts)
            past = self.chance.randint(_KEPT, self.world.chain.tip.number)
            await self.referee.judge(database, self.world.accounts[:1], at_block=past)
        except (StoreError, UnknownMarketError) as error:
            return str(error)
        return "ready, but not all is verified" if self.referee.unverified > before else ""

    async def _database(self) -> Database:
        """For reading. What it has compiled of its queries is worth keeping."""
        path, database = self._open_database
        if path != self.path or database is None:
            await self._readers.aclose()
            database = await self._readers.enter_async_context(open_database(self.path))
            self._open_database = (self.path, database)
        return database

    async def _watch(self) -> None:
        """Looks in now and then, whatever is going on."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS * (0.5 + self.chance.random()))
            try:
                await self._judge()
            except Exception as error:
                self.fatal = error
                raise

    async def _judge(self) -> None:
        """Asks a part of what can be asked, whatever is going on."""
        accounts = self.chance.sample(self.world.accounts, 1)
        questions = self.chance.sample(Referee.questions(), _ASKED)
        try:
            for question in questions:
                await self.referee.ask(question, await self._database(), accounts)
        except (StoreError, UnknownMarketError) as error:
            # The log that made the market may be missing; whoever answers without it is not verified.
            self._note(f"no answer: {type(error).__name__}: {error}")
