"""What an index follows: one deployment's contracts and tokens, and the logs to ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from chain_kit.errors import ManifestInvalidError
from chain_kit.units import keccak256

if TYPE_CHECKING:
    from chain_kit.manifest import Manifest

__all__ = ["Curve", "Deployment", "LogFilter", "Token"]

TRANSFER_TOPIC = "0x" + keccak256(b"Transfer(address,address,uint256)").hex()
_CURVE_KEY = "MrtCurve:"
_RACES = "RaceMarket"


@dataclass(frozen=True)
class Token:
    """An ERC-20 whose balances are followed."""

    address: str
    symbol: str
    decimals: int


@dataclass(frozen=True)
class Curve:
    """A market's curve, its reward token, the pool that it graduates to, and what came with them.

    `target` is what is to be raised, in base units of the payout token; all were made in `block`.
    """

    address: str
    token: str
    pool: str
    lock: str
    staking: str
    target: int
    token_name: str
    token_symbol: str
    block: int


@dataclass(frozen=True)
class LogFilter:
    """What `eth_getLogs` is asked for, beside the blocks. A None among the topics matches anything."""

    addresses: tuple[str, ...]
    topics: tuple[tuple[str, ...] | None, ...] = ()

    def params(self) -> dict[str, Any]:
        """The filter as JSON-RPC wants it, without its block range."""
        topics = [None if topic is None else list(topic) for topic in self.topics]
        return {"address": list(self.addresses)} | ({"topics": topics} if topics else {})


@dataclass(frozen=True)
class Deployment:
    """The addresses (checksummed) that an index is made from. `curves` are by their market's symbol.

    `races` is the race market, if there is one, made in `races_block`.
    """

    chain_id: int
    genesis_hash: str
    first_block: int
    hub: str
    oracle: str
    vault: str
    collateral: Token
    payout_token: Token
    curves: Mapping[str, Curve] = field(default_factory=dict)
    races: str | None = None
    races_block: int = 0

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> Deployment:
        """Raises ManifestInvalidError if a contract is missing."""
        names = (name for name in sorted(manifest.contracts) if name.startswith(_CURVE_KEY))
        tokens = (Token(**asdict(token)) for token in (manifest.collateral, manifest.payout_token))
        collateral, payout_token = tokens
        races = manifest.contracts.get(_RACES)
        return cls(
            chain_id=manifest.chain_id,
            genesis_hash=manifest.genesis_hash,
            first_block=manifest.first_block,
            hub=manifest.address("EpochHub"),
            oracle=manifest.address("BoundaryOracle"),
            vault=manifest.address("PayoutVault"),
            collateral=collateral,
            payout_token=payout_token,
            curves={name.removeprefix(_CURVE_KEY): _curve(manifest, name) for name in names},
            races=races.address if races else None,
            races_block=races.block if races else 0,
        )

    @classmethod
    def from_json(cls, text: str) -> Deployment:
        """The reverse of `to_json`. Raises ValueError, KeyError or TypeError for anything else."""
        data = orjson.loads(text)
        collateral, payout_token = (Token(**data.pop(key)) for key in ("collateral", "payout_token"))
        curves = {symbol: Curve(**curve) for symbol, curve in data.pop("curves").items()}
        return cls(**data, collateral=collateral, payout_token=payout_token, curves=curves)

    def to_json(self) -> str:
        """The same text for the same deployment."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS).decode()

    def added_to(self, stored: Deployment) -> int | None:
        """The first block of what this deployment has and `stored` has not; None unless nothing else differs.

        What counts as added are curves, the race market, and blocks before the first one.
        """
        curves = [curve for symbol, curve in self.curves.items() if symbol not in stored.curves]
        blocks = [curve.block for curve in curves]
        kept = {symbol: curve for symbol, curve in self.curves.items() if symbol in stored.curves}
        without = replace(self, curves=kept)
        if stored.races is None and self.races is not None:
            blocks.append(self.races_block)
            without = replace(without, races=None, races_block=stored.races_block)
        if self.first_block < stored.first_block:
            blocks.append(self.first_block)
            without = replace(without, first_block=stored.first_block)
        return min(blocks) if blocks and without == stored else None

    @property
    def holders(self) -> tuple[str, ...]:
        """Our contracts that hold tokens."""
        races = () if self.races is None else (self.races,)
        return (self.hub, self.vault, *races, *(curve.address for curve in self.curves.values()))

    @property
    def token_addresses(self) -> tuple[str, ...]:
        """The tokens that they hold; one, if collateral and payouts are in the same."""
        return tuple(dict.fromkeys((self.collateral.address, self.payout_token.address)))

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """Our contracts, all of whose logs are followed."""
        parts = (
            address
            for curve in self.curves.values()
            for address in (curve.address, curve.token, curve.lock, curve.staking)
        )
        return (self.hub, self.oracle, self.vault, *([self.races] if self.races else []), *parts)

    def contracts(self) -> dict[str, tuple[str, str]]:
        """Address in lower case -> (contract of the ABI files, name in the index)."""
        known = {
            self.hub: ("EpochHub", "EpochHub"),
            self.oracle: ("BoundaryOracle", "BoundaryOracle"),
            self.vault: ("PayoutVault", "PayoutVault"),
        }
        if self.races is not None:
            known[self.races] = (_RACES, _RACES)
        for symbol, curve in self.curves.items():
            known |= {
                curve.address: ("MrtCurve", f"MrtCurve:{symbol}"),
                curve.token: ("MrtToken", f"MrtToken:{symbol}"),
                curve.lock: ("LiquidityLock", f"LiquidityLock:{symbol}"),
                curve.staking: ("LpStaking", f"LpStaking:{symbol}"),
            }
        known |= dict.fromkeys(self.token_addresses, ("TestToken", "token"))
        return {address.lower(): names for address, names in known.items()}

    def log_filters(self) -> tuple[LogFilter, ...]:
        """All logs of our contracts; of the tokens, the transfers that one of them sends or receives.

        A log can match two of them: whoever asks keeps one.
        """
        holders = tuple("0x" + address[2:].lower().rjust(64, "0") for address in self.holders)
        transfer = (TRANSFER_TOPIC,)
        return (
            LogFilter(self.own_addresses),
            LogFilter(self.token_addresses, (transfer, holders)),
            LogFilter(self.token_addresses, (transfer, None, holders)),
        )


def _curve(manifest: Manifest, name: str) -> Curve:
    """Raises ManifestInvalidError if the manifest does not say all of a curve."""
    record = manifest.contracts[name]
    symbol = name.removeprefix(_CURVE_KEY)
    market = manifest.market(symbol)
    if market.pool is None or market.lock is None or market.staking is None:
        raise ManifestInvalidError("this manifest", f"it does not say all of {name!r}")
    try:
        token_name, token_symbol, _, target, *_ = record.arguments[0]
        raising = int(target)
    except (IndexError, TypeError, ValueError):
        raise ManifestInvalidError("this manifest", f"{name!r} was made with other arguments") from None
    return Curve(
        address=record.address,
        token=manifest.address(f"MrtToken:{symbol}"),
        pool=market.pool,
        lock=market.lock,
        staking=market.staking,
        target=raising,
        token_name=str(token_name),
        token_symbol=str(token_symbol),
        block=record.block,
    )
