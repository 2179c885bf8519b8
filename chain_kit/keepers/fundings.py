"""What an account has added to houses' budgets on a UTC day, as the chain's own logs have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chain_kit.contracts import Contract
from chain_kit.errors import RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.effects import HOUSE_FUNDED
from chain_kit.keepers.rounds import Head
from chain_kit.prices import DAY

__all__ = ["Funding", "Fundings"]

_LOOK_BACK_BLOCKS = 64
"""What lies so deep is not read again: no reorg reaches there."""


@dataclass(frozen=True)
class Funding:
    """One HouseFunded event."""

    block: int
    market_id: int
    units: int


class Fundings:
    """The day's fundings by `payer`, read from its first block on, and then what is new.

    Nothing is kept in a file: after a restart the same comes out. `range_blocks` is the most that one log
    query spans.
    """

    def __init__(self, rpc: JsonRpc, hub: Contract, payer: str, *, range_blocks: int = 2_000) -> None:
        self._rpc = rpc
        self._hub = hub
        self._payer = payer
        self._range_blocks = range_blocks
        self._day = -1
        self._first = 0
        self._read_to = -1
        self._found: list[Funding] = []

    async def read(self, head: Head) -> list[Funding]:
        """All of the UTC day of `head`, oldest first. Raises RpcError."""
        day = head.timestamp // DAY
        if day != self._day:
            self._first = await self._first_block_from(day * DAY, head)
            self._day, self._read_to, self._found = day, self._first - 1, []
        start = max(self._first, min(self._read_to, head.number) - _LOOK_BACK_BLOCKS + 1)
        new: list[Funding] = []
        for first in range(start, head.number + 1, self._range_blocks):
            new += await self._between(first, min(first + self._range_blocks - 1, head.number))
        # All of it or nothing: what fails half way is read again.
        self._found = [one for one in self._found if one.block < start] + new
        self._read_to = head.number
        return list(self._found)

    async def recent(self, market_id: int, head: Head) -> tuple[int, int]:
        """A block a little back, and how often the market was funded from there to `head`."""
        start = max(0, head.number - _LOOK_BACK_BLOCKS)
        found = await self._between(start, head.number)
        return start, sum(one.market_id == market_id for one in found)

    async def _between(self, first: int, last: int) -> list[Funding]:
        payer = "0x" + self._payer[2:].lower().rjust(64, "0")
        query = {
            "address": self._hub.address,
            "topics": [HOUSE_FUNDED, None, payer],
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        return [_funding(log) for log in await self._rpc.call("eth_getLogs", [query])]

    async def _first_block_from(self, timestamp: int, head: Head) -> int:
        """The first block that is not older than `timestamp`."""
        low, high = 0, head.number
        while low < high:
            middle = (low + high) // 2
            block = await self._rpc.call("eth_getBlockByNumber", [hex(middle), False])
            if not isinstance(block, dict):
                raise RpcUnreachableError(self._rpc.public_url, f"it does not know block {middle}")
            low, high = (middle + 1, high) if int(block["timestamp"], 16) < timestamp else (low, middle)
        return low


def _funding(log: Mapping[str, Any]) -> Funding:
    return Funding(int(log["blockNumber"], 16), int(log["topics"][1], 16), int(log["data"], 16))
