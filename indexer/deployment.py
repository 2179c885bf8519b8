"""What an index follows: one deployment's contracts and tokens, and the logs to ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from chain_kit.units import keccak256

if TYPE_CHECKING:
    from chain_kit.manifest import Manifest

__all__ = ["Deployment", "LogFilter", "Token"]

TRANSFER_TOPIC = "0x" + keccak256(b"Transfer(address,address,uint256)").hex()
_CURVE_KEY = "MrtCurve:"


@dataclass(frozen=True)
class Token:
    """An ERC-20 whose balances are followed."""

    address: str
    symbol: str
    decimals: int


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
    """The addresses (checksummed) that an index is made from. `curves` are by their market's symbol."""

    chain_id: int
    genesis_hash: str
    first_block: int
    hub: str
    oracle: str
    vault: str
    collateral: Token
    payout_token: Token
    curves: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> Deployment:
        """Raises ManifestInvalidError if a contract is missing."""
        names = (name for name in sorted(manifest.contracts) if name.startswith(_CURVE_KEY))
        tokens = (Token(**asdict(token)) for token in (manifest.collateral, manifest.payout_token))
        collateral, payout_token = tokens
        return cls(
            chain_id=manifest.chain_id,
            genesis_hash=manifest.genesis_hash,
            first_block=manifest.first_block,
            hub=manifest.address("EpochHub"),
            oracle=manifest.address("BoundaryOracle"),
            vault=manifest.address("PayoutVault"),
            collateral=collateral,
            payout_token=payout_token,
            curves={name.removeprefix(_CURVE_KEY): manifest.address(name) for name in names},
        )

    @classmethod
    def from_json(cls, text: str) -> Deployment:
        """The reverse of `to_json`. Raises ValueError, KeyError or TypeError for anything else."""
        data = orjson.loads(text)
        collateral, payout_token = (Token(**data.pop(key)) for key in ("collateral", "payout_token"))
        return cls(**data, collateral=collateral, payout_token=payout_token)

    def to_json(self) -> str:
        """The same text for the same deployment."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS).decode()

    @property
    def holders(self) -> tuple[str, ...]:
        """Our contracts that hold tokens."""
        return (self.hub, self.vault, *self.curves.values())

    @property
    def token_addresses(self) -> tuple[str, ...]:
        """The tokens that they hold; one, if collateral and payouts are in the same."""
        return tuple(dict.fromkeys((self.collateral.address, self.payout_token.address)))

    def contracts(self) -> dict[str, tuple[str, str]]:
        """Address in lower case -> (contract of the ABI files, name in the index)."""
        known = {
            self.hub: ("EpochHub", "EpochHub"),
            self.oracle: ("BoundaryOracle", "BoundaryOracle"),
            self.vault: ("PayoutVault", "PayoutVault"),
        }
        known |= {address: ("MrtCurve", _CURVE_KEY + symbol) for symbol, address in self.curves.items()}
        known |= dict.fromkeys(self.token_addresses, ("TestToken", "token"))
        return {address.lower(): names for address, names in known.items()}

    def log_filters(self) -> tuple[LogFilter, ...]:
        """All logs of our contracts; of the tokens, the transfers that one of them sends or receives.

        A log can match two of them: whoever asks keeps one.
        """
        ours = (self.hub, self.oracle, self.vault, *self.curves.values())
        holders = tuple("0x" + address[2:].lower().rjust(64, "0") for address in self.holders)
        transfer = (TRANSFER_TOPIC,)
        return (
            LogFilter(ours),
            LogFilter(self.token_addresses, (transfer, holders)),
            LogFilter(self.token_addresses, (transfer, None, holders)),
        )
