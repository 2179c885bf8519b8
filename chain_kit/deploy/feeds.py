"""Feeds: registered by the oracle's owner, and found there if a run broke off before it wrote them down."""

from __future__ import annotations

from collections.abc import Sequence

from chain_kit.deploy.adapters import Served
from chain_kit.deploy.builder import Builder
from chain_kit.deploy.chain import Step
from chain_kit.deploy.events import origin
from chain_kit.deploy.feed_specification import REPORTS, FeedSpec
from chain_kit.deploy.powers import OwnerCall
from chain_kit.errors import DeploymentConflictError
from chain_kit.manifest import FeedRecord
from chain_kit.oracle import feed_id
from chain_kit.units import checksum_address

__all__ = ["Feeds"]

_REGISTER = "registerFeed(bytes32,address[],uint256[])"


class Feeds:
    """The feeds of a specification, at the oracle and in the manifest."""

    def __init__(self, builder: Builder, feeds: Sequence[FeedSpec], oracle: str, served: Served) -> None:
        self._builder = builder
        self._chain = builder.chain
        self._feeds = {feed.name: feed for feed in feeds}
        self._oracle = oracle
        self._served = served

    def missing(self) -> list[OwnerCall]:
        """What registers those that the oracle has not. Raises DeploymentConflictError for others."""
        return [self._registration(feed) for feed in self._feeds.values() if not self._is_registered(feed)]

    def write(self, call: OwnerCall, transaction: str, block: int) -> None:
        """Records the feed that one of the calls has registered."""
        feed = self._feeds[call.what.removeprefix("feed ")]
        self._builder.write_feed(self._record(feed, transaction, block))
        self._builder.done(Step(call.what, self._oracle, transaction))

    def find(self) -> set[str]:
        """Records those that are registered and not in the manifest; the names of all that are registered."""
        builder = self._builder
        told = {step.name for step in builder.steps}
        registered = [feed for feed in self._feeds.values() if self._is_registered(feed)]
        for feed in registered:
            known = builder.manifest.feeds.get(feed.name)
            if known is None:
                oracle = builder.manifest.contracts["BoundaryOracle"]
                where = origin(self._chain, oracle, "BoundaryOracle", "FeedRegistered", feed_id(feed.name))
            else:
                where = known.transaction, known.block
            builder.write_feed(self._record(feed, *where))
            if f"feed {feed.name}" not in told:
                builder.done(Step(f"feed {feed.name}", self._oracle, None))
        return {feed.name for feed in registered}

    def _adapters(self, feed: FeedSpec) -> list[str]:
        return [self._served[kind][feed.name] for kind in feed.adapters]

    def _registration(self, feed: FeedSpec) -> OwnerCall:
        arguments = (feed_id(feed.name), self._adapters(feed), list(feed.deadlines))
        return OwnerCall(f"feed {feed.name}", "BoundaryOracle", self._oracle, _REGISTER, arguments)

    def _is_registered(self, feed: FeedSpec) -> bool:
        identity = feed_id(feed.name)
        if not self._chain.call("BoundaryOracle", self._oracle, "isFeed", identity):
            return False
        adapters, deadlines = self._chain.call("BoundaryOracle", self._oracle, "adaptersOf", identity)
        known = [checksum_address(str(one)) for one in adapters], [int(one) for one in deadlines]
        wanted = self._adapters(feed), list(feed.deadlines)
        if known != wanted:
            raise DeploymentConflictError(f"feed {feed.name}", self._oracle, known, wanted)
        return True

    def _record(self, feed: FeedSpec, transaction: str, block: int) -> FeedRecord:
        adapters = self._adapters(feed)
        first = feed.adapters.index(REPORTS) if REPORTS in feed.adapters else 0
        return FeedRecord(
            name=feed.name,
            id="0x" + feed_id(feed.name).hex(),
            adapter=adapters[first],
            deadline=feed.deadlines[-1],
            adapters=tuple(adapters),
            deadlines=feed.deadlines,
            transaction=transaction,
            block=block,
        )
