"""A node asked in plain words, without a loop: for tests that look at a chain from outside."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from chain_kit.contracts import Contract

__all__ = ["block_number", "call", "view"]


def call(url: str, method: str, *params: Any) -> Any:
    """The result of one JSON-RPC request; an error of the node's is a failure."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        answer = json.loads(response.read())
    assert "error" not in answer, f"{method}: {answer['error']}"
    return answer["result"]


def block_number(url: str) -> int:
    """The number of the newest block."""
    return int(call(url, "eth_blockNumber"), 16)


def view(url: str, contract: Contract, fn: str, *arguments: Any, block: int | str = "latest") -> Any:
    """What a contract's function returns at a block."""
    method, params = contract.request(fn, *arguments, block=block)
    return contract.decode_result(fn, call(url, method, *params))
