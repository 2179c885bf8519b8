"""A deployment on an anvil that runs on its own, for tests that drive the command line from outside."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from chain_kit import toolchain
from chain_kit.contracts import Contract
from chain_kit.manifest import Manifest
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.processes import die_with_parent
from tests.system_support.cli import run
from tests.system_support.node import call, view
from tests.system_support.prices import sample_rows

__all__ = ["Site", "running_anvil", "shared_site"]

_SHARED: list[Site] = []
# Less than an epoch, and far more than a deployment takes: the market starts at the first recorded price.
LEAD_SECONDS = 250


@contextmanager
def running_anvil(*options: object) -> Iterator[str]:
    """An anvil with these options; its URL."""
    words = [str(toolchain.anvil()), "--port", "0", *map(str, options)]
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        text=True,
        env=toolchain.environment(),
        preexec_fn=die_with_parent(),  # noqa: PLW1509  # no threads yet
    ) as process:
        try:
            assert process.stdout is not None
            found = next(
                match for line in process.stdout if (match := re.match(r"Listening on (\S+:\d+)", line))
            )
            url = f"http://{found[1]}"
            # From here on it must not fill the pipe that nobody reads.
            call(url, "anvil_setLoggingEnabled", False)
            yield url
        finally:
            process.kill()


@dataclass(frozen=True)
class Site:
    """A deployed chain whose clock stands at the recorded day, before the market's first epoch.

    The market's reporters are the mnemonic's accounts 13 to 15, its deployer account 0.
    """

    url: str
    folder: Path
    path: Path
    manifest: Manifest

    def contract(self, name: str) -> Contract:
        """One of its contracts."""
        kind = "TestToken" if name in ("CYM1", "USDC") else name.partition(":")[0]
        return Contract(kind, self.manifest.address(name))

    @property
    def facade(self) -> Contract:
        """The market."""
        return Contract("MarketFacade", self.manifest.market("BTC").facade)

    @property
    def hub(self) -> Contract:
        """The hub."""
        return self.contract("EpochHub")

    def send(self, account: int, contract: Contract, fn: str, *arguments: object) -> int:
        """Sends from one of anvil's ten accounts; the block that has it. It must succeed."""
        data = "0x" + contract.encode_call(fn, *arguments).hex()
        fields = {
            "from": ANVIL_ADDRESSES[account],
            "to": contract.address,
            "data": data,
            "gas": hex(5_000_000),
        }
        transaction = call(self.url, "eth_sendTransaction", fields)
        if call(self.url, "eth_getTransactionReceipt", transaction) is None:
            call(self.url, "anvil_mine", "0x1")
        receipt = call(self.url, "eth_getTransactionReceipt", transaction)
        assert receipt["status"] == "0x1", f"{contract}.{fn} was refused"
        return int(receipt["blockNumber"], 16)

    def move_to(self, timestamp: int) -> None:
        """Mines a block with this time."""
        call(self.url, "evm_setNextBlockTimestamp", hex(timestamp))
        call(self.url, "anvil_mine", "0x1")

    def ask(
        self, contract: Contract, fn: str, *arguments: object, block: int | str = "latest"
    ) -> tuple[int, ...]:
        """What a function returns at a block."""
        return tuple(view(self.url, contract, fn, *arguments, block=block))

    def equip(self, account: int, amount_units: int) -> None:
        """Gives an account collateral, which the market may take."""
        token, address = self.contract("CYM1"), ANVIL_ADDRESSES[account]
        self.send(0, token, "mint", address, amount_units)
        self.send(account, token, "approve", self.facade.address, amount_units)


def shared_site(request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Site:
    """One for all tests of this process, which have its files for reading. It ends with the session."""
    if not _SHARED:
        first = sample_rows()[0][0]
        anvil = running_anvil("--timestamp", first - LEAD_SECONDS, "--accounts", 16, "--slots-in-an-epoch", 1)
        url = anvil.__enter__()
        request.session.addfinalizer(lambda: anvil.__exit__(None, None, None))
        folder = factory.mktemp("site")
        run("deploy", "--network", url, cwd=folder).require()
        path = folder / "deployments" / "31337.json"
        site = Site(url, folder, path, Manifest.load(path))
        assert first == site.manifest.market("BTC").genesis
        _SHARED.append(site)
    return _SHARED[0]
