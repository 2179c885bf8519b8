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
from chain_kit.errors import QuorumError
from chain_kit.keepers.effects import boundaries_known, boundary_stamped
from chain_kit.keepers.needs import NeedsReader, Point
from chain_kit.keepers.rounds import read_head, run_rounds, submit_all
from chain_kit.oracle import BoundaryPrice, TypedDataSigner, feed_id, feed_name, sign_report
from chain_kit.outbox import Intent, Sender
from chain_kit.price_sources import PriceSource

__all__ = ["ResolveKeeper", "ResolveRound"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ResolveRound:
    """What one round posted, what it stamped void, and what it had no price for."""

    posted: tuple[BoundaryPrice, ...]
    voided: tuple[Point, ...]
    missing: tuple[Point, ...]


class ResolveKeeper:
    """Posts for all markets of a hub whose feeds take their reports from `adapter`.

    Safe to run twice at once, and to be killed at any moment. Up to `batch_size` prices (100 at most) go into
    one transaction. `grace_seconds` is how long after its deadline a boundary is still looked at.
    """

    def __init__(
        self,
        sender: Sender,
        *,
        hub: str,
        oracle: str,
        adapter: str,
        source: PriceSource,
        quorum: Sequence[TypedDataSigner],
        batch_size: int = 100,
        grace_seconds: int = 3_600,
    ) -> None:
        if not 1 <= batch_size <= 100:
            raise ValueError(f"a batch of {batch_size} prices is not within 1 to 100")
        self._sender = sender
        self._oracle = Contract("BoundaryOracle", oracle)
        self._adapter = Contract("SignedReportAdapter", adapter)
        self._needs = NeedsReader(sender.rpc, Contract("EpochHub", hub), self._oracle, self._adapter)
        self._source = source
        self._quorum = quorum
        self._batch_size = batch_size
        self._grace_seconds = grace_seconds
        self._reporters: Sequence[TypedDataSigner] = ()

    async def run(self, stop: asyncio.Event, poll_seconds: float = 2.0) -> None:
        """Runs rounds until `stop` is set, while the price source observes.

        What may be otherwise in the next round is logged only; QuorumError and the like are raised.
        """
        tasks = [
            asyncio.create_task(self._source.run(stop)),
            asyncio.create_task(run_rounds("resolve", self.run_once, stop, poll_seconds)),
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
        prices, missing = await self._priced(point for point in needs.open if str(point) not in under_way)
        await submit_all(self._sender, [*self._posts(prices), *self._voids(needs.late)])
        return ResolveRound(tuple(prices), needs.late, tuple(missing))

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

    async def _priced(self, points: Iterable[Point]) -> tuple[list[BoundaryPrice], list[Point]]:
        """The prices of those `points` that the source knows, and the rest."""
        prices: list[BoundaryPrice] = []
        missing: list[Point] = []
        for point in points:
            feed = feed_name(point.feed)
            price_e18 = await self._source.price_e18(feed, point.boundary)
            if price_e18 is None:
                _LOG.warning("no price for %s", point)
                missing.append(point)
            else:
                prices.append(BoundaryPrice(feed, point.boundary, price_e18))
        return prices, missing

    def _posts(self, prices: Sequence[BoundaryPrice]) -> list[Intent]:
        firsts = range(0, len(prices), self._batch_size)
        return [self._post(prices[first : first + self._batch_size]) for first in firsts]

    def _post(self, prices: Sequence[BoundaryPrice]) -> Intent:
        points = [Point(feed_id(price.feed), price.boundary) for price in prices]
        report = sign_report(self._sender.chain_id, self._adapter.address, prices, self._reporters)
        return Intent(
            contract=self._oracle.address,
            action="post",
            subjects=tuple(str(point) for point in points),
            data=self._oracle.encode_call("post", self._adapter.address, report),
            effect=boundaries_known(self._oracle.address, [(p.feed, p.boundary) for p in points]),
        )

    def _voids(self, points: Iterable[Point]) -> list[Intent]:
        return [
            Intent(
                contract=self._oracle.address,
                action="void",
                subjects=(str(point),),
                data=self._oracle.encode_call("voidBoundary", point.feed, point.boundary),
                effect=boundary_stamped(self._oracle.address, point.feed, point.boundary),
            )
            for point in points
        ]
