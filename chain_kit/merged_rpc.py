"""Calls of many tasks in few requests: what is asked while requests are under way goes out together, next.

A request costs a client and a node more than most calls in it. A call that is alone waits for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from chain_kit.errors import RpcResponseError
from chain_kit.jsonrpc import Call, JsonRpc

__all__ = ["MergedRpc"]

_MOST_CALLS = 100
_BROADCAST = "eth_sendRawTransaction"


class MergedRpc(JsonRpc):
    """The endpoint `rpc`, with at most `in_flight` requests at a time, and as many of broadcasts.

    Broadcasts never go with anything else: whether one arrived must not hang on what else was asked. If a
    request of several fails they go one by one from then on: not every endpoint takes them together. `rpc` is
    not closed with it.
    """

    def __init__(self, rpc: JsonRpc, *, in_flight: int = 2) -> None:
        self.url = rpc.url
        self.public_url = rpc.public_url
        self._questions = _Lane(rpc, in_flight)
        self._broadcasts = _Lane(rpc, in_flight, careful=True)

    async def aclose(self) -> None:
        """Nothing is its own."""

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one call. Raises RpcResponseError or RpcUnreachableError."""
        lane = self._broadcasts if method == _BROADCAST else self._questions
        (result,) = await lane.ask([(method, params)])
        if isinstance(result, RpcResponseError):
            raise result
        return result

    async def batch_settled(self, calls: Sequence[Call]) -> list[Any]:
        """As `JsonRpc.batch_settled`; all of `calls` go out in one request, perhaps with others'."""
        return await self._questions.ask(calls) if calls else []


class _Lane:
    """Requests of one kind. A `careful` one joins no more calls once that has failed."""

    def __init__(self, rpc: JsonRpc, in_flight: int, *, careful: bool = False) -> None:
        self._rpc = rpc
        self._free = in_flight
        self._careful = careful
        self._most_calls: int | None = None
        self._waiting: list[tuple[Sequence[Call], asyncio.Future[list[Any]]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, calls: Sequence[Call]) -> list[Any]:
        """The answers to one or more calls, which stay together."""
        done: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((calls, done))
        self._send()
        return await done

    def _send(self) -> None:
        while self._waiting and self._free:
            together = [self._waiting.pop(0)]
            count, most = len(together[0][0]), self._most_calls or _MOST_CALLS
            while self._waiting and count + len(self._waiting[0][0]) <= most:
                together.append(self._waiting.pop(0))
                count += len(together[-1][0])
            self._free -= 1
            task = asyncio.create_task(self._ask(together))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, together: list[tuple[Sequence[Call], asyncio.Future[list[Any]]]]) -> None:
        try:
            results = await self._answers([call for calls, _ in together for call in calls])
        except BaseException as error:
            if self._careful and len(together) > 1:
                self._most_calls = 1
            for _, done in together:
                if not done.done():
                    done.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            first = 0
            for calls, done in together:
                if not done.done():
                    done.set_result(results[first : first + len(calls)])
                first += len(calls)
        finally:
            self._free += 1
            self._send()

    async def _answers(self, calls: list[Call]) -> list[Any]:
        if len(calls) > 1:
            return await self._rpc.batch_settled(calls)
        try:
            return [await self._rpc.call(*calls[0])]
        except RpcResponseError as error:
            return [error]
