"""`chain-kit up` as a user has it: a system that stays, against which any program trades."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chain_kit import toolchain
from chain_kit.contracts import Contract
from chain_kit.files import write_atomically
from chain_kit.networks import ANVIL_ADDRESSES, ANVIL_KEYS, BASE
from chain_kit.oracle import feed_id
from tests.system_support.cli import ask, environment, say
from tests.system_support.fake_node import serving
from tests.system_support.node import block_number, call, view
from tests.system_support.prices import GRID, plain, sample_rows
from tests.system_support.processes import below, still_running, words_of
from tests.system_support.running import Running, running_up
from tests.system_support.site import running_anvil, shared_site

COIN = 10**18
DAY = 86_400
SUPPORT = Path(__file__).parents[1] / "system_support"
BOTS = {
    "web3": [sys.executable, str(SUPPORT / "bot_web3.py")],
    "ethers": ["node", str(SUPPORT / "bot_ethers.mjs")],
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A system on a free port, with the recorded day replayed."""
    with running_up(tmp_path_factory.mktemp("up")) as running:
        assert running.description
        yield running


def recorded(timestamp: int) -> str:
    """The recorded price at the same time of the recorded day."""
    prices = dict(sample_rows())
    return plain(prices[sample_rows()[0][0] + timestamp % DAY])


def next_epoch(up: Running) -> int:
    """Goes to the start of the next epoch, and gives its number: there is time to trade."""
    genesis = up.manifest.market("BTC").genesis
    epoch = (up.now - genesis) // GRID + 2
    up.move_to(genesis + (epoch - 1) * GRID + 1)
    return epoch


def trade(name: str, up: Running, account: int, side: str, amount: str) -> dict[str, Any]:
    """Runs a bot of its own process against the printed market; what it saw."""
    market = up.description["markets"]["BTC"]
    done = subprocess.run(
        [*BOTS[name], up.url, ANVIL_KEYS[account], market, side, amount],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


# ---------------------------------------------------------------- what it starts with


def test_first_line_describes_the_system(up: Running) -> None:
    """Exactly the promised names; the files are there, and the addresses are the manifest's."""
    first, manifest = up.description, up.manifest

    names = ["rpc_url", "chain_id", "deployment", "database", "collateral", "markets", "http_url"]
    assert names == list(first)
    assert first is up.lines[0]
    assert (31337, manifest.address("CYM1"), {"BTC": manifest.market("BTC").facade}) == (
        *(first["chain_id"], first["collateral"], first["markets"]),
    )
    assert ("deployments/31337.json", "deployments/31337.db") == (first["deployment"], first["database"])


def test_page_is_at_the_address_that_is_told(up: Running) -> None:
    """The index is served from the start on; the address is still the same after the server was killed."""
    url = up.description["http_url"]
    up.wait_for_event(source="serve", event="serving", url=url)
    with urllib.request.urlopen(f"{url}/", timeout=30) as response:  # noqa: S310
        assert b"<title>chain-kit</title>" in response.read()
    count = len(up.lines)
    (child,) = (process for process in below(up.process.pid) if words_of(process)[3:4] == ["serve"])
    child.kill()
    up.wait_for(lambda line: line == {"source": "serve", "event": "serving", "url": url}, after=count)
    status = f"{url}/api/v1/perpetual/markets/BTC/status"
    with urllib.request.urlopen(status, timeout=30) as response:  # noqa: S310
        assert up.manifest.market("BTC").facade == json.load(response)["market_address"]


def test_every_account_can_trade_at_once(up: Running) -> None:
    """Each of anvil's ten accounts holds collateral and USDC."""
    tokens = [Contract("TestToken", up.manifest.address(name)) for name in ("CYM1", "USDC")]
    held = {tuple(up.ask(token, "balanceOf", a)[0] for token in tokens) for a in ANVIL_ADDRESSES}

    assert {(1_000_000 * COIN, 100_000 * 10**6)} == held


def test_time_passes_by_itself(up: Running) -> None:
    """The chain's clock is the real one, and blocks come without anybody sending anything."""
    blocks = block_number(up.url)
    up.wait_until_indexed(blocks + 2)

    assert block_number(up.url) > blocks + 1


# ---------------------------------------------------------------- trading against it


@pytest.fixture(scope="module")
def trades(up: Running) -> dict[str, dict[str, Any]]:
    """Two bots, in Python and in JavaScript, buy one side each of one epoch."""
    epoch = next_epoch(up)
    with ThreadPoolExecutor() as pool:
        yes = pool.submit(trade, "web3", up, 0, "yes", "1.5")
        no = pool.submit(trade, "ethers", up, 1, "no", "2.25")
        seen = {"web3": yes.result(), "ethers": no.result()}
    assert [epoch, epoch] == [int(bot["after"]["epoch"]) for bot in seen.values()]
    return seen


def test_bots_trade_by_the_documents_alone(up: Running, trades: dict[str, dict[str, Any]]) -> None:
    """Approve, buy, read the status: the amount is paid, the supply grows, within the documents' gas."""
    web3, ethers = trades["web3"], trades["ethers"]
    start = up.manifest.market("BTC").genesis + (int(web3["after"]["epoch"]) - 1) * GRID

    assert (15 * COIN // 10, str(225 * COIN // 100), "CYM1") == (
        web3["paid"],
        ethers["paid"],
        ethers["symbol"],
    )
    assert max(web3["gas"], ethers["gas"]) < 300_000
    assert int(web3["after"]["yesSupply"]) > int(web3["before"]["yesSupply"])
    assert int(ethers["after"]["noSupply"]) > int(ethers["before"]["noSupply"])
    assert (True, True) == (web3["after"]["tradingActive"], ethers["after"]["tradingActive"])
    assert 0 < int(web3["after"]["timeRemaining"]) <= GRID
    prices = [int(ethers["after"][name]) for name in ("yesPrice", "noPrice")]
    assert abs(sum(prices) - COIN) < COIN // 10**6
    up.wait_for(lambda line: f"BTC/USD@{start}" in line.get("subjects", ()))


def test_index_shows_the_positions(up: Running, trades: dict[str, dict[str, Any]]) -> None:
    """What the bots hold is in the index at once, and it is what the hub says."""
    hub = Contract("EpochHub", up.manifest.address("EpochHub"))
    for account, bot in zip(ANVIL_ADDRESSES[:2], trades.values(), strict=True):
        block, epoch = bot["block"], int(bot["after"]["epoch"])
        up.wait_until_indexed(block)
        (row,) = ask("positions", account, "--db", up.database, "--at-block", block)
        held = up.ask(hub, "positionOf", 1, epoch, account, block=block)

        assert (epoch, tuple(held)) == (
            row["epoch"],
            tuple(int(Decimal(row[name]) * COIN) for name in ("yes_tokens", "no_tokens")),
        )
        assert Decimal(row["cost"]) == Decimal(bot["paid"]) / COIN


def test_an_epoch_ends_by_the_clock_and_is_paid(up: Running, trades: dict[str, dict[str, Any]]) -> None:
    """Past the boundary its price is posted, a line tells the outcome, and the keeper pays the winner."""
    epoch = int(trades["web3"]["after"]["epoch"])
    start = up.manifest.market("BTC").genesis + (epoch - 1) * GRID
    up.move_to(start + GRID + 1)
    event = up.wait_for_event(event="epoch", epoch=epoch)
    first, last = recorded(start), recorded(start + GRID)
    outcome = "VOID" if first == last else "YES" if Decimal(last) > Decimal(first) else "NO"

    assert ("BTC", first, last, outcome) == (
        *(event["market"], event["start_price"], event["end_price"], event["outcome"]),
    )
    assert event["hub_reserve"] == event["hub_liabilities"]
    for account, side in zip(ANVIL_ADDRESSES, ("YES", "NO"), strict=False):
        if outcome in (side, "VOID"):
            paid = up.wait_for(lambda line, to=f"{account}:1:{epoch}": to in line.get("subjects", ()))  # type: ignore[misc]
            up.wait_until_indexed(paid["block"])
            (row,) = ask("positions", account, "--db", up.database)
            assert ("redeem", "0", "0", "0") == (
                *(paid["event"], row["claimable"], row["yes_tokens"], row["no_tokens"]),
            )


# ---------------------------------------------------------------- what must not harm it


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("up", "--port", "0"), "a local system runs already with the files of"),
        (("demo", "--epochs", "1"), "a local system runs already with the files of"),
        (("up", "--port", "0", "--deployment", "other/x.json", "--db", "deployments/31337.db"), "31337.db"),
        (("up", "--port", "{port}", "--deployment", "other/y.json"), "port {port} is in use"),
    ],
)
def test_a_second_system_leaves_the_first_alone(
    up: Running, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], named: str
) -> None:
    """The same files, only the same database, or the same port: refused, and the first goes on as it was."""
    monkeypatch.chdir(up.folder)
    port = up.url.rpartition(":")[2]
    family = {process.pid for process in below(up.process.pid)}
    files = {path: path.stat().st_ino for path in (up.database, up.folder / up.description["deployment"])}
    said = say(*(word.format(port=port) for word in words)).require(1)

    assert named.format(port=port) in said.err
    assert "hint: " in said.err
    assert family == {process.pid for process in below(up.process.pid)}
    assert files == {path: path.stat().st_ino for path in files}
    assert up.process.poll() is None


@pytest.mark.parametrize("words", [("index", "run"), ("keeper", "resolve"), ("keeper", "claim")])
def test_a_killed_child_is_started_again(up: Running, words: tuple[str, str]) -> None:
    """kill -9 of the indexer or a keeper: a line says so, and another is there."""
    count = len(up.lines)
    (child,) = (p for p in below(up.process.pid) if [*words] == words_of(p)[3:5])
    child.kill()
    source = "index" if words[0] == "index" else words[1]
    up.wait_for(lambda line: line.get("event") == "restarted" and line["source"] == source, after=count)
    if source == "index":
        up.wait_until_indexed(block_number(up.url) + 1)

    assert up.process.poll() is None


def test_ctrl_c_ends_it_in_order(up: Running) -> None:
    """Ctrl-C: exit code 0 within seconds, no process of it is left, nothing but a word about it is said."""
    began = time.monotonic()

    assert [] == up.interrupt()
    assert 0 == up.process.returncode
    assert time.monotonic() - began < 30
    assert "stopped; nothing is left running\n" == up.talk[-1]
    assert "Traceback" not in "".join(up.talk)


# ---------------------------------------------------------------- on a fork of Base


def test_fork_of_base_uses_its_usdc(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Base's own USDC is the payout token and every account has some; pools are Base's own factory's.

    The chain behind is left as it was. When anvil is killed, the system ends with code 1, says why, and
    leaves nothing.
    """
    site, usdc = shared_site(request, tmp_path_factory), BASE.addresses["USDC"]
    factory = BASE.addresses["AerodromeFactory"]
    with running_anvil("--chain-id", 8453) as upstream:
        for address, name in ((usdc, "USDC"), (factory, "PoolFactory")):
            code = call(site.url, "eth_getCode", site.manifest.address(name), "latest")
            call(upstream, "anvil_setCode", address, code)
        blocks = block_number(upstream)
        with running_up(tmp_path_factory.mktemp("fork"), "--fork-url", upstream) as up:
            manifest = up.manifest
            token = Contract("TestToken", usdc)
            held = {up.ask(token, "balanceOf", account)[0] for account in ANVIL_ADDRESSES}

            assert (8453, "deployments/8453-fork.json") == (
                up.description["chain_id"],
                up.description["deployment"],
            )
            assert usdc == manifest.payout_token.address == manifest.contracts["PayoutVault"].arguments[1]
            assert {"USDC", "PoolFactory"}.isdisjoint(manifest.contracts)
            assert factory == manifest.contracts["MrtCurve:BTC"].arguments[0][8]
            assert {100_000 * 10**6} == held
            assert blocks == block_number(upstream)
            assert 0 == view(upstream, token, "balanceOf", ANVIL_ADDRESSES[0])[0]

            family = below(up.process.pid)
            (anvil,) = (process for process in family if words_of(process)[0].endswith("anvil"))
            anvil.kill()
            assert 1 == up.wait()
            assert [] == still_running(process.pid for process in family)
    assert "error: anvil ended with status -9" in "".join(up.talk)
    assert "Traceback" not in "".join(up.talk)


# ---------------------------------------------------------------- with prices from the web


def test_polled_prices_decide(tmp_path: Path) -> None:
    """The first price seen at a boundary is the boundary's: what the source said then decides the epoch.

    SIGTERM ends the system as Ctrl-C does.
    """
    shift, price = tmp_path / "shift", tmp_path / "price.json"
    write_atomically(shift, b"0")
    write_atomically(price, b'{"data": [{"last": 0.10000000000000001}]}')
    env = {
        "SHIFTED_CLOCK": str(shift),
        "PYTHONPATH": os.pathsep.join([str(SUPPORT / "shifted_clock"), str(toolchain.root())]),
    }
    with (
        serving(lambda _path, _body: price.read_bytes()) as web,
        running_up(
            tmp_path, "--price-url", f"{web.url}/ticker", "--price-path", "data.0.last", env=env
        ) as up,
    ):
        market, oracle = (
            up.manifest.market("BTC"),
            Contract("BoundaryOracle", up.manifest.address("BoundaryOracle")),
        )
        assert market.genesis > up.now - 60

        def pass_over(boundary: int, trade_first: bool) -> None:
            """Puts both clocks behind a boundary and waits for its price."""
            write_atomically(shift, str(boundary + 1 - time.time()).encode())
            up.move_to(boundary + 1)
            if trade_first:
                trade("web3", up, 5, "yes", "1")
            up.wait_for(lambda line: f"BTC/USD@{boundary}" in line.get("subjects", ()))

        pass_over(market.genesis, trade_first=True)
        write_atomically(price, b'{"data": [{"last": "0.2"}]}')
        pass_over(market.genesis + GRID, trade_first=False)
        event = up.wait_for_event(event="epoch", epoch=1)

        assert ("0.10000000000000001", "0.2", "YES") == (
            *(event["start_price"], event["end_price"], event["outcome"]),
        )
        assert (1, COIN // 5) == tuple(
            up.ask(oracle, "boundaryOf", feed_id("BTC/USD"), market.genesis + GRID)
        )
        family = [up.process.pid, *(process.pid for process in below(up.process.pid))]
        up.process.send_signal(signal.SIGTERM)
        assert 0 == up.wait()
        assert [] == still_running(family)
