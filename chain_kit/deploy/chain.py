"""What the deployer asks of a chain, and what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chain_kit.manifest import Manifest

__all__ = ["Chain", "DeploymentReport", "Step", "Waiting"]


class Chain(Protocol):
    """The chain as one account acts on it; `chain_kit.deploy.ape_chain.ApeChain` is the real one."""

    sender: str

    @property
    def chain_id(self) -> int:
        """The chain's id."""

    @property
    def genesis_hash(self) -> str:
        """The hash of block 0."""

    @property
    def timestamp(self) -> int:
        """The newest block's time."""

    def code_hash(self, address: str) -> str | None:
        """keccak256 of the code at `address`; None where there is none."""

    def deploy(self, contract: str, arguments: tuple[Any, ...]) -> tuple[str, str, int]:
        """Deploys; the address, transaction and block."""

    def transact(self, contract: str, address: str, function: str, *arguments: Any) -> tuple[str, int]:
        """Sends a call; its transaction and block. An overloaded function goes by its signature."""

    def call(self, contract: str, address: str, function: str, *arguments: Any) -> Any:
        """The result of a view."""

    def find_event(
        self, contract: str, address: str, event: str, indexed: bytes, *, first_block: int
    ) -> tuple[str, int] | None:
        """Transaction and block of the first `event` whose first indexed value (32 bytes) is `indexed`."""


@dataclass(frozen=True)
class Step:
    """One part: what it is, where, and the transaction that made it, or None if it stood already."""

    name: str
    address: str
    transaction: str | None


@dataclass(frozen=True)
class Waiting:
    """What the owner has announced at the timelock, and when it can be executed (UNIX seconds)."""

    what: tuple[str, ...]
    timelock: str
    operation: str
    """Its id there: 0x and 64 digits."""
    ready_at: int


@dataclass(frozen=True)
class DeploymentReport:
    """The manifest, and what was done for it. What is `waiting`, and what needs it, is not there yet."""

    manifest: Manifest
    steps: Sequence[Step]
    waiting: Waiting | None = None

    @property
    def sent(self) -> int:
        """How many parts needed a transaction."""
        return sum(step.transaction is not None for step in self.steps)
