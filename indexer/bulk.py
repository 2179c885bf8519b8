"""Many rows at a time, past SQLAlchemy: some hundred in a statement of SQLite, COPY in PostgreSQL.

Everything is done on the connection, and in the transaction, that SQLAlchemy has begun.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Protocol

import orjson
from sqlalchemy import BigInteger, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from indexer.models import Amount, table_of
from indexer.rows import Row, Rows

__all__ = ["Bulk", "Found", "bulk_of"]

Pair = tuple[int, int]
"""Asset and account of a holding, by their ids."""
Found = dict[Pair, tuple[int, int]]
"""Of a holding, its id and its balance."""

_TOGETHER = 400
"""Rows in one statement of SQLite, which takes 32,766 values."""
_BALANCE = "(SELECT balance FROM entry WHERE holding_id = h.id ORDER BY block DESC LIMIT 1)"
_COLUMNS = f"h.asset_id, h.account_id, h.id, {_BALANCE}"


class Bulk(Protocol):
    """The two ways to do the same."""

    async def insert(self, rows: Rows) -> None:
        """Adds rows, each with all columns of its table in order; amounts as decimal text."""

    async def ids(self, model: type[SQLModel], names: Iterable[str]) -> dict[str, int]:
        """The ids of those accounts or assets that exist, by name."""

    async def holdings(self, pairs: Iterable[Pair]) -> Found:
        """The holdings of those (asset, account)s that exist."""

    async def delete_entries(self, holdings: Sequence[int], after_block: int) -> None:
        """Deletes the entries of some holdings in later blocks."""


def bulk_of(connection: AsyncConnection) -> Bulk:
    """The way of the connection's database."""
    return _Postgres(connection) if connection.dialect.name == "postgresql" else _Sqlite(connection)


class _Sqlite:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def insert(self, rows: Rows) -> None:
        """See `Bulk`."""
        driver: Any = (await self._connection.get_raw_connection()).driver_connection
        # All of it in the thread of the connection at once, which else is asked for each statement.
        await driver._execute(_insert_all, driver._conn, rows)  # noqa: SLF001  # aiosqlite has no other way

    async def ids(self, model: type[SQLModel], names: Iterable[str]) -> dict[str, int]:
        """See `Bulk`."""
        table = table_of(model).name
        query = text(f"SELECT t.name, t.id FROM json_each(:names) k JOIN {table} t ON t.name = k.value")  # noqa: S608
        rows = await self._connection.execute(query, {"names": _json(names)})
        return {row.name: row.id for row in rows}

    async def holdings(self, pairs: Iterable[Pair]) -> Found:
        """See `Bulk`."""
        query = text(
            f"SELECT {_COLUMNS} FROM json_each(:pairs) k JOIN holding h"  # noqa: S608
            " ON h.asset_id = json_extract(k.value, '$[0]') AND h.account_id = json_extract(k.value, '$[1]')"
        )
        return _found(await self._connection.execute(query, {"pairs": _json(pairs)}))

    async def delete_entries(self, holdings: Sequence[int], after_block: int) -> None:
        """See `Bulk`."""
        statement = "DELETE FROM entry WHERE holding_id = ? AND block > ?"
        await self._connection.exec_driver_sql(statement, [(number, after_block) for number in holdings])


class _Postgres:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def insert(self, rows: Rows) -> None:
        """See `Bulk`."""
        raw: Any = (await self._connection.get_raw_connection()).driver_connection
        for model, values in rows.items():
            if values:
                await self._copy(raw, model, values)

    async def _copy(self, raw: Any, model: type[SQLModel], rows: Sequence[Row]) -> None:
        table, amounts = table_of(model), _amounts(model)
        columns = table.columns.keys()
        if amounts:
            # Its binary form of a number of 78 digits takes the driver longer than the server reads text.
            await raw.copy_to_table(table.name, source=_copied(model, rows), columns=columns, format="text")
        else:
            await raw.copy_records_to_table(table.name, records=rows, columns=columns)

    async def ids(self, model: type[SQLModel], names: Iterable[str]) -> dict[str, int]:
        """See `Bulk`."""
        table = table_of(model).name
        query = text(f"SELECT name, id FROM {table} WHERE name = ANY(:names)")  # noqa: S608
        rows = await self._connection.execute(query, {"names": list(names)})
        return {row.name: row.id for row in rows}

    async def holdings(self, pairs: Iterable[Pair]) -> Found:
        """See `Bulk`."""
        query = text(
            f"SELECT {_COLUMNS} FROM unnest(CAST(:assets AS bigint[]), CAST(:accounts AS bigint[]))"  # noqa: S608
            " AS k(asset_id, account_id) JOIN holding h USING (asset_id, account_id)"
        )
        assets, accounts = zip(*pairs, strict=True)
        rows = await self._connection.execute(query, {"assets": assets, "accounts": accounts})
        return _found(rows)

    async def delete_entries(self, holdings: Sequence[int], after_block: int) -> None:
        """See `Bulk`."""
        statement = text("DELETE FROM entry WHERE holding_id = ANY(:holdings) AND block > :after")
        await self._connection.execute(statement, {"holdings": list(holdings), "after": after_block})


def _insert_all(connection: sqlite3.Connection, rows: Mapping[type[SQLModel], Sequence[Row]]) -> None:
    """Many rows by one statement: while it runs, other threads of this process do as well."""
    for model, values in rows.items():
        whole = len(values) - len(values) % _TOGETHER
        for first in range(0, whole, _TOGETHER):
            together = chain.from_iterable(values[first : first + _TOGETHER])
            connection.execute(_insertion(model, _TOGETHER), list(together))
        if rest := values[whole:]:
            connection.executemany(_insertion(model, 1), rest)


@lru_cache
def _insertion(model: type[SQLModel], rows: int) -> str:
    columns = table_of(model).columns
    places = f"({', '.join('?' * len(columns))})"
    names = ", ".join(columns.keys())
    return f"INSERT INTO {table_of(model).name} ({names}) VALUES {', '.join([places] * rows)}"  # noqa: S608


def _json(values: Iterable[Any]) -> str:
    return orjson.dumps(list(values)).decode()


def _found(rows: Iterable[Any]) -> Found:
    return {(asset, account): (number, int(balance)) for asset, account, number, balance in rows}


@lru_cache
def _amounts(model: type[SQLModel]) -> frozenset[str]:
    return frozenset(column.name for column in table_of(model).columns if isinstance(column.type, Amount))


_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ROWS_AT_A_TIME = 2_000


async def _copied(model: type[SQLModel], rows: Sequence[Row]) -> AsyncIterator[bytes]:
    """Rows in the text format of COPY."""
    columns = table_of(model).columns
    numbers = all(isinstance(column.type, BigInteger | Amount) and not column.nullable for column in columns)
    line = "\t".join(["%s"] * len(columns)) + "\n"
    for first in range(0, len(rows), _ROWS_AT_A_TIME):
        part = rows[first : first + _ROWS_AT_A_TIME]
        if not numbers:
            part = [tuple([_field(value) for value in row]) for row in part]
        yield "".join([line % row for row in part]).encode()


def _field(value: int | str | None) -> str:
    if value is None:
        return "\\N"
    return value.translate(_ESCAPED) if isinstance(value, str) else str(value)
