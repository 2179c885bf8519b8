"""What the readers of WebSockets are told: a market's status, its prices, and how its epochs ended.

A market that somebody reads is a channel. When the index changes, each channel is compared with what was said
of it before, and what is new goes to all of its readers, encoded once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

import orjson

from chain_kit.errors import ChainKitError
from indexer import queries
from indexer.http.perpetual import find_market, status_of
from indexer.http.service import Service
from indexer.http.views import epoch_body, stamp_of, status_fields
from indexer.queries import EpochAnswer

__all__ = ["STATUS", "STATUS_SECONDS", "Channel", "Hub", "Reader", "error_text"]

STATUS_SECONDS = 30.0
STATUS = ""
"""In a reader's queue: the status as it is when its turn comes."""
_QUEUED_MOST = 256
_LOOK_BACK = 24
"""Epochs that are looked at again: reorgs reach no further, and what is void is by then."""
_CATCH_UP_MOST = 600
"""Of more that ended since the last look, only the newest are told."""
_DAY_OF_EPOCHS = 288
_PRECISE = Context(prec=60)
_log = logging.getLogger(__name__)


class Reader:
    """One connection's messages that wait to be sent; `is_slow` once there were too many of them."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str] = asyncio.Queue(_QUEUED_MOST)
        self.is_slow = asyncio.Event()

    def give(self, text: str) -> None:
        """Adds a message."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self.is_slow.set()


@dataclass(eq=False)
class Channel:
    """A market that is read, and what its readers were told."""

    market: str
    """The address."""
    symbol: str
    readers: set[Reader] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    epoch: int | None = None
    """The last that was running; None before the first look, which tells nothing."""
    endings: dict[int, tuple[str | None, ...]] = field(default_factory=dict)
    """Epoch -> its outcome, start and end price, as they were told."""
    price: str | None = None


class Hub:
    """All channels of a server."""

    def __init__(self, service: Service, *, status_seconds: float = STATUS_SECONDS) -> None:
        self.service = service
        self.status_seconds = status_seconds
        self._channels: dict[str, Channel] = {}

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Tells the readers while the body runs."""
        following = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    @asynccontextmanager
    async def join(self, name: str) -> AsyncIterator[tuple[Channel, Reader]]:
        """A new reader of a market, by symbol or address. Raises UnknownMarketError and the like."""
        market = await find_market(self.service, name)
        channel = self._channels.get(market["address"])
        if channel is None:
            channel = self._channels[market["address"]] = Channel(market["address"], market["market"])
        reader = Reader()
        channel.readers.add(reader)
        self.service.metrics.readers.inc()
        try:
            if channel.epoch is None:
                await self._tell(channel)
            yield channel, reader
        finally:
            self.service.metrics.readers.dec()
            channel.readers.discard(reader)
            if not channel.readers:
                self._channels.pop(channel.market, None)

    async def status_text(self, channel: Channel) -> str:
        """The message of a market's status now; encoded once in a second for all who want it."""

        async def encode(_: Any) -> str:
            row = await status_of(self.service, channel.market)
            return _text("status", channel.symbol, status_fields(row) | stamp_of(row), row["at"])

        return await self.service.ask(("status text", channel.market, self.service.clock.seconds()), encode)

    async def _follow(self) -> None:
        generation = self.service.generation
        while True:
            generation = await self.service.after(generation)
            for channel in list(self._channels.values()):
                try:
                    await self._tell(channel)
                except ChainKitError as error:
                    # The next change of the index compares again: nothing is lost by it.
                    _log.warning("readers of %s are not told: %s", channel.symbol, error.message)

    async def _tell(self, channel: Channel) -> None:
        """Tells what is new since the last look."""
        async with channel.lock:
            is_first = channel.epoch is None
            rows = await self._newest(channel)
            if not rows:
                channel.epoch = channel.epoch or 0
                return
            texts = [
                _text("epoch_resolved", channel.symbol, _ending(row), self.service.clock.iso())
                for row in rows
                if self._is_news(channel, row)
            ]
            price = _last_price(rows)
            if price is not None and price != channel.price:
                channel.price = price
                data = {"price": price, "change_24h": await self._change(channel, rows[-1]["epoch"], price)}
                texts.append(_text("price", channel.symbol, data, self.service.clock.iso()))
            channel.epoch = rows[-1]["epoch"]
            for epoch in [known for known in channel.endings if known < channel.epoch - _CATCH_UP_MOST]:
                del channel.endings[epoch]
            if not is_first:
                self._publish(channel, texts)

    async def _newest(self, channel: Channel) -> list[EpochAnswer]:
        """The newest epochs: some more than have ended since the last look."""
        current = (await find_market(self.service, channel.market))["epoch"]
        gone = 0 if channel.epoch is None else max(current - channel.epoch, 0)
        limit = min(gone, _CATCH_UP_MOST) + _LOOK_BACK
        return await self.service.ask(
            ("newest", channel.market, limit), lambda db: queries.epochs(db, channel.market, limit=limit)
        )

    def _is_news(self, channel: Channel, row: EpochAnswer) -> bool:
        if row["outcome"] is None:
            channel.endings.pop(row["epoch"], None)  # a reorg may have opened it again
            return False
        said = (row["outcome"], row["start_price"], row["end_price"])
        if channel.endings.get(row["epoch"]) == said:
            return False
        channel.endings[row["epoch"]] = said
        return True

    async def _change(self, channel: Channel, epoch: int, price: str) -> str:
        """By how many percent the price differs from that of a day before; "0" where there is none."""
        before = max(1, epoch - _DAY_OF_EPOCHS)
        rows = await self.service.ask(
            ("price", channel.market, before),
            lambda db: queries.epochs(db, channel.market, first=before, last=before),
        )
        start = rows[0]["start_price"] if rows else None
        if start is None or not Decimal(start):
            return "0"
        ratio = _PRECISE.divide(Decimal(price), Decimal(start))
        return str(_PRECISE.multiply(ratio - 1, Decimal(100)).quantize(Decimal("0.01")))

    def _publish(self, channel: Channel, texts: list[str]) -> None:
        for reader in channel.readers:
            for text in texts:
                reader.give(text)


def error_text(message: str, timestamp: str) -> str:
    """A message that says what failed."""
    return orjson.dumps({"type": "error", "message": message, "timestamp": timestamp}).decode()


def _text(kind: str, symbol: str, data: dict[str, Any], timestamp: str) -> str:
    return orjson.dumps({"type": kind, "symbol": symbol, "data": data, "timestamp": timestamp}).decode()


def _ending(row: EpochAnswer) -> dict[str, Any]:
    names = ("epoch", "outcome", "start_price", "end_price", "yes_payout", "no_payout")
    body = epoch_body(row)
    return {name: body[name] for name in names} | stamp_of(row)


def _last_price(rows: list[EpochAnswer]) -> str | None:
    """The price at the last boundary that has one."""
    for row in reversed(rows):
        if price := row["end_price"] or row["start_price"]:
            return price
    return None
