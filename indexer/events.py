"""The events that the index understands, each with its fields in the order of the contracts' declaration.

Addresses are checksummed strings, `bytes32` are 0x strings, amounts are base units, sides are 0 (YES) and
1 (NO). `EVENTS` says which class is which contract's event; a test holds it against the ABI files. Other
events of our contracts (ownership, approvals) are stored but mean nothing to the sums.

Another kind of contract joins the index by four things, the last three by (contract of the ABI files, event).
Those stand here and in `moves`, or in modules of their own (`events_race`); `registry` gathers them:

    Deployment.contracts()    its addresses, each with the contract's name and a label ("MrtCurve:BTC")
    events.EVENTS             the class of each event that counts: a NamedTuple with the ABI's fields in order
    moves.HANDLERS            what the event moves: `handler(event, books, emitter)`, see `accounts.Books`
    moves.READS               if that depends on sums, on whose: `reads(event, emitter) -> keys`

One class may serve several contracts: the handler is chosen by contract and event, not by class. An event
that makes a row of its own (a market, a boundary) has a function in `rows.RECORDS`, by its class.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["EVENTS", "Emitter", "Payload"]


class Emitter(NamedTuple):
    """Whose event it is."""

    address: str
    """Checksummed."""
    contract: str
    """Of the ABI files; "TestToken" stands for any ERC-20."""
    label: str
    """In the index: "EpochHub", "MrtCurve:BTC", "token"."""

    @property
    def symbol(self) -> str:
        """The market that a contract is for, of those that have one."""
        return self.label.partition(":")[2]


class MarketCreated(NamedTuple):
    """A market came to be; `genesis` is the start of its epoch 1, in Unix seconds."""

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
    daily_budget: int


class Deposited(NamedTuple):
    """`payer`'s wallet -> `account`'s internal balance."""

    account: str
    payer: str
    amount: int


class Withdrawn(NamedTuple):
    """`account`'s internal balance -> `recipient`'s wallet."""

    account: str
    recipient: str
    amount: int


class Split(NamedTuple):
    """`amount` of internal balance became as many YES and NO."""

    market_id: int
    epoch: int
    account: str
    amount: int


class Merged(NamedTuple):
    """`amount` YES and NO became internal balance again."""

    market_id: int
    epoch: int
    account: str
    amount: int


class Redeemed(NamedTuple):
    """All shares of an ended epoch given up; `payout` went to the account's wallet."""

    market_id: int
    epoch: int
    account: str
    yes_shares: int
    no_shares: int
    payout: int


class Bought(NamedTuple):
    """`amount`, fee included, paid to the house for `shares`."""

    market_id: int
    epoch: int
    account: str
    side: int
    amount: int
    fee: int
    shares: int
    from_wallet: bool


class Sold(NamedTuple):
    """`shares` given to the house for `amount`, the fee already taken off."""

    market_id: int
    epoch: int
    account: str
    side: int
    shares: int
    fee: int
    amount: int
    to_wallet: bool


class HouseFunded(NamedTuple):
    """`payer`'s internal balance -> the market's house budget."""

    market_id: int
    payer: str
    amount: int


class HouseDefunded(NamedTuple):
    """The market's house budget -> its creator's internal balance."""

    market_id: int
    creator: str
    amount: int


class HouseOpened(NamedTuple):
    """`amount` of the budget became as many YES and NO of the house."""

    market_id: int
    epoch: int
    amount: int


class HouseSettled(NamedTuple):
    """The house redeemed its shares of an ended epoch into its budget."""

    market_id: int
    epoch: int
    yes_shares: int
    no_shares: int
    payout: int


class HouseRetired(NamedTuple):
    """The house took shares out of its quotes, in the `step`-th 30 s of the window; they stay its own."""

    market_id: int
    epoch: int
    step: int
    yes_shares: int
    no_shares: int


class OrderFilled(NamedTuple):
    """`size` shares of an order settled for `amount`; the order's maker paid `fee` beside it."""

    order_hash: str
    maker: str
    market_id: int
    epoch: int
    side: int
    is_buy: bool
    size: int
    amount: int
    fee: int


class FeesCharged(NamedTuple):
    """The fees of a match -> the internal balance of the operator that settled it."""

    operator: str
    amount: int


class ShareTransfer(NamedTuple):
    """ERC-6909 transfer of traders' shares; the zero address stands for minting and burning."""

    caller: str
    sender: str
    receiver: str
    id: int
    amount: int


class FillTransfer(NamedTuple):
    """The transfer that announces a fill: it says again what the OrderFilled right after it says."""

    caller: str
    sender: str
    receiver: str
    id: int
    amount: int


class FeedRegistered(NamedTuple):
    """A feed whose boundary prices must come within `deadline` seconds."""

    feed: str
    feed_index: int
    adapter: str
    deadline: int


class BoundaryPosted(NamedTuple):
    """The price (1e18 fixed point) at `boundary`, in Unix seconds."""

    feed: str
    boundary: int
    price: int


class BoundaryVoided(NamedTuple):
    """`boundary` was stamped void after its deadline."""

    feed: str
    boundary: int


class RootProposed(NamedTuple):
    """The vault's next root, to become active from `active_at`; `uri` says where its leaves are."""

    root: str
    total: int
    active_at: int
    uri: str


class RootVetoed(NamedTuple):
    """The pending root was dropped."""

    root: str


class RootActivated(NamedTuple):
    """The pending root became the active one."""

    root: str
    total: int


class Claimed(NamedTuple):
    """The vault paid `amount`, which brings `account` to `cumulative_total`."""

    account: str
    recipient: str
    amount: int
    cumulative_total: int


class CurveBought(NamedTuple):
    """`amount` of quote, fee included, paid for `tokens` to `recipient`."""

    account: str
    recipient: str
    amount: int
    fee: int
    tokens: int


class CurveSold(NamedTuple):
    """`tokens` given back; `amount` of quote, the fee already taken off, went to `recipient`."""

    account: str
    recipient: str
    tokens: int
    fee: int
    amount: int


class FeesClaimed(NamedTuple):
    """Accrued curve fees paid to `account`."""

    account: str
    amount: int


class Graduated(NamedTuple):
    """`quote`, all that was raised, and `tokens` opened the pool; its `liquidity` is locked."""

    pool: str
    quote: int
    tokens: int
    liquidity: int


class TokenTransfer(NamedTuple):
    """ERC-20 transfer from or to one of our contracts."""

    sender: str
    receiver: str
    amount: int


Payload = (
    MarketCreated
    | Deposited
    | Withdrawn
    | Split
    | Merged
    | Redeemed
    | Bought
    | Sold
    | HouseFunded
    | HouseDefunded
    | HouseOpened
    | HouseSettled
    | HouseRetired
    | OrderFilled
    | FeesCharged
    | ShareTransfer
    | FillTransfer
    | FeedRegistered
    | BoundaryPosted
    | BoundaryVoided
    | RootProposed
    | RootVetoed
    | RootActivated
    | Claimed
    | CurveBought
    | CurveSold
    | FeesClaimed
    | Graduated
    | TokenTransfer
)

_HUB = (
    MarketCreated, Deposited, Withdrawn, Split, Merged, Redeemed, Bought, Sold,
    HouseFunded, HouseDefunded, HouseOpened, HouseSettled, HouseRetired, OrderFilled, FeesCharged,
)  # fmt: skip
_ORACLE = (FeedRegistered, BoundaryPosted, BoundaryVoided)
_VAULT = (RootProposed, RootVetoed, RootActivated, Claimed)
_CURVE = (CurveBought, CurveSold, FeesClaimed, Graduated)

EVENTS: dict[tuple[str, str], type[Payload]] = {
    **{("EpochHub", event.__name__): event for event in _HUB},
    ("EpochHub", "Transfer"): ShareTransfer,
    **{("BoundaryOracle", event.__name__): event for event in _ORACLE},
    **{("PayoutVault", event.__name__): event for event in _VAULT},
    **{("MrtCurve", event.__name__): event for event in _CURVE},
    ("TestToken", "Transfer"): TokenTransfer,
}
"""(contract of the ABI files, event) -> class. `TestToken` stands for any ERC-20.

A FillTransfer is in the logs a Transfer like any other: it is one by the log after it (see `decode`).
"""
