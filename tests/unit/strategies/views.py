"""Views of a market, as strategies are shown them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chain_kit.clob.orders import Side
from chain_kit.house import HouseQuotes, HouseTerms
from chain_kit.lmsr import WAD
from chain_kit.strategies import MarketView

__all__ = ["BTC", "FLAT", "TERMS", "quotes_at_price", "view"]

BTC = 40_000 * WAD
TERMS = HouseTerms(1000 * WAD, 2_500, 100, 300)
FLAT = HouseTerms(1000 * WAD, 10_000, 0, 0)
"""No fee, and the same liquidity all through."""


def quotes_at_price(yes_e18: int, terms: HouseTerms = TERMS, elapsed: int = 60) -> HouseQuotes:
    """A house that asks this for YES, to a ten-thousandth."""
    quotes = HouseQuotes.opening(terms, elapsed)
    side = Side.YES if yes_e18 > WAD // 2 else Side.NO
    wanted = yes_e18 if side is Side.YES else WAD - yes_e18
    low, high = 0, 20_000 * WAD
    while high - low > WAD // 10_000:
        middle = (low + high) // 2
        low, high = (middle, high) if quotes.after(side, middle).price_e18(side) < wanted else (low, middle)
    return quotes.after(side, low) if low else quotes


def view(**changes: Any) -> MarketView:
    """One minute into an epoch at 40,000 that stands where it started, with ample funds."""
    usual = MarketView(
        market_id=1,
        symbol="BTC",
        epoch=7,
        now=1_700_000_160,
        quotes=HouseQuotes.opening(TERMS, 60),
        start_price_e18=BTC,
        spot_price_e18=BTC,
        volatility_e18=9 * 10**13,
        budget_units=10**6 * WAD,
    )
    return replace(usual, **changes)
