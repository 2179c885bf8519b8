"""What each event moves, as the table in `accounts` says: an event and the sums so far, nothing else.

Every function here takes any event of its kind, also one that the contracts would never log. Where the sums
count, they are those before the event: they are read before anything is moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from indexer import events as ev
from indexer.accounts import (
    CLAIMED,
    COLLATERAL,
    FEES,
    ROOT,
    SIDES,
    ZERO_ADDRESS,
    Books,
    EpochNames,
    Key,
    balance_account,
    budget_account,
    curve_asset,
    curve_tokens_asset,
    epoch_names,
    token_asset,
)
from indexer.accounts_mrt import locked_asset
from indexer.events import Emitter

__all__ = [
    "HANDLERS",
    "NO",
    "READS",
    "YES",
    "Handler",
    "Reads",
    "cost_of",
    "moves_a_stake",
    "realize",
    "stakes",
]

Handler = Callable[[Any, Books, Emitter], None]
Reads = Callable[[Any, Emitter], Iterable[Key]]

PENDING, ACTIVE = Key("pending", ROOT), Key("active", ROOT)
YES, NO = range(2)


def cost_of(books: Books, account: str, names: EpochNames, side: int, amount: int) -> int:
    """The part of what a stake has cost that `amount` of its shares carries, rounded down."""
    held, cost = books.sum(account, names.shares[side]), books.sum(account, names.cost[side])
    if held <= 0 or amount <= 0:
        return 0
    return cost if amount >= held else cost * amount // held


def _names(event: Any) -> EpochNames:
    return epoch_names(event.market_id, event.epoch)


def _side(side: int) -> int:
    return NO if side else YES


def realize(
    books: Books, account: str, names: EpochNames, given: Iterable[tuple[int, int]], proceeds: int
) -> None:
    """Takes the cost of the shares `given` (side, amount) off the account and books the profit.

    To be called before the shares are moved.
    """
    profit = proceeds
    for side, amount in given:
        cost = cost_of(books, account, names, side, amount)
        profit -= cost
        books.move(names.cost[side], account, "basis", cost)
    books.move(names.realized, "result", account, profit)


def _deposited(event: ev.Deposited, books: Books, _: Emitter) -> None:
    books.move(COLLATERAL, "external", balance_account(event.account), event.amount)


def _withdrawn(event: ev.Withdrawn, books: Books, _: Emitter) -> None:
    books.move(COLLATERAL, balance_account(event.account), "external", event.amount)


def _split(event: ev.Split, books: Books, _: Emitter) -> None:
    names, account, amount = _names(event), event.account, event.amount
    books.move(COLLATERAL, balance_account(account), names.pot, amount)
    books.move(names.shares[YES], "issued", account, amount)
    books.move(names.shares[NO], "issued", account, amount)
    books.move(names.cost[YES], "basis", account, amount // 2)
    books.move(names.cost[NO], "basis", account, amount - amount // 2)


def _merged(event: ev.Merged, books: Books, _: Emitter) -> None:
    names, account, amount = _names(event), event.account, event.amount
    realize(books, account, names, [(YES, amount), (NO, amount)], amount)
    books.move(COLLATERAL, names.pot, balance_account(account), amount)
    books.move(names.shares[YES], account, "issued", amount)
    books.move(names.shares[NO], account, "issued", amount)


def _redeemed(event: ev.Redeemed, books: Books, _: Emitter) -> None:
    names, account = _names(event), event.account
    realize(books, account, names, [(YES, event.yes_shares), (NO, event.no_shares)], event.payout)
    books.move(COLLATERAL, names.pot, "external", event.payout)
    books.move(names.shares[YES], account, "redeemed", event.yes_shares)
    books.move(names.shares[NO], account, "redeemed", event.no_shares)


def _bought(event: ev.Bought, books: Books, _: Emitter) -> None:
    names, account, amount = _names(event), event.account, event.amount
    payer = "external" if event.from_wallet else balance_account(account)
    own = _side(event.side)
    books.move(COLLATERAL, payer, names.pot, amount)
    books.move(names.shares[own], "issued", account, event.shares)
    books.move(names.shares[own], "issued", "house", amount - event.shares)
    books.move(names.shares[1 - own], "issued", "house", amount)
    books.move(names.cost[own], "basis", account, amount)


def _sold(event: ev.Sold, books: Books, _: Emitter) -> None:
    names, account, amount = _names(event), event.account, event.amount
    payee = "external" if event.to_wallet else balance_account(account)
    own = _side(event.side)
    realize(books, account, names, [(own, event.shares)], amount)
    books.move(COLLATERAL, names.pot, payee, amount)
    books.move(names.shares[own], account, "house", event.shares)
    books.move(names.shares[own], "house", "issued", amount)
    books.move(names.shares[1 - own], "house", "issued", amount)


def _order_filled(event: ev.OrderFilled, books: Books, _: Emitter) -> None:
    names, maker, balance = _names(event), event.maker, balance_account(event.maker)
    side = _side(event.side)
    books.move(COLLATERAL, balance, FEES, event.fee)
    if event.is_buy:
        books.move(COLLATERAL, balance, names.pot, event.amount)
        books.move(names.shares[side], "issued", maker, event.size)
        books.move(names.cost[side], "basis", maker, event.amount + event.fee)
    else:
        realize(books, maker, names, [(side, event.size)], event.amount - event.fee)
        books.move(COLLATERAL, names.pot, balance, event.amount)
        books.move(names.shares[side], maker, "issued", event.size)


def _fees_charged(event: ev.FeesCharged, books: Books, _: Emitter) -> None:
    books.move(COLLATERAL, FEES, balance_account(event.operator), event.amount)


def _house_funded(event: ev.HouseFunded, books: Books, _: Emitter) -> None:
    books.move(COLLATERAL, balance_account(event.payer), budget_account(event.market_id), event.amount)


def _house_defunded(event: ev.HouseDefunded, books: Books, _: Emitter) -> None:
    books.move(COLLATERAL, budget_account(event.market_id), balance_account(event.creator), event.amount)


def _house_opened(event: ev.HouseOpened, books: Books, _: Emitter) -> None:
    names, amount = _names(event), event.amount
    books.move(COLLATERAL, budget_account(event.market_id), names.pot, amount)
    books.move(names.shares[YES], "issued", "house", amount)
    books.move(names.shares[NO], "issued", "house", amount)
    books.move(names.quotes, "house", "opened", amount)


def _house_retired(event: ev.HouseRetired, books: Books, _: Emitter) -> None:
    quotes = _names(event).quotes
    books.move(quotes, "house", "step", event.step - books.sum("step", quotes))
    books.move(quotes, "house", "retired:YES", event.yes_shares)
    books.move(quotes, "house", "retired:NO", event.no_shares)


def _house_settled(event: ev.HouseSettled, books: Books, _: Emitter) -> None:
    names = _names(event)
    books.move(COLLATERAL, names.pot, budget_account(event.market_id), event.payout)
    books.move(names.shares[YES], "house", "house-settled", event.yes_shares)
    books.move(names.shares[NO], "house", "house-settled", event.no_shares)


def _share_transfer(event: ev.ShareTransfer, books: Books, _: Emitter) -> None:
    if not moves_a_stake(event):
        return
    (names, side), sender, receiver = _stake_moved(event), event.sender, event.receiver
    cost = cost_of(books, sender, names, side, event.amount)
    books.move(names.shares[side], sender, receiver, event.amount)
    books.move(names.cost[side], sender, receiver, cost)


def moves_a_stake(event: ev.ShareTransfer) -> bool:
    """Whether it is between two accounts, and of a position: anyone may transfer 0 of any other id."""
    if ZERO_ADDRESS in (event.sender, event.receiver) or event.sender == event.receiver:
        return False
    return event.amount != 0 and event.id & 0xFF < len(SIDES)


def _stake_moved(event: ev.ShareTransfer) -> tuple[EpochNames, int]:
    return epoch_names(event.id >> 64, (event.id >> 8) & (1 << 56) - 1), event.id & 0xFF


def _root_proposed(event: ev.RootProposed, books: Books, _: Emitter) -> None:
    books.move(ROOT, "posted", "pending", event.total - books.sum(*PENDING))


def _root_vetoed(_event: ev.RootVetoed, books: Books, _: Emitter) -> None:
    books.move(ROOT, "pending", "posted", books.sum(*PENDING))


def _root_activated(event: ev.RootActivated, books: Books, _: Emitter) -> None:
    books.move(ROOT, "pending", "posted", books.sum(*PENDING))
    books.move(ROOT, "posted", "active", event.total - books.sum(*ACTIVE))


def _claimed(event: ev.Claimed, books: Books, _: Emitter) -> None:
    books.move(CLAIMED, "vault", event.account, event.amount)


def _curve_bought(event: ev.CurveBought, books: Books, curve: Emitter) -> None:
    quote = curve_asset(curve.symbol)
    books.move(quote, "external", "raised", event.amount - event.fee)
    books.move(quote, "external", "fees", event.fee)
    books.move(curve_tokens_asset(curve.symbol), "curve", event.recipient, event.tokens)


def _curve_sold(event: ev.CurveSold, books: Books, curve: Emitter) -> None:
    quote = curve_asset(curve.symbol)
    books.move(quote, "raised", "external", event.amount)
    books.move(quote, "raised", "fees", event.fee)
    books.move(curve_tokens_asset(curve.symbol), event.account, "curve", event.tokens)


def _fees_claimed(event: ev.FeesClaimed, books: Books, curve: Emitter) -> None:
    books.move(curve_asset(curve.symbol), "fees", "external", event.amount)


def _graduated(event: ev.Graduated, books: Books, curve: Emitter) -> None:
    books.move(curve_asset(curve.symbol), "raised", "pool", event.quote)
    books.move(locked_asset(curve.symbol), "pool", "locked", event.liquidity)


def _token_transfer(event: ev.TokenTransfer, books: Books, token: Emitter) -> None:
    source = event.sender if event.sender in books.holders else "others"
    target = event.receiver if event.receiver in books.holders else "others"
    books.move(token_asset(token.address), source, target, event.amount)


def stakes(names: EpochNames, account: str, sides: Iterable[int]) -> list[Key]:
    """An account's shares of some sides, and what they have cost."""
    return [Key(account, asset) for side in sides for asset in (names.shares[side], names.cost[side])]


def _reads_both(event: ev.Merged | ev.Redeemed, _: Emitter) -> list[Key]:
    return stakes(_names(event), event.account, (YES, NO))


def _reads_sold(event: ev.Sold, _: Emitter) -> list[Key]:
    return stakes(_names(event), event.account, [_side(event.side)])


def _reads_filled(event: ev.OrderFilled, _: Emitter) -> list[Key]:
    return [] if event.is_buy else stakes(_names(event), event.maker, [_side(event.side)])


def _reads_retired(event: ev.HouseRetired, _: Emitter) -> list[Key]:
    return [Key("step", _names(event).quotes)]


def _reads_transfer(event: ev.ShareTransfer, _: Emitter) -> list[Key]:
    if not moves_a_stake(event):
        return []
    names, side = _stake_moved(event)
    return stakes(names, event.sender, [side])


def _reads_roots(_event: Any, _: Emitter) -> list[Key]:
    return [PENDING, ACTIVE]


HANDLERS: dict[tuple[str, str], Handler] = {
    ("EpochHub", "Deposited"): _deposited,
    ("EpochHub", "Withdrawn"): _withdrawn,
    ("EpochHub", "Split"): _split,
    ("EpochHub", "Merged"): _merged,
    ("EpochHub", "Redeemed"): _redeemed,
    ("EpochHub", "Bought"): _bought,
    ("EpochHub", "Sold"): _sold,
    ("EpochHub", "OrderFilled"): _order_filled,
    ("EpochHub", "FeesCharged"): _fees_charged,
    ("EpochHub", "HouseFunded"): _house_funded,
    ("EpochHub", "HouseDefunded"): _house_defunded,
    ("EpochHub", "HouseOpened"): _house_opened,
    ("EpochHub", "HouseRetired"): _house_retired,
    ("EpochHub", "HouseSettled"): _house_settled,
    ("EpochHub", "Transfer"): _share_transfer,
    ("PayoutVault", "RootProposed"): _root_proposed,
    ("PayoutVault", "RootVetoed"): _root_vetoed,
    ("PayoutVault", "RootActivated"): _root_activated,
    ("PayoutVault", "Claimed"): _claimed,
    ("MrtCurve", "CurveBought"): _curve_bought,
    ("MrtCurve", "CurveSold"): _curve_sold,
    ("MrtCurve", "FeesClaimed"): _fees_claimed,
    ("MrtCurve", "Graduated"): _graduated,
    ("TestToken", "Transfer"): _token_transfer,
}
"""(contract, event) -> what it moves. Events that are not here move nothing."""

READS: dict[tuple[str, str], Reads] = {
    ("EpochHub", "Merged"): _reads_both,
    ("EpochHub", "Redeemed"): _reads_both,
    ("EpochHub", "Sold"): _reads_sold,
    ("EpochHub", "OrderFilled"): _reads_filled,
    ("EpochHub", "HouseRetired"): _reads_retired,
    ("EpochHub", "Transfer"): _reads_transfer,
    ("PayoutVault", "RootProposed"): _reads_roots,
    ("PayoutVault", "RootVetoed"): _reads_roots,
    ("PayoutVault", "RootActivated"): _reads_roots,
}
"""(contract, event) -> the keys whose sums its handler reads."""
