"""What the race market can be asked about, and which sums that rests on (see `subjects`)."""

from __future__ import annotations

from chain_kit.contracts import Contract
from indexer.accounts import Key, balance_account, token_asset
from indexer.accounts_race import RACE_COLLATERAL, RACE_PAID, book_names, pot_of
from indexer.deployment import Deployment
from indexer.proof.questions import Kind, Question, Questions, Subject, coverage
from indexer.state import State

__all__ = ["RACE_SUBJECTS", "race_subjects_of"]


def race_subjects_of(key: Key) -> list[Subject]:
    """The subjects of a sum of the race market; none for any other."""
    kind, _, rest = key.asset.partition(":")
    name, _, which = key.account.partition(":")
    if key.asset in {RACE_COLLATERAL, RACE_PAID}:
        if name == "pot":
            return [("race-pot", *map(int, which.split(":")))]
        found: dict[str, list[Subject]] = {"balance": [("race-balance", which)], "external": [("races",)]}
        return found.get(name, [])
    if kind == "race-shares" and key.account.startswith("0x"):
        book, epoch = map(int, rest.split(":")[:2])
        return [("race-position", book, epoch, key.account)]
    return []


def _market(state: State) -> Contract:
    return Contract("RaceMarket", str(state.deployment.races))


def _reserve_keys(deployment: Deployment) -> list[Key]:
    token = token_asset(deployment.collateral.address)
    return [Key(str(deployment.races), token), Key("external", RACE_COLLATERAL)]


def _reserve(state: State) -> Questions:
    held, owed = state.race_reserve()
    expected = (held, owed, coverage(held, owed))
    yield Question("race market reserve", _market(state), "reserveStatus", (), expected)


def _balance_keys(_: Deployment, account: str) -> list[Key]:
    return [Key(balance_account(account), RACE_COLLATERAL)]


def _balance(state: State, account: str) -> Questions:
    expected = (state.sum(balance_account(account), RACE_COLLATERAL),)
    what = f"internal balance of {account} in races"
    yield Question(what, _market(state), "collateralOf", (account,), expected)


def _pot_keys(_: Deployment, race_id: int, position: int, epoch: int) -> list[Key]:
    pot = pot_of(race_id, position, epoch)
    return [Key(pot, RACE_COLLATERAL), Key(pot, RACE_PAID)]


def _pot(state: State, race_id: int, position: int, epoch: int) -> Questions:
    expected = (state.race_pot(race_id, position, epoch),)
    what = f"pot of position {position} in epoch {epoch} of race {race_id}"
    yield Question(what, _market(state), "potOf", (race_id, epoch, position), expected)


def _position_keys(_: Deployment, book: int, epoch: int, account: str) -> list[Key]:
    return [Key(account, asset) for asset in book_names(book, epoch).shares]


def _position(state: State, book: int, epoch: int, account: str) -> Questions:
    shares = tuple(state.sum(account, asset) for asset in book_names(book, epoch).shares)
    what = f"book {book} epoch {epoch} of {account} shares"
    yield Question(what, _market(state), "positionOf", (book, epoch, account), shares)


RACE_SUBJECTS: dict[str, Kind] = {
    "races": Kind(_reserve_keys, _reserve),
    "race-balance": Kind(_balance_keys, _balance),
    "race-pot": Kind(_pot_keys, _pot),
    "race-position": Kind(_position_keys, _position),
}
