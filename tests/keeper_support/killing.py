"""Runs keeper processes behind a proxy, and kills them at seeded instants.

An instant is a process's n-th request, on its way to the node or back.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from typing import Any

from chain_kit import toolchain
from tests.keeper_support.proxy import BrokenOffError, RpcProxy

__all__ = ["run_keeper", "run_with_kills"]

Config = dict[str, Any]


async def start(config: Config) -> asyncio.subprocess.Process:
    """Starts a keeper process."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.keeper_support.keeper_process",
        json.dumps(config),
        cwd=toolchain.root(),
        stderr=asyncio.subprocess.PIPE,
    )


async def run_keeper(config: Config) -> None:
    """Runs a keeper process to its end, which must be a good one."""
    process = await start(config)
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()


async def run_with_kills(config: Config, proxy: RpcProxy, seed: int, kills: int, spread: int) -> int:
    """Runs a keeper, kills it `kills` times at a request within its first `spread`, then lets it finish.

    Gives the number of kills that met a running process; one that had finished before counts as none.
    """
    chance = random.Random(seed)
    met = 0
    for _ in range(kills):
        process = await start(config)
        _kill_at(proxy, process, chance.randint(1, spread), on_the_way_back=chance.random() < 0.5)
        _, errors = await process.communicate()
        assert process.returncode in (0, -9), errors.decode()
        met += process.returncode == -9
    proxy.before = proxy.after = None
    await run_keeper(config)
    return met


def _kill_at(
    proxy: RpcProxy, process: asyncio.subprocess.Process, nth: int, *, on_the_way_back: bool
) -> None:
    seen = 0

    def strike(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen >= nth:
            if process.returncode is None:
                process.kill()
            raise BrokenOffError

    proxy.before = None if on_the_way_back else strike
    proxy.after = strike if on_the_way_back else None
