"""The words of a log into values, by an ABI's declaration of the event.

For each event a reader is compiled once: one function that unpacks all its words together, checks that they
are padded as the ABI has it, and makes its values. Text and lists are read from where their word points to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple

from chain_kit.units import checksum_address, keccak256

__all__ = ["Layout", "Value", "layout_of", "text_of", "topic_of"]

Value = int | bool | str | tuple[str, ...]
WORD = 32
_ADDRESSES_KEPT = 32_768


class Layout(NamedTuple):
    """How to read one kind of event."""

    name: str
    fields: tuple[str, ...]
    topic_count: int
    size: int
    """Bytes that its topics and its data have at least."""
    read: Callable[[bytes], Sequence[Value]]
    """Topics and data as one -> the fields in the order of the declaration. Raises ValueError."""


@lru_cache(maxsize=_ADDRESSES_KEPT)
def _address(raw: bytes) -> str:
    return checksum_address("0x" + raw.hex())


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()


def _signed(raw: bytes) -> int:
    return int.from_bytes(raw, "big", signed=True)


def text_of(data: bytes, offset: int) -> str:
    """The string whose place is in the word at `offset`. Raises ValueError if it does not fit the data."""
    # Anyone may name a market: what is not text must not stop the index, and PostgreSQL refuses NUL.
    text = _bytes_at(data, offset).decode("utf-8", "replace")
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _bytes_of(data: bytes, offset: int) -> str:
    return _hex(_bytes_at(data, offset))


def _bytes_at(data: bytes, offset: int) -> bytes:
    start, size = _tail(data, offset)
    found = data[start : start + size]
    if len(found) != size:
        raise ValueError("a field that is longer than its log")
    return found


def _words_of(data: bytes, offset: int) -> tuple[str, ...]:
    """The list of words whose place is in the word at `offset`. Raises ValueError."""
    start, count = _tail(data, offset)
    if start + count * WORD > len(data):
        raise ValueError("a list that is longer than its log")
    return tuple(_hex(data[at : at + WORD]) for at in range(start, start + count * WORD, WORD))


def _tail(data: bytes, offset: int) -> tuple[int, int]:
    start = int.from_bytes(data[offset : offset + WORD], "big")
    if start + WORD > len(data):
        raise ValueError("a field that is beyond its log")
    return start + WORD, int.from_bytes(data[start : start + WORD], "big")


_VARIABLE: dict[str, Callable[[bytes, int], Value]] = {
    "string": text_of,
    "bytes": _bytes_of,
    "bytes32[]": _words_of,
}
_INTEGER = re.compile(r"(u?)int(\d+)")


class _Word(NamedTuple):
    """How to unpack a word into `v` and its padding, and Python for its value and for what must be false."""

    format: str
    padding: int
    """Integers that come before `v`; all must be 0."""
    value: str
    wrong: str = ""


def _word(kind: str) -> _Word:
    if kind == "address":
        return _Word("QI20s", 2, "address({v})")
    if kind == "bool":
        return _Word("QQQQ", 3, "{v} == 1", "{v} > 1")
    if kind == "bytes32":
        return _Word("32s", 0, "as_hex({v})")
    sign, bits = _integer(kind)
    if not sign:
        return _Word("32s", 0, "signed({v})")
    if bits <= 64:
        return _Word("QQQQ", 3, "{v}", f"{{v}} >> {bits}")
    return _Word("32s", 0, "unsigned({v})", "" if bits == 256 else f"unsigned({{v}}) >> {bits}")


def _integer(kind: str) -> tuple[str, int]:
    found = _INTEGER.fullmatch(kind)
    if found is None:
        raise ValueError(f"an event field of type {kind} is not read here")
    return found[1], int(found[2])


def topic_of(entry: Mapping[str, Any]) -> str:
    """Topic 0 of an event of an ABI."""
    kinds = ",".join(item["type"] for item in entry["inputs"])
    return "0x" + keccak256(f"{entry['name']}({kinds})".encode()).hex()


def layout_of(entry: Mapping[str, Any]) -> Layout:
    """How to read an event of an ABI. Raises ValueError for a type of field that none of ours has."""
    inputs = entry["inputs"]
    indexed = [number for number, item in enumerate(inputs) if item["indexed"]]
    plain = [number for number, item in enumerate(inputs) if not item["indexed"]]
    # Of an indexed field of variable length there is only its hash.
    kinds = ["bytes32" if inputs[n]["type"] in _VARIABLE else inputs[n]["type"] for n in indexed]
    kinds += [inputs[number]["type"] for number in plain]
    order = [(indexed + plain).index(number) for number in range(len(inputs))]
    return Layout(
        name=entry["name"],
        fields=tuple(item["name"] for item in inputs),
        topic_count=1 + len(indexed),
        size=WORD * (1 + len(inputs)),
        read=_reader(kinds, order, WORD * (1 + len(indexed))),
    )


def _reader(kinds: Sequence[str], order: Sequence[int], data_at: int) -> Callable[[bytes], Sequence[Value]]:
    """Reads words of these kinds, after topic 0, and puts them into the order of the declaration."""
    formats, targets, values, wrong = [">"], [], [], []
    for number, kind in enumerate(kinds):
        variable = kind in _VARIABLE
        place = (number + 1) * WORD - data_at
        word = _Word("32s", 0, f"variable[{kind!r}](log[{data_at}:], {place})") if variable else _word(kind)
        name, padding = f"v{number}", [f"p{number}_{n}" for n in range(word.padding)]
        formats.append(word.format)
        targets += [*padding, name]
        values.append(word.value.format(v=name))
        wrong += [*padding, *([word.wrong.format(v=name)] if word.wrong else [])]
    source = f"""
def read(log):
    [{", ".join(targets)}] = unpack(log, {WORD})
    if {" or ".join(wrong) or False}:
        raise ValueError("a word that is padded with something")
    return ({"".join(f"{values[number]}, " for number in order)})
"""
    known: dict[str, Any] = {
        "unpack": Struct("".join(formats)).unpack_from,
        "address": _address,
        "as_hex": _hex,
        "signed": _signed,
        "unsigned": int.from_bytes,
        "variable": _VARIABLE,
    }
    # Nothing of a log or of a name is in the source: only numbers, and what is written above.
    exec(source, known)  # noqa: S102
    read: Callable[[bytes], Sequence[Value]] = known["read"]
    return read
