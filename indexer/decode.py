"""Logs into events, by the contracts' ABI files.

For each event of the ABI a reader of its fields is made once; a log is then decoded by slicing words out of
its topics and data. All our events' fields are single words but for strings, which is all that is read here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from chain_kit.abi_codec import load_abi
from chain_kit.errors import RpcError
from chain_kit.units import checksum_address, keccak256
from indexer.blocks import Log
from indexer.deployment import Deployment
from indexer.events import EVENTS, FillTransfer, OrderFilled, Payload, ShareTransfer

__all__ = ["Decoder", "Event", "LogDecodeError", "text_of"]

Value = int | bool | str
_Reader = Callable[[bytes, int], Value]
_WORD = 32


class LogDecodeError(RpcError, hint="the node altered a log, or the contract is another than its ABI says"):
    """A log of a known event whose data is not of that event's form."""

    def __init__(self, log: Log, name: str) -> None:
        super().__init__(f"log {log.log_index} of block {log.block_number} is not a {name} event")


class Event(NamedTuple):
    """A log and what it says."""

    log: Log
    contract: str
    """Whose it is: "EpochHub", "MrtCurve:BTC", "token"."""
    address: str
    """The emitter, checksummed."""
    name: str | None
    """None for an event that the ABI does not know."""
    args: dict[str, Any]
    """Its fields by their ABI names: addresses, 0x strings, booleans, text, and integers as such."""
    data: Payload | None
    """The same, typed; None for events that the sums do not depend on."""


class _Layout(NamedTuple):
    name: str
    fields: tuple[str, ...]
    readers: tuple[tuple[int, int, _Reader], ...]
    """(topic number or 0 for the data, offset there, how to read) of each field."""
    topic_count: int
    data_size: int
    kind: type[Payload] | None


def _address(data: bytes, offset: int) -> Value:
    return checksum_address("0x" + data[offset + 12 : offset + 32].hex())


def _unsigned(data: bytes, offset: int) -> Value:
    return int.from_bytes(data[offset : offset + 32], "big")


def _signed(data: bytes, offset: int) -> Value:
    return int.from_bytes(data[offset : offset + 32], "big", signed=True)


def _bool(data: bytes, offset: int) -> Value:
    return data[offset + 31] != 0


def _bytes32(data: bytes, offset: int) -> Value:
    return "0x" + data[offset : offset + 32].hex()


def text_of(data: bytes, offset: int) -> str:
    """The string whose place is in the word at `offset`. Raises ValueError if it does not fit the data."""
    start = int.from_bytes(data[offset : offset + 32], "big")
    size = int.from_bytes(data[start : start + 32], "big")
    text = data[start + 32 : start + 32 + size]
    if start + 32 > len(data) or len(text) != size:
        raise ValueError("a string that is longer than its log")
    # Anyone may name a market: what is not text must not stop the index, and PostgreSQL refuses NUL.
    return text.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _reader_for(kind: str) -> _Reader:
    fixed = {"address": _address, "bool": _bool, "bytes32": _bytes32, "string": text_of}
    if kind in fixed:
        return fixed[kind]
    if kind.startswith("uint"):
        return _unsigned
    if kind.startswith("int"):
        return _signed
    raise ValueError(f"an event field of type {kind} is not read here")


def _layout(contract: str, entry: Mapping[str, Any]) -> _Layout:
    readers: list[tuple[int, int, _Reader]] = []
    topic, offset = 0, 0
    for item in entry["inputs"]:
        if item["indexed"]:
            topic += 1
            # Of an indexed string there is only its hash.
            kind = "bytes32" if item["type"] == "string" else item["type"]
            readers.append((topic, 0, _reader_for(kind)))
        else:
            readers.append((0, offset, _reader_for(item["type"])))
            offset += _WORD
    return _Layout(
        name=entry["name"],
        fields=tuple(item["name"] for item in entry["inputs"]),
        readers=tuple(readers),
        topic_count=topic + 1,
        data_size=offset,
        kind=EVENTS.get((contract, entry["name"])),
    )


def _topic(entry: Mapping[str, Any]) -> str:
    kinds = ",".join(item["type"] for item in entry["inputs"])
    return "0x" + keccak256(f"{entry['name']}({kinds})".encode()).hex()


def layouts(contract: str, abi: Sequence[Mapping[str, Any]]) -> dict[str, _Layout]:
    """Topic 0 -> how to read that event, for every event of an ABI."""
    events = [entry for entry in abi if entry["type"] == "event"]
    return {_topic(entry): _layout(contract, entry) for entry in events}


class Decoder:
    """Decodes the logs of one deployment's contracts."""

    def __init__(self, deployment: Deployment) -> None:
        by_abi: dict[str, dict[str, _Layout]] = {}
        self._known: dict[str, tuple[str, str, dict[str, _Layout]]] = {}
        for address, (contract, label) in deployment.contracts().items():
            if contract not in by_abi:
                by_abi[contract] = layouts(contract, load_abi(contract))
            self._known[address] = (label, checksum_address(address), by_abi[contract])

    def decode(self, log: Log) -> Event:
        """The event of a log of the deployment. An event that no ABI knows comes back without a name.

        Raises LogDecodeError for a log of another address, or that is not of its event's form.
        """
        known = self._known.get(log.address)
        if known is None:
            raise LogDecodeError(log, "chain-kit")
        label, address, by_topic = known
        layout = by_topic.get(log.topics[0]) if log.topics else None
        if layout is None:
            return Event(log, label, address, None, {}, None)
        try:
            values = _values(layout, log)
        except ValueError:
            raise LogDecodeError(log, layout.name) from None
        args = dict(zip(layout.fields, values, strict=True))
        data = layout.kind(*values) if layout.kind else None  # type: ignore[arg-type]
        return Event(log, label, address, layout.name, args, data)

    def decode_all(self, logs: Iterable[Log]) -> list[Event]:
        """The events of many logs, in their order. All logs of a transaction must be among them, or none."""
        decode = self.decode
        events = [decode(log) for log in logs]
        for number, (event, following) in enumerate(pairwise(events)):
            if isinstance(event.data, ShareTransfer) and _announces(event, following):
                events[number] = event._replace(data=FillTransfer(*event.data))
        return events


def _announces(event: Event, following: Event) -> bool:
    """Whether an event is one with the fill after it.

    The hub logs every fill right after its transfer, if it has one, and nobody else's transfer there.
    """
    one, other = event.log, following.log
    is_next = (one.block_number, one.log_index + 1) == (other.block_number, other.log_index)
    return is_next and isinstance(following.data, OrderFilled)


def _values(layout: _Layout, log: Log) -> list[Value]:
    """The fields of a log. Raises ValueError if it is too short or not hexadecimal."""
    if len(log.topics) != layout.topic_count:
        raise ValueError("topics are missing")
    words = [bytes.fromhex(log.data[2:]), *(bytes.fromhex(topic[2:]) for topic in log.topics[1:])]
    if len(words[0]) < layout.data_size or any(len(word) != _WORD for word in words[1:]):
        raise ValueError("data is missing")
    return [read(words[source], offset) for source, offset, read in layout.readers]
