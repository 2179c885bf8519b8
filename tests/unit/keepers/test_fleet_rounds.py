from __future__ import annotations

import asyncio
import logging

import pytest

from chain_kit.errors import (
    ChainMismatchError,
    PendingError,
    PriceFileError,
    PriceSourceError,
    QuorumError,
    RpcUnreachableError,
    SettingError,
    StoreDeploymentError,
    StoreError,
    StoreLockedError,
)
from chain_kit.keepers.fleet.rounds import Rounds, needs_somebody
from chain_kit.outbox import LeaseLostError


class Scripted:
    """A keeper whose rounds go as it is told; afterwards it sets `stop`."""

    def __init__(self, *script: Exception | None, stop: asyncio.Event | None = None) -> None:
        self.script = list(script)
        self.count = 0
        self._stop = stop

    async def run_once(self) -> None:
        """The next of the script."""
        self.count += 1
        outcome = self.script.pop(0)
        if not self.script and self._stop is not None:
            self._stop.set()
        if outcome is not None:
            raise outcome


def rounds(keeper: Scripted, **options: object) -> Rounds:
    """A keeper's rounds, almost without pauses."""
    return Rounds("resolve", keeper, 0.001, 0.002, **options)  # type: ignore[arg-type]


AWAY = RpcUnreachableError("http://node", "it is away")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AWAY, False),
        (PendingError("later"), False),
        (PriceSourceError("down"), False),
        (StoreLockedError("locked"), False),
        (StoreError("away"), False),
        (StoreDeploymentError("another's"), True),
        (QuorumError("too few"), True),
        (SettingError("wrong"), True),
        (PriceFileError("p.csv", "empty"), True),
        (ChainMismatchError(1, 2), True),
        (KeyError("a bug"), True),
    ],
)
def test_what_needs_somebody(error: Exception, expected: bool) -> None:
    """What may be otherwise in the next round does not; what is wrong until it is mended does."""
    assert needs_somebody(error) is expected


async def test_a_failure_that_passes_is_tried_again() -> None:
    """It is told of, and forgotten once a round goes well."""
    stop, told = asyncio.Event(), []

    async def note(name: str, problem: str) -> None:
        told.append((name, problem))

    keeper = Scripted(AWAY, AWAY, AWAY, None, stop=stop)
    running = rounds(keeper, on_round=note, clock=lambda: 17.0)
    await asyncio.wait_for(running.run(stop), 30)

    assert told == [("resolve", AWAY.message)] * 3 + [("resolve", "")]
    assert (running.reason, running.failure, running.failures, running.last_at) == ("", None, 0, 17.0)


async def test_it_counts_as_failing_after_three() -> None:
    """One that fails now and then is as it should be."""
    running = rounds(Scripted(AWAY, AWAY, AWAY))
    reasons = []
    for _ in range(3):
        await running.once()
        reasons.append(running.reason)

    assert reasons == ["", "", f"resolve has failed 3 times in a row: {AWAY.message}"]


@pytest.mark.parametrize("error", [QuorumError("two of three"), ZeroDivisionError("a bug")])
async def test_an_error_that_needs_somebody_ends_it(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no other round; a fault of ours is logged with where it was."""
    keeper = Scripted(error, None)
    running = rounds(keeper)
    with caplog.at_level(logging.ERROR):
        await asyncio.wait_for(running.run(asyncio.Event()), 30)

    assert (keeper.count, running.has_ended, running.failure) == (1, True, error)
    assert running.reason.startswith("resolve has ended: ")
    (record,) = caplog.records
    assert (record.exc_info is not None) == isinstance(error, ZeroDivisionError)


async def test_a_lost_lease_is_not_the_keepers_affair() -> None:
    """It is raised, and no failure of the round."""
    running = rounds(Scripted(LeaseLostError("another has it")))
    with pytest.raises(LeaseLostError):
        await running.run(asyncio.Event())
    assert (running.failures, running.has_ended) == (0, False)


async def test_pauses_grow_up_to_a_bound() -> None:
    """They double from failure to failure, and are never shorter than the usual one."""

    def pauses(usual: float, longest: float) -> list[float]:
        running = Rounds("x", Scripted(), usual, longest)
        found = []
        for failures in (0, 1, 2, 3, 4, 1_000):
            running.failures = failures
            found.append(running._pause())
        return found

    assert pauses(2.0, 15.0) == [2.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    assert pauses(60.0, 15.0) == [60.0] * 6


async def test_stopping_ends_the_pause() -> None:
    """A keeper that looks once a day stops at once."""
    stop = asyncio.Event()
    running = Rounds("x", Scripted(None, stop=stop), 86_400.0)
    await asyncio.wait_for(running.run(stop), 30)
