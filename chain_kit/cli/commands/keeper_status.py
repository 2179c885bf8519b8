"""`chain-kit keeper status` and `chain-kit keeper resume`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chain_kit.cli.commands.keeper_run import Config
from chain_kit.cli.options import Json
from chain_kit.cli.output import print_json, say
from chain_kit.errors import UsageError

if TYPE_CHECKING:
    from chain_kit.guard import Halt
    from chain_kit.keepers.config import FleetConfig
    from chain_kit.keepers.fleet.status import FleetStatus

__all__ = ["resume", "status"]


def status(config: Config = Path("keepers.toml"), json: Json = False) -> None:
    """Show how the keepers stand: rounds, effects, budgets, halted actions, lease and balance.

    Reads the outbox and the chain: nothing need run, and no key is opened.

    Example: chain-kit keeper status --config keepers.toml
    """
    from chain_kit.cli.keeper_status import print_status, status_document
    from chain_kit.keepers.config import FleetConfig

    loaded = FleetConfig.load(config, to_run=False)
    found = asyncio.run(_status(loaded))
    document = status_document(loaded, found)
    if json:
        print_json(document)
    else:
        print_status(document, found)


def resume(
    action: Annotated[
        str, typer.Argument(metavar="ACTION", help="The action that is halted: post, redeem, trade, …")
    ],
    config: Config = Path("keepers.toml"),
    json: Json = False,
) -> None:
    """Let an action go on that was halted because its transactions had no effect.

    Example: chain-kit keeper resume post
    """
    from chain_kit.keepers.config import FleetConfig

    halt = asyncio.run(_resume(FleetConfig.load(config, to_run=False), action))
    if json:
        print_json({"action": action, "halted_since": halt.since, "reason": halt.reason})
    else:
        say(f"{action} goes on; it was halted: {halt.reason}")


async def _status(config: FleetConfig) -> FleetStatus:
    from chain_kit.cli.keeper_keys import signer_address
    from chain_kit.guard import Budget
    from chain_kit.keepers.fleet.checks import open_endpoints
    from chain_kit.keepers.fleet.status import read_status

    budget = Budget(config.hour_wei, config.day_wei)
    async with open_endpoints(config) as rpc:
        return await read_status(config.outbox, config.chain.chain_id, signer_address(config), budget, rpc)


async def _resume(config: FleetConfig, action: str) -> Halt:
    from chain_kit.cli.keeper_keys import signer_address
    from chain_kit.guard import Guard
    from chain_kit.inspection.reading import OutboxReader

    chain_id = config.chain.chain_id
    # An outbox that is not there is not made for this.
    reader = await asyncio.to_thread(OutboxReader.open, config.outbox, chain_id)
    await asyncio.to_thread(reader.close)
    async with await Guard.open(config.outbox, signer_address(config), chain_id) as guard:
        halts = await guard.halted()
        if action not in halts:
            names = ", ".join(halts) or "nothing is"
            raise UsageError(f"{action} is not halted", hint=f"halted now: {names}")
        await guard.resume(action)
        return halts[action]
