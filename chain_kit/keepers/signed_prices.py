"""What a quorum has signed already: of one boundary it never signs two prices.

A report that was sent in vain is known to the world all the same, and valid until its deadline. With two of
them for one boundary whoever posts could choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eth_abi.exceptions import DecodingError

from chain_kit.abi_codec import functions_of
from chain_kit.contracts import Contract
from chain_kit.keepers.needs import Point
from chain_kit.oracle import BoundaryPrice, decode_report, feed_id
from chain_kit.outbox import Row, Sender

__all__ = ["SignedPrices"]


class SignedPrices:
    """Prices (1e18) that were signed for `adapter`: in this process, and by the outbox before it."""

    def __init__(self, sender: Sender, oracle: Contract, adapter: Contract) -> None:
        self._sender = sender
        self._oracle = oracle
        self._adapter = adapter
        self._prices: dict[Point, int] = {}
        self._looked_up: set[Point] = set()

    async def of(self, points: Sequence[Point]) -> dict[Point, int]:
        """The prices that were signed for those of `points` that have one. Forgets all other points."""
        wanted = set(points)
        new = wanted - self._looked_up
        subjects = [str(point) for point in new]
        for row in await self._sender.rows_about(self._oracle.address, "post", subjects):
            for price in self._prices_in(row):
                self._prices.setdefault(Point(feed_id(price.feed), price.boundary), price.price_e18)
        self._looked_up = wanted
        self._prices = {point: price for point, price in self._prices.items() if point in wanted}
        return dict(self._prices)

    def add(self, prices: Iterable[BoundaryPrice]) -> None:
        """Notes what is about to be signed."""
        for price in prices:
            self._prices[Point(feed_id(price.feed), price.boundary)] = price.price_e18

    def _prices_in(self, row: Row) -> list[BoundaryPrice]:
        try:
            adapter, report = functions_of("BoundaryOracle")["post"].decode_inputs(row.intent.data[4:])
            return decode_report(report) if adapter == self._adapter.address else []
        except DecodingError:
            return []
