from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chain_kit.fees import FeePolicy
from chain_kit.keepers.trade.market import Through
from chain_kit.strategies import FairValue, Sizing
from tests.keeper_support.configs import ADDRESS, PARTS, load, refusal

GWEI, ETH = 10**9, 10**18


def test_reads_every_part(tmp_path: Path) -> None:
    """Amounts are base units, paths are from the file's folder on, and all keepers are named."""
    config = load(tmp_path)

    assert config.chain.rpc_urls == ("http://127.0.0.1:8545",)
    assert config.chain.index == tmp_path / "index.db"
    assert config.outbox == tmp_path / "outbox.db"
    assert config.signer.dev_account == 9
    assert config.fees == FeePolicy(max_fee_wei=50 * GWEI)
    assert (config.hour_wei, config.day_wei) == (ETH // 100, ETH // 10)
    assert config.breaker_transactions == 3
    assert dict(config.dead_man) == {"post": "https://ping.example/1"}
    assert config.http is not None
    assert (config.http.host, config.http.port) == ("127.0.0.1", 9464)
    assert (config.lease.ttl_seconds, config.lease.holder) == (8.0, "one")
    assert config.reporters.dev_accounts == (5, 6, 7)
    assert config.prices["BTC/USD"].least == 1
    assert config.keepers.names == ("resolve", "claim", "trade:BTC")


def test_what_is_not_given_has_a_default(tmp_path: Path) -> None:
    """No budget is no limit; without [http] nothing is served; the lease is held by host and process."""
    parts = dict.fromkeys(("fees", "budget", "breaker", "dead_man__ping", "http", "lease"))
    config = load(tmp_path, **parts)

    assert config.fees == FeePolicy()
    assert (config.hour_wei, config.day_wei, config.breaker_transactions) == (None, None, 5)
    assert dict(config.dead_man) == {}
    assert config.http is None
    assert config.lease.ttl_seconds == 8.0
    assert ":" in config.lease.holder


def test_a_trade_keeper_is_bound_in_the_collaterals_units(tmp_path: Path) -> None:
    """Its amounts become base units of a token with six decimals."""
    (trade,) = load(tmp_path).keepers.trade
    rules = trade.rules(6)

    assert (rules.position_units, rules.daily_loss_units, rules.sizing) == (10**8, 5 * 10**8, Sizing())
    assert trade.make_strategy(6) == FairValue(tick_e18=10**16)
    assert (trade.ether_e18, trade.through) == (3_000 * ETH, Through.FACADE)


@pytest.mark.parametrize(
    ("amount", "wei"), [('"0.01"', ETH // 100), ("1", ETH), ('"0.000000000000000001"', 1)]
)
def test_amounts_are_text_or_whole_numbers(tmp_path: Path, amount: str, wei: int) -> None:
    """To the last wei."""
    assert load(tmp_path, budget=f"hour_eth = {amount}").hour_wei == wei


# ---------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        (
            {"signer": 'keystor = "k.json"'},
            "keepers.toml: signer.keystor is unknown",
            "did you mean keystore? [signer] takes keystore, ape_account, dev_account, remote_url",
        ),
        (
            {"buget": 'hour_eth = "1"'},
            "keepers.toml: buget is unknown",
            "did you mean budget? the file has chain, outbox, signer",
        ),
        (
            {"keepers.other": ""},
            "keepers.toml: keepers.other is unknown",
            "[keepers] takes resolve, claim",
        ),
        (
            {"[keepers.trade]": PARTS["[keepers.trade]"] + "\nleverage = 3"},
            "keepers.toml: keepers.trade[1].leverage is unknown",
            "[keepers.trade[1]] takes market",
        ),
        (
            {'[prices."BTC/USD".sources]': 'kind = "csv"\nfile = "p.csv"\nurl = "http://x.example"'},
            'keepers.toml: prices."BTC/USD".sources[1].url = http://x.example does not go with kind csv',
            "csv takes file",
        ),
        (
            {"fees": 'fair = "1"'},
            "keepers.toml: fees.fair is unknown",
            "[fees] takes max_fee_gwei",
        ),
        (
            {"top": "signer = 3"},
            "keepers.toml cannot be read: ",
            "mend the line that it names",
        ),
        ({"top": "log_level = 3"}, "keepers.toml: log_level = 3 is not a text", 'write log_level = "…"'),
        (
            {"top": 'log_level = "loud"'},
            'keepers.toml: log_level = "loud" is none of them',
            "use one of debug, info, warning, error",
        ),
        (
            {"keepers.claim": None, "keepers.resolve": None, "[keepers.trade]": None,
             "keepers.trade.fair_value": None, "top": "keepers = 3"},
            "keepers.toml: keepers = 3 is not a table",
            "write [keepers]",
        ),
        (
            {"[keepers.trade]": None, "keepers.trade.fair_value": None, "keepers.trade": 'market = "BTC"'},
            "keepers.toml: keepers.trade is one table",
            "write [[keepers.trade]] for each",
        ),
    ],
)  # fmt: skip
def test_keys_that_nobody_knows_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str, hint: str
) -> None:
    """With the key that was meant, or with those there are."""
    said, how = refusal(tmp_path, **changes)

    assert said.startswith(message)
    assert how.startswith(hint)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chain": None}, "[chain] is missing"),
        ({"outbox": None}, "[outbox] is missing"),
        ({"outbox": ""}, "outbox.url is missing"),
        ({"chain": 'chain_id = 31337\ndeployment = "31337.json"'}, "chain.rpc_urls is missing"),
        ({"chain": 'rpc_urls = ["http://a"]\ndeployment = "31337.json"'}, "chain.chain_id is missing"),
        ({"chain": 'rpc_urls = ["http://a"]\nchain_id = 31337'}, "chain.deployment is missing"),
        ({"signer": 'remote_url = "http://signer.example"'}, "signer.address is missing"),
        (
            {"signer": f'remote_url = "http://signer.example"\naddress = "{ADDRESS}"'},
            "signer.kind is missing",
        ),
        ({'[prices."BTC/USD".sources]': None}, 'prices."BTC/USD".sources is missing'),
        ({'[prices."BTC/USD".sources]': 'kind = "http"'}, 'prices."BTC/USD".sources[1].url is missing'),
        ({'[prices."BTC/USD".sources]': 'kind = "hermes"'}, 'prices."BTC/USD".sources[1].id is missing'),
        (
            {"[keepers.trade]": 'market = "BTC"\nstrategy = "fair_value"\nether_collateral = "1"'},
            "keepers.trade[1].position_collateral is missing",
        ),
        (
            {"[keepers.trade]": 'market = "BTC"\nstrategy = "fair_value"\nposition_collateral = "1"'},
            "keepers.trade[1].ether_collateral is missing",
        ),
    ],
)
def test_keys_that_must_be_there_are_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """Each with its place."""
    assert refusal(tmp_path, **changes)[0] == f"keepers.toml: {message}"


# ---------------------------------------------------------------------- amounts


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            'hour_eth = "50 gwei"',
            'budget.hour_eth = "50 gwei" is not a decimal number',
            'the unit is in the key: write hour_eth = "0.00000005"',
        ),
        (
            'hour_eth = "0.01 eth"',
            'budget.hour_eth = "0.01 eth" is not a decimal number',
            'the unit is in the key: write hour_eth = "0.01"',
        ),
        (
            "hour_eth = 0.01",
            "budget.hour_eth = 0.01 is a binary fraction",
            'write it in quotes: hour_eth = "0.01"',
        ),
        ("hour_eth = nan", "budget.hour_eth = nan is a binary fraction", 'hour_eth = "nan"'),
        ('hour_eth = "-1"', 'budget.hour_eth = "-1" is below zero', "give more than 0"),
        ("hour_eth = 0", "budget.hour_eth = 0 is not above zero", "give more than 0"),
        ("hour_eth = true", "budget.hour_eth = true is not an amount", 'write hour_eth = "0.5"'),
        ('hour_eth = "1e-3"', 'budget.hour_eth = "1e-3" is not a decimal number', "a plain decimal number"),
        ('hour_eth = ""', 'budget.hour_eth = "" is not a decimal number', "a plain decimal number"),
        (
            'hour_eth = "0.0000000000000000001"',
            'budget.hour_eth = "0.0000000000000000001" has more than 18 digits after the point',
            "a plain decimal number",
        ),
        (
            'hour_eth = "2"\nday_eth = "1"',
            'budget.hour_eth = "2" is more than day_eth',
            "an hour is part of a day",
        ),
    ],
)
def test_amounts_that_are_none_are_refused(tmp_path: Path, text: str, message: str, hint: str) -> None:
    """With the value as it is written, and how it must be."""
    said, how = refusal(tmp_path, budget=text)

    assert said == f"keepers.toml: {message}"
    assert hint in how


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bump_percent = 9", "fees.bump_percent = 9 is out of bounds"),
        ('bump_percent = "10"', 'fees.bump_percent = "10" is not a whole number'),
        ("priority_percentile = 50.0", "fees.priority_percentile = 50.0 is not a whole number"),
        ('max_fee_gwei = "0.001 eth"', 'fees.max_fee_gwei = "0.001 eth" is not a decimal number'),
        ('min_priority_fee_gwei = "11"', 'fees.min_priority_fee_gwei = "11" leaves no tip'),
    ],
)
def test_fees_that_make_no_sense_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """Units, bounds, and one cap beside another."""
    assert refusal(tmp_path, fees=text)[0].startswith(f"keepers.toml: {message}")


def test_an_amount_is_not_finer_than_the_collateral(tmp_path: Path) -> None:
    """The manifest says how many decimals that has."""
    said, _ = refusal(tmp_path, keepers__claim='least_collateral = "0.0000001"')

    assert said == (
        "keepers.toml: keepers.claim.least_collateral: '0.0000001' has more than 6 digits after the point"
    )
