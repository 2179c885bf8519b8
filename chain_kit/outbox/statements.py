"""Statements of which the journal's transactions are made: to build one costs more than to run it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, null, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from chain_kit.errors import SendError
from chain_kit.outbox.intents import Attempt, Row, State
from chain_kit.outbox.records import attempt_of, row_of
from chain_kit.outbox.tables import attempts, chains, held, leases, rows

__all__ = [
    "ADD_ATTEMPT",
    "ADD_ROW",
    "HOLDERS",
    "LAST",
    "LATER",
    "MOVE",
    "NEWEST",
    "NONCES",
    "RELEASE",
    "LeaseLostError",
    "enter_chain",
    "insert_new",
    "one_row",
    "require_token",
    "select_rows",
]


_OWNED = rows.c.outcome != State.SUPERSEDED
_KEY = and_(
    rows.c.chain_id == bindparam("chain_id"),
    rows.c.contract == bindparam("contract"),
    rows.c.action == bindparam("action"),
)
NEWEST = select(func.max(rows.c.id))
HOLDERS = (
    select(held.c.row_id)
    .where(
        held.c.chain_id == bindparam("chain_id"),
        held.c.contract == bindparam("contract"),
        held.c.action == bindparam("action"),
        held.c.subject.in_(bindparam("subjects", expanding=True)),
    )
    .distinct()
)
LAST = select(func.max(rows.c.id)).where(_KEY, rows.c.subjects == bindparam("subjects"))
LATER = select(rows.c.id, rows.c.subjects).where(_KEY, rows.c.id > bindparam("seen"), _OWNED)
NONCES = (
    select(rows.c.nonce)
    .where(
        rows.c.chain_id == bindparam("chain_id"),
        rows.c.sender == bindparam("sender"),
        rows.c.nonce >= bindparam("first"),
        _OWNED,
    )
    .order_by(rows.c.nonce)
)
ADD_ROW = rows.insert().returning(rows.c.id)
ADD_ATTEMPT = attempts.insert()
RELEASE = held.delete().where(held.c.row_id == bindparam("of_row"))
_MOVE = (
    rows.update()
    .where(
        rows.c.id == bindparam("of_row"),
        rows.c.level == bindparam("was_level"),
        rows.c.outcome == bindparam("was_outcome"),
    )
    .values(
        level=bindparam("level"),
        outcome=bindparam("outcome"),
        block_number=bindparam("block_number"),
        block_hash=bindparam("block_hash"),
        reason=bindparam("reason"),
        revert_data=bindparam("revert_data"),
        updated_at=bindparam("updated_at"),
        tx_hash=func.coalesce(bindparam("tx_hash", type_=rows.c.tx_hash.type), rows.c.tx_hash),
    )
)
MOVE = {
    False: _MOVE.returning(rows.c.nonce, rows.c.tx_hash),
    True: _MOVE.values(nonce=null()).returning(rows.c.nonce, rows.c.tx_hash),
}
"""Moves a row on from the level and outcome that it was seen at; True: and takes its nonce away."""
_BY_ID = select(rows).where(rows.c.id == bindparam("of_row"))
_ATTEMPTS_BY_ID = select(attempts).where(attempts.c.row_id == bindparam("of_row")).order_by(attempts.c.id)


class LeaseLostError(SendError, hint="nothing was signed: the process that holds the lease goes on"):
    """The lease on a signer is another process's by now, or none was ever held."""


def require_token(connection: Connection, chain_id: int, signer: str, token: int) -> None:
    """Raises LeaseLostError unless `token` is that of the signer's lease."""
    mine = and_(leases.c.chain_id == chain_id, leases.c.signer == signer)
    found = connection.execute(select(leases.c.token, leases.c.holder).where(mine)).first()
    if found is None or found.token != token:
        holder = "nobody" if found is None else found.holder
        raise LeaseLostError(f"the lease on {signer} is no longer held here: it is with {holder}")


def insert_new(connection: Connection, table: Any, values: Any) -> None:
    """Inserts what is not there yet."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    connection.execute(insert(table).on_conflict_do_nothing(), values)


def enter_chain(connection: Connection, chain_id: int, genesis_hash: str) -> str:
    """The genesis block with which the database knows the chain; this one, if it did not know it."""
    insert_new(connection, chains, [{"chain_id": chain_id, "genesis_hash": genesis_hash}])
    known = connection.execute(select(chains.c.genesis_hash).where(chains.c.chain_id == chain_id))
    return str(known.scalar_one())


def select_rows(connection: Connection, where: ColumnElement[bool]) -> list[Row]:
    """The rows that fit, oldest first."""
    found = connection.execute(select(rows).where(where).order_by(rows.c.id)).mappings().all()
    if not found:
        return []
    tried: dict[int, list[Attempt]] = {record["id"]: [] for record in found}
    theirs = attempts.c.row_id.in_(select(rows.c.id).where(where))
    for one in connection.execute(select(attempts).where(theirs).order_by(attempts.c.id)).mappings():
        tried[one["row_id"]].append(attempt_of(dict(one)))
    return [row_of(dict(record), tried[record["id"]]) for record in found]


def one_row(connection: Connection, row_id: int) -> Row:
    """The row with that id."""
    of_row = {"of_row": row_id}
    record = connection.execute(_BY_ID, of_row).mappings().one()
    tried = connection.execute(_ATTEMPTS_BY_ID, of_row).mappings()
    return row_of(dict(record), [attempt_of(dict(one)) for one in tried])
