from __future__ import annotations

import json

import pytest

from chain_kit import toolchain
from chain_kit.devnet import Anvil
from tests.benchmarks.sending_peers import KINDS, SCHEDULES, SNAPSHOT, Tally, page_with, run, table, tally
from tests.benchmarks.sending_throughput import Speed, measure
from tests.keeper_support.payments import payee
from tests.unit.testing.support import signed

NOTHING = Tally(lost=0, doubled=0, stuck=0)
MOST = 1.25
"""How many times the time of a bare sender the outbox may take, by the clock and of the processor."""
TRIES = 4
GWEI = 10**9


def test_the_page_shows_the_snapshot() -> None:
    """The table in docs/operate.md is the snapshot's, figure by figure."""
    page = (toolchain.root() / "docs" / "operate.md").read_text()
    shown = table(json.loads(SNAPSHOT.read_text()))

    assert shown in page
    assert page_with(page, shown) == page


def test_the_snapshot_is_of_every_schedule() -> None:
    """All senders under all of them, and the outbox without a fault in any."""
    figures = json.loads(SNAPSHOT.read_text())

    assert list(figures) == [schedule.name for schedule in SCHEDULES]
    assert {tuple(by_kind) for by_kind in figures.values()} == {tuple(KINDS)}
    assert {Tally(**by_kind["outbox"]) for by_kind in figures.values()} == {NOTHING}


async def test_what_counts_as_lost_doubled_and_stuck() -> None:
    """Nothing arrived; more than once; and what waits behind a nonce that is missing."""
    async with Anvil() as anvil:
        for number, wei in ((0, 1), (1, 2)):
            await anvil.rpc.call("anvil_setBalance", [payee(number), hex(wei)])
        waiting = signed(0, nonce=5, fee=4 * GWEI, tip=GWEI)
        await anvil.rpc.call("eth_sendRawTransaction", [waiting.raw])

        assert await tally(anvil, 3) == Tally(lost=1, doubled=1, stuck=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1 in 10 replies dropped", "all of these"])
async def test_the_outbox_pays_each_once(name: str) -> None:
    """Whatever is dropped, late, old or doubled, and however often it is killed."""
    (schedule,) = (one for one in SCHEDULES if one.name == name)

    assert await run(schedule, "outbox", payments=8) == NOTHING


@pytest.mark.slow
async def test_what_an_intent_costs() -> None:
    """A quarter more at most than signing and sending alone, with 128 in flight.

    A machine that has other things to do is given several tries.
    """
    tries: list[list[float]] = []
    while not tries or (max(tries[-1]) > MOST and len(tries) < TRIES):
        tries.append(_ratios(await measure(intents=384, in_flight=128, rounds=1)))

    assert max(tries[-1]) <= MOST, tries


def _ratios(speeds: dict[str, Speed]) -> list[float]:
    bare, outbox = speeds["bare"], speeds["outbox"]
    return [bare.rate / outbox.rate, outbox.cpu_ms / bare.cpu_ms]
