"""What is owed, as the chain says it: to holders of shares, to houses, and to the vault's accounts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from chain_kit.contracts import Contract, call_many
from chain_kit.errors import PayoutTreeError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.contests import Contest, read_races
from chain_kit.keepers.payments import HouseShares, Payment, Shares, VaultClaim
from chain_kit.keepers.payout_folder import PayoutFolder
from chain_kit.keepers.rounds import Head
from chain_kit.payouts import PayoutTree
from chain_kit.prices import EPOCH
from chain_kit.units import checksum_address

__all__ = ["House", "Named", "Owed", "Vault"]

_LOG = logging.getLogger(__name__)
# Epochs just ended are looked at again: the clock of a block that a reorg puts in place may lie behind.
_LOOK_AGAIN_EPOCHS = 12
_OPEN = 0
_RACE_SHIFT = 16


class Named(Protocol):
    """Epochs of a market, or of a race's book, that an account seems to be owed for."""

    @property
    def account(self) -> str:
        """Whose shares."""

    @property
    def market_id(self) -> int:
        """Of the market, or the book."""

    @property
    def epochs(self) -> tuple[int, ...]:
        """Which epochs."""

    @property
    def race(self) -> bool:
        """Whether it is a book."""


class Owed:
    """Shares of ended epochs, up to `chunk` epochs in a payment."""

    def __init__(self, rpc: JsonRpc, hub: Contract, race: Contract | None, chunk: int) -> None:
        self._rpc = rpc
        self._hub = hub
        self._race = race
        self._chunk = chunk

    async def read(self, claims: Iterable[Named], markets: Sequence[Contest], head: Head) -> list[Payment]:
        """What the chain says is owed for `claims` as of block `head`."""
        claims = list(claims)
        races = await read_races(self._rpc, self._race, head) if any(c.race for c in claims) else []
        began = {(one.contract, one.id): one.genesis for one in [*markets, *races]}
        wanted: dict[tuple[Contract, int, str], set[int]] = {}
        for claim in claims:
            ledger = self._race if claim.race else self._hub
            if ledger is None:
                continue
            place = (ledger, claim.market_id, checksum_address(claim.account))
            # An index may know a market that a reorg has taken back.
            if _contest_of(place, self._race) in began:
                wanted.setdefault(place, set()).update(claim.epochs)
        points = [(place, epoch) for place, epochs in wanted.items() for epoch in sorted(epochs)]
        questions = [(ledger, "claimable", (m, epoch, account)) for (ledger, m, account), epoch in points]
        answers = await call_many(self._rpc, questions, block=head.number)
        owed: dict[tuple[Contract, int, str], dict[int, int]] = {}
        for (place, epoch), (amount_units,) in zip(points, answers, strict=True):
            if amount_units > 0:
                owed.setdefault(place, {})[epoch] = amount_units
        books = [
            (m, epoch) for (ledger, m, _), found in owed.items() if ledger is self._race for epoch in found
        ]
        helpers = await self._helpers(set(books), head)
        return [
            self._payment(place, part, found, began[_contest_of(place, self._race)], helpers)
            for place, found in owed.items()
            for part in _parts(list(found), self._chunk)
        ]

    def _payment(
        self,
        place: tuple[Contract, int, str],
        epochs: Sequence[int],
        owed: dict[int, int],
        genesis: int,
        helpers: dict[tuple[int, int], tuple[bytes, ...]],
    ) -> Payment:
        ledger, market_id, account = place
        return Shares(
            contract=ledger,
            subjects=tuple(f"{account}:{market_id}:{epoch}" for epoch in epochs),
            data=ledger.encode_call("redeemFor", account, market_id, epochs),
            weight=len(epochs),
            value_units=sum(owed[epoch] for epoch in epochs),
            owed_units=sum(owed.values()),
            since=genesis + min(epochs) * EPOCH,
            helpers=tuple(call for epoch in epochs for call in helpers.get((market_id, epoch), ())),
            market_id=market_id,
            account=account,
            epochs=tuple(epochs),
        )

    async def _helpers(
        self, books: set[tuple[int, int]], head: Head
    ) -> dict[tuple[int, int], tuple[bytes, ...]]:
        """By book and epoch: what stores the race's result, of which every redemption then needs less gas."""
        race = self._race
        if race is None or not books:
            return {}
        ended = sorted({(book >> _RACE_SHIFT, epoch) for book, epoch in books})
        questions = [(race, "storedResult", one) for one in ended]
        answers = await call_many(self._rpc, questions, block=head.number)
        calls = {
            one: (race.encode_call("storeResult", *one),)
            for one, (stored,) in zip(ended, answers, strict=True)
            if not stored
        }
        return {(book, epoch): calls.get((book >> _RACE_SHIFT, epoch), ()) for book, epoch in books}


class House:
    """The house's shares of ended epochs, up to `chunk` in a payment, looked for `lookback_epochs` back."""

    def __init__(self, rpc: JsonRpc, hub: Contract, chunk: int, lookback_epochs: int) -> None:
        self._rpc = rpc
        self._hub = hub
        self._chunk = chunk
        self._lookback_epochs = lookback_epochs
        # By market: every epoch below is ended and settled.
        self._settled_below: dict[int, int] = {}

    async def read(self, markets: Sequence[Contest], head: Head) -> list[Payment]:
        """What is to be settled as of block `head`."""
        return [
            HouseShares(
                contract=self._hub,
                subjects=tuple(f"{market.id}:{epoch}" for epoch in epochs),
                data=self._hub.encode_call("settleHouse", market.id, epochs),
                weight=len(epochs),
                since=market.genesis + min(epochs) * EPOCH,
                market_id=market.id,
                epochs=tuple(epochs),
            )
            for market in markets
            for epochs in _parts(await self._unsettled(market, head), self._chunk)
        ]

    async def _unsettled(self, market: Contest, head: Head) -> list[int]:
        """The ended epochs with an outcome in which the house still holds shares."""
        running = market.running(head.timestamp)
        first = self._settled_below.get(market.id, running - self._lookback_epochs)
        epochs = range(max(1, min(first, running - _LOOK_AGAIN_EPOCHS)), running)
        questions = [(self._hub, "epochState", (market.id, epoch)) for epoch in epochs]
        states = await call_many(self._rpc, questions, block=head.number)
        held = [
            epoch
            for epoch, state in zip(epochs, states, strict=True)
            if not state.settled and (state.houseYes or state.houseNo)
        ]
        self._settled_below[market.id] = held[0] if held else running
        questions = [(self._hub, "outcomeOf", (market.id, epoch)) for epoch in held]
        outcomes = await call_many(self._rpc, questions, block=head.number)
        return [epoch for epoch, (outcome, *_) in zip(held, outcomes, strict=True) if outcome != _OPEN]


class Vault:
    """What accounts of the active root's tree have not claimed. `payouts` is the published file or folder."""

    def __init__(self, rpc: JsonRpc, vault: str, payouts: Path) -> None:
        self.contract = Contract("PayoutVault", vault)
        self._rpc = rpc
        self._payouts = payouts
        self._tree: PayoutTree | None = None
        # By account: since when (the chain's clock) this has been seen to be owed.
        self._seen: dict[str, int] = {}

    async def read(self, head: Head) -> list[Payment]:
        """What is to be claimed as of block `head`; nothing while the published tree is not the active."""
        (root, *_) = await self.contract.call(self._rpc, "activeRoot", block=head.number)
        tree = await self._tree_of(root)
        if tree is None:
            return []
        questions = [(self.contract, "claimed", (account,)) for account in tree.totals]
        answers = await call_many(self._rpc, questions, block=head.number)
        owed = {
            account: total_units - claimed_units
            for (account, total_units), (claimed_units,) in zip(tree.totals.items(), answers, strict=True)
            if total_units > claimed_units
        }
        self._seen = {account: self._seen.get(account, head.timestamp) for account in owed}
        return [self._claim(tree, account, units) for account, units in owed.items()]

    async def _tree_of(self, root: bytes) -> PayoutTree | None:
        if self._tree is None or self._tree.root != root:
            self._tree = await asyncio.to_thread(self._load, root)
        return self._tree

    def _load(self, root: bytes) -> PayoutTree | None:
        if self._payouts.is_dir():
            return PayoutFolder(self._payouts).tree(root)
        if not self._payouts.exists():
            return None
        try:
            tree = PayoutTree.load(self._payouts)
        except PayoutTreeError as error:
            # Others are owed something too: it may be mended before the next round.
            _LOG.error("%s", error.message)
            return None
        return tree if tree.root == root else None

    def _claim(self, tree: PayoutTree, account: str, units: int) -> Payment:
        total_units = tree.totals[account]
        return VaultClaim(
            contract=self.contract,
            subjects=(f"{account}:{total_units}",),
            data=self.contract.encode_call("claim", account, total_units, tree.proof(account)),
            value_units=units,
            owed_units=units,
            since=self._seen[account],
            account=account,
            total_units=total_units,
        )


def _contest_of(place: tuple[Contract, int, str], race: Contract | None) -> tuple[Contract, int]:
    """The market, or the race of a book."""
    ledger, market_id, _ = place
    return ledger, market_id >> _RACE_SHIFT if ledger is race else market_id


def _parts(epochs: Sequence[int], most: int) -> list[Sequence[int]]:
    return [epochs[first : first + most] for first in range(0, len(epochs), most)]
