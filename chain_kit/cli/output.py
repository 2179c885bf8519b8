"""What people and programs see: data on standard output, talk on standard error."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from chain_kit.errors import ChainKitError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "Column",
    "console",
    "print_csv",
    "print_error",
    "print_json",
    "print_json_line",
    "print_table",
    "say",
]

Column = tuple[str, str]
"""A heading, and the key of its values in the rows. Headings that end in a space align right."""


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_json_line(document: object) -> None:
    """One line of a stream of JSON documents, flushed at once."""
    sys.stdout.write(orjson.dumps(document).decode() + "\n")
    sys.stdout.flush()


def print_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """A header and a line for each row on standard output, as RFC 4180 has them.

    What is missing is empty, truth is `true` or `false`, and a list is its parts with spaces between.
    """
    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def say(text: str) -> None:
    """A line of talk on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def print_error(error: ChainKitError) -> None:
    """What failed, and what to do about it."""
    say(f"error: {error.message}")
    if error.hint:
        say(f"hint: {error.hint}")


def console() -> Console:
    """Rich's console for standard output; colour on a terminal only, and NO_COLOR is obeyed."""
    from rich.console import Console

    # A file or a pipe gets every column, whatever the width of the terminal that is not there.
    return Console(
        highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 160
    )


def print_table(title: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> None:
    """A table of `rows`; a missing value shows as a dash."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, _ in columns:
        right = heading.endswith(" ")
        table.add_column(heading.rstrip(), justify="right" if right else "left", no_wrap=True)
    for row in rows:
        # As text, not as markup: names of markets are anybody's words.
        table.add_row(*(Text(_shown(row.get(key))) for _, key in columns))
    console().print(table)


def _shown(value: object) -> str:
    return "–" if value is None else str(value)
