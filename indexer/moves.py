"""What each event moves, as the table in `accounts` says. Pure: an event and the sums so far, nothing else.

Every function here takes any event of its kind, also one that the contracts would never log.
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
    Key,
    Move,
    Stake,
    Sums,
    balance_account,
    budget_account,
    curve_asset,
    curve_tokens_asset,
    pot_account,
    quotes_asset,
    realized_asset,
)

__all__ = ["HANDLERS", "Moves", "keys_read"]

Moves = Iterable[Move]
PENDING, ACTIVE = Key("pending", ROOT), Key("active", ROOT)


def _pot(event: Any) -> str:
    return pot_account(event.market_id, event.epoch)


def _stake(event: Any, side: str) -> Stake:
    return Stake(event.market_id, event.epoch, side)


def _shares(event: Any, side: str, source: str, target: str, amount: int) -> Move:
    return Move(_stake(event, side).shares, source, target, amount)


def _spend(event: Any, account: str, side: str, amount: int) -> Move:
    return Move(_stake(event, side).cost, "basis", account, amount)


def _cost_of(stake: Stake, account: str, amount: int, sums: Sums) -> int:
    """The part of what a stake has cost that `amount` of its shares carries, rounded down."""
    held, cost = sums(Key(account, stake.shares)), sums(Key(account, stake.cost))
    if held <= 0 or amount <= 0:
        return 0
    return cost if amount >= held else cost * amount // held


def _realize(event: Any, account: str, given: Iterable[tuple[str, int]], proceeds: int, sums: Sums) -> Moves:
    """Takes the cost of the shares `given` (side, amount) off the account and books the profit."""
    profit = proceeds
    for side, amount in given:
        cost = _cost_of(_stake(event, side), account, amount, sums)
        profit -= cost
        yield _spend(event, account, side, -cost)
    yield Move(realized_asset(event.market_id, event.epoch), "result", account, profit)


def _deposited(event: ev.Deposited, _: Sums) -> Moves:
    yield Move(COLLATERAL, "external", balance_account(event.account), event.amount)


def _withdrawn(event: ev.Withdrawn, _: Sums) -> Moves:
    yield Move(COLLATERAL, balance_account(event.account), "external", event.amount)


def _split(event: ev.Split, _: Sums) -> Moves:
    yield Move(COLLATERAL, balance_account(event.account), _pot(event), event.amount)
    for side in SIDES:
        yield _shares(event, side, "issued", event.account, event.amount)
    yield _spend(event, event.account, "YES", event.amount // 2)
    yield _spend(event, event.account, "NO", event.amount - event.amount // 2)


def _merged(event: ev.Merged, sums: Sums) -> Moves:
    yield Move(COLLATERAL, _pot(event), balance_account(event.account), event.amount)
    for side in SIDES:
        yield _shares(event, side, event.account, "issued", event.amount)
    yield from _realize(event, event.account, [(side, event.amount) for side in SIDES], event.amount, sums)


def _redeemed(event: ev.Redeemed, sums: Sums) -> Moves:
    yield Move(COLLATERAL, _pot(event), "external", event.payout)
    given = [("YES", event.yes_shares), ("NO", event.no_shares)]
    for side, amount in given:
        yield _shares(event, side, event.account, "redeemed", amount)
    yield from _realize(event, event.account, given, event.payout, sums)


def _bought(event: ev.Bought, _: Sums) -> Moves:
    payer = "external" if event.from_wallet else balance_account(event.account)
    own, other = _own_and_other(event.side)
    yield Move(COLLATERAL, payer, _pot(event), event.amount)
    yield _shares(event, own, "issued", event.account, event.shares)
    yield _shares(event, own, "issued", "house", event.amount - event.shares)
    yield _shares(event, other, "issued", "house", event.amount)
    yield _spend(event, event.account, own, event.amount)


def _sold(event: ev.Sold, sums: Sums) -> Moves:
    payee = "external" if event.to_wallet else balance_account(event.account)
    own, other = _own_and_other(event.side)
    yield Move(COLLATERAL, _pot(event), payee, event.amount)
    yield _shares(event, own, event.account, "house", event.shares)
    for side in (own, other):
        yield _shares(event, side, "house", "issued", event.amount)
    yield from _realize(event, event.account, [(own, event.shares)], event.amount, sums)


def _order_filled(event: ev.OrderFilled, sums: Sums) -> Moves:
    balance, (side, _) = balance_account(event.maker), _own_and_other(event.side)
    yield Move(COLLATERAL, balance, FEES, event.fee)
    if event.is_buy:
        yield Move(COLLATERAL, balance, _pot(event), event.amount)
        yield _shares(event, side, "issued", event.maker, event.size)
        yield _spend(event, event.maker, side, event.amount + event.fee)
    else:
        yield Move(COLLATERAL, _pot(event), balance, event.amount)
        yield _shares(event, side, event.maker, "issued", event.size)
        yield from _realize(event, event.maker, [(side, event.size)], event.amount - event.fee, sums)


def _fees_charged(event: ev.FeesCharged, _: Sums) -> Moves:
    yield Move(COLLATERAL, FEES, balance_account(event.operator), event.amount)


def _own_and_other(side: int) -> tuple[str, str]:
    return ("NO", "YES") if side else ("YES", "NO")


def _house_funded(event: ev.HouseFunded, _: Sums) -> Moves:
    yield Move(COLLATERAL, balance_account(event.payer), budget_account(event.market_id), event.amount)


def _house_defunded(event: ev.HouseDefunded, _: Sums) -> Moves:
    yield Move(COLLATERAL, budget_account(event.market_id), balance_account(event.creator), event.amount)


def _house_opened(event: ev.HouseOpened, _: Sums) -> Moves:
    yield Move(COLLATERAL, budget_account(event.market_id), _pot(event), event.amount)
    for side in SIDES:
        yield _shares(event, side, "issued", "house", event.amount)
    yield Move(quotes_asset(event.market_id, event.epoch), "house", "opened", event.amount)


def _house_retired(event: ev.HouseRetired, sums: Sums) -> Moves:
    step = _step_key(event)
    yield Move(step.asset, "house", "retired:YES", event.yes_shares)
    yield Move(step.asset, "house", "retired:NO", event.no_shares)
    yield Move(step.asset, "house", step.account, event.step - sums(step))


def _step_key(event: ev.HouseRetired) -> Key:
    return Key("step", quotes_asset(event.market_id, event.epoch))


def _house_settled(event: ev.HouseSettled, _: Sums) -> Moves:
    yield Move(COLLATERAL, _pot(event), budget_account(event.market_id), event.payout)
    yield _shares(event, "YES", "house", "house-settled", event.yes_shares)
    yield _shares(event, "NO", "house", "house-settled", event.no_shares)


def _share_transfer(event: ev.ShareTransfer, sums: Sums) -> Moves:
    stake = _stake_moved(event)
    if stake is not None:
        cost = _cost_of(stake, event.sender, event.amount, sums)
        yield Move(stake.shares, event.sender, event.receiver, event.amount)
        yield Move(stake.cost, event.sender, event.receiver, cost)


def _stake_moved(event: ev.ShareTransfer) -> Stake | None:
    """What a transfer moves between two accounts; None for the others.

    Anyone may transfer 0 of an id that is no position.
    """
    market_id, epoch, side = event.id >> 64, (event.id >> 8) & (1 << 56) - 1, event.id & 0xFF
    ends = {event.sender, event.receiver}
    if event.amount == 0 or side >= len(SIDES) or ZERO_ADDRESS in ends or len(ends) == 1:
        return None
    return Stake(market_id, epoch, SIDES[side])


def _root_proposed(event: ev.RootProposed, sums: Sums) -> Moves:
    yield Move(ROOT, "posted", "pending", event.total - sums(PENDING))


def _root_vetoed(_event: ev.RootVetoed, sums: Sums) -> Moves:
    yield Move(ROOT, "pending", "posted", sums(PENDING))


def _root_activated(event: ev.RootActivated, sums: Sums) -> Moves:
    yield Move(ROOT, "pending", "posted", sums(PENDING))
    yield Move(ROOT, "posted", "active", event.total - sums(ACTIVE))


def _claimed(event: ev.Claimed, _: Sums) -> Moves:
    yield Move(CLAIMED, "vault", event.account, event.amount)


def curve_moves(symbol: str, event: ev.Payload) -> Moves:
    """What an event of the curve of market `symbol` moves; nothing for any other event."""
    quote, tokens = curve_asset(symbol), curve_tokens_asset(symbol)
    if isinstance(event, ev.CurveBought):
        yield Move(quote, "external", "raised", event.amount - event.fee)
        yield Move(quote, "external", "fees", event.fee)
        yield Move(tokens, "curve", event.recipient, event.tokens)
    elif isinstance(event, ev.CurveSold):
        yield Move(quote, "raised", "external", event.amount)
        yield Move(quote, "raised", "fees", event.fee)
        yield Move(tokens, event.account, "curve", event.tokens)
    elif isinstance(event, ev.FeesClaimed):
        yield Move(quote, "fees", "external", event.amount)
    elif isinstance(event, ev.Graduated):
        yield Move(quote, "raised", "pool", event.quote)


def keys_read(event: ev.Payload) -> list[Key]:
    """The keys whose sums the moves of an event depend on."""
    match event:
        case ev.Merged() | ev.Redeemed():
            stakes, account = [_stake(event, side) for side in SIDES], event.account
        case ev.Sold():
            stakes, account = [_stake(event, _own_and_other(event.side)[0])], event.account
        case ev.OrderFilled(is_buy=False):
            stakes, account = [_stake(event, _own_and_other(event.side)[0])], event.maker
        case ev.HouseRetired():
            return [_step_key(event)]
        case ev.ShareTransfer():
            moved = _stake_moved(event)
            stakes, account = [moved] if moved else [], event.sender
        case ev.RootProposed() | ev.RootVetoed() | ev.RootActivated():
            return [PENDING, ACTIVE]
        case _:
            return []
    return [Key(account, asset) for stake in stakes for asset in (stake.shares, stake.cost)]


HANDLERS: dict[type[Any], Callable[[Any, Sums], Moves]] = {
    ev.Deposited: _deposited,
    ev.Withdrawn: _withdrawn,
    ev.Split: _split,
    ev.Merged: _merged,
    ev.Redeemed: _redeemed,
    ev.Bought: _bought,
    ev.Sold: _sold,
    ev.HouseFunded: _house_funded,
    ev.HouseDefunded: _house_defunded,
    ev.HouseOpened: _house_opened,
    ev.HouseSettled: _house_settled,
    ev.HouseRetired: _house_retired,
    ev.OrderFilled: _order_filled,
    ev.FeesCharged: _fees_charged,
    ev.ShareTransfer: _share_transfer,
    ev.RootProposed: _root_proposed,
    ev.RootVetoed: _root_vetoed,
    ev.RootActivated: _root_activated,
    ev.Claimed: _claimed,
}
