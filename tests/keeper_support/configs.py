"""A keepers' file that is right, and its parts, to be made wrong one at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chain_kit.cli.local.samples import SAMPLE_PRICES
from chain_kit.keepers.config import ConfigError, FleetConfig
from chain_kit.manifest import FeedRecord, Manifest, MarketRecord, TokenRecord

__all__ = ["ADDRESS", "PARTS", "load", "manifest", "refusal", "write_config"]

ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
_HASH = "0x" + "11" * 32

PARTS: dict[str, str] = {
    "chain": 'rpc_urls = ["http://127.0.0.1:8545"]\nchain_id = 31337\ndeployment = "31337.json"\n'
    'index = "index.db"',
    "outbox": 'url = "outbox.db"',
    "signer": "dev_account = 9",
    "fees": 'max_fee_gwei = "50"',
    "budget": 'hour_eth = "0.01"\nday_eth = "0.1"',
    "breaker": "transactions = 3",
    "dead_man.ping": 'post = "https://ping.example/1"',
    "http": 'host = "127.0.0.1"\nport = 9464',
    "lease": 'ttl_seconds = 8\nholder = "one"',
    "reporters": "dev_accounts = [5, 6, 7]",
    'prices."BTC/USD"': "least = 1",
    '[prices."BTC/USD".sources]': f'kind = "csv"\nfile = "{SAMPLE_PRICES}"',
    "keepers.resolve": "batch_size = 50",
    "keepers.claim": 'least_collateral = "0.5"',
    "[keepers.trade]": 'market = "BTC"\nstrategy = "fair_value"\nposition_collateral = "100"\n'
    'daily_loss_collateral = "500"\nether_collateral = "3000"',
    "keepers.trade.fair_value": 'tick = "0.01"',
}
"""The text of each table by its name."""


def manifest() -> Manifest:
    """A deployment with one market and one feed."""
    feed = FeedRecord("BTC/USD", _HASH, ADDRESS, 900, (ADDRESS,), (900,), _HASH, 1)
    market = MarketRecord("BTC", 1, ADDRESS, "BTC/USD", 1_700_000_100, 10**20, 10_000, 100, 100, _HASH, 1)
    token = TokenRecord(ADDRESS, "CYM1", 6)
    return Manifest(31_337, _HASH, _HASH, token, token, {}, {"BTC/USD": feed}, {"BTC": market})


def write_config(folder: Path, **changes: Any) -> Path:
    """The file with some of its parts replaced, or left out where they are None; a manifest beside it.

    A dot in a part's name is written as two underscores.
    """
    manifest().save(folder / "31337.json")
    parts = PARTS | {name.replace("__", "."): text for name, text in changes.items()}
    path = folder / "keepers.toml"
    top = parts.pop("top", "")
    tables = [f"[{name}]\n{text}\n" for name, text in parts.items() if text is not None]
    path.write_text("\n".join([top, *tables]))
    return path


def load(folder: Path, **changes: Any) -> FleetConfig:
    """The file with some parts changed."""
    return FleetConfig.load(write_config(folder, **changes))


def refusal(folder: Path, **changes: Any) -> tuple[str, str]:
    """What the file with some parts changed is refused with: message, without its folder, and hint."""
    with pytest.raises(ConfigError) as caught:
        load(folder, **changes)
    return caught.value.message.replace(f"{folder}/", ""), caught.value.hint
