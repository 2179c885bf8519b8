from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chain_kit.contracts import Contract
from chain_kit.deploy import DeploymentReport, MarketSpec, RaceSpec
from chain_kit.errors import NotOwnerError, RevertedError, SendError
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.oracle import feed_id
from tests.system_support.deploying import SPEC, Site
from tests.system_support.fake_chain import FakeChain

OWNER, STRANGER, OPERATOR = ANVIL_ADDRESSES[4:7]
DELAY = SPEC.timelock_delay
ETH = MarketSpec(symbol="ETH", feed="ETH/USD", liquidity=10**18)
MORE = replace(SPEC, markets=(*SPEC.markets, ETH))
"""A market on a feed that is not registered yet."""
FEED = "feed ETH/USD"
ANNOUNCED = ["Timelock.scheduleBatch"]
EXECUTED = ["Timelock.executeBatch", "EpochHub.createMarket", "new MrtCurve"]


def timelock(site: Site) -> str:
    """The timelock's address."""
    return site.manifest.address("Timelock")


def announce(site: Site) -> DeploymentReport:
    """The specification with one feed more, and a market on it, deployed for the first time."""
    report = site.deploy(MORE)
    assert report.waiting is not None
    return report


def test_a_feed_after_the_handover_is_announced(deployed: Site) -> None:
    """It needs the timelock: announced, told of with the time, and its market is not made before it."""
    before = deployed.path.read_text()
    report = announce(deployed)
    waiting = report.waiting
    assert waiting is not None

    assert ANNOUNCED == deployed.chain.sent
    assert ((FEED,), timelock(deployed), deployed.chain.timestamp + DELAY) == (
        *(waiting.what, waiting.timelock, waiting.ready_at),
    )
    assert f"announcement of {FEED}" in [step.name for step in report.steps if step.transaction]
    assert "market ETH" not in [step.name for step in report.steps]
    assert before == deployed.path.read_text()


def test_before_the_delay_nothing_more_is_sent(deployed: Site) -> None:
    """Run again too early, it says the same time and sends nothing."""
    first = announce(deployed)
    deployed.chain.timestamp += DELAY - 1
    deployed.chain.sent.clear()

    assert announce(deployed).waiting == first.waiting
    assert [] == deployed.chain.sent


def test_after_the_delay_it_is_executed_and_goes_on(deployed: Site) -> None:
    """The same command: the timelock registers the feed, the market is made on it; then nothing is left."""
    announce(deployed)
    deployed.chain.timestamp += DELAY
    deployed.chain.sent.clear()
    report = deployed.deploy(MORE)

    assert EXECUTED == deployed.chain.sent
    assert (None, 2) == (report.waiting, report.manifest.market("ETH").market_id)
    assert report.manifest.feeds["ETH/USD"].deadline == MORE.report_deadline
    assert report.manifest.settings_hash == MORE.settings_hash
    assert 0 == deployed.deploy(MORE).sent


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_broken_off_at_the_timelock_it_goes_on(deployed: Site, nth: int, lost: bool) -> None:
    """Announced once, executed once, whichever transaction failed, or was mined although nobody heard so."""
    chain = deployed.chain
    chain.breaks_at, chain.lost = nth, lost
    for _ in range(4):
        try:
            deployed.deploy(MORE)
        except SendError:
            continue
        chain.timestamp += DELAY

    assert dict.fromkeys((*ANNOUNCED, *EXECUTED[:2]), 1) == {
        name: chain.sent.count(name) for name in chain.sent if name != "new MrtCurve"
    }
    assert {"BTC", "ETH"} == set(deployed.manifest.markets)
    chain.sent.clear()
    assert 0 == deployed.deploy(MORE).sent


def test_what_is_left_out_again_is_not_executed(deployed: Site) -> None:
    """An announcement that the specification no longer wants stays one."""
    announce(deployed)
    deployed.chain.timestamp += DELAY
    deployed.chain.sent.clear()

    assert (0, None) == (deployed.deploy().sent, deployed.deploy().waiting)
    assert [] == deployed.chain.sent


@pytest.mark.parametrize(("delay", "function"), [(0, "scheduleBatch"), (DELAY, "executeBatch")])
def test_who_may_not_is_told_what_to_send(deployed: Site, delay: int, function: str) -> None:
    """Neither announced nor executed by a stranger: the hint has the timelock and the very call data."""
    if delay:
        announce(deployed)
        deployed.chain.timestamp += delay
        deployed.chain.sent.clear()
    deployed.chain.act_as(STRANGER)
    with pytest.raises(NotOwnerError, match=FEED) as caught:
        deployed.deploy(MORE)
    selector = Contract("Timelock", timelock(deployed)).encode_call(function, *call_of(deployed, function))

    assert [] == deployed.chain.sent
    assert timelock(deployed) in caught.value.hint
    assert caught.value.hint.endswith("0x" + selector.hex())
    assert 4 == caught.value.exit_code


def call_of(site: Site, function: str) -> tuple[Any, ...]:
    """What has to be sent to the timelock for the feed."""
    oracle = site.manifest.address("BoundaryOracle")
    adapter = site.manifest.address("SignedReportAdapter")
    data = Contract("BoundaryOracle", oracle).encode_call(
        "registerFeed(bytes32,address[],uint256[])", feed_id("ETH/USD"), [adapter], [MORE.report_deadline]
    )
    batch = ([oracle], [0], [data], bytes(32), bytes(32))
    return (*batch, DELAY) if function == "scheduleBatch" else batch


def test_the_owner_goes_on_where_the_deployer_was(site: Site) -> None:
    """Another account announces and executes; what stands keeps its deployer, and nothing conflicts."""
    spec = replace(SPEC, owner=OWNER)
    site.deploy(spec)
    site.chain.act_as(OWNER)
    more = replace(spec, markets=MORE.markets)

    assert site.deploy(more).waiting is not None
    site.chain.timestamp += DELAY
    assert site.deploy(more).waiting is None
    assert FakeChain.sender == site.manifest.contracts["BoundaryOracle"].arguments[0]
    assert OWNER == site.chain.markets_of(site.manifest.address("EpochHub"))[1].creator
    assert 0 == site.deploy(more).sent
    site.chain.act_as(FakeChain.sender)
    assert 0 == site.deploy(more).sent


def test_the_owner_may_bring_what_the_deployer_did_not(site: Site) -> None:
    """A race market that comes later is set up by whoever deploys it, and handed over like all others."""
    site.deploy(replace(SPEC, owner=OWNER, markets=(*SPEC.markets, ETH)))
    site.chain.act_as(OWNER)
    race = RaceSpec("DUEL", ("BTC/USD", "ETH/USD"), 1)
    spec = replace(SPEC, owner=OWNER, markets=(*SPEC.markets, ETH), races=(race,))
    report = site.deploy(spec)
    market = report.manifest.contracts["RaceMarket"]

    assert (None, OWNER) == (report.waiting, market.arguments[0])
    assert timelock(site) == site.chain.owners[market.address]
    site.chain.act_as(FakeChain.sender)
    assert 0 == site.deploy(spec).sent


def test_match_operators_are_as_named(site: Site) -> None:
    """Those of the specification, whoever the operator is; none if none are named."""
    site.deploy(replace(SPEC, match_operators=(STRANGER, OPERATOR)))
    hub = site.manifest.address("EpochHub")
    allowed = [site.chain.call("EpochHub", hub, "isMatchOperator", one) for one in ANVIL_ADDRESSES[4:8]]

    assert [False, True, True, False] == allowed
    site.path.unlink()
    site.chain.sent.clear()
    site.deploy(replace(SPEC, match_operators=()))
    assert "EpochHub.setMatchOperator" not in site.chain.sent


def test_an_operator_after_the_handover_takes_the_timelock(deployed: Site) -> None:
    """Together with a feed it is one announcement; dismissed and wanted again, it is another one."""
    spec = replace(MORE, match_operators=(FakeChain.sender, OPERATOR))
    report = deployed.deploy(spec)
    assert report.waiting is not None
    hub = deployed.manifest.address("EpochHub")

    assert ANNOUNCED == deployed.chain.sent
    assert (FEED, f"match operator {OPERATOR} of EpochHub") == report.waiting.what
    deployed.chain.timestamp += DELAY
    assert deployed.deploy(spec).waiting is None
    dismiss(deployed, OPERATOR)
    again = deployed.deploy(spec).waiting
    assert again is not None
    assert (f"match operator {OPERATOR} of EpochHub",) == again.what
    deployed.chain.timestamp += DELAY
    deployed.deploy(spec)
    dismiss(deployed, OPERATOR)
    third = deployed.deploy(spec).waiting
    assert third is not None
    assert third.operation != again.operation
    assert not deployed.chain.call("EpochHub", hub, "isMatchOperator", OPERATOR)


def dismiss(site: Site, operator: str) -> None:
    """The timelock takes an operator's right away."""
    sender = site.chain.sender
    site.chain.act_as(timelock(site))
    hub = site.manifest.address("EpochHub")
    site.chain.transact("EpochHub", hub, "setMatchOperator", operator, False)
    site.chain.act_as(sender)


def test_the_deployer_cannot_act_alone_afterwards(deployed: Site) -> None:
    """It sets neither feeds nor operators, and what it announces is not done before its time."""
    chain, manifest = deployed.chain, deployed.manifest
    oracle, hub = manifest.address("BoundaryOracle"), manifest.address("EpochHub")
    with pytest.raises(RevertedError, match="OwnableUnauthorizedAccount"):
        chain.transact("BoundaryOracle", oracle, "registerFeed", feed_id("X"), [STRANGER], [300])
    with pytest.raises(RevertedError, match="OwnableUnauthorizedAccount"):
        chain.transact("EpochHub", hub, "setMatchOperator", STRANGER, True)
    announce(deployed)
    with pytest.raises(RevertedError, match="TimelockUnexpectedOperationState"):
        chain.transact("Timelock", timelock(deployed), "executeBatch", *call_of(deployed, "executeBatch"))


def test_a_contract_of_somebody_else_is_not_set(site: Site) -> None:
    """A hub that was given away before the handover: its owner is named, and nothing is sent to it."""
    site.chain.breaks_at = 9
    with pytest.raises(SendError):
        site.deploy()
    site.chain.owners[site.manifest.address("EpochHub")] = STRANGER
    site.chain.sent.clear()
    with pytest.raises(NotOwnerError, match=f"match operator .* needs {STRANGER}, the owner of EpochHub"):
        site.deploy()
    with pytest.raises(NotOwnerError, match=f"EpochHub at .* belongs to {STRANGER}"):
        site.deploy(replace(SPEC, match_operators=()))

    assert "EpochHub.setMatchOperator" not in site.chain.sent
    assert "EpochHub.transferOwnership" not in site.chain.sent
