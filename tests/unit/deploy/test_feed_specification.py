from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chain_kit.deploy import ChainlinkSpec, FeedSpec, PythSpec
from chain_kit.deploy.specification_file import load_specification
from chain_kit.errors import SettingError
from chain_kit.networks import ANVIL_ADDRESSES, BASE, PYTH_IDS

LEAST = f"""
reporters = ["{ANVIL_ADDRESSES[0]}"]
report_threshold = 1
report_deadline = 900
pool_factory = "test"
[[markets]]
symbol = "BTC"
feed = "BTC/USD"
liquidity = "100"
"""
ALL = """
[[feeds]]
name = "BTC/USD"
adapters = ["reports", "pyth", "chainlink"]
deadlines = [600, 1200, 3600]
"""


def feed_of(folder: Path, tables: str, chain_id: int = 8453) -> FeedSpec:
    """The first feed of a specification with these tables."""
    path = folder / "deploy.toml"
    path.write_text(LEAST + tables)
    return load_specification(path, chain_id=chain_id).all_feeds[0]


def test_base_knows_its_sources(tmp_path: Path) -> None:
    """Pyth, its id of the price and Chainlink's proxy need not be named where they are known."""
    feed = feed_of(tmp_path, ALL)

    assert ("reports", "pyth", "chainlink") == feed.adapters
    assert (600, 1200, 3600) == feed.deadlines
    assert (PYTH_IDS["BTC/USD"], BASE.addresses["Chainlink BTC/USD"]) == (feed.pyth_id, feed.aggregator)
    assert BASE.addresses["Pyth"] == load_specification(tmp_path / "deploy.toml", chain_id=8453).pyth.address


@pytest.mark.parametrize("table", ["", '[[feeds]]\nname = "BTC/USD"\n'])
def test_signed_reports_alone_are_the_default(tmp_path: Path, table: str) -> None:
    """With the deadline of all; a table that says nothing changes nothing."""
    feed = feed_of(tmp_path, table, chain_id=1)

    assert (("reports",), (900,)) == (feed.adapters, feed.deadlines)


@pytest.mark.parametrize(
    ("tables", "chain_id", "named"),
    [
        (ALL, 31337, "feed BTC/USD takes pyth, and none is known on this chain"),
        (ALL.replace("BTC", "SOL"), 8453, "feed SOL/USD takes pyth, and has no pyth_id"),
        (
            ALL.replace("BTC", "SOL").replace('"pyth", ', "").replace("1200, ", ""),
            8453,
            "feed SOL/USD takes chainlink, and none is known for it",
        ),
        (ALL.replace("pyth", "uma"), 8453, "feed BTC/USD has an adapter 'uma'"),
        (ALL.replace("pyth", "reports"), 8453, "feed BTC/USD has the adapters reports, reports, chainlink"),
        (ALL.replace("1200", "600"), 8453, "feed BTC/USD has the deadlines 600, 600, 3600"),
        (ALL.replace("600, 1200", "600"), 8453, "feed BTC/USD has the deadlines 600, 3600"),
        (ALL.replace("[600", "[299"), 8453, "feed BTC/USD has the deadlines 299"),
        (ALL.replace("3600", "604801"), 8453, "feed BTC/USD has the deadlines 600, 1200, 604801"),
        (ALL.replace("deadlines = [600, 1200, 3600]", ""), 8453, "feed BTC/USD has the deadlines none"),
        (ALL.replace("600,", '"600",'), 8453, "feeds.deadlines is '600', not a whole number"),
        (ALL.replace('["reports", "pyth", "chainlink"]', '"pyth"'), 8453, "feeds.adapters is 'pyth'"),
        (ALL.replace('["reports", "pyth", "chainlink"]', "[]"), 8453, "has the adapters none"),
        (ALL + "pyth_id = '0x12'\n", 8453, "feeds.pyth_id is '0x12'"),
        (ALL + "aggregator = '0x12'\n", 8453, "'0x12' is not an address"),
        (ALL + "max_age = '1'\n", 8453, "feeds.max_age is '1'"),
        (ALL + "age = 1\n", 8453, "unknown field feeds.age"),
        ("[[feeds]]\nadapters = []\n", 8453, "feeds.name is missing"),
        ("[pyth]\nmax_gap = 300\n", 8453, "pyth.max_gap is 300 s"),
        ("[pyth]\nmax_confidence_bps = 0\n", 8453, "pyth.max_confidence_bps is 0"),
        ("[pyth]\ngap = 0\n", 8453, "unknown field pyth.gap"),
        ("[chainlink]\nage = 0\n", 8453, "unknown field chainlink.age"),
        ("[chainlink]\nmax_age = 0\n", 8453, "chainlink.max_age is 0 s"),
        (ALL + "max_age = 604801\n", 8453, "feed BTC/USD has max_age 604801 s"),
        (ALL + ALL, 8453, "feed BTC/USD is there twice"),
    ],
)
def test_a_feed_that_cannot_be_is_named(tmp_path: Path, tables: str, chain_id: int, named: str) -> None:
    """What the oracle or an adapter would refuse is told of with the feed, its value, and what to do."""
    with pytest.raises(SettingError) as caught:
        feed_of(tmp_path, tables, chain_id)

    assert named in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "made",
    [
        lambda: FeedSpec("X", ("reports",), ()),
        lambda: PythSpec(max_gap=-1),
        lambda: PythSpec(max_confidence_bps=10_001),
        lambda: ChainlinkSpec(max_age=604_801),
    ],
)
def test_python_gets_the_same_refusals(made: Any) -> None:
    """A specification that is no file is checked at construction."""
    with pytest.raises(SettingError):
        made()
