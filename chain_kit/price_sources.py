"""Where a keeper takes its prices from: a recorded series, one replayed on today's clock, or HTTP.

A source answers with the price at a boundary or with None. It never makes one up.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import httpx
import orjson

from chain_kit.errors import PriceFileError, PriceSourceError
from chain_kit.files import write_atomically
from chain_kit.prices import DAY, EPOCH, PriceSeries, parse_price_e18
from chain_kit.urls import public_url

__all__ = ["HttpPriceSource", "PriceSource", "RecordedPrices", "ReplayedPrices"]

# No oracle waits longer than a week for a price.
_KEPT_SECONDS = 7 * DAY
_LOG = logging.getLogger(__name__)


class PriceSource(Protocol):
    """What the resolve keeper asks."""

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """The price (1e18) of `feed` ("BTC/USD") at `boundary` (UNIX seconds); None if it is not known."""

    async def run(self, stop: asyncio.Event) -> None:
        """Observes until `stop` is set; returns at once if there is nothing to observe."""


class RecordedPrices:
    """Prices on their own clock, for a chain whose clock runs at the time of the recording."""

    def __init__(self, series: Mapping[str, PriceSeries]) -> None:
        self._series = dict(series)

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """The recorded price at `boundary`."""
        series = self._series.get(feed)
        return series.price_e18(boundary) if series is not None else None

    async def run(self, stop: asyncio.Event) -> None:
        """Nothing to observe."""


class ReplayedPrices:
    """Recorded days mapped onto today and the days that follow, time of day by time of day.

    The first whole day of the recording is mapped onto the day of `now` (UTC), the next onto tomorrow; after
    the last whole day comes the first again. Multiples of 300 s stay multiples of 300 s.
    """

    def __init__(self, feed: str, series: PriceSeries, now: int) -> None:
        self._feed = feed
        self._series = series
        self._today = now // DAY
        days = range(series.first // DAY, series.last // DAY + 1)
        self._days = [day for day in days if self._is_whole(day)]
        if not self._days:
            raise PriceFileError(series.path, "holds no whole day, from 00:00 to 23:55 UTC, to replay")

    def _is_whole(self, day: int) -> bool:
        ends = (day * DAY, (day + 1) * DAY - EPOCH)
        return all(self._series.price_e18(ts) is not None for ts in ends)

    def recorded(self, ts: int) -> int:
        """The recorded instant that stands for the live instant `ts`."""
        day = self._days[(ts // DAY - self._today) % len(self._days)]
        return day * DAY + ts % DAY

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """The recorded price at the instant that `boundary` stands for."""
        return self._series.price_e18(self.recorded(boundary)) if feed == self._feed else None

    async def run(self, stop: asyncio.Event) -> None:
        """Nothing to observe."""


class HttpPriceSource:
    """A JSON document on the web, polled: a boundary's price is the first one seen at or after it.

    `path` leads to the price in the document: "data.price", or "0.last" into a list. A boundary that was not
    observed within `max_lag_seconds` has no price. Observations are kept in `memory`, if that is given, so
    that a restart forgets none.
    """

    def __init__(
        self,
        feed: str,
        url: str,
        path: str,
        *,
        memory: Path | None = None,
        poll_seconds: float = 2.0,
        timeout_seconds: float = 5.0,
        max_bytes: int = 65_536,
        max_lag_seconds: int = 60,
        clock: Callable[[], float] = time.time,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._feed = feed
        self._url = url
        self._path = path
        self._memory = memory
        self._poll_seconds = poll_seconds
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes
        self._max_lag_seconds = max_lag_seconds
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=timeout_seconds, transport=transport)
        self._observed = self._remembered()

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._client.aclose()

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
        self._observed[boundary] = await self._fetch()
        self._observed = {ts: p for ts, p in self._observed.items() if ts > boundary - _KEPT_SECONDS}
        if self._memory is not None:
            rows = {str(ts): str(price_e18) for ts, price_e18 in self._observed.items()}
            write_atomically(self._memory, orjson.dumps(rows))

    def _remembered(self) -> dict[int, int]:
        if self._memory is None or not self._memory.exists():
            return {}
        try:
            rows = orjson.loads(self._memory.read_bytes())
            return {int(ts): int(price_e18) for ts, price_e18 in rows.items()}
        except (OSError, ValueError, AttributeError) as error:
            raise PriceSourceError(
                f"{self._memory} does not hold observed prices: {error}", hint="move the file away"
            ) from None

    async def _fetch(self) -> int:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                body = await self._read()
        except TimeoutError:
            raise self._failed(f"no answer within {self._timeout_seconds} s") from None
        except httpx.HTTPError as error:
            raise self._failed(type(error).__name__) from None
        try:
            # No float: 0.1 stays 0.1.
            document = json.loads(body, parse_float=Decimal, parse_constant=Decimal)
            return parse_price_e18(self._pick(document))
        except (ValueError, RecursionError) as error:
            raise self._failed(f"no price at {self._path!r}: {error}") from None

    async def _read(self) -> bytes:
        body = bytearray()
        # Redirects are not followed: the price comes from where the operator said.
        async with self._client.stream("GET", self._url) as response:
            if response.status_code != httpx.codes.OK:
                raise self._failed(f"HTTP status {response.status_code}")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._max_bytes:
                    raise self._failed(f"it sent more than {self._max_bytes} bytes")
        return bytes(body)

    def _pick(self, document: Any) -> str | int | Decimal:
        value = document
        for key in self._path.split("."):
            if isinstance(value, Mapping) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                raise ValueError(f"there is no {key!r}")
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise ValueError(f"{value!r} is not a number")
        return value

    def _failed(self, reason: str) -> PriceSourceError:
        return PriceSourceError(f"no price from {public_url(self._url)}: {reason}")
