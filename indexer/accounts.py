"""The accounts and assets of the ledger, and what each of its movements means.

Every movement takes an amount from one account and gives it to another, so the sum over all accounts of an
asset is always 0. Accounts and assets are readable strings (addresses checksummed, M a market id, E an epoch;
S the symbol of a curve's market):

asset              accounts
collateral         `balance:0x…` (internal balance), `budget:M` (house budget), `pot:M:E` (an epoch's
                   collateral), `fees` (of a match, until its operator has them: 0 between transactions),
                   `external` (minus all that the hub owes)
shares:M:E:YES     0x… (a trader's shares), `house`, `house-settled` and `redeemed` (given up at the end, by
shares:M:E:NO      the house and by traders), `issued` (minus the complete sets made and not merged)
quotes:M:E         `opened` (complete sets that the house began with), `retired:YES`, `retired:NO` (its shares
                   that it no longer quotes on), `step` (of the window, when it last retired some), `house`
                   (contra)
cost:M:E:YES, NO   0x… (what the shares that an account holds have cost it), `basis` (the contra account)
realized:M:E       0x… (proceeds less cost of the shares that left an account), `result` (contra)
token:0x…          0x… (what our contract there holds of that token), `others`
payout:root        `active`, `pending` (sums of the vault's roots), `posted` (contra)
payout:claimed     0x… (paid by the vault to an account), `vault` (contra)
curve:S            `raised`, `fees` (quote that the curve of market S owes), `pool` (what was raised, and went
                   into the pool at graduation), `external`
curve-tokens:S     0x… (bought less sold back), `curve` (minus all that is sold)

`accounts_race`, `accounts_mrt` and `accounts_house` have those of races, of reward tokens and of switches.

Profit is by average cost. A purchase adds what was paid, fee included. A split of `a` puts `a // 2` on YES
and the rest on NO. Whatever leaves takes its part of the cost with it, rounded down, all of it with the last
share: sales, merges and redemptions realise proceeds less that cost, a transfer hands it to the receiver.

Of a match every fill is entered by itself: a buyer pays into the pot and is issued shares, a seller gives its
shares back and is paid out of it. What their sum leaves in the pot are the sets that were minted, less those
that were merged. A buyer's fee is part of its cost, a seller's is taken off its proceeds.

The ERC-6909 transfers that mint, burn and announce fills say again what the hub's own events say; only what
accounts transfer themselves moves shares here. What remains is checked by `verify`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, Protocol

__all__ = [
    "CLAIMED",
    "COLLATERAL",
    "FEES",
    "ROOT",
    "SIDES",
    "ZERO_ADDRESS",
    "Books",
    "EpochNames",
    "Key",
    "Stake",
    "balance_account",
    "budget_account",
    "curve_asset",
    "curve_tokens_asset",
    "epoch_names",
    "pot_account",
    "quotes_asset",
    "realized_asset",
    "token_asset",
]

COLLATERAL = "collateral"
FEES = "fees"
ROOT = "payout:root"
CLAIMED = "payout:claimed"
SIDES = ("YES", "NO")
ZERO_ADDRESS = "0x" + "0" * 40


class Key(NamedTuple):
    """One account's amount of one asset."""

    account: str
    asset: str


class Stake(NamedTuple):
    """One side of an epoch; `side` is one of SIDES."""

    market_id: int
    epoch: int
    side: str

    @property
    def shares(self) -> str:
        """The asset of its shares."""
        return f"shares:{self.market_id}:{self.epoch}:{self.side}"

    @property
    def cost(self) -> str:
        """The asset of what its shares have cost."""
        return f"cost:{self.market_id}:{self.epoch}:{self.side}"


class Books(Protocol):
    """What the handlers of events write into, and read."""

    holders: frozenset[str]
    """Our contracts, whose token balances are followed."""

    def move(self, asset: str, source: str, target: str, amount: int) -> None:
        """Takes `amount` of an asset from one account to another; negative is the other way round."""

    def sum(self, account: str, asset: str) -> int:
        """What an account has of an asset up to now, of what the event's `READS` named."""


class EpochNames(NamedTuple):
    """The names of an epoch of a market. What is by side is (of YES, of NO)."""

    pot: str
    shares: tuple[str, str]
    cost: tuple[str, str]
    realized: str
    quotes: str


@lru_cache(maxsize=4_096)
def epoch_names(market_id: int, epoch: int) -> EpochNames:
    """The same strings each time: a dictionary finds them faster."""
    yes, no = (Stake(market_id, epoch, side) for side in SIDES)
    return EpochNames(
        pot=pot_account(market_id, epoch),
        shares=(yes.shares, no.shares),
        cost=(yes.cost, no.cost),
        realized=realized_asset(market_id, epoch),
        quotes=quotes_asset(market_id, epoch),
    )


@lru_cache(maxsize=16_384)
def balance_account(account: str) -> str:
    """An account's internal balance in the hub."""
    return f"balance:{account}"


def budget_account(market_id: int) -> str:
    """A market's house budget."""
    return f"budget:{market_id}"


def pot_account(market_id: int, epoch: int) -> str:
    """The collateral of an epoch."""
    return f"pot:{market_id}:{epoch}"


def quotes_asset(market_id: int, epoch: int) -> str:
    """The asset of what is to be known of the house's quotes in an epoch."""
    return f"quotes:{market_id}:{epoch}"


def realized_asset(market_id: int, epoch: int) -> str:
    """The asset of the profit taken in an epoch."""
    return f"realized:{market_id}:{epoch}"


def token_asset(token: str) -> str:
    """The asset of an ERC-20's balances."""
    return f"token:{token}"


def curve_asset(symbol: str) -> str:
    """The quote token that a market's curve owes."""
    return f"curve:{symbol}"


def curve_tokens_asset(symbol: str) -> str:
    """The tokens that a market's curve has sold."""
    return f"curve-tokens:{symbol}"
