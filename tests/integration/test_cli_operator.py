"""The operator's commands on a chain that runs: the index, the keepers, and questions at any block."""

from __future__ import annotations

import fcntl
import json
import signal
import sqlite3
import subprocess
import time
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from chain_kit.cli.index_progress import Shown
from chain_kit.cli.local.samples import SAMPLE_PRICES
from chain_kit.jsonrpc import JsonRpc
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.oracle import feed_id
from indexer.queries import open_database
from indexer.rpc import ChainRpc
from indexer.verify import verify
from tests.system_support.cli import Said, ask, command, environment, say
from tests.system_support.node import call
from tests.system_support.prices import GRID
from tests.system_support.site import Site, shared_site

COIN = 10**18
BUYER, SPLITTER, KEEPER, CLAIMER = 3, 4, 1, 2
REPORTERS = "13,14"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A deployed chain."""
    return shared_site(request, tmp_path_factory)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where these tests keep index and outboxes."""
    return tmp_path_factory.mktemp("operator")


class Operator:
    """Short ways to run the commands on the site, with files in a folder."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.db = folder / "index.db"
        self.chain = ("--rpc-url", site.url, "--deployment", site.path)
        self._folder = folder

    def index(self, *options: object) -> Said:
        """`index run` to the head."""
        return say("index", "run", *self.chain, "--db", self.db, "--once", *options).require()

    def resolve(self, *options: object) -> list[dict[str, Any]]:
        """A round of `keeper resolve` with the recorded prices; the lines that it printed."""
        keys = ("--dev-account", KEEPER, "--dev-reporters", REPORTERS)
        prices = ("--prices", SAMPLE_PRICES, "--outbox", self._folder / "resolve.db")
        return lines(say("keeper", "resolve", *self.chain, *prices, *keys, "--once", "--json", *options))

    def claim(self, *options: object) -> list[dict[str, Any]]:
        """A round of `keeper claim`, its key held by anvil; the lines that it printed."""
        files = ("--db", self.db, "--outbox", self._folder / "claim.db")
        key = ("--remote-signer", self.chain[1], "--signer-address", ANVIL_ADDRESSES[CLAIMER])
        return lines(say("keeper", "claim", *self.chain, *files, *key, "--once", "--json", *options))


def lines(said: Said) -> list[dict[str, Any]]:
    """The JSON lines of a command that must succeed."""
    return [json.loads(line) for line in said.require().out.splitlines()]


def units(amount: str) -> int:
    """Base units of an 18-decimal amount."""
    return int(Decimal(amount) * COIN)


@pytest.fixture(scope="module")
def operator(site: Site, folder: Path) -> Operator:
    """The operator."""
    return Operator(site, folder)


@pytest.fixture(scope="module")
def traded(site: Site) -> dict[str, int]:
    """Two accounts trade in epoch 1; the blocks of both."""
    genesis = site.manifest.market("BTC").genesis
    site.move_to(genesis + 10)
    for account in (BUYER, SPLITTER):
        site.equip(account, 100 * COIN)
    bought = site.send(BUYER, site.facade, "buyYes(uint256)", 7 * COIN)
    site.send(SPLITTER, site.contract("CYM1"), "approve", site.hub.address, 100 * COIN)
    site.send(SPLITTER, site.hub, "deposit", ANVIL_ADDRESSES[SPLITTER], 50 * COIN)
    return {"bought": bought, "split": site.send(SPLITTER, site.hub, "split", 1, 1, 20 * COIN)}


@pytest.fixture(scope="module")
def settled(site: Site, traded: dict[str, int], operator: Operator) -> list[list[dict[str, Any]]]:
    """Epoch 1 has ended, its prices are posted and everybody is paid; what the keepers printed."""
    assert traded
    genesis = site.manifest.market("BTC").genesis
    site.move_to(genesis + GRID + 1)
    posted = operator.resolve()
    operator.index()
    return [posted, operator.claim()]


# ---------------------------------------------------------------- the index


def test_index_tells_what_it_did(traded: dict[str, int], operator: Operator) -> None:
    """One JSON line for each step, up to the head; the second time there is nothing to add."""
    first, again = lines(operator.index("--json")), lines(operator.index("--json"))
    status = ask("index", "status", "--db", operator.db)

    assert {"event", "block", "head", "events", "undone"} == set(first[-1])
    assert first[-1]["block"] == first[-1]["head"] == status["block"] >= traded["split"]
    assert (sum(line["events"] for line in first), 0) == (status["events"], status["unknown_events"])
    assert 0 == sum(line["events"] + line["undone"] for line in again)


def test_index_talks_to_people(site: Site, tmp_path: Path, traded: dict[str, int]) -> None:
    """Without --json each step is a line of talk, and there is no data."""
    assert traded
    said = Operator(site, tmp_path).index()

    assert "" == said.out
    assert " events" in said.err


def test_index_on_standby(
    site: Site, tmp_path: Path, traded: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another process writes it waits, and says so; when that ends it does its work."""
    assert traded
    second, heard = Operator(site, tmp_path), []
    with second.db.with_name("index.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def hear(_: Shown, text: str) -> None:
            heard.append(text)
            fcntl.flock(lock, fcntl.LOCK_UN)

        monkeypatch.setattr(Shown, "say", hear)
        steps = lines(second.index("--standby", "--json"))

    assert "; on standby until that one ends" in heard[0]
    assert steps[-1]["block"] == steps[-1]["head"]


# ---------------------------------------------------------------- questions at any block, beside the chain


def test_positions_at_a_block_are_the_chains(site: Site, traded: dict[str, int], operator: Operator) -> None:
    """As of every block of the trades, what each account holds is what the hub said at that block."""
    operator.index()
    compared = 0
    for block in (traded["bought"] - 1, traded["bought"], traded["split"] - 1, traded["split"]):
        for account in (ANVIL_ADDRESSES[BUYER], ANVIL_ADDRESSES[SPLITTER]):
            rows = ask("positions", account, "--db", operator.db, "--at-block", block)
            held = site.ask(site.hub, "positionOf", 1, 1, account, block=block)
            shown = [(units(row["yes_tokens"]), units(row["no_tokens"])) for row in rows]
            assert ([held] if any(held) else []) == shown, f"{account} at {block}"
            compared += any(held)
    assert 4 == compared


def test_reserve_at_a_block_is_the_chains(site: Site, traded: dict[str, int], operator: Operator) -> None:
    """Reserve and liabilities as of a block are what the hub answered then."""
    operator.index()
    for block in traded.values():
        reserve, liabilities, _ = site.ask(site.hub, "reserveStatus", block=block)
        shown = ask("reserve", "--db", operator.db, "--at-block", block)

        assert (block, reserve, liabilities) == (
            *(shown["block"], units(shown["hub"]["reserve"])),
            units(shown["hub"]["liabilities"]),
        )


def test_epochs_at_a_block_are_the_chains(site: Site, traded: dict[str, int], operator: Operator) -> None:
    """Supplies and collateral of the running epoch as of a block."""
    operator.index()
    for block in traded.values():
        sets, house_yes, house_no, _ = site.ask(site.hub, "epochState", 1, 1, block=block)
        (row, *_) = ask("epochs", "BTC", "--db", operator.db, "--at-block", block)

        assert (None, sets, sets - house_yes, sets - house_no) == (
            *(row["outcome"], units(row["collateral"])),
            *(units(row["yes_supply"]), units(row["no_supply"])),
        )


# ---------------------------------------------------------------- the keepers


def test_keepers_print_a_line_for_each_effect(settled: list[list[dict[str, Any]]], site: Site) -> None:
    """What was done, for what, by which transaction in which block; epoch 1 is posted and paid on chain."""
    posted, claimed = settled
    genesis = site.manifest.market("BTC").genesis

    assert [{"event", "subjects", "transaction", "block"}] == [set(line) for line in posted]
    assert [f"BTC/USD@{genesis}", f"BTC/USD@{genesis + GRID}"] == posted[0]["subjects"]
    # Both accounts are paid in one transaction.
    assert [("redeem", 2), ("settle", 1)] == sorted(
        (line["event"], len(line["subjects"])) for line in claimed
    )
    assert (1, 41640 * COIN) == site.ask(
        site.contract("BoundaryOracle"), "boundaryOf", feed_id("BTC/USD"), genesis + GRID
    )
    assert [0, 0] == [
        site.ask(site.hub, "claimable", 1, 1, ANVIL_ADDRESSES[account])[0] for account in (BUYER, SPLITTER)
    ]


def test_keepers_do_nothing_twice(
    settled: list[list[dict[str, Any]]], site: Site, operator: Operator, tmp_path: Path
) -> None:
    """Another round sends nothing, neither with the same outbox nor with a new one."""
    assert settled
    operator.index()
    before = site.ask(site.hub, "reserveStatus")
    fresh = tmp_path / "fresh.db"

    assert [] == operator.resolve() == operator.claim()
    assert [] == operator.resolve("--outbox", fresh) == operator.claim("--outbox", fresh)
    assert before == site.ask(site.hub, "reserveStatus")


def test_keeper_talks_to_people(site: Site, folder: Path) -> None:
    """Without --json what was done is talk; the command ends well with nothing to do, too."""
    keys = ("--dev-account", KEEPER, "--dev-reporters", REPORTERS, "--outbox", folder / "other.db")
    chain = ("--rpc-url", site.url, "--deployment", site.path)
    said = say("keeper", "resolve", *chain, *keys, "--once", "--prices", SAMPLE_PRICES)

    assert "" == said.require().out


# ---------------------------------------------------------------- stopping


@pytest.fixture
def commands(operator: Operator, folder: Path) -> dict[str, list[str]]:
    """Each command that stays, as words."""
    operator.index()
    key = ("--dev-account", KEEPER, "--outbox", folder / "stopped.db", "--json", "--poll-seconds", 0.05)
    prices = ("--prices", SAMPLE_PRICES, "--dev-reporters", REPORTERS)
    return {
        "index": command("index", "run", *operator.chain, "--db", folder / "stopped-index.db", "--json"),
        "resolve": command("keeper", "resolve", *operator.chain, *key, *prices),
        "claim": command("keeper", "claim", *operator.chain, *key, "--db", operator.db),
    }


def test_commands_that_stay_stop_in_order(commands: dict[str, list[str]], folder: Path) -> None:
    """Ctrl-C and SIGTERM both end them with code 0 and without a traceback, whatever they are at."""
    started = [
        subprocess.Popen(
            words,
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for words in commands.values()
    ]
    signals = cycle((signal.SIGINT, signal.SIGTERM))
    try:
        for process, name in zip(started, commands, strict=True):
            _wait_until_it_listens(process.pid)
            process.send_signal(next(signals))
            out, err = process.communicate(timeout=60)
            assert (0, False) == (process.returncode, "Traceback" in err), f"{name}: {out}{err}"
    finally:
        for process in started:
            process.kill()


def test_a_keeper_that_waits_for_a_transaction_stops_all_the_same(
    site: Site, operator: Operator, settled: list[list[dict[str, Any]]], folder: Path
) -> None:
    """With its transaction sent and not mined, Ctrl-C ends it within seconds; the next one goes on."""
    assert settled
    genesis = site.manifest.market("BTC").genesis
    site.move_to(genesis + GRID + 10)
    site.equip(BUYER, COIN)
    site.send(BUYER, site.facade, "buyNo(uint256)", COIN)
    site.move_to(genesis + 2 * GRID + 1)
    call(site.url, "evm_setAutomine", False)
    keys = ("--dev-account", KEEPER, "--dev-reporters", REPORTERS, "--prices", SAMPLE_PRICES)
    words = command("keeper", "resolve", *operator.chain, *keys, "--outbox", folder / "resolve.db", "--json")
    with subprocess.Popen(words, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        try:
            while int(call(site.url, "txpool_status")["pending"], 16) == 0:
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        finally:
            process.kill()
            call(site.url, "anvil_mine", "0x1")
            call(site.url, "evm_setAutomine", True)

    assert (0, False) == (process.returncode, "Traceback" in said)
    assert [[f"BTC/USD@{genesis + 2 * GRID}"]] == [line["subjects"] for line in operator.resolve()]
    nonce = int(call(site.url, "eth_getTransactionCount", ANVIL_ADDRESSES[KEEPER], "latest"), 16)
    assert [] == operator.resolve()
    assert nonce == int(call(site.url, "eth_getTransactionCount", ANVIL_ADDRESSES[KEEPER], "latest"), 16)


def _wait_until_it_listens(pid: int) -> None:
    """Returns when a process has handlers for both signals."""
    wanted = 1 << (signal.SIGINT - 1) | 1 << (signal.SIGTERM - 1)
    status = Path(f"/proc/{pid}/status")
    caught = 0
    while caught & wanted != wanted:
        time.sleep(0.01)
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
        caught = int(line.split()[1], 16)


# ---------------------------------------------------------------- verification


@pytest.fixture
def copy(settled: list[list[dict[str, Any]]], operator: Operator, tmp_path: Path) -> Path:
    """A copy of the index at the head."""
    assert settled
    operator.index()
    path = tmp_path / "copy.db"
    with sqlite3.connect(operator.db) as source, sqlite3.connect(path) as target:
        source.backup(target)
    source.close()
    target.close()
    return path


async def differences(url: str, path: Path) -> list[str]:
    """What a verification of an index finds."""
    async with JsonRpc(url) as rpc, open_database(path) as index:
        return [str(one) for one in (await verify(index, ChainRpc([rpc]))).differences]


@pytest.mark.parametrize(
    "alteration",
    [
        "UPDATE entry SET delta = delta || '0' WHERE block = (SELECT max(block) FROM entry)",
        "UPDATE boundary SET price_e18 = price_e18 || '0'",
        "DELETE FROM event WHERE position = (SELECT max(position) FROM event)",
        "UPDATE market SET fee_bps = fee_bps + 1",
    ],
)
async def test_an_altered_number_is_found(site: Site, copy: Path, alteration: str) -> None:
    """The index as it is agrees with the chain; with one number changed in the file it does not."""
    assert [] == await differences(site.url, copy)
    with sqlite3.connect(copy) as connection:
        changed = connection.execute(alteration).rowcount
    connection.close()

    assert changed
    assert [] != await differences(site.url, copy)
