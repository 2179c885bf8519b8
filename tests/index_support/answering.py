"""What a node answers for a FakeChain, without any sockets: requests as bytes in, replies as bytes out."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from indexer.blocks import Block, Log
from tests.index_support.chain import FakeChain

__all__ = ["SILENCE", "Answering", "Fault", "Lie", "Limits", "Reply", "error_answer"]

Reply = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]
"""Status, body, and headers where there are any."""

Fault = Callable[[list[dict[str, Any]]], Reply | None]
"""What to answer to a batch instead; None breaks the connection off."""

Lie = Callable[[str, list[Any], Any], Any]
"""From a method, its parameters and the right result: the result that is given. Copies what it changes."""

SILENCE = (0, b"")
"""The answer of a fault that never answers."""


def error_answer(code: int, message: str) -> Fault:
    """Every call of the batch fails with this error."""

    def answer(batch: list[dict[str, Any]]) -> Reply:
        error = {"code": code, "message": message}
        return 200, json.dumps([{"jsonrpc": "2.0", "id": c["id"], "error": error} for c in batch]).encode()

    return answer


@dataclass
class Limits:
    """What a provider refuses, and in which words; `{}` in a text is the limit. None is without limit."""

    blocks: int | None = None
    """Blocks in the range of one `eth_getLogs`."""
    blocks_error: tuple[int, str] = (-32602, "query exceeds max block range {}")
    results: int | None = None
    """Logs in one answer."""
    results_error: tuple[int, str] = (-32005, "query returned more than {} results")
    calls: int | None = None
    """Calls in a batch; more are refused with HTTP status 413."""
    unsupported: set[str] = field(default_factory=set)
    """Methods that do not exist there."""


class _RefusedError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Answering:
    """Serves a chain. `faults` are used up one request at a time; `lies` change every answer.

    A replica that is `lag` blocks behind knows nothing of the newest ones.
    """

    def __init__(
        self,
        chain: FakeChain,
        *,
        chain_id: int = 31337,
        most_blocks: int | None = None,
        most_results: int | None = None,
        limits: Limits | None = None,
        lag: int = 0,
    ) -> None:
        self.chain = chain
        self.chain_id = chain_id
        self.limits = limits or Limits(most_blocks, results=most_results)
        self.lag = lag
        self.faults: deque[Fault] = deque()
        self.lies: list[Lie] = []
        self.requests: list[list[dict[str, Any]]] = []
        self.before: Callable[[list[dict[str, Any]]], None] = lambda _: None
        """Called with each batch before it is answered: the chain may change under it."""

    def methods(self) -> list[str]:
        """Every method that was asked for, in order."""
        return [call["method"] for batch in self.requests for call in batch]

    @property
    def newest(self) -> int:
        """The number of the newest block that this node knows."""
        return max(0, self.chain.tip.number - self.lag)

    def answer(self, body: bytes) -> Reply | None:
        """The reply to a request's body; None for none at all, after which the connection is gone."""
        request = orjson.loads(body)
        batch = request if isinstance(request, list) else [request]
        self.requests.append(batch)
        self.before(batch)
        if self.faults:
            return self.faults.popleft()(batch)
        if self.limits.calls is not None and len(batch) > self.limits.calls:
            return 413, b"<html><body>Request Entity Too Large</body></html>"
        answers = [self._one(call) for call in batch]
        return 200, orjson.dumps(answers if isinstance(request, list) else answers[0])

    def _one(self, call: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call."""
        method, params = call["method"], call.get("params", [])
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": call["id"]}
        known = getattr(self, method, None) if "_" in method else None
        try:
            if known is None or method in self.limits.unsupported:
                raise _RefusedError(-32601, f"the method {method} does not exist/is not available")
            result = known(*params)
        except _RefusedError as error:
            return answer | {"error": {"code": error.code, "message": str(error)}}
        except ValueError as error:
            return answer | {"error": {"code": -32000, "message": str(error)}}
        for lie in self.lies:
            result = lie(method, params, result)
        return answer | {"result": result}

    def eth_chainId(self) -> str:  # noqa: N802
        """The chain's id."""
        return hex(self.chain_id)

    def eth_blockNumber(self) -> str:  # noqa: N802
        """The newest block's number."""
        return hex(self.newest)

    def web3_clientVersion(self) -> str:  # noqa: N802
        """A name."""
        return "fake/v1"

    def eth_getBlockByNumber(self, tag: str, _full: bool = False) -> dict[str, Any] | None:  # noqa: N802
        """A block, with its transactions' hashes."""
        block = self._numbered(tag)
        return None if block is None else self.chain.header_json(block)

    def eth_getBlockByHash(self, digest: str, _full: bool = False) -> dict[str, Any] | None:  # noqa: N802
        """A block of this chain."""
        block = self._hashed(digest)
        return None if block is None else self.chain.header_json(block)

    def eth_getBlockReceipts(self, where: Any) -> list[dict[str, Any]] | None:  # noqa: N802
        """All of a block's receipts, by number, tag or hash."""
        block = self._at(where)
        return None if block is None else self.chain.sealed[block.hash].receipts()

    def eth_getTransactionReceipt(self, digest: str) -> dict[str, Any] | None:  # noqa: N802
        """One receipt, looked for from the newest block down."""
        blocks = reversed(self.chain.blocks[: self.newest + 1])
        receipts = (one for block in blocks for one in self.chain.sealed[block.hash].receipts())
        return next((one for one in receipts if one["transactionHash"] == digest), None)

    def eth_call(self, call: dict[str, Any], where: Any = "latest") -> str:
        """What the contracts answer as of a block."""
        block = self._at(where)
        if block is None:
            raise ValueError("header not found")
        truth = self.chain.truth
        data = bytes.fromhex(call.get("data", call.get("input", "0x"))[2:])
        return "0x" + (truth.call(block, call["to"], data).hex() if truth else "")

    def eth_getLogs(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:  # noqa: N802
        """Logs by block hash or by range, and by address and topics."""
        logs = [_log_json(log) for log in self._logs(wanted) if _matches(log, wanted)]
        most = self.limits.results
        if most is not None and len(logs) > most:
            code, text = self.limits.results_error
            raise _RefusedError(code, text.format(most))
        return logs

    def _logs(self, wanted: dict[str, Any]) -> Sequence[Log]:
        if "blockHash" in wanted:
            block = self._hashed(wanted["blockHash"])
            if block is None:
                raise ValueError("unknown block")
            return self.chain.logs[block.hash]
        first, last = (self._number(wanted.get(end, "latest")) for end in ("fromBlock", "toBlock"))
        most = self.limits.blocks
        if most is not None and last - first + 1 > most:
            code, text = self.limits.blocks_error
            raise _RefusedError(code, text.format(most))
        return self.chain.logs_between(first, min(last, self.newest))

    def _number(self, tag: str) -> int:
        head = self.chain.head_at(self.newest)
        named = {"earliest": 0, "latest": head.block.number, "pending": head.block.number}
        named |= {"safe": head.safe, "finalized": head.finalized}
        return named[tag] if tag in named else int(tag, 16)

    def _numbered(self, tag: str) -> Block | None:
        number = self._number(tag)
        return self.chain.blocks[number] if number <= self.newest else None

    def _hashed(self, digest: str) -> Block | None:
        block = self.chain.known.get(digest)
        if block is None or block.number > self.newest or self.chain.blocks[block.number].hash != digest:
            return None
        return block

    def _at(self, where: Any) -> Block | None:
        if isinstance(where, dict):
            where = where.get("blockHash", where.get("blockNumber"))
        return self._hashed(where) if len(where) == 66 else self._numbered(where)


def _matches(log: Log, wanted: dict[str, Any]) -> bool:
    addresses = wanted.get("address", [log.address])
    addresses = [addresses] if isinstance(addresses, str) else addresses
    if log.address not in [address.lower() for address in addresses]:
        return False
    topics = wanted.get("topics", [])
    return len(topics) <= len(log.topics) and all(
        accepted is None or topic == accepted or (isinstance(accepted, list) and topic in accepted)
        for topic, accepted in zip(log.topics, topics, strict=False)
    )


def _log_json(log: Log) -> dict[str, Any]:
    return {
        "blockNumber": hex(log.block_number),
        "blockHash": log.block_hash,
        "logIndex": hex(log.log_index),
        "transactionHash": log.tx_hash,
        "transactionIndex": "0x0",
        "address": log.address,
        "topics": list(log.topics),
        "data": log.data,
        "removed": False,
    }
