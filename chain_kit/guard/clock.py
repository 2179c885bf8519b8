"""By which clock the hours of a budget pass."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from chain_kit.errors import RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc

__all__ = ["Clock", "chain_clock", "machine_clock"]

Clock = Callable[[], Awaitable[int]]
"""Tells UNIX seconds."""


def chain_clock(rpc: JsonRpc) -> Clock:
    """The timestamp of the newest block that the node knows."""

    async def clock() -> int:
        block = await rpc.call("eth_getBlockByNumber", ["latest", False])
        if not isinstance(block, Mapping):
            raise RpcUnreachableError(rpc.public_url, "it knows no latest block")
        return int(block["timestamp"], 16)

    return clock


async def machine_clock() -> int:
    """This machine's."""
    return int(time.time())
