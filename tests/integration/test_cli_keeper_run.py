"""`keeper run`, `status` and `resume` on the real contracts: single rounds, and what is refused."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from chain_kit.networks import ANVIL_ADDRESSES
from tests.keeper_support.fleets import (
    COIN,
    KEEPER,
    TRADERS,
    Running,
    epoch_of,
    index,
    keeper_run,
    keepers_file,
    next_epoch,
    nonce,
    posted,
    shared_fleet_site,
    with_holder,
)
from tests.system_support.cli import ask, say
from tests.system_support.node import call
from tests.system_support.site import Site

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A deployed chain, for keepers alone."""
    return shared_fleet_site(request, tmp_path_factory)


@pytest.fixture
def config(site: Site, tmp_path: Path) -> Path:
    """A keepers' file, and an index beside it."""
    index(site, tmp_path)
    return keepers_file(site, tmp_path / "keepers.toml")


def test_a_dry_run_sends_nothing(site: Site, config: Path) -> None:
    """It prints call, both fees and effect of what each keeper would send, as lines or as JSON."""
    epoch = next_epoch(site)
    site.send(TRADERS[1], site.facade, "buyYes(uint256)", 60 * COIN)
    sent = nonce(site)
    found = [
        json.loads(one)
        for one in keeper_run(config, "--all", "--dry-run", "--json").require().out.splitlines()
    ]
    shown = keeper_run(config, "resolve", "trade", "--dry-run").require().out

    actions = {one["action"]: one for one in found}
    assert {"post", "trade"} == set(actions)
    assert actions["post"]["call"].startswith("BoundaryOracle.post(")
    assert actions["trade"]["call"].startswith("MarketFacade.buyNo(")
    assert actions["trade"]["subjects"] == [f"{ANVIL_ADDRESSES[KEEPER]}:1:{epoch}:0"]
    for one in found:
        assert int(one["fee_wei"]) == int(one["l2_fee_wei"]) + int(one["l1_fee_wei"]) > 0
        assert int(one["l2_fee_wei"]) == one["gas"] * int(one["max_fee_per_gas_wei"])
        assert one["effect"]["name"] in ("boundaries known", "trade made")
        assert one["problem"] == ""
    assert "post BTC/USD@" in shown
    assert "  call    BoundaryOracle.post(" in shown
    assert "  L1 fee  0 ETH at most" in shown
    assert (nonce(site), (config.parent / "outbox.db").exists()) == (sent, False)


def test_a_dry_run_asks_the_outbox(config: Path) -> None:
    """What is done, or under way, is not shown again."""
    assert keeper_run(config, "resolve", "--once").require().err
    assert keeper_run(config, "resolve", "--dry-run", "--json").require().out == ""


def test_one_round_of_each(site: Site, config: Path) -> None:
    """With --once: what can be done is done, and the lease given back."""
    epoch = epoch_of(site)
    next_epoch(site)
    assert not posted(site, epoch)
    said = keeper_run(config, "resolve", "--once", "--json").require()
    again = keeper_run(config, "resolve", "--once", "--json").require()

    assert posted(site, epoch)
    assert [json.loads(one)["event"] for one in said.out.splitlines()] == ["lease", "post"]
    assert [json.loads(one)["event"] for one in again.out.splitlines()] == ["lease"]


def test_one_round_does_not_wait_for_the_lease(site: Site, config: Path) -> None:
    """It ends with the name of the holder."""
    with Running(with_holder(site, config.parent, "holder")) as holder:
        holder.wait_for("lease")
        said = keeper_run(config, "--all", "--once").require(1)
    assert f"the lease on {ANVIL_ADDRESSES[KEEPER]} is held by holder" in said.err


def test_on_paper_nothing_is_sent(site: Site, config: Path) -> None:
    """With --paper the trade keeper writes down what it would have bought."""
    next_epoch(site)
    site.send(TRADERS[1], site.facade, "buyYes(uint256)", 60 * COIN)
    sent = nonce(site)
    keeper_run(config, "trade:BTC", "--once", "--paper").require()

    assert nonce(site) == sent
    (trade,) = json.loads((config.parent / "paper.json").read_text())["trades"]
    assert (trade["side"], trade["epoch"]) == ("NO", epoch_of(site))


def test_root_and_seed(site: Site, config: Path) -> None:
    """The vault's operator, who created the market too, proposes a root and fills the house's budget."""
    folder, usdc = config.parent, 10**6
    site.equip(0, 1_000_000 * COIN)
    site.send(0, site.contract("USDC"), "mint", site.manifest.address("PayoutVault"), 10 * usdc)
    (folder / "accruals.csv").write_text(f"account,total_tokens\n{ANVIL_ADDRESSES[5]},7.5\n")
    (budget,) = (site.ask(site.hub, "market", 1)[0].houseBudget,)  # type: ignore[attr-defined]
    high = budget // COIN + 100
    root = '[keepers.root]\naccruals = "accruals.csv"\nfolder = "payouts"\n'
    marks = f"low_collateral = {high - 1}\nhigh_collateral = {high}\ndaily_collateral = {high}\n"
    tables = (root, f"[keepers.seed.houses.BTC]\n{marks}")
    keepers_file(site, config, *tables, signer="dev_account = 0")
    said = keeper_run(config, "root", "seed", "--once", "--json").require()

    events = [json.loads(line)["event"] for line in said.out.splitlines()]
    assert events == ["lease", "propose root", "approve", "seed"]
    vault = site.contract("PayoutVault")
    (pending,) = (site.ask(vault, "pendingRoot"),)
    assert pending[1] == 15 * usdc // 2
    assert (folder / "payouts" / f"0x{pending[0].hex()}" / "payouts.json").exists()  # type: ignore[attr-defined]
    assert site.ask(site.hub, "market", 1)[0].houseBudget == high * COIN  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name the keepers to run, or give --all"),
        (("--all", "claim"), "--all and names do not go together"),
        (("sweep",), "no keeper 'sweep' in it"),
        (("trade:DOGE",), "keepers there: resolve, claim, trade:BTC"),
    ],
)
def test_which_keepers_must_be_said(config: Path, words: tuple[str, ...], message: str) -> None:
    """By names that the file has."""
    assert message in keeper_run(config, *words).require(2).err


def test_what_the_chain_refutes_is_refused(site: Site, config: Path) -> None:
    """A cap below the base fee, another chain or deployment, no keystore, no index: nothing is sent."""
    sent, folder = nonce(site), config.parent
    base_fee = int(call(site.url, "eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
    assert base_fee > 1
    low = keepers_file(
        site, folder / "low.toml", fees='max_fee_gwei = "0.000000001"\nmin_priority_fee_gwei = "0.000000001"'
    )
    refused = keeper_run(low, "--all").require(2)
    assert "fees.max_fee_gwei = 0.000000001, but the next block takes" in refused.err
    assert "hint: raise the cap" in refused.err

    manifest = json.loads(site.path.read_text())
    (folder / "8453.json").write_text(json.dumps({**manifest, "chain_id": 8453}))
    base = f'rpc_urls = ["{site.url}"]\nchain_id = 8453\ndeployment = "8453.json"\nindex = "index.db"'
    refused = keeper_run(keepers_file(site, folder / "base.toml", chain=base), "--all").require(2)
    assert f"chain.chain_id = 8453, but {site.url} serves chain 31337" in refused.err

    (folder / "other.json").write_text(json.dumps({**manifest, "genesis_hash": "0x" + "12" * 32}))
    other = f'rpc_urls = ["{site.url}"]\nchain_id = 31337\ndeployment = "other.json"\nindex = "index.db"'
    keeper_run(keepers_file(site, folder / "other.toml", chain=other), "--all").require(1)

    key = keepers_file(
        site, folder / "key.toml", signer='keystore = "other.json"\npassword_file = "other.json"'
    )
    assert "is not a keystore file" in keeper_run(key, "--all").require(4).err
    gone = keepers_file(
        site,
        folder / "gone.toml",
        chain=other.replace("other.json", str(site.path)).replace("index.db", "none.db"),
    )
    assert "none.db" in keeper_run(gone, "--all").require(1).err
    assert (nonce(site), (folder / "outbox.db").exists()) == (sent, False)


def test_a_halted_action_is_shown_and_resumed(config: Path) -> None:
    """status says since when and why; resume lets it go on, and refuses what is not halted."""
    keeper_run(config, "resolve", "--once").require()
    with sqlite3.connect(config.parent / "outbox.db") as outbox:
        outbox.execute(
            "INSERT INTO halt VALUES (31337, ?, 'post', 1700000000, 'in vain')", (ANVIL_ADDRESSES[KEEPER],)
        )
    outbox.close()
    (post,) = (
        one for one in ask("keeper", "status", "--config", config)["actions"] if one["action"] == "post"
    )
    assert (post["halted_since"], post["halt_reason"]) == ("2023-11-14T22:13:20Z", "in vain")

    refused = say("keeper", "resume", "trade", "--config", config).require(2)
    assert "trade is not halted\nhint: halted now: post" in refused.err
    assert "post goes on" in say("keeper", "resume", "post", "--config", config).require().err
    assert "halted now: nothing is" in say("keeper", "resume", "post", "--config", config).require(2).err


def test_status_without_an_outbox_or_a_node(site: Site, config: Path) -> None:
    """No outbox is an error with what to do; no node leaves what the outbox knows."""
    assert (
        "a keeper makes it at its first start" in say("keeper", "status", "--config", config).require(1).err
    )
    keeper_run(config, "resolve", "--once").require()
    away = (
        f'rpc_urls = ["http://127.0.0.1:1"]\nchain_id = 31337\ndeployment = "{site.path}"\nindex = "index.db"'
    )
    status = ask("keeper", "status", "--config", keepers_file(site, config, chain=away))

    assert (status["block"], status["balance_wei"]) == (None, None)
    assert "no answer from http://127.0.0.1:1" in status["problem"]
    assert status["keepers"][0]["last_round"] is not None
