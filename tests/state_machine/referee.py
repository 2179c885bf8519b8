"""Holds the journal against the chain: what must be so at every moment, and what when all is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from chain_kit.errors import SendError
from chain_kit.outbox import Attempt, Intent, Journal, Kind, Quote, Row, State
from chain_kit.outbox.tables import leases
from chain_kit.testing import StaleReplica
from tests.state_machine.chain import SIGNER, Chain
from tests.state_machine.counter import COUNTER, slots_in
from tests.state_machine.process import POLICY

__all__ = ["Books", "BrokenError", "Referee", "require", "told"]

# A stale replica tells the time of some blocks ago.
_CLOCK_SLACK_SECONDS = 10


class BrokenError(AssertionError):
    """A rule that must hold does not."""


class Books:
    """A gate that writes down what it is told, and refuses while it is closed."""

    def __init__(self) -> None:
        self.closed = False
        self.checked: Counter[tuple[str, ...]] = Counter()
        self.spendings: dict[str, int] = {}

    async def check(self, intent: Intent, quote: Quote) -> None:
        """Perhaps not now."""
        if self.closed:
            raise SendError("the budget is spent")
        fits = intent.worth_wei is None or quote.total_wei <= intent.worth_wei
        require(fits, f"{intent} is worth {intent.worth_wei} wei, the gate is asked for {quote.total_wei}")
        self.checked[intent.subjects] += 1

    async def spent(self, row: Row, wei: int) -> None:
        """By hash: after a reorg it may cost something else."""
        self.spendings[row.tx_hash] = wei

    async def verified(self, intent: Intent) -> None:
        """Nothing to write down."""


class Referee:
    """Of one schedule. `thefts`: another program used our key in it; `rewound`: blocks were taken back."""

    def __init__(self, chain: Chain, path: Path, books: Books) -> None:
        self._chain = chain
        self._journal = Journal.open(path, 31337, chain.genesis)
        self._books = books
        self._ended: dict[int, Row] = {}
        self._there: set[tuple[str, ...]] = set()
        self._mined_before: set[str] = set()
        self.thefts = False
        self.rewound = False

    def close(self) -> None:
        """Closes its view of the journal."""
        self._journal.close()

    def rows(self) -> list[Row]:
        """The journal."""
        return self._journal.rows()

    def expire_leases(self) -> None:
        """All leases have run out."""
        self._journal._store.write(lambda c: c.execute(leases.update().values(expires_at_ms=0)), lock=31337)

    # ------------------------------------------------------------------ at every moment

    def before_broadcast(self, raw: str) -> None:
        """What is broadcast is in the journal, and is no call that nobody wants any more."""
        found = [(row, one) for row in self.rows() for one in row.attempts if "0x" + one.raw.hex() == raw]
        require(len(found) == 1, f"{raw} is broadcast and not in the journal")
        ((row, one),) = found
        behind = any(isinstance(fault, StaleReplica) for fault in self._chain.proxy.faults)
        deadline = row.intent.deadline
        wanted = deadline is None or self._chain.time <= deadline or one.kind is Kind.CANCEL
        require(wanted or behind, f"{told(row)} is broadcast at {self._chain.time}, past its deadline")

    async def look(self) -> None:
        """No nonce in two rows, nothing terminal before it is final, nothing changed after."""
        rows = self.rows()
        held = Counter(row.nonce for row in rows if row.nonce is not None and row.outcome != State.SUPERSEDED)
        require(max(held.values(), default=1) == 1, f"a nonce is in two rows: {held}")
        for row in rows:
            _require_raised(row, patient=not self.rewound)
            if row.id in self._ended:
                require(row == self._ended[row.id], f"{told(row)} was final as {told(self._ended[row.id])}")
            elif row.final:
                await self._require_final(row)
                self._ended[row.id] = row

    async def _require_final(self, row: Row) -> None:
        final = await self._chain.note_final()
        require(row.outcome != "", f"{told(row)} is final and has no outcome")
        if row.state is State.SUPERSEDED:
            used = row.nonce is None or await self._chain.nonce(final) > row.nonce
            require(used, f"{told(row)} is final, and its nonce is not used in any final block")
            return
        number = row.block_number
        require(number is not None and number <= final, f"{told(row)} is final, and only block {final} is")
        block = await self._chain.rpc.call("eth_getBlockByNumber", [hex(number or 0), False])
        require(block["hash"] == row.block_hash, f"{told(row)} is final in a block that is not there")

    # ------------------------------------------------------------------ in the end

    async def calm_begins(self, intents: Mapping[int, Intent]) -> None:
        """Nothing disturbs from now on: what is there already must not be brought about by a later call."""
        self._mined_before = set(await self._mined())
        self._there = {one.subjects for one in intents.values() if await self._is_there(one)}

    def _require_nothing_twice(self, rows: list[Row], mined: Mapping[str, Mapping[str, Any]]) -> None:
        for row in rows:
            offers = [one.offer.fees.max_fee_per_gas_wei for one in row.attempts]
            # At the cap, no other transaction can take its place.
            if row.intent.subjects not in self._there or 10 * POLICY.max_fee_wei < 11 * max(offers):
                continue
            calls = {one.tx_hash for one in row.attempts if one.kind is Kind.CALL}
            late = (calls & mined.keys()) - self._mined_before
            served = row.intent.contract == COUNTER and late
            require(not served, f"{told(row)}: its effect was there, and {late} came after")

    async def verdict(self, intents: Mapping[int, Intent]) -> None:
        """Everything has settled: each intent once, paid within its worth, and no nonce left open."""
        rows = self.rows()
        for row in rows:
            require(row.final, f"{told(row)} is not final")
        mined = await self._mined()
        self._require_once(mined)
        self._require_nothing_twice(rows, mined)
        await self._require_outcomes(rows, mined, intents)
        await self._require_no_gap(rows)
        self._require_spendings(rows, mined)
        self._require_reasons(rows)

    async def _mined(self) -> dict[str, dict[str, Any]]:
        """Our transactions on the chain with their receipts, by hash."""
        ours = [
            one
            for block in await self._chain.blocks()
            for one in block["transactions"]
            if one["from"].lower() == SIGNER.address.lower()
        ]
        receipts = await self._chain.rpc.batch([("eth_getTransactionReceipt", [one["hash"]]) for one in ours])
        return {one["hash"]: {**one, **receipt} for one, receipt in zip(ours, receipts, strict=True)}

    def _require_once(self, mined: Mapping[str, Mapping[str, Any]]) -> None:
        counted: Counter[int] = Counter()
        for one in mined.values():
            if (one["to"] or "").lower() == COUNTER.lower() and int(one["status"], 16):
                counted.update(slots_in(one["input"]))
        doubled = {slot: times for slot, times in counted.items() if times > 1}
        require(not doubled, f"effects brought about more than once by us: {doubled}")

    async def _require_outcomes(
        self, rows: list[Row], mined: Mapping[str, Mapping[str, Any]], intents: Mapping[int, Intent]
    ) -> None:
        ours = [row for row in rows if row.intent.contract == COUNTER]
        by_hash = {one.tx_hash: (row, one) for row in ours for one in row.attempts}
        good = {hash_ for hash_, one in mined.items() if hash_ in by_hash and int(one["status"], 16)}
        paid = {by_hash[hash_][0].intent.subjects for hash_ in good if by_hash[hash_][1].kind is Kind.CALL}
        last = {row.intent.subjects: row for row in ours if row.state is not State.SUPERSEDED}
        for intent in intents.values():
            there = await self._is_there(intent)
            row = last.get(intent.subjects)
            ended = row.state if row is not None else None
            require(there or intent.deadline is not None, f"{intent} was never done: {told(row)}")
            require(there or ended is not State.DONE, f"{told(row)} is done, and its effect is not there")
            not_ours = ended in (State.FAILED, State.EXPIRED) and intent.subjects in paid
            require(not not_ours, f"{told(row)}: one of its transactions took effect")

    async def _is_there(self, intent: Intent) -> bool:
        return all([await self._count(slot) for slot in intent.effect.args["slots"]])

    async def _count(self, slot: int) -> int:
        return int(await self._chain.rpc.call("eth_getStorageAt", [COUNTER, hex(slot), "latest"]), 16)

    async def _require_no_gap(self, rows: list[Row]) -> None:
        count = await self._chain.nonce()
        above = [row for row in rows if row.nonce is not None and row.nonce >= count]
        require(not above, f"the next nonce is {count}: {[told(row) for row in above]}")
        ours = {one.tx_hash for row in rows for one in row.attempts}
        # anvil may keep one whose nonce was used while the chain went to and fro.
        waiting = [one for one in await self._chain.pool() if one[1] in ours and one[0] >= count]
        require(not waiting, f"the pool still holds {waiting}")

    def _require_spendings(self, rows: list[Row], mined: Mapping[str, Mapping[str, Any]]) -> None:
        signed: Counter[tuple[str, ...]] = Counter()
        for row in rows:
            for one in row.attempts:
                signed[row.intent.subjects] += one.kind is Kind.CALL
                _require_within(row, one)
                on_chain = mined.get(one.tx_hash)
                if on_chain is not None and row.state is not State.SUPERSEDED:
                    cost = int(on_chain["gasUsed"], 16) * int(on_chain["effectiveGasPrice"], 16)
                    noted = self._books.spendings.get(one.tx_hash)
                    require(noted == cost, f"{one.tx_hash} cost {cost} wei, the gate was told {noted}")
        for subjects, times in signed.items():
            checked = self._books.checked[subjects]
            require(times <= checked, f"{times} calls of {subjects}, and the gate was asked {checked} times")

    def _require_reasons(self, rows: list[Row]) -> None:
        """Nothing is built anew unless its nonce was another's."""
        if self.thefts:
            return
        for row in rows:
            cancelled = any(one.kind is Kind.CANCEL for one in row.attempts)
            freed = row.nonce is None
            lost = row.state is not State.SUPERSEDED or cancelled or freed
            require(lost, f"{told(row)} was built anew, and nobody took its nonce")


def _require_raised(row: Row, *, patient: bool) -> None:
    """Each further transaction of a row offers a tenth more, and comes when the last is late."""
    for earlier, later in pairwise(row.attempts):
        old, new = earlier.offer.fees, later.offer.fees
        enough = (
            10 * new.max_fee_per_gas_wei >= 11 * old.max_fee_per_gas_wei
            and 10 * new.max_priority_fee_per_gas_wei >= 11 * old.max_priority_fee_per_gas_wei
        )
        require(enough, f"{told(row)}: {new} replaces {old}")
        waited = later.created_at - earlier.created_at + _CLOCK_SLACK_SECONDS
        late = earlier.kind is not later.kind or waited >= POLICY.stuck_seconds
        require(late or not patient, f"{told(row)}: replaced after {waited} s")


def _require_within(row: Row, one: Attempt) -> None:
    highest = one.offer.fees.max_fee_per_gas_wei
    require(highest <= POLICY.max_fee_wei, f"{told(row)}: it offers {highest} wei per gas")
    worth = row.intent.worth_wei
    fits = worth is None or one.kind is Kind.CANCEL or one.offer.most_wei <= worth
    require(fits, f"{told(row)}: it is worth {worth} wei and offers {one.offer.most_wei}")


def told(row: Row | None) -> str:
    """A row in a line."""
    if row is None:
        return "no row"
    tried = " ".join(f"{one.kind}:{one.tx_hash[:10]}@{one.created_at % 10_000}" for one in row.attempts)
    block = f"{row.block_number}:{(row.block_hash or '')[:10]}"
    state = f"{row.level}/{row.outcome or '-'}"
    return f"row {row.id} ({row.intent}) nonce {row.nonce} {state} in {block} [{tried}] {row.reason}"


def require(holds: bool, words: str) -> None:
    """Raises BrokenError unless it holds."""
    if not holds:
        raise BrokenError(words)
