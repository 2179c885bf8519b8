"""A strategy against the house on recorded prices: what it would have made, after fees, slippage and gas.

The house is the contract's own rule, from b·ln 2 anew each epoch; prices at the boundaries decide the
outcome. The strategy sees at each instant what it could have seen then: prices up to that instant (or
`delay_seconds` before it), and the volatility of the boundaries up to the epoch's start. It gets exactly the
shares that the house gives; nothing competes with it but, where `noise_units` is set, somebody who knows
nothing and buys before it at each instant, a side that a seeded coin has chosen.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import isqrt

from chain_kit.clob.orders import Side
from chain_kit.house import TRADING_WINDOW, HouseQuotes, HouseTerms
from chain_kit.lmsr import WAD
from chain_kit.prices import EPOCH, PriceSeries
from chain_kit.strategies.interface import MarketView, Position, Strategy
from chain_kit.strategies.sizing import Order, Sizing, size_order
from chain_kit.strategies.volatility import RealisedVolatility

__all__ = ["BacktestResult", "EpochResult", "Scene", "backtest"]


@dataclass(frozen=True)
class Scene:
    """What a strategy is put into. Amounts are base units of the collateral; times seconds into an epoch."""

    terms: HouseTerms
    sizing: Sizing = field(default_factory=Sizing)
    position_units: int = 10**30
    """The most shares of a side of an epoch."""
    gas_units: int = 0
    """What the gas of one trade costs, in collateral."""
    noise_units: int = 0
    instants: Sequence[int] = (60, 120, 180, 240)
    delay_seconds: int = 0
    returns: int = 288
    seed: int = 1

    def __post_init__(self) -> None:
        if not all(0 <= instant < TRADING_WINDOW for instant in self.instants):
            raise ValueError(f"the house does not trade at all of {list(self.instants)}")


@dataclass(frozen=True)
class EpochResult:
    """One epoch: what the strategy bought, paid and was paid, and what the house made of everybody."""

    start: int
    trades: int
    staked_units: int
    fees_units: int
    gas_units: int
    payout_units: int
    house_units: int

    @property
    def profit_units(self) -> int:
        """The strategy's, after fees and gas."""
        return self.payout_units - self.staked_units - self.gas_units


@dataclass(frozen=True)
class BacktestResult:
    """All epochs whose prices the recording has."""

    strategy: str
    epochs: tuple[EpochResult, ...]

    @property
    def trades(self) -> int:
        """Over all epochs."""
        return sum(epoch.trades for epoch in self.epochs)

    @property
    def staked_units(self) -> int:
        """What was paid to the house, its fees included."""
        return sum(epoch.staked_units for epoch in self.epochs)

    @property
    def fees_units(self) -> int:
        """The house's fees in it."""
        return sum(epoch.fees_units for epoch in self.epochs)

    @property
    def profit_units(self) -> int:
        """The strategy's, after fees and gas."""
        return sum(epoch.profit_units for epoch in self.epochs)

    @property
    def house_units(self) -> int:
        """The house's, from everybody."""
        return sum(epoch.house_units for epoch in self.epochs)

    @property
    def worst_units(self) -> int:
        """The profit of the worst epoch."""
        return min((epoch.profit_units for epoch in self.epochs), default=0)

    @property
    def deviation_units(self) -> int:
        """The standard error of the sum of profits, rounded down, were the epochs independent."""
        count = len(self.epochs)
        squares = sum(epoch.profit_units**2 for epoch in self.epochs)
        return isqrt(max(0, squares - self.profit_units**2 // count)) if count else 0

    def __str__(self) -> str:
        shown = (
            self.profit_units,
            self.deviation_units,
            self.staked_units,
            self.fees_units,
            self.house_units,
        )
        profit, error, staked, fees, house = (f"{Decimal(units) / WAD:.2f}" for units in shown)
        return (
            f"{self.strategy}: {len(self.epochs)} epochs, {self.trades} trades, staked {staked}, fees {fees},"
            f" profit {profit} ± {error}, house {house}"
        )


def backtest(series: PriceSeries, strategy: Strategy, scene: Scene) -> BacktestResult:
    """Plays all whole epochs of `series`, with b·ln 2 of the house in each."""
    coins = random.Random(scene.seed)  # noqa: S311 -- repeatable, not secret
    volatility = RealisedVolatility(returns=scene.returns)
    results = []
    for start in _starts(series, scene):
        for boundary in range((volatility.last or start - EPOCH) + EPOCH, start + 1, EPOCH):
            price_e18 = series.price_e18(boundary)
            if price_e18 is not None:
                volatility.observe(boundary, price_e18)
        play = _Epoch(series, strategy, scene, start, volatility.volatility_e18())
        for elapsed in scene.instants:
            play.at(elapsed, coins)
        results.append(play.settled())
    return BacktestResult(strategy.name, tuple(results))


def _starts(series: PriceSeries, scene: Scene) -> Iterator[int]:
    """The starts of the epochs of which every price is there."""
    needed = (0, EPOCH, *(elapsed - scene.delay_seconds for elapsed in scene.instants))
    for start in series.prices_e18:
        if start % EPOCH == 0 and all(series.price_e18(start + after) is not None for after in needed):
            yield start


class _Epoch:
    """One epoch as it goes on."""

    def __init__(
        self, series: PriceSeries, strategy: Strategy, scene: Scene, start: int, volatility_e18: int | None
    ) -> None:
        self._series = series
        self._strategy = strategy
        self._scene = scene
        self._start = start
        self._volatility_e18 = volatility_e18
        self._quotes = HouseQuotes.opening(scene.terms, 0)
        self._orders: list[Order] = []
        self._noise = dict.fromkeys(Side, 0)
        self._taken_units = 0

    def at(self, elapsed: int, coins: random.Random) -> None:
        """Whoever knows nothing buys, then the strategy."""
        self._quotes = self._quotes.at(elapsed)
        if self._scene.noise_units:
            side = coins.choice(list(Side))
            self._noise[side] += self._buy(side, self._scene.noise_units)
        view = self._view()
        signal = self._strategy.signal(view)
        if signal is None:
            return
        most_shares = self._scene.position_units - view.position.of(signal.side)
        order = size_order(
            view, signal, self._scene.sizing, most_units=view.budget_units, most_shares_units=most_shares
        )
        if order is not None and order.edge_units > self._scene.gas_units:
            self._buy(order.side, order.amount_units)
            self._orders.append(order)

    def _view(self) -> MarketView:
        seen = self._start + self._quotes.elapsed - self._scene.delay_seconds
        return MarketView(
            market_id=1,
            symbol=self._series.path,
            epoch=1,
            now=self._start + self._quotes.elapsed,
            quotes=self._quotes,
            start_price_e18=self._series.price_e18(self._start),
            spot_price_e18=self._series.price_e18(seen),
            volatility_e18=self._volatility_e18,
            position=Position(self._held(Side.YES), self._held(Side.NO)),
            budget_units=100 * self._scene.terms.liquidity_units,
        )

    def _buy(self, side: Side, amount_units: int) -> int:
        shares = self._quotes.buy(side, amount_units).shares_units
        self._quotes = self._quotes.after(side, amount_units)
        self._taken_units += amount_units
        return shares

    def _held(self, side: Side) -> int:
        return sum(order.shares_units for order in self._orders if order.side == side)

    def settled(self) -> EpochResult:
        """What came of it at the end price."""
        started, ended = (self._series.prices_e18[self._start + after] for after in (0, EPOCH))

        def paid(yes: int, no: int) -> int:
            return (yes + no) // 2 if ended == started else yes if ended > started else no

        own = paid(self._held(Side.YES), self._held(Side.NO))
        others = paid(self._noise[Side.YES], self._noise[Side.NO])
        return EpochResult(
            start=self._start,
            trades=len(self._orders),
            staked_units=sum(order.amount_units for order in self._orders),
            fees_units=sum(order.fee_units for order in self._orders),
            gas_units=len(self._orders) * self._scene.gas_units,
            payout_units=own,
            house_units=self._taken_units - own - others,
        )
