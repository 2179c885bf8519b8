"""The keepers' file of the week: an operator's, but for the pauses between rounds, which are shorter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from tests.keeper_support.kit import REPORTERS
from tests.week.recorded import FEEDS

__all__ = ["write_config"]

_CHAIN = """log_level = "debug"

[chain]
rpc_urls = [{urls}]
chain_id = 31337
deployment = "manifest.json"
index = "index.db"

[outbox]
url = "outbox.db"

[signer]
dev_account = 9

[lease]
ttl_seconds = "2"
holder = "week"

[fees]
max_fee_gwei = "500"

[reporters]
dev_accounts = [{reporters}]

[keepers.resolve]
poll_seconds = "{resolve}"

[keepers.claim]
poll_seconds = "{claim}"
in_flight = 8
payouts = "payouts"

[keepers.root]
poll_seconds = "{root}"
accruals = "accruals.csv"
folder = "payouts"

[keepers.seed]
poll_seconds = "{seed}"
"""
_PRICES = """
[[prices."{feed}".sources]]
kind = "csv"
file = "{file}"
"""
_HOUSE = """
[keepers.seed.houses.{market}]
low_collateral = "1500"
high_collateral = "2000"
daily_collateral = "10000"
"""
_TRADE = """
[[keepers.trade]]
market = "{market}"
strategy = "fair_value"
position_collateral = "50"
daily_loss_collateral = "2000"
ether_collateral = "3000"
through = "hub"
poll_seconds = "{trade}"
"""


_LONGER = {"resolve": 1, "trade": 3, "claim": 12, "root": 12, "seed": 12}
"""How much longer a keeper pauses than the resolve keeper."""


def write_config(folder: Path, rpc_urls: Sequence[str], prices: Mapping[str, Path], *, poll_ms: int) -> None:
    """Writes `keepers.toml` into `folder`; `prices` are the recordings by feed."""
    pauses = {name: str(Decimal(poll_ms * times) / 1_000) for name, times in _LONGER.items()}
    urls = ", ".join(f'"{url}"' for url in rpc_urls)
    reporters = ", ".join(str(number) for number in REPORTERS)
    parts = [_CHAIN.format(urls=urls, reporters=reporters, **pauses)]
    parts += [_PRICES.format(feed=feed, file=file.name) for feed, file in prices.items()]
    parts += [_HOUSE.format(market=market) for market in FEEDS]
    parts += [_TRADE.format(market=market, **pauses) for market in FEEDS]
    (folder / "keepers.toml").write_text("".join(parts), encoding="utf-8")
