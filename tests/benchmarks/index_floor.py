"""The floor: what reading all logs into SQLite costs when nothing else is asked for.

    python -m tests.benchmarks.index_floor URL RECORDING_FACTS DATABASE

Four connections ask for the logs of 100 blocks at a time; every log is cut into its words and written. There
are no headers, no reorgs, no entries, no proof, and after a kill it would begin anew.
"""

from __future__ import annotations

import http.client
import sqlite3
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import local
from urllib.parse import urlsplit

import msgspec
import orjson

__all__: list[str] = []

CONNECTIONS, SPAN = 4, 100
MOST_WORDS = 10
_EMPTY = (None,) * MOST_WORDS


class Log(msgspec.Struct):
    """The fields of a log that are kept."""

    address: str
    topics: list[str]
    data: str
    blockNumber: str  # noqa: N815
    transactionHash: str  # noqa: N815
    logIndex: str  # noqa: N815


class Answer(msgspec.Struct):
    """An answer to `eth_getLogs`."""

    result: list[Log]


Row = tuple[object, ...]


def rows_of(body: bytes, decoder: msgspec.json.Decoder[Answer]) -> Iterator[Row]:
    """Each log as a row: its place, its transaction, who logged it, and every word of it."""
    cut = bytes.fromhex
    for log in decoder.decode(body).result:
        words = cut("".join([topic[2:] for topic in log.topics]) + log.data[2:])
        fields = [words[place : place + 32] for place in range(0, min(len(words), 320), 32)]
        place = int(log.blockNumber, 16) << 32 | int(log.logIndex, 16)
        yield place, cut(log.transactionHash[2:]), cut(log.address[2:]), *fields, *_EMPTY[len(fields) :]


class Reader:
    """One connection for each thread that asks."""

    def __init__(self, url: str, addresses: list[str]) -> None:
        self._address = urlsplit(url).netloc
        self._addresses = addresses
        self._mine = local()

    def fetch(self, first: int, last: int) -> bytes:
        """The answer for a range of blocks."""
        if not hasattr(self._mine, "connection"):
            self._mine.connection = http.client.HTTPConnection(self._address)
        query = {"address": self._addresses, "fromBlock": hex(first), "toBlock": hex(last)}
        asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [query]}
        connection: http.client.HTTPConnection = self._mine.connection
        connection.request("POST", "/", orjson.dumps(asked), {"content-type": "application/json"})
        return connection.getresponse().read()


def main() -> None:
    """Reads it all."""
    url, facts_path, database = sys.argv[1:]
    facts = orjson.loads(Path(facts_path).read_bytes())
    reader, head = Reader(url, facts["addresses"]), facts["head"]
    decoder = msgspec.json.Decoder(Answer)
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    columns = ", ".join(f"w{number} BLOB" for number in range(MOST_WORDS))
    connection.execute(f"CREATE TABLE log (place INTEGER PRIMARY KEY, tx BLOB, address BLOB, {columns})")
    insert = f"INSERT INTO log VALUES ({', '.join('?' * (3 + MOST_WORDS))})"  # noqa: S608
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        asked: deque[Future[bytes]] = deque()
        ranges = iter(range(0, head + 1, SPAN))
        for first in ranges:
            asked.append(pool.submit(reader.fetch, first, min(head, first + SPAN - 1)))
            if len(asked) < CONNECTIONS:
                continue
            _write(connection, insert, rows_of(asked.popleft().result(), decoder))
        while asked:
            _write(connection, insert, rows_of(asked.popleft().result(), decoder))
    connection.close()


def _write(connection: sqlite3.Connection, insert: str, rows: Iterator[Row]) -> None:
    connection.execute("BEGIN")
    connection.executemany(insert, rows)
    connection.execute("COMMIT")


if __name__ == "__main__":
    main()
