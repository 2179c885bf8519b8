"""What the sender asks the node: what a transaction would do, what became of one, and to take one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from chain_kit.contracts import MAX_BATCH, block_tag
from chain_kit.errors import InsufficientFundsError, RpcResponseError, RpcUnreachableError
from chain_kit.fees import FeePolicy, Fees, fees_from_answer, fees_request
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox.intents import Intent, Row
from chain_kit.reverts import Revert, revert_of, reverted

__all__ = ["Answer", "News", "Node", "Plan"]

# State may have moved on between the estimate and the block.
_GAS_MARGIN_PERCENT = 30


@dataclass(frozen=True)
class Plan:
    """What a transaction needs beside its intent."""

    fees: Fees
    gas_limit: int
    chain_nonce: int
    """The account's next nonce, transactions in the pool counted."""


@dataclass(frozen=True)
class News:
    """What the node knows of a transaction."""

    receipt: Mapping[str, Any] | None
    in_pool: bool
    chain_nonce: int
    """The account's next nonce by mined transactions alone."""


class Answer(Enum):
    """What the node says to a broadcast."""

    TAKEN = auto()
    """It has the transaction, since now or before."""
    NONCE_USED = auto()
    """A mined transaction has the nonce."""
    NONCE_TAKEN = auto()
    """Another transaction in the pool has the nonce, and offers as much."""
    REFUSED = auto()
    """Something else."""


# Geth's words, anvil's, and those of others.
_WORDS = (
    (
        Answer.TAKEN,
        ("already known", "already imported", "alreadyknown", "known transaction", "already exists"),
    ),
    (Answer.NONCE_USED, ("nonce too low", "oldnonce", "nonce is too low")),
    (Answer.NONCE_TAKEN, ("replacement", "underpriced to replace")),
)


class Node:
    """The sender's view of an RPC endpoint."""

    def __init__(self, rpc: JsonRpc, fee_policy: FeePolicy) -> None:
        self._rpc = rpc
        self._fee_policy = fee_policy

    async def plan(self, intent: Intent, sender: str) -> Plan:
        """Tries the call and works out fees, gas and nonce.

        Raises RevertedError if the contract would refuse, InsufficientFundsError, FeeCapError or an RpcError.
        """
        call = _call(intent, sender)
        tried, gas, history, balance, nonce = await self._rpc.batch_settled(
            [
                ("eth_call", [call, "latest"]),
                ("eth_estimateGas", [call]),
                fees_request(self._fee_policy),
                ("eth_getBalance", [sender, "latest"]),
                ("eth_getTransactionCount", [sender, "pending"]),
            ]
        )
        for answer in (history, balance, nonce):
            if isinstance(answer, RpcResponseError):
                raise answer
        available_wei = int(balance, 16)
        if available_wei < intent.value_wei:
            raise InsufficientFundsError(sender, intent.value_wei, available_wei)
        for answer in (tried, gas):
            if isinstance(answer, RpcResponseError):
                raise reverted(answer, f"{intent}: the contract at {intent.contract}") from answer
        fees = fees_from_answer(self._rpc, history, self._fee_policy)
        gas_limit = int(gas, 16) * (100 + _GAS_MARGIN_PERCENT) // 100
        most_wei = gas_limit * fees.max_fee_per_gas_wei + intent.value_wei
        if available_wei < most_wei:
            raise InsufficientFundsError(sender, most_wei, available_wei)
        return Plan(fees, gas_limit, int(nonce, 16))

    async def news(self, row: Row) -> News:
        """What became of the row's transaction."""
        receipt, transaction, nonce = await self._rpc.batch(
            [
                ("eth_getTransactionReceipt", [row.tx_hash]),
                ("eth_getTransactionByHash", [row.tx_hash]),
                ("eth_getTransactionCount", [row.sender, "latest"]),
            ]
        )
        mined = receipt if isinstance(receipt, Mapping) and receipt.get("blockHash") else None
        return News(mined, transaction is not None, int(nonce, 16))

    async def broadcast(self, row: Row) -> tuple[Answer, str]:
        """Hands the row's bytes to the node; gives its answer and its words."""
        try:
            await self._rpc.call("eth_sendRawTransaction", ["0x" + row.raw.hex()])
        except RpcResponseError as error:
            words = error.reason.lower()
            for answer, phrases in _WORDS:
                if any(phrase in words for phrase in phrases):
                    return answer, error.reason
            return Answer.REFUSED, error.reason
        return Answer.TAKEN, ""

    async def explain(self, row: Row, block_number: int) -> Revert:
        """Why the row's transaction reverted in a block, as far as the state after the block tells."""
        call = _call(row.intent, row.sender)
        try:
            await self._rpc.call("eth_call", [call, block_tag(block_number)])
        except RpcResponseError as error:
            revert = revert_of(error)
            if revert is not None:
                return revert
        return Revert("", (), "it reverted, for a reason that the state after its block does not show")

    async def block_hashes(self, numbers: set[int]) -> dict[int, str | None]:
        """The hashes of the chain's blocks by number; None for one that it does not have."""
        ordered = sorted(numbers)
        blocks: list[Any] = []
        for first in range(0, len(ordered), MAX_BATCH):
            part = ordered[first : first + MAX_BATCH]
            blocks += await self._rpc.batch([("eth_getBlockByNumber", [hex(n), False]) for n in part])
        return {n: block["hash"] if block else None for n, block in zip(ordered, blocks, strict=True)}

    async def finalized(self) -> int:
        """The number of the newest block that cannot be reorganised any more."""
        block = await self._rpc.call("eth_getBlockByNumber", ["finalized", False])
        if not isinstance(block, Mapping):
            raise RpcUnreachableError(self._rpc.public_url, "it knows no finalized block")
        return int(block["number"], 16)


def _call(intent: Intent, sender: str) -> dict[str, str]:
    return {
        "from": sender,
        "to": intent.contract,
        "data": "0x" + intent.data.hex(),
        "value": hex(intent.value_wei),
    }
