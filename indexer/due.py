"""What is to be done, out of an index: redemptions, house settlements, vault claims.

For keepers, who check each against the chain before they send anything: the index may be behind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from indexer.accounts import CLAIMED, ROOT, SIDES, Key, Stake
from indexer.accounts_race import book_names
from indexer.answering.moments import moment
from indexer.blocks import Block, first_after
from indexer.database import Database
from indexer.race_state import Book, Finish
from indexer.reading import HOUSE_ACCOUNTS, Reading, part_of
from indexer.state import EPOCH_SECONDS, Market, State, payout
from indexer.stored_events import stored_events

__all__ = [
    "Claimable",
    "HouseDue",
    "VaultClaims",
    "claimable_accounts",
    "claimable_in_races",
    "house_epochs_to_settle",
    "vault_claims",
]


@dataclass(frozen=True)
class Claimable:
    """What `redeemFor(account, market_id, epochs)` would pay, in base units of the collateral.

    In a race `market_id` is the book's.
    """

    account: str
    market_id: int
    epochs: tuple[int, ...]
    amount_units: int


@dataclass(frozen=True)
class HouseDue:
    """Ended epochs in which the house of a market still holds shares."""

    market_id: int
    epochs: tuple[int, ...]


@dataclass(frozen=True)
class VaultClaims:
    """The vault's active root (None before the first), its total, and what each account has claimed."""

    root: str | None
    total_units: int
    claimed_units: dict[str, int]


async def claimable_accounts(database: Database, *, at_block: int | None = None) -> list[Claimable]:
    """Who can redeem what, ordered by market and account. Shares that pay nothing are left out."""
    async with moment(database, at_block) as (_, block, reading):
        state, epochs = await _all_epochs(database, reading, block)
        # Holders are looked up only where somebody is still owed something.
        paying = [(market, epoch) for market, epoch in epochs if _is_owed(state, market, epoch)]
        sums = await reading.sums_of(
            None, [s.shares for market, epoch in paying for s in _stakes(market, epoch)]
        )
    holders: defaultdict[str, set[str]] = defaultdict(set)
    for account, asset in sums:
        if account.startswith("0x"):
            holders[asset].add(account)
    due: defaultdict[tuple[int, str], dict[int, int]] = defaultdict(dict)
    for market, epoch in paying:
        yes, no = (stake.shares for stake in _stakes(market, epoch))
        outcome = state.ending(market, epoch).outcome
        for account in holders[yes] | holders[no]:
            held = (sums.get(Key(account, asset), 0) for asset in (yes, no))
            if amount := payout(outcome, *held):
                due[market.market_id, account][epoch] = amount
    return _claimables(due)


async def claimable_in_races(database: Database, *, at_block: int | None = None) -> list[Claimable]:
    """Who can redeem what of the race market, ordered by book and account, as `claimable_accounts`."""
    async with moment(database, at_block) as (_, block, reading):
        races = await reading.races()
        totals = await reading.sums(["issued", "redeemed"], ["race-shares:"])
        parts = sorted({part_of(key.asset) for key in totals})
        books = [(Book.of(number), epoch) for number, epoch in parts]
        # Before the logs are proven, a race's creation may be missing.
        epochs = [(races[book.race_id], book, epoch) for book, epoch in books if book.race_id in races]
        ends = {end for race, _, epoch in epochs for end in race.ends_of(epoch)}
        boundaries = await reading.boundaries_at(ends)
        deadlines = await reading.deadlines()
        state = State(database.deployment, block, {}, deadlines, boundaries, totals)
        finishes = {(race.race_id, epoch): Finish.of(state, race, epoch) for race, _, epoch in epochs}
        # Holders are looked up only where somebody is still owed something.
        paying = [
            (book, epoch, finish)
            for race, book, epoch in epochs
            for finish in [finishes[race.race_id, epoch]]
            if _is_owed_in(state, book, epoch, finish)
        ]
        shares = [asset for book, epoch, _ in paying for asset in book_names(book.number, epoch).shares]
        sums = await reading.sums_of(None, shares)
    holders: defaultdict[str, set[str]] = defaultdict(set)
    for account, asset in sums:
        if account.startswith("0x"):
            holders[asset].add(account)
    due: defaultdict[tuple[int, str], dict[int, int]] = defaultdict(dict)
    for book, epoch, finish in paying:
        yes, no = book_names(book.number, epoch).shares
        for account in holders[yes] | holders[no]:
            held = (sums.get(Key(account, asset), 0) for asset in (yes, no))
            if amount := finish.payout(book, *held):
                due[book.number, account][epoch] = amount
    return _claimables(due)


async def house_epochs_to_settle(database: Database, *, at_block: int | None = None) -> list[HouseDue]:
    """In which epochs `settleHouse` has something to do, by market."""
    async with moment(database, at_block) as (_, block, reading):
        state, epochs = await _all_epochs(database, reading, block)
    due: defaultdict[int, list[int]] = defaultdict(list)
    for market, epoch in epochs:
        held = state.sum("house", Stake(market.market_id, epoch, "YES").shares)
        if held and state.ending(market, epoch).outcome is not None:
            due[market.market_id].append(epoch)
    return [HouseDue(market_id, tuple(numbers)) for market_id, numbers in sorted(due.items())]


async def vault_claims(database: Database, *, at_block: int | None = None) -> VaultClaims:
    """What has been claimed from the vault, under which root."""
    async with moment(database, at_block) as (connection, block, reading):
        sums = await reading.sums_of(None, [CLAIMED, ROOT])
        activated = await stored_events(
            connection,
            database.decoder,
            ["RootActivated"],
            before=first_after(block.number),
            newest=1,
        )
    claimed = {account: amount for (account, asset), amount in sums.items() if asset == CLAIMED}
    claimed.pop("vault", None)
    root = activated[-1].args["root"] if activated else None
    return VaultClaims(root, sums.get(Key("active", ROOT), 0), claimed)


async def _all_epochs(
    database: Database, reading: Reading, block: Block
) -> tuple[State, list[tuple[Market, int]]]:
    """All epochs that have or had shares, with what is needed to tell their outcomes."""
    markets = await reading.markets()
    sums = await reading.sums([*HOUSE_ACCOUNTS, "redeemed"], ["shares:"])
    parts = sorted({part_of(key.asset) for key in sums})
    # Before the logs are proven, a market's creation may be missing.
    epochs = [(markets[market_id], epoch) for market_id, epoch in parts if market_id in markets]
    starts = [(market.feed, market.start_of(epoch)) for market, epoch in epochs]
    ends = [(feed, start + EPOCH_SECONDS) for feed, start in starts]
    boundaries = await reading.boundaries_at(starts + ends)
    deadlines = await reading.deadlines()
    return State(database.deployment, block, markets, deadlines, boundaries, sums), epochs


def _stakes(market: Market, epoch: int) -> list[Stake]:
    return [Stake(market.market_id, epoch, side) for side in SIDES]


def _is_owed(state: State, market: Market, epoch: int) -> bool:
    """Whether traders hold shares of an ended epoch that pay."""
    outcome = state.ending(market, epoch).outcome
    return outcome is not None and any(
        state.supply(stake) > state.sum("redeemed", stake.shares)
        for stake in _stakes(market, epoch)
        if outcome in (stake.side, "VOID")
    )


def _is_owed_in(state: State, book: Book, epoch: int, finish: Finish) -> bool:
    """Whether somebody holds shares of a book of an ended epoch that pay."""
    outstanding = [
        -state.sum("issued", asset) - state.sum("redeemed", asset)
        for asset in book_names(book.number, epoch).shares
    ]
    return finish.payout(book, *(max(0, units) for units in outstanding)) > 0


def _claimables(due: Mapping[tuple[int, str], Mapping[int, int]]) -> list[Claimable]:
    return [
        Claimable(account, market_id, tuple(amounts), sum(amounts.values()))
        for (market_id, account), amounts in sorted(due.items())
    ]
