"""What stands between an intent and its transaction beside the journal: budgets, breakers, whoever counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from chain_kit.fees import Fees
from chain_kit.outbox.intents import Intent, Row

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Admit", "Counting", "Entry", "Gate", "OpenGate", "Quote", "admission"]


@dataclass(frozen=True)
class Quote:
    """What an intent's transaction would cost now, at the highest, its value not counted."""

    gas: int
    """The gas limit; 0 if the contract refuses."""
    l2_fee_wei: int
    l1_fee_wei: int
    """An upper bound for the data on the parent chain; 0 on a chain without that fee."""
    fees: Fees
    revert: str = ""
    """Why the contract refuses, in a sentence; "" if it does not."""

    @property
    def total_wei(self) -> int:
        """Both fees."""
        return self.l2_fee_wei + self.l1_fee_wei


class Gate(Protocol):
    """Is asked before anything is signed, and told what was spent and what was brought about.

    The sender calls `check` for a new transaction, and for each that replaces one, with its whole cost;
    `spent` when a block holds a transaction of a row, perhaps more than once for one hash; `verified` when
    the effect was seen on chain. What `check` raises keeps the transaction from being signed, and reaches
    whoever submitted the intent. An empty transaction that frees a nonce is not checked; its cost is told.
    """

    async def check(self, intent: Intent, quote: Quote) -> None:
        """Raises a ChainKitError if the transaction must not be made now."""

    async def spent(self, row: Row, wei: int) -> None:
        """`row.tx_hash` is in block `row.block_hash` and cost `wei`, the L1 fee included, its value not."""

    async def verified(self, intent: Intent) -> None:
        """The intent's effect holds on chain, by our transaction or by another's."""


@dataclass(frozen=True)
class Entry:
    """A transaction that is about to be signed, and stored in the transaction of the database that asks."""

    intent: Intent
    quote: Quote
    sender: str
    nonce: int
    chain_time: int
    """The chain's clock, UNIX seconds."""
    cancels: bool = False
    """It is an empty one that frees the nonce."""


@runtime_checkable
class Counting(Protocol):
    """A gate that also counts in the outbox's own database."""

    def reserve(self, connection: Connection, entry: Entry) -> None:
        """Called inside the journal's transaction, in a thread, just before `entry` is signed.

        What it writes stands if, and only if, the entry does; what it raises undoes both. Transactions that
        free a nonce are told too: refusing them would leave the nonce where it hinders all others.
        """


Admit = Callable[["Connection", int], None]
"""Is asked by the journal, within its transaction, about the nonce that is about to be signed."""


def admission(
    gate: Gate, intent: Intent, quote: Quote, sender: str, chain_time: int, *, cancels: bool = False
) -> Admit | None:
    """What the journal is to ask for a transaction; None if the gate does not count."""
    if not isinstance(gate, Counting):
        return None
    counting = gate

    def admit(connection: Connection, nonce: int) -> None:
        counting.reserve(connection, Entry(intent, quote, sender, nonce, chain_time, cancels))

    return admit


class OpenGate:
    """Lets everything through."""

    async def check(self, intent: Intent, quote: Quote) -> None:
        """Says nothing."""

    async def spent(self, row: Row, wei: int) -> None:
        """Does not count."""

    async def verified(self, intent: Intent) -> None:
        """Does not care."""
