"""The rule of real nodes for a transaction that would take a pending one's place: more in both fee fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_account import Account

from chain_kit.units import keccak256

__all__ = ["Pool", "RawTransaction", "decode"]

_MOST = 10_000
"""So many transactions are remembered; the oldest are forgotten first."""


@dataclass(frozen=True)
class RawTransaction:
    """What the rule looks at. `raw` is 0x… as it is broadcast; both fees of one with a gas price are that."""

    raw: str
    hash: str
    nonce: int
    max_fee_per_gas_wei: int
    max_priority_fee_per_gas_wei: int

    @property
    def sender(self) -> str:
        """Who signed it, in small letters. Takes milliseconds."""
        return str(Account.recover_transaction(self.raw)).lower()

    def may_replace(self, other: RawTransaction, percent: int) -> bool:
        """Whether geth would take it in the place of `other`."""
        pairs = (
            (self.max_fee_per_gas_wei, other.max_fee_per_gas_wei),
            (self.max_priority_fee_per_gas_wei, other.max_priority_fee_per_gas_wei),
        )
        return all(mine > its and mine >= its * (100 + percent) // 100 for mine, its in pairs)


def decode(raw: object) -> RawTransaction | None:
    """The transaction of the bytes in `raw`, of any type; None if they are none."""
    try:
        data = bytes.fromhex(str(raw).removeprefix("0x"))
        kind = data[0]
        fields = rlp.decode(data[1:] if kind < 0x80 else data)
        # Legacy, with an access list, and from EIP-1559 on: where the nonce and the two fees are.
        places = (0, 1, 1) if kind >= 0x80 else (1, 2, 2) if kind == 1 else (1, 3, 2)
        nonce, fee, tip = (int.from_bytes(fields[place], "big") for place in places)
    except (rlp.exceptions.DecodingError, ValueError, IndexError, TypeError):
        return None
    return RawTransaction(str(raw), "0x" + keccak256(data).hex(), nonce, fee, tip)


class Pool:
    """The transactions that went to a node and may be pending there. `ask` asks the node."""

    def __init__(self, ask: Callable[[str, list[Any]], Awaitable[Any]]) -> None:
        self._ask = ask
        # By hash, in the order in which they came, and their hashes by nonce.
        self._known: dict[str, RawTransaction] = {}
        self._by_nonce: dict[int, set[str]] = {}
        self._on_their_way: dict[str, int] = {}

    async def allows(self, transaction: RawTransaction, percent: int) -> bool:
        """Whether a node would take it beside what is pending. Answer it with `sending` and `sent`."""
        for other in self._rivals(transaction):
            sender = await self._pending_from(other)
            if sender is None:
                self._forget(other)
            elif sender == transaction.sender and not transaction.may_replace(other, percent):
                return False
        return True

    def sending(self, transaction: RawTransaction) -> None:
        """It goes to the node now."""
        self._known[transaction.hash] = transaction
        self._by_nonce.setdefault(transaction.nonce, set()).add(transaction.hash)
        self._on_their_way[transaction.hash] = self._on_their_way.get(transaction.hash, 0) + 1
        if len(self._known) > _MOST:
            self._forget(next(iter(self._known.values())))

    def sent(self, transaction: RawTransaction) -> None:
        """The node has answered, or will not."""
        self._on_their_way[transaction.hash] -= 1
        if not self._on_their_way[transaction.hash]:
            del self._on_their_way[transaction.hash]

    def _rivals(self, transaction: RawTransaction) -> Iterator[RawTransaction]:
        for tx_hash in tuple(self._by_nonce.get(transaction.nonce, ())):
            if tx_hash != transaction.hash and tx_hash in self._known:
                yield self._known[tx_hash]

    async def _pending_from(self, other: RawTransaction) -> str | None:
        """The sender of `other` while it is pending; None once it is mined, dropped or replaced."""
        if other.hash in self._on_their_way:
            return other.sender
        found = await self._ask("eth_getTransactionByHash", [other.hash])
        if not isinstance(found, dict) or found.get("blockNumber") is not None:
            return None
        return str(found["from"]).lower()

    def _forget(self, transaction: RawTransaction) -> None:
        self._known.pop(transaction.hash, None)
        hashes = self._by_nonce.get(transaction.nonce, set())
        hashes.discard(transaction.hash)
        if not hashes:
            self._by_nonce.pop(transaction.nonce, None)
