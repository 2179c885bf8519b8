from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from chain_kit.deploy import (
    ChainlinkSpec,
    DeploymentSpec,
    FeedSpec,
    MarketSpec,
    PythSpec,
    RaceSpec,
    TokenSpec,
)
from chain_kit.deploy.local import local_spec
from chain_kit.deploy.specification import TEST_FACTORY
from chain_kit.deploy.specification_file import load_specification
from chain_kit.errors import BadAddressError, SettingError
from chain_kit.networks import ANVIL_ADDRESSES, BASE, BASE_SEPOLIA

ONE, TWO, THREE = ANVIL_ADDRESSES[:3]
TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
LEAST = f"""
reporters = ["{ONE}"]
report_threshold = 1
[[markets]]
symbol = "BTC"
feed = "BTC/USD"
liquidity = "100"
"""
EVERYTHING = f"""
reporters = ["{ONE}", "{TWO}", "{THREE}"]
report_threshold = 2
report_deadline = 600
root_delay = 600
surplus_delay = 1200
timelock_delay = 7200
pool_factory = "{TOKEN}"
match_operators = ["{ONE}", "{TWO.lower()}"]
owner = "{ANVIL_ADDRESSES[4]}"
guardian = "{ANVIL_ADDRESSES[5]}"
operator = "{ANVIL_ADDRESSES[6]}"
treasury = "{ANVIL_ADDRESSES[7].lower()}"

[collateral]
symbol = "COL"
decimals = 8
address = "{TOKEN.lower()}"

[payout_token]
symbol = "PAY"
decimals = 2

[[markets]]
symbol = "BTC"
feed = "BTC/USD"
liquidity = "100.5"
fee_bps = 30
closing_liquidity_bps = 5000
closing_fee_bps = 40
house_budget = "1000.00000001"
daily_budget = "12.5"
genesis = 1767225600
curve_target = "250.25"
curve_fee_bps = 50
curve_creator_share_bps = 7000
pool_stakers_bps = 5000
pool_creator_bps = 4000

[[markets]]
symbol = "ETH"
feed = "ETH/USD"
liquidity = "7"

[[races]]
symbol = "DUEL"
assets = ["ETH/USD", "SOL/USD"]
positions = 2
genesis = 300

[[feeds]]
name = "SOL/USD"
adapters = ["pyth", "chainlink", "reports"]
deadlines = [300, 600, 1200]
pyth_id = "0x{"AB" * 32}"
aggregator = "{TOKEN}"
max_age = 90

[pyth]
address = "{TOKEN}"
max_gap = 30
max_confidence_bps = 20

[chainlink]
max_age = 100
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its specification."""
    return tmp_path / "deploy.toml"


def load(file: Path, text: str, chain_id: int = 31337) -> DeploymentSpec:
    """The specification in `text`."""
    file.write_text(text)
    return load_specification(file, chain_id=chain_id)


# ---------------------------------------------------------------- the file


def test_every_field_is_read(file: Path) -> None:
    """Amounts are whole tokens of their own token's decimals; nothing of the file is dropped."""
    spec = load(file, EVERYTHING)

    assert (
        DeploymentSpec(
            reporters=(ONE, TWO, THREE),
            report_threshold=2,
            markets=(
                MarketSpec(
                    symbol="BTC",
                    feed="BTC/USD",
                    liquidity=10_050_000_000,
                    fee_bps=30,
                    closing_liquidity_bps=5000,
                    closing_fee_bps=40,
                    house_budget=100_000_000_001,
                    daily_budget=1_250_000_000,
                    genesis=1_767_225_600,
                    curve_target=25_025,
                    curve_fee_bps=50,
                    curve_creator_share_bps=7000,
                    pool_stakers_bps=5000,
                    pool_creator_bps=4000,
                ),
                MarketSpec(symbol="ETH", feed="ETH/USD", liquidity=700_000_000),
            ),
            races=(RaceSpec("DUEL", ("ETH/USD", "SOL/USD"), 2, 300),),
            feeds=(
                FeedSpec(
                    "SOL/USD",
                    ("pyth", "chainlink", "reports"),
                    (300, 600, 1200),
                    pyth_id="0x" + "ab" * 32,
                    aggregator=TOKEN,
                    max_age=90,
                ),
            ),
            pyth=PythSpec(TOKEN, 30, 20),
            chainlink=ChainlinkSpec(100),
            collateral=TokenSpec("COL", 8, TOKEN),
            payout_token=TokenSpec("PAY", 2),
            report_deadline=600,
            root_delay=600,
            surplus_delay=1200,
            timelock_delay=7200,
            pool_factory=TOKEN,
            match_operators=(ONE, TWO),
            owner=ANVIL_ADDRESSES[4],
            guardian=ANVIL_ADDRESSES[5],
            operator=ANVIL_ADDRESSES[6],
            treasury=ANVIL_ADDRESSES[7],
        )
        == spec
    )
    assert ("BTC/USD", "ETH/USD", "SOL/USD") == tuple(feed.name for feed in spec.all_feeds)
    assert FeedSpec("ETH/USD", ("reports",), (600,)) == spec.all_feeds[1]


def test_every_field_of_the_specification_can_be_written() -> None:
    """A field that is added to the specification is added to the file's too: this text has them all."""
    missing = [
        field.name
        for kind in (DeploymentSpec, MarketSpec, RaceSpec, FeedSpec, PythSpec, ChainlinkSpec, TokenSpec)
        for field in fields(kind)
        if field.name not in EVERYTHING
    ]

    assert [] == missing


def test_the_least_that_is_needed(file: Path) -> None:
    """What is left out has the defaults: test tokens, an hour's deadline, roles to the deployer."""
    spec = load(file, LEAST)

    assert (TokenSpec("CYM1", 18), TokenSpec("USDC", 6)) == (spec.collateral, spec.payout_token)
    assert (3600, 3600, 86_400) == (spec.report_deadline, spec.root_delay, spec.surplus_delay)
    assert (None, None, None, None) == (spec.owner, spec.guardian, spec.operator, spec.treasury)
    assert (3600, None, None, ()) == (
        *(spec.timelock_delay, spec.match_operators, spec.pool_factory, spec.races),
    )
    assert (FeedSpec("BTC/USD", ("reports",), (3600,)),) == spec.all_feeds
    assert (100 * 10**18, 100, 0, None) == (
        *(spec.markets[0].liquidity, spec.markets[0].fee_bps),
        *(spec.markets[0].house_budget, spec.markets[0].genesis),
    )


@pytest.mark.parametrize(("chain_id", "network"), [(8453, BASE), (84532, BASE_SEPOLIA)])
def test_usdc_is_the_chains_own(file: Path, chain_id: int, network: Any) -> None:
    """On Base and Base Sepolia USDC without an address is theirs; elsewhere a test token is made."""
    least = f'pool_factory = "test"\n{LEAST}'
    given = f'{least}\n[payout_token]\naddress = "{TOKEN}"\n'

    assert network.addresses["USDC"] == load(file, least, chain_id).payout_token.address
    assert load(file, given, chain_id).payout_token.address == TOKEN
    assert load(file, least).payout_token.address is None


def test_base_has_its_own_factory_and_two_days(file: Path) -> None:
    """What stands on Base need not be named: Aerodrome's factory; the owner's steps take two days there."""
    base = load(file, LEAST, 8453)

    assert (BASE.addresses["AerodromeFactory"], 172_800) == (base.pool_factory, base.timelock_delay)
    assert 600 == load(file, f"timelock_delay = 600\n{LEAST}", 8453).timelock_delay


def test_a_chain_without_a_known_factory_needs_one(file: Path) -> None:
    """No curve on USDC without a pool to graduate to: that is said, and how to name one, or a test one."""
    with pytest.raises(
        SettingError, match=f"no pool_factory for USDC at {BASE_SEPOLIA.addresses['USDC']}"
    ) as caught:
        load(file, LEAST, 84532)

    assert 'pool_factory = "test"' in caught.value.hint
    assert TEST_FACTORY == load(file, f'pool_factory = "test"\n{LEAST}', 84532).pool_factory
    assert load(file, f'pool_factory = "{TOKEN}"\n{LEAST}', 84532).pool_factory == TOKEN


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("report_threshold = 1", ""), "report_threshold is missing"),
        ((f'reporters = ["{ONE}"]', ""), "reporters is missing"),
        (('symbol = "BTC"', ""), "markets.symbol is missing"),
        (('feed = "BTC/USD"', ""), "markets.feed is missing"),
        (('liquidity = "100"', ""), "markets.liquidity is missing"),
        (("[[markets]]", "[[market]]"), "unknown field market"),
        (("[[markets]]", "reporter = 1\n[[markets]]"), "unknown field reporter"),
        (('feed = "BTC/USD"', 'feed = "BTC/USD"\nfee = 1'), "unknown field markets.fee"),
        (("report_threshold = 1", "report_threshold = 2"), "report_threshold is 2, with 1 different"),
        (("report_threshold = 1", "report_threshold = 0"), "report_threshold is 0"),
        (("report_threshold = 1", 'report_threshold = "1"'), "report_threshold is '1', not a whole number"),
        (("report_threshold = 1", "report_threshold = true"), "report_threshold is True"),
        (("report_threshold = 1", "report_threshold = 1.5"), "report_threshold is 1.5"),
        (("report_threshold = 1", "report_threshold = 1\nroot_delay = 'x'"), "root_delay is 'x'"),
        (("report_threshold = 1", "report_threshold = 1\nroot_delay = 0"), "root_delay is 0 s"),
        (("report_threshold = 1", "report_threshold = 1\nsurplus_delay = 3599"), "surplus_delay 3599 s"),
        ((ONE, ONE[:-1]), ONE[:-1]),
        ((ONE, ONE[:-1] + "7"), "has a wrong checksum"),
        (("report_threshold = 1", 'report_threshold = 1\nowner = "me"'), "'me' is not an address"),
        (("report_threshold = 1", "report_threshold = 1\nowner = 7"), "7 is not an address"),
        (('liquidity = "100"', 'liquidity = "1,5"'), "'1,5' is not a decimal number"),
        (('liquidity = "100"', 'liquidity = "0.0000000000000000001"'), "more than 18 digits"),
        (('liquidity = "100"', 'liquidity = "1"\ncurve_target = "0.0000001"'), "more than 6 digits"),
        (('liquidity = "100"', 'liquidity = "1"\ngenesis = 301'), "market BTC starts at 301"),
        (('liquidity = "100"', 'liquidity = "1"\ngenesis = "300"'), "markets.genesis is '300'"),
        (('liquidity = "100"', 'liquidity = "1"\nfee_bps = 1.5'), "markets.fee_bps is 1.5"),
        (
            ('liquidity = "100"', 'liquidity = "1"\n[collateral]\ndecimals = "6"'),
            "collateral.decimals is '6'",
        ),
        (('liquidity = "100"', 'liquidity = "1"\n[collateral]\nname = "X"'), "unknown field collateral.name"),
        (
            ('liquidity = "100"', 'liquidity = "1"\n[payout_token]\naddress = "0x1"'),
            "'0x1' is not an address",
        ),
        (('liquidity = "100"', 'liquidity = "1'), "cannot be read"),
        (("report_threshold = 1", "report_threshold = 1\ntimelock_delay = 599"), "timelock_delay is 599 s"),
        (
            ("report_threshold = 1", "report_threshold = 1\ntimelock_delay = 2592001"),
            "timelock_delay is 2592001",
        ),
        (("report_threshold = 1", 'report_threshold = 1\npool_factory = "0x1"'), "'0x1' is not an address"),
        (("report_threshold = 1", 'report_threshold = 1\nmatch_operators = ["x"]'), "'x' is not an address"),
        (('liquidity = "100"', 'liquidity = "1"\nclosing_liquidity_bps = 0'), "closing_liquidity_bps 0"),
        (('liquidity = "100"', 'liquidity = "1"\nclosing_fee_bps = 99'), "fee_bps 100, closing_fee_bps 99"),
        (('liquidity = "100"', 'liquidity = "1"\ndaily_budget = "1208926"'), "market BTC has daily_budget"),
        (('liquidity = "100"', 'liquidity = "1"\ndaily_budget = "-1"'), "market BTC has daily_budget -1"),
        (('liquidity = "100"', 'liquidity = "1"\npool_stakers_bps = 7501'), "pool_stakers_bps 7501"),
    ],
)
def test_what_cannot_be_used_is_named(file: Path, change: tuple[str, str], named: str) -> None:
    """The file, the field and its value: nothing is guessed, and nothing unknown is passed over."""
    text = LEAST.replace(*change)
    assert text != LEAST
    with pytest.raises(SettingError) as caught:
        load(file, text)

    assert [] == [word for word in (str(file), named) if word not in caught.value.message]
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        f'reporters = "{ONE}"\nreport_threshold = 1\nmarkets = 7\n',
        LEAST.replace("[[markets]]", "[markets]"),
        f'reporters = ["{ONE}"]\nreport_threshold = 1\nmarkets = ["BTC"]\n',
        f"collateral = 7\n{LEAST}",
        f"payout_token = 'USDC'\n{LEAST}",
    ],
)
def test_a_value_of_another_kind_is_an_error_of_the_file(file: Path, text: str) -> None:
    """A table where a list is wanted, and the like, is told of with the file; no traceback."""
    with pytest.raises(SettingError, match=r"deploy\.toml"):
        load(file, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Neither a missing file nor a folder is a specification."""
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(SettingError, match=str(path)):
            load_specification(path, chain_id=1)
    (tmp_path / "raw.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError, match=r"raw\.toml cannot be read"):
        load_specification(tmp_path / "raw.toml", chain_id=1)


# ---------------------------------------------------------------- the specification itself


SPEC = local_spec((ONE, TWO, THREE), chain_id=31337)


def test_reporters_are_in_the_adapters_order() -> None:
    """However they are written, they are checksummed, ascending, and each once."""
    mixed = replace(SPEC, reporters=(TWO.lower(), ONE, TWO, THREE.upper().replace("X", "x")))

    assert tuple(sorted((ONE, TWO, THREE), key=str.lower)) == mixed.reporters
    assert mixed.settings_hash == replace(SPEC, reporters=(THREE, TWO, ONE)).settings_hash


def test_a_reporter_that_is_no_address_is_refused() -> None:
    """At construction, before anything is compiled."""
    with pytest.raises(BadAddressError, match="0x12"):
        replace(SPEC, reporters=("0x12",))


def test_one_reporter_twice_is_one() -> None:
    """Two names of one key are no quorum of two."""
    with pytest.raises(SettingError, match="2, with 1 different reporters"):
        replace(SPEC, reporters=(ONE, ONE.lower()))


@pytest.mark.parametrize(
    "change",
    [
        {"report_threshold": 1},
        {"timelock_delay": 7200},
        {"pool_factory": TOKEN},
        {"match_operators": ()},
        {"races": (RaceSpec("DUEL", ("BTC/USD", "ETH/USD"), 1),)},
        {"feeds": (FeedSpec("BTC/USD", ("reports",), (7200,)),)},
        {"pyth": PythSpec(TOKEN)},
        {"chainlink": ChainlinkSpec(1)},
        {"report_deadline": 1},
        {"root_delay": 1_800},
        {"surplus_delay": 7_200},
        {"owner": ONE},
        {"guardian": ONE},
        {"operator": ONE},
        {"treasury": ONE},
        {"reporters": (ONE, TWO)},
        {"collateral": TokenSpec("CYM1", 6)},
        {"payout_token": TokenSpec("USDC", 6, TOKEN)},
        {"markets": ()},
        {"markets": (replace(SPEC.markets[0], curve_fee_bps=1),)},
    ],
)
def test_every_field_is_in_the_settings_hash(change: dict[str, Any]) -> None:
    """Two specifications that differ in anything have different hashes; equal ones the same."""
    assert SPEC.settings_hash != replace(SPEC, **change).settings_hash
    assert SPEC.settings_hash == local_spec((ONE, TWO, THREE), chain_id=31337).settings_hash


def test_the_local_system_has_a_market_that_trades() -> None:
    """Two of three sign, the house has a budget, and on a fork of Base the payout token is Base's USDC."""
    fork = local_spec((ONE, TWO, THREE), chain_id=8453, genesis=300)
    sepolia = local_spec((ONE, TWO, THREE), chain_id=84532)

    assert (BASE.addresses["AerodromeFactory"], TEST_FACTORY) == (fork.pool_factory, sepolia.pool_factory)

    assert (2, None, BASE.addresses["USDC"]) == (
        *(SPEC.report_threshold, SPEC.payout_token.address, fork.payout_token.address),
    )
    assert ("BTC", "BTC/USD", None, 300) == (
        *(SPEC.markets[0].symbol, SPEC.markets[0].feed, SPEC.markets[0].genesis, fork.markets[0].genesis),
    )
    assert SPEC.markets[0].house_budget > SPEC.markets[0].liquidity
    assert ("BTC Perpetual MRT", "BTC-PERP-MRT") == (
        *(SPEC.markets[0].token_name, SPEC.markets[0].token_symbol),
    )


@pytest.mark.parametrize("delays", [(0, 86_400), (599, 86_400), (3_600, 3_599)])
def test_a_vault_without_delay_is_refused(delays: tuple[int, int]) -> None:
    """Payouts can be claimed before another root, or the withdrawal of what is beyond them, takes effect."""
    with pytest.raises(SettingError, match=f"root_delay is {delays[0]} s, surplus_delay {delays[1]} s"):
        replace(SPEC, root_delay=delays[0], surplus_delay=delays[1])


@pytest.mark.parametrize(
    ("fields", "fee", "budget"),
    [
        ({}, 300, 2**80 - 1),
        ({"fee_bps": 0}, 0, 2**80 - 1),
        ({"fee_bps": 400}, 1000, 2**80 - 1),
        ({"fee_bps": 400, "closing_fee_bps": 500, "house_budget": 7}, 500, 7),
        ({"house_budget": 7, "daily_budget": 0}, 300, 0),
        ({"house_budget": 2**90}, 300, 2**80 - 1),
    ],
)
def test_house_terms_that_are_left_out(fields: dict[str, Any], fee: int, budget: int) -> None:
    """The fee triples towards the end, to 10 % at most; all of a budget may go on one day."""
    market = MarketSpec("BTC", "BTC/USD", 10**18, **fields)

    assert (fee, budget) == (market.final_fee_bps, market.most_spent_daily)


@pytest.mark.parametrize(
    "change",
    [
        {"markets": SPEC.markets * 2},
        {"races": (RaceSpec("DUEL", ("BTC/USD", "ETH/USD"), 1),) * 2},
        {"feeds": (FeedSpec("BTC/USD", ("reports",), (7200,)),) * 2},
    ],
)
def test_a_name_twice_is_refused(change: dict[str, Any]) -> None:
    """Markets and races go by their symbols, feeds by their names."""
    with pytest.raises(SettingError, match="is there twice"):
        replace(SPEC, **change)


@pytest.mark.parametrize(
    ("assets", "positions", "named"),
    [
        (("BTC/USD",), 1, "race DUEL is between BTC/USD"),
        (("BTC/USD", "BTC/USD"), 1, "race DUEL is between BTC/USD, BTC/USD"),
        (tuple(f"A{n}/USD" for n in range(17)), 1, "race DUEL is between A0/USD"),
        (("BTC/USD", "ETH/USD"), 3, "race DUEL has 3 positions"),
        (("BTC/USD", "ETH/USD"), 0, "race DUEL has 0 positions"),
        (tuple(f"A{n}/USD" for n in range(16)), 6, "race DUEL has 6 positions"),
    ],
)
def test_a_race_that_cannot_be_is_refused(assets: tuple[str, ...], positions: int, named: str) -> None:
    """2 to 16 different assets, and no more places than five, or than there are assets."""
    with pytest.raises(SettingError, match=named):
        RaceSpec("DUEL", assets, positions)
    with pytest.raises(SettingError, match="race DUEL starts at 7"):
        RaceSpec("DUEL", ("BTC/USD", "ETH/USD"), 1, genesis=7)
