"""`chain-kit index`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from chain_kit.cli.options import Database, Deployment, Json, RpcUrl, load_settings, require_named_chain
from chain_kit.cli.output import print_json, print_json_line, print_table, say
from chain_kit.cli.signals import stop_on_signals

if TYPE_CHECKING:
    from chain_kit.errors import RpcError
    from chain_kit.settings import Settings
    from indexer.tail import Progress

__all__ = ["run", "status"]

_LOCK_WAIT_SECONDS = 10.0


def run(
    rpc_url: RpcUrl = None,
    deployment: Deployment = None,
    db: Database = None,
    poll_seconds: Annotated[
        float, typer.Option("--poll-seconds", metavar="S", min=0.01, help="Pause between looks at the head.")
    ] = 0.5,
    once: Annotated[bool, typer.Option("--once", help="Stop when the chain's head is reached.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON line for each step.")] = False,
) -> None:
    """Follow a deployment's events into the database until stopped; started again, it goes on where it was.

    Example: chain-kit index run --rpc-url http://127.0.0.1:8545
    """
    settings = load_settings(rpc_url=rpc_url, deployment=deployment, database=db)
    asyncio.run(_run(settings, poll_seconds, once, json))


async def _run(settings: Settings, poll_seconds: float, once: bool, json: bool) -> None:
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.manifest import Manifest
    from indexer.deployment import Deployment as Followed
    from indexer.rpc import ChainRpc
    from indexer.source import Source
    from indexer.store import open_store
    from indexer.tail import run as tail

    manifest = Manifest.load(settings.deployment)
    stop = stop_on_signals()

    def told(progress: Progress) -> None:
        if json:
            print_json_line(
                {
                    "event": "undone" if progress.undone else "indexed",
                    "block": progress.block,
                    "head": progress.head,
                    "events": progress.events,
                    "undone": progress.undone,
                }
            )
        elif progress.events or progress.undone:
            what = f"{progress.undone} blocks undone" if progress.undone else f"{progress.events} events"
            say(f"block {progress.block} of {progress.head}: {what}")
        if once and progress.caught_up:
            stop.set()

    def trouble(error: RpcError) -> None:
        say(f"{error.message}; trying again")

    async with JsonRpc(settings.rpc_url) as rpc:
        await require_named_chain(rpc, settings)
        await manifest.check_chain(rpc)
        followed = Followed.from_manifest(manifest)
        async with open_store(settings.database, followed, wait_seconds=_LOCK_WAIT_SECONDS) as store:
            source = Source(ChainRpc([rpc]), followed, store, poll_seconds=poll_seconds)
            await tail(store, source, stop, on_step=told, on_trouble=trouble)


def status(db: Database = None, json: Json = False) -> None:
    """How far the index is, and how far behind the chain it last saw.

    Example: chain-kit index status --json
    """
    from indexer import queries

    async def ask() -> queries.StatusAnswer:
        async with queries.open_database(load_settings(database=db).database) as index:
            return await queries.status(index)

    answer = asyncio.run(ask())
    if json:
        print_json(answer)
        return
    rows = [{"what": name.replace("_", " "), "value": value} for name, value in answer.items()]
    print_table("Index", [("what", "what"), ("value ", "value")], rows)
