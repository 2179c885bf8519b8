"""The timelocks of a chain in memory: roles, announcements, and calls that are executed after the delay."""

from __future__ import annotations

from typing import Any

from chain_kit.abi_codec import functions_of
from chain_kit.errors import RevertedError
from chain_kit.units import keccak256

__all__ = ["FakeTimelocks"]

_ROLES = {keccak256(f"{name}_ROLE".encode()): name for name in ("PROPOSER", "EXECUTOR", "CANCELLER")}
_CALLED = ("BoundaryOracle", "EpochHub", "RaceMarket")
_DONE = 1


class FakeTimelocks:
    """What a chain's timelocks do. `operations` has each announced one's time, 1 once it is done."""

    sender: str
    timestamp: int

    def open_timelock(self, address: str, delay: int, owner: str, guardian: str) -> None:
        """A new one."""
        self.delays = {**getattr(self, "delays", {}), address: delay}
        self.operations: dict[bytes, int] = getattr(self, "operations", {})
        self._roles: set[tuple[str, str, str]] = getattr(self, "_roles", set())
        self._roles |= {(address, role, owner) for role in _ROLES.values()}
        self._roles.add((address, "CANCELLER", guardian))

    def _effect(self, address: str, function: str, *arguments: Any) -> None:
        raise NotImplementedError

    def _scheduleBatch(self, timelock: str, *batch: Any) -> None:  # noqa: N802
        *call, delay = batch
        operation = self._view_hashOperationBatch(timelock, *call)
        self._require_role(timelock, "PROPOSER")
        if operation in self.operations or delay < self.delays[timelock]:
            raise RevertedError("TimelockInsufficientDelay", error_name="TimelockInsufficientDelay")
        self.operations[operation] = self.timestamp + delay

    def _executeBatch(self, timelock: str, *batch: Any) -> None:  # noqa: N802
        operation = self._view_hashOperationBatch(timelock, *batch)
        self._require_role(timelock, "EXECUTOR")
        if self._view_getOperationState(timelock, operation) != 2:
            raise RevertedError("TimelockUnexpectedOperationState")
        targets, _, payloads, *_ = batch
        caller, self.sender = self.sender, timelock
        for target, data in zip(targets, payloads, strict=True):
            self._effect(target, *_decoded(data))
        self.sender = caller
        self.operations[operation] = _DONE

    def _require_role(self, timelock: str, role: str) -> None:
        if (timelock, role, self.sender) not in self._roles:
            raise RevertedError("AccessControlUnauthorizedAccount")

    def _view_hasRole(self, timelock: str, role: bytes, account: str) -> bool:  # noqa: N802
        return (timelock, _ROLES[role], account) in self._roles

    def _view_getMinDelay(self, timelock: str) -> int:  # noqa: N802
        return int(self.delays[timelock])

    def _view_hashOperationBatch(self, timelock: str, *batch: Any) -> bytes:  # noqa: N802
        return keccak256(repr((timelock, batch)).encode())

    def _view_getTimestamp(self, timelock: str, operation: bytes) -> int:  # noqa: N802
        assert timelock in self.delays
        return self.operations.get(operation, 0)

    def _view_getOperationState(self, timelock: str, operation: bytes) -> int:  # noqa: N802
        at = self._view_getTimestamp(timelock, operation)
        return 0 if at == 0 else 3 if at == _DONE else 1 if at > self.timestamp else 2


def _decoded(data: bytes) -> tuple[Any, ...]:
    """Name and arguments of call data."""
    entries = [entry for name in _CALLED for entry in functions_of(name).values()]
    entry = next(entry for entry in entries if entry.selector == data[:4])
    return entry.name, *entry.decode_inputs(data[4:])
