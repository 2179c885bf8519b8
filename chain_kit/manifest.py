"""The deployment manifest, `deployments/<chain id>.json`: what was deployed, where, and with what.

Everything that runs in production learns its addresses here and nowhere else. Integers that may pass 2**53
are decimal strings in the file; addresses are checksummed; hashes are 0x and 64 hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from chain_kit.errors import (
    CodeMismatchError,
    ManifestChainError,
    ManifestInvalidError,
    ManifestMissingError,
    UnknownMarketError,
)
from chain_kit.files import write_atomically
from chain_kit.json_fields import FieldError, JsonFields
from chain_kit.units import keccak256

if TYPE_CHECKING:  # a question loads a manifest, and must not load an HTTP client for that
    from chain_kit.jsonrpc import RpcClient

__all__ = ["ContractRecord", "FeedRecord", "Manifest", "MarketRecord", "RaceRecord", "TokenRecord"]


@dataclass(frozen=True)
class ContractRecord:
    """One deployed contract. `transaction` is None for one that was there before us (USDC on Base)."""

    name: str
    address: str
    transaction: str | None
    block: int
    arguments: tuple[Any, ...]
    """The constructor's arguments as JSON values, integers as decimal strings."""
    code_hash: str
    """keccak256 of the runtime code on chain, immutables included."""


@dataclass(frozen=True)
class FeedRecord:
    """A price feed that is registered with the boundary oracle."""

    name: str
    id: str
    """The feed's bytes32: the ASCII name, padded with zeros on the right."""
    adapter: str
    """The signed reports' adapter if it has one, else its first."""
    deadline: int
    """Seconds after a boundary from which it may be voided: the last of `deadlines`."""
    adapters: tuple[str, ...]
    """All of them, in the order in which they are due."""
    deadlines: tuple[int, ...]
    """Until when each is, in seconds after a boundary."""
    transaction: str
    block: int


@dataclass(frozen=True)
class MarketRecord:
    """A market of the hub."""

    symbol: str
    market_id: int
    facade: str
    feed: str
    """The feed's name, a key of `Manifest.feeds`."""
    genesis: int
    """Unix seconds at which epoch 1 starts."""
    liquidity: int
    """The house maker's b at the start of an epoch, in base units of the collateral."""
    closing_liquidity_bps: int
    """What is left of it towards the end of the window."""
    fee_bps: int
    closing_fee_bps: int
    transaction: str
    block: int
    pool: str | None = None
    """The reward token's pool, who holds its shares for good, and where others stake theirs."""
    lock: str | None = None
    staking: str | None = None


@dataclass(frozen=True)
class RaceRecord:
    """A race of the race market."""

    symbol: str
    race_id: int
    feeds: tuple[str, ...]
    """The assets in their order: names, keys of `Manifest.feeds`."""
    positions: int
    genesis: int
    transaction: str
    block: int


@dataclass(frozen=True)
class TokenRecord:
    """What must be known of a token to show its amounts."""

    address: str
    symbol: str
    decimals: int


@dataclass(frozen=True)
class Manifest:
    """One deployment on one chain. Records are keyed by contract name, feed name, market and race symbol."""

    chain_id: int
    genesis_hash: str
    settings_hash: str
    collateral: TokenRecord
    payout_token: TokenRecord
    contracts: Mapping[str, ContractRecord] = field(default_factory=dict)
    feeds: Mapping[str, FeedRecord] = field(default_factory=dict)
    markets: Mapping[str, MarketRecord] = field(default_factory=dict)
    races: Mapping[str, RaceRecord] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | str) -> Manifest:
        """Reads and checks the file. Raises ManifestMissingError or ManifestInvalidError."""
        path = Path(path)
        try:
            data = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            raise ManifestMissingError(path) from None
        except OSError as error:
            raise ManifestInvalidError(path, error.strerror or "it cannot be read") from None
        except orjson.JSONDecodeError as error:
            raise ManifestInvalidError(path, f"not JSON ({error})") from None
        try:
            return _read(JsonFields(data))
        except FieldError as error:
            raise ManifestInvalidError(path, str(error)) from None

    def save(self, path: Path | str) -> None:
        """Writes the file whole or not at all: a reader sees the old one or the new one."""
        body = orjson.dumps(_write(self), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        write_atomically(path, body)

    def address(self, name: str) -> str:
        """The address of the contract called `name`. Raises ManifestInvalidError if there is none."""
        record = self.contracts.get(name)
        if record is None:
            raise ManifestInvalidError("this manifest", f"it has no contract {name!r}")
        return record.address

    def market(self, symbol: str) -> MarketRecord:
        """The market called `symbol`. Raises UnknownMarketError, which names those there are."""
        record = self.markets.get(symbol)
        if record is None:
            raise UnknownMarketError(symbol, self.markets)
        return record

    @property
    def first_block(self) -> int:
        """The first block that can hold an event of this deployment; 0 if nothing was deployed by us."""
        return min((r.block for r in self.contracts.values() if r.transaction is not None), default=0)

    async def check_chain(self, rpc: RpcClient) -> None:
        """Asks the node whether this manifest is of its chain, and every contract still has its code.

        Raises ManifestChainError (another chain id, or the same id with another genesis block: a new
        anvil) or CodeMismatchError.
        """
        chain_id, genesis = await rpc.batch([("eth_chainId", []), ("eth_getBlockByNumber", ["0x0", False])])
        if int(chain_id, 16) != self.chain_id:
            raise ManifestChainError(self.chain_id, int(chain_id, 16))
        if genesis is not None and genesis["hash"] != self.genesis_hash:
            raise ManifestChainError(
                f"{self.chain_id} with genesis {self.genesis_hash}", f"one with genesis {genesis['hash']}"
            )
        records = list(self.contracts.values())
        codes = await rpc.batch([("eth_getCode", [record.address, "latest"]) for record in records])
        for record, code in zip(records, codes, strict=True):
            actual = "0x" + keccak256(bytes.fromhex(code[2:])).hex()
            if actual != record.code_hash:
                raise CodeMismatchError(record.name, record.address, record.code_hash, actual)


def _read(root: JsonFields) -> Manifest:
    manifest = Manifest(
        chain_id=root.integer("chain_id"),
        genesis_hash=root.hash("genesis_hash"),
        settings_hash=root.hash("settings_hash"),
        collateral=_read_token(root.child("collateral")),
        payout_token=_read_token(root.child("payout_token")),
        contracts=root.children("contracts", _read_contract),
        feeds=root.children("feeds", _read_feed),
        markets=root.children("markets", _read_market),
        races=root.children("races", _read_race) if "races" in root else {},
    )
    named = [(f"markets.{symbol}.feed", market.feed) for symbol, market in manifest.markets.items()]
    named += [
        (f"races.{symbol}.feeds", feed) for symbol, race in manifest.races.items() for feed in race.feeds
    ]
    for where, feed in named:
        if feed not in manifest.feeds:
            raise FieldError(f"{where} names an unknown feed {feed!r}")
    return manifest


def _read_token(fields: JsonFields) -> TokenRecord:
    return TokenRecord(fields.address("address"), fields.text("symbol"), fields.integer("decimals"))


def _read_contract(name: str, fields: JsonFields) -> ContractRecord:
    return ContractRecord(
        name=name,
        address=fields.address("address"),
        transaction=fields.hash_or_none("transaction"),
        block=fields.integer("block"),
        arguments=fields.array("arguments"),
        code_hash=fields.hash("code_hash"),
    )


def _read_feed(name: str, fields: JsonFields) -> FeedRecord:
    return FeedRecord(
        name=name,
        id=fields.hash("id"),
        adapter=fields.address("adapter"),
        deadline=fields.integer("deadline"),
        adapters=fields.addresses("adapters"),
        deadlines=fields.integers("deadlines"),
        transaction=fields.hash("transaction"),
        block=fields.integer("block"),
    )


def _read_market(symbol: str, fields: JsonFields) -> MarketRecord:
    return MarketRecord(
        symbol=symbol,
        market_id=fields.integer("market_id"),
        facade=fields.address("facade"),
        feed=fields.text("feed"),
        genesis=fields.integer("genesis"),
        liquidity=fields.big_integer("liquidity"),
        closing_liquidity_bps=fields.integer("closing_liquidity_bps"),
        fee_bps=fields.integer("fee_bps"),
        closing_fee_bps=fields.integer("closing_fee_bps"),
        transaction=fields.hash("transaction"),
        block=fields.integer("block"),
        pool=fields.address_or_none("pool"),
        lock=fields.address_or_none("lock"),
        staking=fields.address_or_none("staking"),
    )


def _read_race(symbol: str, fields: JsonFields) -> RaceRecord:
    return RaceRecord(
        symbol=symbol,
        race_id=fields.integer("race_id"),
        feeds=fields.texts("feeds"),
        positions=fields.integer("positions"),
        genesis=fields.integer("genesis"),
        transaction=fields.hash("transaction"),
        block=fields.integer("block"),
    )


def _write(manifest: Manifest) -> dict[str, Any]:
    markets = {symbol: _fields(m, "symbol") for symbol, m in manifest.markets.items()}
    for market in markets.values():
        market["liquidity"] = str(market["liquidity"])
    return {
        "chain_id": manifest.chain_id,
        "genesis_hash": manifest.genesis_hash,
        "settings_hash": manifest.settings_hash,
        "contracts": {name: _fields(record, "name") for name, record in manifest.contracts.items()},
        "feeds": {name: _fields(record, "name") for name, record in manifest.feeds.items()},
        "markets": markets,
        "races": {symbol: _fields(race, "symbol") for symbol, race in manifest.races.items()},
        "collateral": asdict(manifest.collateral),
        "payout_token": asdict(manifest.payout_token),
    }


def _fields(record: ContractRecord | FeedRecord | MarketRecord | RaceRecord, key: str) -> dict[str, Any]:
    """The record without the field that is its key in the file."""
    return {name: value for name, value in asdict(record).items() if name != key}
