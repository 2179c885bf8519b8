"""A whole deployment with everything in it, and who can do what afterwards."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.contracts import Contract, decode_revert
from chain_kit.devnet import Anvil
from chain_kit.manifest import Manifest
from chain_kit.networks import ANVIL_ADDRESSES, PYTH_IDS
from chain_kit.oracle import feed_id
from chain_kit.units import iso_utc, keccak256
from tests.system_support.cli import Said, run
from tests.system_support.node import call, view

DEPLOYER, OWNER, GUARDIAN, OPERATOR, STRANGER = ANVIL_ADDRESSES[:5]
DELAY = 900
OWNED = ("BoundaryOracle", "EpochHub", "RaceMarket", "PayoutVault")
ROLES = {keccak256(f"{name}_ROLE".encode()): name for name in ("PROPOSER", "EXECUTOR", "CANCELLER")}
PYTH, AGGREGATOR = "0x" + "aa" * 20, "0x" + "bb" * 20
ANSWERS_8 = "0x60085f5260205ff3"
"""Code that answers every call with 8: decimals, for one."""
SPEC = f"""
reporters = {json.dumps(ANVIL_ADDRESSES[6:9])}
report_threshold = 2
timelock_delay = {DELAY}
owner = "{OWNER}"
guardian = "{GUARDIAN}"
match_operators = ["{OPERATOR}"]

[pyth]
address = "{PYTH}"

[[feeds]]
name = "BTC/USD"
adapters = ["reports", "pyth", "chainlink"]
deadlines = [600, 1200, 3600]
aggregator = "{AGGREGATOR}"

[[markets]]
symbol = "BTC"
feed = "BTC/USD"
liquidity = "100"

[[races]]
symbol = "DUEL"
assets = ["ETH/USD", "BTC/USD"]
positions = 1
"""
MORE = (
    SPEC
    + """
[[markets]]
symbol = "SOL"
feed = "SOL/USD"
liquidity = "100"
"""
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def chain() -> AsyncIterator[Anvil]:
    """An anvil on which Pyth and a Chainlink proxy stand."""
    async with Anvil() as anvil:
        for address in (PYTH, AGGREGATOR):
            call(anvil.url, "anvil_setCode", address, ANSWERS_8)
        yield anvil


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands are run, with both specifications."""
    folder = tmp_path_factory.mktemp("powers")
    (folder / "first.toml").write_text(SPEC)
    (folder / "more.toml").write_text(MORE)
    return folder


def deploy(chain: Anvil, folder: Path, account: int, spec: str) -> Said:
    """The command, run by one of anvil's accounts."""
    options = ("--rpc-url", chain.url, "--spec", spec, "--dev-account", account, "--json")
    return run("deploy", *options, cwd=folder)


@pytest.fixture(scope="module")
def manifest(chain: Anvil, folder: Path) -> Manifest:
    """What the deployer has deployed."""
    deploy(chain, folder, 0, "first.toml").require()
    return Manifest.load(folder / "deployments" / "31337.json")


def contract(manifest: Manifest, name: str) -> Contract:
    """A contract of the deployment."""
    return Contract(name, manifest.address(name))


def refusal(chain: Anvil, sender: str, contract: Contract, fn: str, *arguments: Any) -> str:
    """Why a call of somebody's is refused."""
    data = "0x" + contract.encode_call(fn, *arguments).hex()
    with pytest.raises(AssertionError) as caught:
        call(chain.url, "eth_call", {"from": sender, "to": contract.address, "data": data}, "latest")
    revert = str(caught.value).partition("'data': '")[2].partition("'")[0]
    return decode_revert(revert).name


def roles(chain: Anvil, timelock: Contract) -> Iterator[tuple[str, str]]:
    """Every role that anybody was ever given at the timelock, and to whom; none was taken back."""
    event = "RoleGranted(bytes32,address,address)"
    topic = "0x" + keccak256(event.encode()).hex()
    query = {"address": timelock.address, "fromBlock": "0x0", "topics": [topic]}
    for log in call(chain.url, "eth_getLogs", query):
        role, account = bytes.fromhex(log["topics"][1][2:]), "0x" + log["topics"][2][26:]
        yield ROLES.get(role, "ADMIN"), account


def test_every_part_is_as_specified(chain: Anvil, manifest: Manifest) -> None:
    """Adapters with their deadlines, the race, the pool: on chain what the manifest says."""
    oracle, market = contract(manifest, "BoundaryOracle"), manifest.market("BTC")
    feed, race = manifest.feeds["BTC/USD"], manifest.races["DUEL"]
    adapters = ("SignedReportAdapter", "PythAdapter", "ChainlinkAdapter")

    assert tuple(manifest.address(name) for name in adapters) == feed.adapters
    assert (feed.adapters[0], 3600) == (feed.adapter, feed.deadline)
    assert (feed.adapters, (600, 1200, 3600)) == tuple(
        view(chain.url, oracle, "adaptersOf", feed_id("BTC/USD"))
    )
    price_id = view(chain.url, contract(manifest, "PythAdapter"), "priceIdOf", feed_id("BTC/USD"))[0]
    assert PYTH_IDS["BTC/USD"] == "0x" + price_id.hex()
    source = view(chain.url, contract(manifest, "ChainlinkAdapter"), "sourceOf", feed_id("BTC/USD"))
    assert (AGGREGATOR, 8, 3600) == (source[0].lower(), *source[1:])
    (found,) = view(chain.url, contract(manifest, "RaceMarket"), "raceOf", race.race_id)
    assert ([feed_id(name) for name in race.feeds], 1) == (list(found.feeds), found.positions)
    assert (("ETH/USD", "BTC/USD"), found.genesis) == (race.feeds, race.genesis)
    curve = Contract("MrtCurve", manifest.address("MrtCurve:BTC"))
    made = [view(chain.url, curve, part)[0] for part in ("pool", "lock", "staking")]
    assert [market.pool, market.lock, market.staking] == made


def test_nobody_but_the_timelock_owns_anything(chain: Anvil, manifest: Manifest) -> None:
    """Nor is anything offered to anybody; the roles are the owner's and the guardian's, and ever were."""
    timelock = contract(manifest, "Timelock")
    owners = [view(chain.url, contract(manifest, name), "owner")[0] for name in OWNED]
    offered = {view(chain.url, contract(manifest, name), "pendingOwner")[0] for name in OWNED}
    granted = sorted((role, account) for role, account in roles(chain, timelock))

    assert [timelock.address] * 4 == owners
    assert {"0x" + "0" * 40} == offered
    assert granted == sorted(
        [
            ("ADMIN", timelock.address.lower()),
            ("CANCELLER", GUARDIAN.lower()),
            *((role, OWNER.lower()) for role in ROLES.values()),
        ]
    )
    assert (DELAY,) == tuple(view(chain.url, timelock, "getMinDelay"))


@pytest.mark.parametrize("account", [DEPLOYER, OWNER, GUARDIAN, OPERATOR, STRANGER])
def test_nobody_can_act_without_the_delay(chain: Anvil, manifest: Manifest, account: str) -> None:
    """Neither directly, nor by an announcement that is executed at once, nor by giving himself a role."""
    timelock, hub = contract(manifest, "Timelock"), contract(manifest, "EpochHub")
    steps: list[tuple[Any, ...]] = [
        (contract(manifest, "BoundaryOracle"), "registerFeed(bytes32,address,uint256)", b"X", account, 300),
        (hub, "setMatchOperator", account, True),
        (contract(manifest, "RaceMarket"), "setGuardian", account),
        (contract(manifest, "PayoutVault"), "setOperator", account),
        *((contract(manifest, name), "transferOwnership", account) for name in OWNED),
    ]
    assert {"OwnableUnauthorizedAccount"} == {refusal(chain, account, *step) for step in steps}
    data = hub.encode_call("setMatchOperator", account, True)
    batch = (hub.address, 0, data, bytes(32), bytes(32))
    own = "TimelockInsufficientDelay" if account == OWNER else "AccessControlUnauthorizedAccount"
    assert own == refusal(chain, account, timelock, "schedule", *batch, DELAY - 1)
    early = "TimelockUnexpectedOperationState" if account == OWNER else "AccessControlUnauthorizedAccount"
    assert early == refusal(chain, account, timelock, "execute", *batch)
    assert "TimelockUnauthorizedCaller" == refusal(chain, account, timelock, "updateDelay", 0)
    proposer = next(role for role, name in ROLES.items() if name == "PROPOSER")
    assert "AccessControlUnauthorizedAccount" == refusal(
        chain, account, timelock, "grantRole", proposer, account
    )


def test_operators_are_those_named(chain: Anvil, manifest: Manifest) -> None:
    """At the hub and at the race market, and nobody else is."""
    books = [contract(manifest, name) for name in ("EpochHub", "RaceMarket")]
    allowed = {
        one: [view(chain.url, book, "isMatchOperator", one)[0] for book in books]
        for one in (DEPLOYER, OWNER, OPERATOR)
    }

    assert {DEPLOYER: [False] * 2, OWNER: [False] * 2, OPERATOR: [True] * 2} == allowed


def test_a_feed_more_takes_the_owner_and_the_delay(chain: Anvil, manifest: Manifest, folder: Path) -> None:
    """The owner announces it, and exit code 8 says when; the same command then makes feed and market."""
    timelock = contract(manifest, "Timelock")
    announced = deploy(chain, folder, 1, "more.toml").require(8)
    waiting = announced.document["waiting"]
    ready_at = view(chain.url, timelock, "getTimestamp", bytes.fromhex(waiting["operation"][2:]))[0]
    assert (["feed SOL/USD"], timelock.address, iso_utc(ready_at)) == (
        *(waiting["parts"], waiting["timelock"], waiting["ready_at"]),
    )
    assert f"can be executed from {iso_utc(ready_at)} on" in announced.err
    call(chain.url, "evm_setNextBlockTimestamp", hex(ready_at))
    call(chain.url, "anvil_mine", "0x1")
    done = deploy(chain, folder, 1, "more.toml").require()

    assert {"feed SOL/USD", "market SOL", "MrtCurve:SOL", "MrtToken:SOL"} == {
        part["name"] for part in done.document["parts"] if part["transaction"]
    }
    assert None is done.document["waiting"]
