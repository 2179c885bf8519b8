"""What the trade keeper is bound by, and what it asks of a sender."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from chain_kit.errors import SettingError
from chain_kit.fees import Fees
from chain_kit.house import TRADING_WINDOW
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Intent, Outcome, Row
from chain_kit.strategies import Sizing

__all__ = ["TradeQuote", "TradeRules", "TradeSender"]


class TradeQuote(Protocol):
    """What a transaction would cost now, at the highest, and why the contract refuses it if it does."""

    @property
    def gas(self) -> int:
        """The gas limit; 0 if the contract refuses."""

    @property
    def l1_fee_wei(self) -> int:
        """The fee for its data on the parent chain; 0 where there is none."""

    @property
    def fees(self) -> Fees:
        """What it offers for its gas."""

    @property
    def revert(self) -> str:
        """Why the contract refuses, in a sentence; "" if it does not."""


class TradeSender(Protocol):
    """What the keeper asks of a sender."""

    rpc: JsonRpc
    address: str
    chain_id: int

    async def quote(self, intent: Intent) -> TradeQuote:
        """What the intent would cost."""

    async def submit(self, intent: Intent) -> Outcome:
        """Brings the intent about."""

    async def reconcile(self) -> list[Row]:
        """Goes on with what is under way."""

    async def under_way(self, contract: str, action: str) -> set[str]:
        """The subjects that a row of the outbox works on."""


@dataclass(frozen=True)
class TradeRules:
    """The bounds of trading. Amounts are base units of the collateral.

    `position_units` bounds the shares of each side of an epoch, `daily_loss_units` what a UTC day may lose,
    over all markets: what ended epochs have lost and what open ones could lose stay below it together.
    `least_edge_units` is what a trade must leave after everything. The last `closing_seconds` of the window
    are left alone; a trade is void `patience_seconds` after it was decided. A spot price farther from the
    chain's clock than `spot_seconds` is none. Where the contract refuses to say what gas a trade takes, as it
    does on paper where there are no funds, it is `usual_gas`. Raises SettingError for what makes no sense.
    """

    position_units: int
    daily_loss_units: int
    sizing: Sizing = field(default_factory=Sizing)
    least_edge_units: int = 1
    closing_seconds: int = 20
    patience_seconds: int = 30
    spot_seconds: int = 15
    usual_gas: int = 150_000

    def __post_init__(self) -> None:
        if min(self.position_units, self.daily_loss_units, self.least_edge_units, self.usual_gas) <= 0:
            raise SettingError(
                f"limits {self.position_units}, {self.daily_loss_units}, {self.least_edge_units},"
                f" {self.usual_gas}",
                hint="position, daily loss, edge and gas must be above zero",
            )
        if not 0 < self.closing_seconds < TRADING_WINDOW:
            raise SettingError(
                f"the last {self.closing_seconds} s of the window", hint=f"give 1 to {TRADING_WINDOW - 1}"
            )
        if min(self.patience_seconds, self.spot_seconds) <= 0:
            raise SettingError(
                f"patience of {self.patience_seconds} s, spot prices up to {self.spot_seconds} s old",
                hint="both must be above zero",
            )
