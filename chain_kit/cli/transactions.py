"""Rows of the outbox as documents and as lines: what `chain-kit tx` prints."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chain_kit.call_text import describe_call
from chain_kit.cli.output import Column
from chain_kit.inspection.doctor import ether, gwei
from chain_kit.outbox.intents import Attempt, Kind
from chain_kit.reverts import decode_revert
from chain_kit.units import format_units, iso_utc

if TYPE_CHECKING:
    from chain_kit.inspection.reading import Entry
    from chain_kit.inspection.view import Finding

__all__ = [
    "LIST",
    "attempt_document",
    "finding_lines",
    "listed",
    "paid",
    "row_document",
    "row_lines",
    "shown_age",
]

LIST: Sequence[Column] = (
    ("id ", "id"),
    ("action", "action"),
    ("subjects", "shown_subjects"),
    ("nonce ", "nonce"),
    ("state", "shown_state"),
    ("transaction", "shown_hash"),
    ("fee gwei ", "fee_gwei"),
    ("tip gwei ", "tip_gwei"),
    ("tries ", "tries"),
    ("age ", "age"),
)
_HASH_LENGTH = 14
_SUBJECTS_LENGTH = 44
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def shown_age(seconds: int) -> str:
    """An age in its largest whole unit: "3 h"."""
    for span, unit in _SPANS:
        if seconds >= span:
            return f"{seconds // span} {unit}"
    return f"{max(0, seconds)} s"


def listed(entry: Entry, *, now: int | None = None) -> dict[str, Any]:
    """A row for the list: the columns of the document, and those of the table."""
    row = entry.row
    fees, age = row.attempts[-1].offer.fees, (int(time.time()) if now is None else now) - entry.created_at
    subjects = ", ".join(row.intent.subjects)
    cut = subjects if len(subjects) <= _SUBJECTS_LENGTH else f"{subjects[: _SUBJECTS_LENGTH - 1]}…"
    return {
        "id": row.id,
        "action": row.intent.action,
        "subjects": list(row.intent.subjects),
        "contract": row.intent.contract,
        "sender": row.sender,
        "nonce": row.nonce,
        "level": row.level.value,
        "outcome": row.outcome,
        "tx_hash": row.tx_hash,
        "max_fee_per_gas_wei": str(fees.max_fee_per_gas_wei),
        "max_priority_fee_per_gas_wei": str(fees.max_priority_fee_per_gas_wei),
        "attempts": len(row.attempts),
        "age_seconds": age,
        "reason": row.reason,
        "shown_subjects": cut,
        "shown_state": f"{row.outcome}, {row.level}" if row.outcome else row.level.value,
        "shown_hash": f"{row.tx_hash[:_HASH_LENGTH]}…",
        "fee_gwei": format_units(fees.max_fee_per_gas_wei, 9),
        "tip_gwei": format_units(fees.max_priority_fee_per_gas_wei, 9),
        "tries": len(row.attempts),
        "age": shown_age(age),
    }


def paid(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """What a mined transaction cost its sender, by its receipt. Amounts are decimal strings of wei."""
    gas_used, price_wei = int(receipt["gasUsed"], 16), int(receipt["effectiveGasPrice"], 16)
    l1_fee_wei = int(receipt.get("l1Fee") or "0x0", 16)
    return {
        "succeeded": int(receipt["status"], 16) == 1,
        "gas_used": gas_used,
        "gas_price_wei": str(price_wei),
        "l2_fee_wei": str(gas_used * price_wei),
        "l1_fee_wei": str(l1_fee_wei),
        "fee_wei": str(gas_used * price_wei + l1_fee_wei),
    }


def attempt_document(attempt: Attempt) -> dict[str, Any]:
    """An attempt as the journal knows it."""
    fees = attempt.offer.fees
    return {
        "tx_hash": attempt.tx_hash,
        "kind": attempt.kind.value,
        "gas": attempt.offer.gas,
        "max_fee_per_gas_wei": str(fees.max_fee_per_gas_wei),
        "max_priority_fee_per_gas_wei": str(fees.max_priority_fee_per_gas_wei),
        "created_at": attempt.created_at,
    }


def row_document(entry: Entry, name: str | None, *, successor: int | None) -> dict[str, Any]:
    """Everything that the journal knows of a row. `name` is its contract's, if that is known."""
    row, intent = entry.row, entry.row.intent
    revert = decode_revert(row.revert_data) if row.revert_data else None
    return {
        "id": row.id,
        "action": intent.action,
        "subjects": list(intent.subjects),
        "call": describe_call(name, intent.contract, intent.data, whole=True),
        "contract": intent.contract,
        "data": "0x" + intent.data.hex(),
        "value_wei": str(intent.value_wei),
        "deadline": intent.deadline,
        "worth_wei": None if intent.worth_wei is None else str(intent.worth_wei),
        "sender": row.sender,
        "nonce": row.nonce,
        "level": row.level.value,
        "outcome": row.outcome,
        "reason": row.reason,
        "revert": None if revert is None else {"error": revert.name, "sentence": revert.sentence},
        "tx_hash": row.tx_hash,
        "block_number": row.block_number,
        "block_hash": row.block_hash,
        "replaces": row.replaces,
        "replaced_by": successor,
        "created_at": entry.created_at,
        "updated_at": entry.updated_at,
        "effect": {"name": intent.effect.name, "args": dict(intent.effect.args)},
        "attempts": [attempt_document(attempt) for attempt in row.attempts],
    }


def row_lines(document: Mapping[str, Any]) -> list[str]:
    """The document of a row, what the chain says of it included, as lines for a person."""
    effect, deadline, worth_wei = document["effect"], document["deadline"], document["worth_wei"]
    state = ", ".join(one for one in (document["outcome"], document["level"]) if one)
    nonce = "none of its own" if document["nonce"] is None else str(document["nonce"])
    lines = [
        f"row {document['id']}: {document['action']} {', '.join(document['subjects'])}",
        f"  call      {document['call']}",
        f"  value     {ether(int(document['value_wei']))}",
        f"  deadline  {'none' if deadline is None else iso_utc(deadline)}",
        f"  worth     {'any fee' if worth_wei is None else ether(int(worth_wei))}",
        f"  sender    {document['sender']}, nonce {nonce}",
        f"  state     {state}{' – ' + document['reason'] if document['reason'] else ''}",
        f"  block     {_block(document)}",
        f"  entered   {iso_utc(document['created_at'])}, last changed {iso_utc(document['updated_at'])}",
        f"  effect    {effect['name']}: {_holds(effect)}",
    ]
    if document["revert"] is not None:
        lines.append(f"  revert    {document['revert']['error']}: {document['revert']['sentence']}")
    lines += [
        f"  {what}  row {document[key]}"
        for what, key in (("replaces", "replaces"), ("replaced", "replaced_by"))
        if document[key] is not None
    ]
    for number, attempt in enumerate(document["attempts"], start=1):
        lines += _attempt_lines(number, attempt)
    if document.get("problem"):
        lines.append(f"  the chain was not asked: {document['problem']}")
    return [_plain(line) for line in lines]


def _plain(line: str) -> str:
    """The line without what steers a terminal: reasons are contracts' words."""
    return "".join(one if one.isprintable() else "\ufffd" for one in line)


def _block(document: Mapping[str, Any]) -> str:
    if document["block_number"] is None:
        return "none"
    deep = document.get("confirmations")
    stands = {None: "", True: f", {deep} deep", False: ", which the chain no longer has"}
    return f"{document['block_number']}{stands[document.get('canonical')]} ({document['block_hash']})"


def _holds(effect: Mapping[str, Any]) -> str:
    holds = effect.get("holds")
    if holds is None:
        return str(effect.get("problem") or "not asked")
    return "it holds now" if holds else "it does not hold now"


def _attempt_lines(number: int, attempt: Mapping[str, Any]) -> list[str]:
    what = "an empty transaction" if attempt["kind"] == Kind.CANCEL else "the call"
    fee_wei, tip_wei = (int(attempt[f"max_{name}_per_gas_wei"]) for name in ("fee", "priority_fee"))
    offered = f"{gwei(fee_wei)}, tip {gwei(tip_wei)}, gas {attempt['gas']}"
    lines = [
        f"  attempt {number}: {attempt['tx_hash']}, {what}",
        f"    offered {offered}, at {iso_utc(attempt['created_at'])}",
    ]
    if "where" in attempt:
        lines.append(f"    {attempt['where']}")
    cost = attempt.get("paid")
    if cost is not None:
        result = "it succeeded" if cost["succeeded"] else f"it reverted ({cost['revert']})"
        lines.append(
            f"    {result}: gas {cost['gas_used']} at {gwei(int(cost['gas_price_wei']))},"
            f" {ether(int(cost['l2_fee_wei']))} and L1 fee {ether(int(cost['l1_fee_wei']))}"
        )
    return lines


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """A doctor's findings for a person, by signer."""
    lines: list[str] = []
    signer = None
    for one in findings:
        if one.signer != signer:
            signer = one.signer
            lines.append(signer)
        place = [] if one.nonce is None else [f"nonce {one.nonce}"]
        place += [] if one.row_id is None else [f"{one.intent} (row {one.row_id})"]
        where = f"{', '.join(place)}: " if place else ""
        lines += [f"  {one.urgency.value:6}  {one.kind}: {where}{one.says}"]
        if one.remedy != "nothing":
            lines.append(f"          → {one.remedy}")
    return [_plain(line) for line in lines]
