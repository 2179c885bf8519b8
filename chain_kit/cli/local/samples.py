"""The recorded prices that come with the kit."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SAMPLE_PRICES"]

SAMPLE_PRICES = Path(__file__).resolve().parents[2] / "data" / "btcusd_2022-01-08.csv"
"""BTC/USD, one-minute closes of 8 January 2022 (UTC), midnight to midnight; the second epoch is a tie."""
