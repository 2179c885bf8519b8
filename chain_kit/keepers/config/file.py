"""What an operator writes into `keepers.toml`: which keepers run, with which key, on which chain.

Everything is checked before anything is opened, and refused with file, key, value and what to do. No secret
stands in the file: passwords and URLs with keys are in files of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chain_kit.errors import BadAmountError, ManifestMissingError, UnknownMarketError
from chain_kit.fees import FeePolicy
from chain_kit.keepers.config.fields import ConfigError, Fields, read_toml
from chain_kit.keepers.config.keepers import ClaimConfig, KeeperConfigs, read_keepers
from chain_kit.keepers.config.parts import (
    FEE_KEYS,
    ChainConfig,
    HttpConfig,
    LeaseConfig,
    ReportersConfig,
    SignerConfig,
    read_chain,
    read_database,
    read_fees,
    read_http,
    read_lease,
    read_reporters,
    read_signer,
)
from chain_kit.keepers.config.prices import PriceConfig, read_prices
from chain_kit.keepers.config.trade import TradeConfig
from chain_kit.manifest import Manifest, MarketRecord, TokenRecord
from chain_kit.units import parse_units

__all__ = ["FILE_NAME", "FleetConfig"]

FILE_NAME = "keepers.toml"
_TABLES = (
    *("chain", "outbox", "signer", "fees", "budget", "breaker", "dead_man", "http", "lease"),
    *("reporters", "prices", "keepers", "log_level", "log_format"),
)
_ACTIONS = (
    *("post", "void", "redeem", "settle", "claim"),
    *("propose root", "activate root", "approve", "seed", "trade"),
)
_LOG_LEVELS = ("debug", "info", "warning", "error")
_LOG_FORMATS = ("text", "json")


@dataclass(frozen=True)
class FleetConfig:
    """One file: one signer with its outbox and lease, and the keepers that send with it."""

    file: Path
    chain: ChainConfig
    outbox: Path | str
    signer: SignerConfig
    fees: FeePolicy
    hour_wei: int | None
    day_wei: int | None
    breaker_transactions: int
    dead_man: Mapping[str, str]
    """URLs by action."""
    http: HttpConfig | None
    lease: LeaseConfig
    reporters: ReportersConfig
    prices: Mapping[str, PriceConfig]
    """By feed."""
    keepers: KeeperConfigs
    log_level: str
    log_format: str

    @classmethod
    def load(cls, file: Path, *, to_run: bool = True) -> FleetConfig:
        """Reads and checks the file, and the manifest that it names.

        If it is not `to_run`, its keys, passwords and the dead man's URLs need not be there.

        Raises ConfigError, or ManifestInvalidError for a damaged manifest.
        """
        root = Fields(file, "", read_toml(file), _TABLES)
        for name in ("chain", "outbox", "keepers"):
            if name not in root:
                raise ConfigError(f"{file}: [{name}] is missing", hint="docs/operate.md has a whole file")
        budget = root.table("budget", ("hour_eth", "day_eth"))
        config = cls(
            file=file,
            chain=read_chain(root),
            outbox=read_database(root.table("outbox", ("url", "url_file")), "url"),
            signer=read_signer(root, to_run=to_run),
            fees=read_fees(root.table("fees", tuple(FEE_KEYS))),
            hour_wei=budget.units("hour_eth", 18),
            day_wei=budget.units("day_eth", 18),
            breaker_transactions=root.table("breaker", ("transactions",)).whole("transactions", 5, least=1),
            dead_man=_dead_man(root, to_run=to_run),
            http=read_http(root),
            lease=read_lease(root.table("lease", ("ttl_seconds", "holder"))),
            reporters=read_reporters(root, to_run=to_run),
            prices=read_prices(root.table("prices")),
            keepers=read_keepers(root),
            log_level=root.choice("log_level", _LOG_LEVELS, "info"),
            log_format=root.choice("log_format", _LOG_FORMATS, "text"),
        )
        config._check(budget)
        return config

    def manifest(self) -> Manifest:
        """The deployment that the keepers are for."""
        return Manifest.load(self.chain.deployment)

    def refuse(self, what: str, hint: str | None = None) -> ConfigError:
        """The error for something that only shows beside the rest of the file."""
        return ConfigError(f"{self.file}: {what}", hint=hint)

    # ------------------------------------------------------------------ one part beside another

    def _check(self, budget: Fields) -> None:
        if self.hour_wei is not None and self.day_wei is not None and self.hour_wei > self.day_wei:
            raise budget.refuse("hour_eth", "is more than day_eth", "an hour is part of a day: give it less")
        if not self.keepers.names:
            raise self.refuse("[keepers] has no keeper", "add [keepers.resolve], [keepers.claim], …")
        try:
            manifest = self.manifest()
        except ManifestMissingError as error:
            raise self.refuse(f"chain.deployment: {error.message}", error.hint) from None
        if manifest.chain_id != self.chain.chain_id:
            raise self.refuse(
                f"chain.chain_id = {self.chain.chain_id}, but {self.chain.deployment} is of chain"
                f" {manifest.chain_id}",
                "name the manifest of this chain, or mend the id",
            )
        self._check_keepers(manifest)

    def _check_keepers(self, manifest: Manifest) -> None:
        if self.keepers.resolve is not None:
            self._check_resolve()
        if self.keepers.claim is not None:
            self._check_claim(self.keepers.claim, manifest)
        if self.keepers.root is not None:
            self._check_amount("keepers.root.least_payout", self.keepers.root.least, manifest.payout_token)
        for house in self.keepers.seed.houses if self.keepers.seed is not None else ():
            key = f"keepers.seed.houses.{house.market}"
            self._market(key, house.market, manifest)
            for name in ("low", "high", "daily", "least"):
                self._check_amount(f"{key}.{name}_collateral", getattr(house, name), manifest.collateral)
        for trade in self.keepers.trade:
            self._check_trade(trade, manifest)

    def _check_resolve(self) -> None:
        if not self.prices:
            raise self.refuse(
                "[keepers.resolve] without [prices]", 'add [[prices."BTC/USD".sources]] for each feed'
            )
        if not self.reporters.keystores and not self.reporters.dev_accounts:
            raise self.refuse(
                "[keepers.resolve] without [reporters]", "name the quorum's keystores: reporters.keystores"
            )

    def _check_claim(self, claim: ClaimConfig, manifest: Manifest) -> None:
        if self.chain.index is None:
            raise self.refuse(
                "[keepers.claim] needs chain.index",
                "name the index that `chain-kit index run` writes: a file, or postgresql://…",
            )
        self._check_amount("keepers.claim.least_collateral", claim.least, manifest.collateral)
        self._check_amount("keepers.claim.least_payout", claim.least_payout, manifest.payout_token)
        self._check_feed("keepers.claim", claim.ether_feed, manifest)

    def _check_trade(self, trade: TradeConfig, manifest: Manifest) -> None:
        market = self._market("keepers.trade.market", trade.market, manifest)
        if market.feed not in self.prices:
            raise self.refuse(
                f'keepers.trade "{trade.market}" has no prices of {market.feed}',
                f'add [[prices."{market.feed}".sources]]',
            )
        for key in ("amount", "position", "daily_loss", "least_edge"):
            self._check_amount(f"keepers.trade.{key}_collateral", getattr(trade, key), manifest.collateral)
        self._check_feed("keepers.trade", trade.ether_feed, manifest)

    def _market(self, key: str, symbol: str, manifest: Manifest) -> MarketRecord:
        try:
            return manifest.market(symbol)
        except UnknownMarketError as error:
            raise self.refuse(f'{key} = "{symbol}": {error.message}', error.hint) from None

    def _check_amount(self, key: str, amount: str | None, token: TokenRecord) -> None:
        """A token's decimals are known by the manifest only."""
        try:
            parse_units(amount or "0", token.decimals)
        except BadAmountError as error:
            raise self.refuse(f"{key}: {error.message}", f"that is as fine as {token.symbol} gets") from None

    def _check_feed(self, key: str, feed: str | None, manifest: Manifest) -> None:
        if feed is not None and feed not in manifest.feeds:
            raise self.refuse(
                f'{key}.ether_feed = "{feed}" is no feed of the deployment',
                f"feeds there: {', '.join(manifest.feeds)}; or give ether_collateral",
            )


def _dead_man(root: Fields, *, to_run: bool) -> Mapping[str, str]:
    known = [name for action in _ACTIONS for name in (action, f"{action}_file")]
    fields = root.table("dead_man", ("ping",)).table("ping", known)
    actions = dict.fromkeys(name.removesuffix("_file") for name in fields.names())
    return {action: fields.url(action) for action in actions} if to_run else {}
