"""Logs as they are stored, and the events that they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Select, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.blocks import Log, first_after, pack_position
from indexer.decode import Decoder, Event
from indexer.models import BlockRow, EventRow, KindRow, table_of

__all__ = ["events_at", "stored_events", "stored_logs", "unknown_kinds"]

_WORD = 32
_PER_QUERY = 500


async def stored_logs(connection: AsyncConnection, first: int, last: int) -> list[Log]:
    """The logs of the blocks `first` to `last`, in the order of the chain."""
    place = table_of(EventRow).c.position
    query = _logs().where(place >= pack_position(first, 0), place < first_after(last)).order_by(place)
    return [_log(row) for row in await connection.execute(query)]


async def stored_events(
    connection: AsyncConnection,
    decoder: Decoder,
    names: Iterable[str],
    *,
    contract: str | None = None,
    first: int = 0,
    before: int | None = None,
    newest: int | None = None,
) -> list[Event]:
    """The events of these names, of every contract or of one label ("EpochHub", "MrtCurve:BTC"), in order.

    Only those from the position `first` on and before the position `before`; of them only the `newest` so
    many. A transfer that announces a fill is not told from others here.
    """
    event, kind = table_of(EventRow), table_of(KindRow)
    of_contract = [] if contract is None else [kind.c.contract == contract]
    kinds = select(kind.c.id).where(kind.c.name.in_(list(names)), *of_contract)
    numbers = (await connection.scalars(kinds)).all()
    query = _logs().where(event.c.position >= first).order_by(event.c.position.desc()).limit(newest)
    if before is not None:
        query = query.where(event.c.position < before)
    rows: list[Any] = []
    # Each kind by itself is in the order of the index, so that the newest are found without all others.
    for number in numbers:
        rows += await connection.execute(query.where(event.c.kind == number))
    rows.sort(key=itemgetter(0), reverse=True)
    return [decoder.decode(_log(row)) for row in reversed(rows[:newest])]


async def events_at(connection: AsyncConnection, decoder: Decoder, positions: Sequence[int]) -> list[Event]:
    """The events at these positions, in the order of the chain."""
    found: list[Event] = []
    wanted = sorted(positions)
    for start in range(0, len(wanted), _PER_QUERY):
        place = table_of(EventRow).c.position
        query = _logs().where(place.in_(wanted[start : start + _PER_QUERY])).order_by(place)
        found += [decoder.decode(_log(row)) for row in await connection.execute(query)]
    return found


def unknown_kinds() -> Select[Any]:
    """The ids of the kinds of events that no ABI file knows."""
    kind = table_of(KindRow)
    return select(kind.c.id).where(kind.c.name.is_(None))


def _logs() -> Select[Any]:
    event, kind, block = table_of(EventRow), table_of(KindRow), table_of(BlockRow)
    number = event.c.position.op(">>")(literal_column("32"))
    return (
        select(event.c.position, block.c.hash, event.c.tx_hash, kind.c.address, event.c.topics, event.c.data)
        .join_from(event, kind, kind.c.id == event.c.kind)
        .join(block, block.c.number == number)
    )


def _log(row: Any) -> Log:
    position, block_hash, tx_hash, address, topics, data = row
    return Log(
        block_number=position >> 32,
        block_hash=block_hash,
        log_index=position >> 8 & 0xFFFFFF,
        tx_hash="0x" + tx_hash.hex(),
        address=address.lower(),
        topics=tuple("0x" + topics[at : at + _WORD].hex() for at in range(0, len(topics), _WORD)),
        data="0x" + data.hex(),
    )
