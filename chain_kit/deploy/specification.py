"""What is to be deployed. The same specification twice deploys once.

Amounts of tokens are base units, times seconds, fees basis points. Where `owner` and the other roles are
None, the deployer gets them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from chain_kit.errors import SettingError
from chain_kit.units import checksum_address, keccak256, parse_units

__all__ = ["DeploymentSpec", "MarketSpec", "TokenSpec"]

EPOCH = 300
LEAST_ROOT_DELAY = 600
"""Seconds. With no delay whoever may propose a payout root takes all that is unclaimed at once."""


@dataclass(frozen=True)
class TokenSpec:
    """A token that is there already (`address`), or a test token to be made."""

    symbol: str
    decimals: int
    address: str | None = None


@dataclass(frozen=True)
class MarketSpec:
    """A market with its reward token.

    `genesis` is the start of epoch 1; None takes the next boundary. `house_budget` is what the deployer
    gives the house when the market is created.
    """

    symbol: str
    feed: str
    liquidity: int
    fee_bps: int = 100
    house_budget: int = 0
    genesis: int | None = None
    curve_target: int = parse_units("100", 6)
    curve_fee_bps: int = 25
    curve_creator_share_bps: int = 8000

    @property
    def token_name(self) -> str:
        """The reward token's name: "BTC Perpetual MRT"."""
        return f"{self.symbol} Perpetual MRT"

    @property
    def token_symbol(self) -> str:
        """The reward token's symbol: "BTC-PERP-MRT"."""
        return f"{self.symbol}-PERP-MRT"


@dataclass(frozen=True)
class DeploymentSpec:
    """A whole deployment: tokens, contracts, feeds and markets.

    Raises SettingError at construction for what the contracts would refuse.
    """

    reporters: tuple[str, ...]
    """Who signs price reports."""
    report_threshold: int
    markets: tuple[MarketSpec, ...]
    collateral: TokenSpec = TokenSpec("CYM1", 18)
    payout_token: TokenSpec = TokenSpec("USDC", 6)
    report_deadline: int = 3600
    root_delay: int = 3600
    surplus_delay: int = 86_400
    owner: str | None = None
    guardian: str | None = None
    operator: str | None = None
    treasury: str | None = None
    feeds: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        reporters = tuple(sorted({checksum_address(a) for a in self.reporters}, key=str.lower))
        object.__setattr__(self, "reporters", reporters)
        object.__setattr__(self, "feeds", tuple(dict.fromkeys(market.feed for market in self.markets)))
        if not 1 <= self.report_threshold <= len(reporters):
            raise SettingError(
                f"report_threshold is {self.report_threshold}, with {len(reporters)} different reporters",
                hint="name at least as many reporters as must sign",
            )
        if not LEAST_ROOT_DELAY <= self.root_delay <= self.surplus_delay:
            raise SettingError(
                f"root_delay is {self.root_delay} s, surplus_delay {self.surplus_delay} s",
                hint=f"root_delay is at least {LEAST_ROOT_DELAY} s, and surplus_delay no less than it",
            )
        for market in self.markets:
            if market.genesis is not None and market.genesis % EPOCH:
                raise SettingError(
                    f"market {market.symbol} starts at {market.genesis}, not a multiple of {EPOCH}",
                    hint=f"the boundary before it is {market.genesis - market.genesis % EPOCH}",
                )

    @property
    def settings_hash(self) -> str:
        """keccak256 of the specification as JSON: two that differ have different ones."""
        return "0x" + keccak256(json.dumps(asdict(self), sort_keys=True).encode()).hex()
