from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chain_kit.deploy import ChainlinkSpec, DeploymentSpec, FeedSpec, PythSpec
from chain_kit.errors import DeploymentConflictError
from chain_kit.networks import ANVIL_ADDRESSES, PYTH_IDS
from chain_kit.oracle import feed_id
from tests.system_support.deploying import SPEC, Site

PYTH, BTC_PROXY, ETH_PROXY = ANVIL_ADDRESSES[7:]
BTC = FeedSpec(
    "BTC/USD",
    ("pyth", "reports", "chainlink"),
    (600, 1200, 3600),
    pyth_id=PYTH_IDS["BTC/USD"],
    aggregator=BTC_PROXY,
    max_age=90,
)
ETH = FeedSpec("ETH/USD", ("pyth", "chainlink"), (600, 1200), PYTH_IDS["ETH/USD"], ETH_PROXY)


def with_feeds(*feeds: FeedSpec, **fields: Any) -> DeploymentSpec:
    """The specification with these feeds."""
    return replace(SPEC, feeds=feeds, pyth=PythSpec(PYTH, 30, 20), **fields)


ONE, TWO = with_feeds(BTC), with_feeds(BTC, ETH)


def adapters_of(site: Site) -> dict[str, tuple[Any, ...]]:
    """The adapters in the manifest, by their names, with what they were made with."""
    return {name: record.arguments for name, record in site.manifest.contracts.items() if "Adapter" in name}


def raised(site: Site, spec: DeploymentSpec) -> None:
    """Deploys what takes the timelock: announced, and executed after its delay."""
    assert site.deploy(spec).waiting is not None
    site.chain.timestamp += spec.timelock_delay
    assert site.deploy(spec).waiting is None


def test_a_feed_has_its_adapters_in_order(site: Site) -> None:
    """As specified at the oracle and in the manifest; keepers find the signed reports' wherever it stands."""
    manifest = site.deploy(ONE).manifest
    feed, oracle = manifest.feeds["BTC/USD"], manifest.address("BoundaryOracle")
    names = ("PythAdapter", "SignedReportAdapter", "ChainlinkAdapter")
    adapters, deadlines = site.chain.call("BoundaryOracle", oracle, "adaptersOf", feed_id("BTC/USD"))

    assert tuple(manifest.address(name) for name in names) == feed.adapters
    assert [address.lower() for address in feed.adapters] == adapters
    assert [600, 1200, 3600] == deadlines == list(feed.deadlines)
    assert (manifest.address("SignedReportAdapter"), 3600) == (feed.adapter, feed.deadline)


def test_adapters_are_made_for_their_feeds(site: Site) -> None:
    """One of a kind for all feeds that are there: Pyth's ids and limits, Chainlink's proxies and ages."""
    site.deploy(replace(TWO, chainlink=ChainlinkSpec(100)))
    ids = ["0x" + feed_id(name).hex() for name in ("BTC/USD", "ETH/USD")]
    made = adapters_of(site)

    assert {"SignedReportAdapter", "PythAdapter", "ChainlinkAdapter"} == set(made)
    assert (PYTH, ids, [PYTH_IDS["BTC/USD"], PYTH_IDS["ETH/USD"]], "30", "20") == made["PythAdapter"]
    assert (ids, [BTC_PROXY, ETH_PROXY], ["90", "100"]) == made["ChainlinkAdapter"]
    assert site.manifest.feeds["ETH/USD"].adapter == site.manifest.address("PythAdapter")
    site.chain.sent.clear()
    assert 0 == site.deploy(replace(TWO, chainlink=ChainlinkSpec(100))).sent


def test_a_later_feed_gets_adapters_of_its_own(site: Site) -> None:
    """Which feeds one serves is fixed: the first stand as they are, and what is found again is the same."""
    site.deploy(ONE)
    before = adapters_of(site)
    raised(site, TWO)
    after = adapters_of(site)
    new = {name: after[name] for name in after.keys() - before.keys()}

    assert before == {name: after[name] for name in before}
    assert {"PythAdapter:2", "ChainlinkAdapter:2"} == set(new)
    assert ["0x" + feed_id("ETH/USD").hex()] == new["PythAdapter:2"][1] == new["ChainlinkAdapter:2"][0]
    site.chain.sent.clear()
    assert 0 == site.deploy(TWO).sent
    assert 0 == site.deploy(with_feeds(ETH, BTC)).sent


def test_a_feed_that_is_named_no_more_stays(site: Site) -> None:
    """Its adapter serves it as before; the others are not touched."""
    site.deploy(TWO)
    site.chain.sent.clear()

    assert 0 == site.deploy(ONE).sent
    assert {"BTC/USD", "ETH/USD"} == set(site.manifest.feeds)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"feeds": (replace(BTC, pyth_id="0x" + "11" * 32),)}, "PythAdapter"),
        ({"feeds": (replace(BTC, aggregator=PYTH),)}, "ChainlinkAdapter"),
        ({"feeds": (replace(BTC, max_age=91),)}, "ChainlinkAdapter"),
        ({"feeds": (replace(BTC, deadlines=(600, 1200, 3601)),)}, "feed BTC/USD"),
        ({"feeds": (replace(BTC, adapters=("reports", "pyth", "chainlink")),)}, "feed BTC/USD"),
        ({"feeds": ()}, "feed BTC/USD"),
        ({"pyth": PythSpec(PYTH, 31, 20)}, "PythAdapter"),
        ({"pyth": PythSpec(BTC_PROXY, 30, 20)}, "PythAdapter"),
    ],
)
def test_other_sources_for_what_stands_are_a_conflict(site: Site, change: dict[str, Any], named: str) -> None:
    """Neither a feed nor an adapter ever changes: it is named, and nothing is sent."""
    site.deploy(ONE)
    site.chain.sent.clear()
    with pytest.raises(DeploymentConflictError, match=named):
        site.deploy(replace(ONE, **change))

    assert [] == site.chain.sent


@pytest.mark.parametrize("name", ["PythAdapter", "ChainlinkAdapter"])
def test_an_adapter_that_feeds_stand_on_cannot_be_made_anew(site: Site, name: str) -> None:
    """The oracle holds its address for good."""
    site.deploy(ONE)
    site.without("contracts", name)
    site.chain.sent.clear()
    with pytest.raises(DeploymentConflictError, match="feed BTC/USD .* a new " + name):
        site.deploy(ONE)

    assert [] == site.chain.sent
