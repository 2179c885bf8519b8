"""`keeper status` as one document, and as tables."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chain_kit.cli.output import Column, console, print_table
from chain_kit.cli.transactions import shown_age
from chain_kit.inspection.doctor import ether
from chain_kit.units import format_units, iso_utc

if TYPE_CHECKING:
    from chain_kit.keepers.config import FleetConfig
    from chain_kit.keepers.fleet.status import FleetStatus

__all__ = ["print_status", "status_document"]

_ETHER_DECIMALS = 18
_KEEPERS: tuple[Column, ...] = (
    ("keeper", "keeper"),
    ("last round", "shown_round"),
    ("by", "holder"),
    ("problem", "problem"),
)
_ACTIONS: tuple[Column, ...] = (
    ("action", "action"),
    ("in flight ", "in_flight"),
    ("done ", "done"),
    ("failed ", "failed"),
    ("last effect seen", "shown_verified"),
    ("halted", "shown_halt"),
)
_BUDGETS: tuple[Column, ...] = (
    ("fees of the last", "window"),
    ("counted ETH ", "counted_eth"),
    ("limit ETH ", "limit_eth"),
    ("left ETH ", "left_eth"),
)


def status_document(config: FleetConfig, status: FleetStatus) -> dict[str, Any]:
    """All of it. Times are ISO 8601 in UTC, amounts of wei decimal strings, what is not known null."""
    chain, lease = status.chain, status.lease
    rounds = {one.keeper: one for one in status.rounds}
    names = [*config.keepers.names, *(name for name in rounds if name not in config.keepers.names)]
    keepers = []
    for name in names:
        last = rounds.get(name)
        keepers.append(
            {
                "keeper": name,
                "configured": name in config.keepers.names,
                "last_round": None if last is None else iso_utc(last.at_ms // 1_000),
                "holder": None if last is None else last.holder,
                "problem": None if last is None else last.problem,
            }
        )
    actions = [
        {
            "action": one.action,
            "in_flight": one.in_flight,
            "done": one.done,
            "failed": one.failed,
            "last_verified": None if one.last_verified is None else iso_utc(one.last_verified),
            "halted_since": None if one.halt is None else iso_utc(one.halt.since),
            "halt_reason": None if one.halt is None else one.halt.reason,
        }
        for one in status.actions
    ]
    windows = (
        ("hour", status.counted.hour_wei, config.hour_wei),
        ("day", status.counted.day_wei, config.day_wei),
    )
    return {
        "chain_id": config.chain.chain_id,
        "block": None if chain is None else chain.block,
        "time": None if chain is None else iso_utc(chain.timestamp),
        "problem": status.problem or None,
        "signer": status.signer,
        "balance_wei": None if chain is None else str(chain.balance_wei),
        "lease": None
        if lease is None
        else {
            "holder": lease.holder,
            "token": lease.token,
            "left_seconds": max(0, lease.left_ms) // 1_000,
            "held": lease.left_ms > 0,
        },
        "keepers": keepers,
        "actions": actions,
        "budgets": [
            {
                "window": window,
                "counted_wei": str(counted),
                "limit_wei": None if limit is None else str(limit),
                "left_wei": None if limit is None else str(max(0, limit - counted)),
            }
            for window, counted, limit in windows
        ],
    }


def print_status(document: Mapping[str, Any], status: FleetStatus) -> None:
    """The document for a person."""
    now = int(time.time())
    ages = {one.keeper: f"{shown_age(now - one.at_ms // 1_000)} ago" for one in status.rounds}
    seen = {one.action: one.last_verified for one in status.actions}
    print_table(
        "Keepers",
        _KEEPERS,
        [
            {**row, "shown_round": ages.get(row["keeper"], "never"), "problem": row["problem"] or None}
            for row in document["keepers"]
        ],
    )
    print_table(
        "Actions", _ACTIONS, [{**row, **_shown(row, seen[row["action"]], now)} for row in document["actions"]]
    )
    print_table("Budgets", _BUDGETS, [_in_ether(row) for row in document["budgets"]])
    say = console().print
    if document["balance_wei"] is not None:
        say(f"{document['signer']} holds {ether(int(document['balance_wei']))} at block {document['block']}")
    lease = document["lease"]
    if lease is None or not lease["held"]:
        say("nobody holds the lease" + (f"; {lease['holder']} had it last" if lease else ""))
    else:
        say(f"{lease['holder']} holds the lease, its token is {lease['token']}")
    if document["problem"]:
        say(f"the chain was not asked: {document['problem']}", markup=False)


def _shown(row: Mapping[str, Any], seen: int | None, now: int) -> dict[str, Any]:
    halted = f"since {row['halted_since']}: {row['halt_reason']}" if row["halted_since"] else None
    return {
        "shown_verified": None if seen is None else f"{shown_age(now - seen)} ago",
        "shown_halt": halted,
    }


def _in_ether(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "window": row["window"],
        **{
            f"{name}_eth": "no limit" if row[f"{name}_wei"] is None else _ether(row[f"{name}_wei"])
            for name in ("counted", "limit", "left")
        },
    }


def _ether(wei: str) -> str:
    return format_units(int(wei), _ETHER_DECIMALS)
