"""A node that costs next to nothing: a recording as JSON-RPC over HTTP, its answers slices of files.

    python -m tests.benchmarks.index_replay FOLDER [HEAD]

Prints its URL, then for each line on standard input a line with what it has been asked since the last one:
`{"requests": 41, "calls": {"eth_getLogs": 41}, "bytes": 180000000}`. A number on a line moves its head.
"""

from __future__ import annotations

import asyncio
import hashlib
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import orjson

from tests.benchmarks.index_chain import Recording

__all__: list[str] = []

_HEAD_END = b"\r\n\r\n"


class Replay:
    """Answers of a recording, and counts of what was asked."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._wanted: dict[bytes, frozenset[int]] = {}
        self.requests = 0
        self.calls: Counter[str] = Counter()
        self.sent = 0

    def told(self) -> bytes:
        """The counts so far, which begin anew."""
        counts = {"requests": self.requests, "calls": dict(self.calls), "bytes": self.sent}
        self.requests, self.sent = 0, 0
        self.calls.clear()
        return orjson.dumps(counts)

    def answer(self, body: bytes) -> list[bytes]:
        """The body of an answer, in parts."""
        self.requests += 1
        asked = orjson.loads(body)
        if isinstance(asked, dict):
            return self._one(asked)
        parts: list[bytes] = []
        for call in asked:
            parts.append(b"," if parts else b"[")
            parts += self._one(call)
        parts.append(b"]")
        return parts

    def _one(self, call: dict[str, Any]) -> list[bytes]:
        self.calls[call["method"]] += 1
        opening = b'{"jsonrpc":"2.0","id":%b,' % orjson.dumps(call["id"])
        try:
            result = self._result(call["method"], call.get("params") or [])
        except (KeyError, ValueError, TypeError) as error:
            failed = {"code": -32601, "message": f"not here: {call['method']} ({error})"}
            return [opening, b'"error":', orjson.dumps(failed), b"}"]
        return [opening, b'"result":', result, b"}"]

    def _result(self, method: str, params: Sequence[Any]) -> bytes:
        recording = self._recording
        match method:
            case "eth_getLogs":
                return self._logs(params[0])
            case "eth_getBlockByNumber":
                return recording.header(self._number(params[0]), full=bool(params[1]))
            case "eth_getCode":
                return orjson.dumps(recording.facts["codes"][params[0].lower()])
        chain_id: int = recording.facts["chain_id"]
        plain = {
            "eth_blockNumber": hex(recording.head),
            "eth_chainId": hex(chain_id),
            "net_version": str(chain_id),
            "web3_clientVersion": "chain-kit/replay",
        }
        return orjson.dumps(plain[method])

    def _number(self, tag: str) -> int:
        head = self._recording.head
        behind = {"latest": 0, "pending": 0, "safe": 1, "finalized": 2, "earliest": head}
        return max(0, head - behind[tag]) if tag in behind else int(tag, 16)

    def _logs(self, query: dict[str, Any]) -> bytes:
        wanted = self._classes(query.get("address"), query.get("topics") or [])
        if "blockHash" in query:
            first = last = self._place_of(query["blockHash"])
        else:
            first, last = self._number(query["fromBlock"]), self._number(query["toBlock"])
        return self._recording.logs_between(first, last, wanted)

    def _place_of(self, digest: str) -> int:
        recent = range(self._recording.head, max(-1, self._recording.head - 64), -1)
        quoted = b'"hash":"%b"' % digest.encode()
        for number in recent:
            if quoted in self._recording.header(number):
                return number
        raise ValueError("unknown block")

    def _classes(self, address: Any, topics: Sequence[Any]) -> frozenset[int]:
        """Which logs a filter matches. Only our contracts can be asked for in topics 1 and 2."""
        key = hashlib.blake2b(orjson.dumps([address, topics])).digest()
        if key not in self._wanted:
            addresses = {one.lower() for one in _listed(address)}
            accepted = [
                None if topic is None else {one.lower() for one in _listed(topic)} for topic in topics
            ]
            if len(accepted) > 3:
                raise ValueError("topic 3")
            self._wanted[key] = frozenset(
                number
                for number, (emitter, *found) in enumerate(self._recording.classes)
                if (not addresses or emitter in addresses)
                and all(some is None or one in some for some, one in zip(accepted, found, strict=False))
            )
        return self._wanted[key]


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


class Connection(asyncio.Protocol):
    """One client: requests in turn, each answered at once."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Someone is there."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answers what is whole."""
        self._received += data
        while (end := self._received.find(_HEAD_END)) >= 0:
            head = self._received[:end].lower()
            place = head.find(b"content-length:")
            size = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
            begin = end + len(_HEAD_END)
            if len(self._received) < begin + size:
                return
            body, self._received = self._received[begin : begin + size], self._received[begin + size :]
            self._send(self._replay.answer(body))

    def _send(self, parts: list[bytes]) -> None:
        assert self._transport is not None
        size = sum(map(len, parts))
        self._replay.sent += size
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % size
        self._transport.write(b"".join([head, *parts]))


async def serve(folder: Path, head: int | None) -> None:
    """Until standard input ends."""
    recording = Recording(folder)
    if head is not None:
        recording.head = head
    replay = Replay(recording)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(replay), "127.0.0.1", 0)
    _tell(b"http://127.0.0.1:%d" % server.sockets[0].getsockname()[1])
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        if line.strip():
            recording.head = int(line)
        _tell(replay.told())
    server.close()


def _tell(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Serves."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    head = int(sys.argv[2]) if len(sys.argv) > 2 else None
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(Path(sys.argv[1]), head))
    else:
        uvloop.run(serve(Path(sys.argv[1]), head))


if __name__ == "__main__":
    main()
