"""All that an index says, as text that two indexes can be compared by."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from indexer.database import Database
from indexer.models import metadata

__all__ = ["dump"]

# When something was seen is not part of what was seen.
_LEFT_OUT = {
    "cursor": {"head", "head_hash", "safe", "finalized", "looked_at", "writer"},
    "verification": {"checked_at"},
    "proof": {"checked_at", "endpoint"},
}


async def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in the order of the primary keys."""
    async with database.snapshot() as connection:
        found = {}
        for table in metadata.sorted_tables:
            columns = [c for c in table.columns if c.name not in _LEFT_OUT.get(table.name, ())]
            rows = await connection.execute(select(*columns).order_by(*table.primary_key.columns))
            found[table.name] = [tuple(row) for row in rows]
        return found
