"""One market as the trade keeper reads it, all at one block."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chain_kit.clob.orders import Side
from chain_kit.contracts import Contract, Question, call_many
from chain_kit.house import STEP, TRADING_WINDOW, HouseQuotes, HouseTerms
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.effects import trade_made
from chain_kit.keepers.rounds import Head
from chain_kit.oracle import feed_name
from chain_kit.outbox import Intent
from chain_kit.prices import EPOCH
from chain_kit.strategies import Order, Position

__all__ = ["MarketReader", "Reading", "Through"]

_BUY = {
    side: f"buy{name}(uint256,uint256,uint256,uint256)"
    for side, name in zip(Side, ("Yes", "No"), strict=True)
}


class Through(StrEnum):
    """Where a trade's collateral comes from."""

    FACADE = "facade"
    """The account's wallet, by the market's facade, which it has approved."""
    HUB = "hub"
    """The account's balance in the hub: less gas."""


@dataclass(frozen=True)
class Reading:
    """The running epoch of a market at a block; `epoch` is 0 before the market's genesis.

    `start_price_e18` is None while the oracle holds no price of the epoch's start. `closed` says why the
    house does not trade, if it does not.
    """

    head: Head
    feed: str
    symbol: str
    epoch: int
    start_at: int
    quotes: HouseQuotes
    start_price_e18: int | None
    position: Position
    budget_units: int
    closed: str = ""

    @property
    def closes_at(self) -> int:
        """The second at which the window is over."""
        return self.start_at + TRADING_WINDOW


class MarketReader:
    """Reads a market of `hub`, and the part of `account` in it."""

    def __init__(
        self, rpc: JsonRpc, hub: Contract, market_id: int, account: str, through: Through = Through.FACADE
    ) -> None:
        self.hub = hub
        self.market_id = market_id
        self.account = account
        self.through = through
        self._rpc = rpc
        self._facade: Contract | None = None
        self._token: Contract | None = None
        self._decimals = 18

    async def open(self) -> None:
        """Reads what never changes. Raises ContractMissingError if there is no such market."""
        if self._facade is not None:
            return
        (address,) = await self.hub.call(self._rpc, "facadeOf", self.market_id)
        facade = Contract("MarketFacade", address)
        (token,) = await facade.call(self._rpc, "collateralToken")
        self._token = Contract("TestToken", token)
        (self._decimals,) = await self._token.call(self._rpc, "decimals")
        self._facade = facade

    @property
    def decimals(self) -> int:
        """Those of the collateral."""
        return self._decimals

    @property
    def target(self) -> Contract:
        """The contract that trades are sent to. Only after `open`."""
        assert self._facade is not None
        return self._facade if self.through is Through.FACADE else self.hub

    async def read(self, head: Head) -> Reading:
        """The epoch that runs at `head`."""
        market, paused = await self._ask(
            head, (self.hub, "market", (self.market_id,)), (self.hub, "tradingPaused", ())
        )
        market, (paused,) = market[0], paused
        since = head.timestamp - market.genesis
        epoch = since // EPOCH + 1 if since >= 0 else 0
        elapsed = since % EPOCH if since >= 0 else 0
        # Before the first epoch there is nothing to read of one but that.
        place = (self.market_id, max(1, epoch))
        state, outcome, held, *funds = await self._ask(
            head,
            (self.hub, "houseState", place),
            (self.hub, "outcomeOf", place),
            (self.hub, "positionOf", (*place, self.account)),
            *self._fund_questions(),
        )
        terms = HouseTerms(market.liquidity, market.closingLiquidityBps, market.feeBps, market.closingFeeBps)
        quotes, opens = _quotes(terms, state, elapsed)
        return Reading(
            head=head,
            feed=feed_name(market.feed),
            symbol=market.symbol,
            epoch=epoch,
            start_at=market.genesis + (epoch - 1) * EPOCH,
            quotes=quotes,
            start_price_e18=outcome.startPrice or None,
            position=Position(*held),
            budget_units=min(answer[0] for answer in funds),
            closed=_closed(
                market,
                paused=paused,
                epoch=epoch,
                elapsed=elapsed,
                opens_with=quotes.yes_units if opens else 0,
            ),
        )

    def _fund_questions(self) -> list[Question]:
        if self.through is Through.HUB:
            return [(self.hub, "collateralOf", (self.account,))]
        assert self._token is not None
        return [
            (self._token, "balanceOf", (self.account,)),
            (self._token, "allowance", (self.account, self.target.address)),
        ]

    async def _ask(self, head: Head, *questions: Question) -> list[Any]:
        return await call_many(self._rpc, questions, block=head.number)

    def intent(
        self, reading: Reading, order: Order, sequence: int, *, deadline: int, worth_wei: int | None
    ) -> Intent:
        """The purchase of `order`, number `sequence` of the account in the epoch, to be made once."""
        bounds = (order.amount_units, order.min_shares_units, reading.epoch, deadline)
        if self.through is Through.FACADE:
            data = self.target.encode_call(_BUY[order.side], *bounds)
        else:
            data = self.target.encode_call("buy", self.market_id, int(order.side), *bounds)
        least = reading.position.of(order.side) + order.min_shares_units
        effect = trade_made(
            self.hub.address,
            self.market_id,
            reading.epoch,
            self.account,
            side=order.side,
            least_shares_units=least,
        )
        return Intent(
            contract=self.target.address,
            action="trade",
            subjects=(f"{self.prefix}{reading.epoch}:{sequence}",),
            data=data,
            effect=effect,
            deadline=deadline,
            worth_wei=worth_wei,
        )

    @property
    def prefix(self) -> str:
        """What the subjects of the account's trades in this market begin with."""
        return f"{self.account}:{self.market_id}:"


def _quotes(terms: HouseTerms, state: Any, elapsed: int) -> tuple[HouseQuotes, bool]:
    """The house's quotes now, and whether the next trade opens them."""
    if state.quotedYes == 0:
        return HouseQuotes.opening(terms, elapsed), True
    # Any second of the step at which the house last retired shares.
    then = HouseQuotes(terms, state.step * STEP, state.quotedYes, state.quotedNo)
    return then.at(elapsed), False


def _closed(market: Any, *, paused: bool, epoch: int, elapsed: int, opens_with: int) -> str:
    if paused:
        return "trading is paused"
    if epoch == 0:
        return "the market has not started"
    if elapsed >= TRADING_WINDOW:
        return "the window is over"
    if opens_with > min(market.houseBudget, market.dailyBudget - market.spentToday):
        return "the house has no budget for this epoch"
    return ""
