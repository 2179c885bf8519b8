"""The bodies of the perpetual API: the documented fields by their documented names, and ours beside them.

Where the documents show a field in two shapes, both are here. Amounts and prices are exact decimal strings.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Address",
    "Asset",
    "AssetStats",
    "AssetType",
    "Body",
    "Candle",
    "Decimals",
    "Epoch",
    "Instant",
    "Market",
    "MarketDetail",
    "MarketStatus",
    "MrtHolder",
    "MrtInfo",
    "Orderbook",
    "OrderbookLevel",
    "Outcome",
    "Position",
    "Standing",
    "Trade",
]

Decimals = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["94250.5"])]
"""An exact decimal number."""
Address = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]
"""With its checksum."""
Hash = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$")]
Instant = Annotated[str, Field(examples=["2026-01-12T01:00:00Z"])]
"""ISO 8601 in UTC."""
AssetType = Literal["crypto", "stock", "forex", "commodity"]
Outcome = Literal["YES", "NO", "VOID"]
Side = Literal["YES", "NO"]


class Body(BaseModel):
    """A JSON object with just its declared fields."""

    model_config = ConfigDict(extra="forbid")


class Standing(Body):
    """Of which block an answer is, and how far all blocks up to it are proven.

    `verified` says that their logs are complete and that nothing of the index is in doubt.
    """

    block: int
    block_hash: str
    level: Literal["none", "linked", "complete", "reconciled"]
    verified: bool


class Asset(Body):
    """An asset; `current_price` is the last that the oracle has, null where it has none."""

    symbol: str
    name: str
    asset_type: AssetType
    sector: str | None
    market_cap: int
    """0: nothing here knows it."""
    oracle_tier: int
    """1 if a market's feed prices it, else 0."""
    has_market: bool
    market_address: Address | None
    logo_url: str | None
    coingecko_id: str | None
    current_price: Decimals | None


class AssetStats(Body):
    """How many assets there are."""

    total_assets: int
    cryptocurrencies: int
    stocks: int
    forex: int
    commodities: int
    active_markets: int


class Market(Standing):
    """A market. The shares of an epoch are ERC-6909 tokens of `token_contract`; the ids are of `epoch`."""

    symbol: str
    name: str
    asset_type: AssetType
    market_address: Address
    market_id: int
    epoch: int
    yes_token: str
    no_token: str
    token_contract: Address
    collateral_token: Address
    oracle_tier: int
    epoch_duration: int
    chain_id: int
    genesis_at: Instant
    creator: Address
    feed: str
    liquidity: Decimals
    fee_bps: int
    closing_liquidity_bps: int
    closing_fee_bps: int


class StatusFields(Body):
    """The epoch that runs. `start_price` is "0" until the oracle has it, as on chain.

    Supplies are the traders' shares; a pool is what its side would pay out, one for each share.
    """

    epoch: int
    start_price: Decimals
    current_price: Decimals | None
    time_remaining: int
    """Seconds to the end of the epoch."""
    trading_active: bool
    yes_price: Decimals
    no_price: Decimals
    yes_pool: Decimals
    no_pool: Decimals
    yes_supply: Decimals
    no_supply: Decimals


class MarketStatus(StatusFields, Standing):
    """A market's status at `timestamp`, by the chain's clock."""

    symbol: str
    market_address: Address
    timestamp: Instant


class MarketDetail(Market):
    """A market with its status."""

    status: MarketStatus


class Epoch(Standing):
    """How an epoch went. Prices are null until they are posted, the outcome and all after it while open."""

    symbol: str
    market_id: int
    epoch: int
    start_at: Instant
    end_at: Instant
    start_price: Decimals | None
    end_price: Decimals | None
    outcome: Outcome | None
    yes_pool: Decimals
    no_pool: Decimals
    yes_supply: Decimals
    no_supply: Decimals
    collateral: Decimals
    yes_payout: Decimals | None
    """What one share of YES pays."""
    no_payout: Decimals | None
    resolved_at: Instant | None
    """The instant whose price closed it: its end."""


class OrderbookLevel(Body):
    """The orders at one price: their size, and that of all at better prices with them."""

    price: Decimals
    size: Decimals
    total: Decimals


class Orderbook(Standing):
    """Signed orders by side; empty until an exchange is configured. `bids` are of YES, `asks` too."""

    symbol: str
    market_address: Address
    bids: list[OrderbookLevel]
    asks: list[OrderbookLevel]
    yes_bids: list[OrderbookLevel]
    yes_asks: list[OrderbookLevel]
    no_bids: list[OrderbookLevel]
    no_asks: list[OrderbookLevel]
    spread: Decimals | None
    """Null where a side of the book is empty."""
    timestamp: Instant


class Position(Standing):
    """An account's part in an epoch; `entry_price` is null where it holds nothing."""

    symbol: str
    market_id: int
    epoch: int
    address: Address
    yes_tokens: Decimals
    no_tokens: Decimals
    entry_price: Decimals | None
    cost: Decimals
    realized_pnl: Decimals
    unrealized_pnl: Decimals
    claimable: Decimals


class Candle(Standing):
    """An interval from `timestamp` on: the oracle's prices, and the collateral that was traded."""

    timestamp: Instant
    open: Decimals
    high: Decimals
    low: Decimals
    close: Decimals
    volume: Decimals
    trades: int


class Trade(Standing):
    """A purchase from the house or a sale to it, or the fill of a signed order."""

    position: str
    """Its place in the chain: `before` of the next page."""
    mined_block: int
    tx_hash: Hash
    timestamp: Instant
    symbol: str
    market_id: int
    epoch: int
    account: Address
    source: Literal["house", "order"]
    action: Literal["buy", "sell"]
    side: Side
    shares: Decimals
    amount: Decimals
    price: Decimals
    fee: Decimals
    order_hash: Hash | None


class DexLinks(Body):
    """Where the token can be looked at and traded, on Base."""

    dexscreener: str
    geckoterminal: str
    basescan_token: str
    aerodrome: str


class MrtInfo(Standing):
    """A market's reward token. `graduation_progress` is in basis points, 10,000 when it has graduated."""

    symbol: str
    token_address: Address
    token_symbol: str
    token_name: str
    curve_address: Address
    pool_address: Address
    lock_address: Address
    staking_address: Address
    quote_symbol: str
    is_graduated: bool
    graduation_progress: int
    total_raised: Decimals
    target: Decimals
    unclaimed_fees: Decimals
    supply: Decimals
    sold: Decimals
    holders: int
    staked: Decimals
    locked: Decimals
    dex_links: DexLinks


class MrtHolder(Standing):
    """A holder of a reward token; `role` names a contract of ours."""

    rank: int
    account: Address
    role: Literal["curve", "pool", "lock", "staking"] | None
    balance: Decimals
    share: Decimals
