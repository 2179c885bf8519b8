"""The three questions: `chain-kit epochs`, `positions` and `reserve`. They ask the index, never the chain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from chain_kit.cli.options import AtBlock, Database, Json, load_settings
from chain_kit.cli.output import print_json

if TYPE_CHECKING:
    from indexer.database import Database as Index

__all__ = ["epochs", "positions", "reserve"]

T = TypeVar("T")

Market = Annotated[str, typer.Argument(metavar="MARKET", help="A market's symbol, or its address.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The account.")]


def epochs(market: Market, at_block: AtBlock = None, db: Database = None, json: Json = False) -> None:
    """How a market's epochs went: prices, outcome, supplies, collateral.

    Example: chain-kit epochs BTC --json
    """
    from indexer import queries

    rows = _ask(db, lambda index: queries.epochs(index, market, at_block=at_block))
    if json:
        print_json(rows)
        return
    from chain_kit.cli.tables import print_epochs

    print_epochs(rows)


def positions(address: Address, at_block: AtBlock = None, db: Database = None, json: Json = False) -> None:
    """What an account holds or held, epoch by epoch, with cost, profit and what can be claimed.

    Example: chain-kit positions 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
    """
    from indexer import queries

    rows = _ask(db, lambda index: queries.positions(index, address, at_block=at_block))
    if json:
        print_json(rows)
        return
    from chain_kit.cli.tables import print_positions

    print_positions(address, rows)


def reserve(at_block: AtBlock = None, db: Database = None, json: Json = False) -> None:
    """What hub and vault hold and owe, and whether that was checked against the chain at this block.

    Example: chain-kit reserve --at-block 120 --json
    """
    from indexer import queries

    answer = _ask(db, lambda index: queries.reserve(index, at_block=at_block))
    if json:
        print_json(answer)
        return
    from chain_kit.cli.tables import print_reserve

    print_reserve(answer)


def _ask(db: str | None, question: Callable[[Index], Awaitable[T]]) -> T:
    """The answer of the index that the settings name."""
    from indexer.queries import open_database

    async def ask() -> T:
        async with open_database(load_settings(database=db).database) as index:
            return await question(index)

    return asyncio.run(ask())
