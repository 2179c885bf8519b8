"""Reads a JSON document field by field, so that a wrong one is named: "markets.BTC.block is missing"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, TypeVar

from chain_kit.errors import BadAddressError
from chain_kit.units import checksum_address

__all__ = ["FieldError", "JsonFields"]

T = TypeVar("T")
_HASH = re.compile(r"0x[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9]{1,78}")


class FieldError(Exception):
    """A field is missing or of a wrong form. Whoever reads the file turns it into an error of its own."""


class JsonFields:
    """One JSON object of a document. `where` is the path to it. Every method raises FieldError."""

    def __init__(self, data: object, where: str = "") -> None:
        self._where = where
        if not isinstance(data, Mapping):
            self._fail("", "must be an object")
        self._data: Mapping[str, Any] = data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def _fail(self, key: str, reason: str) -> NoReturn:
        raise FieldError(f"{self._path(key) or 'the document'} {reason}")

    def _path(self, key: str) -> str:
        return ".".join(part for part in (self._where, key) if part)

    def _get(self, key: str) -> Any:
        if key not in self._data:
            self._fail(key, "is missing")
        return self._data[key]

    def integer(self, key: str) -> int:
        """A whole number, not negative."""
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self._fail(key, f"must be a whole number, not {value!r}")
        return value

    def big_integer(self, key: str) -> int:
        """A whole number that stands in the document as a decimal string, up to uint256."""
        value = self._get(key)
        if not isinstance(value, str) or _DIGITS.fullmatch(value) is None:
            self._fail(key, f"must be a whole number as a string, not {value!r}")
        return int(value)

    def boolean(self, key: str) -> bool:
        """True or false."""
        value = self._get(key)
        if not isinstance(value, bool):
            self._fail(key, f"must be true or false, not {value!r}")
        return value

    def text(self, key: str) -> str:
        """Text, not empty."""
        value = self._get(key)
        if not isinstance(value, str) or not value:
            self._fail(key, f"must be text, not {value!r}")
        return value

    def hash(self, key: str) -> str:
        """0x and 64 lower-case hexadecimal digits."""
        value = self._get(key)
        if not isinstance(value, str) or _HASH.fullmatch(value) is None:
            self._fail(key, f"must be 0x and 64 lower-case hexadecimal digits, not {value!r}")
        return value

    def hash_or_none(self, key: str) -> str | None:
        """As `hash`, or None where the document says null."""
        return None if self._get(key) is None else self.hash(key)

    def address_or_none(self, key: str) -> str | None:
        """As `address`, or None where the document says null."""
        return None if self._get(key) is None else self.address(key)

    def address(self, key: str) -> str:
        """An address, given back with its checksum."""
        try:
            return checksum_address(self.text(key))
        except BadAddressError as error:
            self._fail(key, f"holds no address: {error.message}")

    def array(self, key: str) -> tuple[Any, ...]:
        """A list of anything."""
        value = self._get(key)
        if not isinstance(value, list):
            self._fail(key, f"must be a list, not {value!r}")
        return tuple(value)

    def addresses(self, key: str) -> tuple[str, ...]:
        """A list of addresses, given back with their checksums."""
        return self._each(key, JsonFields.address)

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers, not negative."""
        return self._each(key, JsonFields.integer)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, none of them empty."""
        return self._each(key, JsonFields.text)

    def _each(self, key: str, read: Callable[[JsonFields, str], T]) -> tuple[T, ...]:
        """The values of the list under `key`, each by its index as a field of its own."""
        values = self.array(key)
        items = JsonFields({str(index): value for index, value in enumerate(values)}, self._path(key))
        return tuple(read(items, str(index)) for index in range(len(values)))

    def child(self, key: str) -> JsonFields:
        """The object under `key`."""
        return JsonFields(self._get(key), self._path(key))

    def children(self, key: str, read: Callable[[str, JsonFields], T]) -> dict[str, T]:
        """The objects under `key` by their names, each turned by `read(name, fields)`."""
        parent = self.child(key)
        return {name: read(name, parent.child(name)) for name in parent}
