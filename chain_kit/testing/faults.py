"""What can go wrong between a client and its node, each as a value that `FaultProxy` takes.

`per_mille` says how often: 1000, which it is unless said, is always. `methods` are the JSON-RPC methods that
it may strike; None is all. A fault of a request as a whole strikes a batch if it holds one of the methods.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from chain_kit.testing.stale import STALE_METHODS

__all__ = [
    "Delay",
    "DropReply",
    "DropRequest",
    "DuplicateDelivery",
    "EnforceReplacementRule",
    "Fault",
    "HttpStatus",
    "LateReceipt",
    "NullReceipt",
    "StaleReplica",
    "WrongChainId",
]

RECEIPT, BROADCAST = "eth_getTransactionReceipt", "eth_sendRawTransaction"


@dataclass(frozen=True)
class Fault:
    """What all have in common. Raises ValueError for a rate that is none."""

    per_mille: int = field(default=1000, kw_only=True)
    methods: frozenset[str] | None = field(default=None, kw_only=True)

    only: ClassVar[frozenset[str] | None] = None
    """The methods that a kind of fault can strike at all; None is all."""

    def __post_init__(self) -> None:
        if not 0 <= self.per_mille <= 1000:
            raise ValueError(f"per_mille is from 0 to 1000, not {self.per_mille}")

    def concerns(self, method: str) -> bool:
        """Whether it may strike a call of `method`."""
        wanted = self.methods is None or method in self.methods
        return wanted and (self.only is None or method in self.only)


@dataclass(frozen=True)
class DropReply(Fault):
    """The node gets the request and does it; the connection breaks off instead of the reply."""


@dataclass(frozen=True)
class DropRequest(Fault):
    """The connection breaks off, and the node never sees the request."""


@dataclass(frozen=True)
class HttpStatus(Fault):
    """An HTTP status, 429 or 503 for one, instead of what was asked; the node never sees the request."""

    status: int = 429
    retry_after_seconds: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 400 <= self.status <= 599:
            raise ValueError(f"an HTTP status that refuses is from 400 to 599, not {self.status}")


@dataclass(frozen=True)
class Delay(Fault):
    """The request reaches the node that much later, even if its sender has gone meanwhile."""

    seconds: float = 1.0


@dataclass(frozen=True)
class NullReceipt(Fault):
    """There is no receipt this time, whether there is one or not."""

    only = frozenset({RECEIPT})


@dataclass(frozen=True)
class LateReceipt(Fault):
    """Some transactions, chosen by hash, have no receipt until `blocks` more blocks are mined."""

    blocks: int = 1
    only = frozenset({RECEIPT})


@dataclass(frozen=True)
class StaleReplica(Fault):
    """Another node answers, `blocks` behind: its head, nonces, states, logs and receipts are of then.

    What is broadcast to it reaches the chain all the same.
    """

    blocks: int = 1
    only = STALE_METHODS


@dataclass(frozen=True)
class DuplicateDelivery(Fault):
    """The node gets the request twice, one after the other; the second reply is the one that comes back."""


@dataclass(frozen=True)
class EnforceReplacementRule(Fault):
    """A transaction that replaces a pending one of the same sender and nonce must offer more in both fields.

    As geth has it: at least `percent` more, or "replacement transaction underpriced". anvil takes one that
    offers a wei more. Only transactions that passed the same proxy are known to it.
    """

    percent: int = 10
    only = frozenset({BROADCAST})


@dataclass(frozen=True)
class WrongChainId(Fault):
    """The node says that it serves another chain."""

    chain_id: int = 1
    only = frozenset({"eth_chainId", "net_version"})
