"""How a question is put to the index, and its answer printed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from chain_kit.cli.options import load_settings
from chain_kit.cli.output import print_csv, print_json
from chain_kit.errors import UsageError

if TYPE_CHECKING:
    from indexer.database import Database as Index

__all__ = ["Address", "Limit", "Market", "answer", "columns_of", "shown"]

T = TypeVar("T")

Market = Annotated[str, typer.Argument(metavar="MARKET", help="A market's symbol, or its address.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The account.")]
Limit = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="No more rows than these.")
]


def answer(db: str | None, question: Callable[[Index], Awaitable[T]]) -> T:
    """The answer of the index that the settings name."""
    from indexer.queries import open_database

    async def ask() -> T:
        async with open_database(load_settings(database=db).database) as index:
            return await question(index)

    return asyncio.run(ask())


def columns_of(kind: type[Any]) -> list[str]:
    """The fields of an answer's TypedDict, the stamp last."""
    return list(kind.__annotations__)


def shown(
    document: object,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    *,
    json: bool,
    csv: bool,
) -> bool:
    """Prints an answer as JSON or CSV, if that is wanted. Raises UsageError if both are."""
    if json and csv:
        raise UsageError("--json and --csv exclude each other", hint="give one of --json and --csv")
    if json:
        print_json(document)
    elif csv:
        print_csv(columns, rows)
    return json or csv
