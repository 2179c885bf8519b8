"""What the sums and the prices mean as of one block: outcomes, supplies, positions, marks.

Pure. A state may hold a part only of what there is; whoever makes one sees to it that the part is enough for
what is asked of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Context, Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple

from indexer.accounts import (
    CLAIMED,
    COLLATERAL,
    ROOT,
    SIDES,
    Key,
    Stake,
    quotes_asset,
    realized_asset,
    token_asset,
)
from indexer.accounts_race import RACE_COLLATERAL, RACE_PAID, pot_of
from indexer.blocks import Block
from indexer.deployment import Deployment

if TYPE_CHECKING:
    from indexer.race_state import Race

__all__ = [
    "EPOCH_SECONDS",
    "TRADING_SECONDS",
    "Ending",
    "Holding",
    "Market",
    "Reserve",
    "State",
    "epoch_at",
    "payout",
]

EPOCH_SECONDS = 300
TRADING_SECONDS = 270
"""The house trades in the first part of an epoch only."""
_STEP_SECONDS = 30
_WAD = 10**18
_LN_2_UP_E18 = 693_147_180_559_945_310
LAST_STEP = 8
"""The house's liquidity falls in steps of 30 s, the last of which begins 240 s into an epoch."""
_BPS = 10_000
_PRECISE = Context(prec=60)
_LN_2 = _PRECISE.ln(2)
# e^-150 of the largest amount there can be is far below one base unit.
_EXPONENT_MOST = 150

Outcome = Literal["YES", "NO", "VOID"]


def epoch_at(genesis: int, instant: int) -> int:
    """The epoch that runs at an instant, by the start of the first one; 0 before it."""
    return 0 if instant < genesis else (instant - genesis) // EPOCH_SECONDS + 1


class Market(NamedTuple):
    """A market, as it was created. `liquidity` is the house's b as an epoch begins, in base units."""

    market_id: int
    facade: str
    feed: str
    creator: str
    symbol: str
    genesis: int
    liquidity: int
    fee_bps: int
    closing_liquidity_bps: int
    closing_fee_bps: int

    def liquidity_at(self, step: int) -> int:
        """The house's b in a step of the window, rounded down as the hub does."""
        gone = (_BPS - self.closing_liquidity_bps) * step
        return self.liquidity * (_BPS * LAST_STEP - gone) // (_BPS * LAST_STEP)

    def opening_at(self, elapsed: int) -> int:
        """What the house would open with so many seconds into an epoch: b·ln 2, rounded up."""
        liquidity = self.liquidity_at(min(elapsed // _STEP_SECONDS, LAST_STEP))
        return -(-liquidity * _LN_2_UP_E18 // _WAD)

    def start_of(self, epoch: int) -> int:
        """The instant at which an epoch begins, in Unix seconds."""
        return self.genesis + (epoch - 1) * EPOCH_SECONDS

    def epoch_at(self, instant: int) -> int:
        """The epoch that runs at an instant; 0 before the first."""
        return epoch_at(self.genesis, instant)


class Ending(NamedTuple):
    """What is known of an epoch: prices at its two ends (1e18; None if not posted), and how it ended."""

    start_price_e18: int | None
    end_price_e18: int | None
    outcome: Outcome | None
    """None while it is open."""


class Holding(NamedTuple):
    """An account's part in an epoch, in base units of the collateral."""

    yes_shares: int
    no_shares: int
    cost: int
    """What the shares still held have cost."""
    realized: int
    claimable: int
    unrealized: int


class Reserve(NamedTuple):
    """What a contract holds and what it owes, in base units of its token."""

    held: int
    owed: int


@dataclass(frozen=True)
class State:
    """Everything as of `block`. `boundaries` holds prices by (feed, instant), None for a void stamp."""

    deployment: Deployment
    block: Block
    markets: Mapping[int, Market] = field(default_factory=dict)
    deadlines: Mapping[str, int] = field(default_factory=dict)
    """Feed -> seconds within which a boundary's price must come."""
    boundaries: Mapping[tuple[str, int], int | None] = field(default_factory=dict)
    sums: Mapping[Key, int] = field(default_factory=dict)
    races: Mapping[int, Race] = field(default_factory=dict)

    def sum(self, account: str, asset: str) -> int:
        """The account's amount of an asset, in base units."""
        return self.sums.get(Key(account, asset), 0)

    def ending(self, market: Market, epoch: int) -> Ending:
        """How an epoch ended, by the block's own clock."""
        start_at = market.start_of(epoch)
        end_at = start_at + EPOCH_SECONDS
        start, end = (self.boundaries.get((market.feed, instant)) for instant in (start_at, end_at))
        return Ending(start, end, self._outcome(market, end_at, start, end))

    def _outcome(self, market: Market, end_at: int, start: int | None, end: int | None) -> Outcome | None:
        if self.block.timestamp < end_at:
            return None
        if self.is_void(market.feed, end_at - EPOCH_SECONDS) or self.is_void(market.feed, end_at):
            return "VOID"
        if start is None or end is None:
            return None
        if start == end:
            return "VOID"
        return "YES" if end > start else "NO"

    def is_void(self, feed: str, instant: int) -> bool:
        """Whether a boundary's price has not come and can no longer come."""
        if (feed, instant) in self.boundaries:
            return self.boundaries[feed, instant] is None
        deadline = self.deadlines.get(feed)
        return deadline is not None and self.block.timestamp > instant + deadline

    def sets(self, market_id: int, epoch: int) -> int:
        """Complete sets made and not merged: the epoch's collateral, were nothing paid out yet."""
        return -self.sum("issued", Stake(market_id, epoch, "YES").shares)

    def house(self, stake: Stake) -> int:
        """Shares of the house, or those it had when it settled."""
        return self.sum("house", stake.shares) + self.sum("house-settled", stake.shares)

    def quoted(self, stake: Stake) -> int:
        """Shares that the house quotes on: those that it has not retired."""
        quotes = quotes_asset(stake.market_id, stake.epoch)
        return self.house(stake) - self.sum(f"retired:{stake.side}", quotes)

    def house_liquidity(self, market: Market, epoch: int) -> int:
        """The liquidity (base units) of the house's quotes as they stand: what it was at their last step."""
        quotes = quotes_asset(market.market_id, epoch)
        step = self.sum("step", quotes)
        if step:
            return market.liquidity_at(step)
        # No event says in which step the house opened: what it began with does, b·ln 2 rounded up.
        opened = self.sum("opened", quotes)
        steps = map(market.liquidity_at, range(LAST_STEP + 1))
        return min(steps, key=lambda liquidity: abs(opened - _PRECISE.multiply(liquidity, _LN_2)))

    def supply(self, stake: Stake) -> int:
        """Shares issued to traders and not merged; those that were redeemed still count."""
        return self.sets(stake.market_id, stake.epoch) - self.house(stake)

    def holding(self, market: Market, epoch: int, account: str) -> Holding:
        """An account's shares, cost and profit in an epoch."""
        stakes = [Stake(market.market_id, epoch, side) for side in SIDES]
        yes, no = (self.sum(account, stake.shares) for stake in stakes)
        cost = sum(self.sum(account, stake.cost) for stake in stakes)
        realized = self.sum(account, realized_asset(market.market_id, epoch))
        outcome = self.ending(market, epoch).outcome
        claimable = payout(outcome, yes, no)
        worth = self.mark(market, epoch, yes, no) if outcome is None else claimable
        return Holding(yes, no, cost, realized, claimable, worth - cost)

    def mark(self, market: Market, epoch: int, yes: int, no: int) -> int:
        """What shares of an open epoch are worth at the house's price, rounded down to base units."""
        price = self.yes_price(market, epoch)
        worth = _PRECISE.add(_PRECISE.multiply(yes, price), _PRECISE.multiply(no, 1 - price))
        return int(worth.to_integral_value(ROUND_FLOOR))

    def yes_price(self, market: Market, epoch: int) -> Decimal:
        """The house's price of YES, e^(-yes/b) / (e^(-yes/b) + e^(-no/b)), to 60 digits.

        One half where there is no house.
        """
        yes, no = (self.quoted(Stake(market.market_id, epoch, side)) for side in SIDES)
        exponent = _PRECISE.divide(yes - no, self.house_liquidity(market, epoch))
        if abs(exponent) > _EXPONENT_MOST:
            return Decimal(0 if exponent > 0 else 1)
        return _PRECISE.divide(1, _PRECISE.add(1, _PRECISE.exp(exponent)))

    def hub_reserve(self) -> Reserve:
        """The hub's collateral, and all that it owes to accounts, houses and epochs."""
        token = self.deployment.collateral.address
        return Reserve(self.sum(self.deployment.hub, token_asset(token)), -self.sum("external", COLLATERAL))

    def race_reserve(self) -> Reserve:
        """The race market's collateral, and all that it owes to accounts and epochs."""
        token, races = self.deployment.collateral.address, self.deployment.races
        held = self.sum(races, token_asset(token)) if races else 0
        return Reserve(held, -self.sum("external", RACE_COLLATERAL))

    def race_pot(self, race_id: int, position: int, epoch: int) -> int:
        """What was paid for all sets of a position, as an epoch of a market has it: redemptions count on."""
        pot = pot_of(race_id, position, epoch)
        return self.sum(pot, RACE_COLLATERAL) + self.sum(pot, RACE_PAID)

    def vault_reserve(self) -> Reserve:
        """The vault's tokens, and what it owes under the active and the pending root."""
        token = self.deployment.payout_token.address
        total = max(self.sum("active", ROOT), self.sum("pending", ROOT))
        paid = -self.sum("vault", CLAIMED)
        return Reserve(self.sum(self.deployment.vault, token_asset(token)), total - paid)


def payout(outcome: Outcome | None, yes: int, no: int) -> int:
    """What shares of an epoch pay: one for a winning one, a half for each of a void epoch, rounded down."""
    if outcome is None:
        return 0
    return {"YES": yes, "NO": no, "VOID": (yes + no) // 2}[outcome]
