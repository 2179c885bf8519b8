"""A node: a real HTTP server that speaks JSON-RPC for a FakeChain, and fails as it is told."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from indexer.blocks import Block, Log
from tests.index_support.chain import FakeChain

__all__ = ["SILENCE", "FakeNode", "error_answer"]

Fault = Callable[[list[dict[str, Any]]], tuple[int, bytes] | None]
"""What to answer to a batch instead, as (status, body); None leaves the connection without an answer."""


SILENCE = (0, b"")
"""The answer of a fault that never answers."""


def error_answer(code: int, message: str) -> Fault:
    """Every call of the batch fails with this error."""

    def answer(batch: list[dict[str, Any]]) -> tuple[int, bytes]:
        error = {"code": code, "message": message}
        return 200, json.dumps([{"jsonrpc": "2.0", "id": c["id"], "error": error} for c in batch]).encode()

    return answer


class FakeNode:
    """As an async context manager. `faults` are used up one request at a time."""

    def __init__(self, chain: FakeChain, *, chain_id: int = 31337, most_blocks: int | None = None) -> None:
        self.chain = chain
        self.chain_id = chain_id
        self.most_blocks = most_blocks
        self.faults: deque[Fault] = deque()
        self.requests: list[list[dict[str, Any]]] = []
        self.before: Callable[[list[dict[str, Any]]], None] = lambda _: None
        """Called with each batch before it is answered: the chain may change under it."""
        self._server: asyncio.Server | None = None
        self._connections: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> FakeNode:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def methods(self) -> list[str]:
        """Every method that was asked for, in order."""
        return [call["method"] for batch in self.requests for call in batch]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.append(task)
        try:
            while headers := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.split(b":")[1])
                    for line in headers.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                )
                answer = self._answer(json.loads(await reader.readexactly(length)))
                if answer is None:
                    break
                if answer == SILENCE:
                    await asyncio.Event().wait()
                status, body = answer
                head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _answer(self, request: Any) -> tuple[int, bytes] | None:
        batch = request if isinstance(request, list) else [request]
        self.requests.append(batch)
        self.before(batch)
        if self.faults:
            return self.faults.popleft()(batch)
        answers = [self._one(call) for call in batch]
        return 200, json.dumps(answers if isinstance(request, list) else answers[0]).encode()

    def _one(self, call: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": call["id"]}
        try:
            return answer | {"result": getattr(self, call["method"])(*call["params"])}
        except ValueError as error:
            return answer | {"error": {"code": -32602, "message": str(error)}}

    def eth_chainId(self) -> str:  # noqa: N802
        """The chain's id."""
        return hex(self.chain_id)

    def eth_getBlockByNumber(self, tag: str, _full: bool) -> dict[str, Any] | None:  # noqa: N802
        """A header."""
        head = self.chain.head
        named = {"latest": head.block.number, "safe": head.safe, "finalized": head.finalized}
        number = named[tag] if tag in named else int(tag, 16)
        return _block_json(self.chain.blocks[number]) if number < len(self.chain.blocks) else None

    def eth_getLogs(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:  # noqa: N802
        """Logs by block hash or by range, and by address and topics."""
        if "blockHash" in wanted:
            if all(block.hash != wanted["blockHash"] for block in self.chain.blocks):
                raise ValueError("unknown block")
            logs = self.chain.logs[wanted["blockHash"]]
        else:
            first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
            if self.most_blocks is not None and last - first + 1 > self.most_blocks:
                raise ValueError(f"query exceeds max block range {self.most_blocks}")
            logs = self.chain.logs_between(first, last)
        return [_log_json(log) for log in logs if _matches(log, wanted)]


def _matches(log: Log, wanted: dict[str, Any]) -> bool:
    if log.address not in [address.lower() for address in wanted["address"]]:
        return False
    topics = wanted.get("topics", [])
    return len(topics) <= len(log.topics) and all(
        accepted is None or topic in accepted for topic, accepted in zip(log.topics, topics, strict=False)
    )


def _block_json(block: Block) -> dict[str, Any]:
    return {
        "number": hex(block.number),
        "hash": block.hash,
        "parentHash": block.parent_hash,
        "timestamp": hex(block.timestamp),
    }


def _log_json(log: Log) -> dict[str, Any]:
    return {
        "blockNumber": hex(log.block_number),
        "blockHash": log.block_hash,
        "logIndex": hex(log.log_index),
        "transactionHash": log.tx_hash,
        "address": log.address,
        "topics": list(log.topics),
        "data": log.data,
    }
