"""What blocks, events and entries are as rows. Pure: the store writes these, `verify` compares with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from indexer import events as ev
from indexer.accounts import Key
from indexer.blocks import Block
from indexer.decode import Event
from indexer.ledger import Entry
from indexer.models import BlockRow, BoundaryRow, EntryRow, EventRow, FeedRow, HoldingRow, MarketRow

__all__ = ["Row", "Rows", "block_rows", "entry_rows", "event_rows"]

Row = dict[str, Any]
Rows = dict[type[Any], list[Row]]
"""Model -> its rows, in the order of the chain."""


def block_rows(blocks: Iterable[Block]) -> Rows:
    """The headers."""
    return {BlockRow: [block._asdict() for block in blocks]}


def event_rows(events: Sequence[Event]) -> Rows:
    """The events, and what they say of markets, feeds and boundaries."""
    rows: Rows = {EventRow: [_event(event) for event in events], MarketRow: [], FeedRow: [], BoundaryRow: []}
    for event in events:
        match event.data:
            case ev.MarketCreated() as market:
                rows[MarketRow].append(_with_position(event, market._asdict()))
            case ev.FeedRegistered() as feed:
                rows[FeedRow].append(_with_position(event, feed._asdict()))
            case ev.BoundaryPosted(feed, boundary, price):
                row = {"feed": feed, "boundary": boundary, "price_e18": price}
                rows[BoundaryRow].append(_with_position(event, row))
            case ev.BoundaryVoided(feed, boundary):
                row = {"feed": feed, "boundary": boundary, "price_e18": None}
                rows[BoundaryRow].append(_with_position(event, row))
            case _:
                pass
    return rows


def entry_rows(
    entries: Iterable[Entry], balances: Mapping[Key, int], ids: Mapping[Key, int], next_id: int
) -> tuple[Rows, dict[Key, int], dict[Key, int]]:
    """The entries with the balances after them, and the holdings that they open.

    `balances` and `ids` are of the holdings that exist. Returns the rows, and both as they are afterwards
    for the keys that the entries touch. New holdings are numbered in order of appearance, from `next_id`.
    """
    rows: Rows = {HoldingRow: [], EntryRow: []}
    new_balances: dict[Key, int] = {}
    new_ids: dict[Key, int] = {}
    for position, key, delta in entries:
        number = new_ids.get(key) or ids.get(key)
        if number is None:
            number = next_id
            next_id += 1
            rows[HoldingRow].append(
                {"id": number, "account": key.account, "asset": key.asset, "opened_at": position}
            )
        new_ids[key] = number
        balance = new_balances.get(key, balances.get(key, 0)) + delta
        new_balances[key] = balance
        rows[EntryRow].append(
            {"position": position, "holding_id": number, "delta": delta, "balance": balance}
        )
    return rows, new_balances, new_ids


def _with_position(event: Event, row: Row) -> Row:
    return {"position": event.log.position} | row


def _event(event: Event) -> Row:
    # Integers beyond 2**53 would not survive every JSON reader.
    args = {name: str(value) if type(value) is int else value for name, value in event.args.items()}
    return {
        "position": event.log.position,
        "tx_hash": event.log.tx_hash,
        "address": event.address,
        "contract": event.contract,
        "name": event.name,
        "args": orjson.dumps(args).decode(),
        "topics": " ".join(event.log.topics),
        "data": event.log.data,
    }
