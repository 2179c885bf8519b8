"""The file of a proof: JSON that is written in one way only, so that every byte of it counts.

What is read is written again and must give the same bytes; a field that is unknown or missing is refused. The
last field is the hash of all before it. It proves nothing against somebody who makes a file: what a file
states is recomputed from the proofs in it. It finds a byte that went wrong where nothing else would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson

from chain_kit.errors import BadAddressError, ChainKitError
from chain_kit.units import checksum_address, keccak256

__all__ = ["MOST_DECIMALS", "Fields", "ProofError", "dump", "load", "read_file"]

T = TypeVar("T")

MOST_DECIMALS = 36
"""Of a token."""
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
_DIGEST = "digest"
_MOST_DIGITS = 78
_MOST_BYTES = 32 * 2**20


class ProofError(ChainKitError, hint="the file was altered, or is of something else: get it again"):
    """A proof that does not prove what it says; the message names the first thing that is wrong."""


class Fields:
    """The fields of an object, each of which is read by its form. `where` names it in messages."""

    def __init__(self, value: Any, names: Sequence[str], where: str) -> None:
        if not isinstance(value, dict) or list(value) != list(names):
            raise ProofError(f"{where} must have just the fields {', '.join(names)}")
        self._value: Mapping[str, Any] = value
        self._where = where

    def text(self, name: str) -> str:
        """Any text."""
        value = self._value[name]
        if not isinstance(value, str):
            raise ProofError(f"{self._where}.{name} must be a text")
        return value

    def number(self, name: str, most: int = 2**256 - 1) -> int:
        """A number from 0 to `most`, as decimal text."""
        value = self.text(name)
        plain = value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS
        if not plain or str(int(value)) != value or int(value) > most:
            raise ProofError(f"{self._where}.{name} must be a number as text, not {value[:80]!r}")
        return int(value)

    def address(self, name: str) -> str:
        """An address with its checksum."""
        value = self.text(name)
        try:
            checked = checksum_address(value)
        except BadAddressError as error:
            raise ProofError(f"{self._where}.{name}: {error.message}") from None
        if checked != value:
            raise ProofError(f"{self._where}.{name} must have its checksum")
        return value

    def data(self, name: str, size: int | None = None) -> bytes:
        """Bytes as 0x and lower-case digits; of that size."""
        return _bytes(self.text(name), f"{self._where}.{name}", size)

    def items(self, name: str) -> list[bytes]:
        """A list of bytes."""
        return [_bytes(one, f"{self._where}.{name}", None) for one in self.array(name)]

    def array(self, name: str) -> list[Any]:
        """A list of anything."""
        value = self._value[name]
        if not isinstance(value, list):
            raise ProofError(f"{self._where}.{name} must be a list")
        return value

    def object(self, name: str, names: Sequence[str]) -> Fields:
        """An object with these fields."""
        return Fields(self._value[name], names, f"{self._where}.{name}")

    def objects(self, name: str, names: Sequence[str]) -> list[Fields]:
        """A list of objects with these fields."""
        values = self.array(name)
        return [Fields(value, names, f"{self._where}.{name}[{n}]") for n, value in enumerate(values)]


def _bytes(value: Any, where: str, size: int | None) -> bytes:
    try:
        found = bytes.fromhex(value[2:])
    except (TypeError, ValueError):
        found = None
    if found is None or "0x" + found.hex() != value or (size is not None and len(found) != size):
        raise ProofError(f"{where} must be {'bytes' if size is None else f'{size} bytes'} as 0x and digits")
    return found


def dump(document: Mapping[str, Any]) -> bytes:
    """The bytes of a document, its digest added."""
    digest = keccak256(orjson.dumps(document, option=_OPTIONS))
    return orjson.dumps({**document, _DIGEST: "0x" + digest.hex()}, option=_OPTIONS)


def load(body: bytes, names: Sequence[str], kind: str) -> Fields:
    """The fields of a document that `dump` wrote, of that format. Raises ProofError for any other bytes."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ProofError(f"it is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != kind:
        found = document.get("format") if isinstance(document, dict) else None
        raise ProofError(f"it is not a {kind!r}, but {found!r}")
    rest = {name: value for name, value in document.items() if name != _DIGEST}
    fields = Fields(document, [*names, _DIGEST], "the file")
    if dump(rest) != body:
        raise ProofError("it is not written as a proof is, or its digest is wrong")
    return fields


def read_file(path: Path) -> bytes:
    """A proof's bytes. Raises ProofError if the file cannot be read."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ProofError(f"{path} is too large for a proof")
        return path.read_bytes()
    except OSError as error:
        raise ProofError(
            f"{path} cannot be read: {error.strerror}", hint="name a file that --prove has written"
        ) from None
