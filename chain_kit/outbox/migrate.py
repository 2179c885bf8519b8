"""Older outbox files brought up to date, inside the transaction of whoever opens them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rlp  # type: ignore[import-untyped]
from sqlalchemy import Connection, text

from chain_kit.outbox.tables import METADATA, attempts, chains, held, rows

__all__ = ["from_version_1"]

_TYPE_2 = b"\x02"
_ENDED = ("done", "failed", "superseded")
_KEPT = (
    "id", "chain_id", "contract", "action", "subjects", "data", "value_wei", "effect", "sender", "nonce",
    "tx_hash", "block_number", "block_hash", "reason", "revert_data", "replaces", "created_at", "updated_at",
)  # fmt: skip


def from_version_1(connection: Connection) -> None:
    """One state became a level and an outcome, and a row's one transaction its first attempt."""
    old = {
        name: [dict(one) for one in connection.execute(text(f"SELECT * FROM {name}")).mappings()]  # noqa: S608
        for name in ("chains", "outbox", "held")
    }
    for name in ("held", "outbox", "chains"):
        connection.execute(text(f"DROP TABLE {name}"))
    METADATA.create_all(connection)
    # A row that another replaces has the smaller id: the order keeps the reference whole.
    old["outbox"].sort(key=lambda one: int(one["id"]))
    for table, values in (
        (chains, old["chains"]),
        (rows, [_row(one) for one in old["outbox"]]),
        (attempts, [_attempt(one) for one in old["outbox"]]),
        (held, old["held"]),
    ):
        if values:
            connection.execute(table.insert(), values)


def _row(one: Mapping[str, Any]) -> dict[str, Any]:
    ended = one["state"] in _ENDED
    level = "finalized" if one["final"] else one["state"]
    if ended and not one["final"]:
        level = "mined" if one["block_hash"] else "sent"
    return {
        **{name: one[name] for name in _KEPT},
        "level": level,
        "outcome": one["state"] if ended else "",
    }


def _attempt(one: Mapping[str, Any]) -> dict[str, Any]:
    tip, fee, gas = _offer(bytes(one["raw"]))
    return {
        "row_id": one["id"],
        "kind": "call",
        "tx_hash": one["tx_hash"],
        "raw": one["raw"],
        "gas": gas,
        "max_fee_per_gas_wei": str(fee),
        "max_priority_fee_per_gas_wei": str(tip),
        "created_at": one["created_at"],
    }


def _offer(raw: bytes) -> tuple[int, int, int]:
    """Tip, fee and gas of an EIP-1559 transaction's bytes; zeros for anything else."""
    if raw[:1] != _TYPE_2:
        return 0, 0, 0
    try:
        fields = rlp.decode(raw[1:])
        tip, fee, gas = (int.from_bytes(fields[place], "big") for place in (2, 3, 4))
    except (rlp.exceptions.DecodingError, IndexError, TypeError):
        return 0, 0, 0
    return tip, fee, gas
