"""Budgets: the most that a signer may pay for gas within any hour, and any day, of the chain's clock.

What counts is what the chain may take, and the journal is the reservation: a transaction is counted in the
very transaction of the database that stores its bytes, so that no crash and no second process comes between.

    not in a block                  the most that any transaction at its nonce may cost, for as long as it may
                                    still come; one that replaces another adds the difference
    in a block that is not final    the same for an hour (a day): a reorg may bring another of them, or it at
                                    another base fee
    in a final block                what its receipt says, for an hour (a day)

The L1 fee is in it, the value that is sent is not: that is no fee. Only a transaction that frees a nonce goes
beyond a budget, and an L1 fee that has risen since the transaction was signed: nobody can bound that one.

The hours are the chain's, since it is by the chain's clock that fees are paid: it is the same for all hosts,
a machine with a wrong clock does not stretch a budget, and a chain that is run fast has its hours sooner.
They slide: no moment is the start of a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)

from chain_kit.errors import SendError
from chain_kit.guard.tables import spending
from chain_kit.outbox.gate import Entry
from chain_kit.outbox.intents import Intent, Level, Row
from chain_kit.outbox.tables import attempts, rows

__all__ = ["Budget", "BudgetExceededError", "Counted", "Ledger"]

HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400


class BudgetExceededError(SendError, hint="it waits until earlier fees are older; or raise the budget"):
    """A transaction's highest cost, beside what was spent and what is under way, is above a budget."""

    def __init__(self, intent: Intent, window: str, needed_wei: int, left_wei: int, limit_wei: int) -> None:
        super().__init__(
            f"{intent}: it may cost {needed_wei} wei more, and of the {window}'s {limit_wei} wei"
            f" {max(0, left_wei)} are left"
        )
        self.window = window
        self.needed_wei = needed_wei
        self.left_wei = max(0, left_wei)


@dataclass(frozen=True)
class Budget:
    """The most that one signer's gas may cost on one chain, in wei; None is no limit."""

    hour_wei: int | None = None
    day_wei: int | None = None

    def __post_init__(self) -> None:
        for wei in (self.hour_wei, self.day_wei):
            if wei is not None and wei < 0:
                raise ValueError(f"a budget is not negative: {wei}")


@dataclass(frozen=True)
class Counted:
    """What counts against the hour and the day, in wei."""

    hour_wei: int = 0
    day_wei: int = 0

    def left(self, budget: Budget) -> dict[str, int | None]:
        """What is left of each, by "hour" and "day"; None is no limit, 0 may be overdrawn."""
        pairs = (("hour", budget.hour_wei, self.hour_wei), ("day", budget.day_wei, self.day_wei))
        return {name: None if most is None else max(0, most - wei) for name, most, wei in pairs}


@dataclass(frozen=True)
class _Record:
    """What is known of one nonce."""

    most_wei: int
    cost_wei: int | None
    counted_at: int
    under_way: bool = True
    final: bool = False

    @property
    def wei(self) -> int:
        """What it counts."""
        if self.cost_wei is not None and self.final:
            return self.cost_wei
        return max(self.most_wei, self.cost_wei or 0)

    def counts(self, now: int, seconds: int) -> bool:
        """Whether it counts against a window of so many seconds."""
        return self.under_way or self.counted_at > now - seconds


# As literals: SQLite uses a partial index only where it sees its condition.
_UNDER_WAY = and_(
    rows.c.chain_id == bindparam("chain_id"),
    rows.c.sender == bindparam("signer"),
    rows.c.level != literal_column("'finalized'"),
    rows.c.outcome == literal_column("''"),
    rows.c.nonce.is_not(None),
)
_AT_NONCE = and_(
    rows.c.chain_id == spending.c.chain_id,
    rows.c.sender == spending.c.signer,
    rows.c.nonce == spending.c.nonce,
)
_OWNS_NONCE = and_(_AT_NONCE, rows.c.outcome != literal_column("'superseded'"))
_OWN = and_(spending.c.chain_id == bindparam("chain_id"), spending.c.signer == bindparam("signer"))
_KNOWN = select(
    spending.c.nonce,
    spending.c.most_wei,
    spending.c.cost_wei,
    spending.c.counted_at,
    rows.c.level,
    rows.c.outcome,
)
_RECENT = _KNOWN.select_from(spending.outerjoin(rows, _OWNS_NONCE)).where(
    _OWN, spending.c.counted_at > bindparam("since")
)
_OLD = _KNOWN.select_from(rows.join(spending, _AT_NONCE)).where(
    _OWN,
    _UNDER_WAY,
    # Not by the index of times, which SQLite would take: few rows are under way, but many records are old.
    spending.c.counted_at + literal_column("0") <= bindparam("since"),
)
_ONE = _KNOWN.select_from(spending.outerjoin(rows, _OWNS_NONCE)).where(
    _OWN, spending.c.nonce == bindparam("of_nonce")
)
_UNKNOWN = (
    select(rows.c.nonce, attempts.c.gas, attempts.c.max_fee_per_gas_wei)
    .select_from(
        rows.join(attempts, attempts.c.row_id == rows.c.id).outerjoin(spending, and_(_AT_NONCE, _OWN))
    )
    .where(_UNDER_WAY, spending.c.nonce.is_(None))
)
_THIS = and_(
    spending.c.chain_id == bindparam("of_chain"),
    spending.c.signer == bindparam("of_signer"),
    spending.c.nonce == bindparam("of_nonce"),
)
_RECORD = select(spending).where(_THIS)
_ENTER = spending.insert()
_RAISE = (
    spending.update()
    .where(_THIS)
    .values(
        most_wei=bindparam("most_wei"),
        cost_wei=bindparam("cost_wei"),
        tx_hash=bindparam("tx_hash"),
        block_hash=bindparam("block_hash"),
        counted_at=bindparam("counted_at"),
    )
)

# Integers of a database have 64 bits: a sum of wei outgrows them at nine ether, one of gwei does not.
_GWEI = 10**9
_COST_WEI = cast(spending.c.cost_wei, BigInteger)
_FITS = func.length(spending.c.cost_wei) <= 18
_SPENT = select(func.sum(_COST_WEI // _GWEI), func.sum(_COST_WEI % _GWEI)).where(_OWN, _FITS)
_SPENT_LARGE = select(spending.c.cost_wei).where(_OWN, func.length(spending.c.cost_wei) > 18)


class Ledger:
    """Counts what one signer spends on one chain. Its methods run inside a transaction of the outbox."""

    def __init__(self, chain_id: int, signer: str, budget: Budget) -> None:
        self.chain_id = chain_id
        self.signer = signer
        self.budget = budget

    def counted(self, connection: Connection, now: int) -> Counted:
        """What counts at `now`, UNIX seconds of the chain's clock."""
        own = {**self._own(self.signer), "since": now - DAY_SECONDS}
        found = [_record_of(one) for query in (_RECENT, _OLD) for one in connection.execute(query, own)]
        found += self._foreign(connection).values()
        return Counted(
            sum(one.wei for one in found if one.counts(now, HOUR_SECONDS)),
            sum(one.wei for one in found if one.counts(now, DAY_SECONDS)),
        )

    def require(
        self, connection: Connection, intent: Intent, total_wei: int, now: int, nonce: int | None
    ) -> None:
        """Raises BudgetExceededError if a transaction that may cost `total_wei` is too much at `now`.

        `nonce` is its own; at one that is taken it counts only as far as it may cost more.
        """
        if self.budget == Budget():
            return
        before = None if nonce is None else self._known(connection, nonce)
        counted = self.counted(connection, now)
        for window, seconds, limit_wei, wei in (
            ("hour", HOUR_SECONDS, self.budget.hour_wei, counted.hour_wei),
            ("day", DAY_SECONDS, self.budget.day_wei, counted.day_wei),
        ):
            own_wei = before.wei if before is not None and before.counts(now, seconds) else 0
            grows_wei = max(total_wei, before.wei if before is not None else 0) - own_wei
            if limit_wei is not None and grows_wei > 0 and wei + grows_wei > limit_wei:
                raise BudgetExceededError(intent, window, grows_wei, limit_wei - wei, limit_wei)

    def reserve(self, connection: Connection, entry: Entry, *, forced: bool) -> None:
        """Counts a transaction that is about to be signed; one that is not `forced` must fit the budget."""
        if entry.sender != self.signer:
            raise ValueError(f"the budget is {self.signer}'s, not {entry.sender}'s")
        if not forced:
            self.require(connection, entry.intent, entry.quote.total_wei, entry.chain_time, entry.nonce)
        place = (entry.sender, entry.nonce)
        self._note(connection, place, entry.quote.total_wei, entry.chain_time)

    def settle(self, connection: Connection, row: Row, wei: int, now: int) -> None:
        """A block holds one of the row's transactions, which cost `wei`; telling it again changes nothing."""
        assert row.nonce is not None
        seen = {"cost_wei": str(wei), "tx_hash": row.tx_hash, "block_hash": row.block_hash}
        place = (row.sender, row.nonce)
        found = self._record(connection, place)
        if found is not None and (found.tx_hash, found.block_hash) == (row.tx_hash, row.block_hash):
            now = found.counted_at
        most_wei = max((attempt.offer.most_wei for attempt in row.attempts), default=0)
        self._note(connection, place, max(most_wei, wei), now, **seen)

    def spent_wei(self, connection: Connection) -> int:
        """What all transactions that blocks hold have cost."""
        own = self._own(self.signer)
        gwei, rest_wei = connection.execute(_SPENT, own).one()
        large = sum(int(wei) for wei in connection.execute(_SPENT_LARGE, own).scalars())
        return int(gwei or 0) * _GWEI + int(rest_wei or 0) + large

    # ------------------------------------------------------------------ inside

    def _known(self, connection: Connection, nonce: int) -> _Record | None:
        found = connection.execute(_ONE, {**self._own(self.signer), "of_nonce": nonce}).first()
        return _record_of(found) if found is not None else self._foreign(connection).get(nonce)

    def _foreign(self, connection: Connection) -> dict[int, _Record]:
        """By nonce what is under way of senders without a guard; of it the L1 fee is not known."""
        found: dict[int, int] = {}
        for nonce, gas, fee_wei in connection.execute(_UNKNOWN, self._own(self.signer)):
            found[nonce] = max(found.get(nonce, 0), gas * int(fee_wei))
        return {nonce: _Record(wei, None, 0) for nonce, wei in found.items()}

    def _own(self, signer: str) -> dict[str, Any]:
        return {"chain_id": self.chain_id, "signer": signer}

    def _record(self, connection: Connection, place: tuple[str, int]) -> Any:
        return connection.execute(_RECORD, self._this(place)).first()

    def _this(self, place: tuple[str, int]) -> dict[str, Any]:
        signer, nonce = place
        return {"of_chain": self.chain_id, "of_signer": signer, "of_nonce": nonce}

    def _note(
        self, connection: Connection, place: tuple[str, int], most_wei: int, now: int, **seen: str | None
    ) -> None:
        """Enters a sender's nonce, or raises what it may cost and when it counts."""
        found = self._record(connection, place)
        if found is None:
            signer, nonce = place
            new = {"cost_wei": None, "tx_hash": None, "block_hash": None, **seen, "most_wei": str(most_wei)}
            connection.execute(_ENTER, {**self._own(signer), "nonce": nonce, **new, "counted_at": now})
            return
        known = {name: getattr(found, name) for name in ("cost_wei", "tx_hash", "block_hash")}
        most_wei, now = max(most_wei, int(found.most_wei)), max(now, found.counted_at)
        raised = {**known, **seen, "most_wei": str(most_wei), "counted_at": now}
        connection.execute(_RAISE, {**self._this(place), **raised})


def _record_of(found: Any) -> _Record:
    """A record of the table beside the row that owns the nonce now, if one does."""
    return _Record(
        most_wei=int(found.most_wei),
        cost_wei=None if found.cost_wei is None else int(found.cost_wei),
        counted_at=found.counted_at,
        under_way=found.outcome == "",
        final=found.level == Level.FINALIZED,
    )
