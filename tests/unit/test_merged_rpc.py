from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from chain_kit.errors import RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import Call, JsonRpc
from chain_kit.merged_rpc import MergedRpc

REFUSAL = RpcResponseError("bad", -32000, "no")
BROADCAST = "eth_sendRawTransaction"
SILENCE = RpcUnreachableError("u", "broke off")


class SlowNode(JsonRpc):
    """Answers each call with its first parameter, once it may; writes down its requests."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.requests: list[list[str]] = []
        self.may = asyncio.Event()
        self.silent = False

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """One answer."""
        (result,) = await self.batch_settled([(method, params)])
        if isinstance(result, RpcResponseError):
            raise result
        return result

    async def batch_settled(self, calls: Sequence[Call]) -> list[Any]:
        """All answers."""
        self.requests.append([method for method, _ in calls])
        await self.may.wait()
        if self.silent:
            raise SILENCE
        return [REFUSAL if method == "bad" else params[0] for method, params in calls]


async def begun(*calls: Any) -> list[asyncio.Task[Any]]:
    """Tasks of these calls, each as far as it gets."""
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_a_call_that_is_alone_goes_at_once() -> None:
    """As it is."""
    node = SlowNode()
    node.may.set()

    assert await MergedRpc(node).call("a", [1]) == 1
    assert node.requests == [["a"]]


async def test_what_is_asked_meanwhile_goes_together() -> None:
    """Two requests are under way; the rest is the third, and everybody gets the own answers."""
    node = SlowNode()
    rpc = MergedRpc(node)
    first = await begun(rpc.call("a", [1]), rpc.call("b", [2]))
    rest = await begun(rpc.call("c", [3]), rpc.batch([("d", [4]), ("e", [5])]), rpc.call("f", [6]))
    assert node.requests == [["a"], ["b"]]

    node.may.set()

    assert await asyncio.gather(*first, *rest) == [1, 2, 3, [4, 5], 6]
    assert node.requests == [["a"], ["b"], ["c", "d", "e", "f"]]


async def test_an_error_is_only_its_own_call_s() -> None:
    """The others of the request have their answers."""
    node = SlowNode()
    rpc = MergedRpc(node, in_flight=1)
    tasks = await begun(rpc.call("a", [1]), rpc.call("bad", [2]), rpc.call("c", [3]))
    node.may.set()

    assert await asyncio.gather(*tasks, return_exceptions=True) == [1, REFUSAL, 3]


async def test_silence_is_everybody_s_and_the_next_request_goes_out() -> None:
    """Whoever asked may ask again."""
    node = SlowNode()
    rpc = MergedRpc(node, in_flight=1)
    tasks = await begun(rpc.call("a", [1]), rpc.call("b", [2]), rpc.call("c", [3]))
    node.silent = True
    node.may.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) == [SILENCE] * 3
    node.silent = False

    assert await rpc.call("d", [4]) == 4


async def test_a_broadcast_goes_apart_and_at_once() -> None:
    """It hangs on nothing else that is asked."""
    node = SlowNode()
    rpc = MergedRpc(node, in_flight=1)
    tasks = await begun(rpc.call("a", [1]), rpc.call("b", [2]), rpc.call(BROADCAST, [3]))

    assert sorted(node.requests) == [["a"], [BROADCAST]]
    node.may.set()
    assert await asyncio.gather(*tasks) == [1, 2, 3]


async def test_broadcasts_that_wait_go_together() -> None:
    """In their order, and nothing else with them."""
    node = SlowNode()
    rpc = MergedRpc(node, in_flight=1)
    tasks = await begun(*(rpc.call(BROADCAST, [number]) for number in range(4)), rpc.call("a", [4]))
    node.may.set()

    assert await asyncio.gather(*tasks) == [0, 1, 2, 3, 4]
    assert sorted(map(len, node.requests)) == [1, 1, 3]


async def test_broadcasts_that_failed_together_go_one_by_one() -> None:
    """An endpoint that takes one but not several is not tried with several again."""
    node = SlowNode()
    rpc = MergedRpc(node, in_flight=1)
    node.silent = True
    tasks = await begun(*(rpc.call(BROADCAST, [number]) for number in range(3)))
    node.may.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) == [SILENCE] * 3
    node.silent = False
    node.requests.clear()

    await asyncio.gather(*(rpc.call(BROADCAST, [number]) for number in range(3)))

    assert node.requests == [[BROADCAST]] * 3


async def test_a_request_stays_as_small_as_endpoints_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is never torn."""
    monkeypatch.setattr("chain_kit.merged_rpc._MOST_CALLS", 3)
    node = SlowNode()
    rpc = MergedRpc(node, in_flight=1)
    pair = [("p", [0]), ("p", [0])]
    tasks = await begun(rpc.call("a", [1]), rpc.batch(pair), rpc.batch(pair), rpc.call("b", [2]))
    node.may.set()
    await asyncio.gather(*tasks)

    assert [len(request) for request in node.requests] == [1, 2, 3]


async def test_one_that_no_longer_waits_harms_nobody() -> None:
    """Its answer is thrown away."""
    node = SlowNode()
    rpc = MergedRpc(node, in_flight=1)
    tasks = await begun(rpc.call("a", [1]), rpc.call("b", [2]), rpc.call("c", [3]))
    tasks[0].cancel()
    tasks[1].cancel()
    node.may.set()

    assert await tasks[2] == 3


async def test_nothing_asked_is_nothing_sent() -> None:
    """As with a plain endpoint; and closing it leaves that open."""
    node = SlowNode()
    rpc = MergedRpc(node)
    await rpc.aclose()

    assert await rpc.batch([]) == []
    assert node.requests == []
