"""`reserve` and `share` with --prove and --verify, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.payouts import PayoutTree
from tests.system_support.cli import Said, ask, say
from tests.system_support.node import call
from tests.system_support.site import Site, shared_site

COIN = 10**18
HOLDER = 7
ACCOUNT = ANVIL_ADDRESSES[HOLDER]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A deployed chain, in which one account has collateral in the hub and shares of an epoch to come."""
    made = shared_site(request, tmp_path_factory)
    made.send(0, made.contract("CYM1"), "mint", ACCOUNT, 30 * COIN)
    made.send(HOLDER, made.contract("CYM1"), "approve", made.hub.address, 30 * COIN)
    made.send(HOLDER, made.hub, "deposit", ACCOUNT, 30 * COIN)
    made.send(HOLDER, made.hub, "split", 1, 3, 12 * COIN)
    call(made.url, "anvil_mine", "0x46")
    return made


@pytest.fixture(scope="module")
def file(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A proof of the reserves."""
    path = tmp_path_factory.mktemp("proof") / "reserve.json"
    chain = ("--rpc-url", site.url, "--deployment", site.path)
    said = say("reserve", "--prove", path, *chain).require()
    assert said.out == ""
    assert f"--verify {path}" in said.err
    return path


def hash_of(site: Site, number: int) -> str:
    """A block's hash, by the chain's own word."""
    return str(call(site.url, "eth_getBlockByNumber", hex(number), False)["hash"])


def test_a_reserve_is_proven_and_verified(site: Site, file: Path) -> None:
    """What comes out is what the contracts say at that block."""
    found = ask("reserve", "--verify", file)
    hub = next(one for one in found["reserves"] if one["contract"] == "EpochHub")
    held, owed, _ = site.ask(site.hub, "reserveStatus", block=found["block"])
    assert (hub["address"], hub["symbol"]) == (site.hub.address, "CYM1")
    assert (float(hub["reserve"]), float(hub["liabilities"])) == (held / COIN, owed / COIN)
    assert (found["block_hash"], found["chain_id"]) == (hash_of(site, found["block"]), 31337)
    assert not found["block_hash_compared"]


def test_without_a_hash_it_says_what_is_left_to_compare(site: Site, file: Path) -> None:
    """The block's number and hash, on standard error; with the hash nothing is left."""
    said = say("reserve", "--verify", file).require()
    number = ask("reserve", "--verify", file)["block"]
    assert f"block {number} is {hash_of(site, number)}" in said.err
    assert "EpochHub" in said.out
    compared = say("reserve", "--verify", file, "--block-hash", hash_of(site, number), "--json").require()
    assert (compared.document["block_hash_compared"], compared.err) == (True, "")


def test_the_deployment_can_be_compared_too(site: Site, file: Path, tmp_path: Path) -> None:
    """A file of other contracts is no proof of these."""
    say("reserve", "--verify", file, "--deployment", site.path).require()
    manifest = json.loads(site.path.read_text())
    manifest["contracts"]["EpochHub"]["address"] = ACCOUNT
    other = tmp_path / "other.json"
    other.write_text(json.dumps(manifest))
    said = say("reserve", "--verify", file, "--deployment", other).require(1)
    assert "it is not of the contracts of" in said.err


def test_a_wrong_byte_a_wrong_hash_and_no_proof_at_all(site: Site, file: Path, tmp_path: Path) -> None:
    """Each is an error of one sentence with exit code 1."""
    altered, junk = tmp_path / "altered.json", tmp_path / "junk.json"
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    altered.write_bytes(body)
    junk.write_text("<html>")

    def reason(*options: object) -> str:
        said = say("reserve", "--verify", *options).require(1)
        assert said.out == ""
        return said.err

    assert reason(altered).startswith("error: ")
    assert "not JSON" in reason(junk)
    assert "cannot be read" in reason(tmp_path / "none.json")
    assert "and not of" in reason(file, "--block-hash", hash_of(site, 1))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--prove", "a", "--verify", "b"), "give one of them"),
        (("--block-hash", "0x" + "1" * 64), "--block-hash is for --verify"),
        (("--verify", "a", "--block-hash", "0x12"), "is not a block's hash"),
    ],
)
def test_options_that_do_not_go_together(options: tuple[str, ...], words: str) -> None:
    """They are refused before anything is read or written."""
    assert words in say("reserve", *options).require(2).err


def share(site: Site, path: Path, *options: object) -> Said:
    """Writes the account's share."""
    return say("share", ACCOUNT, "--prove", path, "--rpc-url", site.url, "--deployment", site.path, *options)


def test_an_account_proves_its_share(site: Site, tmp_path: Path) -> None:
    """In an epoch that is named, without an index; and in all of them, with one."""
    share(site, tmp_path / "named.json", "--epoch", "BTC:3").require()
    db = tmp_path / "index.db"
    say("index", "run", "--once", "--rpc-url", site.url, "--deployment", site.path, "--db", db).require()
    share(site, tmp_path / "all.json", "--db", db).require()
    for name in ("named.json", "all.json"):
        found = ask("share", ACCOUNT, "--verify", tmp_path / name)
        assert found["balance"] == "18"
        assert found["positions"] == [{"market_id": 1, "epoch": 3, "yes_tokens": "12", "no_tokens": "12"}]
        assert found["payout"] == {"root": None, "total": "0", "claimed": "0", "claimable": "0"}
    shown = say("share", ACCOUNT, "--verify", tmp_path / "all.json").require()
    assert "internal balance, CYM1" in shown.out


def test_a_share_that_cannot_be_proven(site: Site, tmp_path: Path) -> None:
    """Each reason in a sentence, and no file."""
    path = tmp_path / "share.json"
    tree = PayoutTree.build(31337, site.manifest.address("PayoutVault"), [(ACCOUNT, 5)])
    tree.save(tmp_path / "payouts.json")
    assert "names no epoch" in share(site, path, "--epoch", "3").require(2).err
    assert "no market 'ETH'" in share(site, path, "--epoch", "ETH:3").require(2).err
    assert "name the epochs" in share(site, path, "--db", tmp_path / "none.db").require(1).err
    payouts = ("--epoch", "BTC:3", "--payouts", tmp_path / "payouts.json")
    assert "is not in the vault" in share(site, path, *payouts).require(1).err
    assert "nothing to do" in say("share", ACCOUNT).require(2).err
    assert not path.exists()


def test_anothers_share(site: Site, tmp_path: Path) -> None:
    """A file is of the account that it names."""
    share(site, tmp_path / "share.json", "--epoch", "BTC:3").require()
    said = say("share", ANVIL_ADDRESSES[1], "--verify", tmp_path / "share.json").require(1)
    assert f"it is of the account {ACCOUNT}" in said.err
