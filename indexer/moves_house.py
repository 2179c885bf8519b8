"""What the switches of the house move, as the table in `accounts_house` says."""

from __future__ import annotations

from indexer import events as ev
from indexer.accounts import Books, Key
from indexer.accounts_house import SWITCHES, daily_account, paused_account
from indexer.events import Emitter
from indexer.events_house import HouseDailyBudgetSet, TradingPaused
from indexer.moves import Handler, Reads

__all__ = ["HANDLERS", "READS"]


def _set(books: Books, account: str, value: int) -> None:
    books.move(SWITCHES, "unset", account, value - books.sum(account, SWITCHES))


def _paused(event: TradingPaused, books: Books, emitter: Emitter) -> None:
    _set(books, paused_account(emitter.contract), int(event.paused))


def _daily_budget(event: HouseDailyBudgetSet | ev.MarketCreated, books: Books, _: Emitter) -> None:
    _set(books, daily_account(event.market_id), event.daily_budget)


def _reads_paused(_event: TradingPaused, emitter: Emitter) -> list[Key]:
    return [Key(paused_account(emitter.contract), SWITCHES)]


def _reads_daily(event: HouseDailyBudgetSet | ev.MarketCreated, _: Emitter) -> list[Key]:
    return [Key(daily_account(event.market_id), SWITCHES)]


HANDLERS: dict[tuple[str, str], Handler] = {
    ("EpochHub", "MarketCreated"): _daily_budget,
    ("EpochHub", "HouseDailyBudgetSet"): _daily_budget,
    ("EpochHub", "TradingPaused"): _paused,
    ("RaceMarket", "TradingPaused"): _paused,
}
READS: dict[tuple[str, str], Reads] = {
    ("EpochHub", "MarketCreated"): _reads_daily,
    ("EpochHub", "HouseDailyBudgetSet"): _reads_daily,
    ("EpochHub", "TradingPaused"): _reads_paused,
    ("RaceMarket", "TradingPaused"): _reads_paused,
}
