"""The trade keeper: buys from the house what a strategy finds cheap, where that pays after all costs.

Each round looks at one market at one block and makes one purchase at most: the strategy says what a share is
worth, the house's own rule how many may be bought below that, and the purchase is sent only if what it leaves
covers its gas on both chains. It is bound to its epoch, to a deadline within the trading window and to the
least number of shares that still pays. On paper, everything is the same but the sending.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from chain_kit.contracts import Contract
from chain_kit.keepers.rounds import read_head, run_rounds
from chain_kit.keepers.trade.book import Book, ChainBook, Day
from chain_kit.keepers.trade.market import MarketReader, Reading, Through
from chain_kit.keepers.trade.paper import PaperBook
from chain_kit.keepers.trade.prices import (
    BoundaryVolatility,
    EtherPrice,
    SpotSource,
    collateral_up,
    wei_down,
)
from chain_kit.keepers.trade.rules import TradeRules, TradeSender
from chain_kit.oracle import feed_id
from chain_kit.outbox import Outcome
from chain_kit.price_sources import PriceSource
from chain_kit.prices import EPOCH
from chain_kit.strategies import MarketView, Order, Strategy, size_order
from chain_kit.units import format_units

__all__ = ["TradeKeeper", "TradeRound"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TradeRound:
    """What one round did: the order that it made (or, on paper, wrote down), or why it made none."""

    epoch: int
    order: Order | None = None
    reason: str = ""
    gas_units: int = 0
    outcome: Outcome | None = None
    halted: bool = False
    """The day's loss limit is reached: nothing is bought until the next UTC day."""


class TradeKeeper:
    """Trades in one market of a hub for the sender's account.

    Safe to be killed at any moment: how many purchases an epoch has is read from the chain, and while one is
    under way no other is decided. `paper` is the file's book for paper trading: then nothing is sent.
    `starts` knows the start price where the oracle does not have it yet: the source that the resolve keeper
    posts from. `alarm` is called with a sentence when the day's loss limit is reached, once a day; it is
    logged as an error in any case. Keepers of several markets share a `book` and a `turn`: one decides after
    the other, so that no two count on the same part of the day's limit.
    """

    name = "trade"

    def __init__(
        self,
        sender: TradeSender,
        *,
        hub: str,
        market_id: int,
        strategy: Strategy,
        spot: SpotSource,
        ether: EtherPrice,
        rules: TradeRules,
        through: Through = Through.FACADE,
        starts: PriceSource | None = None,
        book: Book | None = None,
        paper: PaperBook | None = None,
        turn: asyncio.Lock | None = None,
        alarm: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._sender = sender
        self._hub = Contract("EpochHub", hub)
        self._market = MarketReader(sender.rpc, self._hub, market_id, sender.address, through)
        self._strategy = strategy
        self._spot = spot
        self._ether = ether
        self._rules = rules
        self._starts = starts
        self._paper = paper
        self._book: Book = paper or book or ChainBook(sender.rpc, self._hub, sender.address)
        self._turn = turn or asyncio.Lock()
        self._alarm = alarm
        self._alarmed_on: int | None = None
        self._volatility: BoundaryVolatility | None = None
        self._told = ""

    async def run(self, stop: asyncio.Event, poll_seconds: float = 2.0) -> None:
        """Runs rounds until `stop` is set. What may be otherwise in the next round is logged only."""
        await run_rounds(self.name, self.run_once, stop, poll_seconds)

    async def run_once(self) -> TradeRound:
        """One round: goes on with what is under way; if nothing is, decides, and buys.

        Raises what the sender raises, and PriceSourceError if the price of ether is not known.
        """
        await self._market.open()
        if self._paper is None:
            await self._sender.reconcile()
            subjects = await self._sender.under_way(self._market.target.address, "trade")
            if any(subject.startswith(self._market.prefix) for subject in subjects):
                return TradeRound(0, reason="a trade is under way")
        async with self._turn:
            return await self._take_turn()

    async def _take_turn(self) -> TradeRound:
        reading = await self._market.read(await read_head(self._sender.rpc))
        ether_e18 = await self._ether.collateral_e18(reading.head)
        day = await self._book.read(
            reading.head, lambda wei: collateral_up(wei, ether_e18, self._market.decimals)
        )
        self._tell_paper()
        done = await self._decide(reading, day, ether_e18)
        if done.order is None:
            _LOG.debug("market %s, epoch %s: no trade: %s", reading.symbol, reading.epoch, done.reason)
        return done

    # ------------------------------------------------------------------ deciding

    async def _decide(self, reading: Reading, day: Day, ether_e18: int) -> TradeRound:
        waiting = TradeRound(reading.epoch)
        if day.loss_units >= self._rules.daily_loss_units:
            self._raise_alarm(day)
            return replace(waiting, reason="the day's loss limit is reached", halted=True)
        latest = reading.closes_at - self._rules.closing_seconds
        if reading.closed or reading.head.timestamp >= latest:
            return replace(waiting, reason=reading.closed or "the window is about to close")
        view = await self._view(reading, day)
        signal = self._strategy.signal(view)
        if signal is None:
            return replace(waiting, reason="the strategy sees nothing to buy")
        order = size_order(
            view,
            signal,
            self._rules.sizing,
            most_units=self._rules.daily_loss_units - day.loss_units - day.open_units,
            most_shares_units=self._rules.position_units - view.position.of(signal.side),
        )
        if order is None:
            return replace(waiting, reason="nothing can be bought below its worth, or within the limits")
        deadline = min(reading.head.timestamp + self._rules.patience_seconds, latest)
        return await self._weigh(reading, view, order, deadline, ether_e18)

    async def _weigh(
        self, reading: Reading, view: MarketView, order: Order, deadline: int, ether_e18: int
    ) -> TradeRound:
        """Sets the order against its gas, and makes it if it pays."""
        decimals = self._market.decimals
        place = (self._market.market_id, reading.epoch)
        left_units = order.edge_units - self._rules.least_edge_units
        intent = self._market.intent(
            reading,
            order,
            self._book.purchases(place),
            deadline=deadline,
            worth_wei=max(0, wei_down(left_units, ether_e18, decimals)),
        )
        quote = await self._sender.quote(intent)
        if quote.revert and self._paper is None:
            return TradeRound(reading.epoch, reason=f"the contract refuses: {quote.revert}")
        gas = quote.gas or self._rules.usual_gas
        cost_wei = gas * quote.fees.max_fee_per_gas_wei + quote.l1_fee_wei
        gas_units = collateral_up(cost_wei, ether_e18, decimals)
        if gas_units > left_units:
            edge, cost = format_units(order.edge_units, decimals), format_units(gas_units, decimals)
            return TradeRound(reading.epoch, reason=f"an edge of {edge} does not pay for gas of {cost}")
        done = TradeRound(reading.epoch, order, gas_units=gas_units)
        if self._paper is not None:
            ends_at = reading.start_at + EPOCH
            self._paper.add(place, order, view.quotes, now=view.now, ends_at=ends_at, gas_units=gas_units)
            self._log("would buy", reading, done)
            return done
        self._log("buys", reading, done)
        return replace(done, outcome=await self._sender.submit(intent))

    async def _view(self, reading: Reading, day: Day) -> MarketView:
        now = reading.head.timestamp
        spot = await self._spot.spot(reading.feed, now)
        # The clock of the newest block may lie a little behind the source's.
        fresh = spot is not None and abs(now - spot.at) <= self._rules.spot_seconds
        start_e18 = reading.start_price_e18
        if start_e18 is None and self._starts is not None:
            start_e18 = await self._starts.price_e18(reading.feed, reading.start_at)
        quotes, position, budget_units = reading.quotes, reading.position, reading.budget_units
        if self._paper is not None:
            place = (self._market.market_id, reading.epoch)
            quotes, position = self._paper.quotes(quotes, place), self._paper.position(place)
            budget_units = self._rules.daily_loss_units - day.loss_units - day.open_units
        return MarketView(
            market_id=self._market.market_id,
            symbol=reading.symbol,
            epoch=reading.epoch,
            now=now,
            quotes=quotes,
            start_price_e18=start_e18,
            spot_price_e18=spot.price_e18 if spot is not None and fresh else None,
            volatility_e18=await self._volatility_e18(reading),
            position=position,
            budget_units=budget_units,
        )

    async def _volatility_e18(self, reading: Reading) -> int | None:
        if self._volatility is None:
            (oracle,) = await self._hub.call(self._sender.rpc, "oracle")
            self._volatility = BoundaryVolatility(
                self._sender.rpc, Contract("BoundaryOracle", oracle), feed_id(reading.feed)
            )
        return await self._volatility.volatility_e18(reading.head)

    # ------------------------------------------------------------------ telling

    def _raise_alarm(self, day: Day) -> None:
        if self._alarmed_on == day.number:
            return
        self._alarmed_on = day.number
        lost, limit = (
            format_units(units, self._market.decimals)
            for units in (day.loss_units, self._rules.daily_loss_units)
        )
        sentence = (
            f"trading has lost {lost} today; the limit is {limit}: nothing is bought until tomorrow (UTC)"
        )
        _LOG.error("%s", sentence)
        self._alarm(sentence)

    def _tell_paper(self) -> None:
        """Logs what the paper trades have come to, whenever that has changed."""
        sentence = self._paper.report().sentence(self._market.decimals) if self._paper is not None else ""
        if sentence != self._told:
            self._told = sentence
            _LOG.info("%s", sentence)

    def _log(self, what: str, reading: Reading, done: TradeRound) -> None:
        assert done.order is not None
        order = done.order
        amount, shares, edge, gas = (
            format_units(units, self._market.decimals)
            for units in (order.amount_units, order.shares_units, order.edge_units, done.gas_units)
        )
        _LOG.info(
            "%s %s %s shares of %s, epoch %s, for %s: worth %s each, edge %s, gas %s",
            what,
            shares,
            order.side.name,
            reading.symbol,
            reading.epoch,
            amount,
            format_units(order.target_probability_e18, 18),
            edge,
            gas,
        )
