"""The documented bodies, from the answers of the index. Pure."""

from __future__ import annotations

from typing import Any

from indexer.deployment import Deployment
from indexer.http.catalogue import facts_of
from indexer.queries import (
    EpochAnswer,
    MarketAnswer,
    MarketStatusAnswer,
    MrtAnswer,
    PositionAnswer,
    Stamp,
    TradeAnswer,
)
from indexer.state import EPOCH_SECONDS

__all__ = [
    "epoch_body",
    "market_body",
    "mrt_body",
    "no_position",
    "orderbook_body",
    "position_body",
    "status_body",
    "status_fields",
    "trade_body",
]

_PAYOUTS = {"YES": ("1", "0"), "NO": ("0", "1"), "VOID": ("0.5", "0.5"), None: (None, None)}
_EXPLORERS = {84532: "https://sepolia.basescan.org"}
_BASESCAN = "https://basescan.org"


def stamp_of(answer: Stamp) -> dict[str, Any]:
    """Of which block an answer is, and how far that is proven."""
    return {name: answer[name] for name in ("block", "block_hash", "level", "verified")}


def market_body(row: MarketAnswer, deployment: Deployment) -> dict[str, Any]:
    """A market."""
    facts = facts_of(row["market"])
    yes, no = (_token_id(row["market_id"], row["epoch"], side) for side in (0, 1))
    return stamp_of(row) | {
        "symbol": row["market"],
        "name": facts.name,
        "asset_type": facts.asset_type,
        "market_address": row["address"],
        "market_id": row["market_id"],
        "epoch": row["epoch"],
        "yes_token": yes,
        "no_token": no,
        "token_contract": deployment.hub,
        "collateral_token": deployment.collateral.address,
        "oracle_tier": 1,
        "epoch_duration": EPOCH_SECONDS,
        "chain_id": deployment.chain_id,
        "genesis_at": row["genesis_at"],
        "creator": row["creator"],
        "feed": row["feed"],
        "liquidity": row["liquidity"],
        "fee_bps": row["fee_bps"],
        "closing_liquidity_bps": row["closing_liquidity_bps"],
        "closing_fee_bps": row["closing_fee_bps"],
    }


def status_fields(row: MarketStatusAnswer) -> dict[str, Any]:
    """What a status says of the epoch that runs."""
    return {
        "epoch": row["epoch"],
        "start_price": row["start_price"] or "0",
        "current_price": row["current_price"],
        "time_remaining": row["time_remaining"],
        "trading_active": row["trading_active"],
        "yes_price": row["yes_price"],
        "no_price": row["no_price"],
        "yes_pool": row["yes_supply"],
        "no_pool": row["no_supply"],
        "yes_supply": row["yes_supply"],
        "no_supply": row["no_supply"],
    }


def status_body(row: MarketStatusAnswer) -> dict[str, Any]:
    """A market's status."""
    named = {"symbol": row["market"], "market_address": row["address"], "timestamp": row["at"]}
    return stamp_of(row) | named | status_fields(row)


def epoch_body(row: EpochAnswer) -> dict[str, Any]:
    """An epoch."""
    yes_payout, no_payout = _PAYOUTS[row["outcome"]]
    return stamp_of(row) | {
        "symbol": row["market"],
        "market_id": row["market_id"],
        "epoch": row["epoch"],
        "start_at": row["start_at"],
        "end_at": row["end_at"],
        "start_price": row["start_price"],
        "end_price": row["end_price"],
        "outcome": row["outcome"],
        "yes_pool": row["yes_supply"],
        "no_pool": row["no_supply"],
        "yes_supply": row["yes_supply"],
        "no_supply": row["no_supply"],
        "collateral": row["collateral"],
        "yes_payout": yes_payout,
        "no_payout": no_payout,
        "resolved_at": None if row["outcome"] is None else row["end_at"],
    }


def orderbook_body(market: MarketAnswer, timestamp: str) -> dict[str, Any]:
    """An empty book: no exchange is configured."""
    sides = ("bids", "asks", "yes_bids", "yes_asks", "no_bids", "no_asks")
    named = {"symbol": market["market"], "market_address": market["address"]}
    return stamp_of(market) | named | {side: [] for side in sides} | {"spread": None, "timestamp": timestamp}


def position_body(row: PositionAnswer, account: str) -> dict[str, Any]:
    """An account's part in an epoch."""
    names = ("market_id", "epoch", "yes_tokens", "no_tokens", "entry_price", "cost", "realized_pnl",
             "unrealized_pnl", "claimable")  # fmt: skip
    named = {"symbol": row["market"], "address": account}
    return stamp_of(row) | named | {name: row[name] for name in names}  # type: ignore[literal-required]


def no_position(market: MarketAnswer, epoch: int, account: str) -> dict[str, Any]:
    """The part of an account that has none."""
    amounts = ("yes_tokens", "no_tokens", "cost", "realized_pnl", "unrealized_pnl", "claimable")
    return stamp_of(market) | {
        "symbol": market["market"],
        "market_id": market["market_id"],
        "epoch": epoch,
        "address": account,
        "entry_price": None,
        **dict.fromkeys(amounts, "0"),
    }


def trade_body(row: TradeAnswer) -> dict[str, Any]:
    """A trade."""
    renamed = {"market": "symbol", "at": "timestamp"}
    return {renamed.get(name, name): value for name, value in row.items()}


def mrt_body(row: MrtAnswer, chain_id: int) -> dict[str, Any]:
    """A reward token, with where it can be looked at."""
    token, pool = row["token_address"], row["pool_address"]
    links = {
        "dexscreener": f"https://dexscreener.com/base/{pool}",
        "geckoterminal": f"https://geckoterminal.com/base/pools/{pool}",
        "basescan_token": f"{_EXPLORERS.get(chain_id, _BASESCAN)}/token/{token}",
        "aerodrome": f"https://aerodrome.finance/swap?from={token}",
    }
    return {"symbol" if name == "market" else name: value for name, value in row.items()} | {
        "dex_links": links
    }


def _token_id(market_id: int, epoch: int, side: int) -> str:
    """The ERC-6909 id of a side's shares, as the hub counts them."""
    return str(market_id << 64 | epoch << 8 | side)
