from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain_kit.errors import ManifestInvalidError, StoreDeploymentError
from chain_kit.manifest import ContractRecord, Manifest, MarketRecord, TokenRecord
from indexer import queries
from indexer.decode import Decoder
from indexer.deployment import Curve, Deployment
from indexer.store import open_store
from tests.index_support.chain import CURVE, DEPLOYMENT, FakeChain, address_of, raw_event
from tests.index_support.dump import dump
from tests.index_support.race_world import RaceWorld
from tests.index_support.world import World

FIRST = DEPLOYMENT.first_block
HASH = "0x" + "ab" * 32
TERMS = ["ETH Perpetual MRT", "ETH-PERP-MRT", address_of("USDC"), str(10**11), "25", "8000"]
BARE = replace(DEPLOYMENT, curves={}, races=None, races_block=0)
ETH = Curve(
    address_of("ETH curve"),
    address_of("ETH token"),
    address_of("ETH pool"),
    address_of("ETH lock"),
    address_of("ETH staking"),
    10**11,
    "ETH Perpetual MRT",
    "ETH-PERP-MRT",
    40,
)


def _contract(name: str, block: int, arguments: tuple[Any, ...] = ()) -> ContractRecord:
    return ContractRecord(name, address_of(name), HASH, block, arguments, HASH)


def a_manifest(*names: str, pool: str | None = ETH.pool) -> Manifest:
    """A manifest with a market, its curve, and what else is named."""
    names = ("EpochHub", "BoundaryOracle", "PayoutVault", *names)
    contracts = {name: _contract(name, 10 + number) for number, name in enumerate(names)}
    contracts["MrtCurve:ETH"] = _contract("MrtCurve:ETH", 40, (TERMS,))
    contracts["MrtToken:ETH"] = _contract("MrtToken:ETH", 40)
    contracts["USDC"] = ContractRecord("USDC", address_of("USDC"), None, 0, (), HASH)
    terms = ("ETH", 1, address_of("facade"), "ETH/USD", 300, 10**20, 4_000, 30, 90, HASH, 20)
    return Manifest(
        chain_id=31337,
        genesis_hash=HASH,
        settings_hash=HASH,
        collateral=TokenRecord(address_of("CYM1"), "CYM1", 18),
        payout_token=TokenRecord(address_of("USDC"), "USDC", 6),
        contracts=contracts,
        markets={"ETH": MarketRecord(*terms, pool=pool, lock=ETH.lock, staking=ETH.staking)},
    )


def test_a_manifest_says_what_is_followed() -> None:
    """The curve with all that came with it, no race market where there is none."""
    made = Deployment.from_manifest(a_manifest())
    expected = replace(ETH, address=address_of("MrtCurve:ETH"), token=address_of("MrtToken:ETH"))
    assert made.curves == {"ETH": expected}
    assert (made.hub, made.first_block) == (address_of("EpochHub"), 10)
    assert (made.races, made.races_block) == (None, 0)


def test_a_race_market_is_followed_from_its_block() -> None:
    """It holds collateral, and its events are its own."""
    made = Deployment.from_manifest(a_manifest("RaceMarket"))
    assert (made.races, made.races_block) == (address_of("RaceMarket"), 13)
    assert made.races in made.holders
    assert made.contracts()[address_of("RaceMarket").lower()] == ("RaceMarket", "RaceMarket")


def _without(manifest: Manifest, name: str) -> Manifest:
    return replace(manifest, contracts={key: c for key, c in manifest.contracts.items() if key != name})


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda m: _without(m, "EpochHub"), "EpochHub"),
        (lambda m: _without(m, "MrtToken:ETH"), "MrtToken:ETH"),
        (lambda _: a_manifest(pool=None), "does not say all of 'MrtCurve:ETH'"),
        (
            lambda m: replace(m, contracts={**m.contracts, "MrtCurve:ETH": _contract("MrtCurve:ETH", 1)}),
            "made with other arguments",
        ),
    ],
)
def test_a_manifest_that_lacks_something(spoil: Callable[[Manifest], Manifest], what: str) -> None:
    """Is refused with what it lacks."""
    with pytest.raises(ManifestInvalidError, match=what):
        Deployment.from_manifest(spoil(a_manifest()))


def test_a_deployment_survives_its_text() -> None:
    """As it is stored with the index."""
    for made in (DEPLOYMENT, BARE, Deployment.from_manifest(a_manifest("RaceMarket"))):
        assert Deployment.from_json(made.to_json()) == made


def test_every_contract_of_ours_is_asked_for_and_decoded() -> None:
    """The reward token, the lock and the staking of each curve, and the race market."""
    everything, *transfers = DEPLOYMENT.log_filters()
    assert set(everything.addresses) == {
        DEPLOYMENT.hub, DEPLOYMENT.oracle, DEPLOYMENT.vault, DEPLOYMENT.races,
        CURVE.address, CURVE.token, CURVE.lock, CURVE.staking,
    }  # fmt: skip
    assert len(transfers) == 2
    known = set(DEPLOYMENT.contracts())
    assert known == {one.lower() for one in (*everything.addresses, *DEPLOYMENT.token_addresses)}
    Decoder(DEPLOYMENT)


# ---------------------------------------------------------------- a deployment that grows


@pytest.mark.parametrize(
    ("wanted", "stored", "first"),
    [
        (DEPLOYMENT, DEPLOYMENT, None),
        (replace(BARE, curves={"ETH": ETH}), BARE, 40),
        (replace(BARE, races=address_of("races"), races_block=25), BARE, 25),
        (replace(BARE, curves={"ETH": ETH}, races=address_of("races"), races_block=25), BARE, 25),
        (replace(DEPLOYMENT, curves={**DEPLOYMENT.curves, "ETH": ETH}), DEPLOYMENT, 40),
        (replace(BARE, first_block=2, curves={"ETH": replace(ETH, block=2)}), BARE, 2),
        (BARE, DEPLOYMENT, None),
        (replace(DEPLOYMENT, races=address_of("others")), DEPLOYMENT, None),
        (replace(BARE, curves={"ETH": ETH}, hub=address_of("other")), BARE, None),
        (replace(BARE, curves={"ETH": replace(ETH, block=41)}), replace(BARE, curves={"ETH": ETH}), None),
    ],
)
def test_what_was_added(wanted: Deployment, stored: Deployment, first: int | None) -> None:
    """The first block of what is new; none if nothing is, or if anything else differs."""
    assert wanted.added_to(stored) == first


async def test_an_index_of_a_deployment_that_has_grown_goes_on(database_url: str, tmp_path: Path) -> None:
    """It is taken back to before what is new, and ends as an index that was made with all of it."""
    chain = FakeChain()
    World(chain, 3).run(60)
    RaceWorld(chain, 4).run(30)
    added = next(number for number in range(FIRST, chain.tip.number) if _races() in _emitters(chain, number))
    grown = replace(DEPLOYMENT, races_block=added)
    step = chain.forward(FIRST)
    blind = tuple(log for log in step.logs if log.address != _races())
    async with open_store(database_url, replace(grown, races=None, races_block=0)) as store:
        await store.take(replace(step, logs=blind))
        assert "races" not in await queries.reserve(store)
    async with open_store(database_url, grown) as store:
        tip = await store.tip()
        assert (tip.number if tip else None) == added - 1
        assert (await queries.status(store))["block"] == added - 1
        await store.take(chain.forward(added))
        assert (await queries.reserve(store))["races"]["liabilities"] != "0"
        extended = await dump(store)
    async with open_store(tmp_path / "fresh.db", grown) as store:
        await store.take(chain.forward(FIRST))
        assert extended == await dump(store)


def _races() -> str:
    return str(DEPLOYMENT.races).lower()


def _emitters(chain: FakeChain, number: int) -> set[str]:
    return {log.address for log in chain.logs_between(number, number)}


async def test_an_index_of_another_deployment_is_still_refused(database_url: str) -> None:
    """Less than what is stored is another; so is the same with one address changed."""
    chain = FakeChain()
    chain.mine(raw_event("EpochHub", "Deposited", address_of("a"), address_of("a"), 5))
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(chain.forward(FIRST))
    for other in (BARE, replace(DEPLOYMENT, curves={}), replace(DEPLOYMENT, vault=address_of("v"))):
        with pytest.raises(StoreDeploymentError):
            async with open_store(database_url, other):
                pass
    async with open_store(database_url, DEPLOYMENT) as store:
        assert (await queries.status(store))["block"] == chain.tip.number


async def test_what_is_added_before_anything_was_indexed(database_url: str) -> None:
    """An empty index grows without ado; one that had begun later begins anew."""
    async with open_store(database_url, replace(BARE, first_block=9)):
        pass
    chain = FakeChain()
    chain.mine_empty(10)
    async with open_store(database_url, BARE) as store:
        assert await store.tip() is None
        await store.take(chain.forward(FIRST))
    later = replace(BARE, curves={"ETH": ETH})
    async with open_store(database_url, later) as store:
        tip = await store.tip()
        assert (tip.number if tip else None) == chain.tip.number
