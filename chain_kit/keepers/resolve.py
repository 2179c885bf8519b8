"""The resolve keeper: posts the boundary prices that somebody's position needs, as a quorum signs them.

It decides nothing: the chain says which boundaries are open and needed, the source says the prices. What the
source does not know is not posted; once such a boundary's deadline has passed it is stamped void.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chain_kit.contracts import Contract, call_many
from chain_kit.errors import ChainKitError, QuorumError, RevertedError
from chain_kit.keepers.asking import PriceDesk
from chain_kit.keepers.effects import boundaries_known, boundary_stamped
from chain_kit.keepers.needs import Due, NeedsReader, Point
from chain_kit.keepers.rounds import raise_first, read_head, run_rounds, submit_each
from chain_kit.keepers.signed_prices import SignedPrices
from chain_kit.oracle import BoundaryPrice, TypedDataSigner, feed_name, sign_report
from chain_kit.outbox import Intent, Outcome, Sender
from chain_kit.price_sources import PriceSource

__all__ = ["Priced", "ResolveKeeper", "ResolveRound", "batches"]

_LOG = logging.getLogger(__name__)
_MOST_PRICES = 100
_URGENT_SECONDS = 30
"""What can be posted for no longer than this goes first and alone: it may take its batch with it."""


@dataclass(frozen=True)
class ResolveRound:
    """What one round posted, what it stamped void, and what it had no price for."""

    posted: tuple[BoundaryPrice, ...]
    voided: tuple[Point, ...]
    missing: tuple[Point, ...]


@dataclass(frozen=True)
class Priced:
    """A boundary that can be posted, and its price (1e18)."""

    due: Due
    price_e18: int

    @property
    def price(self) -> BoundaryPrice:
        """As the quorum signs it."""
        return BoundaryPrice(feed_name(self.due.point.feed), self.due.point.boundary, self.price_e18)


def batches(priced: Sequence[Priced], size: int, now: int) -> list[Sequence[Priced]]:
    """`priced`, which is in the order of its deadlines, in batches of up to `size`.

    What has little time left is not in one batch with the rest.
    """
    urgent = [one for one in priced if one.due.until - now <= _URGENT_SECONDS]
    rest = priced[len(urgent) :]
    return [part[first : first + size] for part in (urgent, rest) for first in range(0, len(part), size)]


class ResolveKeeper:
    """Posts for all markets of `hub`, and races of `race`, that need prices which `adapter` vouches for.

    Safe to run twice at once, and to be killed at any moment. Up to `batch_size` prices (100 at most) of any
    feeds go into one transaction, under one quorum signature, the earliest deadline first. Each is worth
    `worth_wei`, a void stamp `void_worth_wei`; None for whatever it costs. After its last deadline a boundary
    is looked at for `grace_seconds` more, and `most_voids` are stamped in a round. The source is asked for
    `at_once` prices at a time, for `ask_seconds` in a round.
    """

    name = "resolve"

    def __init__(
        self,
        sender: Sender,
        *,
        hub: str,
        oracle: str,
        adapter: str,
        source: PriceSource,
        quorum: Sequence[TypedDataSigner],
        race: str | None = None,
        batch_size: int = _MOST_PRICES,
        grace_seconds: int = 3_600,
        worth_wei: int | None = None,
        void_worth_wei: int | None = None,
        most_voids: int = 8,
        ask_seconds: float = 20.0,
        at_once: int = 8,
    ) -> None:
        if not 1 <= batch_size <= _MOST_PRICES:
            raise ValueError(f"a batch of {batch_size} prices is not within 1 to {_MOST_PRICES}")
        self._sender = sender
        self._oracle = Contract("BoundaryOracle", oracle)
        self._adapter = Contract("SignedReportAdapter", adapter)
        races = Contract("RaceMarket", race) if race is not None else None
        self._needs = NeedsReader(sender.rpc, Contract("EpochHub", hub), self._oracle, self._adapter, races)
        self._source = source
        self._desk = PriceDesk(source, seconds=ask_seconds, at_once=at_once)
        self._signed = SignedPrices(sender, self._oracle, self._adapter)
        self._quorum = quorum
        self._batch_size = batch_size
        self._grace_seconds = grace_seconds
        self._worth_wei = worth_wei
        self._void_worth_wei = void_worth_wei
        self._most_voids = most_voids
        self._reporters: Sequence[TypedDataSigner] = ()

    async def run(self, stop: asyncio.Event, poll_seconds: float = 2.0) -> None:
        """Runs rounds until `stop` is set, while the price source observes.

        What may be otherwise in the next round is logged only; QuorumError and the like are raised.
        """
        tasks = [
            asyncio.create_task(self._source.run(stop)),
            asyncio.create_task(run_rounds(self.name, self.run_once, stop, poll_seconds)),
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def run_once(self) -> ResolveRound:
        """One round: goes on with what is under way, then posts and voids what is needed and can be.

        Raises QuorumError if too few of the adapter's signers are at hand; else the first failure, after
        everything that did not fail.
        """
        await self._sender.reconcile()
        await self._find_reporters()
        head = await read_head(self._sender.rpc)
        needs = await self._needs.read(head, grace_seconds=self._grace_seconds)
        under_way = await self._sender.under_way(self._oracle.address, "post")
        open_ = [due for due in needs.open if str(due.point) not in under_way]
        signed = await self._signed.of([due.point for due in open_])
        asked = await self._desk.ask([due.point for due in open_ if due.point not in signed], head.timestamp)
        known = {**asked.prices, **signed}
        priced = [Priced(due, known[due.point]) for due in open_ if due.point in known]
        results: list[Outcome | ChainKitError] = []
        for batch in batches(priced, self._batch_size, head.timestamp):
            results += await self._post_all(batch)
        late = needs.late[: self._most_voids]
        results += await submit_each(self._sender, self._voids(late), in_flight=self._most_voids)
        raise_first([*results, asked.failure])
        return ResolveRound(tuple(one.price for one in priced), late, tuple(asked.missing))

    async def _find_reporters(self) -> None:
        """Picks as many of the quorum's keys as the adapter asks for. They never change there."""
        if self._reporters:
            return
        questions = [(self._adapter, "isSigner", (signer.address,)) for signer in self._quorum]
        (threshold,), *known = await call_many(
            self._sender.rpc, [(self._adapter, "threshold", ()), *questions]
        )
        reporters = [signer for signer, (is_signer,) in zip(self._quorum, known, strict=True) if is_signer]
        if len(reporters) < threshold:
            raise QuorumError(
                f"{self._adapter} asks for {threshold} of its signers, {len(reporters)} of them are at hand"
            )
        self._reporters = reporters[:threshold]

    # ------------------------------------------------------------------ posting

    async def _post_all(self, batch: Sequence[Priced]) -> list[Outcome | ChainKitError]:
        """Posts a batch. One that the contract refuses is halved, until what it refuses is alone."""
        (result,) = await submit_each(self._sender, [self._post(batch)])
        if len(batch) == 1 or not isinstance(result, RevertedError):
            return [result]
        middle = len(batch) // 2
        return [*await self._post_all(batch[:middle]), *await self._post_all(batch[middle:])]

    def _post(self, batch: Sequence[Priced]) -> Intent:
        prices, points = [one.price for one in batch], [one.due.point for one in batch]
        self._signed.add(prices)
        report = sign_report(self._sender.chain_id, self._adapter.address, prices, self._reporters)
        return Intent(
            contract=self._oracle.address,
            action="post",
            subjects=tuple(str(point) for point in points),
            data=self._oracle.encode_call("post", self._adapter.address, report),
            effect=boundaries_known(self._oracle.address, [(p.feed, p.boundary) for p in points]),
            deadline=min(one.due.until for one in batch),
            worth_wei=None if self._worth_wei is None else self._worth_wei * len(batch),
        )

    def _voids(self, points: Iterable[Point]) -> list[Intent]:
        return [
            Intent(
                contract=self._oracle.address,
                action="void",
                subjects=(str(point),),
                data=self._oracle.encode_call("voidBoundary", point.feed, point.boundary),
                effect=boundary_stamped(self._oracle.address, point.feed, point.boundary),
                worth_wei=self._void_worth_wei,
            )
            for point in points
        ]
