"""What accounts have been owed in all: where the root keeper takes its totals from."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from chain_kit.errors import BadAddressError, BadAmountError, SendError
from chain_kit.units import checksum_address, parse_units

__all__ = ["AccrualError", "AccrualFile", "AccrualSource", "FixedAccruals"]

_UNITS, _TOKENS = "total_units", "total_tokens"
_TOTAL_MAX = 2**128 - 1
"""The vault counts in uint128."""


class AccrualError(SendError, hint="correct the accruals: each account once, totals that only grow"):
    """Accruals that no root is made of; the message names the place and the value."""


class AccrualSource(Protocol):
    """Who knows what is owed."""

    async def totals(self) -> Mapping[str, int]:
        """Base units by checksummed account, all that was ever owed to it. Raises AccrualError."""

    def place(self, account: str) -> str:
        """Where the account's total was read, for messages: "accruals.csv, line 7"."""


class FixedAccruals:
    """Totals (base units) that do not change."""

    def __init__(self, totals: Mapping[str, int]) -> None:
        self._totals = {checksum_address(account): total for account, total in totals.items()}

    async def totals(self) -> Mapping[str, int]:
        """As they were given."""
        return self._totals

    def place(self, account: str) -> str:  # noqa: ARG002
        """There is no file."""
        return "the payouts"


class AccrualFile:
    """A CSV file with a column `account`, and one of `total_units` and `total_tokens`.

    The first counts whole base units of the payout token, the second tokens ("12.5"), of `decimals`. Totals
    are cumulative. Other columns are ignored, and accounts with a total of 0 are not owed anything yet. The
    file is read anew each time; write it under another name and move it into place.
    """

    def __init__(self, path: Path | str, *, decimals: int) -> None:
        self._path = Path(path)
        self._decimals = decimals
        self._lines: dict[str, int] = {}

    async def totals(self) -> Mapping[str, int]:
        """What the file says now. Raises AccrualError, with the line, for whatever cannot be used."""
        return await asyncio.to_thread(self._read)

    def place(self, account: str) -> str:
        """The file, and the line if it has the account."""
        line = self._lines.get(account)
        return f"{self._path}, line {line}" if line is not None else str(self._path)

    def _read(self) -> dict[str, int]:
        totals: dict[str, int] = {}
        lines: dict[str, int] = {}
        for line, account, total_units in self._rows():
            if account in lines:
                raise self._refused(f"{account} comes twice, in line {lines[account]} too", line)
            lines[account] = line
            if total_units:
                totals[account] = total_units
        self._lines = lines
        return totals

    def _rows(self) -> Iterator[tuple[int, str, int]]:
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                header = [name.strip() for name in next(reader, [])]
                account_at, total_at, unit = self._columns(header)
                for row in reader:
                    if row:
                        line = reader.line_num
                        if len(row) <= max(account_at, total_at):
                            raise self._refused(f"the line has only {len(row)} fields", line)
                        total = self._units(row[total_at].strip(), unit, line)
                        yield line, self._account(row[account_at].strip(), line), total
        except FileNotFoundError:
            raise self._refused("no such file") from None
        except OSError as error:
            raise self._refused(f"cannot be read: {error.strerror}") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise self._refused(f"not a CSV text file: {error}") from None

    def _columns(self, header: list[str]) -> tuple[int, int, str]:
        units = [name for name in header if name in (_UNITS, _TOKENS)]
        if header.count("account") != 1 or len(units) != 1:
            raise self._refused(
                f"its columns are {', '.join(header) or 'none'};"
                f" give account, and one of {_UNITS} and {_TOKENS}",
                1,
            )
        return header.index("account"), header.index(units[0]), units[0]

    def _account(self, text: str, line: int) -> str:
        try:
            return checksum_address(text)
        except BadAddressError as error:
            raise self._refused(error.message, line) from None

    def _units(self, text: str, unit: str, line: int) -> int:
        try:
            total_units = parse_units(text, 0 if unit == _UNITS else self._decimals)
        except BadAmountError as error:
            raise self._refused(f"{unit} {error.message}", line) from None
        if not 0 <= total_units <= _TOTAL_MAX:
            raise self._refused(f"{unit} is {text}, it must be from 0 to {_TOTAL_MAX} base units", line)
        return total_units

    def _refused(self, reason: str, line: int | None = None) -> AccrualError:
        where = f"{self._path}, line {line}" if line is not None else str(self._path)
        return AccrualError(f"{where}: {reason}")
