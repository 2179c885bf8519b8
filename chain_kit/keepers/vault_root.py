"""The operator's part of a payout: proposes a tree's root to the vault, waits for the delay, activates it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from chain_kit.contracts import Answer, Contract, Question, call_many
from chain_kit.errors import PayoutTreeError, RootConflictError
from chain_kit.keepers.effects import root_active, root_known
from chain_kit.keepers.rounds import read_head, run_rounds
from chain_kit.outbox import Intent, Sender
from chain_kit.payouts import PayoutTree

__all__ = ["RootKeeper", "RootState", "RootStatus"]

_NO_ROOT = bytes(32)


class RootState(StrEnum):
    """How far a root has come."""

    PENDING = "pending"
    ACTIVE = "active"


@dataclass(frozen=True)
class RootStatus:
    """How far a root has come, and for a pending one when (UNIX seconds) it can be made active."""

    state: RootState
    active_at: int | None = None


class RootKeeper:
    """Brings one tree's root into force. `uri` says where its leaves are published.

    The sender must be the vault's operator. Safe to run twice at once, and to be killed at any moment.
    """

    def __init__(self, sender: Sender, tree: PayoutTree, uri: str) -> None:
        self._sender = sender
        self._vault = Contract("PayoutVault", tree.vault)
        self._tree = tree
        self._uri = uri

    async def run(self, stop: asyncio.Event, poll_seconds: float = 2.0) -> None:
        """Runs rounds until the root is active, or `stop` is set."""
        await run_rounds(
            "root",
            self.run_once,
            stop,
            poll_seconds,
            finished=lambda status: status.state is RootState.ACTIVE,
        )

    async def run_once(self) -> RootStatus:
        """Does what can be done now: proposes, or activates once the chain's clock has passed the delay.

        Raises PayoutTreeError if the tree is of another chain or owes less in all than the active one,
        RootConflictError if another root is pending, and what `Sender.submit` raises.
        """
        if self._tree.chain_id != self._sender.chain_id:
            raise PayoutTreeError(
                f"the payouts are of chain {self._tree.chain_id}, the node serves {self._sender.chain_id}"
            )
        await self._sender.reconcile()
        active, pending = await self._roots()
        if active.root != self._tree.root and pending.root == _NO_ROOT:
            if self._tree.total_units < active.total:
                raise PayoutTreeError(
                    f"the payouts add up to {self._tree.total_units}, the active root's to {active.total}"
                )
            await self._sender.submit(self._proposal())
            active, pending = await self._roots()
        if active.root == self._tree.root:
            return RootStatus(RootState.ACTIVE)
        if pending.root != self._tree.root:
            raise RootConflictError(f"{self._vault} holds the pending root 0x{pending.root.hex()}")
        head = await read_head(self._sender.rpc)
        if head.timestamp < pending.activeAt:
            return RootStatus(RootState.PENDING, pending.activeAt)
        await self._sender.submit(self._activation())
        return RootStatus(RootState.ACTIVE)

    async def _roots(self) -> tuple[Answer, Answer]:
        """The vault's active and its pending root, each with its total."""
        questions: list[Question] = [(self._vault, "activeRoot", ()), (self._vault, "pendingRoot", ())]
        active, pending = await call_many(self._sender.rpc, questions)
        return active, pending

    def _proposal(self) -> Intent:
        root = self._tree.root
        return Intent(
            contract=self._vault.address,
            action="propose root",
            subjects=("0x" + root.hex(),),
            data=self._vault.encode_call("proposeRoot", root, self._tree.total_units, self._uri),
            effect=root_known(self._vault.address, root),
        )

    def _activation(self) -> Intent:
        root = self._tree.root
        return Intent(
            contract=self._vault.address,
            action="activate root",
            subjects=("0x" + root.hex(),),
            data=self._vault.encode_call("activateRoot"),
            effect=root_active(self._vault.address, root),
        )
