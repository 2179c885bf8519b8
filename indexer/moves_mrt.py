"""What the events of a reward token, its lock and its staking move, as the table in `accounts_mrt` says."""

from __future__ import annotations

from indexer import events as ev
from indexer.accounts import ZERO_ADDRESS, Books
from indexer.accounts_mrt import lock_asset, mrt_asset, rewards_asset, staked_asset
from indexer.events import Emitter
from indexer.events_mrt import FeesBooked, FeesPaid, RewardsClaimed, RewardsHarvested, Staked, Unstaked
from indexer.moves import Handler

__all__ = ["HANDLERS"]


def _transfer(event: ev.TokenTransfer, books: Books, token: Emitter) -> None:
    sender, receiver = (
        "minted" if account == ZERO_ADDRESS else account for account in (event.sender, event.receiver)
    )
    books.move(mrt_asset(token.symbol), sender, receiver, event.amount)


def _fees_booked(event: FeesBooked, books: Books, lock: Emitter) -> None:
    for which, amount in enumerate((event.amount0, event.amount1)):
        books.move(lock_asset(lock.symbol, which), "external", event.account, amount)


def _fees_paid(event: FeesPaid, books: Books, lock: Emitter) -> None:
    for which, amount in enumerate((event.amount0, event.amount1)):
        books.move(lock_asset(lock.symbol, which), event.account, "external", amount)


def _staked(event: Staked, books: Books, staking: Emitter) -> None:
    books.move(staked_asset(staking.symbol), "staking", event.account, event.amount)


def _unstaked(event: Unstaked, books: Books, staking: Emitter) -> None:
    books.move(staked_asset(staking.symbol), event.account, "staking", event.amount)


def _harvested(event: RewardsHarvested, books: Books, staking: Emitter) -> None:
    for which, amount in enumerate((event.amount0, event.amount1)):
        books.move(rewards_asset(staking.symbol, which), "external", "owed", amount)


def _claimed(event: RewardsClaimed, books: Books, staking: Emitter) -> None:
    for which, amount in enumerate((event.amount0, event.amount1)):
        books.move(rewards_asset(staking.symbol, which), "owed", event.account, amount)


HANDLERS: dict[tuple[str, str], Handler] = {
    ("MrtToken", "Transfer"): _transfer,
    ("LiquidityLock", "FeesBooked"): _fees_booked,
    ("LiquidityLock", "FeesPaid"): _fees_paid,
    ("LpStaking", "Staked"): _staked,
    ("LpStaking", "Unstaked"): _unstaked,
    ("LpStaking", "RewardsHarvested"): _harvested,
    ("LpStaking", "RewardsClaimed"): _claimed,
}
