"""`chain-kit keeper run`."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chain_kit.cli.logs import log_to_stderr
from chain_kit.cli.options import LogFormat
from chain_kit.cli.signals import stop_on_signals
from chain_kit.errors import RpcUnreachableError, UsageError

if TYPE_CHECKING:
    from chain_kit.keepers.config import FleetConfig

__all__ = ["Config", "run"]

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 2.0

Config = Annotated[
    Path,
    typer.Option("--config", metavar="FILE", help="The keepers' file: docs/operate.md explains each line."),
]


def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Which: resolve, claim, root, seed, trade, trade:BTC, …"),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that the file has.")] = False,
    config: Config = Path("keepers.toml"),
    once: Annotated[bool, typer.Option("--once", help="Do one round of each, then stop.")] = False,
    dry: Annotated[
        bool,
        typer.Option("--dry-run", help="One round: print each call, its fees and effect, and send nothing."),
    ] = False,
    paper: Annotated[
        bool, typer.Option("--paper", help="Trade on paper only: write down what would be bought.")
    ] = False,
    log_format: LogFormat = None,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON line for each effect.")] = False,
) -> None:
    """Run keepers side by side with one key, until Ctrl-C: one process at a time, others stand by.

    Example: chain-kit keeper run --all --config keepers.toml
    """
    from chain_kit.keepers.config import FleetConfig

    if bool(names) == every:
        raise UsageError(
            "name the keepers to run, or give --all" if not names else "--all and names do not go together",
            hint="chain-kit keeper run --all, or: chain-kit keeper run resolve claim",
        )
    loaded = FleetConfig.load(config)
    log_to_stderr(loaded.log_level, log_format or loaded.log_format)
    if dry:
        from chain_kit.cli.keeper_dry import dry_run

        asyncio.run(dry_run(loaded, names or [], json=json))
        return
    asyncio.run(_run(loaded, names or [], once=once, paper=paper, json=json))


async def _run(config: FleetConfig, names: list[str], *, once: bool, paper: bool, json: bool) -> None:
    from chain_kit.cli.keeper_fleet import open_fleet

    stop = stop_on_signals()
    if once:
        async with open_fleet(config, names, paper=paper, json=json, serves=False) as fleet:
            await fleet.once()
        return
    while not stop.is_set():
        try:
            async with open_fleet(config, names, paper=paper, json=json) as fleet:
                await fleet.run(stop)
        except RpcUnreachableError as error:
            # A fleet that runs goes on by itself: this is of its start.
            _LOG.warning("%s; trying again", error.message)
            with suppress(TimeoutError):
                async with asyncio.timeout(_RETRY_SECONDS):
                    await stop.wait()
