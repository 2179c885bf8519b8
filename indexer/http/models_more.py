"""The bodies beside the perpetual markets': reserve, payouts, races, and how the index stands."""

from __future__ import annotations

from typing import Literal

from indexer.http.models import Address, Body, Decimals, Instant, Standing

__all__ = [
    "Health",
    "IndexStatus",
    "Payouts",
    "Race",
    "RaceEpoch",
    "RacePosition",
    "Readiness",
    "Reserve",
]


class ReservePart(Body):
    """What a contract holds and owes; `coverage` is their ratio, rounded down, null if nothing is owed."""

    reserve: Decimals
    liabilities: Decimals
    coverage: Decimals | None


class Reserve(Standing):
    """What the hub, the vault and the race market hold and owe; `races` is null where there is none."""

    at: Instant
    hub: ReservePart
    vault: ReservePart
    races: ReservePart | None


class Root(Body):
    """A root of cumulative payouts that was proposed to the vault."""

    root: str
    total: Decimals
    uri: str
    proposed_block: int
    active_at: Instant
    status: Literal["pending", "active", "replaced", "vetoed", "dropped"]


class Claim(Body):
    """What an account has been paid in all."""

    account: Address
    claimed: Decimals


class Payouts(Standing):
    """The vault, in its token: the totals of its active and pending root, roots newest first, claims."""

    at: Instant
    token: str
    active_root: str | None
    active_total: Decimals
    pending_root: str | None
    pending_total: Decimals
    claimed_total: Decimals
    roots: list[Root]
    claims: list[Claim]


class RaceAsset(Body):
    """An asset of a race, and its feed."""

    asset: str
    feed: str


class Race(Standing):
    """A race of several assets; `epoch` is the one that runs."""

    race: str
    race_id: int
    creator: Address
    assets: list[RaceAsset]
    positions: int
    genesis_at: Instant
    epoch: int


class RaceFinish(Body):
    """How an asset ran. It covers `shared_by` places from `first_place` on; null without a result."""

    asset: str
    start_price: Decimals | None
    end_price: Decimals | None
    first_place: int | None
    shared_by: int | None


class RaceBook(Body):
    """A question of a race: whether the asset takes the position."""

    position: int
    asset: str
    book_id: int
    yes_supply: Decimals
    no_supply: Decimals
    yes_payout: Decimals | None


class RaceEpoch(Standing):
    """An epoch of a race; `pots` are the collateral of each position, from the first."""

    race: str
    race_id: int
    epoch: int
    start_at: Instant
    end_at: Instant
    status: Literal["OPEN", "FINISHED", "VOID"]
    finish: list[RaceFinish]
    books: list[RaceBook]
    pots: list[Decimals]


class RacePosition(Standing):
    """An account's part in a book of a race."""

    market: str
    market_id: int
    race_id: int
    position: int
    asset: str
    epoch: int
    yes_tokens: Decimals
    no_tokens: Decimals
    entry_price: Decimals | None
    cost: Decimals
    realized_pnl: Decimals
    unrealized_pnl: Decimals
    claimable: Decimals


class IndexStatus(Standing):
    """How far the index is, and how far the chain was when it last looked."""

    chain_id: int
    at: Instant
    head: int
    behind: int
    safe: int
    finalized: int
    events: int
    unknown_events: int
    verified_block: int | None


class Health(Body):
    """The server answers."""

    status: Literal["ok"]


class Readiness(Body):
    """Whether the index can be relied on, and if not, why; and how far all of it is proven."""

    ready: bool
    reasons: list[str]
    block: int | None
    head: int | None
    level: Literal["none", "linked", "complete", "reconciled"]
    verified: bool
