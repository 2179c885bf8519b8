from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chain_kit import toolchain
from chain_kit.cli.commands import deploy as deploy_command
from chain_kit.cli.commands import keeper as keeper_command
from chain_kit.cli.commands.deploy import specification
from chain_kit.cli.commands.up import _show
from chain_kit.cli.options import load_settings
from chain_kit.cli.signing import find_signer
from chain_kit.dev_accounts import dev_signer
from chain_kit.errors import DevKeyRefusedError, KeyMissingError, SettingError, WrongPasswordError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.settings import Settings
from tests.system_support.cli import Said, say
from tests.unit.cli.beside_epochs import BESIDE_EPOCHS

SIGNED: dict[str, Any] = {"ape_account": None, "dev_account": None, "password_file": None}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class FakeNode(JsonRpc):
    """A node that says what it is, and nothing else."""

    def __init__(self, version: str, chain_id: int = 31337) -> None:
        super().__init__("http://127.0.0.1:1")
        self._version, self._id = version, chain_id

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """Two answers."""
        assert [] == list(params)
        return {"web3_clientVersion": self._version, "eth_chainId": hex(self._id)}[method]


# ---------------------------------------------------------------- settings


def test_options_become_settings_with_their_origin() -> None:
    """What the command line gives is on top, and a setting remembers that it did."""
    settings = load_settings(
        rpc_url="http://node",
        deployment=Path("d.json"),
        database="i.db",
        outbox=Path("o.db"),
        keystore=Path("k.json"),
    )

    assert ("http://node", Path("d.json"), Path("i.db"), Path("o.db"), Path("k.json")) == (
        *(settings.rpc_url, settings.deployment, settings.database, settings.outbox, settings.keystore),
    )
    assert "flag --outbox" == settings.origins["outbox"]
    assert "default" == settings.origins["log_level"]


def test_options_that_were_not_given_leave_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command without options takes what the environment says."""
    monkeypatch.setenv("CHAIN_KIT_DATABASE", "postgresql://db.example/index")
    monkeypatch.setenv("ETH_RPC_URL", "http://shared")
    settings = load_settings()

    assert ("postgresql://db.example/index", "http://shared") == (settings.database, settings.rpc_url)


def test_config_show_lists_every_layer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting with value and origin, as a document and as a table; URLs without their credentials."""
    (folder / "chain-kit.toml").write_text('log_level = "debug"\nkeystore = "key.json"\n')
    monkeypatch.setenv("CHAIN_KIT_RPC_URL", "https://user:secret@node.example/key")
    rows = {row["setting"]: (row["value"], row["origin"]) for row in say("config", "show", "--json").document}

    assert ("debug", "file chain-kit.toml") == rows["log_level"]
    assert ("https://node.example/…", "environment CHAIN_KIT_RPC_URL") == rows["rpc_url"]
    assert (None, "default") == rows["chain_id"]
    table = say("config", "show").require().out
    assert "secret" not in table
    assert [] == [name for name in rows if not re.search(rf"^ *{name} ", table, re.MULTILINE)]


def test_broken_settings_file_is_a_usage_error(folder: Path) -> None:
    """A project file with a misspelt setting stops every command before it does anything."""
    (folder / "chain-kit.toml").write_text('databse = "x"\n')
    said = say("reserve").require(2)

    assert "unknown setting 'databse'" in said.err


# ---------------------------------------------------------------- keys


async def test_no_key_says_which_options_name_one() -> None:
    """Without any key the error names all four ways."""
    with pytest.raises(KeyMissingError, match="no key") as caught:
        await find_signer(FakeNode("anvil/v1"), Settings.load(environ={}), **SIGNED)

    assert [] == [
        o
        for o in ("--keystore", "--ape-account", "--remote-signer", "--dev-account")
        if o not in caught.value.hint
    ]


@pytest.mark.parametrize("version", ["Geth/v1.16", "", "reth/anvil"])
async def test_public_key_is_for_anvil_only(version: str) -> None:
    """On any other node --dev-account is refused, whatever chain id the node claims."""
    node = FakeNode(version)
    with pytest.raises(DevKeyRefusedError, match="public test key"):
        await find_signer(node, Settings.load(environ={}), **{**SIGNED, "dev_account": 0})
    await node.aclose()


async def test_public_key_on_anvil() -> None:
    """Account N of the mnemonic, on a node that says that it is an anvil."""
    node = FakeNode("anvil/v1.7.1")
    found = [
        await find_signer(node, Settings.load(environ={}), **{**SIGNED, "dev_account": n}) for n in (0, 9, 12)
    ]
    await node.aclose()

    assert [*(ANVIL_ADDRESSES[n] for n in (0, 9)), dev_signer(12).address] == [s.address for s in found]


async def test_wrong_keys_are_signer_errors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keystore that is missing or no keystore, an unknown account of ape's, an unreadable password file."""
    monkeypatch.setenv("APE_DATA_FOLDER", str(folder / "ape"))
    node, settings = FakeNode("Geth"), Settings.load(environ={"CHAIN_KIT_KEYSTORE": "none.json"})
    (folder / "password").write_text("word\n")
    with pytest.raises(KeyMissingError, match=r"none\.json"):
        await find_signer(node, settings, **{**SIGNED, "password_file": Path("password")})
    with pytest.raises(KeyMissingError, match="'alice'"):
        await find_signer(
            node, settings, **{**SIGNED, "password_file": Path("password"), "ape_account": "alice"}
        )
    with pytest.raises(WrongPasswordError, match="nowhere"):
        await find_signer(node, settings, **{**SIGNED, "password_file": Path("nowhere")})
    await node.aclose()


# ---------------------------------------------------------------- what to deploy


def test_off_anvil_a_specification_is_required() -> None:
    """Nothing is guessed for a live chain."""
    with pytest.raises(SettingError, match="chain 8453 is no anvil"):
        specification(None, is_anvil=False, chain_id=8453)


def test_on_anvil_the_local_system_is_deployed() -> None:
    """Without a file, an anvil gets what `demo` and `up` deploy."""
    spec = specification(None, is_anvil=True, chain_id=31337)

    assert (("BTC",), 2, 3) == (
        tuple(market.symbol for market in spec.markets),
        spec.report_threshold,
        len(spec.reporters),
    )


# ---------------------------------------------------------------- prices and reporters of the keeper


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "0 price sources given (none)"),
        ({"prices": Path("a"), "replay": Path("b")}, "2 price sources given (--prices, --replay)"),
        ({"replay": Path("b"), "price_url": "http://c"}, "2 price sources given (--replay, --price-url)"),
    ],
)
def test_one_price_source_is_needed(options: dict[str, Any], named: str) -> None:
    """None and several are both refused, with those that were given."""
    given = {"prices": None, "replay": None, "price_url": None, **options}
    with pytest.raises(SettingError) as caught:
        keeper_command._source(Settings.load(environ={}), "BTC/USD", price_path="price", **given)

    assert named == caught.value.message


@pytest.mark.parametrize("numbers", ["13,x", "-1", "1;2"])
async def test_reporters_are_numbers(numbers: str) -> None:
    """What is no account number is named."""
    with pytest.raises(SettingError, match="--dev-reporters has"):
        await keeper_command._reporters(FakeNode("anvil"), (), numbers, None)


async def test_reporters_by_number() -> None:
    """Each number is an account of the mnemonic; none at all is for the keeper to refuse."""
    node = FakeNode("anvil/v1")

    found = await keeper_command._reporters(node, (), "13,14", None)
    assert [dev_signer(13).address, dev_signer(14).address] == [signer.address for signer in found]
    assert [] == await keeper_command._reporters(node, (), None, None)
    await node.aclose()


# ---------------------------------------------------------------- what commands make of what they get


def demo_says(monkeypatch: pytest.MonkeyPatch, document: dict[str, Any], *options: str) -> tuple[Said, Any]:
    """What `demo` prints where the main job gives `document`, and what it was asked for."""
    from chain_kit.cli.local import demo

    asked: list[Any] = []

    async def run(options: Any, tell: Any) -> dict[str, Any]:
        asked.append(options)
        tell("working")
        return document

    monkeypatch.setattr(demo, "run_demo", run)
    return say("demo", *options), asked[0]


PART = {"reserve": "1", "liabilities": "1", "coverage": "1"}
DOCUMENT: dict[str, Any] = {
    "deployment": {},
    "epochs": [],
    "positions": [],
    "accounts": [],
    **BESIDE_EPOCHS,
    "differences": [],
    "checks": 3,
    "reserve": {
        "at": "2018-02-01T00:00:00Z",
        "hub": PART,
        "vault": PART,
        "block": 1,
        "block_hash": "0x",
        "level": "reconciled",
        "verified": True,
    },
    "verified": True,
}


def test_demo_that_differs_exits_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """The document is printed, says what differs, and the exit code is 1; as tables it says so in words."""
    document = {**DOCUMENT, "verified": False, "differences": ["cost is 1, on chain 2"]}
    said, _ = demo_says(monkeypatch, document, "--json")

    assert document == said.require(1).document
    table, _ = demo_says(monkeypatch, document)
    assert "NOT verified" in table.require(1).out
    assert "verified" == demo_says(monkeypatch, DOCUMENT)[0].require().out.splitlines()[-1]


def test_demo_hands_its_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option reaches the main job; where none is given, the defaults of the help hold."""
    words = ("--prices", "p.csv", "--start", "300", "--epochs", "4", "--traders", "5", "--seed", "6")
    _, asked = demo_says(monkeypatch, DOCUMENT, *words, "--db", "i.db", "--deployment", "a/b.json")

    assert (Path("p.csv"), 300, 4, 5, 6) == (
        *(asked.prices, asked.start, asked.epochs, asked.traders, asked.seed),
    )
    assert (Path("i.db"), Path("a/b.json")) == (asked.files.database, asked.files.manifest)
    _, asked = demo_says(monkeypatch, DOCUMENT)
    assert (None, 12, 12, 1, Path("deployments/31337.json")) == (
        *(asked.start, asked.epochs, asked.traders, asked.seed, asked.files.manifest),
    )


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"rpc_url": "http://x", "markets": {"BTC": "0x1"}}, "rpc_url      http://x"),
        (
            {
                **dict.fromkeys(("hub_reserve", "hub_liabilities"), "7"),
                **dict.fromkeys(("end_price", "outcome")),
                "event": "epoch",
                "market": "BTC",
                "epoch": 3,
                "start_price": "1",
                "yes_supply": "5",
                "no_supply": "6",
            },
            "BTC epoch 3: 1 to –, open; YES 5, NO 6; reserve 7 for 7",
        ),
    ],
)
def test_up_in_words(event: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json the system and each epoch's end are lines for people."""
    _show(event)

    assert said in capsys.readouterr().out.splitlines()


def test_up_in_words_is_silent_on_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    """Single transactions are not told; a child that had died is, as talk."""
    _show({"source": "claim", "event": "redeem"})
    _show({"source": "claim", "event": "restarted"})
    said = capsys.readouterr()

    assert ("", "claim had died and was started again\n") == (said.out, said.err)


def test_anvil_must_be_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anvil, demo and up say what is missing, where they looked, and what brings it."""
    monkeypatch.setattr(toolchain, "root", lambda: folder)
    monkeypatch.setenv("PATH", str(folder))
    for words in (("demo",), ("up", "--port", "0")):
        said = say(*words).require(1)
        assert f"anvil is not installed (looked in {folder / 'node_modules'} and PATH)" in said.err
        assert "make setup" in said.err
    assert [] == [path for path in folder.rglob("*") if path.suffix in {".json", ".db"}]


@pytest.mark.parametrize("answer", ["", "n\n", "no\n", "\n"])
def test_a_live_chain_asks_first(monkeypatch: pytest.MonkeyPatch, folder: Path, answer: str) -> None:
    """Off anvil nothing is sent without a yes: any other answer, or none, ends the command."""
    signer = dev_signer(0)

    async def find(*_: Any, **__: Any) -> Any:
        return signer

    monkeypatch.setattr(deploy_command, "find_signer", find)
    monkeypatch.setattr(deploy_command, "_run", lambda *_, **__: pytest.fail("it was sent"))
    monkeypatch.setattr("chain_kit.jsonrpc.JsonRpc", lambda _: FakeNode("Geth/v1", 8453))
    (folder / "spec.toml").write_text(
        f"reporters = {json.dumps([signer.address])}\nreport_threshold = 1\n"
        '[[markets]]\nsymbol = "BTC"\nfeed = "BTC/USD"\nliquidity = "1"\n'
    )
    said = say("deploy", "--rpc-url", "http://node", "--spec", "spec.toml", stdin=answer).require(1)

    assert f"about to deploy to chain 8453 from {signer.address}" in said.err
    assert not (folder / "deployments").exists()
