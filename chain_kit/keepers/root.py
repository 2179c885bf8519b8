"""The root keeper: what accounts are owed becomes a payout root, which is proposed, waited for and activated.

The leaves are published before their root is proposed, so that none is ever active without them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from chain_kit.contracts import Answer, Contract, Question, call_many
from chain_kit.errors import PayoutTreeError, RootConflictError, SendError
from chain_kit.keepers.accruals import AccrualError, AccrualSource
from chain_kit.keepers.effects import root_active, root_known
from chain_kit.keepers.payout_folder import PayoutFolder
from chain_kit.keepers.rounds import Head, read_head, run_rounds
from chain_kit.outbox import Intent, Sender, State
from chain_kit.payouts import PayoutTree
from chain_kit.units import format_units

__all__ = ["CoverageError", "PublishError", "RootKeeper", "RootState", "RootStatus", "RootVetoedError"]

T = TypeVar("T")
R = TypeVar("R")

_NO_ROOT = bytes(32)
_PROPOSE, _ACTIVATE = "propose root", "activate root"


class CoverageError(SendError, hint="send the vault what is missing: the keeper goes on by itself"):
    """The vault's reserve does not cover what a root owes; the message says how much is missing."""


class PublishError(SendError, hint="see to the folder and its disk: the keeper goes on by itself"):
    """The tree could not be published; nothing was sent."""


class RootVetoedError(SendError, hint="correct the accruals: other totals make another root"):
    """The root was proposed before, and vetoed. It is not proposed again."""


class RootState(StrEnum):
    """How far a root has come."""

    IDLE = "idle"
    """Nobody has ever been owed anything."""
    PENDING = "pending"
    ACTIVE = "active"


@dataclass(frozen=True)
class RootStatus:
    """How far the newest root has come, and for a pending one when (UNIX seconds) it can be made active."""

    state: RootState
    active_at: int | None = None
    root: bytes = _NO_ROOT
    total_units: int = 0


@dataclass(frozen=True)
class _Vault:
    """What the vault says at one block."""

    head: Head
    active: Answer
    pending: Answer
    reserve_units: int


class RootKeeper:
    """Brings the roots of `accruals` into force at `vault`, one after another, as they grow.

    The sender must be the vault's operator. Trees are published into `folder`, which the world sees at
    `base_uri`: give it the same folder always, it is how the keeper knows its own roots. The next root is
    proposed when the totals have grown by `least_units` in all, and is worth `worth_wei`, as its activation
    is; None for whatever they cost. Safe to run twice at once, and to be killed at any moment.
    """

    name = "root"

    def __init__(
        self,
        sender: Sender,
        *,
        vault: str,
        accruals: AccrualSource,
        folder: Path | str,
        base_uri: str | None = None,
        least_units: int = 1,
        worth_wei: int | None = None,
    ) -> None:
        self._sender = sender
        self._vault = Contract("PayoutVault", vault)
        self._accruals = accruals
        self._folder = PayoutFolder(folder, base_uri)
        self._least_units = least_units
        self._worth_wei = worth_wei
        self._token: tuple[str, int] | None = None

    async def run(self, stop: asyncio.Event, poll_seconds: float = 60.0) -> None:
        """Runs rounds until `stop` is set. What may be otherwise in the next round is logged only."""
        await run_rounds(self.name, self.run_once, stop, poll_seconds)

    async def run_once(self) -> RootStatus:
        """Does what can be done now: activates what has waited long enough, or else proposes what is new.

        Raises AccrualError for accruals that cannot be published; CoverageError; PublishError;
        RootConflictError if a root is pending or active that is not published here; RootVetoedError; and
        what `Sender.submit` raises.
        """
        await self._sender.reconcile()
        vault = await self._read()
        if vault.pending.root != _NO_ROOT:
            return await self._carry_on(vault)
        previous = await self._active_tree(vault)
        tree = await self._next_tree(previous)
        if tree is None:
            return RootStatus(RootState.IDLE)
        grown_units = tree.total_units - vault.active.total
        if previous is not None and (tree.root == previous.root or grown_units < self._least_units):
            return _active(previous)
        return await self._propose(vault, tree)

    # ------------------------------------------------------------------ what is there

    async def _read(self) -> _Vault:
        head = await read_head(self._sender.rpc)
        names = ("activeRoot", "pendingRoot", "reserveStatus")
        questions: list[Question] = [(self._vault, name, ()) for name in names]
        active, pending, reserve = await call_many(self._sender.rpc, questions, block=head.number)
        return _Vault(head, active, pending, reserve.reserve)

    async def _active_tree(self, vault: _Vault) -> PayoutTree | None:
        """The active root's tree, shown as such; None before the first."""
        if vault.active.root == _NO_ROOT:
            return None
        tree = await self._published(vault.active.root, "active")
        await self._in_folder(self._folder.set_active, tree.root)
        return tree

    async def _published(self, root: bytes, which: str) -> PayoutTree:
        tree = await asyncio.to_thread(self._folder.tree, root)
        if tree is None:
            raise RootConflictError(
                f"the {which} root 0x{root.hex()} of {self._vault} is not published in {self._folder.folder}",
                hint="if it is yours, put its payouts.json into a folder there that has the root as its name;"
                " a pending one that is not can be vetoed",
            )
        return tree

    async def _next_tree(self, previous: PayoutTree | None) -> PayoutTree | None:
        """The tree of what is owed now; None if nothing is. Raises AccrualError."""
        totals = await self._accruals.totals()
        earlier = previous.totals if previous is not None else {}
        for account, before_units in earlier.items():
            if totals.get(account, 0) < before_units:
                before, now = [await self._amount(units) for units in (before_units, totals.get(account, 0))]
                place = self._accruals.place(account)
                raise AccrualError(f"{place}: the total of {account} shrinks from {before} to {now}")
        if not totals:
            return None
        try:
            return PayoutTree.build(self._sender.chain_id, self._vault.address, totals.items())
        except PayoutTreeError as error:
            raise AccrualError(error.message) from None

    # ------------------------------------------------------------------ what is done

    async def _carry_on(self, vault: _Vault) -> RootStatus:
        """Activates the pending root, if it has waited long enough."""
        tree = await self._published(vault.pending.root, "pending")
        if vault.head.timestamp < vault.pending.activeAt:
            return RootStatus(RootState.PENDING, vault.pending.activeAt, tree.root, tree.total_units)
        await self._require_cover(vault, tree.total_units)
        await self._sender.submit(
            Intent(
                contract=self._vault.address,
                action=_ACTIVATE,
                subjects=("0x" + tree.root.hex(),),
                data=self._vault.encode_call("activateRoot"),
                effect=root_active(self._vault.address, tree.root),
                worth_wei=self._worth_wei,
            )
        )
        await self._in_folder(self._folder.set_active, tree.root)
        return _active(tree)

    async def _propose(self, vault: _Vault, tree: PayoutTree) -> RootStatus:
        subject = "0x" + tree.root.hex()
        rows = await self._sender.rows_about(self._vault.address, _PROPOSE, [subject])
        if rows and rows[-1].state is State.DONE:
            raise RootVetoedError(
                f"the root {subject}, {await self._amount(tree.total_units)} in all, was proposed to"
                f" {self._vault} and vetoed"
            )
        await self._require_cover(vault, tree.total_units)
        uri = await self._in_folder(self._folder.publish, tree)
        await self._sender.submit(
            Intent(
                contract=self._vault.address,
                action=_PROPOSE,
                subjects=(subject,),
                data=self._vault.encode_call("proposeRoot", tree.root, tree.total_units, uri),
                effect=root_known(self._vault.address, tree.root),
                worth_wei=self._worth_wei,
            )
        )
        vault = await self._read()
        active_at = vault.pending.activeAt if vault.pending.root == tree.root else None
        return RootStatus(RootState.PENDING, active_at, tree.root, tree.total_units)

    async def _in_folder(self, write: Callable[[T], R], what: T) -> R:
        try:
            return await asyncio.to_thread(write, what)
        except OSError as error:
            raise PublishError(f"cannot publish in {self._folder.folder}: {error}") from None

    async def _require_cover(self, vault: _Vault, total_units: int) -> None:
        needed_units = total_units - vault.active.claimedTotal
        if needed_units > vault.reserve_units:
            needed, held, missing = [
                await self._amount(units)
                for units in (needed_units, vault.reserve_units, needed_units - vault.reserve_units)
            ]
            raise CoverageError(
                f"the next root owes {needed}, {self._vault} holds {held}: {missing} are missing",
                hint=f"send {missing} to {self._vault.address}; or veto the root if one is pending",
            )

    async def _amount(self, units: int) -> str:
        """An amount of the payout token, for people."""
        if self._token is None:
            (address,) = await self._vault.call(self._sender.rpc, "payoutToken")
            token = Contract("TestToken", address)
            (symbol,), (decimals,) = await call_many(
                self._sender.rpc, [(token, "symbol", ()), (token, "decimals", ())]
            )
            self._token = (symbol, decimals)
        symbol, decimals = self._token
        return f"{format_units(units, decimals)} {symbol}"


def _active(tree: PayoutTree) -> RootStatus:
    return RootStatus(RootState.ACTIVE, None, tree.root, tree.total_units)
