"""A JSON document on the web, polled."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from chain_kit.errors import PriceSourceError
from chain_kit.price_sources.observations import Observations
from chain_kit.price_sources.web import MOST_BYTES, WebDocument
from chain_kit.prices import EPOCH, parse_price_e18

__all__ = ["HttpPriceSource"]

_LOG = logging.getLogger(__name__)
_MILLISECONDS_FROM = 10**11
"""Times of servers beyond this are in milliseconds: in seconds it is the year 5138."""


class HttpPriceSource:
    """A JSON document on the web, polled: a boundary's price is the first one seen at or after it.

    `path` leads to the price in the document: "data.price", or "0.last" into a list; `time_path`, if given,
    to the time of the price (UNIX seconds or milliseconds), which must then be at or after the boundary. A
    boundary that was not observed within `max_lag_seconds` has no price. Observations are kept in `memory`,
    if that is given, so that a restart forgets none.
    """

    def __init__(
        self,
        feed: str,
        url: str,
        path: str,
        *,
        time_path: str | None = None,
        memory: Path | None = None,
        poll_seconds: float = 2.0,
        timeout_seconds: float = 5.0,
        max_bytes: int = MOST_BYTES,
        max_lag_seconds: int = 60,
        clock: Callable[[], float] = time.time,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._feed = feed
        self._document = WebDocument(
            url, timeout_seconds=timeout_seconds, max_bytes=max_bytes, transport=transport
        )
        self._path = path
        self._time_path = time_path
        self._poll_seconds = poll_seconds
        self._max_lag_seconds = max_lag_seconds
        self._clock = clock
        self._observed = Observations(memory)

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._document.aclose()

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """The price that was seen first at or after `boundary`, if it was seen in time."""
        return self._observed.get(boundary) if feed == self._feed else None

    async def run(self, stop: asyncio.Event) -> None:
        """Polls until `stop` is set. A poll that fails is logged and repeated."""
        while not stop.is_set():
            try:
                await self.poll()
            except PriceSourceError as error:
                _LOG.warning("%s", error.message)
            try:
                async with asyncio.timeout(self._poll_seconds):
                    await stop.wait()
            except TimeoutError:
                continue

    async def poll(self) -> None:
        """Observes the price once, if the boundary behind us has none yet. Raises PriceSourceError."""
        boundary = int(self._clock()) // EPOCH * EPOCH
        if boundary in self._observed or self._clock() - boundary > self._max_lag_seconds:
            return
        document = await self._document.read()
        if self._time_path is not None:
            self._require_fresh(document, boundary)
        try:
            price_e18 = parse_price_e18(self._pick(document, self._path))
        except ValueError as error:
            raise self._document.failed(f"no price at {self._path!r}: {error}") from None
        self._observed.add(boundary, price_e18)

    def _require_fresh(self, document: Any, boundary: int) -> None:
        assert self._time_path is not None
        try:
            said = int(self._pick(document, self._time_path))
        except (ValueError, ArithmeticError) as error:
            raise self._document.failed(f"no time at {self._time_path!r}: {error}") from None
        seconds = said // 1000 if said >= _MILLISECONDS_FROM else said
        if not boundary <= seconds <= boundary + self._max_lag_seconds:
            raise self._document.failed(f"its price is of {seconds}, not of the minute after {boundary}")

    @staticmethod
    def _pick(document: Any, path: str) -> str | int | Decimal:
        value = document
        for key in path.split("."):
            if isinstance(value, Mapping) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                raise ValueError(f"there is no {key!r}")
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise ValueError(f"{value!r} is not a number")
        return value
