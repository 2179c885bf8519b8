"""A node that is some blocks behind, made of one that is not: questions and answers are turned back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["STALE_METHODS", "StaleView", "tags_in"]

Call = dict[str, Any]

# Where the methods have their block; it may be left out, and then is the latest.
_BLOCK_AT = {
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_createAccessList": 1,
    "eth_feeHistory": 1,
    "eth_getStorageAt": 2,
    "eth_getProof": 2,
    "eth_getBlockByNumber": 0,
    "eth_getBlockReceipts": 0,
    "eth_getBlockTransactionCountByNumber": 0,
    "eth_getTransactionByBlockNumberAndIndex": 0,
}
# Nothing, and no error, is what these answer to a block that is not there yet.
_NOTHING = frozenset(name for name, place in _BLOCK_AT.items() if place == 0)
STALE_METHODS = frozenset(_BLOCK_AT) | {
    "eth_blockNumber",
    "eth_getBlockByHash",
    "eth_getLogs",
    "eth_getTransactionByHash",
    "eth_getTransactionReceipt",
}
"""The methods that a node which is behind answers differently."""

_LATEST = ("latest", "pending")
_FIRM = ("safe", "finalized")


def tags_in(calls: Sequence[Call]) -> list[str]:
    """Those of the tags "safe" and "finalized" that one of the calls names."""
    words = {word for call in calls for word in _words(call.get("params"))}
    return [tag for tag in _FIRM if tag in words]


class StaleView:
    """The chain up to block `head`; `firm` are the numbers of the safe and the finalized block, if asked."""

    def __init__(self, head: int, firm: Mapping[str, int]) -> None:
        self.head = head
        self._tags = dict.fromkeys(_LATEST, head) | {tag: min(head, one) for tag, one in firm.items()}

    def question(self, call: Call) -> tuple[Call, Mapping[str, Any] | None]:
        """The call as the node must be asked it, and the answer if the node need not be asked."""
        method, params = call["method"], list(call.get("params") or ())
        if method == "eth_blockNumber":
            return call, {"result": hex(self.head)}
        if method == "eth_getLogs" and params and isinstance(params[0], dict):
            return self._logs(call, params[0])
        place = _BLOCK_AT.get(method)
        if place is None or len(params) < place:
            return call, None
        block = self._block(params[place] if len(params) > place else None)
        if _number(block) > self.head:
            error = {"code": -32000, "message": "header not found"}
            return call, {"result": None} if method in _NOTHING else {"error": error}
        return {**call, "params": [*params[:place], block, *params[place + 1 :]]}, None

    def answer(self, call: Call, result: Any) -> Any:
        """What such a node would have answered where the present one answered `result`."""
        if not isinstance(result, dict):
            return result
        method = call["method"]
        if method == "eth_getBlockByHash":
            return None if _number(result.get("number")) > self.head else result
        if method not in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
            return result
        if _number(result.get("blockNumber")) <= self.head:
            return result
        if method == "eth_getTransactionReceipt":
            return None
        return {**result, "blockHash": None, "blockNumber": None, "transactionIndex": None}

    def _logs(self, call: Call, query: dict[str, Any]) -> tuple[Call, Mapping[str, Any] | None]:
        if "blockHash" in query:
            return call, None
        first, last = self._block(query.get("fromBlock")), self._block(query.get("toBlock"))
        if _number(first) > self.head:
            return call, {"result": []}
        last = hex(self.head) if _number(last) > self.head else last
        return {**call, "params": [{**query, "fromBlock": first, "toBlock": last}]}, None

    def _block(self, block: Any) -> Any:
        """A block as a parameter, a tag's number in the place of the tag."""
        if isinstance(block, dict):
            return self._block(block["blockNumber"]) if "blockNumber" in block else block
        number = self._tags.get("latest" if block is None else str(block))
        return block if number is None else hex(number)


def _number(block: Any) -> int:
    """A block's number, or -1 for what is none: a hash, "earliest"."""
    if not isinstance(block, str) or not block.startswith("0x") or len(block) == 66:
        return -1
    return int(block, 16)


def _words(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = list(value.values())
    return {word for one in value for word in _words(one)} if isinstance(value, list) else set()
