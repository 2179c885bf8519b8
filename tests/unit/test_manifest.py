from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from chain_kit.errors import (
    CodeMismatchError,
    ManifestChainError,
    ManifestInvalidError,
    ManifestMissingError,
    UnknownMarketError,
)
from chain_kit.jsonrpc import JsonRpc
from chain_kit.manifest import ContractRecord, FeedRecord, Manifest, MarketRecord, RaceRecord, TokenRecord
from chain_kit.units import keccak256

HUB = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
USDC = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
CODE = "0x6001600255"
CODE_HASH = "0x" + keccak256(bytes.fromhex(CODE[2:])).hex()
GENESIS_HASH = "0x" + "ab" * 32
TRANSACTION = "0x" + "cd" * 32


def a_manifest() -> Manifest:
    """A small deployment: the hub is ours, the USDC was there before us."""
    return Manifest(
        chain_id=31337,
        genesis_hash=GENESIS_HASH,
        settings_hash="0x" + "00" * 32,
        collateral=TokenRecord(HUB, "CYM1", 18),
        payout_token=TokenRecord(USDC, "USDC", 6),
        contracts={
            "USDC": ContractRecord("USDC", USDC, None, 0, (), CODE_HASH),
            "EpochHub": ContractRecord("EpochHub", HUB, TRANSACTION, 7, (USDC, str(2**200), True), CODE_HASH),
            "PayoutVault": ContractRecord("PayoutVault", HUB, TRANSACTION, 5, (), CODE_HASH),
        },
        feeds={
            name: FeedRecord(name, "0x" + "42" * 32, HUB, 3600, (USDC, HUB), (600, 3600), TRANSACTION, 8)
            for name in ("BTC/USD", "ETH/USD")
        },
        markets={
            "BTC": MarketRecord(
                *("BTC", 1, HUB, "BTC/USD", 1_700_000_100, 10**24, 2500, 30, 90, TRANSACTION, 9),
                pool=HUB,
                lock=USDC,
            )
        },
        races={"DUEL": RaceRecord("DUEL", 1, ("ETH/USD", "BTC/USD"), 2, 1_700_000_100, TRANSACTION, 9)},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A saved manifest."""
    path = tmp_path / "deployments" / "31337.json"
    a_manifest().save(path)
    return path


def damage(path: Path, where: str, value: Any = ...) -> None:
    """Changes the field at a dotted path of the file, or removes it."""
    document = json.loads(path.read_text())
    *parents, last = where.split(".")
    node = document
    for name in parents:
        node = node[name]
    node.pop(last) if value is ... else node.update({last: value})
    path.write_text(json.dumps(document))


def test_what_is_saved_is_loaded(path: Path) -> None:
    """Every field comes back as it was, numbers beyond 2**53 included."""
    assert a_manifest() == Manifest.load(path)


def test_a_deployment_without_races_need_not_say_so(path: Path) -> None:
    """The file may leave the races out."""
    damage(path, "races")

    assert {} == Manifest.load(path).races


def test_file_has_the_documented_form(path: Path) -> None:
    """Names are keys, big numbers are strings, and what was there before us has no transaction."""
    document = json.loads(path.read_text())

    assert document["contracts"]["EpochHub"] == {
        "address": HUB,
        "transaction": TRANSACTION,
        "block": 7,
        "arguments": [USDC, str(2**200), True],
        "code_hash": CODE_HASH,
    }
    assert document["contracts"]["USDC"]["transaction"] is None
    assert document["markets"]["BTC"]["liquidity"] == str(10**24)
    assert document["markets"]["BTC"]["pool"] == HUB
    assert document["markets"]["BTC"]["staking"] is None
    assert document["feeds"]["BTC/USD"] == {
        "id": "0x" + "42" * 32,
        "adapter": HUB,
        "deadline": 3600,
        "adapters": [USDC, HUB],
        "deadlines": [600, 3600],
        "transaction": TRANSACTION,
        "block": 8,
    }
    assert document["races"]["DUEL"] == {
        "race_id": 1,
        "feeds": ["ETH/USD", "BTC/USD"],
        "positions": 2,
        "genesis": 1_700_000_100,
        "transaction": TRANSACTION,
        "block": 9,
    }
    assert document["collateral"] == {"address": HUB, "symbol": "CYM1", "decimals": 18}


def test_saving_replaces_the_file_and_leaves_nothing_else(path: Path) -> None:
    """A second save takes the first one's place, and no temporary file stays."""
    replace(a_manifest(), chain_id=8453).save(path)

    assert Manifest.load(path).chain_id == 8453
    assert [path] == list(path.parent.iterdir())


def test_addresses_come_back_with_their_checksums(path: Path) -> None:
    """A hand-written address in lower case is understood."""
    damage(path, "contracts.EpochHub.address", HUB.lower())

    assert Manifest.load(path).address("EpochHub") == HUB


def test_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    """The error names the path, the hint the command that deploys."""
    with pytest.raises(ManifestMissingError, match=r"none\.json") as caught:
        Manifest.load(tmp_path / "none.json")

    assert "chain-kit deploy" in caught.value.hint


@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        ("chain_id", ..., "chain_id is missing"),
        ("chain_id", "31337", "chain_id must be a whole number"),
        ("chain_id", True, "chain_id must be a whole number"),
        ("chain_id", -1, "chain_id must be a whole number"),
        ("genesis_hash", "0x12", "genesis_hash must be 0x and 64"),
        ("contracts", [], "contracts must be an object"),
        ("contracts.EpochHub", None, "contracts.EpochHub must be an object"),
        ("contracts.EpochHub.address", "0x12", "contracts.EpochHub.address holds no address"),
        ("contracts.EpochHub.code_hash", None, "contracts.EpochHub.code_hash must be 0x"),
        ("contracts.EpochHub.arguments", "none", "contracts.EpochHub.arguments must be a list"),
        ("contracts.EpochHub.transaction", ..., "contracts.EpochHub.transaction is missing"),
        ("feeds.BTC/USD.transaction", None, "feeds.BTC/USD.transaction must be 0x"),
        ("markets.BTC.liquidity", 5, "markets.BTC.liquidity must be a whole number as a string"),
        ("markets.BTC.liquidity", "1.5", "markets.BTC.liquidity must be a whole number as a string"),
        ("markets.BTC.feed", "SOL/USD", "markets.BTC.feed names an unknown feed 'SOL/USD'"),
        ("markets.BTC.pool", "0x12", "markets.BTC.pool holds no address"),
        ("markets.BTC.lock", ..., "markets.BTC.lock is missing"),
        ("feeds.BTC/USD.adapters", HUB, "feeds.BTC/USD.adapters must be a list"),
        ("feeds.BTC/USD.adapters", [HUB, 7], "feeds.BTC/USD.adapters.1 must be text"),
        ("feeds.BTC/USD.deadlines", ["600"], "feeds.BTC/USD.deadlines.0 must be a whole number"),
        ("races.DUEL.feeds", ["SOL/USD"], "races.DUEL.feeds names an unknown feed 'SOL/USD'"),
        ("races.DUEL.feeds", [""], "races.DUEL.feeds.0 must be text"),
        ("races.DUEL.positions", None, "races.DUEL.positions must be a whole number"),
        ("collateral.symbol", "", "collateral.symbol must be text"),
    ],
)
def test_wrong_field_is_named(path: Path, where: str, value: object, reason: str) -> None:
    """A manifest with one wrong field is refused with the field's place and what it must be."""
    damage(path, where, value)

    with pytest.raises(ManifestInvalidError) as caught:
        Manifest.load(path)

    assert str(path) in caught.value.message
    assert reason in caught.value.message


@pytest.mark.parametrize("content", [b"", b'{"chain_id": 313', b"\xff\xfe", b"[]", b"null"])
def test_file_that_is_no_json_object_is_refused(path: Path, content: bytes) -> None:
    """An empty, cut, binary or foreign file is an invalid manifest."""
    path.write_bytes(content)

    with pytest.raises(ManifestInvalidError):
        Manifest.load(path)


def test_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """What cannot be read is invalid, not missing."""
    with pytest.raises(ManifestInvalidError, match="directory"):
        Manifest.load(tmp_path)


def test_unknown_contract_is_an_invalid_manifest() -> None:
    """Whoever needs a contract that the manifest lacks learns its name."""
    with pytest.raises(ManifestInvalidError, match="no contract 'MrtToken:BTC'"):
        a_manifest().address("MrtToken:BTC")


def test_unknown_market_is_a_usage_error_that_lists_the_others() -> None:
    """The market is given as it was asked for, with those there are."""
    assert a_manifest().market("BTC").market_id == 1
    with pytest.raises(UnknownMarketError, match="DOGE") as caught:
        a_manifest().market("DOGE")

    assert caught.value.hint == "markets here: BTC"


def test_first_block_is_that_of_our_first_contract() -> None:
    """What stood there before us does not count."""
    assert a_manifest().first_block == 5
    assert replace(a_manifest(), contracts={}).first_block == 0


class FakeNode:
    """Answers what `check_chain` asks, from attributes."""

    def __init__(self, chain_id: int = 31337, genesis: str | None = GENESIS_HASH, code: str = CODE) -> None:
        block = None if genesis is None else {"hash": genesis}
        self._answers = {"eth_chainId": hex(chain_id), "eth_getBlockByNumber": block, "eth_getCode": code}

    async def batch(self, calls: list[tuple[str, list[Any]]]) -> list[Any]:
        """The answers to `calls`."""
        return [self._answers[method] for method, _ in calls]


async def check(node: FakeNode) -> None:
    """Checks the manifest against `node`."""
    await a_manifest().check_chain(cast("JsonRpc", node))


async def test_right_chain_passes() -> None:
    """Same id, same genesis, same code; a node that has pruned its genesis passes too."""
    await check(FakeNode())
    await check(FakeNode(genesis=None))


async def test_other_chain_id_is_refused() -> None:
    """Both chain ids are named."""
    with pytest.raises(ManifestChainError, match="of chain 31337, the node serves 8453"):
        await check(FakeNode(chain_id=8453))


async def test_other_genesis_is_refused() -> None:
    """A new anvil has the same id, and is another chain all the same."""
    with pytest.raises(ManifestChainError, match="one with genesis 0x1111"):
        await check(FakeNode(genesis="0x" + "11" * 32))


@pytest.mark.parametrize("code", ["0x", CODE + "00"], ids=["none", "other"])
async def test_other_code_is_refused(code: str) -> None:
    """Code that is gone or differs is named with the contract and its address."""
    with pytest.raises(CodeMismatchError, match="has code hash") as caught:
        await check(FakeNode(code=code))

    assert ("USDC", USDC) == (caught.value.name, caught.value.address)
