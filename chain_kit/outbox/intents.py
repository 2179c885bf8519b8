"""What the outbox is about: an intent, the effect that it is for, and the journal's row of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chain_kit.fees import Fees
from chain_kit.jsonrpc import JsonRpc
from chain_kit.units import checksum_address

__all__ = [
    "Attempt",
    "Effect",
    "EffectCheck",
    "Effects",
    "Intent",
    "Kind",
    "Level",
    "Offer",
    "Outcome",
    "Row",
    "State",
]

EffectCheck = Callable[[JsonRpc, Mapping[str, Any], int | str], Awaitable[bool]]
"""Whether an effect holds on chain as of a block (a number, or "latest"), by the effect's arguments."""

Effects = Mapping[str, EffectCheck]
"""The checks by the names under which the journal remembers them."""


class Level(StrEnum):
    """How far the chain has taken a row."""

    JOURNALED = "journaled"
    """Signed and stored; it may have been broadcast, or not."""
    SENT = "sent"
    """A node took it."""
    MINED = "mined"
    """A block holds it, or shows that its effect is there."""
    SAFE = "safe"
    """That block is safe."""
    FINALIZED = "finalized"
    """That block cannot go any more: nothing about the row changes again."""


class State(StrEnum):
    """How a row stands, in a word: its outcome if it has one, else its level."""

    JOURNALED = "journaled"
    SENT = "sent"
    MINED = "mined"
    """A receipt was seen; whether its effect is there is not known yet."""
    DONE = "done"
    """The effect holds, by this transaction or by another's."""
    FAILED = "failed"
    """Mined without the effect, or refused when it had to be built again."""
    EXPIRED = "expired"
    """Its deadline passed: an empty transaction has used its nonce."""
    SUPERSEDED = "superseded"
    """Its nonce went to another transaction: a later row carries the intent on."""

    @property
    def live(self) -> bool:
        """Whether something remains to be done."""
        return self in _LIVE


_LIVE = (State.JOURNALED, State.SENT, State.MINED)


class Kind(StrEnum):
    """What a transaction at a row's nonce is for."""

    CALL = "call"
    """The intent's call."""
    CANCEL = "cancel"
    """Nothing, sent to its own sender: the nonce is used up, and the call cannot come any more."""


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

    After `deadline` (UNIX seconds of the chain's clock) it is not wanted any more. It may cost `worth_wei` at
    most, the L1 fee included, its value not; until it costs less it waits.
    """

    contract: str
    action: str
    subjects: tuple[str, ...]
    data: bytes
    effect: Effect
    value_wei: int = 0
    deadline: int | None = None
    worth_wei: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "contract", checksum_address(self.contract))
        if not self.subjects or len(set(self.subjects)) != len(self.subjects):
            raise ValueError(f"an intent needs subjects, each once: {self.subjects}")

    def __str__(self) -> str:
        more = f" and {len(self.subjects) - 1} more" if len(self.subjects) > 1 else ""
        return f"{self.action} {self.subjects[0]}{more}"


@dataclass(frozen=True)
class Offer:
    """The gas of a transaction and what it offers for it."""

    gas: int
    fees: Fees

    @property
    def most_wei(self) -> int:
        """What the gas can cost at the highest."""
        return self.gas * self.fees.max_fee_per_gas_wei


@dataclass(frozen=True)
class Attempt:
    """One signed transaction at a row's nonce. `created_at` is the chain's clock, UNIX seconds."""

    kind: Kind
    tx_hash: str
    raw: bytes
    offer: Offer
    created_at: int


@dataclass(frozen=True)
class Row:
    """The journal's record of an intent at a nonce."""

    id: int
    intent: Intent
    sender: str
    nonce: int | None
    """None once the nonce is known to be another transaction's, or free again."""
    tx_hash: str
    """The newest attempt's, or that one's which a block holds or held."""
    level: Level
    outcome: str = ""
    """One of State's done, failed, expired and superseded; "" while something remains to be done."""
    attempts: tuple[Attempt, ...] = ()
    """Every transaction ever signed for the row, oldest first: any of them may be mined."""
    block_number: int | None = None
    block_hash: str | None = None
    reason: str = ""
    """Why it failed, in a sentence, or what else there is to say."""
    revert_data: str | None = None
    replaces: int | None = None

    @property
    def state(self) -> State:
        """How it stands, in a word."""
        return State(self.outcome or self.level)

    @property
    def final(self) -> bool:
        """Whether nothing about it changes again."""
        return self.level is Level.FINALIZED

    @property
    def attempt(self) -> Attempt:
        """The attempt of `tx_hash`."""
        return next(one for one in self.attempts if one.tx_hash == self.tx_hash)

    @property
    def raw(self) -> bytes:
        """The bytes of that attempt."""
        return self.attempt.raw


@dataclass(frozen=True)
class Outcome:
    """An intent is done. `tx_hash` is None if no transaction of this outbox did it."""

    intent: Intent
    tx_hash: str | None = None
    block_number: int | None = None
