"""Races: what they are, how an epoch of one ended, and what accounts hold of their books."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from chain_kit.errors import UnknownMarketError
from chain_kit.units import checksum_address, format_units, iso_utc
from indexer.accounts_race import RACE_COLLATERAL, RACE_PAID, book_names
from indexer.answering.moments import moment, stamp_at
from indexer.answering.stamp import Stamp
from indexer.answers import PositionFacts, instant, position_facts, price_text
from indexer.database import Database
from indexer.race_state import Book, Finish, Race, RaceStatus
from indexer.reading import part_of
from indexer.state import EPOCH_SECONDS, Holding, State

__all__ = [
    "RaceAnswer",
    "RaceAsset",
    "RaceBook",
    "RaceEpochAnswer",
    "RaceEpochFacts",
    "RaceFacts",
    "RaceFinish",
    "RacePositionAnswer",
    "RacePositionFacts",
    "race",
    "race_positions",
    "races",
]


class RaceAsset(TypedDict):
    """An asset of a race: its feed's name as text, and the feed."""

    asset: str
    feed: str


class RaceFacts(TypedDict):
    """A race; `epoch` is the one that runs."""

    race: str
    race_id: int
    creator: str
    assets: list[RaceAsset]
    positions: int
    genesis_at: str
    epoch: int


class RaceAnswer(RaceFacts, Stamp):
    """A race, as of a block."""


class RaceFinish(TypedDict):
    """How an asset ran: it covers `shared_by` places from `first_place` on, which are null while open."""

    asset: str
    start_price: str | None
    end_price: str | None
    first_place: int | None
    shared_by: int | None


class RaceBook(TypedDict):
    """A question of a race: does the asset take the position? Supplies include what was redeemed.

    `yes_payout` is what one YES pays, rounded down to 18 decimals, null while the epoch is open.
    """

    position: int
    asset: str
    book_id: int
    yes_supply: str
    no_supply: str
    yes_payout: str | None


class RaceEpochFacts(TypedDict):
    """An epoch of a race. `finish` is by place, `pots` what was paid for each position from the first on."""

    race: str
    race_id: int
    epoch: int
    start_at: str
    end_at: str
    status: RaceStatus
    finish: list[RaceFinish]
    books: list[RaceBook]
    pots: list[str]


class RaceEpochAnswer(RaceEpochFacts, Stamp):
    """An epoch of a race, as of a block."""


class RacePositionFacts(PositionFacts):
    """An account's part in a book of a race, as in a market; `market_id` is the book's id.

    Nothing is marked while the epoch is open: a share counts what it has cost.
    """

    race_id: int
    position: int
    asset: str


class RacePositionAnswer(RacePositionFacts, Stamp):
    """A position in a race, as of a block."""


async def races(database: Database, *, at_block: int | None = None) -> list[RaceAnswer]:
    """All races, in the order of their creation; none where there is no race market."""
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        found = await reading.races()
    return [
        {
            "race": one.symbol,
            "race_id": one.race_id,
            "creator": one.creator,
            "assets": [
                {"asset": name, "feed": feed} for name, feed in zip(one.names, one.feeds, strict=True)
            ],
            "positions": one.positions,
            "genesis_at": iso_utc(one.genesis),
            "epoch": one.epoch_at(block.timestamp),
            **stamp,
        }
        for one in found.values()
    ]


async def race(
    database: Database, symbol: str, *, epoch: int | None = None, at_block: int | None = None
) -> RaceEpochAnswer:
    """An epoch of a race, by default the one that runs. Raises UnknownMarketError for an unknown symbol.

    Of several races with a symbol it is the first.
    """
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        found = _find((await reading.races()).values(), symbol)
        number = max(1, found.epoch_at(block.timestamp)) if epoch is None else epoch
        names = [book_names(book.number, number) for book in found.books]
        sums = await reading.sums_of(["issued"], [asset for one in names for asset in one.shares])
        sums |= await reading.sums_of([one.pot for one in names], [RACE_COLLATERAL, RACE_PAID])
        boundaries = await reading.boundaries_at(found.ends_of(number))
        deadlines = await reading.deadlines()
    state = State(database.deployment, block, {}, deadlines, boundaries, sums)
    return {**_epoch(state, found, number), **stamp}


async def race_positions(
    database: Database,
    address: str,
    *,
    race: str | None = None,
    epoch: int | None = None,
    at_block: int | None = None,
) -> list[RacePositionAnswer]:
    """What an account holds or once held in races, by race, epoch and book; of one of them, if asked.

    Raises BadAddressError, or UnknownMarketError for an unknown symbol of a race.
    """
    account = checksum_address(address)
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        known = await reading.races()
        asked = None if race is None else _find(known.values(), race).race_id
        sums = await reading.sums([account], ["race-shares:", "race-cost:", "race-realized:"])
        found = {part_of(key.asset) for key in sums}
        parts = [
            (number, when)
            for number, when in sorted(found, key=lambda part: (part[0] >> 16, part[1], part[0]))
            if asked in {None, number >> 16} and epoch in {None, when}
        ]
        held = [(known[number >> 16], Book.of(number), when) for number, when in parts]
        ends = [end for one, _, when in held for end in one.ends_of(when)]
        boundaries = await reading.boundaries_at(ends)
        deadlines = await reading.deadlines()
    state = State(database.deployment, block, {}, deadlines, boundaries, sums)
    return [{**_position(state, one, book, when, account), **stamp} for one, book, when in held]


def _find(known: Iterable[Race], symbol: str) -> Race:
    every = list(known)
    for one in every:
        if one.symbol == symbol:
            return one
    raise UnknownMarketError(symbol, [one.symbol for one in every])


def _epoch(state: State, found: Race, epoch: int) -> RaceEpochFacts:
    start_at, decimals = found.start_of(epoch), state.deployment.collateral.decimals
    finish = Finish.of(state, found, epoch)
    pots = [state.race_pot(found.race_id, place, epoch) for place in range(1, found.positions + 1)]
    return {
        "race": found.symbol,
        "race_id": found.race_id,
        "epoch": epoch,
        "start_at": instant(start_at),
        "end_at": instant(start_at + EPOCH_SECONDS),
        "status": finish.status,
        "finish": _finish(state, found, epoch, finish),
        "books": [_book(state, found, book, epoch, finish) for book in found.books],
        "pots": [format_units(pot, decimals) for pot in pots],
    }


def _finish(state: State, found: Race, epoch: int, finish: Finish) -> list[RaceFinish]:
    start = found.start_of(epoch)
    places = finish.places or (None,) * len(found.feeds)
    rows: list[RaceFinish] = [
        {
            "asset": name,
            "start_price": price_text(state.boundaries.get((feed, start))),
            "end_price": price_text(state.boundaries.get((feed, start + EPOCH_SECONDS))),
            "first_place": place.first if place else None,
            "shared_by": place.tied if place else None,
        }
        for name, feed, place in zip(found.names, found.feeds, places, strict=True)
    ]
    return sorted(rows, key=lambda row: row["first_place"] or 0)


def _book(state: State, found: Race, book: Book, epoch: int, finish: Finish) -> RaceBook:
    decimals = state.deployment.collateral.decimals
    yes, no = (-state.sum("issued", asset) for asset in book_names(book.number, epoch).shares)
    numerator, denominator = finish.part_of(book)
    return {
        "position": book.position,
        "asset": found.names[book.asset],
        "book_id": book.number,
        "yes_supply": format_units(yes, decimals),
        "no_supply": format_units(no, decimals),
        "yes_payout": price_text(numerator * 10**18 // denominator if denominator else None),
    }


def _position(state: State, found: Race, book: Book, epoch: int, account: str) -> RacePositionFacts:
    names, decimals = book_names(book.number, epoch), state.deployment.collateral.decimals
    yes, no = (state.sum(account, asset) for asset in names.shares)
    cost = sum(state.sum(account, asset) for asset in names.cost)
    finish = Finish.of(state, found, epoch)
    claimable = finish.payout(book, yes, no)
    worth = cost if finish.status == "OPEN" else claimable
    facts = position_facts(
        found.symbol,
        book.number,
        epoch,
        decimals,
        Holding(yes, no, cost, state.sum(account, names.realized), claimable, worth - cost),
    )
    return {
        **facts,
        "race_id": book.race_id,
        "position": book.position,
        "asset": found.names[book.asset],
    }
