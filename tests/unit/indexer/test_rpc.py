from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chain_kit.errors import ManifestChainError, RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc
from indexer.false_answer import FalseAnswerError
from indexer.rpc import Backoff, ChainRpc, MalformedAnswerError
from tests.index_support.chain import DEPLOYMENT, FakeChain, address_of, raw_event
from tests.index_support.node import SILENCE, FakeNode, error_answer
from tests.index_support.world import World

FILTERS = DEPLOYMENT.log_filters()


class Pauses:
    """A clock that does not wait, and remembers how long it was asked to."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Takes no time."""
        self.seconds.append(seconds)

    def backoff(self, attempts: int = 6) -> Backoff:
        """Pauses of full length."""
        return Backoff(attempts=attempts, sleep=self.sleep, jitter=lambda: 1.0)


@pytest.fixture
def world() -> World:
    """A chain with some hundred events."""
    made = World(FakeChain(), 5)
    made.run(150)
    return made


@pytest.fixture
async def node(world: World) -> AsyncIterator[FakeNode]:
    """A node that serves it."""
    async with FakeNode(world.chain) as running:
        yield running


@pytest.fixture
async def endpoint(node: FakeNode) -> AsyncIterator[JsonRpc]:
    """A client of that node."""
    async with JsonRpc(node.url, timeout_seconds=5) as client:
        yield client


async def test_headers_come_typed(node: FakeNode, endpoint: JsonRpc) -> None:
    """Blocks in order, and None for one that is not there."""
    tip = node.chain.tip
    assert await ChainRpc([endpoint]).blocks(tip.number - 1, tip.number + 1) == [
        *node.chain.blocks[-2:],
        None,
    ]


async def test_the_head_says_how_far_the_chain_is_safe(node: FakeNode, endpoint: JsonRpc) -> None:
    """The newest block, the safe and the finalized one, in one request."""
    assert await ChainRpc([endpoint]).head() == node.chain.head
    assert len(node.requests) == 1


async def test_a_node_without_tags_has_nothing_safe(node: FakeNode, endpoint: JsonRpc) -> None:
    """Where `safe` and `finalized` are refused, they are 0."""

    def only_latest(batch: list[dict[str, Any]]) -> tuple[int, bytes]:
        latest = node._one(batch[0])
        refused = {"code": -32602, "message": "unknown block tag"}
        return 200, json.dumps([latest, *({"id": c["id"], "error": refused} for c in batch[1:])]).encode()

    node.faults.append(only_latest)
    head = await ChainRpc([endpoint]).head()
    assert (head.block, head.safe, head.finalized) == (node.chain.tip, 0, 0)


async def test_logs_of_a_range_are_complete_and_in_order(node: FakeNode, endpoint: JsonRpc) -> None:
    """Every log of our contracts and tokens comes once, although several filters find it."""
    chain = node.chain
    to_ourselves = raw_event("TestToken", "Transfer", DEPLOYMENT.hub, DEPLOYMENT.hub, 5)
    strangers = raw_event("TestToken", "Transfer", address_of("a"), address_of("b"), 5)
    chain.mine(to_ourselves, strangers)
    logs = await ChainRpc([endpoint]).logs(FILTERS, chain.blocks[0], chain.tip)
    # The stranger's is the last.
    assert logs == chain.logs_between(0, chain.tip.number)[:-1]


async def test_logs_of_one_block_are_asked_by_its_hash(node: FakeNode, endpoint: JsonRpc) -> None:
    """So that they are that block's, or an error."""
    rpc = ChainRpc([endpoint])
    tip = node.chain.mine(raw_event("EpochHub", "TradingPaused", True))
    assert len(await rpc.logs(FILTERS, tip, tip)) == 1
    node.chain.reorg(1)
    with pytest.raises(RpcResponseError, match="unknown block"):
        await rpc.logs(FILTERS, tip, tip)


async def test_a_range_that_is_too_wide_is_halved(world: World) -> None:
    """The answer is the same, and the next ranges are no wider than what went well."""
    chain = world.chain
    async with FakeNode(chain, most_blocks=10) as node, JsonRpc(node.url) as endpoint:
        pauses = Pauses()
        rpc = ChainRpc([endpoint], backoff=pauses.backoff())
        logs = await rpc.logs(FILTERS, chain.blocks[0], chain.tip)
        assert logs == chain.logs_between(0, chain.tip.number)
        assert rpc.span <= 13
        assert pauses.seconds == []


@pytest.mark.parametrize(
    "message",
    [
        "query returned more than 10000 results",
        "eth_getLogs block range is too wide",
        "Log response size exceeded",
        "query timeout exceeded",
        "Requested range limit is 1000",
    ],
)
async def test_what_providers_say_of_a_range_that_is_too_wide(
    node: FakeNode, endpoint: JsonRpc, message: str
) -> None:
    """Their words differ; all lead to smaller ranges."""
    node.faults.append(error_answer(-32000, message))
    rpc = ChainRpc([endpoint], backoff=Pauses().backoff())
    logs = await rpc.logs(FILTERS, node.chain.blocks[0], node.chain.tip)
    assert logs == node.chain.logs_between(0, node.chain.tip.number)
    assert len(node.requests) == 3


@pytest.mark.parametrize("answer", [SILENCE, (413, b"request entity too large")], ids=["late", "413"])
async def test_a_range_that_takes_too_long_is_halved(node: FakeNode, answer: tuple[int, bytes]) -> None:
    """An answer that does not come in time, or is refused for its size, is not asked for again as it was."""
    async with JsonRpc(node.url, timeout_seconds=0.5) as endpoint:
        node.faults.append(lambda _: answer)
        pauses = Pauses()
        rpc = ChainRpc([endpoint], backoff=pauses.backoff())
        logs = await rpc.logs(FILTERS, node.chain.blocks[0], node.chain.tip)
    assert logs == node.chain.logs_between(0, node.chain.tip.number)
    assert len(node.requests) == 3
    assert pauses.seconds == []


async def test_a_rate_limit_is_waited_for_not_halved(node: FakeNode, endpoint: JsonRpc) -> None:
    """That there are too many requests is no word on the range."""
    node.faults.append(error_answer(-32005, "project ID request rate limit exceeded"))
    pauses = Pauses()
    await ChainRpc([endpoint], backoff=pauses.backoff()).logs(FILTERS, node.chain.blocks[0], node.chain.tip)
    assert len(node.requests) == 2
    assert pauses.seconds == [0.1]


BROKEN = {
    "no answer": lambda _: None,
    "html": lambda _: (200, b"<html>busy</html>"),
    "half": lambda _: (200, b'[{"jsonrpc": "2.0", "id": 1, "result": {"num'),
    "nothing": lambda _: (200, b""),
    "429": lambda _: (429, b"slow down"),
    "503": lambda _: (503, b""),
    "one of many": lambda batch: (200, json.dumps([{"id": batch[0]["id"], "result": None}]).encode()),
    "busy": error_answer(-32603, "server busy, try again"),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_what_can_pass_is_asked_again(node: FakeNode, endpoint: JsonRpc, fault: str) -> None:
    """After three failures of any kind the fourth answer is taken, with doubling pauses between."""
    node.faults.extend([BROKEN[fault]] * 3)
    pauses = Pauses()
    head = await ChainRpc([endpoint], backoff=pauses.backoff()).head()
    assert head.block == node.chain.tip
    assert pauses.seconds == [0.1, 0.2, 0.4]


async def test_patience_ends(node: FakeNode, endpoint: JsonRpc) -> None:
    """When the attempts are used up, the last failure is raised; pauses do not grow without end."""
    node.faults.extend([BROKEN["html"]] * 100)
    pauses = Pauses()
    with pytest.raises(RpcUnreachableError, match="HTML"):
        await ChainRpc([endpoint], backoff=pauses.backoff(attempts=9)).head()
    assert len(node.requests) == 9
    assert max(pauses.seconds) == 5.0


async def test_pauses_are_drawn_at_random(node: FakeNode, endpoint: JsonRpc) -> None:
    """Between half of the time and all of it."""
    node.faults.extend([BROKEN["503"]] * 2)
    pauses = Pauses()
    rpc = ChainRpc([endpoint], backoff=Backoff(sleep=pauses.sleep, jitter=iter([0.0, 0.5]).__next__))
    await rpc.head()
    assert pauses.seconds == pytest.approx([0.05, 0.15])


async def test_an_error_that_stays_is_raised_at_once(node: FakeNode, endpoint: JsonRpc) -> None:
    """A refusal that asking again cannot change is not asked again."""
    node.faults.append(error_answer(-32601, "method not found"))
    with pytest.raises(RpcResponseError, match="method not found"):
        await ChainRpc([endpoint]).blocks(1, 2)
    assert len(node.requests) == 1


async def test_another_endpoint_takes_over(world: World, node: FakeNode, endpoint: JsonRpc) -> None:
    """When the first fails, the second is asked, and asked first from then on."""
    async with FakeNode(world.chain) as second, JsonRpc(second.url) as other:
        rpc = ChainRpc([endpoint, other], backoff=Pauses().backoff())
        node.faults.append(BROKEN["503"])
        await rpc.head()
        await rpc.head()
        assert (len(node.requests), len(second.requests)) == (1, 2)


async def test_a_batch_that_is_too_long_is_cut(node: FakeNode, endpoint: JsonRpc) -> None:
    """A node that refuses a batch as a whole gets smaller ones, and the results stay in order."""

    def at_most_ten(batch: list[dict[str, Any]]) -> None:
        if len(batch) > 10:
            refused = {
                "jsonrpc": "2.0",
                "id": None,
                "error": {"code": -32600, "message": "batch is too long"},
            }
            node.faults.append(lambda _: (200, json.dumps(refused).encode()))

    node.before = at_most_ten
    assert await ChainRpc([endpoint]).blocks(0, 59) == node.chain.blocks[:60]
    assert len(node.requests[-1]) <= 10


@pytest.mark.parametrize(
    "answer",
    [b"7", b'"0x"', b'{"number": "0x1"}', b'{"number": null}', b'{"number": "xx", "timestamp": "0x1"}'],
)
async def test_an_answer_that_is_no_block(node: FakeNode, endpoint: JsonRpc, answer: bytes) -> None:
    """A node that answers something else is named as broken, not a KeyError."""
    node.faults.append(
        lambda batch: (
            200,
            b"[" + b",".join(b'{"id":%d,"result":%s}' % (c["id"], answer) for c in batch) + b"]",
        )
    )
    with pytest.raises(MalformedAnswerError):
        await ChainRpc([endpoint]).blocks(1, 1)


@pytest.mark.parametrize("answer", [b'"0x"', b"[1]", b'[{"address": 5}]'])
async def test_an_answer_that_is_no_log(node: FakeNode, endpoint: JsonRpc, answer: bytes) -> None:
    """The same for logs."""
    node.faults.append(
        lambda batch: (
            200,
            b"[" + b",".join(b'{"id":%d,"result":%s}' % (c["id"], answer) for c in batch) + b"]",
        )
    )
    with pytest.raises(MalformedAnswerError):
        await ChainRpc([endpoint]).logs(FILTERS, node.chain.blocks[0], node.chain.tip)


async def test_the_chain_must_be_the_deployments(node: FakeNode, endpoint: JsonRpc) -> None:
    """Another id, or the same id with another genesis block, is refused; an endpoint that is down is not."""
    rpc = ChainRpc([endpoint])
    await rpc.require_chain(31337, DEPLOYMENT.genesis_hash)
    with pytest.raises(ManifestChainError, match="8453"):
        await rpc.require_chain(8453, DEPLOYMENT.genesis_hash)
    with pytest.raises(ManifestChainError, match="genesis"):
        await rpc.require_chain(31337, "0x" + "00" * 32)
    async with JsonRpc("http://127.0.0.1:1") as down:
        await ChainRpc([down, endpoint]).require_chain(31337, DEPLOYMENT.genesis_hash)
        with pytest.raises(RpcUnreachableError):
            await ChainRpc([down]).require_chain(31337, DEPLOYMENT.genesis_hash)
    assert node.methods().count("eth_chainId") == 4


async def test_an_endpoint_of_another_chain_is_left(world: World, node: FakeNode, endpoint: JsonRpc) -> None:
    """It is named, with the chain that it serves, and never asked again; the others are."""
    told: list[str] = []
    async with FakeNode(world.chain, chain_id=1) as wrong, JsonRpc(wrong.url) as other:
        rpc = ChainRpc([other, endpoint], on_notice=told.append)
        await rpc.require_chain(31337, DEPLOYMENT.genesis_hash)
        asked = len(wrong.requests)
        assert (await rpc.head()).block == node.chain.tip
        assert len(wrong.requests) == asked
    assert len(told) == 1
    assert wrong.url in told[0]
    assert "the node serves 1" in told[0]


RETRY = {"seconds": "7", "date": "Fri, 20 Nov 2026 10:00:07 GMT"}


@pytest.mark.parametrize("form", RETRY)
async def test_retry_after_is_honoured(
    node: FakeNode, endpoint: JsonRpc, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that says when to come back is left alone until then, in either way of saying it."""
    monkeypatch.setattr("chain_kit.jsonrpc.time.time", lambda: 1795168800.0)
    node.faults.append(lambda _: (429, b"slow down", {"retry-after": RETRY[form]}))
    pauses = Pauses()
    await ChainRpc([endpoint], backoff=pauses.backoff()).head()
    assert pauses.seconds == [7.0]


async def test_an_endpoint_that_asks_for_time_is_passed_over(
    world: World, node: FakeNode, endpoint: JsonRpc
) -> None:
    """While there is another, nobody waits."""
    async with FakeNode(world.chain) as second, JsonRpc(second.url) as other:
        pauses = Pauses()
        rpc = ChainRpc([endpoint, other], backoff=pauses.backoff())
        node.faults.append(lambda _: (429, b"", {"retry-after": "60"}))
        for _ in range(3):
            await rpc.head()
        assert (len(node.requests), len(second.requests), pauses.seconds) == (1, 3, [])


async def test_a_header_that_does_not_hash_to_its_name(node: FakeNode, endpoint: JsonRpc) -> None:
    """The endpoint is named; with `trust_headers` it is believed."""
    node.lies.append(
        lambda method, _, result: (
            result | {"timestamp": "0x1"} if method == "eth_getBlockByNumber" else result
        )
    )
    with pytest.raises(FalseAnswerError, match=r"hashes to 0x.*--trust-headers") as caught:
        await ChainRpc([endpoint]).head()
    assert caught.value.endpoint == node.url
    assert (await ChainRpc([endpoint], trust_headers=True).head()).block.timestamp == 1


async def test_requests_are_counted(node: FakeNode, endpoint: JsonRpc) -> None:
    """A batch is one request; calls are counted by method."""
    rpc = ChainRpc([endpoint])
    await rpc.blocks(1, 50)
    await rpc.head()
    (one,) = rpc.endpoints.all
    assert rpc.requests == one.requests == len(node.requests) == 2
    assert one.calls == {"eth_getBlockByNumber": 53}
    assert one.latency_seconds > 0
    assert one.head == node.chain.tip.number


async def test_a_batch_that_is_cut_grows_again(node: FakeNode, endpoint: JsonRpc) -> None:
    """A refusal may pass: after many good batches longer ones are tried."""
    node.limits.calls = 10
    rpc = ChainRpc([endpoint])
    await rpc.blocks(0, 99)
    assert rpc._batch_size <= 10
    node.limits.calls = None
    for _ in range(20):
        await rpc.blocks(0, 99)
    assert rpc._batch_size > 20


async def test_what_one_node_does_not_know_another_may(
    world: World, node: FakeNode, endpoint: JsonRpc
) -> None:
    """A refusal that stays is believed when every endpoint has refused."""
    node.limits.unsupported.add("eth_getBlockReceipts")
    async with FakeNode(world.chain) as second, JsonRpc(second.url) as other:
        rpc = ChainRpc([endpoint, other], backoff=Pauses().backoff())
        asked = ("eth_getBlockReceipts", [hex(world.chain.tip.number)])
        (receipts,) = await rpc.many([asked])
        assert receipts
        second.limits.unsupported.add("eth_getBlockReceipts")
        with pytest.raises(RpcResponseError, match="does not exist"):
            await rpc.many([asked])


def test_without_an_endpoint_there_is_nothing_to_ask() -> None:
    """A programming error, at once."""
    with pytest.raises(ValueError, match="endpoint"):
        ChainRpc([])
