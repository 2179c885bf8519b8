"""Logs into events, by the contracts' ABI files.

The write path needs of a log only its bytes and, if the sums depend on it, its fields (`read`). Everything
else about an event is made when somebody asks for it (`decode`), from the log or from what is stored of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from chain_kit.abi_files import load_abi
from chain_kit.errors import RpcError
from chain_kit.units import checksum_address
from indexer.blocks import Log, pack_position
from indexer.deployment import Deployment
from indexer.events import Emitter, FillTransfer, OrderFilled, Payload, ShareTransfer
from indexer.moves import Handler, Reads
from indexer.packed import Packed, PackedLogs, pack
from indexer.registry import EVENTS, HANDLERS, READS
from indexer.words import WORD, Layout, layout_of, text_of, topic_of

__all__ = ["Decoder", "Event", "Form", "LogDecodeError", "Raw", "Saying", "text_of"]

_NEXT_LOG = pack_position(0, 1)
"""From the position of a log to that of the next one in its block."""


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


class Form:
    """One event of one of the deployment's contracts: how it is read, and what it moves."""

    __slots__ = ("announces_word", "emitter", "handler", "key", "kind", "layout", "reads", "topic")

    def __init__(self, emitter: Emitter, topic: str, layout: Layout | None, announces: str = "") -> None:
        self.emitter = emitter
        self.topic = topic
        """Topic 0; empty for a log that has none."""
        self.layout = layout
        """None for an event that no ABI knows."""
        self.key = (emitter.contract, layout.name if layout else "")
        """(contract of the ABI files, event), as `EVENTS` and `HANDLERS` are by."""
        self.kind: type[Payload] | None = EVENTS.get(self.key)
        self.handler: Handler | None = HANDLERS.get(self.key)
        self.reads: Reads | None = READS.get(self.key)
        self.announces_word = bytes.fromhex(announces[2:]) if self.kind is ShareTransfer else b""
        """Topic 0 of the fills that it may announce."""

    @property
    def name(self) -> str | None:
        """The event's name in the ABI."""
        return self.layout.name if self.layout else None


class Raw(NamedTuple):
    """A log as it is stored."""

    position: int
    form: Form
    tx_hash: bytes
    topics: bytes
    data: bytes


class Saying(NamedTuple):
    """What the ledger has to know of an event that counts."""

    position: int
    form: Form
    payload: Payload


_new = tuple.__new__
"""Makes a named tuple of a tuple that has all its fields: several times as fast as its class does."""


class Decoder:
    """Decodes the logs of one deployment's contracts."""

    def __init__(self, deployment: Deployment) -> None:
        self._forms: dict[str, dict[str, Form]] = {}
        self._by_word: dict[str, dict[bytes, Form]] = {}
        self._emitters: dict[str, Emitter] = {}
        for address, (contract, label) in deployment.contracts().items():
            emitter = Emitter(checksum_address(address), contract, label)
            self._emitters[address] = emitter
            self._forms[address] = forms = _forms(emitter)
            self._by_word[address] = {bytes.fromhex(topic[2:]): form for topic, form in forms.items()}

    def form(self, address: str, topic: str) -> Form:
        """The kind of event that a contract (in lower case) logs with this topic 0 ("" for none).

        Raises KeyError for another address.
        """
        forms = self._forms[address]
        found = forms.get(topic)
        if found is None:
            # Each of our contracts has but few events, also of those that are not known.
            found = forms[topic] = Form(self._emitters[address], topic, None)
        return found

    def read(self, logs: Sequence[Log]) -> tuple[list[Raw], list[Saying]]:
        """The logs as they are stored, and what those that count say. This is the path that has to be fast.

        All logs of a transaction must be among them, or none: what announces a fill does not count itself.
        Raises LogDecodeError for a log of another address, or that is not of its event's form.
        """
        raws: list[Raw] = []
        sayings: list[Saying] = []
        forms, rows = self._by_word, self._packed(logs)
        for number, (position, tx_hash, address, count, words) in enumerate(rows):
            size = WORD * count
            try:
                form = forms[address][words[:WORD]] if count else self._form_of(logs[number])
            except KeyError:
                form = self._form_of(logs[number])
            layout = form.layout
            if layout is not None and (count != layout.topic_count or len(words) < layout.size):
                raise LogDecodeError(logs[number], layout.name)
            raws.append(_new(Raw, (position, form, tx_hash, words[:size], words[size:])))
            kind = form.kind
            if kind is None or (form.announces_word and _is_announced(form, rows, number)):
                continue
            try:
                payload = _new(kind, layout.read(words))  # type: ignore[union-attr]
            except ValueError:
                raise LogDecodeError(logs[number], form.name or "proper") from None
            sayings.append(_new(Saying, (position, form, payload)))
        return raws, sayings

    def _packed(self, logs: Sequence[Log]) -> Sequence[Packed]:
        if isinstance(logs, PackedLogs):
            return logs.rows
        rows = []
        for log in logs:
            try:
                rows.append(pack(log))
            except ValueError:
                raise LogDecodeError(log, self._form_of(log).name or "proper") from None
        return rows

    def decode(self, log: Log) -> Event:
        """The event of a log of the deployment. An event that no ABI knows comes back without a name.

        Raises LogDecodeError for a log of another address, or that is not of its event's form.
        """
        form = self._form_of(log)
        layout, emitter = form.layout, form.emitter
        if layout is None:
            return Event(log, emitter.label, emitter.address, None, {}, None)
        try:
            packed = pack(log)
            if packed.topic_count != layout.topic_count or len(packed.words) < layout.size:
                raise ValueError("a part is missing")
            values = layout.read(packed.words)
        except ValueError:
            raise LogDecodeError(log, layout.name) from None
        args = dict(zip(layout.fields, values, strict=True))
        data = form.kind(*values) if form.kind else None  # type: ignore[arg-type]
        return Event(log, emitter.label, emitter.address, layout.name, args, data)

    def decode_all(self, logs: Iterable[Log]) -> list[Event]:
        """The events of many logs, in their order. All logs of a transaction must be among them, or none."""
        taken = list(logs)
        events = [self.decode(log) for log in taken]
        rows = self._packed(taken)
        for number, event in enumerate(events):
            if isinstance(event.data, ShareTransfer) and _is_announced(
                self._form_of(event.log), rows, number
            ):
                events[number] = event._replace(data=FillTransfer(*event.data))
        return events

    def _form_of(self, log: Log) -> Form:
        try:
            return self.form(log.address, log.topics[0] if log.topics else "")
        except KeyError:
            raise LogDecodeError(log, "chain-kit") from None


def _forms(emitter: Emitter) -> dict[str, Form]:
    """Topic 0 -> form, for every event of a contract's ABI."""
    events = [entry for entry in load_abi(emitter.contract) if entry["type"] == "event"]
    topics = {entry["name"]: topic_of(entry) for entry in events}
    fills = next((topics[name] for name in topics if EVENTS.get((emitter.contract, name)) is OrderFilled), "")
    return {
        topics[entry["name"]]: Form(emitter, topics[entry["name"]], layout_of(entry), fills)
        for entry in events
    }


def _is_announced(form: Form, rows: Sequence[Packed], number: int) -> bool:
    """Whether a transfer is one with the fill after it.

    The hub logs every fill right after its transfer, if it has one, and nobody else's transfer there.
    """
    if number + 1 == len(rows):
        return False
    one, other = rows[number], rows[number + 1]
    return (
        other.words[:WORD] == form.announces_word
        and other.topic_count > 0
        and other.address == one.address
        and other.position == one.position + _NEXT_LOG
    )
