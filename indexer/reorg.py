"""How far back a chain has changed: to the newest block that is both taken and in the chain.

A chain that became shorter looks as one does whose endpoint lags: it is believed when it stays so.
"""

from __future__ import annotations

import time

from indexer.blocks import Block
from indexer.deployment import Deployment
from indexer.rpc import ChainRpc
from indexer.steps import DEEP_REORG, Head, Headers, Undo

__all__ = ["Reorgs", "Shrinking"]

_FIRST_LOOK_BACK = 8
_LAG_SECONDS = 30.0


class Reorgs:
    """Finds what has to be undone. `finalized` is the last block that was said to be final."""

    def __init__(
        self, rpc: ChainRpc, deployment: Deployment, taken: Headers, *, undo_window: int, finalized: int
    ) -> None:
        self._rpc = rpc
        self._deployment = deployment
        self._taken = taken
        self._undo_window = undo_window
        self._finalized = finalized

    def note(self, head: Head) -> None:
        """Remembers what is final now."""
        self._finalized = max(self._finalized, head.finalized)

    async def undo(self, tip: Block, head: Head) -> Undo | None:
        """The step back from `tip`; None if the chain has come back to it. Raises ManifestChainError."""
        common = await self._common(tip, head)
        if common == tip.number:
            return None
        before = self._deployment.first_block - 1
        if common is None:
            # Before all is thrown away: is this the deployment's chain at all?
            asked = self._rpc.endpoints.choose()
            await self.require_chain()
            if asked.excluded:
                return None
            common = before
        if tip.number - common <= self._undo_window and common >= min(self._finalized, tip.number):
            return Undo(common, head)
        # What is final now is all that is left to build on.
        self._finalized = head.finalized
        return Undo(max(before, min(common, head.finalized or common)), head, DEEP_REORG)

    async def require_chain(self) -> None:
        """Leaves endpoints of another chain. Raises ManifestChainError if no other answers."""
        await self._rpc.require_chain(self._deployment.chain_id, self._deployment.genesis_hash)

    async def _common(self, tip: Block, head: Head) -> int | None:
        """The number of the newest block that is in both; None if there is none."""
        last, size = min(tip.number, head.block.number), _FIRST_LOOK_BACK
        while last >= self._deployment.first_block:
            first = max(self._deployment.first_block, last - size + 1)
            taken = await self._taken.headers(first, last)
            found = {block.hash for block in await self._rpc.blocks(first, last) if block is not None}
            common = [block.number for block in taken if block.hash in found]
            if common:
                return common[-1]
            last, size = first - 1, size * 4
        return None


class Shrinking:
    """Whether a head behind the last block taken is to be believed: after it was seen `looks` times."""

    def __init__(self, rpc: ChainRpc, taken: Headers, looks: int) -> None:
        self._rpc = rpc
        self._taken = taken
        self._looks = looks
        self._seen = 0
        self._since = 0.0

    def is_over(self) -> None:
        """The head is ahead again."""
        self._seen = 0

    async def is_believed(self, tip: Block, head: Block) -> bool:
        """The head was seen once more."""
        if self._seen == 0:
            self._since = time.monotonic()
        self._seen += 1
        if self._seen < self._looks:
            return False
        if len(self._rpc.endpoints.all) > 1:
            # One of several that lags is likelier than a chain that loses blocks.
            known = await self._taken.headers(head.number, head.number)
            if [block.hash for block in known] == [head.hash]:
                elsewhere = await self._rpc.has(tip)
                if elsewhere:
                    self._seen = 0
                    return False
                if elsewhere is None:
                    return time.monotonic() - self._since >= _LAG_SECONDS
        return True
