"""What the payout vault owes and has paid, root by root and account by account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypedDict

from chain_kit.units import checksum_address, format_units, iso_utc
from indexer import events as ev
from indexer.accounts import CLAIMED, ROOT
from indexer.answering.moments import moment, stamp_at
from indexer.answering.stamp import Stamp
from indexer.blocks import first_after
from indexer.database import Database
from indexer.decode import Event
from indexer.state import State
from indexer.stored_events import stored_events

__all__ = ["ClaimFacts", "PayoutsAnswer", "RootFacts", "payouts"]

RootStatus = Literal["pending", "active", "replaced", "vetoed", "dropped"]
_NAMES = ("RootProposed", "RootVetoed", "RootActivated")


class RootFacts(TypedDict):
    """A root that was proposed. `active_at` is from when on it could become active.

    `replaced` is one that was active before; `dropped` one that another took the place of before it was.
    """

    root: str
    total: str
    uri: str
    proposed_block: int
    active_at: str
    status: RootStatus


class ClaimFacts(TypedDict):
    """What an account has been paid in all."""

    account: str
    claimed: str


class PayoutsAnswer(Stamp):
    """The vault in the payout token: totals of its active and pending root, roots newest first, claims."""

    at: str
    token: str
    active_root: str | None
    active_total: str
    pending_root: str | None
    pending_total: str
    claimed_total: str
    roots: list[RootFacts]
    claims: list[ClaimFacts]


async def payouts(
    database: Database, address: str | None = None, *, limit: int = 100, at_block: int | None = None
) -> PayoutsAnswer:
    """The vault's roots (the newest `limit`) and claims; with `address`, the claims of that account only.

    Raises BadAddressError.
    """
    account = None if address is None else checksum_address(address)
    deployment = database.deployment
    accounts = None if account is None else [account, "vault"]
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        sums = await reading.sums_of(accounts, [CLAIMED])
        sums |= await reading.sums_of(["active", "pending"], [ROOT])
        # Each root has two events at most: that it was proposed, and what became of it.
        events = await stored_events(
            connection, database.decoder, _NAMES, before=first_after(block.number), newest=2 * limit + 2
        )
        activated = await stored_events(
            connection, database.decoder, _NAMES[2:], before=first_after(block.number), newest=1
        )
    decimals = deployment.payout_token.decimals
    state = State(deployment, block, sums=sums)
    roots = _history(events, decimals)
    pending = next((root["root"] for root in roots if root["status"] == "pending"), None)
    paid = sorted(
        ((-amount, who) for (who, asset), amount in sums.items() if asset == CLAIMED and who != "vault")
    )
    return {
        "at": iso_utc(block.timestamp),
        "token": deployment.payout_token.symbol,
        "active_root": activated[0].args["root"] if activated else None,
        "active_total": format_units(state.sum("active", ROOT), decimals),
        "pending_root": pending,
        "pending_total": format_units(state.sum("pending", ROOT), decimals),
        "claimed_total": format_units(-state.sum("vault", CLAIMED), decimals),
        "roots": roots[:limit],
        "claims": [{"account": who, "claimed": format_units(-amount, decimals)} for amount, who in paid],
        **stamp,
    }


def _history(events: Iterable[Event], decimals: int) -> list[RootFacts]:
    """The roots, newest first, from what was logged of them in the order of the chain."""
    roots: list[RootFacts] = []
    for event in events:
        match event.data:
            case ev.RootProposed(root, total, active_at, uri):
                _settle(roots, "pending", "dropped")
                roots.insert(
                    0,
                    {
                        "root": root,
                        "total": format_units(total, decimals),
                        "uri": uri,
                        "proposed_block": event.log.block_number,
                        "active_at": iso_utc(active_at),
                        "status": "pending",
                    },
                )
            case ev.RootVetoed():
                _settle(roots, "pending", "vetoed")
            case ev.RootActivated():
                _settle(roots, "active", "replaced")
                _settle(roots, "pending", "active")
            case _:
                pass
    return roots


def _settle(roots: Iterable[RootFacts], status: RootStatus, becomes: RootStatus) -> None:
    for root in roots:
        if root["status"] == status:
            root["status"] = becomes
