"""What of some blocks is still to be asked of the contracts."""

from __future__ import annotations

from typing import Protocol

from indexer.accounts import Key
from indexer.blocks import Block
from indexer.deployment import Deployment
from indexer.proof.subjects import ALWAYS, Subject, subjects_of

__all__ = ["Pending"]

_BLOCKS = 100


class _Store(Protocol):
    deployment: Deployment
    undos: int

    async def headers(self, first: int, last: int) -> list[Block]: ...

    async def touched(self, first: int, last: int) -> set[Key]: ...


class Pending:
    """A window of blocks, and the subjects that changed in it and were not asked about yet.

    They may be asked as of any later block: what changed after the window is in a window to come.
    """

    def __init__(self, store: _Store) -> None:
        self._store = store
        self._first: Block | None = None
        self._last: Block | None = None
        self._left: list[Subject] = []
        self._undos = 0

    @property
    def begun(self) -> bool:
        """Whether some of a window was asked about, and some was not."""
        return bool(self._left)

    @property
    def window(self) -> tuple[Block, Block]:
        """Its first and its last block."""
        if self._first is None or self._last is None:
            raise LookupError("there is no window yet")
        return self._first, self._last

    def forget(self) -> None:
        """Begins anew."""
        self._first, self._last, self._left = None, None, []

    async def part(self, first: int, until: int, most: int) -> list[Subject]:
        """Some of what is left of the window that begins with block `first`; the reserves always."""
        if not self._is_there(first):
            self._undos = self._store.undos
            headers = await self._store.headers(first, min(until, first + _BLOCKS - 1))
            self._first, self._last = headers[0], headers[-1]
            keys = await self._store.touched(first, self._last.number)
            deployment = self._store.deployment
            subjects = {subject for key in keys for subject in subjects_of(key, deployment)}
            self._left = sorted(subjects.difference(ALWAYS), key=repr, reverse=True)
        return [*ALWAYS, *self._left[-most:]]

    def done(self, part: list[Subject]) -> bool:
        """They are as they should be; whether that was the last of the window."""
        del self._left[len(self._left) - (len(part) - len(ALWAYS)) :]
        return not self._left

    def _is_there(self, first: int) -> bool:
        """Whether the window is the one that is wanted, and nothing was undone meanwhile."""
        return self._first is not None and self._first.number == first and self._undos == self._store.undos
