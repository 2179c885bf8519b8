"""When each keeper last did a round and what came of it, in the outbox's database: for whoever asks later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text, inspect, select

from chain_kit.outbox.database import Store, open_store

__all__ = ["LastRound", "RoundLog", "read_rounds"]

_EVERY_SECONDS = 10.0
_ROUNDS = Table(
    "keeper_round",
    MetaData(),
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("signer", Text, primary_key=True),
    Column("keeper", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    # Milliseconds of the database's clock.
    Column("at_ms", BigInteger, nullable=False),
    Column("problem", Text, nullable=False),
)


@dataclass(frozen=True)
class LastRound:
    """A keeper's last round that was written down: whose, when (UNIX milliseconds), and what was wrong."""

    keeper: str
    holder: str
    at_ms: int
    problem: str


class RoundLog:
    """Writes down the rounds of one process: each change at once, and else one in ten seconds."""

    def __init__(
        self, store: Store, chain_id: int, signer: str, holder: str, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._place = {"chain_id": chain_id, "signer": signer}
        self._holder = holder
        self._clock = clock
        self._noted: dict[str, tuple[float, str]] = {}

    @classmethod
    async def open(
        cls,
        url: Path | str,
        chain_id: int,
        signer: str,
        holder: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> RoundLog:
        """Opens the database, and makes the table. Raises a StoreError."""
        store = await asyncio.to_thread(open_store, url)
        try:
            await asyncio.to_thread(store.write, _create, lock=0)
        except BaseException:
            await asyncio.to_thread(store.close)
            raise
        return cls(store, chain_id, signer, holder, clock)

    async def aclose(self) -> None:
        """Closes the database."""
        await asyncio.to_thread(self._store.close)

    async def note(self, keeper: str, problem: str) -> None:
        """A round of `keeper` has ended; `problem` is "" if all went well. Raises a StoreError."""
        now, before = self._clock(), self._noted.get(keeper)
        if before is not None and before[1] == problem and now - before[0] < _EVERY_SECONDS:
            return
        await asyncio.to_thread(self._store.write, lambda c: self._write(c, keeper, problem), lock=0)
        self._noted[keeper] = (now, problem)

    def _write(self, connection: Connection, keeper: str, problem: str) -> None:
        key = {**self._place, "keeper": keeper}
        this = [_ROUNDS.c[name] == value for name, value in key.items()]
        values = {"holder": self._holder, "at_ms": self._store.now_ms(connection), "problem": problem}
        if connection.execute(_ROUNDS.update().where(*this).values(values)).rowcount == 0:
            connection.execute(_ROUNDS.insert().values({**key, **values}))


def _create(connection: Connection) -> None:
    _ROUNDS.create(connection, checkfirst=True)


def read_rounds(connection: Connection, chain_id: int, signer: str) -> list[LastRound]:
    """The last rounds of a signer's keepers; none where none was ever written down."""
    if not inspect(connection).has_table(_ROUNDS.name):
        return []
    mine = (_ROUNDS.c.chain_id == chain_id, _ROUNDS.c.signer == signer)
    found = connection.execute(select(_ROUNDS).where(*mine).order_by(_ROUNDS.c.keeper))
    return [LastRound(row.keeper, row.holder, row.at_ms, row.problem) for row in found]
