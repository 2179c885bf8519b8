"""What the trade keeper must know beside the market: the price, how much it moves, and what ether is worth.

None of them is ever guessed: what is not known, or is too old, is None, and then nothing is bought.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Protocol

from chain_kit.contracts import Contract, call_many
from chain_kit.errors import PriceSourceError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.effects import BOUNDARY_POSTED
from chain_kit.keepers.rounds import Head
from chain_kit.lmsr import WAD
from chain_kit.oracle import feed_id
from chain_kit.prices import EPOCH, PriceSeries
from chain_kit.strategies import RealisedVolatility

__all__ = [
    "BoundaryVolatility",
    "EtherPrice",
    "FeedEther",
    "FixedEther",
    "RecordedSpot",
    "Spot",
    "SpotSource",
    "collateral_up",
    "wei_down",
]


@dataclass(frozen=True)
class Spot:
    """A price (1e18) and the instant (UNIX seconds) that it is of."""

    price_e18: int
    at: int


class SpotSource(Protocol):
    """Who knows what a feed's asset costs now."""

    async def spot(self, feed: str, now: int) -> Spot | None:
        """The newest price of `feed`; `now` is the chain's clock in UNIX seconds. Raises PriceSourceError."""


class RecordedSpot:
    """Recorded prices as a spot source, for a chain whose clock runs at the time of the recording."""

    def __init__(self, series: dict[str, PriceSeries]) -> None:
        self._prices = {feed: one.prices_e18 for feed, one in series.items()}
        self._instants = {feed: list(prices) for feed, prices in self._prices.items()}

    async def spot(self, feed: str, now: int) -> Spot | None:
        """The last recorded price up to `now`."""
        instants = self._instants.get(feed, [])
        at = bisect_right(instants, now)
        return Spot(self._prices[feed][instants[at - 1]], instants[at - 1]) if at else None


class BoundaryVolatility:
    """The volatility of a feed by the prices that the oracle holds of its last `boundaries` boundaries.

    What was read once is not read again; a boundary that has no price yet is asked for until it has one, or a
    later one has.
    """

    def __init__(
        self, rpc: JsonRpc, oracle: Contract, feed: bytes, *, boundaries: int = 288, least: int = 12
    ) -> None:
        self._rpc = rpc
        self._oracle = oracle
        self._feed = feed
        self._boundaries = boundaries
        self._estimate = RealisedVolatility(returns=boundaries, least=least)

    async def volatility_e18(self, head: Head) -> int | None:
        """The deviation of the log price over one second (1e18); None if too little is known."""
        newest = head.timestamp // EPOCH * EPOCH
        first = max(newest - self._boundaries * EPOCH, (self._estimate.last or 0) + EPOCH)
        instants = range(first, newest + 1, EPOCH)
        questions = [(self._oracle, "boundaryOf", (self._feed, instant)) for instant in instants]
        answers = await call_many(self._rpc, questions, block=head.number)
        for instant, (status, price_e18) in zip(instants, answers, strict=True):
            if status == BOUNDARY_POSTED:
                self._estimate.observe(instant, price_e18)
        return self._estimate.volatility_e18()


class EtherPrice(Protocol):
    """What an ether is worth."""

    async def collateral_e18(self, head: Head) -> int:
        """Whole units of collateral for one ether, 1e18 fixed point. Raises PriceSourceError if unknown."""


class FixedEther:
    """A price that the operator has set. Raises ValueError unless it is above zero."""

    def __init__(self, price_e18: int) -> None:
        if price_e18 <= 0:
            raise ValueError(f"an ether price of {price_e18}")
        self._price_e18 = price_e18

    async def collateral_e18(self, head: Head) -> int:  # noqa: ARG002
        """The price that was set."""
        return self._price_e18


class FeedEther:
    """The newest boundary price of a feed of the oracle, such as ETH/USD where collateral is a dollar."""

    def __init__(self, rpc: JsonRpc, oracle: Contract, feed: str, *, boundaries: int = 12) -> None:
        self._rpc = rpc
        self._oracle = oracle
        self._feed = feed
        self._boundaries = boundaries

    async def collateral_e18(self, head: Head) -> int:
        """The price at the newest of the last `boundaries` boundaries that has one."""
        newest = head.timestamp // EPOCH * EPOCH
        instants = [newest - back * EPOCH for back in range(self._boundaries)]
        questions = [(self._oracle, "boundaryOf", (feed_id(self._feed), instant)) for instant in instants]
        for status, price_e18 in await call_many(self._rpc, questions, block=head.number):
            if status == BOUNDARY_POSTED:
                return int(price_e18)
        raise PriceSourceError(
            f"the oracle has no price of {self._feed} for the last {self._boundaries} boundaries:"
            " what gas costs in collateral is not known",
            hint="configure a fixed price of ether, or see to the feed",
        )


def collateral_up(wei: int, ether_e18: int, decimals: int) -> int:
    """What an amount of wei is worth in base units of the collateral, rounded up."""
    scale = int(10**decimals)
    return -(-wei * ether_e18 * scale // WAD**2)


def wei_down(units: int, ether_e18: int, decimals: int) -> int:
    """How many wei an amount of the collateral is worth, rounded down."""
    scale = int(10**decimals)
    return units * WAD**2 // (ether_e18 * scale)
