"""A seed's schedules, played."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.state_machine.chain import Chain
from tests.state_machine.machine import OutboxMachine

__all__ = ["SCHEDULES", "play", "seeds_of_failures"]

SCHEDULES = 10
"""Schedules of a seed."""
_STEPS = 14
_KEPT = Path(__file__).with_name("seeds.txt")


def seeds_of_failures() -> list[int]:
    """Those in `seeds.txt`: a number a line, and what it found after a #."""
    lines = (line.partition("#")[0].strip() for line in _KEPT.read_text().splitlines())
    return [int(line) for line in lines if line]


@contextmanager
def chain_of_its_own() -> Iterator[tuple[Chain, asyncio.Runner]]:
    """A chain and the loop that it lives in."""
    chain = Chain()
    with asyncio.Runner() as runner, _silence("chain_kit"):
        runner.run(_enter(chain))
        try:
            yield chain, runner
        finally:
            runner.run(_leave(chain))


@contextmanager
def _silence(name: str) -> Iterator[None]:
    """A logger says nothing of the thousand failures that it would tell of."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


async def _enter(chain: Chain) -> None:
    await chain.__aenter__()
    # What a killed process was waiting for is nobody's.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)


async def _leave(chain: Chain) -> None:
    await chain.__aexit__(None, None, None)


def play(seed: int, *, shrink: bool = True) -> int:
    """Plays the schedules of a seed, and gives their number; a failure says how to do that again.

    Each seed has a chain of its own: of an anvil that goes back again and again states get lost.
    """
    with chain_of_its_own() as (chain, runner):
        return _play(seed, chain, runner, shrink=shrink)


def _play(seed: int, chain: Chain, runner: asyncio.Runner, *, shrink: bool) -> int:
    class Machine(OutboxMachine):
        pass

    Machine.chain, Machine.runner, Machine.seed = chain, runner, seed
    rules = settings(
        max_examples=SCHEDULES,
        stateful_step_count=_STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    try:
        run_state_machine_as_test(hypothesis.seed(seed)(Machine), settings=rules)
    except BaseException as error:
        error.add_note(f"replay: .venv/bin/python -m tests.state_machine {seed}")
        raise
    return Machine.played
