"""Looks after all endpoints: which chain each serves, how far it is, and on which fork.

One endpoint alone has nobody to be compared with, and is not asked for that.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from chain_kit.errors import ManifestChainError, RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import MOST_BYTES, Call, RawAnswer
from indexer.blocks import Block
from indexer.endpoints import Endpoint, Endpoints
from indexer.false_answer import FalseAnswerError
from indexer.parsing import block_of, quantity

__all__ = ["Survey"]

_ANSWER_SECONDS = 2.0
_UNASKED_SECONDS = 60.0
_STRIKES = 2
_MOST_BEHIND = 8

Ask = Callable[[Endpoint, Sequence[Call], int], Awaitable[RawAnswer]]


class Survey:
    """Compares endpoints every so often, and holds back those that are behind or elsewhere."""

    def __init__(
        self, endpoints: Endpoints, ask: Ask, *, every_seconds: float, most_behind: int = _MOST_BEHIND
    ) -> None:
        self._endpoints = endpoints
        self._ask = ask
        self._every_seconds = every_seconds
        self._most_behind = most_behind
        self._last = time.monotonic()
        self._chain: tuple[int, str] | None = None

    async def require(self, chain_id: int, genesis_hash: str) -> None:
        """Leaves endpoints of another chain. Raises ManifestChainError if no other is left that answers."""
        self._chain = (chain_id, genesis_hash)
        failures: list[RpcUnreachableError] = []
        wrong: list[tuple[Endpoint, ManifestChainError]] = []
        for endpoint in self._endpoints.all:
            endpoint.checked = False
            try:
                await self._check(endpoint)
            except RpcUnreachableError as error:
                failures.append(error)
            except ManifestChainError as error:
                wrong.append((endpoint, error))
        if not any(endpoint.checked for endpoint in self._endpoints.all):
            raise wrong[0][1] if wrong else failures[0]
        for endpoint, mismatch in wrong:
            self._endpoints.exclude(endpoint, mismatch.message)

    async def now_and_then(self) -> None:
        """A survey, if there is more than one endpoint and the last one was some time ago."""
        if len(self._endpoints.all) > 1 and time.monotonic() - self._last >= self._every_seconds:
            await self.run()

    async def run(self) -> None:
        """Asks every endpoint for its head, and those that are near it for one block that all have."""
        self._last = now = time.monotonic()
        asked = [one for one in self._endpoints.all
                 if one.rests_until <= now and one.unasked_until <= now]  # fmt: skip
        heads = await asyncio.gather(*(self._head(endpoint) for endpoint in asked))
        present = [(one, head) for one, head in zip(asked, heads, strict=True) if head is not None]
        if not present:
            return
        best = max(head.number for _, head in present)
        near = [(one, head) for one, head in present if best - head.number <= self._most_behind]
        for endpoint, head in present:
            if (endpoint, head) not in near:
                self._endpoints.hold(endpoint, f"it is at block {head.number}, others at {best}")
        await self._compare(near)

    async def block_at(self, endpoint: Endpoint, number: int | str) -> Block | None:
        """A block as that endpoint has it; None if it has none, or does not answer soon."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                answer = (
                    await self._results(
                        endpoint,
                        [
                            (
                                "eth_getBlockByNumber",
                                [number if isinstance(number, str) else hex(number), False],
                            )
                        ],
                    )
                )[0]
            return (
                None
                if answer is None or isinstance(answer, RpcResponseError)
                else block_of(answer, endpoint.name, trusted=True)
            )
        except (TimeoutError, RpcUnreachableError, RpcResponseError, FalseAnswerError):
            return None

    async def admits(self, endpoint: Endpoint) -> bool:
        """Whether it serves the right chain; if not, it is left for good. Raises RpcUnreachableError."""
        try:
            await self._check(endpoint)
        except ManifestChainError as error:
            self._endpoints.exclude(endpoint, error.message)
            return False
        return True

    async def _head(self, endpoint: Endpoint) -> Block | None:
        head: Block | None = None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                if not await self.admits(endpoint):
                    return None
            head = await self.block_at(endpoint, "latest")
        except (TimeoutError, RpcUnreachableError):
            pass
        if head is None:
            endpoint.errors += 1
            endpoint.unasked_until = time.monotonic() + _UNASKED_SECONDS
            return None
        endpoint.head, endpoint.head_hash = head.number, head.hash
        return head

    async def _compare(self, near: list[tuple[Endpoint, Block]]) -> None:
        common = min(head.number for _, head in near)
        blocks = await asyncio.gather(*(self.block_at(endpoint, common) for endpoint, _ in near))
        said = [
            (endpoint, block) for (endpoint, _), block in zip(near, blocks, strict=True) if block is not None
        ]
        if not said:
            return
        counts = Counter(block.hash for _, block in said)
        # Where as many say one thing as another, the first in the user's order are believed.
        most = max(counts.values())
        right = next(block.hash for _, block in said if counts[block.hash] == most)
        for endpoint, block in said:
            endpoint.strikes = 0 if block.hash == right else endpoint.strikes + 1
            if endpoint.strikes == 0:
                self._endpoints.hold(endpoint, "")
            elif endpoint.strikes >= _STRIKES:
                self._endpoints.hold(
                    endpoint, f"it is on another fork: its block {common} is {block.hash}, most have {right}"
                )

    async def _check(self, endpoint: Endpoint) -> None:
        """Raises ManifestChainError if that endpoint is of another chain."""
        if endpoint.checked or self._chain is None:
            return
        chain_id, genesis_hash = self._chain
        questions: list[Call] = [("eth_chainId", []), ("eth_getBlockByNumber", ["0x0", False])]
        found, genesis = await self._results(endpoint, questions)
        if isinstance(found, RpcResponseError):
            raise RpcUnreachableError(endpoint.client.public_url, found.message)
        if quantity(found, endpoint.name) != chain_id:
            raise ManifestChainError(chain_id, quantity(found, endpoint.name))
        # A pruned node may have forgotten its first block.
        if isinstance(genesis, dict) and genesis["hash"] != genesis_hash:
            raise ManifestChainError(
                f"{chain_id} with genesis {genesis_hash}", f"one with genesis {genesis['hash']}"
            )
        endpoint.checked = True
        self._endpoints.readmit(endpoint)

    async def _results(self, endpoint: Endpoint, calls: Sequence[Call]) -> list[Any]:
        return endpoint.client.results(await self._ask(endpoint, calls, MOST_BYTES))
