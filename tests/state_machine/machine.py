"""The state machine: rules are what people, nodes, other programs and bad luck do."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from chain_kit.errors import ChainKitError, StoreError
from chain_kit.guard import Lease, LeaseHeldError
from chain_kit.outbox import Intent, Outcome, State
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
from tests.state_machine.chain import FINAL_DEPTH, SIGNER, Chain
from tests.state_machine.counter import counting
from tests.state_machine.process import Ambush, Crash, Process
from tests.state_machine.referee import Books, Referee, require, told

__all__ = ["MET", "OutboxMachine"]

MET: Counter[str] = Counter()
"""What the schedules have come across."""

GWEI = 10**9
_MEMORY = Path("/dev/shm")  # noqa: S108
_ROUNDS = 60
_HIGH_FEE = 4 * GWEI
_GAS = 66_000
Terms = tuple[int | None, int | None]
"""How many seconds an intent is wanted, and how many gwei per gas it is worth."""
NUMBERS = st.integers(1, 6)
SOME = st.lists(NUMBERS, min_size=1, max_size=4, unique=True)
TERMS: st.SearchStrategy[Terms] = st.tuples(
    st.sampled_from([None, None, 20, 60]), st.sampled_from([None, None, 3, 20])
)
NAMES = st.sampled_from(["one", "one", "one", "two"])
KINDS = st.sampled_from(["journal", "journal", "broadcast", ""])
RATES = st.sampled_from([150, 400, 1000])
FAULTS: st.SearchStrategy[Fault] = st.one_of(
    st.builds(
        DropReply, per_mille=RATES, methods=st.sampled_from([None, frozenset({"eth_sendRawTransaction"})])
    ),
    st.builds(
        DropRequest, per_mille=RATES, methods=st.sampled_from([None, frozenset({"eth_sendRawTransaction"})])
    ),
    st.builds(HttpStatus, per_mille=RATES, status=st.sampled_from([429, 503])),
    st.builds(Delay, per_mille=RATES, seconds=st.just(0.002)),
    st.builds(NullReceipt, per_mille=RATES),
    st.builds(LateReceipt, per_mille=RATES, blocks=st.integers(1, 4)),
    st.builds(StaleReplica, per_mille=RATES, blocks=st.integers(1, 4)),
    st.builds(DuplicateDelivery, per_mille=RATES),
    st.builds(EnforceReplacementRule),
)


class OutboxMachine(RuleBasedStateMachine):
    """One schedule. The chain is the class's: `chain`, with the loop that it lives in and the seed."""

    chain: ClassVar[Chain]
    runner: ClassVar[asyncio.Runner]
    seed: ClassVar[int] = 0
    played: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else None))
        self.path = self.folder / "outbox.db"
        self.books = Books()
        self.intents: dict[int, Intent] = {}
        self.processes: dict[str, Process] = {}
        self.leases: dict[str, Lease] = {}
        self.done: set[int] = set()
        self.leased = False
        self.failed = False
        self.run(self.chain.begin(self.seed))
        self.referee = Referee(self.chain, self.path, self.books)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Does it, and then looks at everything."""
        try:
            return self.runner.run(self._watched(work))
        except BaseException as error:
            self.failed = True
            if hasattr(self, "referee"):
                error.add_note("\n".join(map(told, self.referee.rows()[-20:])))
            raise

    async def _watched(self, work: Coroutine[Any, Any, Any]) -> Any:
        result = await work
        if hasattr(self, "referee"):
            await self.referee.look()
        return result

    # ------------------------------------------------------------------ what keepers do

    @initialize(leased=st.booleans(), numbers=SOME, terms=TERMS, faults=st.lists(FAULTS, max_size=1))
    def begins(self, leased: bool, numbers: list[int], terms: Terms, faults: list[Fault]) -> None:
        """Under a lease or not, with something to do, and perhaps a way to the node that is not good."""
        self.leased = leased
        self.chain.proxy.faults = tuple(faults)
        self.run(self._round("one", numbers, terms, look=True))

    @rule(name=NAMES, numbers=SOME, terms=TERMS, look=st.booleans())
    def submit(self, name: str, numbers: list[int], terms: Terms, look: bool) -> None:
        """A keeper's round: perhaps a look at what is under way, then intents, all at once."""
        self.run(self._round(name, numbers, terms, look=look))

    @rule(name=NAMES)
    def reconcile(self, name: str) -> None:
        """The round of a keeper with nothing new to do."""
        self.run(self._round(name, [], (None, None), look=True))

    @rule(numbers=SOME)
    def both(self, numbers: list[int]) -> None:
        """Two instances work at the same time, on the same."""
        self.run(self._both(numbers))

    @rule(name=NAMES, numbers=SOME, after=st.integers(0, 9), kind=KINDS, submits=st.booleans())
    def die(self, name: str, numbers: list[int], after: int, kind: str, submits: bool) -> None:
        """It is killed at a boundary of its round, and started again when somebody needs it."""

        async def work() -> None:
            (await self._process(name)).kill = Ambush(after, kind, None)
            await self._round(name, numbers if submits else [], (None, None), look=not submits)
            await self._bury(name)

        self.run(work())

    @precondition(lambda self: self.leased)
    @rule(name=NAMES)
    def take_over(self, name: str) -> None:
        """The lease runs out, and this one is there first. The other knows nothing of it."""

        async def work() -> None:
            await self._process(name)
            await self._take_lease(name, expired=True)

        self.run(work())

    @rule(closed=st.booleans())
    def gate(self, closed: bool) -> None:
        """The budget is spent, or there is a new one."""
        self.books.closed = closed

    # ------------------------------------------------------------------ what chain and pool do

    @rule(blocks=st.integers(1, 3), seconds=st.sampled_from([2, 12, 40]))
    def mine(self, blocks: int, seconds: int) -> None:
        """Blocks and time."""
        self.run(self.chain.mine(blocks, seconds))

    @rule(blocks=st.sampled_from([1, 1, 1, FINAL_DEPTH + 1]), name=NAMES)
    def mine_and_look(self, blocks: int, name: str) -> None:
        """And a keeper's look at what was mined."""

        async def work() -> None:
            await self.chain.mine(blocks, 2)
            await self._round(name, [], (None, None), look=True)

        self.run(work())

    @rule(what=st.sampled_from(["all", "newest", "block too"]))
    def drop(self, what: str) -> None:
        """The pool forgets; perhaps time passes before anybody notices."""

        async def work() -> None:
            await self.chain.drop(newest_only=what == "newest")
            if what == "block too":
                await self.chain.mine(1, 40)

        self.run(work())

    @rule(depth=st.sampled_from([1, 1, 2, 3, FINAL_DEPTH]), thief=st.booleans())
    def reorg(self, depth: int, thief: bool) -> None:
        """Other blocks, perhaps with another transaction at our nonce."""
        self.run(self._reorg(depth, thief=thief))

    @rule(depth=st.sampled_from([1, 1, 2, FINAL_DEPTH]))
    def rollback(self, depth: int) -> None:
        """Fewer blocks."""
        self.referee.rewound = True
        self.run(self.chain.rollback(depth))

    @rule(ahead=st.sampled_from([0, 0, 1, 3]), fee_gwei=st.sampled_from([2, 200]))
    def steal(self, ahead: int, fee_gwei: int) -> None:
        """Another program uses our key."""
        self.referee.thefts = True
        self.run(self.chain.steal(ahead, fee_wei=fee_gwei * GWEI))

    @rule(number=NUMBERS, mined=st.booleans())
    def somebody_else(self, number: int, mined: bool) -> None:
        """Does what is to be done."""

        async def work() -> None:
            self._intent(number, (None, None), 0)
            await self.chain.other(self.intents[number].data)
            if mined:
                await self.chain.mine()

        self.run(work())

    @rule(place=st.integers(0, 20))
    def late_delivery(self, place: int) -> None:
        """A transaction of ours comes from somewhere where it had waited."""
        known = [
            one.raw
            for row in self.referee.rows()
            for one in row.attempts
            if row.state is not State.SUPERSEDED and row.nonce is not None
        ]
        if known:
            self.run(self.chain.deliver(known[place % len(known)]))

    @rule(gwei=st.sampled_from([1, 5, 60, 300, 800]), seconds=st.sampled_from([0, 31]))
    def base_fee(self, gwei: int, seconds: int) -> None:
        """A spike, or its end; perhaps until what waits is late."""

        async def work() -> None:
            await self.chain.base_fee(gwei * GWEI)
            if seconds:
                await self.chain.mine(1, seconds)

        self.run(work())

    @rule(on=st.booleans())
    def refuse(self, on: bool) -> None:
        """The contract reverts, or no longer."""
        self.run(self.chain.refuse(on=on))

    @rule(faults=st.lists(FAULTS, max_size=2))
    def faults(self, faults: list[Fault]) -> None:
        """What the way to the node does from now on."""
        self.chain.proxy.faults = tuple(faults)

    @rule(
        name=NAMES,
        numbers=SOME,
        look=st.booleans(),
        after=st.integers(0, 6),
        kind=st.sampled_from(["broadcast", "request", "request"]),
        what=st.sampled_from(["reorg", "reorg", "theft", "mine", "drop", "steal", "somebody else"]),
    )
    def meanwhile(
        self, *, name: str, numbers: list[int], look: bool, after: int, kind: str, what: str
    ) -> None:
        """In the middle of a round, the chain changes."""

        async def work() -> None:
            process = await self._process(name)
            process.event = Ambush(after, kind, self._event(what))
            await self._round(name, numbers, (None, None), look=look)
            process.event = None

        self.run(work())

    @rule(after=st.integers(0, 4), depth=st.integers(1, 3))
    def asked_again(self, after: int, depth: int) -> None:
        """What is done and not final is asked for again, and in the middle of that its block goes."""

        async def work() -> None:
            process = await self._process("one")
            await self.chain.mine()
            await self._settled(process.sender.reconcile())
            process.event = Ambush(after, "request", lambda: self._reorg(depth, thief=False))
            await self._submit(process, list(self.intents))
            process.event = None

        self.run(work())

    @rule(depth=st.integers(1, 3))
    def failed_and_back(self, depth: int) -> None:
        """What is under way reverts and is tried again; then the block in which it reverted goes."""

        async def work() -> None:
            await self.chain.refuse(on=True)
            await self.chain.mine()
            await self.chain.refuse(on=False)
            await self._round("one", list(self.intents), (None, None), look=True)
            await self._reorg(depth, thief=False)
            await self.chain.refuse(on=False)

        self.run(work())

    # ------------------------------------------------------------------ the end

    def teardown(self) -> None:
        """Calm: all comes to its end, and the referee judges."""
        type(self).played += 1
        try:
            if not self.failed:
                self.run(self._finish())
        finally:
            self.runner.run(self._close())
            shutil.rmtree(self.folder, ignore_errors=True)

    async def _finish(self) -> None:
        await self.chain.calm()
        self.books.closed = False
        await self.referee.calm_begins(self.intents)
        for name in list(self.processes):
            await self._bury(name)
        process = await self._process("last")
        if self.leased:
            await self._take_lease("last", expired=True)
        # What others sent, and what is worth little, may wait for lower fees; anything else must outbid them.
        cheap = any(one.worth_wei is not None for one in self.intents.values())
        if not cheap and not self.referee.thefts:
            over = await self._until_over(process, _ROUNDS // 2, fee_wei=_HIGH_FEE)
            require(over, "it waits for ever for lower fees")
        await self._until_over(process, _ROUNDS, fee_wei=GWEI)
        for _ in range(_ROUNDS):
            if all(row.final for row in self.referee.rows()):
                break
            await self.chain.mine(FINAL_DEPTH // 2, 12)
            await self._settled(process.sender.reconcile())
            await self.referee.look()
        await self.referee.verdict(self.intents)
        self._count_what_was_met()

    def _count_what_was_met(self) -> None:
        MET["schedules"] += 1
        MET["intents"] += len(self.intents)
        MET.update(type(one.fault).__name__ for one in self.chain.proxy.log)
        for row in self.referee.rows():
            MET[row.state] += 1
            MET["filled gaps"] += row.intent.action == "fill nonce"
            MET["done by others"] += row.state is State.DONE and bool(row.reason)
            for earlier, later in pairwise(row.attempts):
                MET["bumped" if earlier.kind is later.kind else "cancelled"] += 1

    async def _until_over(self, process: Process, rounds: int, *, fee_wei: int) -> bool:
        """Rounds of a keeper that wants everything, and blocks; whether nothing is left to do in the end."""
        wanted = [number for number, one in self.intents.items() if one.deadline is None]
        for _ in range(rounds):
            await self._settled(process.sender.reconcile())
            await self._submit(process, wanted)
            await self.referee.look()
            if self.done.issuperset(wanted) and not any(row.state.live for row in self.referee.rows()):
                return True
            await self.chain.base_fee(fee_wei)
            await self.chain.mine(1, 12)
        return False

    async def _close(self) -> None:
        for name in list(self.processes):
            await self._bury(name)
        self.referee.close()

    # ------------------------------------------------------------------ inside

    def _intent(self, number: int, terms: Terms, now: int) -> None:
        # The last number is of two subjects.
        slots = [number, number + 1] if number == 6 else [number]
        seconds, gwei = terms
        deadline = None if seconds is None else now + seconds
        worth = None if gwei is None else gwei * GWEI * _GAS
        if number not in self.intents:
            self.intents[number] = counting(slots, deadline=deadline, worth_wei=worth)

    async def _round(self, name: str, numbers: list[int], terms: Terms, *, look: bool) -> None:
        now = await self.chain.anvil.timestamp()
        for number in numbers:
            self._intent(number, terms, now)
        process = await self._process(name)
        if look:
            await self._settled(process.sender.reconcile())
        await self._submit(process, numbers)

    async def _both(self, numbers: list[int]) -> None:
        for number in numbers:
            self._intent(number, (None, None), 0)
        one, two = await self._process("one"), await self._process("two")
        await self._settled(
            one.sender.reconcile(),
            two.sender.reconcile(),
            *(p.sender.submit(self.intents[number]) for number in numbers for p in (one, two)),
        )

    async def _process(self, name: str) -> Process:
        if name in self.processes and self.processes[name].dead:
            await self._bury(name)
        if name not in self.processes:
            process = Process(
                self.chain, self.path, self.books, before_broadcast=self.referee.before_broadcast
            )
            self.processes[name] = process
            if self.leased:
                await self._take_lease(name, expired=False)
        return self.processes[name]

    async def _take_lease(self, name: str, *, expired: bool) -> None:
        if expired:
            self.referee.expire_leases()
        lease = self.leases.get(name) or Lease(self.path, SIGNER.address, 31337, name, ttl_seconds=3600)
        self.leases[name] = lease
        self.processes[name].under(lease.fence)
        try:
            await lease.acquire(wait_seconds=0)
        except LeaseHeldError:
            return

    async def _bury(self, name: str) -> None:
        process = self.processes.pop(name, None)
        lease = self.leases.pop(name, None)
        if process is not None:
            await process.aclose()
        if lease is not None:
            # Killed: it does not give it back.
            await lease._stop_renewing()
            if lease._store is not None:
                lease._store.close()

    async def _submit(self, process: Process, numbers: list[int]) -> None:
        outcomes = await self._settled(*(process.sender.submit(self.intents[n]) for n in numbers))
        self.done.update(n for n, one in zip(numbers, outcomes, strict=True) if isinstance(one, Outcome))
        self.done.difference_update(
            n for n, one in zip(numbers, outcomes, strict=True) if not isinstance(one, Outcome)
        )

    async def _settled(self, *work: Awaitable[Any]) -> list[Any]:
        """What came of each: its result, or an error that may be."""
        results = await asyncio.gather(*work, return_exceptions=True)
        for result in results:
            expected = isinstance(result, ChainKitError | Crash) and not isinstance(result, StoreError)
            MET[type(result).__name__] += isinstance(result, BaseException)
            if isinstance(result, BaseException) and not expected:
                raise result
        return results

    async def _reorg(self, depth: int, *, thief: bool) -> None:
        self.referee.rewound = True
        self.referee.thefts |= thief
        await self.chain.reorg(depth, thief=thief)

    def _event(self, what: str) -> Callable[[], Awaitable[None]]:
        async def happens() -> None:
            match what:
                case "mine":
                    await self.chain.mine(1, 2)
                case "reorg" | "theft":
                    await self._reorg(2, thief=what == "theft")
                case "drop":
                    await self.chain.drop(newest_only=False)
                case "steal":
                    self.referee.thefts = True
                    await self.chain.steal(0, fee_wei=200 * GWEI)
                case _:
                    for intent in list(self.intents.values())[:1]:
                        await self.chain.other(intent.data)
                        await self.chain.mine(1, 2)

        return happens
