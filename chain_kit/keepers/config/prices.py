"""`[prices]` of the keepers' file: where the price of each feed comes from, and how sure it must be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from chain_kit.errors import PriceSourceError
from chain_kit.keepers.config.fields import Fields
from chain_kit.keepers.trade.prices import RecordedSpot, Spot, SpotSource
from chain_kit.keepers.trade.spot import HermesSpot, HttpSpot
from chain_kit.price_sources import (
    HermesPriceSource,
    HttpPriceSource,
    MedianPriceSource,
    PriceSource,
    RecordedPrices,
    ReplayedPrices,
)
from chain_kit.prices import PriceSeries

__all__ = ["FirstSpot", "PriceConfig", "SourceConfig", "close_all", "read_prices"]

_KINDS = ("csv", "replay", "http", "hermes")
_KEYS = {
    "csv": ("file",),
    "replay": ("file",),
    "http": (
        *("url", "url_file", "path", "time_path", "memory"),
        *("poll_seconds", "timeout_seconds", "max_lag_seconds"),
    ),
    "hermes": ("url", "url_file", "id", "timeout_seconds", "max_lag_seconds", "max_confidence_bps"),
}
_PYTH_ID = re.compile(r"(?:0x)?[0-9a-f]{64}")
_HERMES = "https://hermes.pyth.network"


@dataclass(frozen=True)
class SourceConfig:
    """One source of one feed. `id` is Pyth's, `file` a recording's, `memory` where what was seen is kept."""

    kind: str
    file: Path | None = None
    url: str = ""
    path: str = "price"
    time_path: str | None = None
    memory: Path | None = None
    id: str = ""
    poll_seconds: float = 2.0
    timeout_seconds: float = 5.0
    max_lag_seconds: int = 60
    max_confidence_bps: int = 100


@dataclass(frozen=True)
class PriceConfig:
    """The sources of a feed, and how many of them must agree, within which part of their median."""

    feed: str
    sources: tuple[SourceConfig, ...]
    least: int
    max_deviation_bps: int

    def source(self, folder: Path | None = None) -> PriceSource:
        """What the resolve keeper asks; what is observed is kept in `folder`, unless the source says where.

        Raises PriceFileError for a recording that cannot be used.
        """
        name = re.sub(r"\W+", "-", self.feed).lower()
        files = (folder / f"prices-{name}-{n}.json" if folder else None for n in range(1, 1_000))
        sources = [self._source(one, memory) for one, memory in zip(self.sources, files, strict=False)]
        if len(sources) == 1:
            return sources[0]
        return MedianPriceSource(sources, least=self.least, max_deviation_bps=self.max_deviation_bps)

    def spot(self) -> SpotSource:
        """What the trade keeper asks for the price now."""
        return FirstSpot([self._spot(one) for one in self.sources])

    def _source(self, one: SourceConfig, memory: Path | None) -> PriceSource:
        if one.kind == "http":
            return HttpPriceSource(
                self.feed,
                one.url,
                one.path,
                time_path=one.time_path,
                memory=one.memory or memory,
                poll_seconds=one.poll_seconds,
                timeout_seconds=one.timeout_seconds,
                max_lag_seconds=one.max_lag_seconds,
            )
        if one.kind == "hermes":
            return HermesPriceSource(
                one.url,
                {self.feed: one.id},
                max_lag_seconds=one.max_lag_seconds,
                max_confidence_bps=one.max_confidence_bps,
                timeout_seconds=one.timeout_seconds,
            )
        assert one.file is not None
        series = PriceSeries.from_csv(one.file)
        return RecordedPrices({self.feed: series}) if one.kind == "csv" else ReplayedPrices(self.feed, series)

    def _spot(self, one: SourceConfig) -> SpotSource:
        if one.kind == "http":
            return HttpSpot(
                self.feed,
                one.url,
                one.path,
                time_path=one.time_path,
                timeout_seconds=one.timeout_seconds,
            )
        if one.kind == "hermes":
            return HermesSpot(
                one.url,
                {self.feed: one.id},
                max_confidence_bps=one.max_confidence_bps,
                timeout_seconds=one.timeout_seconds,
            )
        assert one.file is not None
        series = PriceSeries.from_csv(one.file)
        if one.kind == "csv":
            return RecordedSpot({self.feed: series})
        return _ReplayedSpot(ReplayedPrices(self.feed, series), RecordedSpot({self.feed: series}))


@runtime_checkable
class _Closable(Protocol):
    async def aclose(self) -> None:
        """Closes its connection."""


async def close_all(sources: Iterable[object]) -> None:
    """Closes those that have something to close."""
    for source in sources:
        if isinstance(source, _Closable):
            await source.aclose()


class FirstSpot:
    """The first of several sources that has a price."""

    def __init__(self, sources: list[SpotSource]) -> None:
        self._sources = sources

    async def spot(self, feed: str, now: int) -> Spot | None:
        """The price of the first that has one. Raises PriceSourceError if none has, and one has failed."""
        failure: PriceSourceError | None = None
        for source in self._sources:
            try:
                found = await source.spot(feed, now)
            except PriceSourceError as error:
                failure = error
                continue
            if found is not None:
                return found
        if failure is not None:
            raise failure
        return None

    async def aclose(self) -> None:
        """Closes the connections of all of them."""
        await close_all(self._sources)


class _ReplayedSpot:
    """A recording's prices at the instants that stand for now."""

    def __init__(self, days: ReplayedPrices, recording: RecordedSpot) -> None:
        self._days = days
        self._recording = recording

    async def spot(self, feed: str, now: int) -> Spot | None:
        """The last recorded price up to `now`, its time moved to today."""
        instant = self._days.recorded(now)
        found = await self._recording.spot(feed, instant)
        return Spot(found.price_e18, found.at + now - instant) if found is not None else None


def read_prices(fields: Fields) -> Mapping[str, PriceConfig]:
    """The prices by feed. Raises ConfigError."""
    return {
        feed: _price(feed, fields.table(feed, ("least", "max_deviation_bps", "sources")))
        for feed in fields.names()
    }


def _price(feed: str, fields: Fields) -> PriceConfig:
    every = tuple(dict.fromkeys(("kind", *(key for keys in _KEYS.values() for key in keys))))
    sources = tuple(_source(feed, one) for one in fields.tables("sources", every))
    if not sources:
        raise fields.missing("sources", f"add [[{fields.place}.sources]] with a kind: {', '.join(_KINDS)}")
    least = fields.whole("least", len(sources) // 2 + 1, least=1)
    if least > len(sources):
        raise fields.refuse("least", f"is more than the {len(sources)} sources", "ask for fewer, or add one")
    return PriceConfig(feed, sources, least, fields.whole("max_deviation_bps", 50, least=1, most=9_999))


def _source(feed: str, fields: Fields) -> SourceConfig:
    kind = fields.choice("kind", _KINDS)
    strange = [name for name in fields.names() if name not in ("kind", *_KEYS[kind])]
    if strange:
        raise fields.refuse(
            strange[0], f"does not go with kind {kind}", f"{kind} takes {', '.join(_KEYS[kind])}"
        )
    if kind in ("csv", "replay"):
        return SourceConfig(kind, file=fields.required_path("file", must_exist=True))
    number = ""
    if kind == "hermes":
        number = fields.text("id")
        if _PYTH_ID.fullmatch(number) is None:
            raise fields.refuse("id", f"is no id of Pyth for {feed}", "it has 64 hexadecimal digits")
    has_url = "url" in fields or "url_file" in fields
    if not has_url and kind == "http":
        raise fields.missing("url")
    lag = fields.whole("max_lag_seconds", 60, least=1, most=300)
    return SourceConfig(
        kind,
        url=fields.url("url") if has_url else _HERMES,
        path=fields.text("path", "price"),
        time_path=fields.text("time_path") if "time_path" in fields else None,
        memory=fields.path("memory"),
        id=number,
        poll_seconds=fields.seconds("poll_seconds", 2.0),
        timeout_seconds=fields.seconds("timeout_seconds", 5.0),
        max_lag_seconds=lag,
        max_confidence_bps=fields.whole("max_confidence_bps", 100, least=1, most=10_000),
    )
