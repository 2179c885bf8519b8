"""An index of a deployment that has grown: what is new is indexed from its first block on."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.deployment import Deployment
from indexer.models import CursorRow, MetaRow, table_of
from indexer.undo import delete_after

__all__ = ["extend"]


async def extend(connection: AsyncConnection, stored: Deployment, wanted: Deployment) -> bool:
    """Makes the index of `stored` one of `wanted`, if all that this has more are contracts; whether it did.

    The blocks from the first of them on are taken back, to be indexed again. Tokens that somebody sent to an
    address before the block that the manifest gives for its contract are not found by that.
    """
    first = wanted.added_to(stored)
    if first is None:
        return False
    cursor, meta = table_of(CursorRow), table_of(MetaRow)
    last = await connection.scalar(select(cursor.c.block_number)) or 0
    kept = wanted.first_block - 1 if first <= stored.first_block else min(last, first - 1)
    await delete_after(connection, kept)
    await connection.execute(update(cursor).values(block_number=kept))
    text = update(meta).where(meta.c.name == "deployment").values(value=wanted.to_json())
    await connection.execute(text)
    return True
