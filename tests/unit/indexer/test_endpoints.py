from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from chain_kit.jsonrpc import JsonRpc
from indexer.endpoints import Endpoints, NoEndpointError
from indexer.rpc import Backoff, ChainRpc
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.node import FakeNode

URLS = ("http://user:secret@one.example/KEY", "http://two.example", "http://two.example")


class Clock:
    """A time that is set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def endpoints(clock: Clock, told: list[str] | None = None) -> Endpoints:
    """Three of them; nothing is asked."""
    notice = None if told is None else told.append
    return Endpoints([JsonRpc(url) for url in URLS], clock=clock, on_notice=notice)


def test_each_has_a_name_without_secrets() -> None:
    """Two at one place are told apart."""
    names = [one.name for one in endpoints(Clock()).all]
    assert names == ["http://one.example/…", "http://two.example", "http://two.example (2)"]


def test_one_that_lied_is_left_for_a_while_and_longer_each_time() -> None:
    """Then it is tried again; everybody is told."""
    clock, told = Clock(), list[str]()
    some = endpoints(clock, told)
    first = some.all[0]
    rested = []
    for _ in range(3):
        some.distrust(first.name, "it told of a log twice")
        assert some.choose() is some.all[1]
        rested.append(first.rests_until - clock.now)
        clock.now = first.rests_until
        some.prefer(first)
        assert some.choose() is first
    assert rested == [5.0, 10.0, 20.0]
    assert told[0] == "http://one.example/… is left for 5 s: it told of a log twice"


def test_a_long_good_time_is_remembered() -> None:
    """Who has behaved for long is left for a short while only."""
    clock = Clock()
    some = endpoints(clock)
    some.distrust(some.all[0].name, "it lied")
    clock.now += 3_600
    some.distrust(some.all[0].name, "it lied again")
    assert some.all[0].rests_until - clock.now == 5.0


def test_a_name_that_nobody_has_does_nothing() -> None:
    """A range may be older than the settings."""
    some = endpoints(Clock())
    some.distrust("http://gone.example", "it lied")
    assert len(some.usable()) == 3


def test_one_that_is_passed_over_is_not_asked_first_any_more() -> None:
    """It is asked when no other can be. Who is not asked first is not passed over."""
    some = endpoints(Clock())
    first, second, third = some.all
    some.pass_over(second.name)
    assert some.choose() is first
    some.pass_over(first.name)
    assert some.choose() is second
    some.hold(second, "it is behind")
    some.hold(third, "it is behind")
    assert some.choose() is first


def test_when_none_is_left_the_message_says_why_of_each() -> None:
    """For all three reasons that there are."""
    some = endpoints(Clock())
    some.distrust(some.all[0].name, "it lied")
    some.hold(some.all[1], "it is behind")
    some.exclude(some.all[2], "it is of chain 1")
    with pytest.raises(NoEndpointError) as caught:
        some.choose()
    assert "http://one.example/…: it lied; http://two.example: it is behind" in caught.value.message
    assert "http://two.example (2): it is of chain 1" in caught.value.message
    assert "secret" not in caught.value.message
    assert "KEY" not in caught.value.message


def test_coming_back_is_told_once() -> None:
    """As is being held back."""
    told: list[str] = []
    some = endpoints(Clock(), told)
    for why in ("it is behind", "it is behind", "", ""):
        some.hold(some.all[1], why)
    assert told == ["http://two.example is left: it is behind", "http://two.example is asked again"]


class Several:
    """Nodes, and a reader of all of them that looks after them at each look."""

    def __init__(self, nodes: list[FakeNode], clients: list[JsonRpc]) -> None:
        self.nodes = nodes
        self.told: list[str] = []
        self.rpc = ChainRpc(
            clients, backoff=Backoff(first_seconds=0), survey_seconds=0, on_notice=self.told.append
        )

    def usable(self) -> list[int]:
        """The places of those that may be asked."""
        usable = self.rpc.endpoints.usable()
        return [place for place, one in enumerate(self.rpc.endpoints.all) if one in usable]


@pytest.fixture
async def several() -> AsyncIterator[Several]:
    """Three nodes of one chain."""
    chain = FakeChain()
    chain.mine_empty(50)
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(FakeNode(chain)) for _ in range(3)]
        clients = [await stack.enter_async_context(JsonRpc(node.url)) for node in nodes]
        yield Several(nodes, clients)


async def test_one_that_is_behind_is_left_until_it_has_caught_up(several: Several) -> None:
    """A few blocks are nothing; more are said, with both heads."""
    several.nodes[0].lag = 8
    await several.rpc.head()
    assert several.usable() == [0, 1, 2]
    several.nodes[0].lag = 9
    assert (await several.rpc.head()).block == several.nodes[1].chain.tip
    assert several.usable() == [1, 2]
    assert several.told == [f"{several.nodes[0].url} is left: it is at block 43, others at 52"]
    several.nodes[0].lag = 0
    await several.rpc.head()
    assert several.usable() == [0, 1, 2]


async def test_one_on_another_fork_is_left_when_it_stays_there(several: Several) -> None:
    """For a moment everybody may be; at the second look it is held back until it is back."""
    chain = several.nodes[1].chain
    fork = chain.branch(3)
    fork.mine_empty(3)
    several.nodes[1].follow(fork)
    await several.rpc.head()
    assert several.usable() == [0, 1, 2]
    await several.rpc.head()
    assert several.usable() == [0, 2]
    assert "another fork: its block 52" in several.told[0]
    several.nodes[1].follow(chain)
    await several.rpc.head()
    assert several.usable() == [0, 1, 2]


async def test_the_majority_is_right(several: Several) -> None:
    """Even against the one that is asked first."""
    fork = several.nodes[0].chain.branch(3)
    fork.mine_empty(3)
    several.nodes[0].follow(fork)
    for _ in range(3):
        await several.rpc.head()
    assert several.usable() == [1, 2]


async def test_one_of_another_chain_that_was_down_at_first(several: Several) -> None:
    """It is looked at when it first answers, and left for good."""
    wrong = several.nodes[2]
    wrong.chain_id = 5
    wrong.faults.append(lambda _: (503, b""))
    await several.rpc.require_chain(31337, DEPLOYMENT.genesis_hash)
    assert several.usable() == [0, 1, 2]
    await several.rpc.head()
    assert several.usable() == [0, 1]
    assert "serves 5" in several.told[0]


async def test_one_that_is_down_holds_nobody_up(several: Several) -> None:
    """It is not asked again for a minute."""
    several.nodes[2].faults.extend([lambda _: (503, b"")] * 9)
    for _ in range(5):
        await several.rpc.head()
    assert len(several.nodes[2].requests) == 1
    assert several.rpc.endpoints.all[2].errors == 1


async def test_alone_it_is_not_looked_after() -> None:
    """With nobody to compare it with, that would be requests for nothing."""
    async with FakeNode(FakeChain()) as node, JsonRpc(node.url) as client:
        await ChainRpc([client], survey_seconds=0).head()
        assert len(node.requests) == 1
