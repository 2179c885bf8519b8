"""All events that count, of all contracts that are followed: their classes, what they move, what they read.

A dictionary each, by (contract of the ABI files, event); `events` says how another contract joins.
"""

from __future__ import annotations

from typing import Any

from indexer import events, events_house, events_mrt, events_race, moves, moves_house, moves_mrt, moves_race
from indexer.moves import Handler, Reads

__all__ = ["EVENTS", "HANDLERS", "READS"]

EVENTS: dict[tuple[str, str], type[Any]] = {
    **events.EVENTS,
    **events_house.EVENTS,
    **events_mrt.EVENTS,
    **events_race.EVENTS,
}
HANDLERS: dict[tuple[str, str], Handler] = {
    **moves.HANDLERS,
    **moves_house.HANDLERS,
    **moves_mrt.HANDLERS,
    **moves_race.HANDLERS,
}
READS: dict[tuple[str, str], Reads] = {**moves.READS, **moves_house.READS, **moves_race.READS}
