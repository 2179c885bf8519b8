"""Between the rows of the SQLite table and the `Row` of the rest."""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson

from chain_kit.outbox.intents import Effect, Intent, Row, State
from chain_kit.signers import SignedTransaction

__all__ = ["json_text", "new_columns", "row_of"]


def json_text(value: Any) -> str:
    """The same text for the same value, whatever the order of its keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def new_columns(
    intent: Intent, chain_id: int, sender: str, nonce: int, *, signed: SignedTransaction, replaces: Row | None
) -> dict[str, Any]:
    """The columns of a new row."""
    return {
        "chain_id": chain_id,
        "contract": intent.contract,
        "action": intent.action,
        "subjects": json_text(intent.subjects),
        "data": intent.data,
        "value_wei": str(intent.value_wei),
        "effect": json_text({"name": intent.effect.name, "args": intent.effect.args}),
        "sender": sender,
        "nonce": nonce,
        "raw": signed.raw,
        "tx_hash": signed.hash,
        "state": State.JOURNALED,
        "replaces": replaces.id if replaces is not None else None,
    }


def row_of(record: sqlite3.Row) -> Row:
    """A record of the table as a `Row`."""
    effect = orjson.loads(record["effect"])
    intent = Intent(
        contract=record["contract"],
        action=record["action"],
        subjects=tuple(orjson.loads(record["subjects"])),
        data=record["data"],
        effect=Effect(effect["name"], effect["args"]),
        value_wei=int(record["value_wei"]),
    )
    return Row(
        id=record["id"],
        intent=intent,
        sender=record["sender"],
        nonce=record["nonce"],
        raw=record["raw"],
        tx_hash=record["tx_hash"],
        state=State(record["state"]),
        block_number=record["block_number"],
        block_hash=record["block_hash"],
        final=bool(record["final"]),
        reason=record["reason"],
        revert_data=record["revert_data"],
        replaces=record["replaces"],
    )
