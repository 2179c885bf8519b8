"""What blocks, events and entries are as rows. Pure: the store writes these, `verify` compares with them.

A row is a tuple of a table's columns in their order. Amounts are decimal text, which both databases take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from struct import pack, unpack
from typing import Any

from indexer import events as ev
from indexer.blocks import Block
from indexer.deals import account_number, house_number
from indexer.decode import Form, Raw, Saying
from indexer.events_race import RaceCreated
from indexer.holdings import Change, Opened
from indexer.models import (
    Amount,
    BlockRow,
    BoundaryRow,
    ChangeRow,
    DealRow,
    EntryRow,
    EventRow,
    FeedRow,
    HoldingRow,
    KindRow,
    MarketRow,
    RaceRow,
    table_of,
)

__all__ = [
    "RECORDS",
    "Record",
    "Row",
    "Rows",
    "as_records",
    "block_rows",
    "entry_rows",
    "event_rows",
    "holding_rows",
    "holdings_in",
    "record_rows",
]

Row = tuple[Any, ...]
Rows = dict[type[Any], list[Row]]
"""Model -> its rows, in the order of the chain."""
Record = Callable[[Any], tuple[type[Any], Row]]
"""An event -> the model and the row, without its position, that it makes."""


def block_rows(blocks: Iterable[Block]) -> Rows:
    """The headers."""
    return {BlockRow: [tuple(block) for block in blocks]}


def event_rows(raws: Iterable[Raw], kinds: dict[Form, int]) -> Rows:
    """The logs, and the kinds of events that are not among `kinds` yet, which get the next numbers there."""
    events: list[Row] = []
    new: list[Row] = []
    for position, form, tx_hash, topics, data in raws:
        kind = kinds.get(form)
        if kind is None:
            kinds[form] = kind = len(kinds) + 1
            emitter = form.emitter
            new.append((kind, emitter.address, emitter.label, form.topic, form.name, position >> 32))
        events.append((position, kind, tx_hash, topics, data))
    return {KindRow: new, EventRow: events}


def record_rows(sayings: Iterable[Saying]) -> Rows:
    """What the events say of markets, feeds and boundaries."""
    rows: Rows = {}
    for position, form, payload in [saying for saying in sayings if saying[1].kind in RECORDS]:
        model, row = RECORDS[form.kind](payload)
        rows.setdefault(model, []).append((position, *row))
    return rows


def holding_rows(opened: Sequence[Opened], account_ids: Mapping[str, int]) -> Rows:
    """The holdings, which have their numbers."""
    return {
        HoldingRow: [
            (one.holding.number, account_ids[one.account], one.asset.number, one.block) for one in opened
        ]
    }


def entry_rows(changes: Sequence[Change]) -> Rows:
    """The entries, with the balances after them, and which holdings each block has changed."""
    entries = [
        (holding.number, block, str(delta), str(balance + holding.base))
        for block, holding, delta, balance in changes
    ]
    changed = [
        (block, _packed([holding.number for _, holding, _, _ in group]))
        for block, group in groupby(changes, itemgetter(0))
    ]
    return {EntryRow: entries, ChangeRow: changed}


def holdings_in(changed: bytes) -> tuple[int, ...]:
    """The numbers of the holdings in a row of `change`."""
    return unpack(f"<{len(changed) // 4}I", changed)


def _packed(numbers: Sequence[int]) -> bytes:
    return pack(f"<{len(numbers)}I", *numbers)


def as_records(model: type[Any], rows: Rows) -> list[dict[str, Any]]:
    """The rows of a model by column, amounts as integers: as a query gives them."""
    columns = table_of(model).columns
    amounts = [column.name for column in columns if isinstance(column.type, Amount)]
    records = [dict(zip(columns.keys(), row, strict=True)) for row in rows.get(model, ())]
    for record in records:
        record |= {name: None if record[name] is None else int(record[name]) for name in amounts}
    return records


def _market(event: ev.MarketCreated) -> tuple[type[Any], Row]:
    *others, liquidity, fee, closing_liquidity, closing_fee, budget = event
    return MarketRow, (*others, str(liquidity), fee, closing_liquidity, closing_fee, str(budget))


def _feed(event: ev.FeedRegistered) -> tuple[type[Any], Row]:
    return FeedRow, tuple(event)


def _posted(event: ev.BoundaryPosted) -> tuple[type[Any], Row]:
    return BoundaryRow, (event.feed, event.boundary, str(event.price))


def _voided(event: ev.BoundaryVoided) -> tuple[type[Any], Row]:
    return BoundaryRow, (event.feed, event.boundary, None)


def _race(event: RaceCreated) -> tuple[type[Any], Row]:
    race_id, creator, symbol, feeds, positions, genesis = event
    return RaceRow, (race_id, creator, symbol, " ".join(feeds), positions, genesis)


def _dealt(event: ev.Bought | ev.Sold) -> tuple[type[Any], Row]:
    return DealRow, (event.market_id, account_number(event.account))


def _filled(event: ev.OrderFilled) -> tuple[type[Any], Row]:
    return DealRow, (event.market_id, account_number(event.maker))


def _house(event: ev.HouseOpened | ev.HouseSettled) -> tuple[type[Any], Row]:
    return DealRow, (event.market_id, house_number(event.market_id))


RECORDS: dict[type[Any] | None, Record] = {
    ev.MarketCreated: _market,
    ev.FeedRegistered: _feed,
    ev.BoundaryPosted: _posted,
    ev.BoundaryVoided: _voided,
    RaceCreated: _race,
    ev.Bought: _dealt,
    ev.Sold: _dealt,
    ev.OrderFilled: _filled,
    ev.HouseOpened: _house,
    ev.HouseSettled: _house,
}
"""Class of event -> what it makes a row of. Amounts in it are decimal text."""
