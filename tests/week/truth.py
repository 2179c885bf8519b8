"""What the chain itself holds: every final block's transactions and events, read from the node directly."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from chain_kit.jsonrpc import JsonRpc
from chain_kit.oracle import feed_name
from chain_kit.units import checksum_address, keccak256

__all__ = ["Sent", "Truth"]

Place = tuple[int, int]
"""A market's id and an epoch."""
_CHUNK = 60


def _topic(signature: str) -> str:
    return "0x" + keccak256(signature.encode()).hex()


BOUGHT = _topic("Bought(uint256,uint256,address,uint8,uint256,uint256,uint256,bool)")
REDEEMED = _topic("Redeemed(uint256,uint256,address,uint256,uint256,uint256)")
SETTLED = _topic("HouseSettled(uint256,uint256,uint256,uint256,uint256)")
FUNDED = _topic("HouseFunded(uint256,address,uint256)")
POSTED = _topic("BoundaryPosted(bytes32,uint256,uint256)")
VOIDED = _topic("BoundaryVoided(bytes32,uint256)")
CLAIMED = _topic("Claimed(address,address,uint256,uint256)")
PROPOSED = _topic("RootProposed(bytes32,uint256,uint256,string)")
ACTIVATED = _topic("RootActivated(bytes32,uint256)")

ACTIONS = {
    POSTED: "post",
    VOIDED: "void",
    REDEEMED: "redeem",
    SETTLED: "settle",
    BOUGHT: "trade",
    CLAIMED: "vault claim",
    PROPOSED: "root",
    ACTIVATED: "root",
    FUNDED: "seed",
}
"""What a transaction was for, by an event that it left."""


@dataclass(frozen=True)
class Sent:
    """A transaction of the keepers in a block. `action` is "" where it left no event."""

    nonce: int
    tx_hash: str
    block: int
    timestamp: int
    succeeded: bool
    gas: int
    wei: int
    action: str


@dataclass
class Truth:
    """Grows with the final blocks; `read` must be called often enough for the node to have them still."""

    rpc: JsonRpc
    sender: str
    next_block: int
    last_hash: str = ""
    sent: list[Sent] = field(default_factory=list)
    bought: dict[Place, int] = field(default_factory=dict)
    """When somebody first bought in an epoch."""
    holders: dict[Place, set[str]] = field(default_factory=lambda: defaultdict(set))
    posted: dict[tuple[str, int], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """By feed and boundary: each price posted, and when."""
    voided: list[tuple[str, int]] = field(default_factory=list)
    redeemed: dict[tuple[int, int, str], int] = field(default_factory=lambda: defaultdict(int))
    settled: dict[Place, int] = field(default_factory=lambda: defaultdict(int))
    claimed: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    """By account and cumulative total."""
    roots: list[str] = field(default_factory=list)
    """The roots that became active, in order."""
    purchases: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """The keepers' Bought events by transaction."""
    blocks: int = 0
    transactions: int = 0

    async def read(self, last: int) -> None:
        """Reads up to block `last`, which must be final. Raises AssertionError if blocks do not link."""
        while self.next_block <= last:
            numbers = range(self.next_block, min(self.next_block + _CHUNK, last + 1))
            calls: list[Any] = []
            for number in numbers:
                calls += [
                    ("eth_getBlockByNumber", [hex(number), True]),
                    ("eth_getBlockReceipts", [hex(number)]),
                ]
            answers = iter(await self.rpc.batch(calls))
            for block, receipts in zip(answers, answers, strict=True):
                self._block(block, receipts)
            self.next_block = numbers[-1] + 1

    def _block(self, block: dict[str, Any], receipts: list[dict[str, Any]]) -> None:
        assert self.last_hash in ("", block["parentHash"]), f"block {block['number']} does not link"
        self.last_hash = block["hash"]
        timestamp = int(block["timestamp"], 16)
        self.blocks += 1
        self.transactions += len(receipts)
        for transaction, receipt in zip(block["transactions"], receipts, strict=True):
            actions = [self._log(log, timestamp) for log in receipt["logs"]]
            if checksum_address(receipt["from"]) == self.sender:
                self._sent(transaction, receipt, timestamp, next((a for a in actions if a), ""))

    def _sent(
        self, transaction: dict[str, Any], receipt: dict[str, Any], timestamp: int, action: str
    ) -> None:
        gas = int(receipt["gasUsed"], 16)
        if not action and transaction["to"] == transaction["from"]:
            action = "free a nonce"
        one = Sent(
            nonce=int(transaction["nonce"], 16),
            tx_hash=receipt["transactionHash"],
            block=int(receipt["blockNumber"], 16),
            timestamp=timestamp,
            succeeded=receipt["status"] == "0x1",
            gas=gas,
            wei=gas * int(receipt["effectiveGasPrice"], 16),
            action=action,
        )
        self.sent.append(one)

    def _log(self, log: dict[str, Any], timestamp: int) -> str:
        kind, *topics = log["topics"]
        data = bytes.fromhex(log["data"][2:])
        words = [int.from_bytes(data[at : at + 32]) for at in range(0, len(data), 32)]
        if kind in (POSTED, VOIDED):
            feed, boundary = feed_name(bytes.fromhex(topics[0][2:])), int(topics[1], 16)
            if kind == POSTED:
                self.posted[feed, boundary].append((words[0], timestamp))
            else:
                self.voided.append((feed, boundary))
        elif kind in (BOUGHT, REDEEMED):
            place, account = (int(topics[0], 16), int(topics[1], 16)), _account(topics[2])
            if kind == BOUGHT:
                self.bought.setdefault(place, timestamp)
                self.holders[place].add(account)
                if account == self.sender:
                    self.purchases[log["transactionHash"]] += 1
            else:
                self.redeemed[*place, account] += 1
        elif kind == SETTLED:
            self.settled[int(topics[0], 16), int(topics[1], 16)] += 1
        elif kind == CLAIMED:
            self.claimed[_account(topics[0]), words[1]] += 1
        elif kind == ACTIVATED:
            self.roots.append(topics[0])
        return ACTIONS.get(kind, "")


def _account(topic: str) -> str:
    return checksum_address("0x" + topic[-40:])
