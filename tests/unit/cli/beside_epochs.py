"""What a demo's document says beside its epochs, in little."""

from __future__ import annotations

from typing import Any

BESIDE_EPOCHS: dict[str, Any] = {
    "match": {
        "kind": "MINT",
        "market": "BTC",
        "epoch": 3,
        "taker": "0x1",
        "taker_side": "YES",
        "taker_limit": "0.56",
        "taker_paid": "11.022",
        "maker": "0x2",
        "maker_side": "NO",
        "maker_limit": "0.45",
        "maker_paid": "9",
        "fee": "0.022",
        "shares": "20",
        "settled": True,
    },
    "race": {
        "race": "ALTS",
        "positions": 3,
        "finish": [
            {"asset": "ETH", "start_price": "0.1", "end_price": "0.2", "first_place": 1, "shared_by": 1}
        ],
        "staked": "180",
        "paid": "180",
        "settled": True,
    },
    "graduation": {
        "market": "BTC",
        "pool": "0x3",
        "raised": "100",
        "pool_quote": "100",
        "pool_tokens": "200000000",
        "locked_shares": "141421",
        "settled": True,
    },
}
