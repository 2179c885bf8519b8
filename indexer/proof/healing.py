"""What is done about a difference, until it is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.blocks import Block
from indexer.proof import ranges
from indexer.proof.levels import Level
from indexer.proof.trouble import (
    DIFFERENCE,
    UNPROVEN,
    Trouble,
    clear_trouble,
    raise_trouble,
    troubles,
)
from indexer.steps import Undo
from indexer.store import OutOfStepError

__all__ = ["Healing"]


class _Endpoints(Protocol):
    def distrust(self, endpoint: str, why: str) -> None: ...

    def pass_over(self, endpoint: str) -> None: ...


class Healing:
    """Marks what failed, has it fetched anew, and says when it is well again.

    All that has to be known after a restart is in the database: the failed ranges, and the trouble's row.
    """

    def __init__(
        self,
        store: Any,
        rpc: _Endpoints,
        *,
        refetches: int,
        despair_seconds: float,
        clock: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        self._store = store
        self._rpc = rpc
        self._refetches = refetches
        self._despair_seconds = despair_seconds
        self._clock = clock
        self._tell = tell
        self._tries = 0
        self._rests_until = clock()

    @property
    def is_open(self) -> bool:
        """Whether something differed, and is not mended yet."""
        return self._tries > 0

    @property
    def asks_again(self) -> bool:
        """Whether contracts are to be asked now, and not when it is time anyway."""
        return self.is_open and not self.rests

    @property
    def rests(self) -> bool:
        """Whether all has been tried, and is to be tried again later."""
        return self._clock() < self._rests_until

    async def fail(
        self,
        blocks: tuple[Block, Block],
        level: Level,
        differences: Sequence[str],
        endpoint: str = "",
        *,
        undos: int,
    ) -> bool:
        """The blocks, the first and the last of them given, are not proven to `level`: what differs is said.

        `endpoint` is whose answer it was, if not who told of the blocks. `undos` are those that there were
        when they were read: False if any was taken back since.
        """
        first, last = blocks
        facts = {"level": level.word, "first": first.number, "last": last.number}
        async with self._store.writing() as connection:
            if self._store.undos != undos:
                return False
            found = await ranges.ranges_between(connection, first.number, last.number)
            what = orjson.dumps(facts | {"differences": list(differences)}).decode()
            below = Level(level - 1)
            await ranges.set_level(connection, first.number, last.number, below, failed=True, what=what)
            await raise_trouble(connection, DIFFERENCE, last.number, what)
        self._tries += 1
        told = {endpoint} if endpoint else {one.endpoint for one in found}
        why = f"blocks {first.number} to {last.number} differ: {differences[0]}"
        if self._tries > self._refetches:
            self._tell(f"{why}; that was fetched anew {self._refetches} times, and stays so")
            self._rests_until = self._clock() + self._despair_seconds
            # The next time it is another's turn, if there is one: it may have come back since.
            for name in told:
                self._rpc.pass_over(name)
        else:
            self._tell(why)
            for name in told:
                self._rpc.distrust(name, why)
        return True

    async def step(self) -> bool:
        """Takes back what failed, or says that it is over; whether there was something to do.

        A chain that has become shorter since has to be proven as far as it goes.
        """
        async with self._store.snapshot() as connection:
            known = await troubles(connection)
            failed = await ranges.first_failed(connection)
            head = await ranges.head_of(connection)
            over = [one for one in known if await _is_over(connection, one, head.block.number)]
        if DIFFERENCE not in {one.kind for one in known}:
            self._tries = 0
        elif failed is not None:
            if self.rests or not self._is_refetched(failed.level):
                return False
            # Unless a reorg has taken them back already.
            with suppress(OutOfStepError):
                await self._store.take(Undo(failed.first - 1, head, reason=DIFFERENCE))
            return True
        for one in over:
            await self._end(one)
        return bool(over)

    async def _end(self, trouble: Trouble) -> None:
        async with self._store.writing() as connection:
            await clear_trouble(connection, trouble.kind)
        if trouble.kind == DIFFERENCE:
            self._tries = 0
            facts = orjson.loads(trouble.what)
            self._tell(f"blocks {facts['first']} to {facts['last']} are {facts['level']} now")

    def _is_refetched(self, level: Level) -> bool:
        """Whether the blocks are fetched anew.

        Those whose logs are proven are not, if only a contract's answer may have been false, which another
        endpoint is asked for first; nor when that was in vain.
        """
        return level < Level.COMPLETE or 1 < self._tries <= self._refetches


async def _is_over(connection: AsyncConnection, trouble: Trouble, head: int) -> bool:
    """Whether all is proven that was not, or that came in its place, as far as the chain goes."""
    if trouble.kind not in (DIFFERENCE, UNPROVEN):
        return False
    level = Level.COMPLETE
    if trouble.kind == DIFFERENCE:
        level = Level[orjson.loads(trouble.what)["level"].upper()]
    proven = await ranges.proven_to(connection, level)
    return proven is not None and proven >= min(trouble.block, head)
