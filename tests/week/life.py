"""Puts the week together, lets it be lived, and proves it."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson

from tests.keeper_support.kit import KEEPER
from tests.week.driver import BLOCK_SECONDS, FAULTS, Driver, Plan
from tests.week.payouts import Accruals
from tests.week.processes import Kept, Line
from tests.week.proof import (
    Journal,
    boundaries_proven,
    effects_proven,
    needed_boundaries,
    nonces_proven,
    solvent,
    unpaid,
)
from tests.week.record import record
from tests.week.recorded import FEEDS, series_of, write_prices
from tests.week.settings import write_config
from tests.week.truth import Truth
from tests.week.world import FINAL_BLOCKS, World

__all__ = ["live"]

_PATIENCE_SECONDS = 7_200
"""Of the chain's clock, for what is left when the week is over."""


async def live(plan: Plan, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """Lives through `plan`, with all files in `folder`; gives the record, once everything is proven.

    The record is in `folder` in any case. Raises AssertionError for what is not as it must be.
    """
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        anvil = await stack.enter_async_context(World.chain())
        world = await World.deploy(anvil)
        driver = await _opened(stack, plan, world, folder, tell)
        tell(f"deployed after {time.monotonic() - began:.0f} s, in {folder}")
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, driver.end)
        await driver.live()
        tell(f"lived in {time.monotonic() - began:.0f} s; paying what is left")
        journal = await _settled(driver, folder)
        needed = needed_boundaries(driver.truth, driver.plan.epochs)
        found = record(driver, journal, needed, time.monotonic() - began)
        (folder / "record.json").write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        tell("proving")
        series = {feed: series_of(feed) for feed in FEEDS.values()}
        await boundaries_proven(world, driver.truth, needed, series, driver.orphaned)
        assert await unpaid(world, driver.truth, driver.accruals, driver.plan.epochs) == []
        await solvent(world)
        effects_proven(driver.truth, journal)
        nonce = int(await anvil.rpc.call("eth_getTransactionCount", [KEEPER, "latest"]), 16)
        nonces_proven(driver.truth, journal, nonce)
        return found


async def _opened(
    stack: AsyncExitStack, plan: Plan, world: World, folder: Path, tell: Callable[[str], None]
) -> Driver:
    """The processes behind their proxies, and who drives them."""
    url = world.anvil.url
    await world.write_manifest(folder / "manifest.json")
    lines: list[Line] = [
        await stack.enter_async_context(Line(url, FAULTS, seed=4 * plan.seed + n)) for n in range(4)
    ]
    of_keepers, of_index = lines[:2], lines[2:]
    write_config(folder, [line.url for line in of_keepers], write_prices(folder), poll_ms=plan.poll_ms)
    keepers = Kept(
        ["keeper", "run", "--all", "--config", str(folder / "keepers.toml"), "--json"],
        folder / "keepers.log",
    )
    index = Kept(
        [
            *("index", "run", "--db", str(folder / "index.db"), "--poll-seconds", "0.5", "--json"),
            *("--deployment", str(folder / "manifest.json")),
            *(word for line in of_index for word in ("--rpc-url", line.url)),
        ],
        folder / "index.log",
    )
    truth = Truth(world.anvil.rpc, KEEPER, world.number + 1)
    accruals = Accruals(folder / "accruals.csv", plan.seed)
    driver = Driver(plan, world, of_keepers, keepers, index, truth, accruals, tell)
    keepers.heard = driver.heard
    ready = asyncio.Event()
    index.heard = lambda _: ready.set()
    await stack.enter_async_context(index)
    while not ready.is_set():
        await driver.block()
    index.heard = len
    await stack.enter_async_context(keepers)
    return driver


async def _settled(driver: Driver, folder: Path) -> Journal:
    """The journal, once everything is paid and every row is final; then the chain is known to its end."""

    async def paid() -> bool:
        epochs = driver.plan.epochs
        return not await unpaid(driver.world, driver.truth, driver.accruals, epochs)

    async def final() -> bool:
        return (await asyncio.to_thread(Journal, folder / "outbox.db")).final

    await driver.until("everything paid", paid, seconds=_PATIENCE_SECONDS, step=20)
    await driver.until("every row final", final, seconds=_PATIENCE_SECONDS, step=BLOCK_SECONDS)
    journal = await asyncio.to_thread(Journal, folder / "outbox.db")
    await driver.truth.read(driver.world.number - FINAL_BLOCKS)
    return journal
