"""Races as their contract tells them: how many there are, how they ended, what can be claimed."""

from __future__ import annotations

from chain_kit.contracts import Contract
from indexer.accounts_race import book_names
from indexer.proof.questions import Question, Questions, Subject
from indexer.proof.subjects_race import race_subjects_of
from indexer.race_state import Book, Finish, Race
from indexer.state import State

__all__ = ["race_questions"]

_STATUSES = {"OPEN": 0, "FINISHED": 1, "VOID": 2}


def race_questions(state: State) -> Questions:
    """What to ask beside the subjects, of a state that has all races and all prices."""
    if state.deployment.races is None:
        return
    market = Contract("RaceMarket", state.deployment.races)
    yield Question("races", market, "raceCount", (), (len(state.races),))
    for race in state.races.values():
        feeds = tuple(bytes.fromhex(feed[2:]) for feed in race.feeds)
        expected = ((race.creator, race.symbol, feeds, race.positions, race.genesis),)
        yield Question(f"race {race.race_id}", market, "raceOf", (race.race_id,), expected)
    positions = _positions(state)
    for race_id, epoch in sorted({(book >> 16, epoch) for book, epoch, _ in positions}):
        yield _result(state, market, state.races[race_id], epoch)
    for number, epoch, account in sorted(positions):
        book = Book.of(number)
        finish = Finish.of(state, state.races[book.race_id], epoch)
        shares = (state.sum(account, asset) for asset in book_names(number, epoch).shares)
        what = f"book {number} epoch {epoch} of {account} claimable"
        due = (finish.payout(book, *shares),)
        yield Question(what, market, "claimable", (number, epoch, account), due)


def _positions(state: State) -> set[Subject]:
    subjects = (subject for key in state.sums for subject in race_subjects_of(key))
    return {subject[1:] for subject in subjects if subject[0] == "race-position"}


def _result(state: State, market: Contract, race: Race, epoch: int) -> Question:
    finish = Finish.of(state, race, epoch)
    none = (0,) * len(race.feeds)
    firsts = tuple(place.first for place in finish.places) or none
    tied = tuple(place.tied for place in finish.places) or none
    what = f"result of epoch {epoch} of race {race.race_id}"
    expected = (_STATUSES[finish.status], firsts, tied)
    return Question(what, market, "resultOf", (race.race_id, epoch), expected)
