from __future__ import annotations

from typing import Any

import pytest

from chain_kit.testing.stale import StaleView, tags_in

VIEW = StaleView(10, {"safe": 9, "finalized": 12})
HASH = "0x" + "ab" * 32


def asked(method: str, *params: Any) -> list[Any]:
    """The parameters with which the node is asked."""
    call, answer = VIEW.question({"method": method, "params": list(params), "id": 1})
    assert answer is None
    return list(call["params"])


def answered(method: str, *params: Any) -> Any:
    """What is answered without asking the node."""
    return VIEW.question({"method": method, "params": list(params), "id": 1})[1]


@pytest.mark.parametrize("tag", ["latest", "pending", {"blockNumber": "latest"}, "0xa"])
def test_the_newest_block_is_an_older_one(tag: Any) -> None:
    """Whatever it is called, and for states as for blocks."""
    assert asked("eth_getTransactionCount", "0xab", tag) == ["0xab", "0xa"]
    assert asked("eth_getBlockByNumber", tag, False) == ["0xa", False]
    assert asked("eth_getProof", "0xab", [], tag) == ["0xab", [], "0xa"]


def test_a_block_that_is_left_out_is_the_newest() -> None:
    """As nodes have it."""
    assert asked("eth_estimateGas", {"to": "0xab"}) == [{"to": "0xab"}, "0xa"]


@pytest.mark.parametrize("block", ["earliest", "0x3", HASH, {"blockHash": HASH}])
def test_old_blocks_are_what_they_are(block: Any) -> None:
    """They pass as they came."""
    assert asked("eth_call", {}, block) == [{}, block]


def test_what_is_firm_is_not_beyond_the_head() -> None:
    """Safe and finalized are the node's, but for what such a replica has not seen."""
    assert asked("eth_call", {}, "safe") == [{}, "0x9"]
    assert asked("eth_call", {}, "finalized") == [{}, "0xa"]
    calls: list[dict[str, Any]] = [{"method": "eth_call", "params": [{}, "safe"]}, {"method": "eth_chainId"}]
    assert tags_in(calls) == ["safe"]


def test_blocks_to_come_are_not_there() -> None:
    """A block is null, a state is an error."""
    assert answered("eth_blockNumber") == {"result": "0xa"}
    assert answered("eth_getBlockByNumber", "0xb", False) == {"result": None}
    assert answered("eth_getBalance", "0xab", "0xb")["error"]["message"] == "header not found"


def test_logs_end_at_its_head() -> None:
    """A range beyond it is empty; one block by its hash is left."""
    assert asked("eth_getLogs", {"address": "0xab"}) == [
        {"address": "0xab", "fromBlock": "0xa", "toBlock": "0xa"}
    ]
    assert asked("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0xff"}) == [
        {"fromBlock": "0x1", "toBlock": "0xa"}
    ]
    assert asked("eth_getLogs", {"blockHash": HASH}) == [{"blockHash": HASH}]
    assert answered("eth_getLogs", {"fromBlock": "0xb"}) == {"result": []}


def test_what_was_mined_since_is_not() -> None:
    """No receipt, no block, and a transaction that is still pending."""
    mined = {"blockNumber": "0xb", "blockHash": HASH, "transactionIndex": "0x0", "nonce": "0x1"}
    pending = {"blockNumber": None, "blockHash": None, "transactionIndex": None, "nonce": "0x1"}

    assert VIEW.answer({"method": "eth_getTransactionReceipt"}, mined) is None
    assert VIEW.answer({"method": "eth_getTransactionByHash"}, mined) == pending
    assert VIEW.answer({"method": "eth_getBlockByHash"}, {"number": "0xb"}) is None
    assert VIEW.answer({"method": "eth_getBlockByHash"}, {"number": "0xa"}) == {"number": "0xa"}
    old = {**mined, "blockNumber": "0xa"}
    assert VIEW.answer({"method": "eth_getTransactionReceipt"}, old) == old
    assert VIEW.answer({"method": "eth_getTransactionByHash"}, None) is None


@pytest.mark.parametrize("method", ["eth_chainId", "eth_sendRawTransaction", "eth_gasPrice"])
def test_everything_else_passes(method: str) -> None:
    """It depends on no block."""
    assert asked(method, "0x12") == ["0x12"]
    assert VIEW.answer({"method": method}, {"number": "0xff"}) == {"number": "0xff"}
