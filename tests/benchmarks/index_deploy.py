"""The deployment that the busy chain trades on: the kit's, with many markets and rich traders."""

from __future__ import annotations

from dataclasses import dataclass

from chain_kit.contracts import Contract
from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import Call
from chain_kit.manifest import ContractRecord, FeedRecord, Manifest, MarketRecord, TokenRecord
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.oracle import feed_id
from chain_kit.units import checksum_address, keccak256
from tests.keeper_support.kit import (
    DEADLINE,
    OWNER,
    REGISTER_FEED,
    START,
    TRADERS,
    UNIT,
    Kit,
    create,
)

__all__ = ["CHAIN_START", "GENESIS", "MARKETS", "Busy", "deploy", "feed_record"]

CHAIN_START = START - 600
GENESIS = START
MARKETS, CURVES, ACCOUNTS, WALLETS = 20, 4, 2_000, 200
_RICH = 10**9 * UNIT
_NO_HASH = "0x" + "11" * 32
_BALANCE_SEED, _ALLOWANCE_SEED = bytes.fromhex("87a211a2"), bytes.fromhex("7f5e9f20")


@dataclass(frozen=True)
class Busy:
    """What the trading needs to know. `wallets` are the traders who also trade from their wallets."""

    anvil: Anvil
    chain_id: int
    hub: Contract
    oracle: Contract
    vault: Contract
    adapter: str
    operator: str
    feeds: list[str]
    facades: list[Contract]
    curves: list[Contract]
    traders: list[str]
    wallets: list[str]
    manifest: Manifest


async def deploy(anvil: Anvil) -> Busy:
    """Deploys everything on an anvil that mines at once, and makes everybody rich."""
    terms = (100 * UNIT, 10_000, 100, 100, 10**6 * UNIT)
    kit = await Kit.deploy(anvil, genesis=GENESIS, terms=terms)
    feeds = ["BTC/USD", *(f"F{number}/USD" for number in range(2, MARKETS + 1))]
    traders = [_address(f"trader {number}") for number in range(ACCOUNTS)]
    wallets = traders[:WALLETS]
    operator = ANVIL_ADDRESSES[8]
    await _fill(kit, [OWNER], [kit.hub])
    await kit.send(OWNER, kit.hub, "deposit", OWNER, _RICH // 2)
    for number, feed in enumerate(feeds[1:], 2):
        await kit.send(OWNER, kit.oracle, REGISTER_FEED, feed_id(feed), kit.adapter.address, DEADLINE)
        await kit.send(OWNER, kit.hub, "createMarket", feed_id(feed), f"M{number}", GENESIS, terms)
        await kit.send(OWNER, kit.hub, "fundHouse", number, 10**6 * UNIT)
    await kit.send(OWNER, kit.hub, "setMatchOperator", operator, True)
    found = [await kit.ask(kit.hub, "facadeOf", number) for number in range(1, MARKETS + 1)]
    facades = [Contract("MarketFacade", address) for address in found]
    pools = (await create(anvil, "TestPoolFactory"))[0].address
    curves = [await _curve(kit, number, pools) for number in range(1, CURVES + 1)]
    await _fill(kit, traders, [kit.hub])
    await _fill(kit, wallets, [*facades, *curves])
    for curve in curves:
        token = Contract("TestToken", await kit.ask(curve, "token"))
        await _send_all(anvil, [_slot(token.address, owner, curve.address) for owner in wallets])
    return Busy(
        anvil, await anvil.rpc.chain_id(), kit.hub, kit.oracle, kit.vault, kit.adapter.address, operator,
        feeds, facades, curves, traders, wallets, await _manifest(kit, feeds, curves, facades),
    )  # fmt: skip


def _address(name: str) -> str:
    return checksum_address("0x" + keccak256(name.encode())[-20:].hex())


def _terms(kit: Kit, number: int, pools: str) -> tuple[object, ...]:
    sale = (kit.usdc.address, 10**15, 25, 8_000, OWNER, TRADERS[0], pools, 5_000, 3_000)
    return (f"M{number} MRT", f"M{number}-MRT", *sale)


async def _curve(kit: Kit, number: int, pools: str) -> Contract:
    return (await create(kit.anvil, "MrtCurve", _terms(kit, number, pools)))[0]


async def _fill(kit: Kit, owners: list[str], spenders: list[Contract]) -> None:
    """Collateral, quote and allowances, put where the token keeps them: no log tells of it."""
    calls: list[Call] = []
    for token in (kit.collateral.address, kit.usdc.address):
        calls += [_slot(token, owner) for owner in owners]
        calls += [_slot(token, owner, spender.address) for owner in owners for spender in spenders]
    await _send_all(kit.anvil, calls)


def _slot(token: str, owner: str, spender: str = "") -> Call:
    """Solady's slot of a balance, or of an allowance."""
    key = bytes.fromhex(owner[2:]) + bytes(8)
    key += _ALLOWANCE_SEED + bytes.fromhex(spender[2:]) if spender else _BALANCE_SEED
    return "anvil_setStorageAt", [
        token,
        "0x" + keccak256(key).hex(),
        f"0x{2**255 if spender else _RICH:064x}",
    ]


async def _send_all(anvil: Anvil, calls: list[Call]) -> None:
    for first in range(0, len(calls), 500):
        await anvil.rpc.batch(calls[first : first + 500])


async def _manifest(kit: Kit, feeds: list[str], curves: list[Contract], facades: list[Contract]) -> Manifest:
    rpc = kit.anvil.rpc
    contracts = {"EpochHub": kit.hub, "BoundaryOracle": kit.oracle, "PayoutVault": kit.vault}
    markets = {}
    for number, (curve, facade) in enumerate(zip(curves, facades, strict=False), 1):
        symbol = "BTC" if number == 1 else f"M{number}"
        token, pool, lock, staking = [
            str(await kit.ask(curve, name)) for name in ("token", "pool", "lock", "staking")
        ]
        contracts |= {f"MrtCurve:{symbol}": curve, f"MrtToken:{symbol}": Contract("MrtToken", token)}
        feed = feeds[number - 1]
        record = (symbol, number, facade.address, feed, GENESIS, 100 * UNIT, 10_000, 100, 100, _NO_HASH, 1)
        markets[symbol] = MarketRecord(*record, pool, lock, staking)
    codes = await rpc.batch([("eth_getCode", [one.address, "latest"]) for one in contracts.values()])
    genesis = await rpc.call("eth_getBlockByNumber", ["0x0", False])
    records = {}
    for (name, one), code in zip(contracts.items(), codes, strict=True):
        code_hash = "0x" + keccak256(bytes.fromhex(code[2:])).hex()
        terms = (["MRT", "MRT", "", str(10**15)],) if name.startswith("MrtCurve:") else ()
        records[name] = ContractRecord(name, one.address, _NO_HASH, 1, terms, code_hash)
    return Manifest(
        chain_id=await rpc.chain_id(),
        genesis_hash=genesis["hash"],
        settings_hash="0x" + "0" * 64,
        collateral=TokenRecord(kit.collateral.address, "CYM1", 18),
        payout_token=TokenRecord(kit.usdc.address, "USDC", 6),
        contracts=records,
        feeds={feed: feed_record(feed, kit.adapter.address) for feed in feeds},
        markets=markets,
    )


def feed_record(name: str, adapter: str) -> FeedRecord:
    """What a manifest says of a feed with one adapter."""
    identity = "0x" + feed_id(name).hex()
    return FeedRecord(name, identity, adapter, DEADLINE, (adapter,), (DEADLINE,), _NO_HASH, 1)
