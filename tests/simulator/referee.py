"""Holds an index's answers against the books of the world that made the chain.

Each answer is judged as of the block that it names, on whatever branch that is. What is not called verified
is not claimed, and may be wrong; what is must be right in every digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chain_kit.units import format_units, iso_utc
from indexer import queries
from indexer.blocks import Block
from indexer.database import Database
from tests.index_support.chain import FakeChain
from tests.index_support.world import Books, World

__all__ = ["Referee", "WrongAnswerError"]

_QUESTIONS = (
    "epochs", "positions", "reserve", "payouts", "mrt", "mrt_holders", "trades", "candles", "markets",
)  # fmt: skip
_OF_A_MARKET = ("epochs", "mrt", "mrt_holders", "candles")
_SIDES = (0, 1)
_PAYOUT_DECIMALS = 6
_TRADES = 100
_INTERVAL = 300
Answer = Mapping[str, Any]


class WrongAnswerError(Exception):
    """An answer that was called verified is not what the books say."""


class Referee:
    """Judges answers about `world`, whose branches share its books."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.verified = 0
        """Answers that were claimed to be right, and were."""
        self.unverified = 0

    async def judge(
        self, database: Database, accounts: Sequence[str], *, at_block: int | None = None
    ) -> None:
        """Asks everything, as of the last block or an earlier one. Raises WrongAnswerError."""
        for question in _QUESTIONS:
            await self.ask(question, database, accounts, at_block=at_block)

    async def ask(
        self, question: str, database: Database, accounts: Sequence[str], *, at_block: int | None = None
    ) -> None:
        """Asks one question, of `questions()`. Raises WrongAnswerError."""
        expected = getattr(self, f"_{question}")
        if question == "positions":
            for account in accounts:
                rows: Any = await queries.positions(database, account, at_block=at_block)
                self._see(f"positions of {account}", rows, lambda at, who=account: expected(at, who))
            return
        ask = getattr(queries, question)
        arguments = ("BTC",) if question in _OF_A_MARKET else ()
        answer = await ask(database, *arguments, at_block=at_block)
        self._see(question, answer if isinstance(answer, list) else [answer], expected)

    @staticmethod
    def questions() -> tuple[str, ...]:
        """What can be asked."""
        return _QUESTIONS

    def _see(self, what: str, rows: Sequence[Answer], expected: Any) -> None:
        """Compares one question's rows, which are all of one block."""
        if not rows:
            return
        stamps = {(row["block"], row["block_hash"], row["level"], row["verified"]) for row in rows}
        if len(stamps) != 1:
            raise WrongAnswerError(f"{what}: the rows are not of one moment: {sorted(stamps)}")
        number, digest, level, verified = stamps.pop()
        if not verified:
            self.unverified += 1
            return
        where = f"{what} at block {number} ({digest}), {level}"
        block = self._world.chain.known.get(digest)
        if block is None or block.number != number:
            raise WrongAnswerError(f"{where}: there never was such a block")
        right = expected(_Moment(self._world, block))
        if len(right) != len(rows):
            raise WrongAnswerError(f"{where}: {len(rows)} rows, not {len(right)}")
        for row, wanted in zip(rows, right, strict=True):
            wrong = {name: (row[name], value) for name, value in wanted.items() if row[name] != value}
            if wrong:
                raise WrongAnswerError(f"{where}: {wrong} (answered, right) of {wanted}")
        self.verified += 1

    def _epochs(self, at: _Moment) -> list[Answer]:
        made = {epoch for epoch, sets in at.books.sets.items() if sets}
        return [_epoch(at, epoch) for epoch in sorted({*range(1, at.epoch + 1), *made})]

    def _positions(self, at: _Moment, account: str) -> list[Answer]:
        epochs = sorted(epoch for who, epoch in at.books.touched if who == account)
        return [_position(at, account, epoch) for epoch in epochs]

    def _reserve(self, at: _Moment) -> list[Answer]:
        books = at.books
        owed = max(books.active, books.pending or 0) - books.claimed.total()
        return [
            {
                "at": iso_utc(at.block.timestamp),
                "hub": _part(books.hub_tokens, books.liabilities(), 18),
                "vault": _part(books.vault_tokens, owed, _PAYOUT_DECIMALS),
            }
        ]

    def _payouts(self, at: _Moment) -> list[Answer]:
        books = at.books
        paid = sorted((-amount, account) for account, amount in books.claimed.items() if amount)
        claims = [{"account": who, "claimed": _units(-amount, _PAYOUT_DECIMALS)} for amount, who in paid]
        totals = {
            "active_total": books.active,
            "pending_total": books.pending or 0,
            "claimed_total": books.claimed.total(),
        }
        return [{name: _units(n, _PAYOUT_DECIMALS) for name, n in totals.items()} | {"claims": claims}]

    def _mrt(self, at: _Moment) -> list[Answer]:
        raised = at.books.raised + at.books.pooled
        return [
            {
                "is_graduated": at.books.pooled > 0,
                "total_raised": _units(raised, _PAYOUT_DECIMALS),
                "unclaimed_fees": _units(at.books.fees, _PAYOUT_DECIMALS),
                "sold": _units(at.books.curve_tokens.total()),
                "supply": _units(at.books.mrt.total()),
                "holders": sum(amount > 0 for amount in at.books.mrt.values()),
            }
        ]

    def _mrt_holders(self, at: _Moment) -> list[Answer]:
        supply = at.books.mrt.total()
        held = sorted((-amount, account) for account, amount in at.books.mrt.items() if amount > 0)
        return [
            {
                "rank": rank,
                "account": account,
                "balance": _units(-amount),
                "share": _units(-amount * 10**18 // supply),
            }
            for rank, (amount, account) in enumerate(held, start=1)
        ]

    def _trades(self, at: _Moment) -> list[Answer]:
        return [
            {
                "account": trade.account,
                "epoch": trade.epoch,
                "action": "buy" if trade.is_buy else "sell",
                "side": ("YES", "NO")[trade.side],
                "shares": _units(trade.shares),
            }
            for trade in reversed(at.books.trades[-_TRADES:])
        ]

    def _candles(self, at: _Moment) -> list[Answer]:
        last = at.block.timestamp // _INTERVAL
        return [made for number in range(last - 99, last + 1) if (made := _candle(at.books, number))]

    def _markets(self, at: _Moment) -> list[Answer]:
        genesis = iso_utc(at.world.genesis)
        return [{"market": "BTC", "market_id": 1, "epoch": at.epoch, "genesis_at": genesis}]


class _Moment:
    """The world as of one block."""

    def __init__(self, world: World, block: Block) -> None:
        self.world = world
        self.block = block
        self.books = books_at(world, world.chain, block)
        self.epoch = max(0, (block.timestamp - world.genesis) // 300 + 1)

    def outcome(self, epoch: int) -> str | None:
        """How an epoch had ended by then."""
        return self.world.outcome(epoch, self.block.timestamp, self.books)


def books_at(world: World, chain: FakeChain, block: Block) -> Books:
    """The books as of a block of any branch; blocks that the world did not make change nothing."""
    while block.hash not in world.by_hash:
        parent = chain.known.get(block.parent_hash)
        if parent is None:
            return world.by_hash[world.born]
        block = parent
    return world.by_hash[block.hash]


def _units(amount: int, decimals: int = 18) -> str:
    return format_units(amount, decimals)


def _part(held: int, owed: int, decimals: int) -> dict[str, str | None]:
    return {
        "reserve": _units(held, decimals),
        "liabilities": _units(owed, decimals),
        "coverage": _units(held * 10**18 // owed) if owed else None,
    }


def _candle(books: Books, number: int) -> Answer | None:
    ends = (number * _INTERVAL, (number + 1) * _INTERVAL)
    prices = [price for end in ends if (price := books.prices.get(end)) is not None]
    if not prices:
        return None
    traded = [trade for trade in books.trades if trade.at // _INTERVAL == number]
    # Both ends of a fill are trades, of one and the same collateral.
    halves = sum(trade.paid * (1 if trade.is_order else 2) for trade in traded)
    return {
        "timestamp": iso_utc(ends[0]),
        "open": _units(prices[0]),
        "high": _units(max(prices)),
        "low": _units(min(prices)),
        "close": _units(prices[-1]),
        "volume": _units(halves // 2),
        "trades": len(traded),
    }


def _epoch(at: _Moment, epoch: int) -> Answer:
    start = at.world.genesis + (epoch - 1) * 300
    prices = [at.books.prices.get(instant) for instant in (start, start + 300)]
    texts = [None if price is None else _units(price) for price in prices]
    sets = at.books.sets[epoch]
    return {
        "market": "BTC",
        "epoch": epoch,
        "start_at": iso_utc(start),
        "start_price": texts[0],
        "end_price": texts[1],
        "outcome": at.outcome(epoch),
        "yes_supply": _units(sets - at.books.house[epoch, 0]),
        "no_supply": _units(sets - at.books.house[epoch, 1]),
        "collateral": _units(sets),
    }


def _position(at: _Moment, account: str, epoch: int) -> Answer:
    yes, no = (at.books.shares[account, epoch, side] for side in _SIDES)
    cost = sum(at.books.cost[account, epoch, side] for side in _SIDES)
    outcome = at.outcome(epoch)
    claimable = {None: 0, "YES": yes, "NO": no, "VOID": (yes + no) // 2}[outcome]
    return {
        "epoch": epoch,
        "yes_tokens": _units(yes),
        "no_tokens": _units(no),
        "entry_price": _units(cost * 10**18 // (yes + no)) if yes + no else None,
        "cost": _units(cost),
        "realized_pnl": _units(at.books.realized[account, epoch]),
        "claimable": _units(claimable),
        **({} if outcome is None else {"unrealized_pnl": _units(claimable - cost)}),
    }
