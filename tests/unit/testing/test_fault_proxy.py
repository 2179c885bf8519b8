from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from chain_kit.devnet import Anvil
from chain_kit.errors import RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.testing import (
    Delay,
    DropReply,
    DropRequest,
    DuplicateDelivery,
    EnforceReplacementRule,
    Fault,
    FaultProxy,
    HttpStatus,
    LateReceipt,
    NullReceipt,
    StaleReplica,
    WrongChainId,
)
from tests.unit.testing.support import FakeNode, signed

RECEIPT, SEND = "eth_getTransactionReceipt", "eth_sendRawTransaction"
GWEI = 10**9


@asynccontextmanager
async def behind(
    node: FakeNode | Anvil, *faults: Fault, seed: int = 0
) -> AsyncIterator[tuple[FaultProxy, JsonRpc]]:
    """A proxy in front of a node, and a client of it."""
    async with FaultProxy(node.url, faults, seed=seed) as proxy, JsonRpc(proxy.url) as rpc:
        yield proxy, rpc


@pytest.fixture
async def node() -> AsyncIterator[FakeNode]:
    """A node with block 16, where a transaction is in block 14."""
    results = {
        "eth_blockNumber": "0x10",
        "eth_chainId": "0x7a69",
        SEND: "0x01",
        RECEIPT: {"blockNumber": "0xe"},
    }
    async with FakeNode(**results) as node:
        yield node


class TestWithoutFaults:
    """What passes, passes as it is."""

    async def test_calls_and_batches(self, node: FakeNode) -> None:
        """Byte for byte, and nothing is written down but broadcasts."""
        async with behind(node) as (proxy, rpc):
            assert await rpc.block_number() == 16
            assert await rpc.batch([("eth_chainId", []), (SEND, ["0x12"]), (SEND, ["0x34"])])
            await proxy.broadcasts(2)

            assert (proxy.requests, proxy.calls, proxy.log) == (2, 4, [])
            assert proxy.forwarded == ["0x12", "0x34"]
        assert node.asked == ["eth_blockNumber", "eth_chainId", SEND, SEND]

    @pytest.mark.parametrize("body", [b"not json", b"[]", b"[1]", b'{"id":1}', b"7"])
    async def test_what_is_no_json_rpc(self, node: FakeNode, body: bytes) -> None:
        """The node may deal with it; no fault strikes it."""
        faults = (DropRequest(), DropReply())
        async with FaultProxy(node.url, faults) as proxy, httpx.AsyncClient(trust_env=False) as client:
            response = await client.post(proxy.url, content=body)
            assert proxy.requests == 0

        assert response.status_code == 400
        assert node.bodies == [body]

    async def test_a_node_that_is_gone(self) -> None:
        """The client is told."""
        async with FakeNode() as node:
            pass
        async with behind(node) as (_, rpc):
            with pytest.raises(RpcUnreachableError, match="HTTP status 502"):
                await rpc.block_number()

    async def test_many_at_once(self, node: FakeNode) -> None:
        """One that is slow holds up nobody."""
        async with behind(node, Delay(3600, methods=frozenset({"eth_chainId"}))) as (_, rpc):
            slow = asyncio.create_task(rpc.chain_id())
            assert await asyncio.gather(*(rpc.block_number() for _ in range(20))) == [16] * 20
            assert not slow.done()
            slow.cancel()
            await asyncio.gather(slow, return_exceptions=True)


class TestRequests:
    """Faults of whole requests."""

    async def test_a_reply_is_dropped(self, node: FakeNode) -> None:
        """The node has done it."""
        async with behind(node, DropReply()) as (proxy, rpc):
            with pytest.raises(RpcUnreachableError, match="broke off"):
                await rpc.call(SEND, ["0x12"])
            assert proxy.forwarded == ["0x12"]
        assert node.asked == [SEND]

    async def test_a_request_is_dropped(self, node: FakeNode) -> None:
        """The node never hears of it."""
        async with behind(node, DropRequest()) as (proxy, rpc):
            with pytest.raises(RpcUnreachableError, match="broke off"):
                await rpc.call(SEND, ["0x12"])
            assert proxy.forwarded == []
        assert node.asked == []

    @pytest.mark.parametrize("status", [429, 503])
    async def test_a_status(self, node: FakeNode, status: int) -> None:
        """With the time to wait, and the node is spared."""
        async with behind(node, HttpStatus(status, 30)) as (proxy, rpc):
            with pytest.raises(RpcUnreachableError, match=f"HTTP status {status}") as caught:
                await rpc.block_number()
            assert proxy.counts == {"HttpStatus": 1}
        assert caught.value.retry_after == 30
        assert node.asked == []

    async def test_a_delay_outlasts_its_client(self, node: FakeNode) -> None:
        """What a client has given up may still happen."""
        async with (
            FaultProxy(node.url, [Delay(0.2)]) as proxy,
            JsonRpc(proxy.url, timeout_seconds=0.02) as rpc,
        ):
            with pytest.raises(RpcUnreachableError, match="too long"):
                await rpc.call(SEND, ["0x12"])
            assert node.asked == []
            await proxy.broadcasts(1)
        assert node.asked == [SEND]

    async def test_a_second_delivery(self, node: FakeNode) -> None:
        """Of the request as it is."""
        async with behind(node, DuplicateDelivery()) as (proxy, rpc):
            assert await rpc.call(SEND, ["0x12"]) == "0x01"
            assert proxy.forwarded == ["0x12", "0x12"]
        assert node.asked == [SEND, SEND]

    async def test_only_the_methods_that_are_named(self, node: FakeNode) -> None:
        """A batch is struck if it holds one."""
        async with behind(node, DropRequest(methods=frozenset({SEND}))) as (proxy, rpc):
            assert await rpc.block_number() == 16
            with pytest.raises(RpcUnreachableError):
                await rpc.batch([("eth_chainId", []), (SEND, ["0x12"])])
            assert [(one.number, one.method) for one in proxy.log] == [(2, SEND)]


class TestChance:
    """What strikes is drawn by seed, faults and number."""

    async def _struck(self, node: FakeNode, faults: Sequence[Fault], seed: int) -> list[int]:
        async with behind(node, *faults, seed=seed) as (proxy, rpc):
            for _ in range(400):
                try:
                    await rpc.block_number()
                except RpcUnreachableError:
                    continue
            return [one.number for one in proxy.log]

    async def test_the_same_seed_strikes_the_same_requests(self, node: FakeNode) -> None:
        """And another one others, about as many as the rate says."""
        faults = [HttpStatus(503, per_mille=100)]
        first = await self._struck(node, faults, 1)

        assert await self._struck(node, faults, 1) == first
        assert await self._struck(node, faults, 2) != first
        assert 20 <= len(first) <= 65

    async def test_never_and_another_set_of_faults(self, node: FakeNode) -> None:
        """They may be replaced while it runs."""
        async with behind(node, DropRequest(per_mille=0)) as (proxy, rpc):
            await rpc.block_number()
            proxy.faults = [DropRequest()]
            with pytest.raises(RpcUnreachableError):
                await rpc.block_number()
            proxy.faults = []
            assert await rpc.block_number() == 16


class TestAnswers:
    """Faults of single calls."""

    async def test_no_receipt(self, node: FakeNode) -> None:
        """The rest of the batch is as it was, in its order."""
        async with behind(node, NullReceipt()) as (_, rpc):
            assert await rpc.batch([(RECEIPT, ["0x1"]), ("eth_blockNumber", [])]) == [None, "0x10"]

    async def test_a_late_receipt(self, node: FakeNode) -> None:
        """It is there when so many blocks have come; so is one of which there is none."""
        async with behind(node, LateReceipt(3)) as (proxy, rpc):
            assert await rpc.call(RECEIPT, ["0x1"]) is None
            assert proxy.counts == {"LateReceipt": 1}
            node.results["eth_blockNumber"] = "0x11"
            assert await rpc.call(RECEIPT, ["0x1"]) == {"blockNumber": "0xe"}
            node.results[RECEIPT] = None
            assert await rpc.call(RECEIPT, ["0x1"]) is None

    async def test_the_same_transactions_are_late(self, node: FakeNode) -> None:
        """However often they are asked for."""
        async with behind(node, LateReceipt(3, per_mille=500)) as (_, rpc):
            asked = [(RECEIPT, [hex(number)]) for number in range(20)]
            first = await rpc.batch(asked)
            assert await rpc.batch(asked) == first
        assert 0 < first.count(None) < 20

    async def test_another_chain(self, node: FakeNode) -> None:
        """As a number for eth_chainId, in digits for net_version."""
        async with behind(node, WrongChainId(10)) as (_, rpc):
            assert await rpc.batch([("eth_chainId", []), ("net_version", [])]) == ["0xa", "10"]
        assert node.asked == []

    async def test_behind(self, node: FakeNode) -> None:
        """A replica's answers, whatever order the node gives them in."""
        node.results["eth_getBlockByNumber"] = {"number": "0xe"}
        async with behind(node, StaleReplica(3)) as (proxy, rpc):
            calls: list[tuple[str, list[Any]]] = [
                ("eth_blockNumber", []),
                (RECEIPT, ["0x1"]),
                ("eth_getBlockByNumber", ["safe", False]),
            ]
            assert await rpc.batch(calls) == ["0xd", None, {"number": "0xe"}]
            assert proxy.counts == {"StaleReplica": 1}
        assert node.bodies[-1].count(b'"0xd"') == 1


class TestAnvil:
    """In front of a real node."""

    async def test_the_ten_percent_rule(self) -> None:
        """anvil would take one more wei; behind the proxy it does not get to see it."""
        async with Anvil(mining=False) as anvil, behind(anvil, EnforceReplacementRule()) as (proxy, rpc):
            first = signed(0, nonce=0, fee=4 * GWEI, tip=GWEI)
            await rpc.call(SEND, [first.raw])
            with pytest.raises(RpcResponseError, match="replacement transaction underpriced"):
                await rpc.call(SEND, [signed(0, nonce=0, fee=4 * GWEI + 1, tip=GWEI + 1).raw])
            second = signed(0, nonce=0, fee=5 * GWEI, tip=2 * GWEI)
            assert await rpc.call(SEND, [second.raw]) == second.hash
            await anvil.mine()
            with pytest.raises(RpcResponseError, match="nonce too low"):
                await rpc.call(SEND, [first.raw])

            assert proxy.counts == {"EnforceReplacementRule": 1}
            assert proxy.forwarded == [first.raw, second.raw, first.raw]

    async def test_a_transaction_that_was_dropped_is_not_defended(self) -> None:
        """The pool has no place to take."""
        async with Anvil(mining=False) as anvil, behind(anvil, EnforceReplacementRule()) as (_, rpc):
            first = signed(0, nonce=0, fee=4 * GWEI, tip=GWEI)
            await rpc.call(SEND, [first.raw])
            await anvil.rpc.call("anvil_dropTransaction", [first.hash])
            second = signed(0, nonce=0, fee=4 * GWEI, tip=GWEI, value=2)

            assert await rpc.call(SEND, [second.raw]) == second.hash

    async def test_a_second_delivery_is_known_already(self) -> None:
        """It comes back as an error although the transaction is in."""
        async with Anvil(mining=False) as anvil, behind(anvil, DuplicateDelivery()) as (_, rpc):
            with pytest.raises(RpcResponseError, match="already"):
                await rpc.call(SEND, [signed(0, nonce=0, fee=4 * GWEI, tip=GWEI).raw])
            await anvil.mine()

            assert (
                await rpc.call("eth_getTransactionCount", [signed(0, nonce=0, fee=1, tip=1).sender, "latest"])
                == "0x1"
            )

    async def test_a_replica_behind(self) -> None:
        """Its head, nonces, receipts and fees are of then, its firm blocks not beyond it."""
        async with Anvil() as anvil, behind(anvil, StaleReplica(2)) as (proxy, rpc):
            sent = signed(0, nonce=0, fee=4 * GWEI, tip=GWEI)
            await rpc.call(SEND, [sent.raw])
            await anvil.mine()
            calls: list[tuple[str, list[Any]]] = [
                ("eth_blockNumber", []),
                ("eth_getTransactionCount", [sent.sender, "pending"]),
                (RECEIPT, [sent.hash]),
                ("eth_getBlockByNumber", ["finalized", False]),
                ("eth_feeHistory", ["0x2", "latest", []]),
                ("eth_getBlockByNumber", ["0x2", False]),
            ]
            stale = await rpc.batch(calls)
            await anvil.mine()
            proxy.faults = [StaleReplica(2)]
            caught_up = await rpc.batch(calls[:3])

        assert [*stale[:3], stale[3]["number"], stale[5]] == ["0x0", "0x0", None, "0x0", None]
        assert len(stale[4]["baseFeePerGas"]) == 2
        assert caught_up[:2] == ["0x1", "0x1"]
        assert caught_up[2]["transactionHash"] == sent.hash
