"""Whatever happens, in whatever order: what the chain took within any hour or day is within the budget."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import given, settings

from chain_kit.guard import Budget, BudgetExceededError
from chain_kit.guard.budget import Ledger
from chain_kit.guard.tables import create_tables
from chain_kit.outbox import Journal, Kind, Level, Offer, Row, State
from chain_kit.outbox.gate import Admit, Entry
from chain_kit.signers import SignedTransaction
from tests.keeper_support.counting import CHAIN, GENESIS, SIGNER, START, intent, quote

HOUR, DAY, FINAL_AFTER = 3_600, 86_400, 1_800
BUDGET = Budget(hour_wei=2_000, day_wei=5_000)
LEDGER = Ledger(CHAIN, SIGNER, BUDGET)
WAITS = (1, 600, FINAL_AFTER, HOUR - 1, HOUR, 2 * HOUR, 6 * HOUR)


class KilledError(Exception):
    """The process ends here."""


@dataclass(frozen=True)
class Step:
    """Something that happens; what the numbers mean is its own affair."""

    name: str
    which: int
    wei: int
    killed: bool


STEPS = st.builds(
    Step,
    st.sampled_from(
        ["enter"] * 6
        + ["mine"] * 5
        + ["tell"] * 2
        + ["wait"] * 4
        + ["bump"] * 3
        + ["reorg", "cancel", "drop"]
    ),
    st.integers(0, 7),
    st.sampled_from([200, 300, 500, 900]),
    st.sampled_from([False, False, False, True]),
)


@dataclass(frozen=True)
class Block:
    """With one transaction in it."""

    at: int
    row_id: int
    wei: int


class World:
    """Processes with one key and one outbox, which may be killed at any moment, and a chain."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = START
        self.blocks: list[Block] = []
        self.forks = 0
        self.signed = 0
        self.journals = [self.opened(), self.opened()]

    def opened(self) -> Journal:
        """The outbox as a process opens it; what the disk does when the power fails is not the question."""
        journal = Journal.open(self.path, CHAIN, GENESIS)
        journal._store._raw.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]
        journal._store.write(create_tables, lock=0)
        return journal

    def close(self) -> None:
        """All processes end."""
        for journal in self.journals:
            journal.close()

    def spent(self, seconds: int) -> int:
        """What was paid within that time, up to now."""
        return sum(one.wei for one in self.blocks if one.at > self.now - seconds)

    def happen(self, step: Step) -> None:
        """A step; one that cannot be made now is none."""
        getattr(self, step.name)(step, self.journals[step.which % 2])
        if step.killed:
            self.journals[step.which % 2].close()
            self.journals[step.which % 2] = self.opened()

    # ------------------------------------------------------------------ processes

    def enter(self, step: Step, journal: Journal) -> None:
        """A new intent, if the budget allows it; its process may end between reservation and row."""
        cost = quote(step.wei)
        with suppress(BudgetExceededError, KilledError):
            journal.begin(
                intent(self.signed),
                SIGNER,
                0,
                self.kill if step.killed else self.sign,
                offer=Offer(cost.gas, cost.fees),
                seen=journal.newest(),
                admit=self.admit(step.wei),
            )

    def bump(self, step: Step, journal: Journal) -> None:
        """A replacement, if the budget allows the difference."""
        for row in self.some(step, State.JOURNALED, State.SENT):
            cost = quote(step.wei)
            with suppress(BudgetExceededError, KilledError):
                journal.replace(
                    row,
                    Kind.CALL,
                    self.kill if step.killed else self.sign,
                    offer=Offer(cost.gas, cost.fees),
                    admit=self.admit(step.wei),
                )

    def cancel(self, step: Step, journal: Journal) -> None:
        """An empty transaction that costs no more than the call might: one that does is above all budgets."""
        for row in self.some(step, State.JOURNALED, State.SENT):
            wei = max(attempt.offer.most_wei for attempt in row.attempts)
            offer, admit = Offer(100, quote(wei).fees), self.admit(wei, cancels=True)
            journal.replace(row, Kind.CANCEL, self.sign, offer=offer, admit=admit)

    def drop(self, step: Step, journal: Journal) -> None:
        """The effect was there: the nonce is given back, and nobody has the bytes."""
        for row in self.some(step, State.JOURNALED):
            journal.drop(row, "it was there", block=(len(self.blocks), self.hash()))

    def tell(self, _: Step, journal: Journal) -> None:
        """Receipts are seen: the cost is told, and the row ends unless its process is killed just then."""
        for row in [row for row in journal.watched() if row.state is State.MINED]:
            self.told(row, journal, ends=not _.killed)

    def told(self, row: Row, journal: Journal, *, ends: bool) -> None:
        """One receipt."""
        wei = next(one.wei for one in reversed(self.blocks) if one.row_id == row.id)
        journal._store.write(lambda c: LEDGER.settle(c, row, wei, self.now), lock=CHAIN)
        if ends:
            assert row.block_number is not None
            assert row.block_hash is not None
            journal.update(row, State.DONE, block=(row.block_number, row.block_hash))

    # ------------------------------------------------------------------ the chain

    def mine(self, step: Step, journal: Journal) -> None:
        """A row's dearest transaction is in a block, at all that it offers; or another, at little."""
        for row in self.some(step, State.JOURNALED, State.SENT):
            attempt = max(row.attempts, key=lambda one: one.offer.most_wei)
            wei = attempt.offer.most_wei
            if step.which > 4:
                attempt, wei = row.attempts[step.which % len(row.attempts)], 100
            self.blocks.append(Block(self.now, row.id, wei))
            block = (len(self.blocks), self.hash())
            mined = journal.update(row, State.MINED, block=block, tx_hash=attempt.tx_hash)
            if step.which % 3:
                self.told(mined, journal, ends=True)

    def wait(self, step: Step, journal: Journal) -> None:
        """Time passes; what is old enough is final."""
        self.now += WAITS[step.which % len(WAITS)]
        ended = [row for row in journal.watched() if not row.state.live]
        journal.settle([row for row in ended if (row.block_number or 0) <= self.final], Level.FINALIZED)

    def reorg(self, step: Step, journal: Journal) -> None:
        """Blocks go, and their transactions wait again."""
        keep = max(self.final, len(self.blocks) - 1 - step.which)
        gone = {one.row_id for one in self.blocks[keep:]}
        del self.blocks[keep:]
        self.forks += 1
        for row_id in gone:
            journal.update(journal.row(row_id), State.SENT)

    @property
    def final(self) -> int:
        """How many blocks cannot go any more."""
        return sum(one.at <= self.now - FINAL_AFTER for one in self.blocks)

    def use_up(self) -> None:
        """As many intents as the budget has room for; then all that is under way is mined, at the most."""
        cheap = Step("enter", 0, 100, killed=False)
        before = -1
        while self.signed > before:
            before = self.signed
            self.happen(cheap)
        for _ in range(len(self.journals[0].watched())):
            self.happen(Step("mine", 0, 0, killed=False))

    # ------------------------------------------------------------------ inside

    def some(self, step: Step, *states: State) -> list[Row]:
        """A row in one of the states, if there is one."""
        found = [row for row in self.journals[0].watched() if row.state in states]
        return [found[step.which % len(found)]] if found else []

    def admit(self, wei: int, *, cancels: bool = False) -> Admit:
        """What the guard has the journal ask."""
        cost, now, any_intent = quote(wei), self.now, intent("any")
        return lambda connection, nonce: LEDGER.reserve(
            connection, Entry(any_intent, cost, SIGNER, nonce, now, cancels), forced=cancels
        )

    def sign(self, nonce: int) -> SignedTransaction:
        """Bytes unlike any before."""
        self.signed += 1
        return SignedTransaction(b"raw", f"0x{nonce:032x}{self.signed:032x}")

    def kill(self, nonce: int) -> SignedTransaction:
        """The process ends between the reservation and the row."""
        raise KilledError(nonce)

    def hash(self) -> str:
        """The newest block's; another one after each reorg."""
        return f"0x{len(self.blocks):x}-{self.forks}"


@given(st.lists(STEPS, min_size=30, max_size=80))
@settings(max_examples=60, deadline=None)
def test_is_kept_whatever_happens(steps: list[Step]) -> None:
    """Two processes, kills, replacements, reorgs: after each step, the hour and the day that end then.

    In the end, with whatever all that has left of it, the budget is used up: nothing was forgotten.
    """
    assert BUDGET.hour_wei is not None
    assert BUDGET.day_wei is not None
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "outbox.db")
        try:
            for step in steps:
                world.happen(step)
                assert world.spent(HOUR) <= BUDGET.hour_wei
                assert world.spent(DAY) <= BUDGET.day_wei
            world.use_up()
            assert world.spent(HOUR) <= BUDGET.hour_wei
            assert world.spent(DAY) <= BUDGET.day_wei
        finally:
            world.close()
