"""Why a contract refused: revert data in words, from one registry of all contracts' and libraries' errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.exceptions import DecodingError

from chain_kit.abi_codec import AbiEntry, abi_names, load_abi
from chain_kit.errors import RevertedError, RpcResponseError
from chain_kit.library_errors import LIBRARY_ERRORS

__all__ = ["Revert", "decode_revert", "revert_of", "reverted"]

_PANICS = {
    0x01: "an assertion failed",
    0x11: "arithmetic over- or underflow",
    0x12: "division by zero",
    0x21: "a value that the enumeration does not have",
    0x31: "pop from an empty array",
    0x32: "index outside of the array",
    0x41: "out of memory",
}
_ERROR = AbiEntry("Error", ({"name": "reason", "type": "string"},))
_PANIC = AbiEntry("Panic", ({"name": "code", "type": "uint256"},))
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


@dataclass(frozen=True)
class Revert:
    """Why a contract refused: its error's name ("" if it gave none), the values, and a sentence of both."""

    name: str
    args: tuple[Any, ...]
    sentence: str
    data: str = "0x"


@cache
def _errors() -> dict[bytes, AbiEntry]:
    items = (item for name in abi_names() for item in load_abi(name))
    entries = [_ERROR, _PANIC, *(AbiEntry.of(item) for item in items if item["type"] == "error")]
    entries += [_entry(signature) for signature in LIBRARY_ERRORS]
    return {entry.selector: entry for entry in reversed(entries)}


def _entry(signature: str) -> AbiEntry:
    """An error from its signature, the names of its values in it."""
    name, _, values = signature.removesuffix(")").partition("(")
    words = (value.split() for value in values.split(",") if value)
    return AbiEntry(name, tuple({"type": kind, "name": called} for kind, called in words))


def decode_revert(data: bytes | str) -> Revert:
    """Revert data in words, by the errors of all that the kit calls. Takes any bytes, or 0x and hex."""
    raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else data
    if not raw:
        return Revert("", (), "it gave no reason")
    hexed = "0x" + raw.hex()
    entry = _errors().get(raw[:4])
    try:
        args = entry.decode_inputs(raw[4:]) if entry is not None else ()
    except DecodingError:
        entry, args = None, ()
    if entry is None:
        return Revert("", (), f"an error that is none of the kit's ({hexed[:74]})", hexed)
    return Revert(entry.name, tuple(args), _sentence(entry, args), hexed)


def _sentence(entry: AbiEntry, args: tuple[Any, ...]) -> str:
    if entry is _ERROR:
        return str(args[0]) or "it gave an empty reason"
    if entry is _PANIC:
        return _PANICS.get(args[0], f"panic {args[0]:#x}")
    details = [f"{_words(p['name'])} {_shown(value)}" for p, value in zip(entry.inputs, args, strict=True)]
    return _words(entry.name) + (f" ({', '.join(details)})" if details else "")


def _words(name: str) -> str:
    """BoundaryInFuture is "boundary in future"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower()


def _shown(value: Any) -> str:
    """A value for people: bytes that hold text, as a feed's id does, as that text."""
    if not isinstance(value, bytes):
        return str(value)
    text = value.rstrip(b"\0")
    is_text = bool(text) and all(32 < byte < 127 for byte in text)
    return text.decode("ascii") if is_text else "0x" + value.hex()


def revert_of(error: RpcResponseError) -> Revert | None:
    """The revert that a node's error object tells of; None if it is about something else."""
    says_revert = error.code == 3 or "revert" in error.reason.lower()
    if not says_revert:
        return None
    data = error.data.get("data") if isinstance(error.data, Mapping) else error.data
    is_hex = isinstance(data, str) and _HEX.fullmatch(data) is not None
    return decode_revert(str(data) if is_hex else b"")


def reverted(error: RpcResponseError, what: str) -> RevertedError | RpcResponseError:
    """The RevertedError for a node's error object, or `error` itself if it tells of no revert.

    `what` was called: "EpochHub at 0x…", say.
    """
    revert = revert_of(error)
    if revert is None:
        return error
    message = f"{what} refused: {revert.sentence}"
    return RevertedError(message, error_name=revert.name or None, data=revert.data)
