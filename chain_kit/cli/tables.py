"""The answers as tables. Amounts are cut to what a person reads; `--json` has every digit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Context, Decimal
from typing import TYPE_CHECKING, Any

from chain_kit.cli.output import Column, console, print_table

if TYPE_CHECKING:
    from indexer.queries import EpochAnswer, PositionAnswer, ReserveAnswer

__all__ = [
    "POSITIONS",
    "STAMP",
    "cut",
    "print_demo",
    "print_epochs",
    "print_positions",
    "print_reserve",
    "print_stamp",
    "print_stamped",
    "reserve_rows",
    "short",
]

STAMP = ("block", "block_hash", "level", "verified")

_EPOCHS = [
    ("market", "market"),
    ("epoch ", "epoch"),
    ("start", "start_at"),
    ("start price ", "start_price"),
    ("end price ", "end_price"),
    ("outcome", "outcome"),
    ("YES supply ", "yes_supply"),
    ("NO supply ", "no_supply"),
    ("collateral ", "collateral"),
]
POSITIONS = [
    ("market", "market"),
    ("epoch ", "epoch"),
    ("YES ", "yes_tokens"),
    ("NO ", "no_tokens"),
    ("entry ", "entry_price"),
    ("cost ", "cost"),
    ("realized ", "realized_pnl"),
    ("unrealized ", "unrealized_pnl"),
    ("claimable ", "claimable"),
]
_ACCOUNTS = [
    ("account", "account"),
    ("habit", "habit"),
    ("epochs ", "epochs"),
    ("profit ", "profit"),
    ("wallet ", "wallet"),
    ("internal ", "internal"),
    ("MRT ", "mrt"),
    ("vault claim ", "claimed"),
]
_RESERVE = [
    ("contract", "contract"),
    ("reserve ", "reserve"),
    ("liabilities ", "liabilities"),
    ("coverage ", "coverage"),
]
_ORDERS = [
    ("order", "order"),
    ("account", "account"),
    ("limit ", "limit"),
    ("paid ", "paid"),
    ("shares ", "shares"),
]
_FINISH = [
    ("asset", "asset"),
    ("start price ", "start_price"),
    ("end price ", "end_price"),
    ("place ", "first_place"),
    ("shared by ", "shared_by"),
]
_POOL = [
    ("pool", "pool"),
    ("USDC ", "pool_quote"),
    ("MRT ", "pool_tokens"),
    ("locked shares ", "locked_shares"),
]
_AMOUNTS = {
    "start_price",
    "end_price",
    "yes_supply",
    "no_supply",
    "collateral",
    "yes_tokens",
    "no_tokens",
    "entry_price",
    "cost",
    "realized_pnl",
    "unrealized_pnl",
    "claimable",
    "reserve",
    "liabilities",
    "coverage",
    "mrt",
    "claimed",
    "profit",
    "wallet",
    "internal",
    "pool_quote",
    "pool_tokens",
    "liquidity",
    "shares",
    "amount",
    "price",
    "fee",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "balance",
    "share",
}


# Wide enough for any uint256, whatever its decimals.
_WIDE = Context(prec=100, rounding=ROUND_DOWN)


def short(amount: str, places: int = 4) -> str:
    """A decimal string cut, not rounded, to `places`: "1.23456" is "1.2345"."""
    cut = Decimal(amount).quantize(Decimal(1).scaleb(-places), context=_WIDE)
    return f"{cut:,f}"


def cut(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its amounts cut."""
    return {
        key: short(value) if key in _AMOUNTS and isinstance(value, str) else value
        for key, value in row.items()
    }


def print_epochs(rows: Sequence[EpochAnswer]) -> None:
    """The epochs of a market."""
    print_stamped("Epochs", _EPOCHS, rows)


def print_positions(address: str, rows: Sequence[PositionAnswer]) -> None:
    """One account's positions."""
    print_stamped(f"Positions of {address}", POSITIONS, rows)


def print_demo(document: Mapping[str, Any]) -> None:
    """All that the demo shows."""
    print_table("Epochs", _EPOCHS, [cut(row) for row in document["epochs"]])
    print_table(
        "Accounts, in collateral but for MRT and USDC claims",
        _ACCOUNTS,
        [cut(r) for r in document["accounts"]],
    )
    print_table(
        "Positions", [("account", "account"), *POSITIONS], [cut(row) for row in document["positions"]]
    )
    _print_match(document["match"])
    race, graduation = document["race"], document["graduation"]
    print_table(
        f"Race {race['race']}: {race['staked']} staked on {race['positions']} places, {race['paid']} paid",
        _FINISH,
        race["finish"],
    )
    print_table(
        f"The reward token of {graduation['market']} has graduated: {graduation['raised']} USDC raised",
        _POOL,
        [cut(graduation)],
    )
    print_reserve(document["reserve"])
    for difference in document["differences"]:
        console().print(f"differs: {difference}")
    console().print(f"{document['checks']} numbers checked")


def _print_match(match: Mapping[str, Any]) -> None:
    orders = [
        {
            "order": f"{who}: buys {match[f'{who}_side']}",
            "account": match[who],
            "limit": match[f"{who}_limit"],
            "paid": match[f"{who}_paid"],
            "shares": match["shares"],
        }
        for who in ("taker", "maker")
    ]
    where = f"epoch {match['epoch']} of {match['market']}"
    print_table(f"{match['kind']}: two signed orders in {where}, fee {match['fee']}", _ORDERS, orders)


def reserve_rows(answer: ReserveAnswer) -> list[dict[str, Any]]:
    """A row for each contract: what it holds and owes, and the stamp of the answer."""
    found: Mapping[str, Any] = answer
    stamp = {name: found.get(name) for name in STAMP}
    return [
        {"contract": name, **found[name], "at": found["at"], **stamp}
        for name in ("hub", "vault", "races")
        if name in found
    ]


def print_reserve(answer: ReserveAnswer) -> None:
    """The reserves, and whether they were checked."""
    print_table(f"Reserve at block {answer['block']}", _RESERVE, [cut(row) for row in reserve_rows(answer)])
    checked = (
        "checked against the chain" if answer["verified"] else "not checked against the chain at this block"
    )
    console().print(f"{checked}; block hash {answer['block_hash']}")


def print_stamp(stamp: Mapping[str, Any]) -> None:
    """Of which block an answer is, and how far it is proven."""
    verified = "verified" if stamp["verified"] else "not verified"
    console().print(f"block {stamp['block']}, {stamp['level']}: {verified}; block hash {stamp['block_hash']}")


def print_stamped(title: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> None:
    """A table of answers, its amounts cut, with their stamp below; no rows have none."""
    print_table(title, columns, [cut(row) for row in rows])
    if rows:
        print_stamp(rows[0])
