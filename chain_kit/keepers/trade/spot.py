"""Live prices for the trade keeper: the servers that boundary prices come from, asked for the present."""

from __future__ import annotations

from chain_kit.keepers.trade.prices import Spot
from chain_kit.price_sources import HermesPriceSource, HttpPriceSource
from chain_kit.prices import parse_price_e18

__all__ = ["HermesSpot", "HttpSpot"]

_MILLISECONDS_FROM = 10**11


class HttpSpot(HttpPriceSource):
    """A JSON document on the web, read anew for each question; made as an HttpPriceSource is.

    Without a `time_path` its price is taken to be of the moment at which it is read.
    """

    async def spot(self, feed: str, now: int) -> Spot | None:
        """The document's price; None for another feed. Raises PriceSourceError."""
        if feed != self._feed:
            return None
        document = await self._document.read()
        try:
            price_e18 = parse_price_e18(self._pick(document, self._path))
            if self._time_path is None:
                return Spot(price_e18, now)
            said = int(self._pick(document, self._time_path))
        except (ValueError, ArithmeticError) as error:
            raise self._document.failed(f"no price and time in it: {error}") from None
        return Spot(price_e18, said // 1000 if said >= _MILLISECONDS_FROM else said)


class HermesSpot(HermesPriceSource):
    """The latest update of a Pyth feed; made as a HermesPriceSource is, and as picky about confidence."""

    async def spot(self, feed: str, now: int) -> Spot | None:  # noqa: ARG002
        """Its price and publish time; None for a feed that it has no id of, or while Pyth is not certain.

        Raises PriceSourceError if the server gives no usable answer.
        """
        if feed not in self._ids:
            return None
        parameters = {"ids[]": self._ids[feed], "parsed": "true"}
        document = await self._document.read("/v2/updates/price/latest", parameters)
        try:
            entry = next(one for one in document["parsed"] or () if one["id"] == self._ids[feed])
            price_e18 = self._checked(entry["price"])
            published = int(entry["price"]["publish_time"])
        except StopIteration:
            return None
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise self._document.failed(f"not an update of Pyth: {error!r}") from None
        return Spot(price_e18, published) if price_e18 is not None else None
