"""The floor of being up to date: a WebSocket's heads, their logs, and a commit for each.

    python -m tests.benchmarks.index_live_floor WS_URL FACTS DATABASE

No parent hashes, no reorgs, no entries: what is on the way from a node to a database whatever one does.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import orjson
from websockets.asyncio.client import connect

__all__: list[str] = []


async def follow(url: str, addresses: list[str], database: str) -> None:
    """Until it is ended."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE log (place INTEGER PRIMARY KEY, address TEXT, topics TEXT, data TEXT)")
    connection.execute("CREATE TABLE cursor (block_number INTEGER)")
    connection.execute("INSERT INTO cursor VALUES (-1)")
    async with connect(url, compression=None, max_size=None) as socket:
        await socket.send(orjson.dumps(_call(1, "eth_subscribe", ["newHeads"])).decode())
        async for message in socket:
            said = orjson.loads(message)
            if said.get("method") == "eth_subscription":
                head = said["params"]["result"]
                query = {"address": addresses, "blockHash": head["hash"]}
                await socket.send(
                    orjson.dumps(_call(int(head["number"], 16), "eth_getLogs", [query])).decode()
                )
            elif isinstance(said.get("result"), list):
                connection.execute("BEGIN")
                connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", map(_row, said["result"]))
                connection.execute("UPDATE cursor SET block_number = ?", [said["id"]])
                connection.execute("COMMIT")


def _call(number: int, method: str, params: list[object]) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def _row(log: dict[str, str]) -> tuple[int, str, str, str]:
    place = int(log["blockNumber"], 16) << 32 | int(log["logIndex"], 16)
    return place, log["address"], " ".join(log["topics"]), log["data"]


if __name__ == "__main__":
    asyncio.run(follow(sys.argv[1], orjson.loads(Path(sys.argv[2]).read_bytes())["addresses"], sys.argv[3]))
