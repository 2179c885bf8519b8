"""Where a keeper takes its prices from.

A source answers with the price at a boundary, or with None. It never makes one up: each price that it gives
was recorded, or was said by a server.
"""

from chain_kit.price_sources.hermes import HermesPriceSource
from chain_kit.price_sources.http_json import HttpPriceSource
from chain_kit.price_sources.median import MedianPriceSource
from chain_kit.price_sources.recorded import RecordedPrices, ReplayedPrices
from chain_kit.price_sources.source import PriceSource

__all__ = [
    "HermesPriceSource",
    "HttpPriceSource",
    "MedianPriceSource",
    "PriceSource",
    "RecordedPrices",
    "ReplayedPrices",
]
