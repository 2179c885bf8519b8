"""A recorded chain: headers and logs as the JSON that a node sends, in files that are served as they are.

    facts.json      chain id, deployment, the code at each contract; manifest.json: the deployment's
    headers.bin     headers one after the other; headers.idx: where each begins
    full.bin        the same with whole transactions, if there are any; full.idx
    logs.bin        logs, each with a comma after it; logs.idx: where each begins
    blocks.idx      each block's first log
    classes.json    what the filters of an index can tell logs apart by; classes.bin: each log's

Blocks are 0 and up. Nothing here is held in memory but the places: 14 bytes a log.
"""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from indexer.deployment import Deployment

__all__ = ["Recorder", "Recording", "address_word"]

LogClass = tuple[str, str, str | None, str | None]
"""Address, topic 0, and topics 1 and 2 where they are one of our contracts."""


def address_word(address: str) -> str:
    """An address as a topic."""
    return "0x" + address[2:].lower().rjust(64, "0")


class Recorder:
    """Writes a recording, block after block, as a context manager; it is there when the body is through."""

    def __init__(self, folder: Path, deployment: Deployment) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._deployment = deployment
        self._ours = {address_word(address) for address in deployment.holders}
        self._headers = (folder / "headers.bin").open("wb")
        self._full = (folder / "full.bin").open("wb")
        self._logs = (folder / "logs.bin").open("wb")
        self._header_places, self._full_places = array("Q", [0]), array("Q", [0])
        self._log_places = array("Q", [0])
        self._first_logs = array("Q", [0])
        self._classes: dict[LogClass, int] = {}
        self._log_classes = array("H")

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in (self._headers, self._full, self._logs):
            file.close()
        if kind is not None:
            return
        for name, places in {
            "headers.idx": self._header_places,
            "full.idx": self._full_places,
            "logs.idx": self._log_places,
            "blocks.idx": self._first_logs,
            "classes.bin": self._log_classes,
        }.items():
            (self._folder / name).write_bytes(places.tobytes())
        (self._folder / "classes.json").write_bytes(orjson.dumps(list(self._classes)))

    def class_of(self, address: str, topics: Sequence[str]) -> int:
        """The number of what a log is to filters."""
        one, two = (
            topics[number] if len(topics) > number and topics[number] in self._ours else None
            for number in (1, 2)
        )
        return self._classes.setdefault((address, topics[0] if topics else "", one, two), len(self._classes))

    def add(self, header: bytes, logs: Iterable[tuple[int, bytes]], full: bytes = b"") -> None:
        """The next block: its header, and its logs, each with its class; `full`: with its transactions."""
        self._header_places.append(self._header_places[-1] + self._headers.write(header))
        self._full_places.append(self._full_places[-1] + self._full.write(full))
        places, classes, place = self._log_places, self._log_classes, self._log_places[-1]
        for number, log in logs:
            self._logs.write(log)
            self._logs.write(b",")
            place += len(log) + 1
            places.append(place)
            classes.append(number)
        self._first_logs.append(len(classes))

    def finish(self, codes: Mapping[str, str]) -> None:
        """What is not of one block: the contracts' code, by address in lower case."""
        facts = {
            "chain_id": self._deployment.chain_id,
            "deployment": self._deployment.to_json(),
            "codes": dict(codes),
            "blocks": len(self._first_logs) - 1,
            "logs": len(self._log_classes),
        }
        (self._folder / "facts.json").write_bytes(orjson.dumps(facts))


@dataclass(frozen=True)
class _Places:
    headers: array[int]
    full: array[int]
    logs: array[int]
    blocks: array[int]
    classes: array[int]


class Recording:
    """A recording to read from. `head` can be set back: then it is a chain that has not grown as far yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = orjson.loads((folder / "facts.json").read_bytes())
        self.classes: list[LogClass] = [
            (one[0], one[1], one[2], one[3]) for one in orjson.loads((folder / "classes.json").read_bytes())
        ]
        self._headers, self._logs = _mapped(folder / "headers.bin"), _mapped(folder / "logs.bin")
        self._full = _mapped(folder / "full.bin") if (folder / "full.bin").stat().st_size else b""
        self._places = _Places(
            _numbers(folder / "headers.idx", "Q"),
            _numbers(folder / "full.idx", "Q"),
            _numbers(folder / "logs.idx", "Q"),
            _numbers(folder / "blocks.idx", "Q"),
            _numbers(folder / "classes.bin", "H"),
        )
        self.head = self.blocks - 1

    @property
    def deployment(self) -> Deployment:
        """What was deployed on it."""
        return Deployment.from_json(self.facts["deployment"])

    @property
    def manifest(self) -> Path:
        """The file that `chain-kit index run` is given."""
        return self.folder / "manifest.json"

    @property
    def blocks(self) -> int:
        """How many there are."""
        return len(self._places.blocks) - 1

    @property
    def logs(self) -> int:
        """How many there are up to the head."""
        return self._places.blocks[self.head + 1]

    def block_with_logs(self, count: int) -> int:
        """The first block up to which there are that many logs; the last one if there are fewer."""
        return next((n for n in range(self.blocks) if self._places.blocks[n + 1] >= count), self.blocks - 1)

    def header(self, number: int, *, full: bool = False) -> bytes:
        """A header as JSON, with its transactions whole if they were recorded; null beyond the head."""
        if not 0 <= number <= self.head:
            return b"null"
        if full and self._full:
            return self._full[self._places.full[number] : self._places.full[number + 1]]
        return self._headers[self._places.headers[number] : self._places.headers[number + 1]]

    def logs_between(self, first: int, last: int, wanted: frozenset[int]) -> bytes:
        """The logs of those classes from one block to another, as a JSON array."""
        last = min(last, self.head)
        if last < first:
            return b"[]"
        places, classes = self._places.logs, self._places.classes
        begin, end = self._places.blocks[first], self._places.blocks[last + 1]
        if wanted.issuperset(classes[begin:end]):
            return b"[%b]" % self._logs[places[begin] : max(places[begin], places[end] - 1)]
        chosen = [n for n in range(begin, end) if classes[n] in wanted]
        return b"[%b]" % b"".join([self._logs[places[n] : places[n + 1]] for n in chosen])[:-1]


def _numbers(path: Path, kind: str) -> array[int]:
    numbers: array[int] = array(kind)
    numbers.frombytes(path.read_bytes())
    return numbers


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
