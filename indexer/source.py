"""The chain as steps, forward or back, for whoever keeps what has been taken.

A reorg is found by hashes: the next block does not name the last one taken as its parent, or the head is not
among the blocks taken. Then the blocks are compared from the last one down until one is in both chains. That
works as well after a restart, and when the chain has become shorter, since the headers are the taker's.

Headers are always read before the logs of their blocks. Should the chain change in between, the next block
does not link, and what was read is undone: what stands below a block that links is right.
"""

from __future__ import annotations

import asyncio
import contextlib
from itertools import pairwise

from chain_kit.errors import RpcError, RpcResponseError
from indexer.blocks import Block, Log
from indexer.deployment import Deployment
from indexer.rpc import ChainRpc
from indexer.steps import Forward, Head, Headers, Step, Undo

__all__ = ["InconsistentChainError", "Source"]

_MOST_CONTRADICTIONS = 20
_FIRST_LOOK_BACK = 8


class InconsistentChainError(
    RpcError, hint="its replicas disagree, or it drops blocks: use another endpoint"
):
    """Again and again the node's answers did not fit together."""


class Source:
    """Steps of the chain that `rpc` reads, from the deployment's first block or from what `taken` holds.

    `poll_seconds` is how long it waits at the head before it looks again; `wake` makes it look at once. A
    head that has fallen behind the last block taken is believed when it was seen `shrink_polls` times: an
    endpoint that lags looks the same as a chain that was rolled back.
    """

    def __init__(
        self,
        rpc: ChainRpc,
        deployment: Deployment,
        taken: Headers,
        *,
        poll_seconds: float = 0.25,
        shrink_polls: int = 2,
    ) -> None:
        self._rpc = rpc
        self._deployment = deployment
        self._first_block = deployment.first_block
        self._filters = deployment.log_filters()
        self._taken = taken
        self._poll_seconds = poll_seconds
        self._shrink_polls = shrink_polls
        self._shrunk = 0
        self._contradictions = 0
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Looks for new blocks now instead of at the next poll."""
        self._awake.set()

    async def wait(self) -> None:
        """Until it is time to look at the head again."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._awake.wait(), self._poll_seconds)
        self._awake.clear()

    async def next_step(self) -> Step | None:
        """The next step, which must have been taken before this is called again; None at the head.

        Raises RpcError if the node does not answer, or its answers do not fit together; asking again is fine.
        Raises ManifestChainError if it serves another chain.
        """
        while True:
            tip = await self._taken.tip()
            head = await self._rpc.head()
            if not self._has_news(tip, head):
                return None
            step = await self._step(tip, head)
            if step is not None:
                self._contradictions = 0
                return step
            await self._contradiction()

    def _has_news(self, tip: Block | None, head: Head) -> bool:
        block = head.block
        if tip is None:
            return block.number >= self._first_block
        if block.number >= tip.number:
            self._shrunk = 0
            return block.hash != tip.hash
        self._shrunk += 1
        return self._shrunk >= self._shrink_polls

    async def _step(self, tip: Block | None, head: Head) -> Step | None:
        """The step from `tip` towards `head`; None if the answers do not fit together."""
        first = self._first_block if tip is None else tip.number + 1
        if tip is not None and head.block.number < first:
            return await self._back(tip, head)
        blocks = await self._blocks(first, head)
        if not blocks:
            return None
        if tip is not None and blocks[0].parent_hash != tip.hash:
            return await self._back(tip, head)
        logs = await self._logs(blocks)
        return None if logs is None else Forward(tuple(blocks), tuple(logs), head)

    async def _blocks(self, first: int, head: Head) -> list[Block]:
        """The headers from block `first` on; none if they are not of one chain."""
        if first == head.block.number:
            return [head.block]
        last = min(head.block.number, first + self._rpc.span - 1)
        found = await self._rpc.blocks(first, last)
        blocks = [block for block in found if block is not None]
        linked = all(after.parent_hash == before.hash for before, after in pairwise(blocks))
        return blocks if linked and len(blocks) == len(found) else []

    async def _logs(self, blocks: list[Block]) -> list[Log] | None:
        """The blocks' logs; None if the chain has changed since the headers were read."""
        try:
            logs = await self._rpc.logs(self._filters, blocks[0], blocks[-1])
        except RpcResponseError:
            # A block that is asked for by its hash may be gone.
            if self._contradictions + 1 >= _MOST_CONTRADICTIONS:
                raise
            return None
        hashes = {block.number: block.hash for block in blocks}
        return logs if all(hashes.get(log.block_number) == log.block_hash for log in logs) else None

    async def _back(self, tip: Block, head: Head) -> Step | None:
        """Undo to the newest block that is both taken and in the chain."""
        last, size = min(tip.number, head.block.number), _FIRST_LOOK_BACK
        while last >= self._first_block:
            first = max(self._first_block, last - size + 1)
            taken = await self._taken.headers(first, last)
            found = {block.hash for block in await self._rpc.blocks(first, last) if block is not None}
            common = [block.number for block in taken if block.hash in found]
            if common:
                # Not so if the chain has come back to the tip meanwhile.
                return Undo(common[-1], head) if common[-1] < tip.number else None
            last, size = first - 1, size * 4
        # Nothing in common: before all is thrown away, is this the deployment's chain at all?
        await self._rpc.require_chain(self._deployment.chain_id, self._deployment.genesis_hash)
        return Undo(self._first_block - 1, head)

    async def _contradiction(self) -> None:
        """The answers did not fit together, as they do not while the chain changes: look again, soon."""
        self._contradictions += 1
        if self._contradictions >= _MOST_CONTRADICTIONS:
            self._contradictions = 0
            raise InconsistentChainError("the node's blocks and logs do not fit together")
        await asyncio.sleep(min(0.01 * 2**self._contradictions, self._poll_seconds))
