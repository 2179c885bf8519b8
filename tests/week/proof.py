"""What must be true of the week in the end, by the chain's word. The journal is asked about itself only."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain_kit.contracts import Question, call_many
from chain_kit.oracle import feed_id
from chain_kit.prices import EPOCH, PriceSeries
from tests.week.payouts import Accruals
from tests.week.recorded import FEEDS, GENESIS
from tests.week.truth import Place, Truth
from tests.week.world import World

__all__ = [
    "Journal",
    "Needed",
    "boundaries_proven",
    "effects_proven",
    "needed_boundaries",
    "nonces_proven",
    "solvent",
    "unpaid",
]

_POSTED = 1
_OPEN = 0


@dataclass(frozen=True)
class Needed:
    """A boundary (UNIX seconds) of a feed that somebody's position needs, and since when."""

    feed: str
    boundary: int
    since: int


def needed_boundaries(truth: Truth, epochs: int) -> list[Needed]:
    """The start and the end of each epoch in which somebody has bought, in order."""
    feeds = list(FEEDS.values())
    since: dict[tuple[int, str], int] = {}
    for (market_id, epoch), bought_at in truth.bought.items():
        if epoch > epochs:
            continue
        for boundary in (GENESIS + (epoch - 1) * EPOCH, GENESIS + epoch * EPOCH):
            key, needed_at = (boundary, feeds[market_id - 1]), max(boundary, bought_at)
            since[key] = min(since.get(key, needed_at), needed_at)
    return [Needed(feed, boundary, at) for (boundary, feed), at in sorted(since.items())]


async def boundaries_proven(
    world: World,
    truth: Truth,
    needed: Sequence[Needed],
    series: Mapping[str, PriceSeries],
    orphaned: AbstractSet[int],
) -> None:
    """Each needed boundary has its recorded price, posted once; none was voided.

    None was posted that nobody needed, but where a reorg took the purchase back: `orphaned` are such epochs.
    """
    oracle = world.kit.oracle
    questions: list[Question] = [(oracle, "boundaryOf", (feed_id(n.feed), n.boundary)) for n in needed]
    answers = await call_many(world.anvil.rpc, questions)
    for one, (status, price_e18) in zip(needed, answers, strict=True):
        recorded = series[one.feed].price_e18(one.boundary)
        assert (status, price_e18) == (_POSTED, recorded), f"{one}: {status}, {price_e18}, not {recorded}"
    assert truth.voided == []
    twice = {key: posts for key, posts in truth.posted.items() if len(posts) != 1}
    assert not twice, f"posted more than once: {twice}"
    known = {(one.feed, one.boundary) for one in needed}
    last = max((one.boundary for one in needed), default=0)
    # The last one may be needed by an epoch after it.
    unneeded = {
        boundary for feed, boundary in truth.posted if (feed, boundary) not in known and boundary < last
    }
    strange = {b for b in unneeded if not orphaned & {(b - GENESIS) // EPOCH, (b - GENESIS) // EPOCH + 1}}
    assert not strange, f"posted, and never needed: {strange}"


async def unpaid(world: World, truth: Truth, accruals: Accruals, epochs: int) -> list[str]:
    """What is still owed: claims of holders, shares of the house, and what the vault is to pay."""
    hub, rpc = world.kit.hub, world.anvil.rpc
    held = [
        (*place, account)
        for place, accounts in sorted(truth.holders.items())
        if place[1] <= epochs
        for account in sorted(accounts)
    ]
    places: list[Place] = sorted(place for place in truth.bought if place[1] <= epochs)
    claims = await call_many(rpc, [(hub, "claimable", one) for one in held])
    states = await call_many(rpc, [(hub, "epochState", place) for place in places])
    outcomes = await call_many(rpc, [(hub, "outcomeOf", place) for place in places])
    owed = [f"claim of {one}" for one, (amount,) in zip(held, claims, strict=True) if amount]
    owed += [
        f"house of {place}"
        for place, state in zip(places, states, strict=True)
        if not state.settled and (state.houseYes or state.houseNo)
    ]
    owed += [
        f"open {place}" for place, (outcome, *_) in zip(places, outcomes, strict=True) if outcome == _OPEN
    ]
    return owed + await accruals.unpaid(world)


async def solvent(world: World) -> None:
    """Hub and vault hold what they owe."""
    for contract in (world.kit.hub, world.kit.vault):
        reserve, liabilities, _ = await contract.call(world.anvil.rpc, "reserveStatus")
        assert reserve >= liabilities, f"{contract} holds {reserve} and owes {liabilities}"


def effects_proven(truth: Truth, journal: Journal) -> None:
    """Nothing was done twice: no redemption, settlement or claim, and for each purchase one intent."""
    for name, times in (
        ("redeemed", truth.redeemed),
        ("settled", truth.settled),
        ("claimed", truth.claimed),
        ("purchases", truth.purchases),
        ("roots", Counter(truth.roots)),
    ):
        twice = {key: count for key, count in times.items() if count != 1}
        assert not twice, f"{name} more than once: {twice}"
    of_key: Counter[str] = Counter()
    succeeded = {one.tx_hash for one in truth.sent if one.succeeded and one.action != "free a nonce"}
    for row in journal.rows:
        mined = [tx_hash for tx_hash in journal.calls[row["id"]] if tx_hash in succeeded]
        assert len(mined) <= 1, f"row {row['id']} has {mined}"
        if mined:
            # A house is filled again and again: each time with another effect.
            of_key[f"{row['action']} {row['subjects']} {row['effect']}"] += 1
    twice = {key: count for key, count in of_key.items() if count > 1}
    assert not twice, f"intents with two transactions: {twice}"


def nonces_proven(truth: Truth, journal: Journal, chain_nonce: int) -> None:
    """The keepers' nonces on chain follow each other without a gap, and each is its row's in the journal.

    A row that was built anew after its nonce was freed is superseded, but knows whose the nonce was. Every
    row is final: nothing is under way any more.
    """
    first = truth.sent[0].nonce
    assert [one.nonce for one in truth.sent] == list(range(first, chain_nonce))
    row_of = {tx_hash: row for row in journal.rows for tx_hash in journal.hashes[row["id"]]}
    strange = [
        one for one in truth.sent if one.tx_hash not in row_of or row_of[one.tx_hash]["nonce"] != one.nonce
    ]
    assert not strange, f"transactions that the journal does not know of: {strange}"
    used = {one.nonce for one in truth.sent}
    unused = [dict(row) for row in journal.rows if row["nonce"] is not None and row["nonce"] not in used]
    assert not unused, f"nonces that were never used: {unused[:3]}"
    left = [dict(row) for row in journal.rows if row["level"] != "finalized" or not row["outcome"]]
    assert not left, f"rows that are not final: {left[:3]}"


class Journal:
    """The outbox's file, read when everything is over."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")  # both answers are of one moment
            self.rows: list[Any] = connection.execute("SELECT * FROM outbox ORDER BY id").fetchall()
            attempts = connection.execute("SELECT row_id, kind, tx_hash FROM attempt ORDER BY id").fetchall()
        self.hashes: dict[int, list[str]] = {row["id"]: [] for row in self.rows}
        self.calls: dict[int, list[str]] = {row["id"]: [] for row in self.rows}
        for attempt in attempts:
            self.hashes[attempt["row_id"]].append(attempt["tx_hash"])
            if attempt["kind"] == "call":
                self.calls[attempt["row_id"]].append(attempt["tx_hash"])

    @property
    def final(self) -> bool:
        """Whether every row is."""
        return all(row["level"] == "finalized" and row["outcome"] for row in self.rows)

    @property
    def replacements(self) -> int:
        """Transactions that took another one's place at its nonce."""
        return sum(len(hashes) - 1 for hashes in self.hashes.values())

    @property
    def outcomes(self) -> Counter[str]:
        """How the rows ended."""
        return Counter(row["outcome"] for row in self.rows)
