"""The chain as steps, forward or back, for whoever keeps what has been taken.

A reorg is found by hashes: the next block does not name the last one taken as its parent, or the head is not
among the blocks taken. Then the blocks are compared from the last one down until one is in both chains. That
works as well after a restart, and when the chain has become shorter, since the headers are the taker's.

Every header is recomputed, so blocks that link are one chain; logs are those of these blocks, or the step is
made anew. An endpoint that tells what cannot be is left, and another one asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from chain_kit.errors import RpcError, RpcResponseError, RpcUnreachableError
from indexer.blocks import Block
from indexer.deployment import Deployment
from indexer.false_answer import FalseAnswerError
from indexer.fetch import Ahead, Fetcher
from indexer.judge import Judged
from indexer.live import Live
from indexer.proof.levels import Level
from indexer.reorg import Reorgs, Shrinking
from indexer.rpc import ChainRpc, Look
from indexer.steps import Forward, Head, Headers, Step

__all__ = ["InconsistentChainError", "Source"]

_MOST_CONTRADICTIONS = 20
_SUSPECT_AFTER = 5
_LOOK_SECONDS = 1.0
_SILENT_LOOKS = 2


class InconsistentChainError(
    RpcError, hint="its replicas disagree, or it drops blocks: use another endpoint"
):
    """Again and again the node's answers did not fit together."""


class Source:
    """Steps of the chain that `rpc` reads, from the deployment's first block or from what `taken` holds.

    `poll_seconds` is how long it waits at the head before it looks again; `wake` makes it look at once, and
    so does `live`, whose pushed heads need no look. A head that has fallen behind the last block taken is
    believed when it was seen `shrink_polls` times: an endpoint that lags looks the same as a chain that was
    rolled back. More than `undo_window` blocks replaced, or any that was final (`finalized` is the number of
    the last such that is known), is an Undo of a deep reorg.
    """

    def __init__(
        self,
        rpc: ChainRpc,
        deployment: Deployment,
        taken: Headers,
        *,
        poll_seconds: float = 0.25,
        shrink_polls: int = 2,
        undo_window: int = 128,
        finalized: int = 0,
        live: Live | None = None,
    ) -> None:
        self._rpc = rpc
        self._first_block = deployment.first_block
        self._taken = taken
        self._poll_seconds = poll_seconds
        self._shrinking = Shrinking(rpc, taken, shrink_polls)
        self._fetcher = Fetcher(rpc, deployment.log_filters())
        self._ahead = Ahead(self._fetcher, rpc)
        self._reorgs = Reorgs(rpc, deployment, taken, undo_window=undo_window, finalized=finalized)
        self._live = live
        self._level = Level.NONE if rpc.trust_headers else Level.LINKED
        self._contradictions = 0
        self._awake = asyncio.Event()
        self._looking: asyncio.Task[Look] | None = None
        self._look: Look | None = None
        self._looked_at = 0.0
        if live is not None:
            live.on_change(self.wake)

    @property
    def head(self) -> Head | None:
        """The chain's head, as it was last seen."""
        return None if self._look is None else self._look.head

    def wake(self) -> None:
        """Looks for new blocks now instead of at the next poll."""
        self._awake.set()

    async def wait(self) -> None:
        """Until it is time to look at the head again, or a block was pushed."""
        pushed = self._live is not None and self._live.subscribed
        if not (pushed and self._live is not None and self._live.heads):
            with contextlib.suppress(TimeoutError):
                seconds = max(self._poll_seconds, _LOOK_SECONDS) if pushed else self._poll_seconds
                await asyncio.wait_for(self._awake.wait(), seconds)
        self._awake.clear()

    async def refuse(self, step: Forward, why: str) -> None:
        """What it told cannot be taken: its endpoint is left, and another asked."""
        await self._ahead.stop()
        self._looked_at = 0.0
        self._rpc.distrust(step.endpoint, why)

    async def aclose(self) -> None:
        """Gives up all that is under way; it may be asked again afterwards."""
        await self._ahead.stop()
        await self._fetcher.aclose()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
            self._looking = None

    async def next_step(self) -> Step | None:
        """The next step, which must have been taken before this is called again; None at the head.

        Raises RpcError if the node does not answer, or its answers do not fit together; asking again is fine.
        Raises ManifestChainError if it serves another chain.
        """
        while True:
            tip = await self._taken.tip()
            try:
                step = await self._pushed(tip)
                if step is None:
                    look = await self._head(tip)
                    if look is None:
                        continue
                    if not await self._has_news(tip, look.head):
                        if tip is not None and tip.hash == look.head.block.hash:
                            self._reorgs.note(look.head)
                        return None
                    step = await self._step(tip, look)
            except FalseAnswerError as error:
                await self._ahead.stop()
                self._rpc.distrust(error.endpoint, error.reason)
                if not self._rpc.endpoints.usable():
                    raise
                continue
            if step is not None:
                self._contradictions = 0
                return step
            await self._contradiction()

    async def _pushed(self, tip: Block | None) -> Step | None:
        """The step to the next block that was pushed, if it is the one after `tip`; else it is a new head."""
        live = self._live
        while live is not None and live.heads:
            header, name = live.heads.popleft(), live.endpoint.name
            try:
                block, quiet = self._fetcher.judge.header(header, name)
            except FalseAnswerError:
                # Some nodes push less than a header. Then it is a sign to look, and no more.
                self._looked_at = 0.0
                continue
            if tip is not None and block.number <= tip.number and block.hash == tip.hash:
                continue
            old = self._look.head if self._look is not None else Head(block, 0, 0)
            self._look = Look(Head(block, old.safe, old.finalized), header, name)
            if tip is None or block.parent_hash != tip.hash:
                continue
            judged = await self._logs_of(block, quiet=quiet, by=live)
            if judged is not None:
                return self._forward(judged, self._look.head, name)
        return None

    async def _logs_of(self, block: Block, *, quiet: bool, by: Live) -> Judged | None:
        """A pushed block with its logs, which are asked over the same socket; None if they do not come."""
        if quiet:
            return Judged((block,), (), (block.number,))
        try:
            return await self._fetcher.block(block, by.endpoint)
        except FalseAnswerError as error:
            await by.leave(error.reason)
        except (RpcResponseError, RpcUnreachableError):
            # The block may be gone, or the socket: what is the chain now is seen by looking.
            self._looked_at = 0.0
        return None

    async def _head(self, tip: Block | None) -> Look | None:
        """The head: looked for, unless that was just now and there is more to take, or all is pushed.

        None if a block was pushed meanwhile.
        """
        look = self._look
        fresh = time.monotonic() - self._looked_at < _LOOK_SECONDS
        if look is not None and fresh:
            behind = tip is not None and tip.number < look.head.block.number
            if behind or (self._live is not None and self._live.subscribed and tip is not None):
                return look
        if self._looking is None:
            self._looking = asyncio.create_task(self._rpc.look())
        if not await self._until_looked(self._looking):
            return None
        looking, self._looking = self._looking, None
        self._look = look = looking.result()
        self._looked_at = time.monotonic()
        await self._listen_for_silence(tip, look.head.block)
        return look

    async def _until_looked(self, looking: asyncio.Task[Look]) -> bool:
        """Whether it has looked; no, if a block was pushed first."""
        while not looking.done():
            self._awake.clear()
            woken = asyncio.create_task(self._awake.wait())
            try:
                await asyncio.wait({looking, woken}, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                looking.cancel()
                self._looking = None
                raise
            finally:
                woken.cancel()
            if self._live is not None and self._live.heads:
                return False
        return True

    async def _listen_for_silence(self, tip: Block | None, head: Block) -> None:
        live = self._live
        if live is None or not live.subscribed or live.heads or tip is None or head.number <= tip.number:
            return
        live.silent_looks += 1
        if live.silent_looks >= _SILENT_LOOKS:
            await live.restart(f"it did not tell of block {head.number}")

    async def _has_news(self, tip: Block | None, head: Head) -> bool:
        block = head.block
        if tip is None:
            return block.number >= self._first_block
        if block.number >= tip.number:
            self._shrinking.is_over()
            return block.hash != tip.hash
        self._looked_at = 0.0
        return await self._shrinking.is_believed(tip, block)

    async def _step(self, tip: Block | None, look: Look) -> Step | None:
        """The step from `tip` towards the head; None if the answers do not fit together."""
        head = look.head
        first = self._first_block if tip is None else tip.number + 1
        if tip is not None and head.block.number < first:
            return await self._back(tip, head)
        judged, endpoint = await self._next(first, look)
        if judged is None:
            return None
        if tip is None and not await self._is_of_the_chain(endpoint):
            return None
        if tip is not None and judged.blocks[0].parent_hash != tip.hash:
            return await self._back(tip, head)
        return self._forward(judged, head, endpoint)

    async def _is_of_the_chain(self, endpoint: str) -> bool:
        """Whether who told of the first blocks serves the right chain; later ones link to those taken."""
        await self._reorgs.require_chain()
        return all(one.name != endpoint or not one.excluded for one in self._rpc.endpoints.all)

    async def _next(self, first: int, look: Look) -> tuple[Judged | None, str]:
        """The blocks from `first` on, as many as come at once, and who told of them."""
        head = look.head.block
        if first == head.number:
            return await self._newest(look), look.endpoint
        piece = await self._ahead.get(first, head.number)
        judged = await self._fetcher.read(piece)
        if judged is None:
            await self._suspect(piece.endpoint)
        return judged, piece.endpoint

    async def _newest(self, look: Look) -> Judged | None:
        """The head itself: its header is there."""
        block, quiet = self._fetcher.judge.header(look.header, look.endpoint)
        if quiet:
            return Judged((block,), (), (block.number,))
        try:
            return await self._fetcher.block(block)
        except RpcResponseError:
            # A block that is asked for by its hash may be gone.
            self._looked_at = 0.0
            if self._contradictions + 1 >= _MOST_CONTRADICTIONS:
                raise
            return None

    async def _back(self, tip: Block, head: Head) -> Step | None:
        await self._ahead.stop()
        self._looked_at = 0.0
        return await self._reorgs.undo(tip, head)

    def _forward(self, judged: Judged, head: Head, endpoint: str) -> Forward:
        self._reorgs.note(head)
        return Forward(judged.blocks, judged.logs, head, endpoint, self._level, judged.quiet)

    async def _suspect(self, endpoint: str) -> None:
        """Its answers do not fit together; should that go on, another is asked."""
        await self._ahead.stop()
        self._looked_at = 0.0
        if self._contradictions >= _SUSPECT_AFTER and len(self._rpc.endpoints.usable()) > 1:
            self._rpc.distrust(endpoint, "its blocks and logs do not fit together")

    async def _contradiction(self) -> None:
        """The answers did not fit together, as they do not while the chain changes: look again, soon."""
        self._looked_at = 0.0
        self._contradictions += 1
        if self._contradictions >= _MOST_CONTRADICTIONS:
            self._contradictions = 0
            raise InconsistentChainError("the node's blocks and logs do not fit together")
        await asyncio.sleep(min(0.01 * 2**self._contradictions, self._poll_seconds))
