"""The index's writer: every step of the chain in one transaction.

Killed at any instant, the database holds all of a step or nothing of it, and the next run goes on after the
last block that it holds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chain_kit.errors import StoreError
from indexer.accounts import Key
from indexer.blocks import Block, first_after
from indexer.database import Database, read_deployment, require_same
from indexer.decode import Decoder
from indexer.deployment import Deployment
from indexer.engine import check_file, database_url, make_engine, sqlite_path, store_errors
from indexer.ledger import Book, Ledger
from indexer.lock import WriterLock
from indexer.models import (
    SCHEMA_VERSION,
    BlockRow,
    BoundaryRow,
    CursorRow,
    EntryRow,
    EventRow,
    FeedRow,
    HoldingRow,
    MarketRow,
    MetaRow,
    VerificationRow,
    metadata,
    table_of,
)
from indexer.rows import Rows, block_rows, entry_rows, event_rows
from indexer.steps import Forward, Head, Step, Undo

__all__ = ["Store", "open_store"]

_KEYS_PER_QUERY = 1_000
_CACHED_HOLDINGS = 200_000
_BY_POSITION = (EntryRow, EventRow, MarketRow, FeedRow, BoundaryRow)


class Store(Database):
    """The one writer of an index. Made by `open_store`."""

    def __init__(self, url: URL, reads: AsyncEngine, writes: AsyncEngine, deployment: Deployment) -> None:
        super().__init__(url, reads, deployment)
        self._writes = writes
        self._decoder = Decoder(deployment)
        self._ledger = Ledger(deployment.holders)
        # What the database says of holdings; nobody else writes it while the lock is held.
        self._balances: dict[Key, int] = {}
        self._ids: dict[Key, int] = {}
        self._next_id: int | None = None
        self._tip: Block | None = None

    async def tip(self) -> Block | None:
        """The last block that is indexed; None before the first."""
        if self._tip is None:
            async with self.snapshot() as connection:
                self._tip = await _tip(connection)
        return self._tip

    async def headers(self, first: int, last: int) -> list[Block]:
        """The indexed headers from block `first` to `last`, in order."""
        table = table_of(BlockRow)
        query = select(table).where(table.c.number.between(first, last)).order_by(table.c.number)
        async with self.snapshot() as connection:
            return [Block(*row) for row in await connection.execute(query)]

    async def take(self, step: Step) -> None:
        """Writes one step of the chain. Raises StoreError if it does not follow what is there."""
        if isinstance(step, Forward):
            await self._forward(step)
        else:
            await self._undo(step)

    async def _forward(self, step: Forward) -> None:
        events = self._decoder.decode_all(step.logs)
        if len(self._ids) > _CACHED_HOLDINGS:
            self._forget()
        async with self._writing() as connection:
            self._require_next(await _tip(connection), step.blocks[0])
            await self._load(connection, self._ledger.keys_read(events))
            entries = Book(self._ledger, self._balances).add(events)
            await self._load(connection, {entry.key for entry in entries})
            next_id = await self._first_free_id(connection)
            rows, balances, ids = entry_rows(entries, self._balances, self._ids, next_id)
            await _insert(connection, block_rows(step.blocks) | event_rows(events) | rows)
            await _move_cursor(connection, step.blocks[-1].number, step.head)
        self._balances |= balances
        self._ids |= ids
        self._next_id = next_id + len(rows[HoldingRow])
        self._tip = step.blocks[-1]

    async def _undo(self, step: Undo) -> None:
        async with self._writing() as connection:
            await _delete_after(connection, step.to_block)
            await _move_cursor(connection, step.to_block, step.head)
        self._forget()

    def _require_next(self, tip: Block | None, block: Block) -> None:
        if tip is None:
            follows = block.number == self.deployment.first_block
        else:
            follows = block.number == tip.number + 1 and block.parent_hash == tip.hash
        if not follows:
            raise StoreError(f"block {block.number} ({block.hash}) does not follow the index's {tip}")

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        try:
            with store_errors(self.url):
                async with self._writes.begin() as connection:
                    yield connection
        except BaseException:
            # What was loaded may not be what is there.
            self._forget()
            raise

    def _forget(self) -> None:
        self._balances, self._ids, self._next_id, self._tip = {}, {}, None, None

    async def _load(self, connection: AsyncConnection, keys: Iterable[Key]) -> None:
        """Makes sure that the balances and ids of those keys that exist are known."""
        missing = sorted(key for key in keys if key not in self._ids)
        for first in range(0, len(missing), _KEYS_PER_QUERY):
            part = missing[first : first + _KEYS_PER_QUERY]
            for number, account, asset, balance in await connection.execute(_holdings(part)):
                self._ids[Key(account, asset)] = number
                self._balances[Key(account, asset)] = balance

    async def _first_free_id(self, connection: AsyncConnection) -> int:
        if self._next_id is None:
            last = await connection.scalar(select(func.max(table_of(HoldingRow).c.id)))
            self._next_id = (last or 0) + 1
        return self._next_id


@asynccontextmanager
async def open_store(
    database: str | Path, deployment: Deployment, *, wait_seconds: float = 0.0
) -> AsyncIterator[Store]:
    """Opens the index of `deployment` for writing, and makes it if there is none.

    Holds the writer's lock: raises StoreLockedError if another process has it for all of `wait_seconds`.
    Raises StoreDeploymentError, StoreSchemaError, StoreCorruptError or StoreReadOnlyError for a database
    that cannot be gone on with.
    """
    url = database_url(database)
    path = sqlite_path(url)
    if path is not None:
        check_file(path, create=True)
    async with WriterLock(url, wait_seconds=wait_seconds):
        writes, reads = make_engine(url, writes=True), make_engine(url, writes=False)
        try:
            with store_errors(url):
                async with writes.begin() as connection:
                    await _prepare(connection, url, deployment)
            yield Store(url, reads, writes, deployment)
        finally:
            await reads.dispose()
            await writes.dispose()


async def _prepare(connection: AsyncConnection, url: URL, deployment: Deployment) -> None:
    found = await read_deployment(connection, url)
    if found is not None:
        require_same(deployment, found, url)
        return
    await connection.run_sync(metadata.create_all)
    facts = {"schema_version": SCHEMA_VERSION, "deployment": deployment.to_json()}
    await connection.execute(
        insert(table_of(MetaRow)), [{"name": name, "value": value} for name, value in facts.items()]
    )
    before = deployment.first_block - 1
    cursor = {"id": 1, "block_number": before, "head": before, "safe": 0, "finalized": 0}
    await connection.execute(insert(table_of(CursorRow)), [cursor])


def _holdings(keys: list[Key]) -> Any:
    holding, entry = table_of(HoldingRow), table_of(EntryRow)
    balance = (
        select(entry.c.balance)
        .where(entry.c.holding_id == holding.c.id)
        .order_by(entry.c.position.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted = tuple_(holding.c.account, holding.c.asset).in_(keys)
    return select(holding.c.id, holding.c.account, holding.c.asset, balance).where(wanted)


async def _tip(connection: AsyncConnection) -> Block | None:
    table = table_of(BlockRow)
    row = (await connection.execute(select(table).order_by(table.c.number.desc()).limit(1))).first()
    return None if row is None else Block(*row)


async def _insert(connection: AsyncConnection, rows: Rows) -> None:
    for model, values in rows.items():
        if values:
            await connection.execute(insert(table_of(model)), values)


async def _delete_after(connection: AsyncConnection, block: int) -> None:
    """Deletes what is of later blocks. State needs no more: it is the sum of what is left."""
    position = first_after(block)
    for model in _BY_POSITION:
        table = table_of(model)
        await connection.execute(delete(table).where(table.c.position >= position))
    holding, headers, verified = table_of(HoldingRow), table_of(BlockRow), table_of(VerificationRow)
    await connection.execute(delete(holding).where(holding.c.opened_at >= position))
    await connection.execute(delete(headers).where(headers.c.number > block))
    await connection.execute(delete(verified).where(verified.c.block_number > block))


async def _move_cursor(connection: AsyncConnection, block: int, head: Head) -> None:
    values = {
        "block_number": block,
        "head": head.block.number,
        "safe": head.safe,
        "finalized": head.finalized,
    }
    await connection.execute(update(table_of(CursorRow)).values(values))
