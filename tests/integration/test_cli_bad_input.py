"""Every mistake of a user gets an error that names the value and the remedy; nothing is written or sent."""

from __future__ import annotations

import json
import re
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.cli import standby
from chain_kit.units import keccak256
from indexer import engine
from tests.system_support.cli import Said, say
from tests.system_support.demo import DemoRun, shared_demo
from tests.system_support.fake_node import fake_node
from tests.system_support.node import block_number
from tests.system_support.ordinary import run_bound_by_modes
from tests.system_support.prices import GRID, Row, sample_rows, write_prices
from tests.system_support.site import Site, shared_site

FIRST = sample_rows()[0][0]
ROWS = sample_rows()[:30]
KEEPERS = {
    "index": ("index", "run", "--once"),
    "resolve": ("keeper", "resolve", "--once", "--dev-account", "1", "--dev-reporters", "13,14"),
    "claim": ("keeper", "claim", "--once", "--dev-account", "2"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A deployed chain."""
    return shared_site(request, tmp_path_factory)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """A demo's files."""
    return shared_demo(tmp_path_factory)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def refused(said: Said, code: int, *named: object) -> None:
    """Fails unless the command ended with `code`, with words that name each thing, a hint, and no data."""
    assert (code, "") == (said.require(code).code, said.out)
    assert [] == [str(one) for one in named if str(one) not in said.err], said.err
    assert re.search(r"^error: .+\nhint: .+", said.err, re.MULTILINE | re.DOTALL), said.err
    assert "Traceback" not in said.err


# ---------------------------------------------------------------- price files


def text(rows: str) -> Callable[[Path], Path]:
    """Writes a price file of these lines."""

    def write(path: Path) -> Path:
        path.write_text(rows)
        return path

    return write


def folder(path: Path) -> Path:
    """Makes a folder where a file should be."""
    path.mkdir()
    return path


def binary(path: Path) -> Path:
    """Writes what is no text."""
    path.write_bytes(b"\xff\xfe\x00")
    return path


def with_close(close: str) -> Callable[[Path], Path]:
    """Writes a price file whose sixth price is `close`."""
    rows: list[Row] = [*ROWS[:5], (ROWS[5][0], close), *ROWS[6:]]
    return lambda path: write_prices(path, rows)


PRICE_FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda path: path, "no such file"),
    "a folder": (folder, "cannot be read"),
    "empty": (text(""), "the file is empty"),
    "header only": (text("ts,close\n"), "the file holds no prices"),
    "no close": (text("ts,open\n300,1\n"), "no column 'close' among ts, open"),
    "unsorted": (lambda p: write_prices(p, [*ROWS[5:7], ROWS[4]]), f"line 4: ts {ROWS[4][0]} comes after"),
    "duplicate": (
        lambda p: write_prices(p, [*ROWS[:3], ROWS[2]]),
        f"line 5: a second price for ts {ROWS[2][0]}",
    ),
    "short line": (text("ts,close\n300\n"), "line 2: the line has only 1 fields"),
    "no number": (with_close("high"), "line 7: close 'high' is not a number"),
    "grouped": (with_close('"41,582"'), "line 7: close '41,582' is not a number"),
    "negative": (with_close("-1"), "line 7: close '-1' is not above zero"),
    "zero": (with_close("0"), "line 7: close '0' is not above zero"),
    "NaN": (with_close("NaN"), "line 7: close 'NaN' is not a finite number"),
    "infinite": (with_close("inf"), "line 7: close 'inf' is not a finite number"),
    "too fine": (
        with_close("1.0000000000000000001"),
        "line 7: close '1.0000000000000000001' has more than 18",
    ),
    "a fraction of a second": (
        text("ts,close\n300.5,1\n"),
        "line 2: ts '300.5' is not a time in whole seconds",
    ),
    "no text": (binary, "not a CSV text file"),
}


@pytest.mark.parametrize("command", ["demo", "up"])
@pytest.mark.parametrize("kind", PRICE_FILES)
def test_price_files(command: str, kind: str, here: Path, tmp_path: Path) -> None:
    """Whatever is wrong with it, its path, the line and the value are named before anything is started."""
    write, named = PRICE_FILES[kind]
    path = write(tmp_path / "p.csv")

    refused(say(command, "--prices", path), 2, f"{tmp_path / 'p.csv'}", named)
    assert [] == list(here.iterdir())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--epochs", 6), f"p.csv: ends at {FIRST + 29 * 60} (2022-01-08T00:29:00Z): 5 of 6 epochs"),
        (("--start", FIRST - GRID), f"p.csv: starts at {FIRST}"),
        (("--start", FIRST + 1), f"--start is {FIRST + 1}, not a multiple of 300"),
        (("--start", FIRST + 24 * 60 * 60, "--epochs", 1), "0 of 1 epochs"),
        (("--epochs", 0), "--epochs is 0"),
        (("--traders", 0), "--traders is 0"),
    ],
)
def test_what_the_file_does_not_hold(
    options: tuple[object, ...], named: str, here: Path, tmp_path: Path
) -> None:
    """A file that ends early, a start off the grid or outside: what there is, and what would do."""
    prices = write_prices(tmp_path / "p.csv", ROWS)

    refused(say("demo", "--prices", prices, *options), 2, named)
    assert [] == list(here.iterdir())


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("epochs", "DOGE"), ("no market 'DOGE'", "markets here: BTC")),
        (("epochs", "btc"), ("no market 'btc'",)),
        (("epochs", "0x" + "12" * 20), ("no market '0x1212",)),
        (("epochs", "0xF39fd6e51aad88F6F4ce6aB8827279cffFb92266"), ("has a wrong checksum",)),
        (("positions", "0x12"), ("'0x12' is not an address",)),
        (("positions", "alice"), ("'alice' is not an address",)),
        (("positions", "0xF39fd6e51aad88F6F4ce6aB8827279cffFb92266"), ("has a wrong checksum",)),
        (("reserve", "--at-block", 99_999), ("block 99999 is in the future: the head is block ",)),
        (("epochs", "BTC", "--at-block", 99_999), ("block 99999 is in the future",)),
        (("positions", "0x" + "12" * 20, "--at-block", 99_999), ("block 99999 is in the future",)),
        (("reserve", "--at-block", 0), ("block 0 is before the deployment", "ask for a block from 1 on")),
    ],
)
def test_questions(demo: DemoRun, words: tuple[object, ...], named: tuple[str, ...]) -> None:
    """An unknown market, a malformed address, a block that is not there: usage, whatever the format."""
    refused(say(*words, "--db", demo.database), 2, *named)
    refused(say(*words, "--db", demo.database, "--json"), 2, *named)


QUESTIONS = [("epochs", "BTC"), ("positions", "0x" + "12" * 20), ("reserve",), ("index", "status")]


def no_database(path: Path) -> None:
    """Writes what is no database."""
    path.write_bytes(b"this is not a database, whatever its name says" * 100)


def half_database(source: Path, path: Path) -> None:
    """Copies the first half of a database and fills the rest with rubbish."""
    body = source.read_bytes()
    path.write_bytes(body[: len(body) // 4] + b"\x5a" * (len(body) * 3 // 4))


@pytest.mark.parametrize("words", QUESTIONS, ids=lambda words: words[0])
def test_databases_that_cannot_be_read(demo: DemoRun, here: Path, words: tuple[str, ...]) -> None:
    """No file, a folder, another program's file, an empty one, a damaged one: each is named; none is made."""
    no_database(here / "text.db")
    half_database(demo.database, here / "half.db")
    (here / "empty.db").touch()
    with sqlite3.connect(here / "other.db") as connection:
        connection.execute("CREATE TABLE notes (line TEXT)")
    connection.close()
    before = sorted(path.name for path in here.iterdir())

    refused(say(*words, "--db", "none.db"), 1, "no database at none.db", "chain-kit index run")
    refused(say(*words, "--db", here), 1, here)
    refused(say(*words, "--db", "text.db"), 1, "text.db is not a database")
    refused(say(*words, "--db", "empty.db"), 1, "empty.db is not a database")
    refused(say(*words, "--db", "other.db"), 1, "the database other.db is not an index", "--db NEW")
    refused(say(*words, "--db", "half.db"), 1, "half.db")
    refused(say(*words, "--db", "mysql://db/index"), 2, "mysql://db/index")
    assert before == sorted(path.name for path in here.iterdir())


@pytest.fixture
def locked(demo: DemoRun, here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of an index that another process has for itself; nobody waits long for it."""
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.1)
    path = here / "index.db"
    shutil.copy(demo.database, path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN IMMEDIATE")
    yield path
    holder.close()


@pytest.mark.parametrize("words", QUESTIONS, ids=lambda words: words[0])
def test_locked_database(locked: Path, words: tuple[str, ...]) -> None:
    """A database that another process holds is told of as that."""
    refused(say(*words, "--db", locked), 1, f"the database {locked} is locked by another process")


# ---------------------------------------------------------------- index and keepers


def on(site: Site, *more: object) -> tuple[object, ...]:
    """The options that name a deployed chain, with an index and an outbox in the current folder."""
    return ("--rpc-url", site.url, "--deployment", site.path, *more)


def files(command: str) -> tuple[object, ...]:
    """The files that a command writes, in the current folder."""
    return {
        "index": ("--db", "i.db"),
        "resolve": ("--outbox", "o.db", "--prices", write_prices(Path("p.csv"), ROWS)),
        "claim": ("--outbox", "o.db", "--db", "i.db"),
    }[command]


def manifest_with(site: Site, change: Callable[[dict[str, Any]], object]) -> Path:
    """A changed copy of the manifest."""
    document = json.loads(site.path.read_text())
    change(document)
    path = Path("changed.json")
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("command", KEEPERS)
def test_nodes_and_manifests(command: str, site: Site, demo: DemoRun, here: Path) -> None:
    """A node that is not there, a manifest that is missing, broken, of another chain or of other code."""
    words = (*KEEPERS[command], *files(command))
    before = block_number(site.url)
    other_code = manifest_with(site, lambda d: d["contracts"]["EpochHub"].update(code_hash="0x" + "00" * 32))
    (here / "broken.json").write_text('{"chain_id": 31337')
    (here / "less.json").write_text('{"chain_id": 31337}')

    def deployment(path: object) -> tuple[object, ...]:
        return (*words, "--rpc-url", site.url, "--deployment", path)

    refused(say(*words, "--rpc-url", "http://127.0.0.1:1", "--deployment", site.path), 1,
            "no answer from http://127.0.0.1:1", "--rpc-url")  # fmt: skip
    refused(say(*words, "--rpc-url", "ftp://node"), 2, "ftp://node", "http://")
    refused(say(*deployment("none.json")), 1, "no deployment manifest at none.json", "--deployment")
    refused(say(*deployment("broken.json")), 1, "broken.json is not a deployment manifest")
    refused(say(*deployment("less.json")), 1, "less.json is not a deployment manifest", "genesis_hash")
    refused(say(*deployment(demo.manifest)), 1, "the deployment manifest is of chain 31337 with genesis")
    refused(say(*deployment(other_code)), 1, "EpochHub at 0x", "the manifest says 0x0000")
    assert before == block_number(site.url)
    assert [] == list(here.glob("*.db*"))


@pytest.mark.parametrize("command", KEEPERS)
def test_another_chain_than_expected(
    command: str, site: Site, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chain id that the settings expect is checked, and so is that of the manifest."""
    words = (*KEEPERS[command], *files(command))
    monkeypatch.setenv("CHAIN_KIT_CHAIN_ID", "8453")
    refused(say(*words, *on(site)), 1, "the node serves chain 31337, expected chain 8453")
    monkeypatch.delenv("CHAIN_KIT_CHAIN_ID")
    of_base = manifest_with(site, lambda document: document.update(chain_id=8453))
    refused(say(*words, "--rpc-url", site.url, "--deployment", of_base), 1, "manifest is of chain 8453")
    assert [] == list(here.glob("*.db*"))


def test_index_into_a_database_of_another_deployment(site: Site, demo: DemoRun, here: Path) -> None:
    """One database holds one deployment: the other is refused and the database stays as it is."""
    path = here / "index.db"
    shutil.copy(demo.database, path)
    before = path.read_bytes()

    refused(say(*KEEPERS["index"], *on(site, "--db", path)), 1, "is of another deployment", "--db")
    claim = (*KEEPERS["claim"], *on(site, "--db", path, "--outbox", "o.db"))
    refused(say(*claim), 1, "is of another deployment", "--db")
    assert before == path.read_bytes()


def test_index_with_another_writer(site: Site, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one process indexes into a database, a second one is refused."""
    import fcntl

    monkeypatch.setattr(standby, "_LOCK_WAIT_SECONDS", 0.05)
    words = (*KEEPERS["index"], *on(site, "--db", "i.db"))
    say(*words).require()
    with (here / "i.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(say(*words), 1, "another process is indexing into i.db")
    say(*words).require()


def test_read_only_files(site: Site, demo: DemoRun, here: Path) -> None:
    """An index that cannot be written is still answered from; who wants to write it is told."""
    path = here / "index.db"
    say(*KEEPERS["index"], *on(site, "--db", path)).require()
    path.chmod(0o444)
    before = path.read_bytes()
    refused(
        run_bound_by_modes(*KEEPERS["index"], *on(site, "--db", path), cwd=here),
        1,
        f"{path} cannot be written",
    )
    asked = run_bound_by_modes("reserve", "--db", path, "--json", cwd=here)

    assert before == path.read_bytes()
    assert 31337 == demo.document["deployment"]["chain_id"]
    assert asked.require().document["block"] > 0


def test_folder_that_cannot_be_written(site: Site, here: Path, tmp_path: Path) -> None:
    """Index and outbox in a folder that takes no files: named, with the remedy."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    index = (*KEEPERS["index"], *on(site, "--db", closed / "i.db"))
    prices = write_prices(here / "p.csv", ROWS)
    resolve = (*KEEPERS["resolve"], *on(site, "--outbox", closed / "o.db", "--prices", prices))

    deploy = ("deploy", "--rpc-url", site.url, "--deployment", closed / "d.json")
    before = block_number(site.url)

    refused(run_bound_by_modes(*deploy, cwd=here), 2, f"the manifest {closed / 'd.json'} cannot be written")
    assert before == block_number(site.url)
    for words in (("demo", "--db", closed / "x.db"), ("up", "--deployment", closed / "x.json")):
        refused(run_bound_by_modes(*words, cwd=here), 1, f"{closed}/.x.", "cannot be written", "--deployment")
    refused(run_bound_by_modes(*index, cwd=here), 1, f"{closed} cannot be written")
    refused(run_bound_by_modes(*resolve, cwd=here), 1, f"the outbox {closed / 'o.db'} cannot be written")


def test_outboxes_that_cannot_be_used(site: Site, here: Path) -> None:
    """An outbox that is no database, or another's: nothing is sent without one."""
    no_database(here / "text.db")
    with sqlite3.connect(here / "other.db") as connection:
        connection.execute("CREATE TABLE notes (line TEXT)")
    connection.close()
    words = (*KEEPERS["resolve"], *on(site, "--prices", write_prices(here / "p.csv", ROWS)))
    before = block_number(site.url)

    refused(say(*words, "--outbox", "text.db"), 1, "the outbox text.db is damaged")
    refused(say(*words, "--outbox", "other.db"), 1, "other.db is a database, but no outbox")
    assert before == block_number(site.url)


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("options", "code", "named"),
    [
        ((), 4, "no key to sign with"),
        (("--keystore", "none.json", "--password-file", "p.csv"), 4, "no keystore at none.json"),
        (("--keystore", "p.csv", "--password-file", "p.csv"), 4, "p.csv is not a keystore file"),
        (("--ape-account", "alice", "--password-file", "p.csv"), 4, "ape has no account 'alice'"),
        (("--dev-account", "1"), 4, "asks for 2 of its signers, 0 of them are at hand"),
        (("--dev-account", "1", "--dev-reporters", "13"), 4, "asks for 2 of its signers, 1 of them"),
        (("--dev-account", "1", "--dev-reporters", "1,2,3"), 4, "asks for 2 of its signers, 0 of them"),
        (("--dev-account", "1", "--dev-reporters", "13;14"), 2, "--dev-reporters has '13;14'"),
        (("--dev-account", "1", "--reporter-keystore", "none.json"), 4, "no keystore at none.json"),
        (("--dev-account", "1", "--replay", "p.csv"), 2, "2 price sources given (--prices, --replay)"),
    ],
)
def test_keeper_without_the_right_keys(
    site: Site, monkeypatch: pytest.MonkeyPatch, options: tuple[object, ...], code: int, named: str
) -> None:
    """No key, a wrong one, too few reporters: code 4, and nothing is sent."""
    monkeypatch.setenv("APE_DATA_FOLDER", "no ape")
    before = block_number(site.url)
    words = ("keeper", "resolve", "--once", *files("resolve"))

    refused(say(*words, *on(site), *options), code, named)
    assert before == block_number(site.url)
    assert [] == list(Path().glob("o.db*")) or "its signers" in named


def test_keeper_with_prices_that_cannot_be_used(site: Site, here: Path) -> None:
    """A recording that cannot be read, or that has no whole day to replay, is told of as elsewhere."""
    key = ("--dev-account", "1", "--dev-reporters", "13,14", "--once", "--outbox", "o.db")
    words = ("keeper", "resolve", *on(site), *key)
    prices = write_prices(here / "p.csv", ROWS)

    refused(say(*words, "--prices", "none.csv"), 2, "none.csv: no such file")
    refused(say(*words, "--replay", prices), 2, "p.csv: holds no whole day")
    assert ["p.csv"] == [path.name for path in here.iterdir()]


@pytest.mark.parametrize("command", ["resolve", "claim"])
def test_public_keys_off_anvil(command: str, site: Site, here: Path) -> None:
    """A keeper never signs with a public key where the node is no anvil."""
    document = json.loads(site.path.read_text())
    answers = {
        "web3_clientVersion": "Geth/v1.16.0",
        "eth_chainId": "0x7a69",
        "eth_getBlockByNumber": {"hash": document["genesis_hash"], "number": "0x0"},
        "eth_getCode": "0x",
    }
    empty = "0x" + keccak256(b"").hex()
    bare = manifest_with(site, lambda d: [row.update(code_hash=empty) for row in d["contracts"].values()])
    say(*KEEPERS["index"], *on(site, "--db", "i.db")).require()
    with fake_node(answers) as node:
        said = say(*KEEPERS[command], *files(command), "--rpc-url", node.url, "--deployment", bare)

    refused(said, 4, "a public test key is not for chain 31337, which Geth/v1.16.0 serves")
    assert [] == list(here.glob("o.db*"))


# ---------------------------------------------------------------- a local system


def test_port_in_use(here: Path) -> None:
    """Somebody listens there: the port, and how to have another; no file of an earlier system is touched."""
    (here / "deployments").mkdir()
    for name in ("31337.json", "31337.db", "31337-payouts.json"):
        (here / "deployments" / name).write_text("of before")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(say("up", "--port", port), 1, f"port {port} is in use", "--port")

    kept = {path.name: path.read_text() for path in (here / "deployments").glob("3*")}
    assert {"of before"} == set(kept.values())
    assert 3 == len(kept)


def test_manifest_of_another_chain_is_kept(site: Site, here: Path) -> None:
    """A local system does not take the place of a deployment on another chain."""
    of_base = manifest_with(site, lambda document: document.update(chain_id=8453))
    before = of_base.read_bytes()

    refused(
        say("demo", "--deployment", of_base),
        1,
        "the deployment manifest is of chain 8453, the node serves 31337",
    )
    assert before == (here / of_base).read_bytes()


def test_database_that_is_being_written_is_kept(site: Site, here: Path) -> None:
    """A local system does not take the place of an index that somebody writes."""
    import fcntl

    say(*KEEPERS["index"], *on(site, "--db", "i.db")).require()
    before = (here / "i.db").read_bytes()
    with (here / "i.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(say("demo", "--db", "i.db"), 1, "another process is indexing into i.db")

    assert before == (here / "i.db").read_bytes()


def test_fork_of_a_chain_that_is_not_there(here: Path) -> None:
    """The URL to fork from is tried before anything is started."""
    refused(
        say("up", "--port", 0, "--fork-url", "http://127.0.0.1:1"), 1, "no answer from http://127.0.0.1:1"
    )
    assert [] == list(here.iterdir())
