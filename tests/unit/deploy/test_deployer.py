from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain_kit.deploy import DeploymentSpec, MarketSpec, RaceSpec, Step, TokenSpec
from chain_kit.errors import (
    CodeMismatchError,
    DeploymentConflictError,
    ManifestChainError,
    ManifestInvalidError,
    SendError,
    SettingError,
)
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.oracle import feed_id
from tests.system_support.deploying import REPORTERS, SPEC, Site
from tests.system_support.fake_chain import FakeChain

TRANSACTIONS = [
    *("new BoundaryOracle", "new Timelock", "new TestToken", "new TestToken", "new SignedReportAdapter"),
    *("new EpochHub", "new PayoutVault", "BoundaryOracle.registerFeed", "EpochHub.setMatchOperator"),
    *("new TestPoolFactory", "EpochHub.createMarket", "TestToken.mint", "TestToken.approve"),
    *("EpochHub.deposit", "EpochHub.fundHouse", "new MrtCurve", "BoundaryOracle.transferOwnership"),
    *("EpochHub.transferOwnership", "Timelock.acceptOwnerships"),
]
MARKET = TRANSACTIONS[10:16]
PARTS = [
    *("BoundaryOracle", "Timelock", "CYM1", "USDC", "SignedReportAdapter", "EpochHub", "PayoutVault"),
    *("feed BTC/USD", f"match operator {FakeChain.sender} of EpochHub", "PoolFactory", "market BTC"),
    *("house budget of market 1", "MrtCurve:BTC", "MrtToken:BTC"),
    *("owner of BoundaryOracle", "owner of EpochHub"),
]
STANDING = [*(name for name in PARTS if not name.startswith("house")), "owner of PayoutVault"]
"""The budget is given once; the vault is the timelock's from its constructor on."""


ETH = MarketSpec(symbol="ETH", feed="ETH/USD", liquidity=10**18)


# ---------------------------------------------------------------- the first run, and the second


def test_first_run_sends_everything_in_order(site: Site) -> None:
    """Each part once, each after what it needs; each is told of with its address and transaction."""
    report = site.deploy()

    assert TRANSACTIONS == site.chain.sent
    assert report.steps == site.told
    assert PARTS == [step.name for step in report.steps if step.transaction is not None]
    assert ["owner of PayoutVault"] == [step.name for step in report.steps if step.transaction is None]
    assert (len(PARTS), None) == (report.sent, report.waiting)
    assert report.manifest == site.manifest


def test_manifest_has_everything_that_is_on_chain(site: Site) -> None:
    """Addresses, arguments, hashes of code; integers as decimal strings; parameters of feed and market."""
    manifest = site.deploy().manifest
    hub, market = manifest.contracts["EpochHub"], manifest.market("BTC")
    (on_chain,) = site.chain.markets_of(hub.address)

    assert (site.chain.sender, manifest.address("CYM1"), manifest.address("BoundaryOracle")) == hub.arguments[
        :3
    ]
    assert "18" == manifest.contracts["CYM1"].arguments[2]
    assert (sorted(REPORTERS, key=str.lower), "2") == manifest.contracts["SignedReportAdapter"].arguments
    assert [] == [
        name for name, r in manifest.contracts.items() if r.code_hash != site.chain.code_hash(r.address)
    ]
    assert (1, on_chain.facade, "BTC/USD", on_chain.genesis, on_chain.liquidity, 100) == (
        *(market.market_id, market.facade, market.feed, market.genesis, market.liquidity, market.fee_bps),
    )
    assert (2500, 300) == (market.closing_liquidity_bps, market.closing_fee_bps)
    assert (2500, 300) == (on_chain.closingLiquidityBps, on_chain.closingFeeBps)
    assert SPEC.markets[0].house_budget == on_chain.houseBudget == on_chain.dailyBudget
    curve = manifest.address("MrtCurve:BTC")
    assert [market.pool, market.lock, market.staking] == [
        site.chain.call("MrtCurve", curve, part) for part in ("pool", "lock", "staking")
    ]
    assert (manifest.address("SignedReportAdapter"), 3600) == (
        *(manifest.feeds["BTC/USD"].adapter, manifest.feeds["BTC/USD"].deadline),
    )
    assert (manifest.address("CYM1"), manifest.address("USDC")) == (
        *(manifest.collateral.address, manifest.payout_token.address),
    )


def test_genesis_is_the_next_boundary_unless_it_is_given(tmp_path: Path) -> None:
    """A market starts at the next multiple of 300 s after the newest block, or where it is said."""
    site, other = Site(tmp_path / "a"), Site(tmp_path / "b")
    site.chain.timestamp = 1_700_000_100

    assert 1_700_000_400 == site.deploy().manifest.market("BTC").genesis
    given = replace(SPEC, markets=(replace(SPEC.markets[0], genesis=1_700_100_000),))
    assert 1_700_100_000 == other.deploy(given).manifest.market("BTC").genesis


def test_second_run_sends_nothing(deployed: Site) -> None:
    """Everything stands: nothing is sent, nothing written, and each part is told of as there already."""
    before = deployed.path.stat().st_mtime_ns, deployed.path.read_text()
    report = deployed.deploy()

    assert [] == deployed.chain.sent
    assert 0 == report.sent
    assert {None} == {step.transaction for step in report.steps}
    assert sorted(STANDING) == sorted(step.name for step in report.steps)
    assert before == (deployed.path.stat().st_mtime_ns, deployed.path.read_text())


def test_time_passes_and_still_nothing_is_sent(deployed: Site) -> None:
    """A market that was to start at the next boundary does not start anew at a later one."""
    deployed.chain.timestamp += 1_000_000

    assert 0 == deployed.deploy().sent


def test_a_spent_house_budget_is_not_filled_up(deployed: Site) -> None:
    """What the house has used since is the operator's business: deploying again gives no more."""
    deployed.chain.markets_of(deployed.manifest.address("EpochHub"))[0].houseBudget = 0

    assert 0 == deployed.deploy().sent
    assert [] == deployed.chain.sent


# ---------------------------------------------------------------- one part missing


@pytest.mark.parametrize(
    ("removed", "sent"),
    [
        ({"contracts": ["PayoutVault"]}, ["new PayoutVault"]),
        ({"contracts": ["MrtCurve:BTC"]}, ["new MrtCurve"]),
        ({"contracts": ["MrtCurve:BTC", "MrtToken:BTC"]}, ["new MrtCurve"]),
        ({"contracts": ["MrtToken:BTC"]}, []),
        ({"markets": ["BTC"]}, []),
        ({"markets": ["BTC"], "feeds": ["BTC/USD"]}, []),
        ({}, []),
    ],
)
def test_a_part_that_the_manifest_lacks_is_all_that_is_sent(
    deployed: Site, removed: dict[str, list[str]], sent: list[str]
) -> None:
    """A missing contract is deployed alone; a feed or market that the chain has is written down again."""
    before = deployed.manifest
    for kind, names in removed.items():
        deployed.without(kind, *names)
    deployed.deploy()
    after = deployed.manifest

    assert sent == deployed.chain.sent
    assert before.contracts.keys() == after.contracts.keys()
    assert (before.feeds.keys(), before.markets.keys()) == (after.feeds.keys(), after.markets.keys())
    assert 1 == len(deployed.chain.markets_of(after.address("EpochHub")))
    assert 0 == deployed.deploy().sent
    if not sent:
        assert before == after


@pytest.mark.parametrize("name", ["PayoutVault", "MrtCurve:BTC"])
def test_a_part_that_the_chain_lacks_is_all_that_is_sent(deployed: Site, name: str) -> None:
    """Code that is gone, though the manifest has it, is deployed again."""
    deployed.chain.vanish(deployed.manifest.address(name))
    deployed.deploy()

    assert ["new " + name.partition(":")[0]] == deployed.chain.sent
    assert 0 == deployed.deploy().sent


@pytest.mark.parametrize(
    "name",
    [*("CYM1", "USDC", "BoundaryOracle", "Timelock"), *("SignedReportAdapter", "EpochHub", "PoolFactory")],
)
def test_a_part_that_others_stand_on_cannot_be_made_anew(deployed: Site, name: str) -> None:
    """Others hold its address for good: that is said before anything is sent or written."""
    deployed.without("contracts", name)
    before = deployed.path.read_text()
    with pytest.raises(DeploymentConflictError, match=name):
        deployed.deploy()

    assert [] == deployed.chain.sent
    assert before == deployed.path.read_text()


def test_a_market_more_is_all_that_is_sent(deployed: Site) -> None:
    """A second market on a feed that is there: itself, its budget and its curve, and nothing else."""
    more = MarketSpec(symbol="BTC2", feed="BTC/USD", liquidity=10**18, house_budget=5 * 10**18)
    deployed.deploy(replace(SPEC, markets=(*SPEC.markets, more)))

    assert deployed.chain.sent == MARKET
    assert {"BTC": 1, "BTC2": 2} == {name: m.market_id for name, m in deployed.manifest.markets.items()}


def test_races_bring_their_market(deployed: Site) -> None:
    """With the first race comes the race market, with its operator, handed over; a second is one call."""
    race = RaceSpec("DUEL", ("BTC/USD", "ETH/USD"), 1)
    two = replace(SPEC, races=(race,), markets=(*SPEC.markets, ETH))
    fresh = Site(deployed.path.parent.parent / "other")
    manifest = fresh.deploy(two).manifest
    (on_chain,) = fresh.chain.races_of(manifest.address("RaceMarket"))

    assert ("DUEL", 1, ("BTC/USD", "ETH/USD"), 1, on_chain.genesis) == (
        *(manifest.races["DUEL"].symbol, manifest.races["DUEL"].race_id, manifest.races["DUEL"].feeds),
        *(manifest.races["DUEL"].positions, manifest.races["DUEL"].genesis),
    )
    assert fresh.chain.owners[manifest.address("RaceMarket")] == manifest.address("Timelock")
    fresh.chain.sent.clear()
    assert 0 == fresh.deploy(two).sent
    fresh.without("races", "DUEL")
    assert manifest == fresh.deploy(two).manifest
    fresh.deploy(replace(two, races=(race, replace(race, symbol="AGAIN"))))
    assert ["RaceMarket.createRace"] == fresh.chain.sent
    with pytest.raises(DeploymentConflictError, match="race DUEL"):
        fresh.deploy(replace(two, races=(replace(race, positions=2),)))
    fresh.without("contracts", "RaceMarket")
    with pytest.raises(DeploymentConflictError, match=r"race DUEL .* a new RaceMarket"):
        fresh.deploy(two)


# ---------------------------------------------------------------- broken off


def whole(site: Site) -> None:
    """Fails unless the deployment is complete, of one piece, and funded once."""
    manifest = site.manifest
    (market,) = site.chain.markets_of(manifest.address("EpochHub"))

    assert SPEC.markets[0].house_budget == market.houseBudget
    assert manifest.market("BTC").facade == market.facade
    assert [manifest.address("CYM1"), manifest.address("BoundaryOracle")] == list(
        manifest.contracts["EpochHub"].arguments[1:3]
    )
    assert manifest.feeds["BTC/USD"].adapter == manifest.address("SignedReportAdapter")
    assert manifest.settings_hash == SPEC.settings_hash
    assert {manifest.address("Timelock")} == {
        site.chain.owners[manifest.address(name)] for name in ("BoundaryOracle", "EpochHub", "PayoutVault")
    }
    left = {k: v for k, v in site.chain.balances.items() if k[1] == site.chain.sender and v}
    assert {} == left
    site.chain.sent.clear()
    assert 0 == site.deploy().sent
    assert [] == site.chain.sent


@pytest.mark.parametrize("nth", range(1, len(TRANSACTIONS) + 1), ids=TRANSACTIONS)
def test_broken_off_and_continued_ends_the_same(site: Site, tmp_path: Path, nth: int) -> None:
    """Whichever transaction could not be sent, the next run sends it and the rest: the same deployment."""
    site.chain.breaks_at = nth
    with pytest.raises(SendError):
        site.deploy()
    site.deploy()
    undisturbed = Site(tmp_path / "other")
    undisturbed.deploy()

    assert undisturbed.chain.sent == site.chain.sent
    assert undisturbed.manifest == site.manifest
    whole(site)


@pytest.mark.parametrize("nth", range(1, len(TRANSACTIONS) + 1), ids=TRANSACTIONS)
def test_killed_after_sending_and_continued_is_whole(site: Site, nth: int) -> None:
    """A transaction that was mined although nobody heard so: no second market or feed, no second budget."""
    site.chain.breaks_at, site.chain.lost = nth, True
    with pytest.raises(SendError):
        site.deploy()
    site.deploy()

    assert 1 == site.chain.sent.count("BoundaryOracle.registerFeed")
    assert 1 == site.chain.sent.count("EpochHub.createMarket")
    assert 1 == site.chain.sent.count("EpochHub.fundHouse")
    assert 1 == site.chain.sent.count("Timelock.acceptOwnerships")
    whole(site)


# ---------------------------------------------------------------- refused


def changed(change: Callable[[DeploymentSpec], DeploymentSpec]) -> DeploymentSpec:
    """The specification with one change."""
    return change(SPEC)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda s: replace(s, report_threshold=3), "SignedReportAdapter"),
        (lambda s: replace(s, report_deadline=7200), "feed BTC/USD"),
        (lambda s: replace(s, root_delay=1_800), "PayoutVault"),
        (lambda s: replace(s, owner=ANVIL_ADDRESSES[5]), "Timelock"),
        (lambda s: replace(s, guardian=ANVIL_ADDRESSES[5]), "Timelock"),
        (lambda s: replace(s, timelock_delay=7200), "Timelock"),
        (lambda s: replace(s, operator=ANVIL_ADDRESSES[5]), "PayoutVault"),
        (lambda s: replace(s, treasury=ANVIL_ADDRESSES[5]), "MrtCurve:BTC"),
        (lambda s: replace(s, markets=(replace(s.markets[0], fee_bps=7),)), "market BTC"),
        (lambda s: replace(s, markets=(replace(s.markets[0], closing_fee_bps=101),)), "market BTC"),
        (lambda s: replace(s, markets=(replace(s.markets[0], closing_liquidity_bps=1),)), "market BTC"),
        (lambda s: replace(s, markets=(replace(s.markets[0], pool_creator_bps=1),)), "MrtCurve:BTC"),
        (lambda s: replace(s, markets=(replace(s.markets[0], liquidity=7),)), "market BTC"),
        (lambda s: replace(s, markets=(replace(s.markets[0], genesis=300),)), "market BTC"),
        (lambda s: replace(s, markets=(replace(s.markets[0], curve_target=7),)), "MrtCurve:BTC"),
        (lambda s: replace(s, reporters=REPORTERS[:2]), "SignedReportAdapter"),
    ],
)
def test_other_settings_for_what_stands_are_a_conflict(
    deployed: Site, change: Callable[[DeploymentSpec], DeploymentSpec], named: str
) -> None:
    """Code is immutable: the part is named, with what it was made with, and nothing is sent."""
    before = deployed.path.read_text()
    with pytest.raises(DeploymentConflictError, match=named) as caught:
        deployed.deploy(changed(change))

    assert "--deployment" in caught.value.hint
    assert [] == deployed.chain.sent
    assert before == deployed.path.read_text()


@pytest.mark.parametrize("name", ["EpochHub", "PayoutVault", "CYM1", "MrtCurve:BTC"])
def test_other_code_is_refused(deployed: Site, name: str) -> None:
    """Code that is not what was deployed is named with both hashes, and nothing is sent."""
    address = deployed.manifest.address(name)
    deployed.chain.replace(address)
    with pytest.raises(CodeMismatchError, match=rf"{name} at {address} has code hash 0x"):
        deployed.deploy()

    assert [] == deployed.chain.sent


@pytest.mark.parametrize("chain", [FakeChain(chain_id=8453), FakeChain(genesis="22")])
def test_another_chain_is_refused(deployed: Site, chain: FakeChain) -> None:
    """A manifest of another chain id, or of another chain with the same id: nothing is sent or written."""
    before = deployed.path.read_text()
    deployed.chain = chain
    with pytest.raises(ManifestChainError, match="31337"):
        deployed.deploy()

    assert [] == chain.sent
    assert before == deployed.path.read_text()


def test_a_file_that_is_no_manifest_is_refused(site: Site) -> None:
    """Nothing is sent, and the file is left as it is."""
    site.path.parent.mkdir()
    site.path.write_text("{}")
    with pytest.raises(ManifestInvalidError):
        site.deploy()

    assert ([], "{}") == (site.chain.sent, site.path.read_text())


@pytest.mark.parametrize("place", ["file/31337.json", "file/deeper/31337.json"])
def test_a_manifest_that_cannot_be_written_is_refused(site: Site, tmp_path: Path, place: str) -> None:
    """Nothing is sent that could not be written down."""
    (tmp_path / "file").touch()
    site.path = tmp_path / place
    with pytest.raises((SettingError, ManifestInvalidError), match=r"31337\.json"):
        site.deploy()

    assert [] == site.chain.sent


def test_a_read_only_manifest_will_do_when_nothing_is_missing(
    deployed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking whether everything stands needs no right to write; a missing part does."""
    monkeypatch.setattr("os.access", lambda *_: False)
    assert 0 == deployed.deploy().sent
    deployed.without("contracts", "PayoutVault")
    with pytest.raises(SettingError, match=r"31337\.json cannot be written"):
        deployed.deploy()

    assert [] == deployed.chain.sent


# ---------------------------------------------------------------- tokens of others


def with_tokens(**tokens: TokenSpec) -> DeploymentSpec:
    """The specification with other tokens."""
    return replace(SPEC, **tokens)  # type: ignore[arg-type]


def test_a_token_that_is_there_is_used(site: Site) -> None:
    """USDC by its address: not deployed, told of as there, and in the vault's and the curve's arguments."""
    usdc = site.chain.place("TestToken", "USD Coin", "USDC", 6, ANVIL_ADDRESSES[9])
    factory = site.chain.place("TestPoolFactory")
    spec = replace(SPEC, payout_token=TokenSpec("USDC", 6, usdc.lower()), pool_factory=factory)
    report = site.deploy(spec)
    manifest = report.manifest

    assert 1 == site.chain.sent.count("new TestToken")
    assert Step("USDC", usdc, None) in report.steps
    assert "USDC" not in manifest.contracts
    assert usdc == manifest.payout_token.address == manifest.contracts["PayoutVault"].arguments[1]
    (terms,) = manifest.contracts["MrtCurve:BTC"].arguments
    assert (usdc, factory) == (terms[2], terms[8])
    assert Step("PoolFactory", factory, None) in report.steps
    assert "PoolFactory" not in manifest.contracts


def test_a_pool_factory_that_is_not_there_is_refused(site: Site) -> None:
    """An address without code: no curve is built on it."""
    with pytest.raises(SettingError, match="given as pool_factory"):
        site.deploy(replace(SPEC, pool_factory=ANVIL_ADDRESSES[3]))

    assert "new MrtCurve" not in site.chain.sent


def test_real_collateral_is_not_minted(site: Site) -> None:
    """A house budget in somebody else's token comes from the deployer's own wallet."""
    token = site.chain.place("TestToken", "C", "CYM1", 18, ANVIL_ADDRESSES[9])
    budget = SPEC.markets[0].house_budget
    site.chain.balances[token, site.chain.sender] = budget + 7
    site.deploy(with_tokens(collateral=TokenSpec("CYM1", 18, token)))

    assert "TestToken.mint" not in site.chain.sent
    assert 7 == site.chain.balances[token, site.chain.sender]


@pytest.mark.parametrize(
    ("symbol", "decimals", "placed", "message"),
    [
        ("USDC", 6, None, "no contract at 0x00000000000000000000000000000000000000AA, given as USDC"),
        ("USDC", 6, 18, "has 18 decimals, not 6"),
    ],
)
def test_a_wrong_token_is_refused(
    site: Site, symbol: str, decimals: int, placed: int | None, message: str
) -> None:
    """An address without code, or a token with other decimals: the vault is never built on it."""
    address = "0x00000000000000000000000000000000000000AA"
    if placed is not None:
        address = site.chain.place("TestToken", symbol, symbol, placed, ANVIL_ADDRESSES[9])
    with pytest.raises(SettingError, match=message):
        site.deploy(with_tokens(payout_token=TokenSpec(symbol, decimals, address)))

    assert "new PayoutVault" not in site.chain.sent


NAMES = ("owner", "guardian", "operator", "treasury")


def test_roles_may_be_others_than_the_deployer(site: Site) -> None:
    """Owner, guardian, operator and treasury go where the specification says; the deployer keeps nothing."""
    owner, guardian, operator, treasury = ANVIL_ADDRESSES[4:8]
    roles: Any = dict(zip(NAMES, (owner, guardian, operator, treasury), strict=True))
    report = site.deploy(replace(SPEC, **roles))
    contracts = report.manifest.contracts
    hub, timelock = contracts["EpochHub"], contracts["Timelock"]

    assert ("3600", owner, guardian) == timelock.arguments
    assert guardian == hub.arguments[3]
    assert (timelock.address, operator, guardian) == tuple(
        contracts["PayoutVault"].arguments[n] for n in (0, 2, 3)
    )
    assert [owner, treasury] == contracts["MrtCurve:BTC"].arguments[0][6:8]
    assert TRANSACTIONS == site.chain.sent
    assert site.chain.call("EpochHub", hub.address, "isMatchOperator", operator)
    assert not site.chain.call("EpochHub", hub.address, "isMatchOperator", site.chain.sender)
    assert 0 == site.deploy(replace(SPEC, **roles)).sent


def test_a_market_of_somebody_else_is_not_ours(site: Site) -> None:
    """Anyone may create a market of the same name at the hub, before ours or after: ours is the creator's."""
    chain = site.chain
    chain.breaks_at = TRANSACTIONS.index("EpochHub.createMarket") + 1
    with pytest.raises(SendError):
        site.deploy()
    hub, market = site.manifest.address("EpochHub"), SPEC.markets[0]
    terms = (market.liquidity, 2500, market.fee_bps, 300, market.house_budget)
    chain.act_as(ANVIL_ADDRESSES[9])
    chain.transact("EpochHub", hub, "createMarket", feed_id(market.feed), "BTC", 1_700_000_100, terms)
    chain.act_as(FakeChain.sender)
    site.deploy()

    assert 2 == site.manifest.market("BTC").market_id
    assert [0, market.house_budget] == [row.houseBudget for row in chain.markets_of(hub)]


def test_logs_that_are_gone_are_named(deployed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that has forgotten where a feed is from cannot be asked: that is said, and what to do."""
    deployed.without("markets", "BTC")
    deployed.without("feeds", "BTC/USD")
    monkeypatch.setattr(deployed.chain, "find_event", lambda *_, **__: None)
    with pytest.raises(SendError, match="no FeedRegistered of 0x4254432f555344") as caught:
        deployed.deploy()

    assert "restore the manifest" in caught.value.hint
    assert [] == deployed.chain.sent
