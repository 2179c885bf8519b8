"""The rule of the documents' bot: buy what is cheap."""

from __future__ import annotations

from dataclasses import dataclass

from chain_kit.clob.orders import Side
from chain_kit.errors import SettingError
from chain_kit.lmsr import WAD
from chain_kit.strategies.interface import MarketView, Signal

__all__ = ["Threshold"]


@dataclass(frozen=True)
class Threshold:
    """Buys YES below one price of YES, NO above another. Prices are 1e18 fixed point.

    It holds a share of either side to be worth `value_e18`, whatever the oracle says: the bot of the
    documents calls what is below 0.45 undervalued and never looks at the asset. `amount_units` is the most
    that it spends at a time. Raises SettingError unless the value lies between the two prices.
    """

    buy_yes_below_e18: int = 45 * WAD // 100
    buy_no_above_e18: int = 55 * WAD // 100
    value_e18: int = WAD // 2
    amount_units: int | None = None
    name: str = "threshold"

    def __post_init__(self) -> None:
        if not 0 < self.buy_yes_below_e18 <= self.value_e18 <= self.buy_no_above_e18 < WAD:
            raise SettingError(
                f"thresholds {self.buy_yes_below_e18} and {self.buy_no_above_e18} around"
                f" {self.value_e18} (1e18 fixed point)",
                hint="they must rise in that order, above 0 and below 1",
            )

    def signal(self, view: MarketView) -> Signal | None:
        """The side that is cheap, if one is."""
        yes_e18 = view.quotes.price_e18(Side.YES)
        if yes_e18 < self.buy_yes_below_e18:
            return Signal(Side.YES, self.value_e18, self.amount_units)
        if yes_e18 > self.buy_no_above_e18:
            return Signal(Side.NO, WAD - self.value_e18, self.amount_units)
        return None
