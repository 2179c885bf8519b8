"""What trading has come to on a day, from what the chain holds: purchases, sales, outcomes, and gas.

Deals are the account's trades with the house, in all markets of the hub; shares that were matched, split,
merged or transferred are not in them, nor is the gas of what reverted. An epoch counts on the UTC day on
which it ends, from its outcome on, whether it has been redeemed or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chain_kit.clob.orders import Side
from chain_kit.contracts import MAX_BATCH, Contract, call_many
from chain_kit.errors import RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.rounds import Head
from chain_kit.prices import DAY, EPOCH
from chain_kit.units import checksum_address, keccak256

__all__ = ["OPEN", "Book", "ChainBook", "Day", "Deal", "Place", "payout_down", "sum_up"]

OPEN, YES, NO, VOID = range(4)
"""Outcomes of an epoch as the hub numbers them."""

_BOUGHT = keccak256(b"Bought(uint256,uint256,address,uint8,uint256,uint256,uint256,bool)").hex()
_SOLD = keccak256(b"Sold(uint256,uint256,address,uint8,uint256,uint256,uint256,bool)").hex()

Place = tuple[int, int]
"""A market's id and an epoch."""


@dataclass(frozen=True)
class Deal:
    """One trade with the house, in base units: what was paid and what came of it, both below 0 for a sale.

    `gas_units` is what its transaction cost, in collateral.
    """

    place: Place
    side: Side
    amount_units: int
    shares_units: int
    gas_units: int = 0


@dataclass(frozen=True)
class Day:
    """A UTC day, counted from 1970: what its ended epochs brought after gas, and what open ones may lose."""

    number: int
    realised_units: int
    open_units: int

    @property
    def loss_units(self) -> int:
        """What the ended epochs have lost together; 0 if they have won."""
        return max(0, -self.realised_units)


class Book(Protocol):
    """Keeps account of trades."""

    async def read(self, head: Head, gas_units: Callable[[int], int]) -> Day:
        """How the day of `head` stands; `gas_units` turns wei into collateral."""

    def purchases(self, place: Place) -> int:
        """How many purchases were made in an epoch, as of the last `read`."""


def payout_down(outcome: int, yes_units: int, no_units: int) -> int:
    """What shares pay: one for each that won, one half for each of a void epoch, rounded down."""
    return {YES: yes_units, NO: no_units, VOID: (yes_units + no_units) // 2}.get(outcome, 0)


def sum_up(
    deals: Iterable[Deal], outcomes: Mapping[Place, int], ends: Mapping[Place, int], timestamp: int
) -> Day:
    """The day of `timestamp`: epochs that ended on it with an outcome, and all that have none yet."""
    day = timestamp // DAY
    by_place: dict[Place, list[Deal]] = {}
    for deal in deals:
        by_place.setdefault(deal.place, []).append(deal)
    realised = at_stake = 0
    for place, traded in by_place.items():
        cost = sum(deal.amount_units + deal.gas_units for deal in traded)
        held = {side: sum(deal.shares_units for deal in traded if deal.side == side) for side in Side}
        if outcomes[place] == OPEN:
            at_stake += max(0, cost)
        elif ends[place] // DAY == day:
            realised += payout_down(outcomes[place], held[Side.YES], held[Side.NO]) - cost
    return Day(day, realised, at_stake)


class ChainBook:
    """The book as the chain's own logs have it, read from the start of the day on and then block by block.

    Nothing is kept in a file: after a restart the same comes out. It reads the day again where the last block
    that it has read is gone. `range_blocks` is the most that one log query spans.
    """

    def __init__(self, rpc: JsonRpc, hub: Contract, account: str, *, range_blocks: int = 2_000) -> None:
        self._rpc = rpc
        self._hub = hub
        self._account = account
        self._range_blocks = range_blocks
        self._day = -1
        self._deals: list[Deal] = []
        self._genesis: dict[int, int] = {}
        self._read_to: tuple[int, str] | None = None

    def purchases(self, place: Place) -> int:
        """How many Bought events of the account the epoch has."""
        return sum(deal.place == place and deal.shares_units > 0 for deal in self._deals)

    async def read(self, head: Head, gas_units: Callable[[int], int]) -> Day:
        """Reads what is new up to `head`, and sums up. Raises RpcUnreachableError if logs are incomplete."""
        read_to = (head.number, await self._block_hash(head.number))
        first = await self._first_unread(head)
        new: list[Deal] = []
        for start in range(first, head.number + 1, self._range_blocks):
            new += await self._deals_in(start, min(start + self._range_blocks - 1, head.number), gas_units)
        # All of it or nothing: what fails half way is read again.
        self._deals += new
        self._read_to = read_to
        places = sorted({deal.place for deal in self._deals})
        answers = await call_many(
            self._rpc, [(self._hub, "outcomeOf", place) for place in places], block=head.number
        )
        outcomes = {place: answer.outcome for place, answer in zip(places, answers, strict=True)}
        return sum_up(self._deals, outcomes, await self._ends(places), head.timestamp)

    async def _first_unread(self, head: Head) -> int:
        """The block to go on from: the day's first where the day is new, or what was read is gone."""
        day, read_to = head.timestamp // DAY, self._read_to
        if (
            read_to is not None
            and day == self._day
            and read_to[0] <= head.number
            and await self._block_hash(read_to[0]) == read_to[1]
        ):
            return read_to[0] + 1
        self._day, self._deals, self._read_to = day, [], None
        return await self._first_block_from(day * DAY - EPOCH, head)

    async def _first_block_from(self, timestamp: int, head: Head) -> int:
        """The first block that is not older than `timestamp`."""
        low, high = 0, head.number
        while low < high:
            middle = (low + high) // 2
            block = await self._block(middle)
            low, high = (middle + 1, high) if int(block["timestamp"], 16) < timestamp else (low, middle)
        return low

    async def _block_hash(self, number: int) -> str:
        return str((await self._block(number))["hash"])

    async def _block(self, number: int) -> dict[str, Any]:
        block = await self._rpc.call("eth_getBlockByNumber", [hex(number), False])
        if not isinstance(block, dict):
            raise RpcUnreachableError(self._rpc.public_url, f"it does not know block {number}")
        return block

    async def _deals_in(self, first: int, last: int, gas_units: Callable[[int], int]) -> list[Deal]:
        account = "0x" + self._account[2:].lower().rjust(64, "0")
        query = {
            "address": self._hub.address,
            "topics": [["0x" + _BOUGHT, "0x" + _SOLD], None, None, account],
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        logs = await self._rpc.call("eth_getLogs", [query])
        fees = await self._fees(list(dict.fromkeys(log["transactionHash"] for log in logs)))
        # A transaction with two trades is paid once.
        return [_deal(log, gas_units(fees.pop(log["transactionHash"], 0))) for log in logs]

    async def _fees(self, transactions: Sequence[str]) -> dict[str, int]:
        """What the account paid for each of the transactions, on both chains, in wei."""
        paid: dict[str, int] = {}
        for first in range(0, len(transactions), MAX_BATCH):
            part = transactions[first : first + MAX_BATCH]
            receipts = await self._rpc.batch([("eth_getTransactionReceipt", [one]) for one in part])
            for transaction, receipt in zip(part, receipts, strict=True):
                if not isinstance(receipt, dict):
                    raise RpcUnreachableError(self._rpc.public_url, f"it has no receipt of {transaction}")
                if checksum_address(receipt["from"]) == self._account:
                    gas_wei = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
                    paid[transaction] = gas_wei + int(receipt.get("l1Fee") or "0x0", 16)
        return paid

    async def _ends(self, places: Iterable[Place]) -> dict[Place, int]:
        missing = sorted({market for market, _ in places} - self._genesis.keys())
        answers = await call_many(self._rpc, [(self._hub, "market", (market,)) for market in missing])
        self._genesis |= {m: answer.genesis for m, (answer,) in zip(missing, answers, strict=True)}
        return {(market, epoch): self._genesis[market] + epoch * EPOCH for market, epoch in places}


def _deal(log: Mapping[str, Any], gas_units: int) -> Deal:
    event, market, epoch = (topic.removeprefix("0x") for topic in log["topics"][:3])
    data = bytes.fromhex(log["data"].removeprefix("0x"))
    side, second, _, fourth = (int.from_bytes(data[at : at + 32], "big") for at in range(0, 128, 32))
    place = (int(market, 16), int(epoch, 16))
    # Bought is amount, fee, shares; Sold is shares, fee, amount.
    amount, shares = (second, fourth) if event == _BOUGHT else (-fourth, -second)
    return Deal(place, Side(side), amount, shares, gas_units)
