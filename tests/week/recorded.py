"""The recorded prices that the week runs on: real ones, one file for each feed.

BTC/USD (one-minute closes of a perpetual) is on its own clock: the week begins on Saturday, 8 January 2022.
The crosses (five-minute opens) were recorded in the week that begins on Saturday, 13 January 2018, and are
replayed 208 weeks later to the second, so that weekday and time of day stay: the prices are untouched.
There is no recording of three feeds in one week at hand.
"""

from __future__ import annotations

from pathlib import Path

from chain_kit.prices import DAY, PriceSeries

__all__ = ["FEEDS", "GENESIS", "WEEK_EPOCHS", "series_of", "write_prices"]

GENESIS = 1_641_600_000
"""Saturday, 8 January 2022, 00:00 UTC: the start of epoch 1."""
WEEK_EPOCHS = 2_016
FEEDS = {"BTC": "BTC/USD", "ETH": "ETH/BTC", "LTC": "LTC/BTC"}
"""Each market's feed."""

_FOLDER = Path(__file__).parent / "prices"
_LATER = {"BTC/USD": 0, "ETH/BTC": 208 * 7 * DAY, "LTC/BTC": 208 * 7 * DAY}


def series_of(feed: str) -> PriceSeries:
    """The prices of a feed on the chain's clock."""
    recorded = PriceSeries.from_csv(_FOLDER / f"{feed.replace('/', '-')}.csv")
    later = _LATER[feed]
    return PriceSeries(recorded.path, {ts + later: price for ts, price in recorded.prices_e18.items()})


def write_prices(folder: Path) -> dict[str, Path]:
    """Writes each feed's file as the keepers read it: on the chain's clock. The text of a price stays."""
    written = {}
    for feed, later in _LATER.items():
        name = f"{feed.replace('/', '-')}.csv"
        header, *lines = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
        moved = [f"{int(ts) + later},{price}" for ts, price in (line.split(",") for line in lines)]
        written[feed] = folder / name
        written[feed].write_text("\n".join([header, *moved]) + "\n", encoding="utf-8")
    return written
