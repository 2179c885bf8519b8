"""Receipts of real blocks: what we compute from them is what the node's header says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import reduce
from operator import or_
from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]

from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import Call, JsonRpc
from indexer.deployment import LogFilter
from indexer.proof.bloom import BloomTest, bits_of
from indexer.proof.headers import header_hash
from indexer.proof.receipts import logs_of, receipts_root

# Runtime code that logs twice, once with a topic: LOG0 and LOG1 of one word.
LOGGER = "0x6011600c60003960116000f3" + "602a60005260206000a0600760206000a100"
PRICE = hex(10**10)
TOPIC = "0x" + "7".rjust(64, "0")


async def _block(rpc: JsonRpc, number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    asked: list[Call] = [
        ("eth_getBlockByNumber", [hex(number), False]),
        ("eth_getBlockReceipts", [hex(number)]),
    ]
    block, receipts = await rpc.batch(asked)
    return block, receipts


async def _mine(anvil: Anvil, transactions: Sequence[dict[str, str]]) -> int:
    """All of them in one block; returns its number."""
    for nonce, transaction in enumerate(transactions, 1):
        await anvil.rpc.call("eth_sendTransaction", [transaction | {"nonce": hex(nonce)}])
    await anvil.mine()
    return int(await anvil.rpc.call("eth_blockNumber", []), 16)


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129, 300])
async def test_a_blocks_receipts_give_its_root(count: int) -> None:
    """Plain payments and transactions that log, of three types, as many as there are keys' lengths."""
    async with Anvil(mining=False) as anvil:
        (account, *_) = await anvil.rpc.call("eth_accounts", [])
        sent = await anvil.rpc.call("eth_sendTransaction", [{"from": account, "data": LOGGER}])
        await anvil.mine()
        logger = (await anvil.rpc.call("eth_getTransactionReceipt", [sent]))["contractAddress"]
        kinds: list[dict[str, Any]] = [
            {"to": account, "gas": hex(21_000), "gasPrice": PRICE},
            {"to": logger, "gas": hex(60_000), "maxFeePerGas": PRICE, "maxPriorityFeePerGas": PRICE},
            {"to": logger, "gas": hex(60_000), "accessList": [], "gasPrice": PRICE},
        ]
        number = await _mine(anvil, [kinds[place % 3] | {"from": account} for place in range(count)])
        block, receipts = await _block(anvil.rpc, number)
        logs = await anvil.rpc.call("eth_getLogs", [{"blockHash": block["hash"]}])
    assert len(receipts) == count
    assert len({receipt["type"] for receipt in receipts}) == min(count, 3)
    assert receipts_root(receipts) == block["receiptsRoot"]
    assert header_hash(block) == block["hash"]
    found = [
        (hex(log.log_index), log.tx_hash, log.address, list(log.topics), log.data)
        for log in logs_of(receipts, number, block["hash"])
    ]
    names = ("logIndex", "transactionHash", "address", "topics", "data")
    assert found == [tuple(log[name] for name in names) for log in logs]
    values = [bytes.fromhex(value[2:]) for log in logs for value in (log["address"], *log["topics"])]
    assert int(block["logsBloom"], 16) == reduce(or_, map(bits_of, values), 0)
    for one, there in ((LogFilter((logger,)), True), (LogFilter((logger,), ((TOPIC,),)), True),
                       (LogFilter((logger,), (("0x" + "11" * 32,),)), False)):  # fmt: skip
        assert BloomTest([one]).may_contain(block["logsBloom"]) == (there and bool(logs))


@asynccontextmanager
async def _optimism(hardfork: str) -> AsyncIterator[JsonRpc]:
    """An anvil of the OP stack, which takes deposits as transactions."""
    anvil = Anvil(mining=False, extra=("--optimism",))
    place = anvil._arguments.index("--hardfork")
    anvil._arguments[place + 1] = hardfork
    async with anvil:
        yield anvil.rpc


@pytest.mark.parametrize("hardfork", ["canyon", "isthmus"])
async def test_a_deposits_receipt_gives_the_root(hardfork: str) -> None:
    """It states its nonce and its version, and the root covers them."""
    async with _optimism(hardfork) as rpc:
        account = bytes.fromhex((await rpc.call("eth_accounts", []))[0][2:])
        fields = [b"\x11" * 32, account, account, b"\x05", b"", (100_000).to_bytes(3, "big"), b"", b""]
        await rpc.call("eth_sendRawTransaction", ["0x7e" + rlp.encode(fields).hex()])
        await rpc.call("evm_mine", [])
        block, receipts = await _block(rpc, 1)
    (receipt,) = receipts
    assert int(receipt["type"], 16) == 0x7E
    assert {"depositNonce", "depositReceiptVersion"} <= receipt.keys()
    assert receipts_root(receipts) == block["receiptsRoot"]
    assert header_hash(block) == block["hash"]
