"""Deploying, as a user does it: from ape and from the command line, with keys of every kind."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from chain_kit import toolchain
from chain_kit.contracts import Contract
from chain_kit.devnet import Anvil
from chain_kit.manifest import Manifest
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.units import checksum_address
from tests.system_support.cli import Said, kill_at, run, say
from tests.system_support.fake_node import fake_node
from tests.system_support.node import block_number, call, view

CHAIN_ID = 4242
PASSWORD = "correct horse"
CONTRACTS = [
    *("BoundaryOracle", "Timelock", "CYM1", "USDC", "SignedReportAdapter", "EpochHub", "PayoutVault"),
    *("PoolFactory", "MrtCurve:BTC", "MrtToken:BTC"),
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def chain() -> AsyncIterator[Anvil]:
    """An anvil with a chain id of its own."""
    async with Anvil(chain_id=CHAIN_ID) as anvil:
        yield anvil


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands are run."""
    return tmp_path_factory.mktemp("deploy")


@pytest.fixture(scope="module")
def keystore(folder: Path) -> Path:
    """An encrypted keystore, opened by the file `password` beside it."""
    path = folder / "key.json"
    path.write_text(json.dumps(Account.encrypt(Account.create().key, PASSWORD, kdf="pbkdf2", iterations=10)))
    (folder / "password").write_text(f"{PASSWORD}\n")
    (folder / "wrong").write_text("wrong\n")
    return path


def address_of(keystore: Path) -> str:
    """The account of a keystore."""
    return checksum_address("0x" + json.loads(keystore.read_text())["address"])


def ape_run(chain: Anvil, manifest: Path) -> Said:
    """`ape run deploy` by ape's own test account, which is anvil's first."""
    ape = [str(Path(sys.executable).with_name("ape")), "run"]
    data = {"CHAIN_KIT_DEPLOYMENT": str(manifest), "APE_DATA_FOLDER": str(manifest.parent / "ape")}
    options = ("deploy", "--network", chain.url, "--account", "TEST::0")
    return run(*options, cwd=toolchain.root(), env=data, prefix=ape)


def without(manifest: Path, copy: Path, **names: str) -> Path:
    """A copy of a manifest that lacks one record of some kinds."""
    document = json.loads(manifest.read_text())
    for kind, name in names.items():
        del document[kind][name]
    copy.write_text(json.dumps(document))
    return copy


def sent(said: Said) -> list[str]:
    """The names of the parts that a deployment sent."""
    return [part["name"] for part in said.document["parts"] if part["transaction"]]


# ---------------------------------------------------------------- from ape


@pytest.fixture(scope="module")
def by_ape(chain: Anvil, folder: Path) -> Path:
    """The manifest of a deployment by `ape run`."""
    manifest = folder / "by-ape.json"
    assert ", 1 there already" in ape_run(chain, manifest).require().err
    return manifest


async def test_ape_run_deploys_everything(chain: Anvil, by_ape: Path) -> None:
    """Every contract of the manifest is on chain with the code that it says; the market is at the hub."""
    manifest = Manifest.load(by_ape)
    await manifest.check_chain(chain.rpc)

    assert (CHAIN_ID, {"BTC"}) == (manifest.chain_id, set(manifest.markets))
    assert ANVIL_ADDRESSES[0] == manifest.contracts["EpochHub"].arguments[0]
    assert set() == set(CONTRACTS) - set(manifest.contracts)


def test_ape_run_again_sends_nothing(chain: Anvil, by_ape: Path) -> None:
    """The second time every part is there, and no block is mined."""
    before = block_number(chain.url), by_ape.read_bytes()
    said = ape_run(chain, by_ape).require()

    assert "0 parts deployed, " in said.err
    assert before == (block_number(chain.url), by_ape.read_bytes())


def test_command_line_finds_what_ape_deployed(chain: Anvil, by_ape: Path, folder: Path) -> None:
    """The same function stands behind both: nothing is sent, and it says so."""
    before = block_number(chain.url), by_ape.read_bytes()
    said = run("deploy", "--network", chain.url, "--deployment", by_ape, cwd=folder).require()

    assert re.search(r"nothing to deploy: all \d+ parts are there; nothing was sent", said.err)
    assert before == (block_number(chain.url), by_ape.read_bytes())


def test_dry_run_says_what_it_would_cost(chain: Anvil, by_ape: Path, folder: Path) -> None:
    """A part is missing: its gas and fee are printed, and neither the chain nor the manifest changes."""
    copy = without(by_ape, folder / "copy.json", contracts="PayoutVault")
    before = block_number(chain.url), copy.read_bytes()
    said = run("deploy", "--rpc-url", chain.url, "--deployment", copy, "--dry-run", "--json", cwd=folder)
    (part,) = said.require().document["parts"]

    assert ("PayoutVault", True, 0) == (part["name"], said.document["dry_run"], said.document["sent"])
    assert 1_000_000 < part["gas"] == said.document["gas"] < 5_000_000
    assert int(part["fee_wei"]) == int(said.document["fee_wei"]) > 0
    assert before == (block_number(chain.url), copy.read_bytes())


def test_a_refusal_of_the_contracts_is_told_in_words(chain: Anvil, by_ape: Path, folder: Path) -> None:
    """A fee that the hub does not take: exit code 3, the rule by its name, and the manifest stays whole."""
    spec = folder / "greedy.toml"
    reporters = Manifest.load(by_ape).contracts["SignedReportAdapter"].arguments[0]
    market = 'symbol = "{}"\nfeed = "BTC/USD"\nliquidity = "100"\n'
    spec.write_text(
        f"reporters = {json.dumps(reporters)}\nreport_threshold = 2\n"
        f"[[markets]]\n{market.format('BTC')}[[markets]]\n{market.format('DEAR')}fee_bps = 9000\n"
    )
    options = ("deploy", "--rpc-url", chain.url, "--deployment", by_ape, "--spec", spec)
    said = run(*options, cwd=folder).require(3)

    assert "EpochHub.createMarket was refused" in said.err
    assert "9000" in said.err
    assert "Traceback" not in said.err
    assert {"BTC"} == set(Manifest.load(by_ape).markets)


# ---------------------------------------------------------------- with a keystore


@pytest.fixture(scope="module")
def by_keystore(chain: Anvil, folder: Path, keystore: Path) -> Path:
    """The manifest of a deployment by a keystore's account, where it stands by default.

    It is killed on the way, in the midst of what makes the house's budget, and goes on.
    """
    spec = folder / "deploy.toml"
    spec.write_text(
        f"reporters = {json.dumps(ANVIL_ADDRESSES[6:9])}\nreport_threshold = 2\n"
        '[[markets]]\nsymbol = "BTC"\nfeed = "BTC/USD"\nliquidity = "100"\nhouse_budget = "1000"\n'
    )
    options = ("--spec", spec, "--keystore", keystore, "--password-file", folder / "password", "--json")
    call(chain.url, "anvil_setBalance", address_of(keystore), hex(10**19))
    kill_at("market BTC", "deploy", "--network", chain.url, *options, cwd=folder)
    manifest = folder / "deployments" / f"{CHAIN_ID}.json"
    stood = Manifest.load(manifest).contracts
    said = run("deploy", "--network", chain.url, *options, cwd=folder).require()
    assert f"deployments/{CHAIN_ID}.json" == said.document["manifest"]
    assert {"MrtCurve:BTC", "MrtToken:BTC", "owner of BoundaryOracle", "owner of EpochHub"} <= set(sent(said))
    assert stood == {name: Manifest.load(manifest).contracts[name] for name in stood}
    return manifest


def test_what_the_keystores_account_deployed_is_whole(chain: Anvil, by_keystore: Path) -> None:
    """Though it was killed on the way: one market at the hub, with the house budget given once."""
    manifest = Manifest.load(by_keystore)
    hub = Contract("EpochHub", manifest.address("EpochHub"))

    assert CONTRACTS == list(manifest.contracts)
    assert (1,) == tuple(view(chain.url, hub, "marketCount"))
    market = view(chain.url, hub, "market", 1)[0]
    assert 1000 * 10**18 == market.houseBudget == market.dailyBudget
    assert (2500, 300) == (market.closingLiquidityBps, market.closingFeeBps)


def test_a_missing_part_is_all_that_is_sent(chain: Anvil, by_keystore: Path, folder: Path) -> None:
    """With a contract gone from the manifest one transaction brings it; the password is read from a pipe.

    What is gone from the manifest and stands at the oracle or the hub is only written down again.
    """
    before = Manifest.load(by_keystore)
    without(by_keystore, by_keystore, contracts="PayoutVault", markets="BTC", feeds="BTC/USD")
    blocks = block_number(chain.url)
    options = ("--spec", "deploy.toml", "--keystore", "key.json", "--password-file", "-", "--json")
    said = run("deploy", "--rpc-url", chain.url, *options, cwd=folder, stdin=f"{PASSWORD}\n").require()
    after = Manifest.load(by_keystore)

    assert ["PayoutVault"] == sent(said)
    assert blocks + 1 == block_number(chain.url)
    assert (before.markets, before.feeds) == (after.markets, after.feeds)
    assert before.contracts.keys() == after.contracts.keys()
    assert ["PayoutVault"] == [n for n, r in after.contracts.items() if r != before.contracts[n]]


# ---------------------------------------------------------------- refused before anything is sent


@pytest.fixture
def in_folder(folder: Path, keystore: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the keystore as the current one; ape has no accounts."""
    assert keystore.parent == folder
    monkeypatch.chdir(folder)
    monkeypatch.setenv("APE_DATA_FOLDER", str(folder / "no ape"))
    return folder


@pytest.mark.parametrize(
    ("options", "code", "named"),
    [
        (("--keystore", "key.json", "--password-file", "wrong"), 4, "the password does not open key.json"),
        (("--keystore", "key.json", "--password-file", "none"), 4, "the password file none cannot be read"),
        (("--keystore", "none.json", "--password-file", "password"), 4, "no keystore at none.json"),
        (("--keystore", "password", "--password-file", "password"), 4, "password is not a keystore file"),
        (("--ape-account", "alice", "--password-file", "password"), 4, "ape has no account 'alice'"),
        (("--network", "base"), 1, f"the node serves chain {CHAIN_ID}, expected chain 8453"),
        (("--network", "mainnet"), 2, "'mainnet'"),
        (("--spec", "none.toml"), 2, "none.toml cannot be read"),
        (("--spec", "key.json"), 2, "key.json cannot be read"),
    ],
)
def test_bad_input_is_named_and_nothing_is_sent(
    chain: Anvil, in_folder: Path, options: tuple[str, ...], code: int, named: str
) -> None:
    """The code and the words of each mistake; the chain has no block more, and no file is there."""
    before = block_number(chain.url)
    said = say("deploy", "--rpc-url", chain.url, "--deployment", "not.json", *options).require(code)

    assert named in said.err
    assert "hint: " in said.err
    assert before == block_number(chain.url)
    assert not (in_folder / "not.json").exists()


@pytest.mark.parametrize("options", [("--dev-account", "0"), ("--dev-account", "0", "--dry-run")])
def test_public_keys_are_for_anvil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any) -> None:
    """A node that is no anvil gets nothing signed with a key that everybody knows, whatever its chain id."""
    monkeypatch.chdir(tmp_path)
    with fake_node({"web3_clientVersion": "Geth/v1.16.0", "eth_chainId": "0x7a69"}) as node:
        said = say("deploy", "--rpc-url", node.url, "--spec", "s.toml", *options).require(4)

    assert "a public test key is not for chain 31337, which Geth/v1.16.0 serves" in said.err
    assert {"web3_clientVersion", "eth_chainId"} == set(node.asked)
    assert [] == list(tmp_path.iterdir())


def test_no_key_at_all_off_anvil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only an anvil has an account by default."""
    monkeypatch.chdir(tmp_path)
    with fake_node({"web3_clientVersion": "Geth/v1.16.0", "eth_chainId": "0x2105"}) as node:
        said = say("deploy", "--rpc-url", node.url).require(4)

    assert "--keystore FILE" in said.err


def test_a_node_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens there: the URL without its credentials, and which option to look at."""
    monkeypatch.chdir(tmp_path)
    said = say("deploy", "--rpc-url", "http://user:secret@127.0.0.1:1/key").require(1)

    assert "no answer from http://127.0.0.1:1" in said.err
    assert "--rpc-url" in said.err
    assert "secret" not in said.err
