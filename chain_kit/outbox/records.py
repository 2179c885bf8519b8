"""Between the records of the tables and the `Row` of the rest."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from chain_kit.fees import Fees
from chain_kit.outbox.intents import Attempt, Effect, Intent, Kind, Level, Offer, Row, State
from chain_kit.signers import SignedTransaction

__all__ = ["attempt_columns", "attempt_of", "json_text", "move_columns", "new_columns", "row_of", "seconds"]


def json_text(value: Any) -> str:
    """The same text for the same value, whatever the order of its keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def seconds() -> int:
    """This machine's clock, UNIX seconds."""
    return int(time.time())


def new_columns(
    intent: Intent, chain_id: int, place: tuple[str, int], tx_hash: str, *, replaces: Row | None
) -> dict[str, Any]:
    """The columns of a new row; `place` is its sender and its nonce."""
    sender, nonce = place
    return {
        "chain_id": chain_id,
        "contract": intent.contract,
        "action": intent.action,
        "subjects": json_text(intent.subjects),
        "data": intent.data,
        "value_wei": str(intent.value_wei),
        "effect": json_text({"name": intent.effect.name, "args": intent.effect.args}),
        "deadline": intent.deadline,
        "worth_wei": None if intent.worth_wei is None else str(intent.worth_wei),
        "sender": sender,
        "nonce": nonce,
        "tx_hash": tx_hash,
        "level": Level.JOURNALED.value,
        "outcome": "",
        "block_number": None,
        "block_hash": None,
        "reason": "",
        "revert_data": None,
        "replaces": replaces.id if replaces is not None else None,
        "created_at": seconds(),
        "updated_at": seconds(),
    }


def attempt_columns(
    row_id: int, kind: Kind, signed: SignedTransaction, offer: Offer, chain_time: int
) -> dict[str, Any]:
    """The columns of a new attempt."""
    return {
        "row_id": row_id,
        "kind": kind.value,
        "tx_hash": signed.hash,
        "raw": signed.raw,
        "gas": offer.gas,
        "max_fee_per_gas_wei": str(offer.fees.max_fee_per_gas_wei),
        "max_priority_fee_per_gas_wei": str(offer.fees.max_priority_fee_per_gas_wei),
        "created_at": chain_time,
    }


def move_columns(state: State, *, final: bool) -> dict[str, Any]:
    """Level and outcome of a row that comes to `state`: one with an outcome stands in a block, or in none."""
    if state.live:
        return {"level": state.value, "outcome": "", "updated_at": seconds()}
    level = Level.FINALIZED if final else Level.MINED
    return {"level": level.value, "outcome": state.value, "updated_at": seconds()}


def attempt_of(record: Mapping[str, Any]) -> Attempt:
    """A record of the table as an `Attempt`."""
    fees = Fees(int(record["max_fee_per_gas_wei"]), int(record["max_priority_fee_per_gas_wei"]))
    return Attempt(
        kind=Kind(record["kind"]),
        tx_hash=record["tx_hash"],
        raw=bytes(record["raw"]),
        offer=Offer(record["gas"], fees),
        created_at=record["created_at"],
    )


def row_of(record: Mapping[str, Any], attempts: Iterable[Attempt]) -> Row:
    """A record of the table with its attempts as a `Row`."""
    effect = orjson.loads(record["effect"])
    worth_wei = record["worth_wei"]
    intent = Intent(
        contract=record["contract"],
        action=record["action"],
        subjects=tuple(orjson.loads(record["subjects"])),
        data=bytes(record["data"]),
        effect=Effect(effect["name"], effect["args"]),
        value_wei=int(record["value_wei"]),
        deadline=record["deadline"],
        worth_wei=None if worth_wei is None else int(worth_wei),
    )
    return Row(
        id=record["id"],
        intent=intent,
        sender=record["sender"],
        nonce=record["nonce"],
        tx_hash=record["tx_hash"],
        level=Level(record["level"]),
        outcome=record["outcome"],
        attempts=tuple(attempts),
        block_number=record["block_number"],
        block_hash=record["block_hash"],
        reason=record["reason"],
        revert_data=record["revert_data"],
        replaces=record["replaces"],
    )
