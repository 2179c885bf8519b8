"""Prices from Hermes, the web service of the Pyth network.

Its documents are as https://hermes.pyth.network/docs describes `/v2/updates/price/{publish_time}`: under
`parsed` one entry for each id, with a price as whole number and exponent, and the times of this update and
the one before.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from chain_kit.errors import SettingError
from chain_kit.price_sources.observations import Observations
from chain_kit.price_sources.web import WebDocument
from chain_kit.prices import parse_price_e18

__all__ = ["HermesPriceSource"]

_ID = re.compile(r"(?:0x)?[0-9a-f]{64}")
_BPS = 10_000
_LEAST_EXPONENT = -18
_PRICE_END = 2**63
"""Pyth's prices are 64-bit integers, and so are their confidence intervals."""


class HermesPriceSource:
    """The first update of a Pyth feed at or after a boundary, however long ago: nothing is observed.

    `ids` are Pyth's ids (64 hexadecimal digits) by feed ("BTC/USD"). An update more than `max_lag_seconds`
    after the boundary is not its price, nor is one whose confidence interval is wider than
    `max_confidence_bps` of it.
    """

    def __init__(
        self,
        url: str,
        ids: Mapping[str, str],
        *,
        max_lag_seconds: int = 60,
        max_confidence_bps: int = 100,
        timeout_seconds: float = 5.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        for feed, number in ids.items():
            if _ID.fullmatch(number) is None:
                raise SettingError(f"{number!r} is no id of Pyth for {feed}", hint="it has 64 hex digits")
        self._ids = {feed: number.removeprefix("0x") for feed, number in ids.items()}
        self._max_lag_seconds = max_lag_seconds
        self._max_confidence_bps = max_confidence_bps
        self._known: dict[str, Observations] = {feed: Observations() for feed in ids}
        self._document = WebDocument(url.rstrip("/"), timeout_seconds=timeout_seconds, transport=transport)

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._document.aclose()

    async def run(self, stop: asyncio.Event) -> None:
        """Nothing to observe."""

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """The price of the first update at or after `boundary`; None if none is near enough.

        Raises PriceSourceError if the server gives no usable answer.
        """
        if feed not in self._ids:
            return None
        known = self._known[feed].get(boundary)
        if known is None:
            known = await self._ask(feed, boundary)
            if known is not None:
                self._known[feed].add(boundary, known)
        return known

    async def _ask(self, feed: str, boundary: int) -> int | None:
        parameters = {"ids[]": self._ids[feed], "parsed": "true", "ignore_invalid_price_ids": "true"}
        document = await self._document.read(f"/v2/updates/price/{boundary}", parameters)
        try:
            entry = next(one for one in document["parsed"] or () if one["id"] == self._ids[feed])
            price, published = entry["price"], int(entry["price"]["publish_time"])
            before = int(entry["metadata"]["prev_publish_time"])
            if not before < boundary <= published <= boundary + self._max_lag_seconds:
                return None
            return self._checked(price)
        except StopIteration:
            return None
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise self._document.failed(f"not an update of Pyth: {error!r}") from None

    def _checked(self, price: Mapping[str, Any]) -> int | None:
        exponent = int(price["expo"])
        if not _LEAST_EXPONENT <= exponent <= -_LEAST_EXPONENT:
            raise ValueError(f"an exponent of {exponent}")
        number, confidence = int(price["price"]), int(price["conf"])
        if not (abs(number) < _PRICE_END and 0 <= confidence < 2 * _PRICE_END):
            raise ValueError("a price beyond 64 bits")
        price_e18 = parse_price_e18(Decimal(number).scaleb(exponent))
        is_certain = confidence * _BPS <= number * self._max_confidence_bps
        return price_e18 if is_certain else None
