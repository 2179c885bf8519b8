"""The recorded prices that come with the kit."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SAMPLE_CROSSES", "SAMPLE_PRICES"]

_DATA = Path(__file__).resolve().parents[2] / "data"

SAMPLE_PRICES = _DATA / "btcusd_2022-01-08.csv"
"""BTC/USD, one-minute closes of 8 January 2022 (UTC), midnight to midnight; the second epoch is a tie."""

SAMPLE_CROSSES = _DATA / "crosses_btc_2018-01-14.csv"
"""Six assets in BTC, five-minute closes of an hour of 14 January 2018 (UTC); in the first five minutes two of
them share the second and the third place.
"""
