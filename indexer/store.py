"""The index's writer: every step of the chain in one transaction.

Killed at any instant, the database holds all of a step or nothing of it, and the next run goes on after the
last block that it holds.
"""

from __future__ import annotations

import asyncio
import gc
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chain_kit.errors import StoreError, StoreLockedError
from indexer.accounts import Key
from indexer.blocks import Block, Log
from indexer.bulk import Found, Pair, bulk_of
from indexer.database import Database, prepare_schema, read_deployment, require_same
from indexer.decode import Decoder
from indexer.deployment import Deployment
from indexer.engine import check_file, database_url, make_engine, sqlite_path, store_errors
from indexer.extension import extend
from indexer.ledger import Book, keys_read
from indexer.lock import WriterLock
from indexer.models import BlockRow, CursorRow, MetaRow, table_of
from indexer.numbering import Numbering
from indexer.proof import ranges
from indexer.proof.trouble import raise_trouble
from indexer.rows import Rows, block_rows, entry_rows, event_rows, record_rows
from indexer.steps import DEEP_REORG, Forward, Head, Step, Undo
from indexer.stored_events import stored_logs
from indexer.undo import delete_after, touched_between

__all__ = ["OutOfStepError", "Store", "open_store"]

CHANNEL = "chain_kit"
"""On which PostgreSQL tells readers of every commit."""
_MANY_LOGS = 1_000


class OutOfStepError(StoreError):
    """The step does not follow what is there, or no longer."""


class Store(Database):
    """The one writer of an index. Made by `open_store`."""

    def __init__(
        self, url: URL, reads: AsyncEngine, writes: AsyncEngine, deployment: Deployment, *, name: str
    ) -> None:
        super().__init__(url, reads, deployment)
        self._writes = writes
        self._writer = name
        self._decoder = Decoder(deployment)
        self._turn = asyncio.Lock()
        self.undos = 0
        """How often blocks were taken back: what was read before may be otherwise, for all its hash."""
        # What the database says; nobody else writes it while the lock is held.
        self._numbering: Numbering | None = None
        self._tip: Block | None = None
        self._written: asyncio.Task[None] | None = None

    async def tip(self) -> Block | None:
        """The last block that was taken; None before the first."""
        if self._tip is not None:
            return self._tip
        await self.settled()
        async with self.snapshot() as connection:
            return await _tip(connection)

    async def headers(self, first: int, last: int) -> list[Block]:
        """The indexed headers from block `first` to `last`, in order."""
        await self.settled()
        table = table_of(BlockRow)
        query = select(table).where(table.c.number.between(first, last)).order_by(table.c.number)
        async with self.snapshot() as connection:
            return [Block(*row) for row in await connection.execute(query)]

    async def events_between(self, first: int, last: int) -> list[Log]:
        """The indexed logs of the blocks `first` to `last`, in order."""
        async with self.snapshot() as connection:
            return await stored_logs(connection, first, last)

    async def touched(self, first: int, last: int) -> set[Key]:
        """The keys that the blocks `first` to `last` have entries of."""
        async with self.snapshot() as connection:
            return await touched_between(connection, first, last)

    async def take(self, step: Step) -> None:
        """Takes one step of the chain; a large one may still be being written on return, until `flush`.

        Raises OutOfStepError if it does not follow what is there, and what writing the one before has raised.
        """
        if isinstance(step, Forward):
            await self._forward(step)
        else:
            await self._undo(step)

    async def finalized(self) -> int:
        """The last block that was said to be final; 0 if none was."""
        async with self.snapshot() as connection:
            return await connection.scalar(select(table_of(CursorRow).c.finalized)) or 0

    async def note_head(self, head: Head, looked_at_ms: int | None = None) -> None:
        """Keeps how far the chain was when it was last looked at (Unix milliseconds, by default now)."""
        async with self.writing() as connection:
            await _set_cursor(connection, _seen(head, looked_at_ms))

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """The one transaction that writes; another one in this process waits for it.

        Blocks and what follows from them are `take`'s to write; no step may be taken inside. Raises
        StoreLockedError if another writer has begun meanwhile: a lock can be lost without a word.
        """
        try:
            with store_errors(self.url):
                async with self._turn, self._writes.begin() as connection:
                    await self._require_turn(connection)
                    yield connection
                    if connection.dialect.name == "postgresql":
                        await connection.execute(text(f"NOTIFY {CHANNEL}"))
        except BaseException:
            # What is remembered may not be what is there.
            self._forget()
            raise

    async def flush(self) -> None:
        """Until everything that was taken is written. Raises what writing it has raised."""
        await self.settled()
        written, self._written = self._written, None
        if written is not None:
            written.result()

    async def settled(self) -> None:
        """Until nothing is being written; whoever took it hears how that went. Giving up does not stop it."""
        if self._written is not None:
            await asyncio.wait({self._written})

    async def _forward(self, step: Forward) -> None:
        """Works a step out, while the one before is written; only a small one is written on return."""
        _mind_garbage(len(step.logs))
        if self._numbering is None:
            # What was overtaken while it was being written is taken anew by now.
            with suppress(OutOfStepError):
                await self.flush()
            async with self.snapshot() as connection:
                self._tip = await _tip(connection)
                self._numbering = await Numbering.read(connection, self._decoder)
        self._require_next(self._tip, step.blocks[0])
        rows = await self._rows_of(step, self._numbering)
        try:
            await self.flush()
        except BaseException:
            self._forget()
            raise
        self._written = asyncio.create_task(self._write(step, rows))
        if len(step.logs) < _MANY_LOGS:
            await self.flush()

    async def _rows_of(self, step: Forward, numbering: Numbering) -> Rows:
        """All rows of a step. What is remembered is as after it."""
        known = _WhenSettled(self)
        try:
            raws, sayings = self._decoder.read(step.logs)
            await numbering.learn(known, keys_read(sayings))
            changes, opened = Book(self.deployment.holders, numbering.holdings).add(sayings)
            records = record_rows(sayings)
            _require_storable(records)
            rows = block_rows(step.blocks) | event_rows(raws, numbering.kinds) | records
            rows |= await numbering.number(known, opened) | entry_rows(changes)
            numbering.settle(opened)
        except BaseException:
            self._forget()
            raise
        self._tip = step.blocks[-1]
        return rows

    async def _write(self, step: Forward, rows: Rows) -> None:
        first, last = step.blocks[0], step.blocks[-1]
        async with self.writing() as connection:
            self._require_next(await _tip(connection), first)
            await bulk_of(connection).insert(rows)
            numbers = (first.number, last.number)
            await ranges.append(connection, *numbers, step.level, step.endpoint, quiet=step.quiet)
            await _set_cursor(connection, {"block_number": last.number} | _seen(step.head))

    def _forget(self) -> None:
        self._numbering, self._tip = None, None

    async def _undo(self, step: Undo) -> None:
        await self.settled()
        try:
            async with self.writing() as connection:
                await self._take_back(connection, step)
        finally:
            # Before anyone else can write, and even if nobody knows whether it was written.
            self.undos += 1
            self._forget()

    async def _take_back(self, connection: AsyncConnection, step: Undo) -> None:
        tip = await _tip(connection)
        if step.to_block > (self.deployment.first_block - 1 if tip is None else tip.number):
            raise OutOfStepError(f"block {step.to_block} is not there to go back to")
        await delete_after(connection, step.to_block)
        await _set_cursor(connection, {"block_number": step.to_block} | _seen(step.head))
        if step.reason == DEEP_REORG:
            what = f"blocks after {step.to_block} were replaced, deeper than a chain should"
            await raise_trouble(connection, DEEP_REORG, step.to_block, what)

    async def _require_turn(self, connection: AsyncConnection) -> None:
        writer = await connection.scalar(select(table_of(CursorRow).c.writer).with_for_update())
        if writer != self._writer:
            raise StoreLockedError(f"another process has taken over the writing of {self.name}")

    def _require_next(self, tip: Block | None, block: Block) -> None:
        if tip is None:
            follows = block.number == self.deployment.first_block
        else:
            follows = block.number == tip.number + 1 and block.parent_hash == tip.hash
        if not follows:
            raise OutOfStepError(f"block {block.number} ({block.hash}) does not follow the index's {tip}")


class _WhenSettled:
    """What the database knows once all that was taken is written; it is not asked before it has to be."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ids(self, model: type[Any], names: Iterable[str]) -> dict[str, int]:
        """See `bulk.Bulk`."""
        await self._store.settled()
        async with self._store.snapshot() as connection:
            return await bulk_of(connection).ids(model, names)

    async def holdings(self, pairs: Iterable[Pair]) -> Found:
        """See `bulk.Bulk`."""
        await self._store.settled()
        async with self._store.snapshot() as connection:
            return await bulk_of(connection).holdings(pairs)


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
    name = uuid.uuid4().hex
    async with WriterLock(url, wait_seconds=wait_seconds):
        writes, reads = make_engine(url, writes=True), make_engine(url, writes=False)
        try:
            with store_errors(url):
                async with writes.begin() as connection:
                    await _prepare(connection, url, deployment)
                    await _set_cursor(connection, {"writer": name})
            store = Store(url, reads, writes, deployment, name=name)
            try:
                yield store
            finally:
                with suppress(OutOfStepError):
                    await store.flush()
        finally:
            gc.enable()
            await reads.dispose()
            await writes.dispose()


async def _prepare(connection: AsyncConnection, url: URL, deployment: Deployment) -> None:
    if not await prepare_schema(connection, url, deployment):
        found = await read_deployment(connection, url)
        if not await extend(connection, found, deployment):
            require_same(deployment, found, url)
        return
    fact = {"name": "deployment", "value": deployment.to_json()}
    await connection.execute(insert(table_of(MetaRow)), [fact])
    before = deployment.first_block - 1
    cursor: dict[str, Any] = {"id": 1, "block_number": before, "head": before, "head_hash": ""}
    cursor |= {"writer": "", "safe": 0, "finalized": 0, "looked_at": 0}
    await connection.execute(insert(table_of(CursorRow)), [cursor])


def _require_storable(rows: Rows) -> None:
    """Raises OverflowError for a number beyond 63 bits where there should be an id or an instant."""
    for values in rows.values():
        for row in values:
            for value in row:
                if isinstance(value, int) and abs(value) >> 63:
                    raise OverflowError(f"{value} is larger than any number of the contracts'")


def _mind_garbage(logs: int) -> None:
    """A large step's rows are many and in no cycle: looking for one takes longer than making them."""
    if logs >= _MANY_LOGS:
        gc.disable()
    else:
        gc.enable()


async def _tip(connection: AsyncConnection) -> Block | None:
    table = table_of(BlockRow)
    row = (await connection.execute(select(table).order_by(table.c.number.desc()).limit(1))).first()
    return None if row is None else Block(*row)


def _seen(head: Head, looked_at_ms: int | None = None) -> dict[str, Any]:
    """What the cursor keeps of the chain's head."""
    return {
        "head": head.block.number,
        "safe": head.safe,
        "finalized": head.finalized,
        "head_hash": head.block.hash,
        "looked_at": time.time_ns() // 10**6 if looked_at_ms is None else looked_at_ms,
    }


async def _set_cursor(connection: AsyncConnection, values: dict[str, Any]) -> None:
    await connection.execute(update(table_of(CursorRow)).values(values))
