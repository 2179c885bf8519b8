"""The head as one node pushes it, over a WebSocket: a new block is known when it is mined, not at a poll.

A subscription that ends is begun again, with growing pauses; meanwhile whoever polls goes on. One that is
open and says nothing is found out by whoever sees a newer head elsewhere (`restart`).
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

from chain_kit.errors import RpcError
from chain_kit.websocket_rpc import WebSocketRpc
from indexer.endpoints import Endpoint
from indexer.rpc import Backoff, ChainRpc

__all__ = ["Live"]

_MOST_HEADS = 256
_LONGEST_PAUSE_SECONDS = 30.0
_MOST_DOUBLINGS = 16


class Live:
    """New headers, in `heads` as they come. `run` it beside whoever takes them."""

    def __init__(self, rpc: ChainRpc, endpoint: Endpoint, *, backoff: Backoff | None = None) -> None:
        if not isinstance(endpoint.client, WebSocketRpc):
            raise TypeError(f"{endpoint.name} is no WebSocket")
        self._rpc = rpc
        self._client = endpoint.client
        self._backoff = backoff or Backoff(first_seconds=0.25, most_seconds=_LONGEST_PAUSE_SECONDS)
        self.endpoint = endpoint
        self.heads: deque[Any] = deque(maxlen=_MOST_HEADS)
        self.subscribed = False
        """Whether pushes are coming, as far as is known."""
        self.silent_looks = 0
        """How many looks elsewhere found a newer head since the last push."""
        self._heard = 0
        self._on_change: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Calls `listener` at each push, and when the subscription begins or ends."""
        self._on_change.append(listener)

    async def run(self) -> None:
        """Keeps the subscription up until it is cancelled."""
        failures = 0
        try:
            while True:
                began = self._heard
                with contextlib.suppress(RpcError):
                    await self._listen()
                self._set(subscribed=False)
                failures = failures + 1 if self._heard == began else 0
                await self._client.aclose()
                await self._backoff.pause(min(failures, _MOST_DOUBLINGS))
        finally:
            self._set(subscribed=False)
            await self._client.aclose()

    async def restart(self, why: str) -> None:
        """Ends a subscription that does not do its work; `run` begins another."""
        self._rpc.endpoints.notice(f"{self.endpoint.name}: {why}; subscribing anew")
        self.silent_looks = 0
        self._set(subscribed=False)
        await self._client.aclose()

    async def leave(self, why: str) -> None:
        """What it told was false: not to be asked for a while."""
        self._rpc.distrust(self.endpoint.name, why)
        self.heads.clear()
        self._set(subscribed=False)
        await self._client.aclose()

    async def _listen(self) -> None:
        """Takes what is pushed until that ends."""
        if self.endpoint not in self._rpc.endpoints.usable():
            return
        if not await self._rpc.survey.admits(self.endpoint):
            return
        pushes = await self._client.subscribe("newHeads")
        self._set(subscribed=True)
        async for header in pushes:
            self._heard += 1
            self.silent_looks = 0
            self.heads.append(header)
            self._tell()

    def _set(self, *, subscribed: bool) -> None:
        changed, self.subscribed = self.subscribed != subscribed, subscribed
        if changed:
            what = "new blocks are pushed" if subscribed else "new blocks are no longer pushed: polling"
            self._rpc.endpoints.notice(f"{self.endpoint.name}: {what}")
            self._tell()

    def _tell(self) -> None:
        for listener in self._on_change:
            listener()
