"""Opens what a fleet of keepers needs: nodes, keys, the index, and whatever watches over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chain_kit.cli.keeper_claims import IndexedClaims
from chain_kit.cli.keeper_keys import open_quorum, open_signer
from chain_kit.cli.keeper_words import tell_outcome
from chain_kit.cli.output import print_json_line, say

if TYPE_CHECKING:
    from chain_kit.guard import Guard
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.keepers.config import FleetConfig
    from chain_kit.keepers.fleet import Fleet
    from chain_kit.keepers.fleet.health import KeeperMetrics
    from chain_kit.keepers.fleet.parts import KeeperParts
    from chain_kit.keepers.fleet.watch import FleetWatch
    from chain_kit.manifest import Manifest
    from chain_kit.signers import Signer

__all__ = ["open_fleet", "open_guard", "open_parts"]


@asynccontextmanager
async def open_fleet(
    config: FleetConfig,
    wanted: Sequence[str] = (),
    *,
    paper: bool = False,
    json: bool = False,
    serves: bool = True,
) -> AsyncIterator[Fleet]:
    """The fleet of a configuration, checked against the chain; no keeper runs yet.

    If it `serves`, its health and its metrics can be asked from now on.
    """
    from chain_kit.keepers.fleet import Fleet
    from chain_kit.keepers.fleet.checks import check_chain, open_endpoints
    from chain_kit.keepers.fleet.health import KeeperMetrics
    from chain_kit.keepers.fleet.watch import FleetWatch

    manifest, metrics = config.manifest(), KeeperMetrics()
    async with AsyncExitStack() as stack:
        rpc = await stack.enter_async_context(open_endpoints(config))
        await check_chain(config, rpc, manifest)
        signer = await open_signer(config, rpc)
        parts = await open_parts(stack, config, manifest, rpc, wanted, paper=paper)
        guard = await stack.enter_async_context(await open_guard(config, rpc, signer, metrics, json=json))

        def lease(token: int | None) -> None:
            metrics.lease(held=token is not None)
            if json:
                print_json_line({"event": "lease", "holder": config.lease.holder, "token": token})

        metrics.lease(held=False)
        fleet = Fleet(
            config,
            rpc,
            signer,
            parts,
            gate=guard,
            on_done=partial(tell_outcome, json=json),
            on_lease=lease,
            on_failure=metrics.failed,
        )
        watch = FleetWatch(fleet, rpc, guard, metrics, signer=signer.address)
        if serves:
            await _serve_health(stack, config, metrics, watch, json=json)
            looking = asyncio.create_task(watch.run(asyncio.Event()))
            stack.push_async_callback(_end, looking)
        yield fleet


async def open_guard(
    config: FleetConfig, rpc: JsonRpc, signer: Signer, metrics: KeeperMetrics, *, json: bool
) -> Guard:
    """Budgets, breakers and the dead man's signal of a configuration. Raises a StoreError."""
    from chain_kit.guard import Breaker, Budget, DeadMan, Guard, Halt, chain_clock

    def halted(action: str, halt: Halt) -> None:
        if json:
            print_json_line({"event": "halted", "action": action, "reason": halt.reason})

    return await Guard.open(
        config.outbox,
        signer.address,
        config.chain.chain_id,
        budget=Budget(config.hour_wei, config.day_wei),
        breaker=Breaker(config.breaker_transactions),
        dead_man=DeadMan(config.dead_man) if config.dead_man else None,
        metrics=metrics,
        clock=chain_clock(rpc),
        on_halt=halted,
    )


async def _serve_health(
    stack: AsyncExitStack, config: FleetConfig, metrics: KeeperMetrics, watch: FleetWatch, *, json: bool
) -> None:
    from chain_kit.keepers.fleet.health import HealthServer

    if config.http is None:
        return
    server = HealthServer(config.http.host, config.http.port, metrics, watch.reasons, refresh=watch.look)
    await stack.enter_async_context(server)
    if json:
        print_json_line({"event": "listening", "url": server.url})
    else:
        say(f"health and metrics at {server.url}")


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def open_parts(
    stack: AsyncExitStack,
    config: FleetConfig,
    manifest: Manifest,
    rpc: JsonRpc,
    wanted: Sequence[str],
    *,
    paper: bool | None,
) -> KeeperParts:
    """What the keepers are made of, with their keys and the index, closed with `stack`.

    `paper` is KeeperParts'.
    """
    from chain_kit.keepers.fleet.parts import KeeperParts, choose_names

    names = choose_names(config, wanted)
    parts = KeeperParts(
        config,
        manifest,
        names=names,
        quorum=await open_quorum(config, rpc) if "resolve" in names else (),
        claims=await _claims(stack, config, manifest) if "claim" in names else None,
        paper=paper,
    )
    stack.push_async_callback(parts.aclose)
    return parts


async def _claims(stack: AsyncExitStack, config: FleetConfig, manifest: Manifest) -> IndexedClaims:
    from indexer.deployment import Deployment
    from indexer.queries import open_database

    database: Path | str | None = config.chain.index
    assert database is not None
    followed = Deployment.from_manifest(manifest)
    return IndexedClaims(await stack.enter_async_context(open_database(database, deployment=followed)))
