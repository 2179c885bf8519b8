"""What only the owner may do: the deployer's until everything is set, the timelock's from then on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chain_kit.contracts import Contract
from chain_kit.deploy.builder import Builder
from chain_kit.deploy.chain import Step, Waiting
from chain_kit.errors import NotOwnerError
from chain_kit.units import checksum_address, keccak256

__all__ = ["OwnerCall", "Powers"]

_UNSET, _WAITING, _READY, _DONE = range(4)
_PROPOSER, _EXECUTOR = (keccak256(name) for name in (b"PROPOSER_ROLE", b"EXECUTOR_ROLE"))
_NO_PREDECESSOR = bytes(32)
_ROLES_OF = {_PROPOSER: "announces", _EXECUTOR: "executes"}


@dataclass(frozen=True)
class OwnerCall:
    """A call that only the owner of a contract may send. `function` is its full signature."""

    what: str
    """The part that it makes: "feed BTC/USD"."""
    contract: str
    address: str
    function: str
    arguments: tuple[Any, ...]

    @property
    def data(self) -> bytes:
        """The call data."""
        return Contract(self.contract, self.address).encode_call(self.function, *self.arguments)


class Powers:
    """Sends owners' calls from whoever the owner is, and hands the contracts over to the timelock.

    All of its state is on chain: a run that broke off, or that waits, goes on where it was.
    """

    def __init__(self, builder: Builder, timelock: str) -> None:
        self._builder = builder
        self._chain = builder.chain
        self._timelock = timelock
        self.waiting: Waiting | None = None
        """What the last calls wait for, if they are the timelock's and cannot be executed yet."""

    def send(self, calls: Sequence[OwnerCall]) -> Iterator[tuple[OwnerCall, str, int]]:
        """Each call with the transaction and block that had its effect, as soon as that is there.

        Those to contracts of the timelock's go there together: first announced, and executed in a run after
        the delay; until then they are `waiting`. Raises NotOwnerError where neither is for the signer to do.
        """
        later: list[OwnerCall] = []
        for call in calls:
            owner = self._address(call.contract, call.address, "owner")
            if owner == self._timelock:
                later.append(call)
                continue
            if owner != self._chain.sender:
                raise NotOwnerError(
                    f"{call.what} needs {owner}, the owner of {call.contract} at {call.address}"
                )
            self._builder.require_writable()
            yield call, *self._chain.transact(call.contract, call.address, call.function, *call.arguments)
        if later:
            done = self._by_timelock(later)
            if done is not None:
                yield from ((call, *done) for call in later)

    def hand_over(self, contracts: Sequence[tuple[str, str]]) -> None:
        """Makes the timelock the owner of each (contract, address) of which it is not yet."""
        offered: list[tuple[str, str]] = []
        for contract, address in contracts:
            owner = self._address(contract, address, "owner")
            if owner == self._timelock:
                self._builder.done(Step(f"owner of {contract}", address, None))
                continue
            if self._address(contract, address, "pendingOwner") != self._timelock:
                if owner != self._chain.sender:
                    raise NotOwnerError(f"{contract} at {address} belongs to {owner}, not to the timelock")
                self._chain.transact(contract, address, "transferOwnership", self._timelock)
            offered.append((contract, address))
        if offered:
            addresses = [address for _, address in offered]
            taken, _ = self._chain.transact("Timelock", self._timelock, "acceptOwnerships", addresses)
            for contract, address in offered:
                self._builder.done(Step(f"owner of {contract}", address, taken))

    # ---------------------------------------------------------------- at the timelock

    def _by_timelock(self, calls: Sequence[OwnerCall]) -> tuple[str, int] | None:
        """Executes the calls as one operation if it is due, and else sees to it that it is announced."""
        what = tuple(call.what for call in calls)
        batch, operation = self._operation(calls)
        state = self._state(operation)
        if state == _READY:
            return self._transact(_EXECUTOR, what, "executeBatch", *batch)
        if state == _UNSET:
            delay = int(self._ask("getMinDelay"))
            announced, _ = self._transact(_PROPOSER, what, "scheduleBatch", *batch, delay)
            for name in what:
                self._builder.done(Step(f"announcement of {name}", self._timelock, announced))
        ready_at = int(self._ask("getTimestamp", operation))
        self.waiting = Waiting(what, self._timelock, "0x" + operation.hex(), ready_at)
        return None

    def _operation(self, calls: Sequence[OwnerCall]) -> tuple[tuple[Any, ...], bytes]:
        """The calls as the timelock takes them, and their id there: the first that has not been done.

        What was done once and is needed again, an operator that was dismissed for one, is another operation.
        """
        salt = 0
        while True:
            batch = (
                [call.address for call in calls],
                [0] * len(calls),
                [call.data for call in calls],
                _NO_PREDECESSOR,
                salt.to_bytes(32, "big"),
            )
            operation = bytes(self._ask("hashOperationBatch", *batch))
            if self._state(operation) != _DONE:
                return batch, operation
            salt += 1

    def _transact(self, role: bytes, what: Sequence[str], function: str, *arguments: Any) -> tuple[str, int]:
        if not self._ask("hasRole", role, self._chain.sender):
            data = Contract("Timelock", self._timelock).encode_call(function, *arguments)
            raise NotOwnerError(
                f"{', '.join(what)}: {self._chain.sender} is not who {_ROLES_OF[role]} at the timelock",
                hint=f"run this with its owner's key, or have it send to {self._timelock}: 0x{data.hex()}",
            )
        self._builder.require_writable()
        return self._chain.transact("Timelock", self._timelock, function, *arguments)

    def _state(self, operation: bytes) -> int:
        return int(self._ask("getOperationState", operation))

    def _ask(self, function: str, *arguments: Any) -> Any:
        return self._chain.call("Timelock", self._timelock, function, *arguments)

    def _address(self, contract: str, address: str, function: str) -> str:
        return checksum_address(str(self._chain.call(contract, address, function)))
