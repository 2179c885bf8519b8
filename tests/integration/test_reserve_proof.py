"""Proofs of reserve from a real anvil, and every way in which a file can be wrong."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import pytest_asyncio

from chain_kit.contracts import Contract
from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import JsonRpc
from chain_kit.manifest import TokenRecord
from chain_kit.payouts import PayoutTree
from indexer.reserve_proof.document import ProofError, dump
from indexer.reserve_proof.fetching import (
    Deployed,
    ProofUnavailableError,
    prove_reserves,
    prove_share,
)
from indexer.reserve_proof.layout import mapping_slot
from indexer.reserve_proof.reserves import verify_reserves
from indexer.reserve_proof.shares import verify_share
from tests.index_support.market import LiveMarket
from tests.keeper_support.kit import OWNER, START, TRADERS, _create
from tests.keeper_support.proxy import RpcProxy

pytestmark = pytest.mark.asyncio(loop_scope="module")

POSITIONS = 2_000


@dataclass
class Proven:
    """A traded deployment with a race market, and the proofs of a block of it."""

    market: LiveMarket
    deployed: Deployed
    tree: PayoutTree
    reserves: bytes
    share: bytes

    @property
    def rpc(self) -> JsonRpc:
        """Its node."""
        return self.market.kit.anvil.rpc


def _token(token: Any) -> TokenRecord:
    return TokenRecord(token.address, token.symbol, token.decimals)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proven() -> AsyncIterator[Proven]:
    """One for all tests here."""
    async with Anvil(timestamp=START) as anvil:
        market = await LiveMarket.deploy(anvil, seed=8)
        await market.trade(110)
        kit, of = market.kit, market.deployment
        race = await _create(anvil, "RaceMarket", OWNER, of.collateral.address, of.oracle, OWNER)
        await kit.send(TRADERS[0], kit.collateral, "approve", race.address, 2**255)
        await kit.send(TRADERS[0], race, "deposit", TRADERS[0], 3 * 10**18)
        tree = await _owe(market)
        await anvil.mine(70)
        tokens = (_token(of.collateral), _token(of.payout_token))
        deployed = Deployed(of.chain_id, of.hub, of.vault, *tokens, race.address)
        reserves = await prove_reserves(anvil.rpc, deployed)
        share = await prove_share(anvil.rpc, deployed, TRADERS[0], await _epochs(market), tree)
        yield Proven(market, deployed, tree, reserves, share)


async def _owe(market: LiveMarket) -> PayoutTree:
    """Payouts whose root waits in the vault, and which owe the first trader something."""
    kit, of = market.kit, market.deployment
    if any((await kit.ask(kit.vault, "pendingRoot"))[0]):
        await kit.send(OWNER, kit.vault, "vetoRoot")
    owed = dict(market.payouts)
    owed[TRADERS[0]] = owed.get(TRADERS[0], 0) + 7 * 10**6
    tree = PayoutTree.build(of.chain_id, of.vault, owed.items())
    await kit.send(OWNER, kit.usdc, "mint", of.vault, tree.total_units)
    await kit.send(OWNER, kit.vault, "proposeRoot", tree.root, tree.total_units, "")
    return tree


async def _epochs(market: LiveMarket) -> list[tuple[int, int]]:
    """Where the first trader has shares, and one epoch where not."""
    kit = market.kit
    latest = (await kit.anvil.timestamp() - kit.genesis) // 300 + 1
    held = [n for n in range(1, latest + 1) if any(await kit.ask(kit.hub, "positionOf", 1, n, TRADERS[0]))]
    return [(1, n) for n in [*held, latest + 7]]


async def test_what_is_proven_is_what_the_contracts_say(proven: Proven) -> None:
    """Of hub, race market and vault, at the block of the file."""
    found = verify_reserves(proven.reserves)
    assert [one.holder.contract for one in found.reserves] == ["EpochHub", "RaceMarket", "PayoutVault"]
    for one in found.reserves:
        contract = Contract(one.holder.contract, one.holder.address)
        answer = await contract.call(proven.rpc, "reserveStatus", block=found.block.number)
        coverage = 2**256 - 1 if one.coverage_e18 is None else one.coverage_e18
        assert tuple(answer) == (one.held, one.owed, coverage)
        assert one.held >= one.owed
    assert found.reserves[1].owed == 3 * 10**18
    assert found.reserves[0].owed > 0


async def test_an_accounts_share_is_what_the_contracts_say(proven: Proven) -> None:
    """Balance, shares, claims and the leaf."""
    share = verify_share(proven.share, TRADERS[0])
    kit, number = proven.market.kit, share.block.number
    assert (await kit.hub.call(proven.rpc, "collateralOf", TRADERS[0], block=number))[0] == share.balance
    assert len(share.positions) > 1
    for one in share.positions:
        where = (one.market_id, one.epoch, TRADERS[0])
        answer = await kit.hub.call(proven.rpc, "positionOf", *where, block=number)
        assert tuple(answer) == (one.yes_shares, one.no_shares)
    assert not any(share.positions[-1][2:])
    assert (await kit.vault.call(proven.rpc, "claimed", TRADERS[0], block=number))[0] == share.claimed
    assert share.leaf is not None
    assert share.leaf.total == proven.tree.totals[TRADERS[0]]


async def test_an_account_that_is_owed_nothing_can_prove_that_it_has_nothing(proven: Proven) -> None:
    """Without a leaf, and with slots that nothing was ever written to."""
    stranger = "0x" + "0" * 39 + "7"
    body = await prove_share(proven.rpc, proven.deployed, stranger, [(1, 1)], proven.tree)
    share = verify_share(body, stranger)
    assert (share.balance, share.claimed, share.claimable, share.leaf) == (0, 0, 0, None)
    assert share.positions == [(1, 1, 0, 0)]


async def test_the_blocks_hash_is_compared(proven: Proven) -> None:
    """With that of the block, and with no other."""
    found = verify_reserves(proven.reserves)
    block = await proven.rpc.call("eth_getBlockByNumber", [hex(found.block.number), False])
    assert verify_reserves(proven.reserves, block["hash"]) == found
    assert verify_reserves(proven.reserves, block["hash"].upper().replace("0X", "0x")) == found
    with pytest.raises(ProofError, match="and not of"):
        verify_reserves(proven.reserves, block["parentHash"])
    with pytest.raises(ProofError, match="and not of"):
        verify_share(proven.share, TRADERS[0], block["parentHash"])


def _flips(body: bytes, count: int) -> list[int]:
    """Places: all in the short fields (lines), and some in the long ones; the same every time."""
    places: list[int] = []
    start = 0
    for line in body.split(b"\n"):
        if len(line) < 120:
            places += range(start, start + len(line) + 1)
        start += len(line) + 1
    chance = random.Random(20)
    return sorted(
        {one for one in places if one < len(body)}
        | set(chance.sample(range(len(body)), min(count, len(body))))
    )


@pytest.mark.parametrize("kind", ["reserves", "share"])
async def test_any_byte_that_is_wrong_is_found(proven: Proven, kind: str) -> None:
    """Each short field wholly, and thousands of places in the long ones, one bit or another byte."""
    body = proven.reserves if kind == "reserves" else proven.share
    chance = random.Random(7)
    unnoticed = []
    for place in _flips(body, POSITIONS):
        wrong = bytearray(body)
        wrong[place] ^= 1 << chance.randrange(8)
        if _holds(bytes(wrong), kind):
            unnoticed.append((place, bytes(wrong[place - 20 : place + 20])))
    assert unnoticed == []
    assert _holds(body, kind)


@pytest.mark.parametrize("kind", ["reserves", "share"])
async def test_a_digest_that_is_made_anew_does_not_help(proven: Proven, kind: str) -> None:
    """Whoever alters a field and computes the digest is found by what the proofs say.

    But for the names and numbers that no proof covers: a token's symbol and decimals, and the chain's id.
    """
    document = orjson.loads(proven.reserves if kind == "reserves" else proven.share)
    del document["digest"]
    unproven = {"chain_id", "symbol", "decimals"} if kind == "reserves" else {"symbol", "decimals"}
    unnoticed = []
    for path in _leaves(document):
        for other in _others(_at(document, path)):
            wrong = orjson.loads(orjson.dumps(document))
            _at(wrong, path[:-1])[path[-1]] = other
            if _holds(dump(wrong), kind):
                unnoticed.append(path[-1])
    assert set(unnoticed) <= unproven


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, inner in items for leaf in _leaves(inner, (*path, key))]
    return [path]


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def _others(text: str) -> list[str]:
    """A digit more, less, another; and for numbers one more."""
    place = len(text) // 2
    middle = text[:place] + ("1" if text[place] == "0" else "0") + text[place + 1 :]
    return [middle, text + "0", text[:-1], str(int(text) + 1) if text.isdecimal() else text + "00"]


@pytest.mark.parametrize("kind", ["reserves", "share"])
async def test_nothing_may_be_left_out_or_added(proven: Proven, kind: str) -> None:
    """Accounts, slots, nodes, contracts: one less, one twice, or in another order."""
    document = orjson.loads(proven.reserves if kind == "reserves" else proven.share)
    del document["digest"]
    tried = 0
    for path in _lists(document):
        items = _at(document, path)
        for other in (items[1:], items[:-1], [*items, items[-1]], items[::-1], [items[0], *items]):
            if other == items or (path[-1] == "positions" and other in (items[1:], items[:-1])):
                continue
            wrong = orjson.loads(orjson.dumps(document))
            _at(wrong, path[:-1])[path[-1]] = other
            # The order of a proof's nodes says nothing.
            if (
                path[-1] == "proof"
                and sorted(map(str, other)) == sorted(map(str, items))
                and path[0] == "accounts"
            ):
                continue
            assert not _holds(dump(wrong), kind), path
            tried += 1
    assert tried > 20


def _lists(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict | list):
        return []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    inner = [found for key, one in items for found in _lists(one, (*path, key))]
    return [path, *inner] if isinstance(value, list) and value else inner


def _holds(body: bytes, kind: str) -> bool:
    try:
        if kind == "reserves":
            verify_reserves(body)
        else:
            verify_share(body, TRADERS[0])
    except ProofError:
        return False
    return True


async def test_another_accounts_file_is_not_ones_own(proven: Proven) -> None:
    """And a file of the other kind is neither."""
    with pytest.raises(ProofError, match="and not of"):
        verify_share(proven.share, TRADERS[1])
    with pytest.raises(ProofError, match="it is not a"):
        verify_share(proven.reserves, TRADERS[0])
    with pytest.raises(ProofError, match="it is not a"):
        verify_reserves(proven.share)


async def test_a_proof_of_an_earlier_block(proven: Proven) -> None:
    """Any that is final; none that is not yet, and none before the contracts."""
    newest = verify_reserves(proven.reserves).block.number
    body = await prove_reserves(proven.rpc, proven.deployed, at_block=newest - 5)
    assert verify_reserves(body).block.number == newest - 5
    with pytest.raises(ProofUnavailableError, match="is not final"):
        await prove_reserves(proven.rpc, proven.deployed, at_block=newest + 10**6)
    with pytest.raises(ProofUnavailableError, match="there is no contract at"):
        await prove_reserves(proven.rpc, proven.deployed, at_block=1)


async def test_payouts_of_another_root(proven: Proven) -> None:
    """They are not what the vault has."""
    other = PayoutTree.build(proven.deployed.chain_id, proven.deployed.vault, [(TRADERS[0], 5)])
    with pytest.raises(ProofError, match="is not in the vault"):
        await prove_share(proven.rpc, proven.deployed, TRADERS[0], [], other)


async def test_a_chain_on_which_nothing_is_final() -> None:
    """It says so, and what to do."""
    async with Anvil(slots_in_an_epoch=32) as anvil:
        tokens = (TokenRecord(OWNER, "CYM1", 18), TokenRecord(OWNER, "USDC", 6))
        with pytest.raises(ProofUnavailableError, match="no block is final yet"):
            await prove_reserves(anvil.rpc, Deployed(31337, OWNER, OWNER, *tokens))


@pytest.mark.parametrize(
    ("method", "answer", "reason"),
    [
        (
            "eth_getProof",
            {"code": -32601, "message": "method not found"},
            "gives no proofs .* method not found",
        ),
        ("eth_getBlockByNumber", {"code": -32000, "message": "unknown tag"}, "names no finalized block"),
        ("eth_getCode", {"code": -32000, "message": "missing trie node"}, "has no state of block"),
        ("eth_call", {"code": -32602, "message": "too many arguments"}, "cannot be asked for balances"),
    ],
)
async def test_a_node_that_cannot_prove(
    proven: Proven, method: str, answer: dict[str, Any], reason: str
) -> None:
    """What it lacks is named."""
    async with RpcProxy(proven.market.kit.anvil.url) as proxy:
        proxy.before = lambda request: answer if request["method"] == method else None
        async with JsonRpc(proxy.url) as rpc:
            with pytest.raises(ProofUnavailableError, match=reason):
                await prove_reserves(rpc, proven.deployed)


@pytest.mark.parametrize("field", ["accountProof", "storageProof", "value"])
async def test_a_node_that_lies_writes_no_file(proven: Proven, field: str) -> None:
    """Its proofs are checked before anybody gets them."""

    def lie(request: dict[str, Any], answer: dict[str, Any]) -> None:
        if request["method"] == "eth_getProof":
            result = answer["result"]
            if field == "value":
                result["storageProof"][0]["value"] = hex(int(result["storageProof"][0]["value"], 16) + 1)
            else:
                nodes = (
                    result["accountProof"] if field == "accountProof" else result["storageProof"][0]["proof"]
                )
                nodes[-1] = nodes[-1][:-2] + ("00" if nodes[-1][-2:] != "00" else "01")

    async with RpcProxy(proven.market.kit.anvil.url) as proxy:
        proxy.after = lie
        async with JsonRpc(proxy.url) as rpc:
            with pytest.raises(ProofError):
                await prove_reserves(rpc, proven.deployed)


async def test_a_token_behind_a_proxy_whose_balances_are_in_slot_9(proven: Proven) -> None:
    """As USDC: the slot is found by what a call answers if it held another number."""
    # Returns sload(keccak256(first argument . 9)), in the storage of whoever delegates to it.
    logic, token = "0x" + "ab" * 20, proven.deployed.collateral.address
    anvil, hub = proven.market.kit.anvil, proven.deployed.hub
    before = await anvil.snapshot()
    await anvil.set_code(logic, "0x600435600052600960205260406000205460005260206000f3")
    await anvil.set_code(token, "0x363d3d373d3d3d363d73" + logic[2:] + "5af43d82803e903d91602b57fd5bf3")
    of = proven.deployed._replace(race=None)
    for amount in (10**24, 1 << 255 | 10**24):
        place = "0x" + mapping_slot(9, hub).hex()
        await anvil.rpc.call("anvil_setStorageAt", [token, place, f"0x{amount:064x}"])
        await anvil.mine(70)
        if amount == 10**24:
            (reserve, _) = verify_reserves(await prove_reserves(anvil.rpc, of)).reserves
            assert (reserve.held, reserve.holder.balances) == (10**24, "mapping 9")
        else:
            with pytest.raises(ProofError, match="has frozen"):
                await prove_reserves(anvil.rpc, of)
    await anvil.revert(before)
