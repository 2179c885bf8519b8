"""Price files for tests, and what must follow from them, worked out apart from the code under test."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from chain_kit.cli.local.samples import SAMPLE_PRICES

__all__ = ["GRID", "Row", "expected_epochs", "outcomes", "plain", "sample_rows", "write_prices"]

GRID = 300
Row = tuple[int, str]
"""A second, and its price as it is written in the file."""


@cache
def sample_rows() -> tuple[Row, ...]:
    """The rows of the recorded day that comes with the kit."""
    return read_prices(SAMPLE_PRICES)


def read_prices(path: Path) -> tuple[Row, ...]:
    """The rows of a price file."""
    with path.open(newline="") as file:
        return tuple((int(row["ts"]), row["close"]) for row in csv.DictReader(file))


def write_prices(path: Path, rows: Iterable[Row]) -> Path:
    """Writes `rows` as a price file."""
    path.write_text("ts,close\n" + "".join(f"{ts},{close}\n" for ts, close in rows))
    return path


def plain(price: str) -> str:
    """A price without trailing zeros, as the answers show it: "41582.0" is "41582"."""
    whole, _, fraction = f"{Decimal(price):f}".partition(".")
    return f"{whole}.{fraction.rstrip('0')}".rstrip(".")


def expected_epochs(rows: Sequence[Row], start: int, count: int) -> list[dict[str, str | int | None]]:
    """How `count` epochs from `start` end by the file: epoch, start and end price, outcome."""
    prices = dict(rows)
    found: list[dict[str, str | int | None]] = []
    for epoch in range(1, count + 1):
        first, last = (prices.get(start + (epoch - 1 + more) * GRID) for more in (0, 1))
        outcome = "VOID"
        if first is not None and last is not None and Decimal(first) != Decimal(last):
            outcome = "YES" if Decimal(last) > Decimal(first) else "NO"
        found.append(
            {
                "epoch": epoch,
                "start_price": None if first is None else plain(first),
                "end_price": None if last is None else plain(last),
                "outcome": outcome,
            }
        )
    return found


def outcomes(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The part of epochs' answers that `expected_epochs` speaks of."""
    return [{name: row[name] for name in ("epoch", "start_price", "end_price", "outcome")} for row in rows]
