"""What the sender asks the node about transactions: what became of one, and to take one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from chain_kit.contracts import MAX_BATCH, block_tag
from chain_kit.errors import RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox.intents import Attempt, Row
from chain_kit.outbox.preflight import call_of
from chain_kit.reverts import Revert, revert_of

__all__ = ["Answer", "Block", "Mined", "News", "Node"]

# How far back the states of an ordinary node go.
_STATES = 100
_FULL_BLOCKS = 10


@dataclass(frozen=True)
class Block:
    """A block of the chain; its timestamp (UNIX seconds) is the chain's clock then."""

    number: int
    hash: str
    timestamp: int


@dataclass(frozen=True)
class Mined:
    """An attempt that a block holds, and its receipt."""

    attempt: Attempt
    receipt: Mapping[str, Any]

    @property
    def block(self) -> tuple[int, str]:
        """Number and hash of the block."""
        return int(self.receipt["blockNumber"], 16), str(self.receipt["blockHash"])

    @property
    def succeeded(self) -> bool:
        """Whether it did not revert."""
        return int(self.receipt["status"], 16) == 1

    @property
    def cost_wei(self) -> int:
        """What it cost its sender: gas, and the L1 fee that OP-stack receipts tell."""
        gas_wei = int(self.receipt["gasUsed"], 16) * int(self.receipt["effectiveGasPrice"], 16)
        return gas_wei + int(self.receipt.get("l1Fee") or "0x0", 16)


@dataclass(frozen=True)
class News:
    """What the node knows of a row's transactions."""

    mined: Mined | None
    known: frozenset[str]
    """The hashes of those that it knows."""
    chain_nonce: int
    """The account's next nonce by mined transactions alone."""
    head: Block

    @property
    def in_pool(self) -> bool:
        """Whether it knows one of them at least."""
        return bool(self.known)


class Answer(Enum):
    """What the node says to a broadcast."""

    TAKEN = auto()
    """It has the transaction, since now or before."""
    NONCE_USED = auto()
    """A mined transaction has the nonce."""
    NONCE_TAKEN = auto()
    """Another transaction in the pool has the nonce, and offers as much, or nearly."""
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

    def __init__(self, rpc: JsonRpc) -> None:
        self._rpc = rpc

    async def news(self, row: Row) -> News:
        """What became of the row's transactions, all of them."""
        hashes = [attempt.tx_hash for attempt in row.attempts]
        nonce, head, *found = await self._rpc.batch(
            [
                ("eth_getTransactionCount", [row.sender, "latest"]),
                ("eth_getBlockByNumber", ["latest", False]),
                *(("eth_getTransactionReceipt", [tx_hash]) for tx_hash in hashes),
                *(("eth_getTransactionByHash", [tx_hash]) for tx_hash in hashes),
            ]
        )
        receipts, known = found[: len(hashes)], found[len(hashes) :]
        return News(
            mined=_mined(row.attempts, receipts),
            known=frozenset(h for h, transaction in zip(hashes, known, strict=True) if transaction),
            chain_nonce=int(nonce, 16),
            head=self._block(head),
        )

    async def receipts(self, row: Row) -> Mined | None:
        """The one of the row's transactions that a block holds, if one does."""
        calls = [("eth_getTransactionReceipt", [attempt.tx_hash]) for attempt in row.attempts]
        return _mined(row.attempts, await self._rpc.batch(calls))

    async def broadcast(self, attempt: Attempt) -> tuple[Answer, str]:
        """Hands the attempt's bytes to the node; gives its answer and its words."""
        try:
            await self._rpc.call("eth_sendRawTransaction", ["0x" + attempt.raw.hex()])
        except RpcResponseError as error:
            words = error.reason.lower()
            for answer, phrases in _WORDS:
                if any(phrase in words for phrase in phrases):
                    return answer, error.reason
            return Answer.REFUSED, error.reason
        return Answer.TAKEN, ""

    async def explain(self, row: Row, block_number: int) -> Revert:
        """Why the row's transaction reverted in a block, as far as the state after the block tells."""
        call = call_of(row.intent, row.sender)
        try:
            await self._rpc.call("eth_call", [call, block_tag(block_number)])
        except RpcResponseError as error:
            revert = revert_of(error)
            if revert is not None:
                return revert
        return Revert("", (), "it reverted, for a reason that the state after its block does not show")

    async def block_hashes(self, numbers: Iterable[int]) -> dict[int, str | None]:
        """The hashes of the chain's blocks by number; None for one that it does not have."""
        ordered = sorted(set(numbers))
        blocks: list[Any] = []
        for first in range(0, len(ordered), MAX_BATCH):
            part = ordered[first : first + MAX_BATCH]
            blocks += await self._rpc.batch([("eth_getBlockByNumber", [hex(n), False]) for n in part])
        return {n: block["hash"] if block else None for n, block in zip(ordered, blocks, strict=True)}

    async def head(self) -> Block:
        """The newest block."""
        return self._block(await self._rpc.call("eth_getBlockByNumber", ["latest", False]))

    async def firm(self) -> tuple[int, int]:
        """The numbers of the newest safe block and of the newest that cannot be reorganised any more."""
        tags = ("safe", "finalized")
        safe, finalized = await self._rpc.batch_settled(
            [("eth_getBlockByNumber", [tag, False]) for tag in tags]
        )
        if not isinstance(finalized, Mapping):
            raise RpcUnreachableError(self._rpc.public_url, "it knows no finalized block")
        last = int(finalized["number"], 16)
        return (max(last, int(safe["number"], 16)) if isinstance(safe, Mapping) else last), last

    async def user_of(self, sender: str, nonce: int, head: Block) -> tuple[str | None, Block] | None:
        """The hash of the transaction that used the nonce, and the block that holds it.

        None if no block up to `head` does, or if that cannot be told now: a node that is behind does not
        know. The hash is None if it was used longer ago than an ordinary node's states go back, or if it was
        no transaction of the sender's own.
        """
        low, high = max(0, head.number - _STATES), head.number
        if await self._count(sender, high) <= nonce:
            return None
        try:
            if await self._count(sender, low) > nonce:
                return await self._unknown_user(head)
            # Of the blocks above `low` up to `high` the first after which the nonce was used.
            while high - low > 1:
                middle = (low + high) // 2
                used = await self._count(sender, middle) > nonce
                low, high = (low, middle) if used else (middle, high)
        except RpcResponseError:
            # It has no states of then, or not yet: blocks tell as well.
            return await self._user_by_blocks(sender, nonce, range(head.number, low, -1), head)
        return await self._user_in(sender, nonce, high)

    async def _unknown_user(self, head: Block) -> tuple[None, Block] | None:
        # A node that has gone back meanwhile lacks states too: that tells nothing.
        return (None, head) if (await self.block_hashes({head.number}))[head.number] == head.hash else None

    async def _user_by_blocks(
        self, sender: str, nonce: int, numbers: Sequence[int], head: Block
    ) -> tuple[str | None, Block] | None:
        for first in range(0, len(numbers), _FULL_BLOCKS):
            part = numbers[first : first + _FULL_BLOCKS]
            for block in await self._rpc.batch([("eth_getBlockByNumber", [hex(n), True]) for n in part]):
                if not isinstance(block, Mapping):
                    return None
                used = _transaction_in(block, sender, nonce)
                if used is not None:
                    return used, self._block(block)
        return await self._unknown_user(head)

    async def _user_in(self, sender: str, nonce: int, number: int) -> tuple[str | None, Block] | None:
        counts = [("eth_getTransactionCount", [sender, hex(one)]) for one in (number - 1, number)]
        block, before, after = await self._rpc.batch([("eth_getBlockByNumber", [hex(number), True]), *counts])
        if not isinstance(block, Mapping) or not int(before, 16) <= nonce < int(after, 16):
            return None  # the chain has changed since that block was found
        # An authorisation in another's transaction uses a nonce up as well.
        return _transaction_in(block, sender, nonce), self._block(block)

    async def _count(self, sender: str, number: int) -> int:
        return int(await self._rpc.call("eth_getTransactionCount", [sender, hex(number)]), 16)

    def _block(self, block: Any) -> Block:
        if not isinstance(block, Mapping):
            raise RpcUnreachableError(self._rpc.public_url, "it knows no latest block")
        return Block(int(block["number"], 16), str(block["hash"]), int(block["timestamp"], 16))


def _mined(attempts: Iterable[Attempt], receipts: Iterable[Any]) -> Mined | None:
    for attempt, receipt in zip(attempts, receipts, strict=True):
        # Some nodes give a receipt without a block for what is in the pool.
        if isinstance(receipt, Mapping) and receipt.get("blockHash"):
            return Mined(attempt, receipt)
    return None


def _transaction_in(block: Mapping[str, Any], sender: str, nonce: int) -> str | None:
    """The hash of the sender's transaction with that nonce in a block with all of its transactions."""
    for one in block["transactions"]:
        if one["from"].lower() == sender.lower() and int(one["nonce"], 16) == nonce:
            return str(one["hash"])
    return None
