"""Recorded prices: a CSV file with columns `ts` (UNIX seconds) and `close`, exact and checked line by line.

Prices are decimals in the file and 1e18 fixed point integers here; no binary float is involved.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from pathlib import Path

from chain_kit.errors import PriceFileError, PriceMissingError
from chain_kit.units import iso_utc

__all__ = ["DAY", "EPOCH", "PriceSeries", "parse_price_e18"]

EPOCH = 300
"""Seconds of an epoch, and between two boundaries."""
DAY = 86_400

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_PLAIN = re.compile(r"[+-]?[0-9.eE+-]+|[+-]?[a-zA-Z]+")
# Exact or not at all: 18 places behind the point, 40 digits before it, and then some.
_EXACT = Context(prec=100, traps=[Inexact, InvalidOperation])
_MAX_DIGITS = 39


def parse_price_e18(value: str | int | Decimal) -> int:
    """A decimal price as 1e18 fixed point: "46377.5" is 46377500000000000000000.

    Raises ValueError, with the reason, for what is not a number above zero or has more than 18 decimals.
    """
    try:
        # Decimal also takes digits of other scripts, and 1_000.
        price = Decimal(value if not isinstance(value, str) or _PLAIN.fullmatch(value) else "?")
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not price.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    if price <= 0:
        raise ValueError(f"{value!r} is not above zero")
    if price.adjusted() >= _MAX_DIGITS:
        raise ValueError(f"{value!r} is too large for a price")
    try:
        return int(price.scaleb(18, _EXACT).to_integral_exact(context=_EXACT))
    except (Inexact, InvalidOperation):
        raise ValueError(f"{value!r} has more than 18 decimals") from None


@dataclass(frozen=True)
class PriceSeries:
    """Prices (1e18) by UNIX second, rising. `path` is the file that they are from."""

    path: str
    prices_e18: dict[int, int]

    @classmethod
    def from_csv(cls, path: str | Path) -> PriceSeries:
        """Reads the file at `path`; columns beside `ts` and `close` are ignored.

        Raises PriceFileError, with the line and the value, for whatever cannot be used.
        """
        prices: dict[int, int] = {}
        last = -1
        for line, ts, price_e18 in _rows(path):
            if ts == last:
                raise PriceFileError(path, f"a second price for ts {ts}; keep one", line=line)
            if ts < last:
                raise PriceFileError(path, f"ts {ts} comes after {last}; sort the file by ts", line=line)
            prices[ts] = price_e18
            last = ts
        if not prices:
            raise PriceFileError(path, "the file holds no prices")
        return cls(str(path), prices)

    @property
    def first(self) -> int:
        """The first second that has a price."""
        return next(iter(self.prices_e18))

    @property
    def last(self) -> int:
        """The last second that has a price."""
        return next(reversed(self.prices_e18))

    def price_e18(self, ts: int) -> int | None:
        """The price at exactly this second, 1e18 fixed point; None where the file has none."""
        return self.prices_e18.get(ts)

    def first_start(self, epochs: int) -> int:
        """The first boundary with a price. Raises PriceMissingError unless `epochs` epochs follow it."""
        start = next((ts for ts in self.prices_e18 if ts % EPOCH == 0), None)
        if start is None:
            raise PriceMissingError(f"{self.path}: no ts is a multiple of {EPOCH}")
        self.require(start, epochs)
        return start

    def covers(self, start: int, epochs: int) -> bool:
        """Whether the file reaches from `start` to the end of the last epoch; gaps within are allowed."""
        return self.first <= start and start + epochs * EPOCH <= self.last

    def require(self, start: int, epochs: int) -> None:
        """Raises PriceMissingError unless the file covers `epochs` epochs from `start`."""
        if self.covers(start, epochs):
            return
        if start < self.first:
            raise PriceMissingError(
                f"{self.path}: starts at {self._instant(self.first)}, after {self._instant(start)}"
            )
        fit = max(0, (self.last - start) // EPOCH)
        raise PriceMissingError(
            f"{self.path}: ends at {self._instant(self.last)}: {fit} of {epochs} epochs"
            f" from {self._instant(start)} fit"
        )

    @staticmethod
    def _instant(ts: int) -> str:
        return f"{ts} ({iso_utc(ts)})"


def _rows(path: str | Path) -> Iterator[tuple[int, int, int]]:
    """Line, ts and price of each row."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            if not header:
                raise PriceFileError(path, "the file is empty")
            for name in ("ts", "close"):
                if name not in header:
                    raise PriceFileError(path, f"no column {name!r} among {', '.join(header)}", line=1)
            ts_at, close_at = header.index("ts"), header.index("close")
            for row in reader:
                if row:
                    yield (reader.line_num, *_row(path, reader.line_num, row, ts_at, close_at))
    except FileNotFoundError:
        raise PriceFileError(path, "no such file") from None
    except OSError as error:
        raise PriceFileError(path, f"cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise PriceFileError(path, f"not a CSV text file: {error}") from None


def _row(path: str | Path, line: int, row: list[str], ts_at: int, close_at: int) -> tuple[int, int]:
    if len(row) <= max(ts_at, close_at):
        raise PriceFileError(path, f"the line has only {len(row)} fields", line=line)
    ts_text = row[ts_at].strip()
    if _TIMESTAMP.fullmatch(ts_text) is None:
        raise PriceFileError(path, f"ts {ts_text!r} is not a time in whole seconds", line=line)
    try:
        return int(ts_text), parse_price_e18(row[close_at].strip())
    except ValueError as error:
        raise PriceFileError(path, f"close {error}", line=line) from None
