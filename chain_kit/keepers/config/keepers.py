"""`[keepers]` of the keepers' file: which of them run, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chain_kit.keepers.config.fields import Fields
from chain_kit.keepers.config.trade import TradeConfig, read_trade
from chain_kit.prices import DAY

__all__ = [
    "ClaimConfig",
    "HouseConfig",
    "KeeperConfigs",
    "ResolveConfig",
    "RootConfig",
    "SeedConfig",
    "read_keepers",
]

_WEI = 18


@dataclass(frozen=True)
class ResolveConfig:
    """The resolve keeper; what one price and one void stamp may cost, None for whatever they do."""

    poll_seconds: float
    batch_size: int
    grace_seconds: int
    worth_wei: int | None
    void_worth_wei: int | None


@dataclass(frozen=True)
class ClaimConfig:
    """The claim keeper. `least` and `least_payout` are decimal strings; a claim below them waits.

    `ether_e18` is what an ether is worth in collateral, or `ether_feed` says it: then what is not worth its
    gas waits too, `dust_seconds` at most, None for good.
    """

    poll_seconds: float
    chunk: int
    least: str | None
    least_payout: str | None
    ether_e18: int | None
    ether_feed: str | None
    dust_seconds: int | None
    in_flight: int
    lookback_epochs: int
    payouts: Path | None


@dataclass(frozen=True)
class RootConfig:
    """The root keeper. `least` is a decimal string of the payout token."""

    poll_seconds: float
    accruals: Path
    folder: Path
    base_uri: str | None
    least: str | None
    worth_wei: int | None


@dataclass(frozen=True)
class HouseConfig:
    """How full the budget of a market's house is kept: decimal strings of the collateral."""

    market: str
    low: str
    high: str
    daily: str
    least: str | None


@dataclass(frozen=True)
class SeedConfig:
    """The seed keeper."""

    poll_seconds: float
    houses: tuple[HouseConfig, ...]
    patience_seconds: int
    worth_wei: int | None


@dataclass(frozen=True)
class KeeperConfigs:
    """The keepers that the file has; None for one that it has not."""

    resolve: ResolveConfig | None
    claim: ClaimConfig | None
    root: RootConfig | None
    seed: SeedConfig | None
    trade: tuple[TradeConfig, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called, in the order in which they start."""
        single = (("resolve", self.resolve), ("claim", self.claim), ("root", self.root), ("seed", self.seed))
        return (*(name for name, config in single if config is not None), *(t.name for t in self.trade))


def read_keepers(root: Fields) -> KeeperConfigs:
    """The keepers. Raises ConfigError."""
    fields = root.table("keepers", ("resolve", "claim", "root", "seed", "trade"))
    return KeeperConfigs(
        resolve=_resolve(fields) if "resolve" in fields else None,
        claim=_claim(fields) if "claim" in fields else None,
        root=_root(fields) if "root" in fields else None,
        seed=_seed(fields) if "seed" in fields else None,
        trade=read_trade(fields),
    )


def _resolve(parent: Fields) -> ResolveConfig:
    known = ("poll_seconds", "batch_size", "grace_seconds", "worth_eth", "void_worth_eth")
    fields = parent.table("resolve", known)
    return ResolveConfig(
        poll_seconds=fields.seconds("poll_seconds", 2.0),
        batch_size=fields.whole("batch_size", 100, least=1, most=100),
        grace_seconds=fields.whole("grace_seconds", 3_600, least=1),
        worth_wei=fields.units("worth_eth", _WEI),
        void_worth_wei=fields.units("void_worth_eth", _WEI),
    )


def _claim(parent: Fields) -> ClaimConfig:
    known = (
        *("poll_seconds", "chunk", "least_collateral", "least_payout", "ether_collateral", "ether_feed"),
        *("dust_days", "in_flight", "lookback_epochs", "payouts"),
    )
    fields = parent.table("claim", known)
    if "ether_collateral" in fields and "ether_feed" in fields:
        raise fields.refuse("ether_feed", "and ether_collateral are both given", "keep one of them")
    days = fields.whole("dust_days", 7, most=3_650)
    return ClaimConfig(
        poll_seconds=fields.seconds("poll_seconds", 10.0),
        chunk=fields.whole("chunk", 50, least=1, most=100),
        least=fields.amount("least_collateral"),
        least_payout=fields.amount("least_payout"),
        ether_e18=fields.units("ether_collateral", _WEI),
        ether_feed=fields.text("ether_feed") if "ether_feed" in fields else None,
        dust_seconds=days * DAY if days else None,
        in_flight=fields.whole("in_flight", 1, least=1, most=16),
        lookback_epochs=fields.whole("lookback_epochs", 2_016, least=12),
        payouts=fields.path("payouts"),
    )


def _root(parent: Fields) -> RootConfig:
    known = ("poll_seconds", "accruals", "folder", "base_uri", "least_payout", "worth_eth")
    fields = parent.table("root", known)
    return RootConfig(
        poll_seconds=fields.seconds("poll_seconds", 60.0),
        accruals=fields.required_path("accruals", must_exist=True),
        folder=fields.required_path("folder"),
        base_uri=fields.text("base_uri") if "base_uri" in fields else None,
        least=fields.amount("least_payout"),
        worth_wei=fields.units("worth_eth", _WEI),
    )


def _seed(parent: Fields) -> SeedConfig:
    fields = parent.table("seed", ("poll_seconds", "patience_seconds", "worth_eth", "houses"))
    markets = fields.table("houses")
    amounts = ("low_collateral", "high_collateral", "daily_collateral", "least_collateral")
    houses = tuple(_house(market, markets.table(market, amounts)) for market in markets.names())
    if not houses:
        raise fields.missing("houses", 'add [keepers.seed.houses.BTC] with low_collateral = "…"')
    return SeedConfig(
        poll_seconds=fields.seconds("poll_seconds", 30.0),
        houses=houses,
        patience_seconds=fields.whole("patience_seconds", 600, least=1),
        worth_wei=fields.units("worth_eth", _WEI),
    )


def _house(market: str, fields: Fields) -> HouseConfig:
    low, high = (fields.required_units(f"{name}_collateral", _WEI) for name in ("low", "high"))
    if low > high:
        raise fields.refuse("low_collateral", "is above high_collateral", "the low mark is the lower one")
    daily, least = (
        fields.required_units("daily_collateral", _WEI),
        fields.units("least_collateral", _WEI, 1),
    )
    if least is not None and least > daily:
        raise fields.refuse("least_collateral", "is above daily_collateral", "nothing could ever be added")
    return HouseConfig(
        market,
        low=fields.required_amount("low_collateral"),
        high=fields.required_amount("high_collateral"),
        daily=fields.required_amount("daily_collateral"),
        least=fields.amount("least_collateral"),
    )
