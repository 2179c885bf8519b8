"""Whether what the index says now may be relied on, and if not, why."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.database import Database
from indexer.models import BlockRow, CursorRow, ProofRow, table_of
from indexer.proof.levels import Level
from indexer.proof.ranges import level_at, proven_to, ranges_between
from indexer.proof.trouble import troubles

__all__ = ["MAX_LAG_BLOCKS", "MAX_SILENCE_SECONDS", "Readiness", "proof_status", "readiness"]

MAX_LAG_BLOCKS = 10
MAX_SILENCE_SECONDS = 30.0
_SHOWN = 100


class Readiness(NamedTuple):
    """Ready, or the reasons why not, in words. `level` is how far all of it is proven."""

    ready: bool
    reasons: list[str]
    block: int | None
    head: int
    level: Level
    verified: bool


async def readiness(
    database: Database,
    *,
    max_lag_blocks: int = MAX_LAG_BLOCKS,
    max_silence_seconds: float = MAX_SILENCE_SECONDS,
    now: Callable[[], float] = time.time,
) -> Readiness:
    """Ready is: the writer has seen the head of late, is near it, and nothing that is known is wrong.

    How far the newest blocks are proven does not matter: each answer says that of itself.
    """
    cursor, proof = table_of(CursorRow), table_of(ProofRow)
    async with database.snapshot() as connection:
        row = (await connection.execute(select(cursor))).one()
        block = await _newest(connection)
        level, verified = await level_at(connection, row.block_number)
        failed = await connection.scalar(select(func.count()).select_from(proof).where(proof.c.failed))
        known = await troubles(connection)
    reasons = [f"{one.kind}: {_in_words(one.what)}" for one in known]
    if failed and not known:
        reasons.append(f"{failed} ranges of blocks are not what the chain says")
    silence = now() - row.looked_at / 1000
    if block is None:
        reasons.append("no block is indexed yet")
    if row.looked_at == 0:
        reasons.append("the chain was never looked at")
    elif silence > max_silence_seconds:
        reasons.append(f"the chain was last looked at {silence:.0f} s ago")
    lag = row.head - row.block_number
    if lag > max_lag_blocks:
        reasons.append(f"the index is {lag} blocks behind the chain")
    return Readiness(not reasons, reasons, block, row.head, level, verified)


async def proof_status(connection: AsyncConnection) -> dict[str, Any]:
    """How far which blocks are proven, and what is wrong, for `index status`.

    {level, verified, linked, complete, reconciled: the last block up to which all are, or None,
    ranges: [{first, last, level, failed, differences, endpoint}], trouble: [{kind, since, block, what}]}; of
    many ranges the last ones.
    """
    block = await _newest(connection)
    standing = await level_at(connection, block or 0)
    found = await ranges_between(connection, 0, block or 0)
    return {
        "level": standing.level.word,
        "verified": block is not None and standing.verified,
        **{one.word: await proven_to(connection, one) for one in Level if one is not Level.NONE},
        "ranges": [
            {
                "first": one.first,
                "last": one.last,
                "level": one.level.word,
                "failed": one.failed,
                "differences": _facts(one.what).get("differences", []),
                "endpoint": one.endpoint,
            }
            for one in found[-_SHOWN:]
        ],
        "trouble": [one._asdict() | {"what": _in_words(one.what)} for one in await troubles(connection)],
    }


async def _newest(connection: AsyncConnection) -> int | None:
    number: int | None = await connection.scalar(select(func.max(table_of(BlockRow).c.number)))
    return number


def _facts(what: str) -> dict[str, Any]:
    """What is noted of a difference; nothing, if it is a text for people."""
    try:
        facts = orjson.loads(what)
    except orjson.JSONDecodeError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _in_words(what: str) -> str:
    facts = _facts(what)
    if not facts:
        return what
    return f"blocks {facts['first']} to {facts['last']} are not {facts['level']}: {facts['differences'][0]}"
