"""Lives through the epochs: moves the clock, trades, and does harm.

The chain's clock never waits for a keeper. After a boundary it stands no slower than the clock on the wall: a
block comes two seconds later on the chain, as soon as a transaction has arrived, or when two seconds have
really passed. The rest of an epoch, in which nothing is due, passes in a few blocks.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from chain_kit.contracts import Question, call_many
from chain_kit.jsonrpc import Call
from chain_kit.oracle import feed_id
from chain_kit.prices import EPOCH
from chain_kit.testing import (
    Delay,
    DropReply,
    DropRequest,
    DuplicateDelivery,
    EnforceReplacementRule,
    Fault,
    HttpStatus,
    LateReceipt,
    NullReceipt,
    StaleReplica,
)
from tests.keeper_support.kit import KEEPER, TRADERS, UNIT
from tests.week.payouts import Accruals
from tests.week.processes import Kept, Line
from tests.week.recorded import FEEDS, GENESIS
from tests.week.truth import Truth
from tests.week.world import FINAL_BLOCKS, USUAL_FEE_WEI, World

__all__ = ["FAULTS", "Driver", "Plan"]

FAULTS: tuple[Fault, ...] = (
    DropReply(per_mille=30),
    DropRequest(per_mille=25),
    HttpStatus(status=429, per_mille=20),
    HttpStatus(status=503, per_mille=25),
    NullReceipt(per_mille=20),
    LateReceipt(blocks=2, per_mille=20),
    StaleReplica(blocks=2, per_mille=10),
    DuplicateDelivery(per_mille=20),
    Delay(seconds=0.05, per_mille=5),
    EnforceReplacementRule(),
)
"""Of all requests one in ten fails outright, by the first four; the others lie, or come late."""

BLOCK_SECONDS = 2
_NONE = 0
_HOLD_OFFSET = 61
_OFFSETS = (31, _HOLD_OFFSET, 121, 181, 231)
_HOLD_SECONDS = 60
_LOOK_EVERY = 12
_SPIKE = 40
_SPIKE_SECONDS = 6
_SPIKE_REQUESTS = 10
_DEEPEST = 6
_KILL_WITHIN = 40
_DECIDED = re.compile(r"market (\w+), epoch \d+: no trade")


@dataclass(frozen=True)
class Plan:
    """How long, and how often harm is done, in epochs."""

    epochs: int
    seed: int = 1
    reorg_every: int = 12
    kill_every: int = 24
    index_kill_every: int = 72
    spike_every: int = 144
    accrue_every: int = 72
    """How often accounts have earned something more that the vault pays."""
    poll_ms: int = 300
    """The pause between two rounds of the resolve keeper; others pause longer. More where cores are few."""
    hold_every: int = 4
    """How often the clock waits for the keepers to look for trades."""


@dataclass
class Driver:
    """One life of the chain. `keepers` and `index` are the processes, `lines` are the keepers' proxies."""

    plan: Plan
    world: World
    lines: Sequence[Line]
    keepers: Kept
    index: Kept
    truth: Truth
    accruals: Accruals
    tell: Callable[[str], None]
    counts: Counter[str] = field(default_factory=Counter)
    orphaned: set[int] = field(default_factory=set)
    """Epochs of which a reorg took blocks away."""

    def __post_init__(self) -> None:
        self._chance = random.Random(self.plan.seed)
        self._news = asyncio.Event()
        self._requests = 0
        self._wanted: int | None = None
        self._spiking = self._ended = self._holding = False
        self._decided: set[str] = set()
        for line in self.lines:
            line.on_broadcast = self._broadcast
            line.on_request = self._requested

    def heard(self, line: str) -> None:
        """A line of the keepers' process: a market in which nothing is to be bought now, or was."""
        found = _DECIDED.search(line)
        if found:
            self._decided.add(found[1])
            if self._holding and len(self._decided) == len(FEEDS):
                self._news.set()

    async def live(self) -> None:
        """All epochs, from the block of the first boundary to the one of the last."""
        await self.world.mine(GENESIS)
        for epoch in range(1, self.plan.epochs + 1):
            await self._epoch(epoch)
            if epoch % _LOOK_EVERY == 0:
                await self.truth.read(self.world.number - FINAL_BLOCKS)
                self.tell(f"epoch {epoch}: {self.keepers.kills} kills, {dict(self.counts)}")
            if self._ended:
                self.plan = replace(self.plan, epochs=epoch)
                return

    def end(self) -> None:
        """It ends with the running epoch."""
        self._ended = True

    # ------------------------------------------------------------------ an epoch

    async def _epoch(self, epoch: int) -> None:
        plan, start = self.plan, GENESIS + (epoch - 1) * EPOCH
        trades, reorg_at = self._trades(), self._reorg_at(epoch)
        self._kill(epoch)
        if epoch % plan.accrue_every == 0:
            self.accruals.grow()
        for offset in _OFFSETS:
            if start + offset <= self.world.now:
                continue  # the prices of the last boundary took that long
            first = trades.pop(offset, [])
            await self.world.mine(start + offset, first=first)
            if reorg_at == offset:
                await self._reorg(epoch)
            if first or reorg_at == offset:
                await self._until_posted(epoch)
            if offset == _HOLD_OFFSET and epoch % plan.hold_every == 0:
                await self._hold()
        if start + EPOCH > self.world.now:
            await self.world.mine(start + EPOCH)
        self._spiking = epoch % plan.spike_every == plan.spike_every // 2
        await self._until_posted(epoch)
        if reorg_at == EPOCH:
            await self._reorg(epoch)
            await self._until_posted(epoch)
        self._spiking, self.world.fee_wei = False, USUAL_FEE_WEI

    def _trades(self) -> dict[int, list[Call]]:
        """Who buys what at which second; in one market of twenty nobody does."""
        trades: dict[int, list[Call]] = {}
        for market_id in range(1, len(FEEDS) + 1):
            for _ in range(self._chance.choice((0, *[1] * 16, 2, 2, 2))):
                amount = self._chance.randint(UNIT // 2, 5 * UNIT)
                trader, side = self._chance.choice(TRADERS), self._chance.randint(0, 1)
                offset = self._chance.choice(_OFFSETS)
                trades.setdefault(offset, []).append(self.world.trade(trader, market_id, side, amount))
        return trades

    async def _hold(self) -> None:
        """The minute in which the keepers trade: each looks at every market, and what it sends is mined."""
        self._decided.clear()
        latest, self._holding = self.world.now + _HOLD_SECONDS, True
        while len(self._decided) < len(FEEDS) and self.world.now < latest:
            await self.block()
        self._holding = False

    # ------------------------------------------------------------------ a boundary

    async def _until_posted(self, epoch: int) -> None:
        """Blocks come until every boundary up to now that is needed has a price, or can have none."""
        while await self._missing(epoch):
            await self.block()

    async def block(self, *, step: int = BLOCK_SECONDS) -> None:
        """A block `step` seconds on, no sooner on the chain than by the clock on the wall.

        It comes when a transaction is new to the node, when all markets were looked at, or after two seconds.
        While fees are high nothing new may come: then it comes after a few requests of the keepers.
        """
        self.keepers.check()
        self.index.check()
        loop = asyncio.get_running_loop()
        began, requests = loop.time(), self._requests
        if self.world.fee_wei > USUAL_FEE_WEI:
            step = _SPIKE_SECONDS
            self._wanted = requests + _SPIKE_REQUESTS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BLOCK_SECONDS):
                await self._news.wait()
        self._news.clear()
        self._wanted = None
        await self.world.mine(self.world.now + max(step, math.ceil(loop.time() - began)))

    def _broadcast(self) -> None:
        if self._spiking:
            # What the keepers have just offered is too little for the blocks to come.
            self.world.fee_wei = USUAL_FEE_WEI * _SPIKE
            self.counts["spikes"] += 1
            self._spiking = False
        self._news.set()

    def _requested(self) -> None:
        self._requests += 1
        if self._wanted is not None and self._requests >= self._wanted:
            self._news.set()

    async def _missing(self, epoch: int) -> bool:
        """Whether a boundary of this epoch or the last two that has passed is needed and not known."""
        hub, oracle = self.world.kit.hub, self.world.kit.oracle
        epochs = range(max(1, epoch - 2), epoch + 1)
        questions: list[Question] = []
        for market_id, feed in enumerate(FEEDS.values(), 1):
            for one in epochs:
                start = GENESIS + (one - 1) * EPOCH
                ends = [(oracle, "boundaryOf", (feed_id(feed), start + at)) for at in (0, EPOCH)]
                questions += [(hub, "epochState", (market_id, one)), *ends]
        answers = await call_many(self.world.anvil.rpc, questions)
        triples = zip(answers[::3], answers[1::3], answers[2::3], strict=True)
        passed = [GENESIS + one * EPOCH <= self.world.now for _ in FEEDS for one in epochs]
        return any(
            state.sets > 0 and (first[0] == _NONE or (ended and last[0] == _NONE))
            for (state, first, last), ended in zip(triples, passed, strict=True)
        )

    # ------------------------------------------------------------------ harm

    def _reorg_at(self, epoch: int) -> int | None:
        """After which second of the epoch there is a reorg; half of them take back what was just posted."""
        if epoch % self.plan.reorg_every:
            return None
        return EPOCH if self._chance.randint(0, 1) else self._chance.choice(_OFFSETS)

    async def _reorg(self, epoch: int) -> None:
        """The newest blocks go, with what is in them; other blocks come in their place."""
        depth = self._chance.randint(1, _DEEPEST)
        gone = await self.world.anvil.rpc.batch(
            [
                ("eth_getBlockByNumber", [hex(number), True])
                for number in range(self.world.number - depth + 1, self.world.number + 1)
            ]
        )
        dropped = [one for block in gone for one in block["transactions"]]
        self.counts["reorgs"] += 1
        self.counts["blocks_reorganised"] += depth
        self.counts["transactions_dropped"] += len(dropped)
        self.counts["keeper_transactions_dropped"] += sum(one["from"] == KEEPER.lower() for one in dropped)
        self.orphaned.update(range(epoch - 1, epoch + 1))
        await self.world.rollback(depth)

    def _kill(self, epoch: int) -> None:
        """The keepers' process is killed at one of its next requests, on its way to the node or back."""
        plan = self.plan
        if epoch % plan.index_kill_every == plan.index_kill_every // 3:
            self.index.kill()
        if epoch % plan.kill_every != plan.kill_every // 2 or any(line.armed for line in self.lines):
            return
        back = self._chance.randint(0, 1) == 1
        line, requests = self._chance.choice(self.lines), self._chance.randint(1, _KILL_WITHIN)
        line.strike_after(requests, self.keepers.kill, on_the_way_back=back)

    # ------------------------------------------------------------------ the end

    async def until(
        self, what: str, holds: Callable[[], Awaitable[bool]], *, seconds: int, step: int
    ) -> None:
        """Lives on until `holds()`, for at most `seconds` on the chain; faults go on, kills do not.

        Blocks are `step` seconds apart while no price is missing.
        """
        limit = self.world.now + seconds
        while not await holds():
            if self.world.now > limit:
                raise AssertionError(f"{what}: not after {seconds} s of the chain's clock")
            epoch = (self.world.now - GENESIS) // EPOCH + 1
            await self._until_posted(epoch)
            await self.block(step=step)
            await self.truth.read(self.world.number - FINAL_BLOCKS)
