"""A deployed chain, a keepers' file for it, and `keeper run` as a process."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chain_kit import toolchain
from chain_kit.cli.local.samples import SAMPLE_PRICES
from chain_kit.manifest import Manifest
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.oracle import feed_id
from chain_kit.processes import die_with_parent
from tests.system_support.cli import Said, command, environment, run, say
from tests.system_support.node import call
from tests.system_support.prices import sample_rows
from tests.system_support.site import LEAD_SECONDS, Site, running_anvil

__all__ = [
    "COIN",
    "KEEPER",
    "TRADERS",
    "Running",
    "balance",
    "epoch_of",
    "eventually",
    "fetch",
    "fleet_site",
    "index",
    "keeper_run",
    "keepers_file",
    "next_epoch",
    "nonce",
    "paid",
    "posted",
    "shared_fleet_site",
    "with_holder",
]

COIN = 10**18
EPOCH = 300
KEEPER, TRADERS = 1, (3, 4)
"""Which of anvil's accounts the keepers send with, and which trade."""


_SHARED: list[Site] = []


def shared_fleet_site(request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Site:
    """One for all tests of this process. It ends with the session."""
    if not _SHARED:
        site = fleet_site(factory.mktemp("fleet"))
        _SHARED.append(site.__enter__())
        request.session.addfinalizer(lambda: site.__exit__(None, None, None))
    return _SHARED[0]


@contextmanager
def fleet_site(folder: Path) -> Iterator[Site]:
    """A deployment on a chain of its own, at the start of its first epoch; traders have collateral."""
    first = sample_rows()[0][0]
    options = ("--timestamp", first - LEAD_SECONDS, "--accounts", 16, "--slots-in-an-epoch", 1)
    with running_anvil(*options) as url:
        run("deploy", "--network", url, cwd=folder).require()
        path = folder / "deployments" / "31337.json"
        site = Site(url, folder, path, Manifest.load(path))
        for account in (KEEPER, *TRADERS):
            site.equip(account, 1_000 * COIN)
        site.move_to(first + 5)
        yield site


def keepers_file(site: Site, path: Path, *more: str, **parts: str) -> Path:
    """Writes a file with resolve, claim and a trade keeper; `parts` replace tables, `more` is added."""
    chain = f'rpc_urls = ["{site.url}"]\nchain_id = 31337\ndeployment = "{site.path}"'
    tables = {
        "chain": f'{chain}\nindex = "index.db"',
        "outbox": 'url = "outbox.db"',
        "signer": f"dev_account = {KEEPER}",
        "lease": 'ttl_seconds = "2"',
        "http": "port = 0",
        "reporters": "dev_accounts = [13, 14]",
        "keepers.resolve": 'poll_seconds = "0.1"',
        "keepers.claim": 'poll_seconds = "0.1"',
        **parts,
    }
    written = [f"[{name}]\n{text}\n" for name, text in tables.items() if text]
    prices = f'[[prices."BTC/USD".sources]]\nkind = "csv"\nfile = "{SAMPLE_PRICES}"\n'
    trade = (
        '[[keepers.trade]]\nmarket = "BTC"\nstrategy = "threshold"\nether_collateral = "1"\n'
        'poll_seconds = "0.1"\nposition_collateral = "50"\ndaily_loss_collateral = "100"\nspot_seconds = 60\n'
        "[keepers.trade.threshold]\n"
        'buy_yes_below = "0.45"\nbuy_no_above = "0.55"\nvalue = "0.5"\namount_collateral = "5"\n'
    )
    path.write_text("\n".join([*written, prices, trade, *more]))
    return path


class Running:
    """`keeper run --all --json` as a process; what it prints is kept."""

    def __init__(self, config: Path, *options: object) -> None:
        self.log = config.with_suffix(".log")
        self.out = config.with_suffix(".out")
        with self.out.open("w") as out, self.log.open("w") as log:
            self.process = subprocess.Popen(
                command("keeper", "run", "--all", "--config", config, "--json", *options),
                cwd=config.parent,
                # Of these sources, whatever is installed.
                env=environment({"PYTHONPATH": str(toolchain.root())}),
                stdout=out,
                stderr=log,
                preexec_fn=die_with_parent(),  # noqa: PLW1509  # no threads yet
            )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The whole lines that it has printed."""
        text = self.out.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Its lines of one kind."""
        return [line for line in self.lines if line["event"] == name]

    def wait_for(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """Its lines of one kind, when there are `count`."""
        eventually(lambda: len(self.events(name)) >= count, self)
        return self.events(name)

    def end(self, number: int) -> int:
        """Sends a signal; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


def eventually(holds: Callable[[], bool], running: Running | None = None, seconds: float = 60.0) -> None:
    """Returns when something holds; a process that ends before that is a failure."""
    until = time.monotonic() + seconds
    while not holds():
        if running is not None:
            said = running.log.read_text()
            assert running.process.poll() is None, said
            assert time.monotonic() < until, said
        assert time.monotonic() < until
        time.sleep(0.02)


def index(site: Site, folder: Path) -> None:
    """Brings the index to the head."""
    chain = ("--rpc-url", site.url, "--deployment", site.path)
    say("index", "run", *chain, "--db", folder / "index.db", "--once").require()


def epoch_of(site: Site) -> int:
    """The epoch that runs."""
    now = int(call(site.url, "eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    return (now - site.manifest.market("BTC").genesis) // EPOCH + 1


def next_epoch(site: Site) -> int:
    """Moves the clock into the next epoch; its number."""
    number = epoch_of(site) + 1
    site.move_to(site.manifest.market("BTC").genesis + (number - 1) * EPOCH + 5)
    return number


def posted(site: Site, epoch: int) -> bool:
    """Whether the end price of an epoch is on chain."""
    end = site.manifest.market("BTC").genesis + epoch * EPOCH
    return site.ask(site.contract("BoundaryOracle"), "boundaryOf", feed_id("BTC/USD"), end)[0] == 1


def paid(site: Site, epoch: int) -> bool:
    """Whether the traders have nothing to claim."""
    return not any(site.ask(site.hub, "claimable", 1, epoch, ANVIL_ADDRESSES[one])[0] for one in TRADERS)


def with_holder(site: Site, folder: Path, name: str, **parts: str) -> Path:
    """A keepers' file whose process goes by `name`, all on one outbox."""
    lease = f'ttl_seconds = "2"\nholder = "{name}"'
    return keepers_file(site, folder / f"{name}.toml", lease=lease, **parts)


def keeper_run(config: Path, *options: object) -> Said:
    """`keeper run` in this process."""
    return say("keeper", "run", "--config", config, *options)


def balance(site: Site) -> int:
    """What the keepers' account holds, in wei."""
    return int(call(site.url, "eth_getBalance", ANVIL_ADDRESSES[KEEPER], "latest"), 16)


def nonce(site: Site) -> int:
    """How many transactions the keepers' account has made."""
    return int(call(site.url, "eth_getTransactionCount", ANVIL_ADDRESSES[KEEPER], "latest"), 16)


def fetch(url: str) -> str:
    """What a URL answers."""
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310  # our own
        return str(response.read().decode())
