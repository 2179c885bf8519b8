"""What a verification found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chain_kit.errors import VerificationError
from indexer.blocks import Block

__all__ = ["Difference", "Findings", "Report"]

_SHOWN = 5


@dataclass(frozen=True)
class Difference:
    """A value that is not what the chain says; None on a side where there is none."""

    what: str
    stored: Any
    chain: Any

    def __str__(self) -> str:
        return f"{self.what} is {self.stored}, on chain {self.chain}"


@dataclass
class Findings:
    """Counts comparisons and keeps those that fail."""

    checks: int = 0
    differences: list[Difference] = field(default_factory=list)

    def same(self, what: str, stored: Any, chain: Any) -> None:
        """One comparison."""
        self.checks += 1
        if stored != chain:
            self.differences.append(Difference(what, stored, chain))

    def same_fields(
        self, what: str, stored: Mapping[str, Any] | None, chain: Mapping[str, Any] | None
    ) -> None:
        """Every field of a record; a record that is only on one side is one difference."""
        if stored is None or chain is None:
            self.same(what, stored, chain)
            return
        for name in chain:
            self.same(f"{what} {name}", stored.get(name), chain[name])


@dataclass(frozen=True)
class Report:
    """How a verification of an index ended. `block` is the one that everything was compared at."""

    block: Block
    checks: int
    differences: tuple[Difference, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def require_ok(self) -> None:
        """Raises VerificationError, which names the first differences, unless nothing differs."""
        if self.ok:
            return
        more = len(self.differences) - _SHOWN
        listed = "; ".join(str(difference) for difference in self.differences[:_SHOWN])
        raise VerificationError(
            f"{len(self.differences)} of {self.checks} numbers differ at block {self.block.number}: {listed}"
            + (f"; and {more} more" if more > 0 else "")
        )
