"""The paper book: what the keeper would have bought, in a file, settled by what really came of the epochs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from chain_kit.clob.orders import Side
from chain_kit.contracts import Contract, call_many
from chain_kit.errors import StoreCorruptError, StoreDeploymentError
from chain_kit.files import write_atomically
from chain_kit.house import HouseQuotes
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.rounds import Head
from chain_kit.keepers.trade.book import OPEN, Day, Deal, Place, payout_down, sum_up
from chain_kit.strategies import Order, Position
from chain_kit.units import format_units

__all__ = ["PaperBook", "PaperReport", "PaperTrade"]

_VERSION = 1


@dataclass(frozen=True)
class PaperTrade:
    """A purchase that was not made, in base units; `outcome` is the hub's number, 0 while it is open."""

    market_id: int
    epoch: int
    side: Side
    at: int
    amount_units: int
    fee_units: int
    shares_units: int
    gas_units: int
    liquidity_units: int
    """The house's b then."""
    ends_at: int
    outcome: int = OPEN

    @property
    def place(self) -> Place:
        """Its market and epoch."""
        return self.market_id, self.epoch

    @property
    def deal(self) -> Deal:
        """The same as a deal."""
        return Deal(self.place, self.side, self.amount_units, self.shares_units, self.gas_units)


@dataclass(frozen=True)
class PaperReport:
    """What the paper trades have come to. Profit is that of ended epochs, after fees and gas."""

    trades: int
    staked_units: int
    fees_units: int
    gas_units: int
    open_units: int
    profit_units: int

    def sentence(self, decimals: int) -> str:
        """For people."""
        staked, fees, gas, at_stake, profit = (
            format_units(units, decimals)
            for units in (
                self.staked_units,
                self.fees_units,
                self.gas_units,
                self.open_units,
                self.profit_units,
            )
        )
        return (
            f"{self.trades} paper trades: staked {staked}, of it fees {fees}, and gas {gas}; profit after"
            f" costs {profit}, still open {at_stake}"
        )


class PaperBook:
    """The trades in the file at `path`, which is made when there is one; of one hub on one chain.

    Each change is written whole or not at all. Raises StoreCorruptError for a file that holds no paper book,
    StoreDeploymentError for another deployment's.
    """

    def __init__(self, path: Path, rpc: JsonRpc, hub: Contract, chain_id: int) -> None:
        self._path = path
        self._rpc = rpc
        self._hub = hub
        self._owner = {"version": _VERSION, "chain_id": chain_id, "hub": hub.address}
        self._trades = self._loaded()

    @property
    def trades(self) -> tuple[PaperTrade, ...]:
        """All of them, oldest first."""
        return tuple(self._trades)

    def purchases(self, place: Place) -> int:
        """How many there are in an epoch."""
        return sum(trade.place == place for trade in self._trades)

    def position(self, place: Place) -> Position:
        """The shares of an epoch that would be held."""
        yes, no = (
            sum(trade.shares_units for trade in self._trades if (trade.place, trade.side) == (place, side))
            for side in Side
        )
        return Position(yes, no)

    def quotes(self, quotes: HouseQuotes, place: Place) -> HouseQuotes:
        """The house's quotes as they would stand, had these purchases been made after everybody else's.

        Each is made again with as much of its amount as b has left, for so far do prices stay where they
        were.
        """
        for trade in self._trades:
            if trade.place == place:
                amount = trade.amount_units * quotes.liquidity_units // trade.liquidity_units
                quotes = quotes.after(trade.side, amount)
        return quotes

    def add(
        self, place: Place, order: Order, quotes: HouseQuotes, *, now: int, ends_at: int, gas_units: int
    ) -> None:
        """Writes down that `order` would have been sent at `now`, to a house that quotes `quotes`."""
        trade = PaperTrade(
            market_id=place[0],
            epoch=place[1],
            side=order.side,
            at=now,
            amount_units=order.amount_units,
            fee_units=order.fee_units,
            shares_units=order.shares_units,
            gas_units=gas_units,
            liquidity_units=quotes.liquidity_units,
            ends_at=ends_at,
        )
        self._store([*self._trades, trade])

    async def read(self, head: Head, gas_units: Callable[[int], int]) -> Day:  # noqa: ARG002
        """Settles what has ended by `head`, and sums up the day."""
        await self.settle(head)
        outcomes = {trade.place: trade.outcome for trade in self._trades}
        ends = {trade.place: trade.ends_at for trade in self._trades}
        return sum_up((trade.deal for trade in self._trades), outcomes, ends, head.timestamp)

    async def settle(self, head: Head) -> None:
        """Asks the chain how open epochs have ended."""
        places = sorted({trade.place for trade in self._trades if trade.outcome == OPEN})
        questions = [(self._hub, "outcomeOf", place) for place in places]
        answers = await call_many(self._rpc, questions, block=head.number)
        known = {place: a.outcome for place, a in zip(places, answers, strict=True) if a.outcome != OPEN}
        if known:
            self._store([replace(one, outcome=known.get(one.place, one.outcome)) for one in self._trades])

    def report(self) -> PaperReport:
        """What it has come to, as far as outcomes are known."""
        ended = [trade for trade in self._trades if trade.outcome != OPEN]
        paid = 0
        for place, outcome in {trade.place: trade.outcome for trade in ended}.items():
            held = self.position(place)
            paid += payout_down(outcome, held.yes_units, held.no_units)
        return PaperReport(
            trades=len(self._trades),
            staked_units=sum(trade.amount_units for trade in self._trades),
            fees_units=sum(trade.fee_units for trade in self._trades),
            gas_units=sum(trade.gas_units for trade in self._trades),
            open_units=sum(trade.amount_units for trade in self._trades if trade.outcome == OPEN),
            profit_units=paid - sum(trade.amount_units + trade.gas_units for trade in ended),
        )

    # ------------------------------------------------------------------ the file

    def _store(self, trades: list[PaperTrade]) -> None:
        rows = [_row(trade) for trade in trades]
        write_atomically(
            self._path, orjson.dumps({**self._owner, "trades": rows}, option=orjson.OPT_INDENT_2)
        )
        self._trades = trades

    def _loaded(self) -> list[PaperTrade]:
        if not self._path.exists():
            return []
        try:
            document = orjson.loads(self._path.read_bytes())
            trades = [_trade(row) for row in document["trades"]]
            owner = {name: document[name] for name in self._owner}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreCorruptError(
                f"{self._path} holds no paper book: {error}", hint="move the file away to begin a new one"
            ) from None
        if owner != self._owner:
            raise StoreDeploymentError(
                f"{self._path} is the paper book of {owner}, not of {self._owner}", hint="name another file"
            )
        return trades


def _row(trade: PaperTrade) -> dict[str, Any]:
    """A trade as JSON has it: amounts are decimal strings of base units."""
    row = asdict(trade) | {"side": trade.side.name}
    return {name: str(value) if name.endswith("_units") else value for name, value in row.items()}


def _trade(row: Mapping[str, Any]) -> PaperTrade:
    fields = {name: int(value) for name, value in row.items() if name != "side"}
    return PaperTrade(**fields, side=Side[row["side"]])
