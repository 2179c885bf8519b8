"""What prices mean for races: who finished where, what a share of a book pays. Pure."""

from __future__ import annotations

from typing import Literal, NamedTuple

from indexer.state import EPOCH_SECONDS, State, epoch_at

__all__ = ["Book", "Finish", "Place", "Race", "RaceStatus"]

RaceStatus = Literal["OPEN", "FINISHED", "VOID"]


class Book(NamedTuple):
    """A question of a race: whether the asset (from 0) takes the position (from 1)."""

    race_id: int
    position: int
    asset: int

    @classmethod
    def of(cls, number: int) -> Book:
        """The book of a market id of the race market."""
        return cls(number >> 16, number >> 8 & 0xFF, number & 0xFF)

    @property
    def number(self) -> int:
        """Its market id."""
        return self.race_id << 16 | self.position << 8 | self.asset


class Race(NamedTuple):
    """A race, as it was created. `feeds` are its assets in their order."""

    race_id: int
    creator: str
    symbol: str
    feeds: tuple[str, ...]
    positions: int
    genesis: int

    def start_of(self, epoch: int) -> int:
        """The instant at which an epoch begins, in Unix seconds."""
        return self.genesis + (epoch - 1) * EPOCH_SECONDS

    def epoch_at(self, instant: int) -> int:
        """The epoch that runs at an instant; 0 before the first."""
        return epoch_at(self.genesis, instant)

    @property
    def names(self) -> list[str]:
        """The assets as text: what their feeds are called, less the padding."""
        return [_name_of(feed) for feed in self.feeds]

    @property
    def books(self) -> list[Book]:
        """All its books, by position and asset."""
        places, assets = range(1, self.positions + 1), range(len(self.feeds))
        return [Book(self.race_id, position, asset) for position in places for asset in assets]

    def ends_of(self, epoch: int) -> list[tuple[str, int]]:
        """The (feed, instant)s whose prices make the result of an epoch."""
        start = self.start_of(epoch)
        return [(feed, instant) for feed in self.feeds for instant in (start, start + EPOCH_SECONDS)]


class Place(NamedTuple):
    """An asset covers `tied` places from `first` on, together with as many assets, itself included."""

    first: int
    tied: int


class Finish(NamedTuple):
    """The result of an epoch: a place for each asset, none while it is open."""

    status: RaceStatus
    places: tuple[Place, ...]

    @classmethod
    def of(cls, state: State, race: Race, epoch: int) -> Finish:
        """By the prices that the state has, and its block's clock."""
        start = race.start_of(epoch)
        end = start + EPOCH_SECONDS
        if state.block.timestamp < end:
            return cls("OPEN", ())
        if any(state.is_void(feed, instant) for feed in race.feeds for instant in (start, end)):
            return cls("VOID", tuple(Place(1, len(race.feeds)) for _ in race.feeds))
        ends = [
            (state.boundaries.get((feed, start)), state.boundaries.get((feed, end))) for feed in race.feeds
        ]
        runs = [(first, last) for first, last in ends if first is not None and last is not None]
        if len(runs) < len(ends):
            return cls("OPEN", ())
        return cls("FINISHED", tuple(_place(runs, run) for run in runs))

    def part_of(self, book: Book) -> tuple[int, int]:
        """What a YES of a book pays, as a fraction; 0 of 0 while the epoch is open."""
        if not self.places:
            return 0, 0
        first, tied = self.places[book.asset]
        return int(first <= book.position < first + tied), tied

    def payout(self, book: Book, yes: int, no: int) -> int:
        """What shares of a book pay, rounded down."""
        numerator, denominator = self.part_of(book)
        return (yes * numerator + no * (denominator - numerator)) // denominator if denominator else 0


def _place(runs: list[tuple[int, int]], run: tuple[int, int]) -> Place:
    start, end = run
    better = sum(last * start > end * first for first, last in runs)
    tied = sum(last * start == end * first for first, last in runs)
    return Place(better + 1, tied)


def _name_of(feed: str) -> str:
    """A feed's bytes32 as text; as it is where it is none."""
    try:
        name = bytes.fromhex(feed[2:]).rstrip(b"\0").decode("ascii")
    except ValueError:
        return feed
    return name if name.isprintable() and name else feed
