from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chain_kit.endpoints import Endpoints
from chain_kit.errors import RpcResponseError, RpcUnreachableError, SettingError
from chain_kit.jsonrpc import Call, JsonRpc

URLS = ("http://one.example", "http://two.example", "http://three.example")
RECEIPT = {"blockHash": "0xabc", "status": "0x1"}
SILENCE = RpcUnreachableError("u", "broke off")
BUSY = RpcResponseError("m", -32005, "limit exceeded")


class FakeNode(JsonRpc):
    """Answers by method and writes down what it was asked."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        super().__init__(url, timeout_seconds=timeout_seconds)
        self.answers: dict[str, Any] = {
            "eth_chainId": "0x1",
            "eth_blockNumber": "0x64",
            "eth_gasPrice": url,
            "eth_getBlockByHash": {"hash": "0xabc"},
            "eth_getTransactionReceipt": RECEIPT,
        }
        self.asked: list[str] = []
        self.closed = False

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:  # noqa: ARG002
        """One answer, or an error raised."""
        self.asked.append(method)
        answer = self.answers[method]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def batch_settled(self, calls: Sequence[Call]) -> list[Any]:
        """One answer for each; silence is the whole batch's."""
        self.asked += [method for method, _ in calls]
        answers = [self.answers[method] for method, _ in calls]
        for answer in answers:
            if isinstance(answer, RpcUnreachableError):
                raise answer
        return answers

    async def aclose(self) -> None:
        """Remembers that."""
        self.closed = True
        await super().aclose()


class World:
    """Three endpoints and a clock."""

    def __init__(self, **options: Any) -> None:
        self.now = 0.0
        self.pool = Endpoints(URLS, clock=lambda: self.now, **options)
        self.nodes: list[Any] = [endpoint.rpc for endpoint in self.pool._endpoints]

    async def who(self) -> str:
        """Which endpoint answers."""
        return str(await self.pool.call("eth_gasPrice"))


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """Makes a world."""
    monkeypatch.setattr("chain_kit.endpoints.JsonRpc", FakeNode)
    return World


class TestFailover:
    """Who is asked."""

    async def test_the_first_as_long_as_it_answers(self, make: Callable[..., World]) -> None:
        """Nonces and receipts of one view of the chain."""
        world = make()

        assert [await world.who() for _ in range(3)] == [URLS[0]] * 3

    @pytest.mark.parametrize("failure", [SILENCE, BUSY, RpcResponseError("m", 0, "Too Many Requests")])
    async def test_the_next_when_it_fails_and_it_again_after_a_rest(
        self, make: Callable[..., World], failure: Exception
    ) -> None:
        """No answer, or "not now": a request later it is spared, some seconds later it is asked again."""
        world = make(rest_seconds=15)
        world.nodes[0].answers["eth_gasPrice"] = failure
        assert await world.who() == URLS[1]
        world.nodes[0].answers["eth_gasPrice"] = URLS[0]
        assert await world.who() == URLS[1]

        world.now = 15

        assert await world.who() == URLS[0]

    async def test_a_refusal_is_an_answer(self, make: Callable[..., World]) -> None:
        """A revert would be one anywhere."""
        world = make()
        world.nodes[0].answers["eth_gasPrice"] = RpcResponseError("m", 3, "execution reverted")

        with pytest.raises(RpcResponseError, match="execution reverted"):
            await world.who()

        assert "eth_gasPrice" not in world.nodes[1].asked

    async def test_says_so_when_none_answers(self, make: Callable[..., World]) -> None:
        """And tries all of them again, at rest or not, at the next request."""
        world = make()
        for node in world.nodes:
            node.answers["eth_gasPrice"] = SILENCE
        with pytest.raises(RpcUnreachableError, match="broke off"):
            await world.who()
        world.nodes[2].answers["eth_gasPrice"] = URLS[2]

        assert await world.who() == URLS[2]

    async def test_a_batch_comes_from_one_endpoint(self, make: Callable[..., World]) -> None:
        """Even if it answers a part of it only."""
        world = make()
        world.nodes[0].answers["eth_blockNumber"] = BUSY

        answers = await world.pool.batch([("eth_gasPrice", []), ("eth_blockNumber", [])])

        assert answers == [URLS[1], "0x64"]

    @pytest.mark.parametrize("batched", [False, True])
    async def test_a_broadcast_without_an_answer_goes_to_no_second(
        self, make: Callable[..., World], batched: bool
    ) -> None:
        """It may have arrived: the sender looks before it does anything else."""
        world = make()
        for node in world.nodes:
            node.answers["eth_sendRawTransaction"] = SILENCE

        with pytest.raises(RpcUnreachableError):
            await (
                world.pool.batch([("eth_sendRawTransaction", ["0x"])])
                if batched
                else world.pool.call("eth_sendRawTransaction", ["0x"])
            )

        assert "eth_sendRawTransaction" not in world.nodes[1].asked
        assert await world.who() == URLS[1]

    async def test_a_broadcast_that_was_turned_away_goes_to_the_next(
        self, make: Callable[..., World]
    ) -> None:
        """What says "too many requests" means that it was not taken."""
        world = make()
        world.nodes[0].answers["eth_sendRawTransaction"] = BUSY
        world.nodes[1].answers["eth_sendRawTransaction"] = "0xhash"

        assert await world.pool.call("eth_sendRawTransaction", ["0x"]) == "0xhash"

    async def test_all_are_closed(self, make: Callable[..., World]) -> None:
        """With the pool."""
        world = make()
        async with world.pool:
            pass

        assert [node.closed for node in world.nodes] == [True] * 3


class TestNoticed:
    """Endpoints that are stale, or of another chain."""

    async def test_one_behind_the_others_is_left_until_it_has_caught_up(
        self, make: Callable[..., World]
    ) -> None:
        """Four blocks are too many, three are not."""
        world = make(max_behind=3, check_seconds=10)
        world.nodes[0].answers["eth_blockNumber"] = "0x60"
        assert await world.who() == URLS[1]

        world.nodes[0].answers["eth_blockNumber"] = "0x61"
        assert await world.who() == URLS[1]
        world.now = 10

        assert await world.who() == URLS[0]

    async def test_one_behind_is_better_than_none(self, make: Callable[..., World]) -> None:
        """The others do not answer."""
        world = make()
        world.nodes[0].answers["eth_blockNumber"] = "0x1"
        assert await world.who() == URLS[1]
        for node in world.nodes[1:]:
            node.answers["eth_gasPrice"] = SILENCE

        assert await world.who() == URLS[0]

    @pytest.mark.parametrize("expected", [None, 1])
    async def test_one_of_another_chain_is_never_asked_again(
        self, make: Callable[..., World], expected: int | None
    ) -> None:
        """Not even when nobody else answers."""
        world = make(chain_id=expected)
        world.nodes[1].answers["eth_chainId"] = "0x2"
        world.nodes[0].answers["eth_gasPrice"] = SILENCE
        assert await world.who() == URLS[2]
        world.nodes[2].answers["eth_gasPrice"] = SILENCE

        with pytest.raises(RpcUnreachableError):
            await world.who()

        assert "eth_gasPrice" not in world.nodes[1].asked

    async def test_none_may_be_of_the_chain_that_is_wanted(self, make: Callable[..., World]) -> None:
        """Then there is nobody to ask."""
        world = make(chain_id=5)

        with pytest.raises(RpcUnreachableError, match="all of them serve other chains"):
            await world.who()

    async def test_one_that_comes_back_must_show_its_chain_again(self, make: Callable[..., World]) -> None:
        """Behind the same name another machine may answer."""
        world = make(rest_seconds=15)
        world.nodes[0].answers["eth_gasPrice"] = SILENCE
        await world.who()
        world.nodes[0].answers.update(eth_gasPrice=URLS[0], eth_chainId="0x2")
        world.now = 15

        assert await world.who() == URLS[1]


class TestReceipts:
    """Which receipts are believed."""

    async def receipts(self, world: World) -> list[Any]:
        """The same receipt, asked for alone and in a batch."""
        alone = await world.pool.call("eth_getTransactionReceipt", ["0x"])
        return [alone, *await world.pool.batch([("eth_getTransactionReceipt", ["0x"])])]

    async def test_those_whose_block_a_second_endpoint_has(self, make: Callable[..., World]) -> None:
        """It is asked once for each block."""
        world = make()

        assert await self.receipts(world) == [RECEIPT, RECEIPT]
        assert world.nodes[1].asked.count("eth_getBlockByHash") == 1
        assert "eth_getBlockByHash" not in world.nodes[2].asked

    async def test_none_whose_block_a_second_endpoint_lacks(self, make: Callable[..., World]) -> None:
        """Invented, or of a block that the others have not seen yet: it is asked for again later."""
        world = make()
        world.nodes[1].answers["eth_getBlockByHash"] = None
        assert await self.receipts(world) == [None, None]

        world.nodes[1].answers["eth_getBlockByHash"] = {"hash": "0xabc"}

        assert await self.receipts(world) == [RECEIPT, RECEIPT]

    @pytest.mark.parametrize("receipt", [{"status": "0x1"}, {"blockHash": None}])
    async def test_none_without_a_block(self, make: Callable[..., World], receipt: dict[str, Any]) -> None:
        """Some nodes give one for what is in the pool."""
        world = make()
        world.nodes[0].answers["eth_getTransactionReceipt"] = receipt

        assert await self.receipts(world) == [None, None]

    async def test_a_third_is_asked_when_the_second_is_silent(self, make: Callable[..., World]) -> None:
        """Silence says nothing about the block."""
        world = make()
        world.nodes[1].answers["eth_getBlockByHash"] = SILENCE
        world.nodes[2].answers["eth_getBlockByHash"] = None

        assert await self.receipts(world) == [None, None]

    async def test_the_only_one_that_answers_is_believed(self, make: Callable[..., World]) -> None:
        """There is nobody to contradict it."""
        world = make()
        for node in world.nodes[1:]:
            node.answers["eth_getBlockByHash"] = SILENCE

        assert await self.receipts(world) == [RECEIPT, RECEIPT]

    async def test_no_receipt_is_none(self, make: Callable[..., World]) -> None:
        """Nobody else is asked."""
        world = make()
        world.nodes[0].answers["eth_getTransactionReceipt"] = None

        assert await self.receipts(world) == [None, None]
        assert "eth_getBlockByHash" not in world.nodes[1].asked

    async def test_not_all_blocks_are_remembered(
        self, make: Callable[..., World], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The oldest is forgotten."""
        monkeypatch.setattr("chain_kit.endpoints._KNOWN_BLOCKS", 2)
        world = make()
        for number in range(3):
            world.nodes[0].answers["eth_getTransactionReceipt"] = {"blockHash": hex(number)}
            await world.pool.call("eth_getTransactionReceipt", ["0x"])

        assert list(world.pool._known) == ["0x1", "0x2"]


@pytest.mark.parametrize("urls", [[], ["http://a", "http://a"], ["ftp://a"]])
def test_needs_urls_each_once(urls: list[str]) -> None:
    """What is no pool is said at once."""
    with pytest.raises(SettingError):
        Endpoints(urls)


async def test_shows_its_urls_without_their_secrets() -> None:
    """Providers put keys into them."""
    async with Endpoints(["http://one.example/key", "http://user:word@two.example"]) as pool:
        assert "key" not in pool.public_url
        assert "word" not in pool.public_url
