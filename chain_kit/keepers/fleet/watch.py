"""Looks after a fleet while it runs: figures for Prometheus, what is to be halted, whether all is well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from chain_kit.errors import ChainKitError, RpcUnreachableError
from chain_kit.guard import Guard
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.fleet import Fleet
from chain_kit.keepers.fleet.health import KeeperMetrics

__all__ = ["FleetWatch"]

_LOG = logging.getLogger(__name__)
_EVERY_SECONDS = 5.0


class FleetWatch:
    """Brings the figures of a fleet up to date every few seconds."""

    def __init__(
        self, fleet: Fleet, rpc: JsonRpc, guard: Guard, metrics: KeeperMetrics, *, signer: str
    ) -> None:
        self._fleet = fleet
        self._rpc = rpc
        self._guard = guard
        self._metrics = metrics
        self._signer = signer
        self._reasons: tuple[str, ...] = ()

    def reasons(self) -> Sequence[str]:
        """Why the fleet is not ready, a sentence for each; none if every keeper can work."""
        return (*self._fleet.reasons, *self._reasons)

    async def run(self, stop: asyncio.Event) -> None:
        """Looks until `stop` is set."""
        while not stop.is_set():
            await self.look()
            try:
                async with asyncio.timeout(_EVERY_SECONDS):
                    await stop.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Looks once. What cannot be told is a reason."""
        try:
            await self._guard.refresh()
            reasons = await self._guard.reasons()
            self._reasons = (*reasons, *await self._ask_chain())
        except ChainKitError as error:
            if error.message not in self._reasons:
                _LOG.warning("%s", error.message)
            self._reasons = (error.message,)

    async def _ask_chain(self) -> Sequence[str]:
        head, balance = await self._rpc.batch(
            [("eth_getBlockByNumber", ["latest", False]), ("eth_getBalance", [self._signer, "latest"])]
        )
        if not isinstance(head, Mapping):
            raise RpcUnreachableError(self._rpc.public_url, "it knows no latest block")
        balance_wei = int(balance, 16)
        self._metrics.chain(int(head["timestamp"], 16), balance_wei)
        return () if balance_wei else (f"{self._signer} has nothing to pay gas with",)
