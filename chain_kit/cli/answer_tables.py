"""The other answers as tables: markets, trades, candles, payouts, reward tokens and races."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chain_kit.cli.output import print_table
from chain_kit.cli.tables import POSITIONS, STAMP, cut, print_stamp, print_stamped

if TYPE_CHECKING:
    from indexer.queries import (
        CandleAnswer,
        MarketAnswer,
        MrtAnswer,
        MrtHolderAnswer,
        PayoutsAnswer,
        RaceAnswer,
        RaceEpochAnswer,
        RacePositionAnswer,
        TradeAnswer,
    )

__all__ = [
    "print_candles",
    "print_markets",
    "print_mrt",
    "print_mrt_holders",
    "print_payouts",
    "print_race",
    "print_race_positions",
    "print_races",
    "print_trades",
]

_MARKETS = [
    ("market", "market"),
    ("id ", "market_id"),
    ("address", "address"),
    ("genesis", "genesis_at"),
    ("epoch ", "epoch"),
    ("liquidity ", "liquidity"),
    ("fee bps ", "fee_bps"),
]
_TRADES = [
    ("at", "at"),
    ("market", "market"),
    ("epoch ", "epoch"),
    ("account", "account"),
    ("with", "source"),
    ("what", "what"),
    ("shares ", "shares"),
    ("price ", "price"),
    ("amount ", "amount"),
    ("fee ", "fee"),
    ("position ", "position"),
]
_CANDLES = [
    ("from", "timestamp"),
    ("open ", "open"),
    ("high ", "high"),
    ("low ", "low"),
    ("close ", "close"),
    ("volume ", "volume"),
    ("trades ", "trades"),
]
_ROOTS = [
    ("root", "root"),
    ("total ", "total"),
    ("status", "status"),
    ("active from", "active_at"),
]
_HOLDERS = [
    ("rank ", "rank"),
    ("account", "account"),
    ("what it is", "role"),
    ("balance ", "balance"),
    ("share ", "share"),
]
_RACES = [
    ("race", "race"),
    ("id ", "race_id"),
    ("assets", "names"),
    ("positions ", "positions"),
    ("genesis", "genesis_at"),
    ("epoch ", "epoch"),
]
_FINISH = [
    ("asset", "asset"),
    ("start price ", "start_price"),
    ("end price ", "end_price"),
    ("place ", "first_place"),
    ("shared by ", "shared_by"),
]
_BOOKS = [
    ("position ", "position"),
    ("asset", "asset"),
    ("book ", "book_id"),
    ("YES supply ", "yes_supply"),
    ("NO supply ", "no_supply"),
    ("YES pays ", "yes_payout"),
]
_NAMED = [("what", "what"), ("value ", "value")]


def print_markets(rows: Sequence[MarketAnswer]) -> None:
    """The markets."""
    print_stamped("Markets", _MARKETS, rows)


def print_trades(rows: Sequence[TradeAnswer]) -> None:
    """Trades, with what the next page is asked for by in the last column."""
    print_stamped("Trades", _TRADES, [{**row, "what": f"{row['action']} {row['side']}"} for row in rows])


def print_candles(market: str, rows: Sequence[CandleAnswer]) -> None:
    """A market's candles."""
    print_stamped(f"Candles of {market}", _CANDLES, rows)


def print_payouts(answer: PayoutsAnswer) -> None:
    """The vault's roots and what it has paid."""
    token = answer["token"]
    print_table(f"Roots, in {token}", _ROOTS, answer["roots"])
    claims = [("account", "account"), (f"paid in {token} ", "claimed")]
    print_table("Claims", claims, [cut(claim) for claim in answer["claims"]])
    totals = [
        {"what": name.replace("_", " "), "value": _field(answer, name)}
        for name in ("active_root", "active_total", "pending_root", "pending_total", "claimed_total")
    ]
    print_table("In all", _NAMED, totals)
    print_stamp(answer)


def print_mrt(answer: MrtAnswer) -> None:
    """A reward token, a line for each thing that is known of it."""
    rows = [
        {"what": name.replace("_", " "), "value": value}
        for name, value in answer.items()
        if name not in STAMP
    ]
    print_table(f"Reward token of {answer['market']}", _NAMED, rows)
    print_stamp(answer)


def print_mrt_holders(market: str, rows: Sequence[MrtHolderAnswer]) -> None:
    """Who holds a reward token."""
    print_stamped(f"Holders of the reward token of {market}", _HOLDERS, rows)


def print_races(rows: Sequence[RaceAnswer]) -> None:
    """The races."""
    named = [{**row, "names": " ".join(asset["asset"] for asset in row["assets"])} for row in rows]
    print_stamped("Races", _RACES, named)


def print_race(answer: RaceEpochAnswer) -> None:
    """An epoch of a race: the finish, and the books that somebody holds shares of."""
    title = f"{answer['race']}, epoch {answer['epoch']}, {answer['status'].lower()}"
    # Prices are of whatever size: none is cut.
    print_table(title, _FINISH, answer["finish"])
    held = [cut(book) for book in answer["books"] if (book["yes_supply"], book["no_supply"]) != ("0", "0")]
    if held:
        print_table(f"Books; pots by position: {', '.join(answer['pots'])}", _BOOKS, held)
    print_stamp(answer)


def print_race_positions(address: str, rows: Sequence[RacePositionAnswer]) -> None:
    """One account's positions in races."""
    columns = [POSITIONS[0], ("place ", "position"), ("asset", "asset"), *POSITIONS[1:]]
    print_stamped(f"Positions of {address} in races", columns, rows)


def _field(answer: Mapping[str, Any], name: str) -> object:
    return answer[name]
