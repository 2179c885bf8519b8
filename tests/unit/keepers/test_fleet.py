"""A fleet of keepers that do nothing, on a real outbox: the lease, and who fails for whom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import QuorumError, RpcUnreachableError
from chain_kit.guard import Lease, LeaseHeldError
from chain_kit.inspection.reading import OutboxReader
from chain_kit.keepers.config import FleetConfig
from chain_kit.keepers.fleet import Fleet
from chain_kit.keepers.fleet.parts import FeedPrices
from chain_kit.outbox import Sender
from tests.keeper_support.configs import write_config

SIGNER = dev_signer(9)


class Counting:
    """A keeper that counts its rounds, and does something in each."""

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        self.rounds = 0
        self._act = act

    async def run_once(self) -> None:
        """One more."""
        self.rounds += 1
        self._act()


class Parts:
    """Keepers made beforehand."""

    def __init__(self, **keepers: Counting) -> None:
        self.prices = FeedPrices({})
        self.senders: list[Sender] = []
        self._keepers = keepers

    def keepers(self, sender: Sender) -> list[tuple[str, Counting, float]]:
        """All of them, with hardly a pause."""
        self.senders.append(sender)
        return [(name, keeper, 0.005) for name, keeper in self._keepers.items()]


def failing(error: Exception) -> Counting:
    """A keeper that always fails in the same way."""

    def fail() -> None:
        raise error

    return Counting(fail)


@pytest.fixture
def make(anvil: Anvil, tmp_path: Path) -> Callable[..., Fleet]:
    """Makes a fleet of keepers with the file's outbox; `options` are the fleet's."""
    config = FleetConfig.load(write_config(tmp_path, lease='ttl_seconds = 2\nholder = "one"'))

    def made(parts: Parts, **options: Any) -> Fleet:
        return Fleet(config, anvil.rpc, SIGNER, parts, **options)  # type: ignore[arg-type]

    return made


async def until(condition: Callable[[], object]) -> None:
    """Returns when it holds."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def lease_on(path: Path) -> Lease:
    """Another process's lease on the same signer."""
    return Lease(path / "outbox.db", SIGNER.address, 31_337, "other", ttl_seconds=300)


async def test_one_keepers_end_leaves_the_others_at_work(make: Callable[..., Fleet]) -> None:
    """What needs somebody shows in the reasons; what may pass is tried again."""
    works, ended = Counting(), failing(QuorumError("too few"))
    away = failing(RpcUnreachableError("http://node", "away"))
    failed: list[str] = []
    fleet = make(Parts(works=works, ended=ended, away=away), on_failure=failed.append)
    stop = asyncio.Event()
    running = asyncio.create_task(fleet.run(stop))
    await until(lambda: works.rounds > 5 and away.rounds > 3)

    reasons = fleet.reasons
    stop.set()
    await running

    assert (ended.rounds, failed.count("ended")) == (1, 1)
    assert reasons[0] == "ended has ended: too few"
    assert reasons[1].startswith("away has failed ")
    assert len(reasons) == 2


async def test_it_ends_with_the_last_keeper(make: Callable[..., Fleet]) -> None:
    """Its error is the fleet's."""
    with pytest.raises(QuorumError, match="too few"):
        await asyncio.wait_for(make(Parts(one=failing(QuorumError("too few")))).run(asyncio.Event()), 30)


async def test_it_waits_for_the_lease(make: Callable[..., Fleet], tmp_path: Path) -> None:
    """Nothing is opened before; when it is given back, the keepers begin."""
    keeper, tokens = Counting(), list[int | None]()
    parts = Parts(keeper=keeper)
    fleet = make(parts, on_lease=tokens.append)
    assert list(fleet.reasons) == ["it has not started yet"]
    other, stop = await lease_on(tmp_path), asyncio.Event()
    await other.acquire()
    running = asyncio.create_task(fleet.run(stop))
    await until(lambda: "is held by other" in "".join(fleet.reasons))
    assert (keeper.rounds, parts.senders, tokens) == (0, [], [])

    await other.release()
    await until(lambda: keeper.rounds > 0)
    assert list(fleet.reasons) == []
    stop.set()
    await running

    assert tokens == [2, None]


async def test_it_stops_when_the_lease_is_lost(make: Callable[..., Fleet], tmp_path: Path) -> None:
    """Another process has taken it: this one waits for its turn, with a new sender then."""
    keeper, tokens = Counting(), list[int | None]()
    parts = Parts(keeper=keeper)
    fleet, stop = make(parts, on_lease=tokens.append), asyncio.Event()
    running = asyncio.create_task(fleet.run(stop))
    await until(lambda: keeper.rounds > 0)

    thief = await lease_on(tmp_path)
    fleet._lease._ttl_ms = 0  # its next renewal comes too late
    await thief.acquire(30)
    await until(lambda: tokens[-1] is None and "is held by other" in "".join(fleet.reasons))
    rounds = keeper.rounds
    fleet._lease._ttl_ms = 2_000
    await thief.release()
    await until(lambda: keeper.rounds > rounds)
    stop.set()
    await running

    assert (tokens, len(parts.senders)) == ([1, None, 3, None], 2)


async def test_a_keeper_that_has_ended_does_not_begin_anew(
    make: Callable[..., Fleet], tmp_path: Path
) -> None:
    """The next lease changes nothing about what needs somebody."""
    works, ended = Counting(), failing(QuorumError("too few"))
    fleet, stop = make(Parts(works=works, ended=ended)), asyncio.Event()
    running = asyncio.create_task(fleet.run(stop))
    await until(lambda: ended.rounds > 0 and works.rounds > 0)
    thief = await lease_on(tmp_path)
    fleet._lease._ttl_ms = 0
    await thief.acquire(30)
    await until(lambda: "is held by other" in "".join(fleet.reasons))
    rounds = works.rounds
    fleet._lease._ttl_ms = 2_000
    await thief.release()
    await until(lambda: works.rounds > rounds)
    reasons = fleet.reasons
    stop.set()
    await running

    assert (ended.rounds, reasons) == (1, ("ended has ended: too few",))


async def test_a_round_of_each(make: Callable[..., Fleet], tmp_path: Path) -> None:
    """One after another; the first failure comes at the end, and the lease is given back."""
    first, last = failing(RpcUnreachableError("http://node", "away")), Counting()
    with pytest.raises(RpcUnreachableError):
        await make(Parts(first=first, last=last)).once()
    assert (first.rounds, last.rounds) == (1, 1)

    reader = OutboxReader.open(tmp_path / "outbox.db")
    assert reader.leases()[SIGNER.address].left_ms <= 0
    reader.close()
    other = await lease_on(tmp_path)
    async with other:
        with pytest.raises(LeaseHeldError, match="held by other"):
            await make(Parts(last=last)).once()
    assert last.rounds == 1


async def test_a_round_that_waits_is_broken_off(
    make: Callable[..., Fleet], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop does not wait for a transaction that is not mined."""
    monkeypatch.setattr("chain_kit.keepers.fleet.fleet._LAST_ROUND_SECONDS", 0.01)
    begun = asyncio.Event()

    class Waiting(Counting):
        async def run_once(self) -> None:
            """Waits for ever."""
            begun.set()
            await asyncio.Event().wait()

    stop = asyncio.Event()
    running = asyncio.create_task(make(Parts(waiting=Waiting())).run(stop))
    await begun.wait()
    stop.set()
    await asyncio.wait_for(running, 30)
