from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from chain_kit.clob.orders import Side
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
from chain_kit.keepers.rounds import run_rounds, submit_all
from chain_kit.oracle import feed_id
from chain_kit.outbox import Effect, Intent, Outcome

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


def test_every_effect_that_keepers_name_has_a_check() -> None:
    """A journal never holds an effect that the next start could not check."""
    made = [
        effects_module.boundaries_known(ADDRESS, [(FEED, 300)]),
        effects_module.boundary_stamped(ADDRESS, FEED, 300),
        effects_module.allowance_granted(ADDRESS, ADDRESS, ADDRESS, 5),
        effects_module.house_funded(ADDRESS, 1, ADDRESS, from_block=1, count=1),
        effects_module.claims_paid(ADDRESS, [(1, ADDRESS, [1])]),
        effects_module.houses_settled(ADDRESS, [(1, [1])]),
        effects_module.total_claimed(ADDRESS, ADDRESS, 5),
        effects_module.root_known(ADDRESS, bytes(32)),
        effects_module.root_active(ADDRESS, bytes(32)),
        effects_module.trade_made(ADDRESS, 1, 1, ADDRESS, side=Side.NO, least_shares_units=5),
    ]

    earlier = {"positions redeemed", "house settled"}
    assert {effect.name for effect in made} | earlier == EFFECTS.keys()
