"""What the outbox is about: an intent, the effect that it is for, and the journal's row of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chain_kit.jsonrpc import JsonRpc
from chain_kit.units import checksum_address

__all__ = ["Effect", "EffectCheck", "Effects", "Intent", "Outcome", "Row", "State"]

EffectCheck = Callable[[JsonRpc, Mapping[str, Any], int | str], Awaitable[bool]]
"""Whether an effect holds on chain as of a block (a number, or "latest"), by the effect's arguments."""

Effects = Mapping[str, EffectCheck]
"""The checks by the names under which the journal remembers them."""


class State(StrEnum):
    """How far a row has come."""

    JOURNALED = "journaled"
    """Signed and stored; it may have been broadcast, or not."""
    SENT = "sent"
    """A node took it."""
    MINED = "mined"
    """A receipt was seen; its effect not yet."""
    DONE = "done"
    """The effect holds, by this transaction or by another's."""
    FAILED = "failed"
    """Mined without the effect, or refused when it had to be built again."""
    SUPERSEDED = "superseded"
    """Its nonce went to another transaction: a later row carries the intent on."""

    @property
    def live(self) -> bool:
        """Whether something remains to be done."""
        return self in (State.JOURNALED, State.SENT, State.MINED)


@dataclass(frozen=True)
class Effect:
    """What must hold on chain: the name of a check and its arguments, JSON values."""

    name: str
    args: Mapping[str, Any]


@dataclass(frozen=True)
class Intent:
    """One thing to be done on chain, once.

    Its key is the contract, the action ("post") and the subjects ("BTC/USD@1700000100"): while one intent on
    a subject is under way, no other with that subject is sent.
    """

    contract: str
    action: str
    subjects: tuple[str, ...]
    data: bytes
    effect: Effect
    value_wei: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "contract", checksum_address(self.contract))
        if not self.subjects or len(set(self.subjects)) != len(self.subjects):
            raise ValueError(f"an intent needs subjects, each once: {self.subjects}")

    def __str__(self) -> str:
        more = f" and {len(self.subjects) - 1} more" if len(self.subjects) > 1 else ""
        return f"{self.action} {self.subjects[0]}{more}"


@dataclass(frozen=True)
class Row:
    """The journal's record of one transaction for an intent."""

    id: int
    intent: Intent
    sender: str
    nonce: int | None
    """None once the nonce is known to be another transaction's, or free again."""
    raw: bytes
    tx_hash: str
    state: State
    block_number: int | None = None
    block_hash: str | None = None
    final: bool = False
    reason: str = ""
    """Why it failed, in a sentence, or what else there is to say."""
    revert_data: str | None = None
    replaces: int | None = None


@dataclass(frozen=True)
class Outcome:
    """An intent is done. `tx_hash` is None if no transaction of this outbox did it."""

    intent: Intent
    tx_hash: str | None = None
    block_number: int | None = None
