"""What the events of the race market move, as the table in `accounts_race` says.

Profit is by average cost, as in a market. A field split of `a` puts an equal part of it on each asset, and
what that leaves on the first; a merged field pays out by the same parts. A conversion hands the cost on and
realises nothing: to a field in equal parts, to a book all of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from indexer import events as ev
from indexer.accounts import FEES, Books, EpochNames, Key, balance_account
from indexer.accounts_race import RACE_COLLATERAL, RACE_PAID, book_names, race_asset
from indexer.events import Emitter
from indexer.events_race import Converted, FieldMerged, FieldSplit, RaceCreated
from indexer.moves import NO, YES, Handler, Reads, cost_of, moves_a_stake, realize, stakes

__all__ = ["HANDLERS", "READS"]

ASSETS_MAX = 16


def _names(event: ev.Split | ev.Merged | ev.Redeemed | ev.OrderFilled | Converted) -> EpochNames:
    return book_names(event.market_id, event.epoch)


def _field(books: Books, race_id: int, position: int, epoch: int) -> list[EpochNames]:
    """The names of each asset's book in a position."""
    assets = books.sum("assets", race_asset(race_id))
    return [book_names(race_id << 16 | position << 8 | asset, epoch) for asset in range(assets)]


def _parts(amount: int, count: int) -> list[int]:
    """An amount in `count` equal parts; what that leaves is in the first."""
    return [amount // count + (0 if number else amount % count) for number in range(count)]


def _created(event: RaceCreated, books: Books, _: Emitter) -> None:
    books.move(race_asset(event.race_id), "made", "assets", len(event.feeds))


def _deposited(event: ev.Deposited, books: Books, _: Emitter) -> None:
    books.move(RACE_COLLATERAL, "external", balance_account(event.account), event.amount)


def _withdrawn(event: ev.Withdrawn, books: Books, _: Emitter) -> None:
    books.move(RACE_COLLATERAL, balance_account(event.account), "external", event.amount)


def _split(event: ev.Split, books: Books, _: Emitter) -> None:
    names, account, amount = _names(event), event.account, event.amount
    books.move(RACE_COLLATERAL, balance_account(account), names.pot, amount)
    for side, cost in ((YES, amount // 2), (NO, amount - amount // 2)):
        books.move(names.shares[side], "issued", account, amount)
        books.move(names.cost[side], "basis", account, cost)


def _merged(event: ev.Merged, books: Books, _: Emitter) -> None:
    names, account, amount = _names(event), event.account, event.amount
    realize(books, account, names, [(YES, amount), (NO, amount)], amount)
    books.move(RACE_COLLATERAL, names.pot, balance_account(account), amount)
    for side in (YES, NO):
        books.move(names.shares[side], account, "issued", amount)


def _redeemed(event: ev.Redeemed, books: Books, _: Emitter) -> None:
    names, account = _names(event), event.account
    given = [(YES, event.yes_shares), (NO, event.no_shares)]
    realize(books, account, names, given, event.payout)
    books.move(RACE_COLLATERAL, names.pot, "external", event.payout)
    books.move(RACE_PAID, "redeemed", names.pot, event.payout)
    for side, amount in given:
        books.move(names.shares[side], account, "redeemed", amount)


def _order_filled(event: ev.OrderFilled, books: Books, _: Emitter) -> None:
    names, maker, side = _names(event), event.maker, NO if event.side else YES
    balance = balance_account(maker)
    books.move(RACE_COLLATERAL, balance, FEES, event.fee)
    if event.is_buy:
        books.move(RACE_COLLATERAL, balance, names.pot, event.amount)
        books.move(names.shares[side], "issued", maker, event.size)
        books.move(names.cost[side], "basis", maker, event.amount + event.fee)
    else:
        realize(books, maker, names, [(side, event.size)], event.amount - event.fee)
        books.move(RACE_COLLATERAL, names.pot, balance, event.amount)
        books.move(names.shares[side], maker, "issued", event.size)


def _fees_charged(event: ev.FeesCharged, books: Books, _: Emitter) -> None:
    books.move(RACE_COLLATERAL, FEES, balance_account(event.operator), event.amount)


def _share_transfer(event: ev.ShareTransfer, books: Books, _: Emitter) -> None:
    if not moves_a_stake(event):
        return
    names, side = _stake_moved(event)
    cost = cost_of(books, event.sender, names, side, event.amount)
    books.move(names.shares[side], event.sender, event.receiver, event.amount)
    books.move(names.cost[side], event.sender, event.receiver, cost)


def _stake_moved(event: ev.ShareTransfer) -> tuple[EpochNames, int]:
    return book_names(event.id >> 64, (event.id >> 8) & (1 << 56) - 1), event.id & 0xFF


def _field_split(event: FieldSplit, books: Books, _: Emitter) -> None:
    field = _field(books, event.race_id, event.position, event.epoch)
    if not field:
        return
    books.move(RACE_COLLATERAL, balance_account(event.account), field[0].pot, event.amount)
    for names, cost in zip(field, _parts(event.amount, len(field)), strict=True):
        books.move(names.shares[YES], "issued", event.account, event.amount)
        books.move(names.cost[YES], "basis", event.account, cost)


def _field_merged(event: FieldMerged, books: Books, _: Emitter) -> None:
    field = _field(books, event.race_id, event.position, event.epoch)
    if not field:
        return
    for names, proceeds in zip(field, _parts(event.amount, len(field)), strict=True):
        realize(books, event.account, names, [(YES, event.amount)], proceeds)
        books.move(names.shares[YES], event.account, "issued", event.amount)
    books.move(RACE_COLLATERAL, field[0].pot, balance_account(event.account), event.amount)


def _converted(event: Converted, books: Books, _: Emitter) -> None:
    race_id, position, asset = split_book(event.market_id)
    field = _field(books, race_id, position, event.epoch)
    others = [(names, YES) for number, names in enumerate(field) if number != asset]
    book = [(_names(event), NO)]
    given, got = (book, others) if event.to_field else (others, book)
    if others:
        _exchange(books, event.account, given, got, event.amount)


def _exchange(
    books: Books,
    account: str,
    given: list[tuple[EpochNames, int]],
    got: list[tuple[EpochNames, int]],
    amount: int,
) -> None:
    """Shares against others, which take over what they have cost."""
    total = 0
    for names, side in given:
        cost = cost_of(books, account, names, side, amount)
        total += cost
        books.move(names.cost[side], account, "basis", cost)
        books.move(names.shares[side], account, "issued", amount)
    for (names, side), cost in zip(got, _parts(total, len(got)), strict=True):
        books.move(names.cost[side], "basis", account, cost)
        books.move(names.shares[side], "issued", account, amount)


def split_book(book: int) -> tuple[int, int, int]:
    """Race, position and asset of a book's market id."""
    return book >> 16, book >> 8 & 0xFF, book & 0xFF


def _reads_both(event: ev.Merged | ev.Redeemed, _: Emitter) -> list[Key]:
    return stakes(_names(event), event.account, (YES, NO))


def _reads_filled(event: ev.OrderFilled, _: Emitter) -> list[Key]:
    return [] if event.is_buy else stakes(_names(event), event.maker, [NO if event.side else YES])


def _reads_transfer(event: ev.ShareTransfer, _: Emitter) -> list[Key]:
    if not moves_a_stake(event):
        return []
    names, side = _stake_moved(event)
    return stakes(names, event.sender, [side])


def _field_keys(race_id: int, position: int, epoch: int, account: str) -> Iterable[Key]:
    """Of as many assets as there can be: how many there are is known from the first of these only."""
    yield Key("assets", race_asset(race_id))
    for asset in range(ASSETS_MAX):
        yield from stakes(book_names(race_id << 16 | position << 8 | asset, epoch), account, [YES])


def _reads_assets(event: FieldSplit, _: Emitter) -> list[Key]:
    return [Key("assets", race_asset(event.race_id))]


def _reads_field(event: FieldMerged, _: Emitter) -> list[Key]:
    return list(_field_keys(event.race_id, event.position, event.epoch, event.account))


def _reads_converted(event: Converted, _: Emitter) -> list[Key]:
    race_id, position, _asset = split_book(event.market_id)
    if event.to_field:
        return [Key("assets", race_asset(race_id)), *stakes(_names(event), event.account, [NO])]
    return list(_field_keys(race_id, position, event.epoch, event.account))


HANDLERS: dict[tuple[str, str], Handler] = {
    ("RaceMarket", "RaceCreated"): _created,
    ("RaceMarket", "Deposited"): _deposited,
    ("RaceMarket", "Withdrawn"): _withdrawn,
    ("RaceMarket", "Split"): _split,
    ("RaceMarket", "Merged"): _merged,
    ("RaceMarket", "Redeemed"): _redeemed,
    ("RaceMarket", "OrderFilled"): _order_filled,
    ("RaceMarket", "FeesCharged"): _fees_charged,
    ("RaceMarket", "Transfer"): _share_transfer,
    ("RaceMarket", "FieldSplit"): _field_split,
    ("RaceMarket", "FieldMerged"): _field_merged,
    ("RaceMarket", "Converted"): _converted,
}
READS: dict[tuple[str, str], Reads] = {
    ("RaceMarket", "Merged"): _reads_both,
    ("RaceMarket", "Redeemed"): _reads_both,
    ("RaceMarket", "OrderFilled"): _reads_filled,
    ("RaceMarket", "Transfer"): _reads_transfer,
    ("RaceMarket", "FieldSplit"): _reads_assets,
    ("RaceMarket", "FieldMerged"): _reads_field,
    ("RaceMarket", "Converted"): _reads_converted,
}
