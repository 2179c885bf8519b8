"""The claim keeper: pays out what is owed.

Epochs are redeemed to their holders, the house's shares settled into its budget, published vault payouts
claimed for their accounts. Whom to look at comes from a source, an index as a rule; what is owed is read from
the chain before anything is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chain_kit.contracts import Contract, call_many
from chain_kit.keepers.effects import house_settled, positions_redeemed, total_claimed
from chain_kit.keepers.rounds import Head, read_head, run_rounds, submit_all
from chain_kit.outbox import Intent, Outcome, Sender
from chain_kit.payouts import PayoutTree
from chain_kit.prices import EPOCH
from chain_kit.units import checksum_address

__all__ = ["Claim", "ClaimKeeper", "ClaimSource"]

# Epochs just ended are looked at again: the clock of a block that a reorg puts in place may lie behind.
_LOOK_AGAIN_EPOCHS = 12
_OPEN = 0


@dataclass(frozen=True)
class Claim:
    """What an account seems to be owed for epochs of a market, in base units of the collateral."""

    account: str
    market_id: int
    epochs: tuple[int, ...]
    amount_units: int


class ClaimSource(Protocol):
    """Who knows where something is to be claimed."""

    async def claims(self) -> list[Claim]:
        """Everything that seems to be owed now; the keeper checks it."""


class ClaimKeeper:
    """Claims for everybody, from any account: what is owed goes to its owner, whoever calls.

    Safe to run twice at once, and to be killed at any moment. Up to `chunk` epochs go into one transaction; a
    claim below `least_units` waits; `in_flight` transactions are sent at a time. `payouts` is the published
    file of the vault's active root. House shares are looked for `lookback_epochs` back.
    """

    def __init__(
        self,
        sender: Sender,
        *,
        hub: str,
        source: ClaimSource,
        vault: str | None = None,
        payouts: Path | None = None,
        chunk: int = 50,
        least_units: int = 1,
        in_flight: int = 1,
        lookback_epochs: int = 2_016,
    ) -> None:
        self._sender = sender
        self._hub = Contract("EpochHub", hub)
        self._vault = Contract("PayoutVault", vault) if vault is not None else None
        self._source = source
        self._payouts = payouts
        self._chunk = chunk
        self._least_units = least_units
        self._in_flight = in_flight
        self._lookback_epochs = lookback_epochs
        # By market: every epoch below is ended and settled.
        self._settled_below: dict[int, int] = {}

    async def run(self, stop: asyncio.Event, poll_seconds: float = 10.0) -> None:
        """Runs rounds until `stop` is set. What may be otherwise in the next round is logged only."""
        await run_rounds("claim", self.run_once, stop, poll_seconds)

    async def run_once(self) -> list[Outcome]:
        """One round: goes on with what is under way, then claims, settles and redeems what is owed.

        Raises the first failure, after everything that did not fail.
        """
        await self._sender.reconcile()
        head = await read_head(self._sender.rpc)
        intents = [
            *await self._redemptions(head),
            *await self._settlements(head),
            *await self._vault_claims(),
        ]
        return await submit_all(self._sender, intents, in_flight=self._in_flight)

    # ------------------------------------------------------------------ epochs

    async def _redemptions(self, head: Head) -> list[Intent]:
        wanted: dict[tuple[str, int], set[int]] = {}
        for claim in await self._source.claims():
            wanted.setdefault((checksum_address(claim.account), claim.market_id), set()).update(claim.epochs)
        points = [(account, m, epoch) for (account, m), epochs in wanted.items() for epoch in sorted(epochs)]
        questions = [(self._hub, "claimable", (m, epoch, account)) for account, m, epoch in points]
        answers = await call_many(self._sender.rpc, questions, block=head.number)
        owed = {point: answer[0] for point, answer in zip(points, answers, strict=True) if answer[0] > 0}
        intents: list[Intent] = []
        for account, market_id in wanted:
            epochs = [epoch for a, m, epoch in owed if (a, m) == (account, market_id)]
            if sum(owed[account, market_id, epoch] for epoch in epochs) >= self._least_units:
                intents += [self._redeem(account, market_id, part) for part in self._chunks(epochs)]
        return intents

    def _chunks(self, epochs: Sequence[int]) -> Iterable[Sequence[int]]:
        return (epochs[first : first + self._chunk] for first in range(0, len(epochs), self._chunk))

    def _redeem(self, account: str, market_id: int, epochs: Sequence[int]) -> Intent:
        return Intent(
            contract=self._hub.address,
            action="redeem",
            subjects=tuple(f"{account}:{market_id}:{epoch}" for epoch in epochs),
            data=self._hub.encode_call("redeemFor", account, market_id, epochs),
            effect=positions_redeemed(self._hub.address, market_id, account, epochs),
        )

    # ------------------------------------------------------------------ the house

    async def _settlements(self, head: Head) -> list[Intent]:
        rpc = self._sender.rpc
        (count,) = await self._hub.call(rpc, "marketCount", block=head.number)
        markets = range(1, count + 1)
        answers = await call_many(rpc, [(self._hub, "market", (m,)) for m in markets], block=head.number)
        intents: list[Intent] = []
        for market_id, (market,) in zip(markets, answers, strict=True):
            running = max(0, (head.timestamp - market.genesis) // EPOCH + 1)
            ended = await self._unsettled(market_id, running, head)
            intents += [self._settle(market_id, part) for part in self._chunks(ended)]
        return intents

    async def _unsettled(self, market_id: int, running: int, head: Head) -> list[int]:
        """The ended epochs with an outcome in which the house still holds shares."""
        first = self._settled_below.get(market_id, running - self._lookback_epochs)
        epochs = range(max(1, min(first, running - _LOOK_AGAIN_EPOCHS)), running)
        questions = [(self._hub, "epochState", (market_id, epoch)) for epoch in epochs]
        states = await call_many(self._sender.rpc, questions, block=head.number)
        held = [
            epoch
            for epoch, state in zip(epochs, states, strict=True)
            if not state.settled and (state.houseYes or state.houseNo)
        ]
        self._settled_below[market_id] = held[0] if held else running
        questions = [(self._hub, "outcomeOf", (market_id, epoch)) for epoch in held]
        outcomes = await call_many(self._sender.rpc, questions, block=head.number)
        return [epoch for epoch, (outcome, *_) in zip(held, outcomes, strict=True) if outcome != _OPEN]

    def _settle(self, market_id: int, epochs: Sequence[int]) -> Intent:
        return Intent(
            contract=self._hub.address,
            action="settle",
            subjects=tuple(f"{market_id}:{epoch}" for epoch in epochs),
            data=self._hub.encode_call("settleHouse", market_id, epochs),
            effect=house_settled(self._hub.address, market_id, epochs),
        )

    # ------------------------------------------------------------------ the vault

    async def _vault_claims(self) -> list[Intent]:
        """Claims of every account of the published tree that the active root owes more than it was paid."""
        vault, path = self._vault, self._payouts
        if vault is None or path is None or not path.exists():
            return []
        tree = PayoutTree.load(path)
        active = await vault.call(self._sender.rpc, "activeRoot")
        if active[0] != tree.root:
            return []
        questions = [(vault, "claimed", (account,)) for account in tree.totals]
        claimed = await call_many(self._sender.rpc, questions)
        pairs = zip(tree.totals.items(), claimed, strict=True)
        return [
            self._claim(vault, tree, account)
            for (account, total_units), (claimed_units,) in pairs
            if total_units > claimed_units
        ]

    def _claim(self, vault: Contract, tree: PayoutTree, account: str) -> Intent:
        total_units = tree.totals[account]
        return Intent(
            contract=vault.address,
            action="claim",
            subjects=(f"{account}:{total_units}",),
            data=vault.encode_call("claim", account, total_units, tree.proof(account)),
            effect=total_claimed(vault.address, account, total_units),
        )
