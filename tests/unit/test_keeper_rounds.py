from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import (
    ChainKitError,
    PendingError,
    QuorumError,
    RevertedError,
    RpcUnreachableError,
    StoreCorruptError,
    StoreLockedError,
)
from chain_kit.keepers import EFFECTS
from chain_kit.keepers import effects as effects_module
from chain_kit.keepers.needs import Point, _Market, _window
from chain_kit.keepers.rounds import run_rounds, submit_all
from chain_kit.oracle import feed_id
from chain_kit.outbox import Effect, Intent, Outcome
from chain_kit.prices import EPOCH

FEED = feed_id("BTC/USD")
ADDRESS = "0x" + "22" * 20


class TestRounds:
    """The loop."""

    @pytest.mark.parametrize(
        "error",
        [RpcUnreachableError("u", "r"), RevertedError("no"), PendingError("wait"), StoreLockedError("l")],
    )
    async def test_goes_on_after_what_may_pass(
        self, error: ChainKitError, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Logged with the keeper's name, and tried again."""
        stop, rounds = asyncio.Event(), 0

        async def run_once() -> None:
            nonlocal rounds
            rounds += 1
            if rounds == 1:
                raise error
            stop.set()

        await asyncio.wait_for(run_rounds("test", run_once, stop, 0.001), 5)

        assert rounds == 2
        assert f"keeper test: {error.message}" in caplog.text

    @pytest.mark.parametrize("error", [QuorumError("few"), StoreCorruptError("bad"), ValueError("a bug")])
    async def test_ends_with_what_needs_somebody(self, error: Exception) -> None:
        """A key that is missing, a broken file, a bug: running on would hide it."""

        async def run_once() -> None:
            raise error

        with pytest.raises(type(error)):
            await run_rounds("test", run_once, asyncio.Event(), 0.001)

    async def test_does_nothing_once_it_is_stopped(self) -> None:
        """A stop that comes before the start counts too."""
        stop = asyncio.Event()
        stop.set()

        async def run_once() -> None:
            raise AssertionError("a round was run")

        await run_rounds("test", run_once, stop, 0.001)

    async def test_does_not_wait_for_the_next_round_when_it_is_stopped(self) -> None:
        """Ctrl-C ends a keeper that polls once in ten minutes at once."""
        stop, ran = asyncio.Event(), asyncio.Event()

        async def run_once() -> None:
            ran.set()

        running = asyncio.create_task(run_rounds("test", run_once, stop, 600))
        await ran.wait()
        stop.set()

        await asyncio.wait_for(running, 5)


class FakeSender:
    """Takes intents; fails those that it is told to; counts how many are under way at a time."""

    def __init__(self, fails: Callable[[Intent], ChainKitError | None] = lambda _: None) -> None:
        self._fails = fails
        self.under_way = self.most = 0
        self.done: list[str] = []

    async def submit(self, intent: Intent) -> Outcome:
        """Does it, or fails."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if error := self._fails(intent):
            raise error
        self.done.append(intent.subjects[0])
        return Outcome(intent)


def intents(count: int) -> list[Intent]:
    """Intents on the subjects 0, 1, 2 and so on."""
    return [Intent(ADDRESS, "a", (str(n),), b"", Effect("e", {})) for n in range(count)]


class TestSubmitAll:
    """Many intents."""

    @pytest.mark.parametrize("in_flight", [1, 3])
    async def test_sends_so_many_at_a_time(self, in_flight: int) -> None:
        """All of them in the end, and their outcomes in order."""
        sender: Any = FakeSender()

        outcomes = await submit_all(sender, intents(7), in_flight=in_flight)

        assert [outcome.intent.subjects[0] for outcome in outcomes] == [str(n) for n in range(7)]
        assert sender.most == in_flight

    async def test_raises_the_first_failure_after_all_others_were_tried(self) -> None:
        """One that fails holds up none."""
        sender: Any = FakeSender(
            lambda intent: RevertedError(str(intent)) if int(intent.subjects[0]) % 2 else None
        )

        with pytest.raises(RevertedError, match="a 1"):
            await submit_all(sender, intents(5))

        assert sender.done == ["0", "2", "4"]


class TestNeeds:
    """Which epochs a boundary belongs to."""

    def test_a_boundary_ends_one_epoch_and_starts_the_next(self) -> None:
        """The first one only starts, and before it there is nothing."""
        market = _Market(1, FEED, 3_000)

        assert market.epochs_at(2_700) == []
        assert market.epochs_at(3_000) == [1]
        assert market.epochs_at(3_300) == [1, 2]
        assert market.epochs_at(6_000) == [10, 11]

    @given(st.integers(0, 10**6), st.integers(0, 10**6))
    def test_the_epochs_touch_the_boundary(self, genesis: int, boundary: int) -> None:
        """Start or end of each is there: start = genesis + (e-1)·300, end = genesis + e·300."""
        market = _Market(1, FEED, genesis * EPOCH)

        for epoch in market.epochs_at(boundary * EPOCH):
            start = market.genesis + (epoch - 1) * EPOCH
            assert boundary * EPOCH in (start, start + EPOCH)

    def test_the_window_begins_with_the_feed_s_first_market(self) -> None:
        """On the grid, ends included, other feeds' markets left out."""
        markets = [_Market(1, FEED, 900), _Market(2, FEED, 600), _Market(3, feed_id("ETH/USD"), 300)]

        assert list(_window(markets, FEED, 0, 1_200)) == [600, 900, 1_200]
        assert list(_window(markets, FEED, 901, 1_799)) == [1_200, 1_500]
        assert list(_window(markets, FEED, 0, 500)) == []

    def test_a_point_reads_as_the_journal_s_subject(self) -> None:
        """Feed and instant."""
        assert str(Point(FEED, 1_700_000_100)) == "BTC/USD@1700000100"


def test_every_effect_that_keepers_name_has_a_check() -> None:
    """A journal never holds an effect that the next start could not check."""
    made = [
        effects_module.boundaries_known(ADDRESS, [(FEED, 300)]),
        effects_module.boundary_stamped(ADDRESS, FEED, 300),
        effects_module.positions_redeemed(ADDRESS, 1, ADDRESS, [1]),
        effects_module.house_settled(ADDRESS, 1, [1]),
        effects_module.total_claimed(ADDRESS, ADDRESS, 5),
        effects_module.root_known(ADDRESS, bytes(32)),
        effects_module.root_active(ADDRESS, bytes(32)),
    ]

    assert {effect.name for effect in made} == EFFECTS.keys()
