"""The events of the race market. What it has in common with the hub has the hub's classes.

A `market_id` is that of a book: `raceId << 16 | position << 8 | asset`, positions from 1, assets from 0.
"""

from __future__ import annotations

from typing import NamedTuple

from indexer import events as ev

__all__ = ["EVENTS", "Converted", "FieldMerged", "FieldSplit", "RaceCreated", "ResultStored"]


class RaceCreated(NamedTuple):
    """A race of the assets `feeds` came to be; `genesis` is the start of its epoch 1, in Unix seconds."""

    race_id: int
    creator: str
    symbol: str
    feeds: tuple[str, ...]
    positions: int
    genesis: int


class FieldSplit(NamedTuple):
    """`amount` of internal balance became as many YES of each asset in a position."""

    race_id: int
    epoch: int
    account: str
    position: int
    amount: int


class FieldMerged(NamedTuple):
    """`amount` YES of each asset in a position became internal balance again."""

    race_id: int
    epoch: int
    account: str
    position: int
    amount: int


class Converted(NamedTuple):
    """`amount` NO of a book became as many YES of every other asset in its position, or the reverse."""

    market_id: int
    epoch: int
    account: str
    to_field: bool
    amount: int


class ResultStored(NamedTuple):
    """A race's result was written down; it follows from the prices."""

    race_id: int
    epoch: int
    packed: int


_OWN = (RaceCreated, FieldSplit, FieldMerged, Converted, ResultStored)
_SHARED = (ev.Deposited, ev.Withdrawn, ev.Split, ev.Merged, ev.Redeemed, ev.OrderFilled, ev.FeesCharged)

EVENTS: dict[tuple[str, str], type[NamedTuple]] = {
    **{("RaceMarket", event.__name__): event for event in (*_OWN, *_SHARED)},
    ("RaceMarket", "Transfer"): ev.ShareTransfer,
}
"""(contract of the ABI files, event) -> class."""
