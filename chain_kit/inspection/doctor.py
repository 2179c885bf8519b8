"""Every nonce in flight explained, and what to do about it.

Pure: rows and what the chain says go in, findings come out. What a keeper's next round mends by itself is
said to wait; a finding is for a person only where no keeper can mend it, or where somebody else uses the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from chain_kit.fees import FeePolicy, raised
from chain_kit.inspection.view import ChainView, Finding, Urgency
from chain_kit.outbox.intents import Attempt, Kind, Row, State
from chain_kit.units import format_units, iso_utc

__all__ = ["diagnose", "ether", "gwei"]

_GWEI_DECIMALS = 9
_ETHER_DECIMALS = 18
_KEEPER = "nothing: the keeper's next round does it"


def gwei(wei: int) -> str:
    """Wei per gas as people read it: "1.5 gwei"."""
    return f"{format_units(wei, _GWEI_DECIMALS)} gwei"


def ether(wei: int) -> str:
    """An amount as people read it: "0.01 ETH"."""
    return f"{format_units(wei, _ETHER_DECIMALS)} ETH"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def diagnose(rows: Iterable[Row], chain: ChainView, policy: FeePolicy) -> list[Finding]:
    """What there is to say of rows that are not final, by signer and nonce; superseded rows are left out.

    `policy` is the keeper's: what it may offer. Each live row has a finding at least, and so has a signer
    without any.
    """
    by_signer: dict[str, list[Row]] = {signer: [] for signer in chain.signers}
    for row in rows:
        by_signer.setdefault(row.sender, []).append(row)
    found: list[Finding] = []
    for signer in sorted(by_signer):
        own = sorted(by_signer[signer], key=lambda row: (row.nonce is None, row.nonce or 0, row.id))
        found += _Signer(signer, own, chain, policy).findings()
    return found


class _Signer:
    """One signer's rows against the chain."""

    def __init__(self, address: str, rows: Sequence[Row], chain: ChainView, policy: FeePolicy) -> None:
        self._address = address
        self._rows = [row for row in rows if row.state is not State.SUPERSEDED]
        self._live = [row for row in rows if row.state.live]
        self._chain = chain
        self._view = chain.signers[address]
        self._policy = policy
        self._ours = {attempt.tx_hash for row in rows for attempt in row.attempts}

    def findings(self) -> list[Finding]:
        found = [
            *self._ended(),
            *(self._explain(row) for row in self._live),
            *self._gaps(),
            *self._strangers(),
        ]
        found.sort(key=lambda one: (one.nonce is None, one.nonce or 0, one.row_id or 0))
        if not self._live:
            says = f"nothing is in flight; its next nonce is {self._view.latest}"
            found.append(self._of_signer("idle", Urgency.FINE, says, "nothing"))
        return [*self._funds(), *self._lease(), *self._halts(), *found]

    # ------------------------------------------------------------------ one row

    def _explain(self, row: Row) -> Finding:
        if row.nonce is None:
            says = "it had ended in a block that is gone, by a transaction that was not its own"
            return self._of_row(row, "without nonce", Urgency.WAITS, says, _KEEPER)
        for attempt in row.attempts:
            if attempt.tx_hash in self._chain.mined:
                return self._in_block(row, attempt)
        if row.nonce < self._view.latest:
            return self._stolen(row, row.nonce)
        if self._known(row):
            return self._in_pool(row, row.nonce)
        return self._unknown(row, row.nonce)

    def _in_block(self, row: Row, attempt: Attempt) -> Finding:
        number, _ = self._chain.mined[attempt.tx_hash]
        deep = self._chain.head.number - number + 1
        what = (
            "an empty transaction that frees its nonce" if attempt.kind is Kind.CANCEL else "its transaction"
        )
        says = f"{what} {attempt.tx_hash} is in block {number}, {deep} deep"
        return self._of_row(row, "mined", Urgency.WAITS, says, "nothing: the keeper's next round notes it")

    def _stolen(self, row: Row, nonce: int) -> Finding:
        by = self._view.used_by.get(nonce)
        who = f"transaction {by}" if by else "a transaction that this node does not show"
        says = f"nonce {nonce} was used by {who}, which the outbox did not send"
        remedy = (
            "the keeper builds it anew at another nonce; find out who else sends with this key, and stop it"
        )
        return self._of_row(row, "stolen nonce", Urgency.PERSON, says, remedy)

    def _in_pool(self, row: Row, nonce: int) -> Finding:
        fees = row.attempts[-1].offer.fees
        if self._past_deadline(row):
            return self._expiring(row)
        if nonce > self._view.latest:
            says = f"it is in the pool, behind {_many(nonce - self._view.latest, 'nonce')} of its signer"
            return self._of_row(row, "queued", Urgency.WAITS, says, "nothing: it is mined after those")
        if fees.max_fee_per_gas_wei < self._chain.base_fee_wei:
            return self._below_base_fee(row)
        pending = max(0, self._chain.head.timestamp - row.attempts[-1].created_at)
        says = f"it is next, in the pool for {pending} s, and offers {gwei(fees.max_fee_per_gas_wei)}"
        remedy = f"nothing: after {self._policy.stuck_seconds} s the keeper offers more"
        return self._of_row(row, "next", Urgency.WAITS, says, remedy)

    def _below_base_fee(self, row: Row) -> Finding:
        last, base_wei, cap_wei = row.attempts[-1], self._chain.base_fee_wei, self._policy.max_fee_wei
        offers = (
            f"it offers {gwei(last.offer.fees.max_fee_per_gas_wei)}, the next block asks {gwei(base_wei)}"
        )
        least_wei = max(base_wei, raised(last.offer.fees, self._policy).max_fee_per_gas_wei)
        if least_wei > cap_wei:
            remedy = f"raise max_fee_gwei above {gwei(least_wei)}, or wait until the chain asks less"
            return self._of_row(
                row, "above cap", Urgency.PERSON, f"{offers}, and the cap is {gwei(cap_wei)}", remedy
            )
        worth_wei = row.intent.worth_wei
        cost_wei = last.offer.gas * least_wei + self._chain.l1_fee_wei.get(row.id, 0)
        if worth_wei is not None and cost_wei > worth_wei:
            says = f"{offers}; at that it would cost {ether(cost_wei)}, and it is worth {ether(worth_wei)}"
            until = "" if row.intent.deadline is None else f", until its deadline {row.intent.deadline}"
            return self._of_row(row, "not worth it", Urgency.WAITS, says, f"nothing: it waits{until}")
        return self._of_row(row, "below base fee", Urgency.WAITS, offers, "nothing: the keeper offers more")

    def _unknown(self, row: Row, nonce: int) -> Finding:
        rival = next((one for one in self._view.pool or () if one.nonce == nonce), None)
        if rival is not None and rival.tx_hash not in self._ours:
            says = f"another transaction, {rival.tx_hash}, waits in the pool with nonce {nonce}"
            remedy = "find out who else sends with this key; the keeper offers more, or builds it anew"
            return self._of_row(row, "rival", Urgency.PERSON, says, remedy)
        if self._past_deadline(row):
            return self._expiring(row)
        if row.attempts[-1].offer.fees.max_fee_per_gas_wei < self._chain.base_fee_wei:
            return self._below_base_fee(row)  # nodes drop such ones, and refuse them
        if row.state is State.JOURNALED:
            says = "it is signed and stored, and the node has not seen it"
            return self._of_row(
                row, "journaled", Urgency.WAITS, says, "nothing: the keeper's next round broadcasts it"
            )
        remedy = "nothing: the keeper's next round broadcasts the same bytes again"
        return self._of_row(row, "dropped", Urgency.WAITS, "the node does not know it any more", remedy)

    def _past_deadline(self, row: Row) -> bool:
        deadline = row.intent.deadline
        cancelled = row.attempts[-1].kind is Kind.CANCEL
        return cancelled or (deadline is not None and self._chain.head.timestamp > deadline)

    def _expiring(self, row: Row) -> Finding:
        if row.attempts[-1].kind is Kind.CANCEL:
            says = "it is not wanted any more; an empty transaction is to take its nonce"
            return self._of_row(row, "cancelling", Urgency.WAITS, says, _KEEPER)
        says = f"its deadline {row.intent.deadline} has passed, the chain's clock says {self._now()}"
        remedy = "nothing: the keeper's next round sends an empty transaction in its place"
        return self._of_row(row, "past deadline", Urgency.WAITS, says, remedy)

    def _now(self) -> int:
        return self._chain.head.timestamp

    def _known(self, row: Row) -> bool:
        return any(attempt.tx_hash in self._chain.known for attempt in row.attempts)

    # ------------------------------------------------------------------ all of them

    def _ended(self) -> Iterator[Finding]:
        """Rows that have ended, in blocks that may still go."""
        firm = 0
        for row in self._rows:
            if row.state.live or row.final or row.block_number is None:
                continue
            if self._chain.blocks.get(row.block_number) == row.block_hash:
                firm += 1
            elif row.block_number > self._chain.head.number:
                says = f"it ended in block {row.block_number}, and the node is at {self._chain.head.number}"
                remedy = "ask another node: this one is behind, or its chain was cut short"
                yield self._of_row(row, "node behind", Urgency.PERSON, says, remedy)
            else:
                says = (
                    f"it was {row.state.value} in block {row.block_number}, which a reorganisation took back"
                )
                remedy = "nothing: the keeper's next round broadcasts the same bytes again"
                yield self._of_row(row, "reorged", Urgency.WAITS, says, remedy)
        if firm:
            says = f"ended, until their blocks are final: {_many(firm, 'transaction')}"
            yield self._of_signer("settling", Urgency.FINE, says, "nothing")

    def _gaps(self) -> Iterator[Finding]:
        """Nonces below those in flight that nobody holds."""
        held = {row.nonce for row in self._live if row.nonce is not None}
        pooled = {one.nonce for one in self._view.pool or ()}
        covered = held | pooled | set(range(self._view.latest, self._view.pending))
        for nonce in range(self._view.latest, max(held, default=0)):
            if nonce not in covered:
                says = f"nonce {nonce} is missing: what is above it waits for it"
                remedy = f"nothing: the keeper's next round sends an empty transaction with nonce {nonce}"
                yield self._of_signer("gap", Urgency.WAITS, says, remedy, nonce=nonce)

    def _strangers(self) -> Iterator[Finding]:
        """Pending transactions of the signer that are not the outbox's."""
        held = {row.nonce for row in self._live}
        remedy = "find out who else sends with this key: one outbox and one keeper for each"
        if self._view.pool is not None:
            for one in self._view.pool:
                if one.tx_hash not in self._ours and one.nonce not in held:
                    says = f"the pool holds {one.tx_hash} with nonce {one.nonce}, which is not in the outbox"
                    yield self._of_signer("unknown pending", Urgency.PERSON, says, remedy, nonce=one.nonce)
            return
        for nonce in range(self._view.latest, self._view.pending):
            if nonce not in held:
                says = f"the node counts a pending transaction with nonce {nonce}, which is not in the outbox"
                yield self._of_signer("unknown pending", Urgency.PERSON, says, remedy, nonce=nonce)

    def _funds(self) -> Iterator[Finding]:
        """Whether the balance covers what is in flight, at the highest."""
        waiting = [row for row in self._live if not self._is_mined(row)]
        most_wei = sum(self._most_wei(row) for row in waiting)
        if most_wei <= self._view.balance_wei:
            return
        sums = accumulate(self._most_wei(row) for row in waiting)
        covered = sum(1 for wei in sums if wei <= self._view.balance_wei)
        says = (
            f"it holds {ether(self._view.balance_wei)}, and what is in flight may cost {ether(most_wei)}:"
            f" enough for {covered} of {len(waiting)}"
        )
        missing_wei = most_wei - self._view.balance_wei
        remedy = f"send {ether(missing_wei)} ({missing_wei} wei) to {self._address}"
        yield self._of_signer("no funds", Urgency.PERSON, says, remedy)

    def _most_wei(self, row: Row) -> int:
        last = row.attempts[-1]
        value_wei = 0 if last.kind is Kind.CANCEL else row.intent.value_wei
        return last.offer.most_wei + value_wei + self._chain.l1_fee_wei.get(row.id, 0)

    def _is_mined(self, row: Row) -> bool:
        return any(attempt.tx_hash in self._chain.mined for attempt in row.attempts)

    def _lease(self) -> Iterator[Finding]:
        lease = self._view.lease
        if lease is None:
            return
        if lease.left_ms > 0:
            says = f"{lease.holder} holds its lease, for {lease.left_ms} ms more unless it renews it"
            yield self._of_signer("leased", Urgency.FINE, says, "nothing: that process does the rounds")
        elif self._live:
            says = f"its lease ran out {-lease.left_ms // 1000} s ago; {lease.holder} had it last"
            yield self._of_signer(
                "no keeper", Urgency.PERSON, says, "start a keeper: no process does the rounds"
            )

    def _halts(self) -> Iterator[Finding]:
        for action, (since, reason) in sorted(self._view.halts.items()):
            says = f"{action} is halted since {iso_utc(since)}: {reason}"
            remedy = f"mend what is wrong, then `chain-kit keeper resume {action}`"
            yield self._of_signer("halted", Urgency.PERSON, says, remedy)

    # ------------------------------------------------------------------ findings

    def _of_row(self, row: Row, kind: str, urgency: Urgency, says: str, remedy: str) -> Finding:
        return Finding(kind, urgency, says, remedy, self._address, row.nonce, row.id, str(row.intent))

    def _of_signer(
        self, kind: str, urgency: Urgency, says: str, remedy: str, *, nonce: int | None = None
    ) -> Finding:
        return Finding(kind, urgency, says, remedy, self._address, nonce)
