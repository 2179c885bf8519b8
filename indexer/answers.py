"""The documents that readers get, from a state. Pure.

Amounts and prices are exact decimal strings without trailing zeros, addresses are checksummed, times are ISO
8601 in UTC. Shares and amounts of a market are in its collateral, those of the vault in the payout token.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NotRequired, TypedDict

from chain_kit.errors import UnknownMarketError
from chain_kit.units import checksum_address, format_units, iso_utc
from indexer.accounts import SIDES, Stake
from indexer.answering.stamp import Stamp
from indexer.state import EPOCH_SECONDS, Holding, Market, Reserve, State

__all__ = [
    "EpochAnswer",
    "EpochFacts",
    "MarketAnswer",
    "MarketFacts",
    "PositionAnswer",
    "PositionFacts",
    "ReserveAnswer",
    "ReserveFacts",
    "ReservePart",
    "epoch_answer",
    "epochs_to_show",
    "find_market",
    "instant",
    "market_answer",
    "position_answer",
    "position_facts",
    "price_text",
    "reserve_answer",
    "reserve_part",
]

_PRICE_DECIMALS = 18
_ADDRESS_LENGTH = 42
_KNOWN_MOST = 20
_YEAR_10000 = 253_402_300_800
_CALENDAR_SECONDS = 146_097 * 86_400
"""400 years, after which the calendar repeats."""


class EpochFacts(TypedDict):
    """How an epoch went. Prices are null until they are posted, `outcome` while it is open.

    Supplies are the shares issued to traders, redeemed ones included; `collateral` is what all sets of the
    epoch are worth, the house's included.
    """

    market: str
    market_id: int
    epoch: int
    start_at: str
    end_at: str
    start_price: str | None
    end_price: str | None
    outcome: str | None
    yes_supply: str
    no_supply: str
    collateral: str


class EpochAnswer(EpochFacts, Stamp):
    """An epoch, as of a block."""


class PositionFacts(TypedDict):
    """An account's part in an epoch that it holds or once held shares of.

    `cost` is of the shares still held, by average cost; `entry_price` is that per share, rounded down, null
    if there are none. `unrealized_pnl` is what they are worth less their cost: what can be claimed once the
    epoch has ended, before that their value at the house's price, rounded down.
    """

    market: str
    market_id: int
    epoch: int
    yes_tokens: str
    no_tokens: str
    entry_price: str | None
    cost: str
    realized_pnl: str
    unrealized_pnl: str
    claimable: str


class PositionAnswer(PositionFacts, Stamp):
    """A position, as of a block."""


class ReservePart(TypedDict):
    """What a contract holds and owes; `coverage` is their ratio, rounded down, null if nothing is owed."""

    reserve: str
    liabilities: str
    coverage: str | None


class ReserveFacts(TypedDict):
    """The reserves; of races only where there is a race market."""

    at: str
    hub: ReservePart
    vault: ReservePart
    races: NotRequired[ReservePart]


class ReserveAnswer(ReserveFacts, Stamp):
    """The reserves at a block. `verified` also if all was compared with the chain at just that block."""


class MarketFacts(TypedDict):
    """A market of the hub."""

    market: str
    market_id: int
    address: str
    creator: str
    feed: str
    genesis_at: str
    epoch: int
    liquidity: str
    """The house's, as an epoch begins; in the end `closing_liquidity_bps` of it are left."""
    fee_bps: int
    closing_liquidity_bps: int
    closing_fee_bps: int


class MarketAnswer(MarketFacts, Stamp):
    """A market, as of a block."""


def find_market(markets: Iterable[Market], name: str) -> Market:
    """The market of a symbol, the first of them if several have it, or of a facade's address.

    Raises UnknownMarketError, or BadAddressError for an address with a wrong checksum.
    """
    known = sorted(markets)
    address = checksum_address(name) if len(name) == _ADDRESS_LENGTH and name.startswith("0x") else None
    for market in known:
        if address == market.facade or (address is None and name == market.symbol):
            return market
    raise UnknownMarketError(name, [market.symbol for market in known[:_KNOWN_MOST]])


def epochs_to_show(state: State, market: Market, among: range | None = None) -> list[int]:
    """The epochs from the first to the one that runs, and later ones that somebody has made shares of.

    `among` says which of them to look at.
    """
    current = market.epoch_at(state.block.timestamp)
    prefix = f"shares:{market.market_id}:"
    made = {
        int(key.asset.removeprefix(prefix).partition(":")[0])
        for key in state.sums
        if key.account == "issued" and key.asset.startswith(prefix)
    }
    until = range(1, current + 1) if among is None else range(among.start, min(among.stop, current + 1))
    # Anyone may split an epoch of the far future: what lies between is not listed.
    return [*until, *sorted(epoch for epoch in made if epoch > current)]


def epoch_answer(state: State, market: Market, epoch: int) -> EpochFacts:
    """One epoch of a market."""
    start_at, ending = market.start_of(epoch), state.ending(market, epoch)
    decimals = state.deployment.collateral.decimals
    yes, no = (state.supply(Stake(market.market_id, epoch, side)) for side in SIDES)
    return {
        "market": market.symbol,
        "market_id": market.market_id,
        "epoch": epoch,
        "start_at": instant(start_at),
        "end_at": instant(start_at + EPOCH_SECONDS),
        "start_price": price_text(ending.start_price_e18),
        "end_price": price_text(ending.end_price_e18),
        "outcome": ending.outcome,
        "yes_supply": format_units(yes, decimals),
        "no_supply": format_units(no, decimals),
        "collateral": format_units(state.sets(market.market_id, epoch), decimals),
    }


def position_answer(state: State, market: Market, epoch: int, account: str) -> PositionFacts:
    """One account's part in one epoch."""
    held, decimals = state.holding(market, epoch, account), state.deployment.collateral.decimals
    return position_facts(market.symbol, market.market_id, epoch, decimals, held)


def position_facts(symbol: str, market_id: int, epoch: int, decimals: int, held: Holding) -> PositionFacts:
    """What is held of a market or of a book of a race, as readers get it."""
    return {
        "market": symbol,
        "market_id": market_id,
        "epoch": epoch,
        "yes_tokens": format_units(held.yes_shares, decimals),
        "no_tokens": format_units(held.no_shares, decimals),
        "entry_price": _entry_price(held),
        "cost": format_units(held.cost, decimals),
        "realized_pnl": format_units(held.realized, decimals),
        "unrealized_pnl": format_units(held.unrealized, decimals),
        "claimable": format_units(held.claimable, decimals),
    }


def reserve_answer(state: State) -> ReserveFacts:
    """What the hub and the vault hold and owe, and the race market if there is one."""
    collateral = state.deployment.collateral.decimals
    facts: ReserveFacts = {
        "at": iso_utc(state.block.timestamp),
        "hub": reserve_part(state.hub_reserve(), collateral),
        "vault": reserve_part(state.vault_reserve(), state.deployment.payout_token.decimals),
    }
    if state.deployment.races is not None:
        facts["races"] = reserve_part(state.race_reserve(), collateral)
    return facts


def market_answer(state: State, market: Market) -> MarketFacts:
    """One market, with the epoch that runs."""
    return {
        "market": market.symbol,
        "market_id": market.market_id,
        "address": market.facade,
        "creator": market.creator,
        "feed": market.feed,
        "genesis_at": iso_utc(market.genesis),
        "epoch": market.epoch_at(state.block.timestamp),
        "liquidity": format_units(market.liquidity, state.deployment.collateral.decimals),
        "fee_bps": market.fee_bps,
        "closing_liquidity_bps": market.closing_liquidity_bps,
        "closing_fee_bps": market.closing_fee_bps,
    }


def instant(timestamp: int) -> str:
    """ISO 8601, with the sign and the digits that it wants of years after 9999: epochs can be that far."""
    if timestamp < _YEAR_10000:
        return iso_utc(timestamp)
    cycles = (timestamp - _YEAR_10000) // _CALENDAR_SECONDS + 1
    year, rest = iso_utc(timestamp - cycles * _CALENDAR_SECONDS).split("-", 1)
    return f"+{int(year) + 400 * cycles:06d}-{rest}"


def price_text(price_e18: int | None) -> str | None:
    """A price as readers get it; None where there is none."""
    return None if price_e18 is None else format_units(price_e18, _PRICE_DECIMALS)


def reserve_part(reserve: Reserve, decimals: int) -> ReservePart:
    """What a contract holds and owes, as readers get it."""
    held, owed = reserve
    coverage = format_units(held * 10**_PRICE_DECIMALS // owed, _PRICE_DECIMALS) if owed > 0 else None
    return {
        "reserve": format_units(held, decimals),
        "liabilities": format_units(owed, decimals),
        "coverage": coverage,
    }


def _entry_price(held: Holding) -> str | None:
    shares = held.yes_shares + held.no_shares
    return None if shares <= 0 else format_units(held.cost * 10**_PRICE_DECIMALS // shares, _PRICE_DECIMALS)
