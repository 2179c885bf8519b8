"""What assets are called and what kind they are: no chain knows. Whatever is not listed counts as crypto."""

from __future__ import annotations

from typing import NamedTuple

from indexer.http.models import AssetType

__all__ = ["CATALOGUE", "AssetFacts", "facts_of"]


class AssetFacts(NamedTuple):
    """An asset by its symbol. `coingecko_id` is what CoinGecko calls it."""

    symbol: str
    name: str
    asset_type: AssetType = "crypto"
    sector: str | None = None
    coingecko_id: str | None = None


_CRYPTO = (
    ("BTC", "Bitcoin", "bitcoin"), ("ETH", "Ethereum", "ethereum"), ("SOL", "Solana", "solana"),
    ("DOGE", "Dogecoin", "dogecoin"), ("LINK", "Chainlink", "chainlink"), ("XRP", "XRP", "ripple"),
    ("ADA", "Cardano", "cardano"), ("AVAX", "Avalanche", "avalanche-2"), ("DOT", "Polkadot", "polkadot"),
    ("LTC", "Litecoin", "litecoin"), ("BNB", "BNB", "binancecoin"), ("UNI", "Uniswap", "uniswap"),
    ("AAVE", "Aave", "aave"), ("AERO", "Aerodrome", "aerodrome-finance"),
)  # fmt: skip
_STOCKS = (
    ("AAPL", "Apple", "Technology"), ("NVDA", "NVIDIA", "Technology"), ("TSLA", "Tesla", "Consumer Cyclical"),
    ("MSFT", "Microsoft", "Technology"), ("AMZN", "Amazon", "Consumer Cyclical"),
    ("GOOGL", "Alphabet", "Communication Services"), ("META", "Meta Platforms", "Communication Services"),
)  # fmt: skip
_FOREX = (("EUR", "Euro"), ("GBP", "British pound"), ("JPY", "Japanese yen"), ("CHF", "Swiss franc"))
_COMMODITIES = (("XAU", "Gold"), ("XAG", "Silver"), ("WTI", "Crude oil"))

CATALOGUE: dict[str, AssetFacts] = {
    facts.symbol: facts
    for facts in (
        *(AssetFacts(symbol, name, "crypto", None, known_as) for symbol, name, known_as in _CRYPTO),
        *(AssetFacts(symbol, name, "stock", sector) for symbol, name, sector in _STOCKS),
        *(AssetFacts(symbol, name, "forex") for symbol, name in _FOREX),
        *(AssetFacts(symbol, name, "commodity") for symbol, name in _COMMODITIES),
    )
}


def facts_of(symbol: str) -> AssetFacts:
    """What is known of a market's asset. A later version of a market (AAPL_V2) is of the same."""
    plain = symbol.upper().partition("_")[0].partition("-")[0]
    known = CATALOGUE.get(plain)
    return AssetFacts(symbol, symbol) if known is None else known._replace(symbol=symbol)
