"""A table of the keepers' TOML file, read key by key; what cannot be used is refused by file, key and value.

Money is written as text or as a whole number, its unit in the key ("hour_eth", "max_fee_gwei"), never as a
binary fraction. What is secret stands in a file of its own, which a key with `_file` at its end names.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chain_kit.errors import BadAddressError, BadAmountError, SettingError
from chain_kit.units import checksum_address, format_units, parse_units
from chain_kit.urls import public_url

__all__ = ["ConfigError", "Fields", "read_toml"]

_UNITS = {"wei": 0, "gwei": 9, "eth": 18, "ether": 18}
_WITH_UNIT = re.compile(r"([0-9]+(?:\.[0-9]*)?)\s*(wei|gwei|eth|ether)", re.IGNORECASE)
_FILE = "_file"
_MOST_DECIMALS = 18


class ConfigError(SettingError, hint="docs/operate.md says what each key takes"):
    """The keepers' file cannot be used; the message names file, key and value. Nothing was sent."""


class _Fraction(str):
    """A number with a point that was written without quotes: TOML makes a float of it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def read_toml(file: Path) -> dict[str, Any]:
    """The document in `file`. Raises ConfigError."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=_Fraction)
    except FileNotFoundError:
        raise ConfigError(
            f"no keeper configuration at {file}", hint="name one: --config FILE; docs/operate.md has one"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}", hint="mend the line that it names") from None


class Fields:
    """The table at `place` of `file`. Raises ConfigError for a key that is not `known`.

    With a `_file` in `known`, the key itself may be given in its place by the file of that name.
    """

    def __init__(self, file: Path, place: str, values: Any, known: Sequence[str]) -> None:
        self.file = file
        self.place = place
        if not isinstance(values, Mapping):
            raise ConfigError(f"{file}: {place} = {_shown(values)} is not a table", hint=f"write [{place}]")
        self._values = values
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                meant = f"did you mean {near[0]}? " if near else ""
                where = f"[{place}] takes" if place else "the file has"
                raise ConfigError(
                    f"{file}: {self._key(name)} is unknown", hint=f"{meant}{where} {', '.join(known)}"
                )

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def _key(self, name: str) -> str:
        shown = name if re.fullmatch(r"[\w-]+", name) else f'"{name}"'
        return f"{self.place}.{shown}" if self.place else shown

    def refuse(self, name: str, reason: str, hint: str | None = None) -> ConfigError:
        """The error for a key's value."""
        value = f" = {_shown(self._values[name])}" if name in self._values else ""
        return ConfigError(f"{self.file}: {self._key(name)}{value} {reason}", hint=hint)

    def missing(self, name: str, hint: str | None = None) -> ConfigError:
        """The error for a key that must be there."""
        return ConfigError(f"{self.file}: {self._key(name)} is missing", hint=hint)

    # ------------------------------------------------------------------ single values

    def text(self, name: str, default: str | None = None) -> str:
        """A text that is not empty. Without a default it must be there."""
        if name not in self._values:
            if default is None:
                raise self.missing(name)
            return default
        value = self._values[name]
        if not isinstance(value, str) or isinstance(value, _Fraction) or not value.strip():
            raise self.refuse(name, "is not a text", f'write {name} = "…"')
        return value

    def choice(self, name: str, options: Sequence[str], default: str | None = None) -> str:
        """One of `options`."""
        value = self.text(name, default)
        if value not in options:
            raise self.refuse(name, "is none of them", f"use one of {', '.join(options)}")
        return value

    def whole(self, name: str, default: int | None = None, *, least: int = 0, most: int = 2**63 - 1) -> int:
        """A whole number within bounds."""
        if name not in self._values:
            if default is None:
                raise self.missing(name)
            return default
        value = self._values[name]
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse(name, "is not a whole number", f"write it without quotes: {name} = {least}")
        if not least <= value <= most:
            raise self.refuse(name, "is out of bounds", f"give {least} to {most}")
        return value

    def units(
        self, name: str, decimals: int, default: int | None = None, *, zero: bool = False
    ) -> int | None:
        """An amount in the unit of the key, in base units; None without a value and a default."""
        if name not in self._values:
            return default
        value = self._values[name]
        if isinstance(value, _Fraction):
            raise self.refuse(name, "is a binary fraction", f'write it in quotes: {name} = "{value}"')
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.refuse(name, "is not an amount", f'write {name} = "0.5"')
        try:
            amount = parse_units(str(value).strip(), decimals)
        except BadAmountError as error:
            reason = error.message.removeprefix(repr(str(value).strip())).strip()
            raise self.refuse(name, reason, self._amount_hint(name, str(value))) from None
        if amount < 0 or (amount == 0 and not zero):
            raise self.refuse(name, f"is {'below' if amount < 0 else 'not above'} zero", "give more than 0")
        return amount

    def required_units(self, name: str, decimals: int) -> int:
        """As `units`; it must be there."""
        amount = self.units(name, decimals)
        if amount is None:
            raise self.missing(name, f'write {name} = "…", a decimal number')
        return amount

    def amount(self, name: str) -> str | None:
        """A decimal amount above zero of a token whose decimals are not known yet; None if not given."""
        if self.units(name, _MOST_DECIMALS) is None:
            return None
        return str(self._values[name]).strip()

    def required_amount(self, name: str) -> str:
        """As `amount`; it must be there."""
        amount = self.amount(name)
        if amount is None:
            raise self.missing(name, f'write {name} = "100", in whole tokens')
        return amount

    def seconds(self, name: str, default: float) -> float:
        """A time above zero, whole or as text with up to three decimals ("0.5")."""
        milliseconds = self.units(name, 3)
        return default if milliseconds is None else milliseconds / 1_000

    def address(self, name: str) -> str:
        """An address, checksummed."""
        try:
            return checksum_address(self.text(name))
        except BadAddressError as error:
            raise self.refuse(name, "is not an address", error.hint) from None

    # ------------------------------------------------------------------ files, URLs and secrets

    def path(self, name: str, *, must_exist: bool = False) -> Path | None:
        """A path, from the file's own folder on; None if it is not given."""
        if name not in self._values:
            return None
        path = self.file.parent / Path(self.text(name)).expanduser()
        if must_exist and not path.exists():
            raise self.refuse(name, "is not there", f"there is no {path}: mend the path, or make the file")
        return path

    def required_path(self, name: str, *, must_exist: bool = False) -> Path:
        """As `path`; it must be there."""
        path = self.path(name, must_exist=must_exist)
        if path is None:
            raise self.missing(name)
        return path

    def secret_lines(self, name: str) -> list[str] | None:
        """The lines of the file that `name`_file names; None if it is not given."""
        path = self.path(name + _FILE)
        if path is None:
            return None
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise self.refuse(name + _FILE, f"cannot be read: {reason}") from None
        return [line for line in lines if line]

    def url(self, name: str, schemes: Sequence[str] = ("http", "https")) -> str:
        """A URL, from the key or from the file that `name`_file names."""
        lines = self.secret_lines(name)
        if lines is None:
            return self.checked_url(name, self.text(name), schemes, secret=False)
        if name in self._values:
            raise self.refuse(name + _FILE, f"and {name} are both given", "keep one of them")
        if len(lines) != 1:
            raise self.refuse(name + _FILE, f"holds {len(lines)} lines, not one URL")
        return self.checked_url(name + _FILE, lines[0], schemes, secret=True)

    def checked_url(self, name: str, url: str, schemes: Sequence[str], *, secret: bool) -> str:
        """`url`, if it is one that may stand there. Its secret parts are in no message."""
        where = f"{self.file}: {self._key(name)}{' holds' if secret else ' ='} {public_url(url)}"
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ConfigError(f"{where}, which is no URL") from None
        if parts.scheme not in schemes:
            raise ConfigError(where, hint=f"it must start with {' or '.join(f'{s}://' for s in schemes)}")
        if parts.password and not secret:
            raise ConfigError(
                f"{where} with a password", hint=f"put the URL into a file, and name that: {name}{_FILE}"
            )
        return url

    # ------------------------------------------------------------------ what holds others

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty if it is not given."""
        return [text for text in self._list(name, str) if text]

    def wholes(self, name: str) -> list[int]:
        """A list of whole numbers that are not negative; empty if it is not given."""
        numbers: list[int] = self._list(name, int)
        if any(number < 0 for number in numbers):
            raise self.refuse(name, "has a number below zero")
        return numbers

    def _list(self, name: str, kind: type) -> list[Any]:
        values = self._values.get(name, [])
        is_list = isinstance(values, list)
        if not is_list or not all(isinstance(v, kind) and not isinstance(v, bool) for v in values):
            what = "texts" if kind is str else "whole numbers"
            raise self.refuse(name, f"is not a list of {what}", f"write {name} = […]")
        return list(values)

    def names(self) -> list[str]:
        """The keys that are given."""
        return list(self._values)

    def table(self, name: str, known: Sequence[str] | None = None) -> Fields:
        """The table below `name`, empty if it is not given. Without `known`, its keys are anybody's."""
        values = self._values.get(name, {})
        if known is None:
            known = list(values) if isinstance(values, Mapping) else []
        return Fields(self.file, self._key(name), values, known)

    def tables(self, name: str, known: Sequence[str]) -> list[Fields]:
        """The tables of a list, each called by its number from 1."""
        values = self._values.get(name, [])
        if not isinstance(values, list):
            raise ConfigError(
                f"{self.file}: {self._key(name)} is one table", hint=f"write [[{self._key(name)}]] for each"
            )
        return [Fields(self.file, f"{self._key(name)}[{n}]", one, known) for n, one in enumerate(values, 1)]

    # ------------------------------------------------------------------ inside

    @staticmethod
    def _amount_hint(name: str, value: str) -> str:
        unit = name.rpartition("_")[2]
        found = _WITH_UNIT.fullmatch(value.strip())
        if found and unit in _UNITS:
            wei = Decimal(found[1]).scaleb(_UNITS[found[2].lower()])
            if wei == wei.to_integral_value():
                written = format_units(int(wei), _UNITS[unit])
                return f'the unit is in the key: write {name} = "{written}"'
        return f'write a plain decimal number: {name} = "0.5"'


def _shown(value: Any) -> str:
    """A value as TOML would have it, cut short."""
    if isinstance(value, str) and "://" in value:
        return public_url(value)
    text = str(value) if isinstance(value, _Fraction) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}…"
