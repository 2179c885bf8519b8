"""An outbox, a guard and a chain in miniature, for tests of what is counted: nothing here needs a node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

from chain_kit.fees import Fees
from chain_kit.guard import Guard
from chain_kit.outbox import Effect, Intent, Journal, Kind, Offer, Quote, Row, State
from chain_kit.outbox.gate import admission
from chain_kit.signers import SignedTransaction
from chain_kit.units import checksum_address

__all__ = ["CHAIN", "GENESIS", "SIGNER", "Desk", "intent", "quote"]

CHAIN, GENESIS = 31337, "0x" + "11" * 32
SIGNER = checksum_address("0x" + "33" * 20)
CONTRACT = checksum_address("0x" + "22" * 20)
START = 1_700_000_000
GAS = 100


def intent(subject: object, action: str = "post", contract: str = CONTRACT, data: bytes = b"\x01") -> Intent:
    """An intent on a subject; its value is large, and no fee."""
    return Intent(contract, action, (str(subject),), data, Effect("known", {}), value_wei=10**30)


def quote(l2_fee_wei: int, l1_fee_wei: int = 0) -> Quote:
    """What costs that much at the highest; the L2 fee is a multiple of 100 wei."""
    return Quote(GAS, l2_fee_wei, l1_fee_wei, Fees(l2_fee_wei // GAS, 1))


class Desk:
    """A journal and a guard over one outbox, and a clock that is moved by hand. An async context manager."""

    def __init__(self, url: str, **options: Any) -> None:
        self.url = url
        self.now = START
        self.block = 0
        self.signed = 0
        self._options = options

    async def __aenter__(self) -> Desk:
        self._stack = AsyncExitStack()
        self.journal = Journal.open(self.url, CHAIN, GENESIS)
        self._stack.callback(self.journal.close)
        guard = await Guard.open(self.url, SIGNER, CHAIN, clock=self.clock, **self._options)
        self.guard = await self._stack.enter_async_context(guard)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def clock(self) -> Callable[[], Awaitable[int]]:
        """The chain's."""

        async def clock() -> int:
            return self.now

        return clock

    def sign(self, nonce: int) -> SignedTransaction:
        """Bytes and a hash unlike any before."""
        self.signed += 1
        return SignedTransaction(b"raw", f"0x{nonce:032x}{self.block:016x}{self.signed:016x}")

    async def enter(self, wanted: Intent, cost: Quote, *, nonce: int = 0) -> Row:
        """A row for an intent, as the sender enters it."""
        await self.guard.check(wanted, cost)
        return self.begin(wanted, cost, nonce=nonce)

    def begin(self, wanted: Intent, cost: Quote, *, nonce: int = 0) -> Row:
        """The same after the check."""
        row, entered = self.journal.begin(
            wanted,
            SIGNER,
            nonce,
            self.sign,
            offer=Offer(cost.gas, cost.fees),
            seen=self.journal.newest(),
            chain_time=self.now,
            admit=admission(self.guard, wanted, cost, SIGNER, self.now),
        )
        assert entered
        return row

    def replace(self, row: Row, cost: Quote, kind: Kind = Kind.CALL) -> Row:
        """Another transaction at the row's nonce, as the sender enters it."""
        cancels = kind is Kind.CANCEL
        row, entered = self.journal.replace(
            row,
            kind,
            self.sign,
            offer=Offer(cost.gas, cost.fees),
            chain_time=self.now,
            admit=admission(self.guard, row.intent, cost, SIGNER, self.now, cancels=cancels),
        )
        assert entered
        return row

    async def mined(self, row: Row, wei: int, state: State = State.DONE) -> Row:
        """A new block holds the row's newest transaction, and the row ends."""
        row = self.in_block(row)
        await self.guard.spent(row, wei)
        return self.end(row, state)

    def in_block(self, row: Row) -> Row:
        """A new block holds it; nobody has been told."""
        self.block += 1
        block = (self.block, f"0x{self.block:x}")
        return self.journal.update(row, State.MINED, block=block)

    def end(self, row: Row, state: State) -> Row:
        """The effect was looked for, and found or not."""
        assert row.block_number is not None
        assert row.block_hash is not None
        reason = "" if state is State.DONE else "Paused: the market is paused"
        return self.journal.update(row, state, block=(row.block_number, row.block_hash), reason=reason)
