"""`[[keepers.trade]]` of the keepers' file: one market, a strategy, and what bounds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chain_kit.errors import SettingError
from chain_kit.house import TRADING_WINDOW
from chain_kit.keepers.config.fields import Fields
from chain_kit.keepers.trade.market import Through
from chain_kit.keepers.trade.rules import TradeRules
from chain_kit.strategies import STRATEGIES, FairValue, Sizing, Strategy, Threshold
from chain_kit.units import parse_units

__all__ = ["TradeConfig", "read_trade"]

_AMOUNTS = ("position_collateral", "daily_loss_collateral", "least_edge_collateral", "ether_collateral")
_KEYS = (
    *("market", "strategy", "poll_seconds", "through", "paper", "ether_feed", *_AMOUNTS),
    *("slippage_bps", "margin", "closing_seconds", "patience_seconds", "spot_seconds", "usual_gas"),
    *STRATEGIES,
)
_STRATEGY_KEYS = {
    "threshold": ("buy_yes_below", "buy_no_above", "value", "amount_collateral"),
    "fair_value": ("tick", "least_volatility", "stretch_bps", "amount_collateral"),
}
_E18 = 18


@dataclass(frozen=True)
class TradeConfig:
    """One trade keeper. Amounts of the collateral are decimal strings, until its decimals are known."""

    market: str
    strategy: str
    options: tuple[tuple[str, int], ...]
    """Fields of the strategy; prices are 1e18 fixed point."""
    amount: str | None
    """The most that the strategy spends at a time."""
    position: str
    daily_loss: str
    least_edge: str | None
    ether_e18: int | None
    """What an ether is worth in collateral; else the newest price of `ether_feed` says it."""
    ether_feed: str | None
    through: Through
    sizing: Sizing
    closing_seconds: int
    patience_seconds: int
    spot_seconds: int
    usual_gas: int
    paper: Path | None
    poll_seconds: float

    @property
    def name(self) -> str:
        """What the keeper is called."""
        return f"trade:{self.market}"

    def make_strategy(self, decimals: int) -> Strategy:
        """The strategy. Raises SettingError for what it cannot take, BadAmountError for too many digits."""
        options: dict[str, int | None] = dict(self.options)
        if self.amount is not None:
            options["amount_units"] = parse_units(self.amount, decimals)
        kinds: dict[str, type[Threshold | FairValue]] = dict(STRATEGIES)
        return kinds[self.strategy](**options)  # type: ignore[arg-type]  # numbers all

    def rules(self, decimals: int) -> TradeRules:
        """The limits, for a collateral with `decimals`. Raises as `make_strategy` does."""
        return TradeRules(
            position_units=parse_units(self.position, decimals),
            daily_loss_units=parse_units(self.daily_loss, decimals),
            sizing=self.sizing,
            least_edge_units=parse_units(self.least_edge, decimals) if self.least_edge else 1,
            closing_seconds=self.closing_seconds,
            patience_seconds=self.patience_seconds,
            spot_seconds=self.spot_seconds,
            usual_gas=self.usual_gas,
        )


def read_trade(fields: Fields) -> tuple[TradeConfig, ...]:
    """Every trade keeper. Raises ConfigError."""
    configs: list[TradeConfig] = []
    for one in fields.tables("trade", _KEYS):
        config = _trade(one)
        if any(config.market == other.market for other in configs):
            raise one.refuse("market", "has a trade keeper already", "keep one of the two")
        configs.append(config)
    return tuple(configs)


def _trade(fields: Fields) -> TradeConfig:
    strategy = fields.choice("strategy", tuple(STRATEGIES))
    other = next(name for name in STRATEGIES if name != strategy)
    if other in fields:
        raise fields.refuse(other, f"does not go with strategy {strategy}", "take it away")
    if "ether_collateral" not in fields and "ether_feed" not in fields:
        raise fields.missing("ether_collateral", 'what gas costs must be known; or ether_feed = "ETH/USD"')
    if "ether_collateral" in fields and "ether_feed" in fields:
        raise fields.refuse("ether_feed", "and ether_collateral are both given", "keep one of them")
    options = fields.table(strategy, _STRATEGY_KEYS[strategy])
    config = TradeConfig(
        market=fields.text("market"),
        strategy=strategy,
        options=_options(options),
        amount=options.amount("amount_collateral"),
        position=fields.required_amount("position_collateral"),
        daily_loss=fields.required_amount("daily_loss_collateral"),
        least_edge=fields.amount("least_edge_collateral"),
        ether_e18=fields.units("ether_collateral", _E18),
        ether_feed=fields.text("ether_feed") if "ether_feed" in fields else None,
        through=Through(fields.choice("through", tuple(Through), Through.FACADE)),
        sizing=Sizing(
            slippage_bps=fields.whole("slippage_bps", 100, most=9_999),
            margin_e18=fields.units("margin", _E18, 0, zero=True) or 0,
        ),
        closing_seconds=fields.whole("closing_seconds", 20, least=1, most=TRADING_WINDOW - 1),
        patience_seconds=fields.whole("patience_seconds", 30, least=1),
        spot_seconds=fields.whole("spot_seconds", 15, least=1),
        usual_gas=fields.whole("usual_gas", 150_000, least=21_000),
        paper=fields.path("paper"),
        poll_seconds=fields.seconds("poll_seconds", 2.0),
    )
    try:
        config.make_strategy(_E18)
    except SettingError as error:
        raise fields.refuse(strategy, f"cannot be used: {error.message}", error.hint) from None
    return config


def _options(fields: Fields) -> tuple[tuple[str, int], ...]:
    found = []
    for name in fields.names():
        if name == "stretch_bps":
            found.append((name, fields.whole(name, least=1)))
        elif name != "amount_collateral":
            found.append((f"{name}_e18", fields.required_units(name, _E18)))
    return tuple(found)
