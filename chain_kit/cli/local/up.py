"""A local system that stays: real clock, replayed or polled prices, keepers and indexer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chain_kit.cli.local.folders import LocalFiles
from chain_kit.cli.local.roles import USER_ACCOUNTS, roles
from chain_kit.cli.local.system import LocalSystem
from chain_kit.contracts import Contract, call_many
from chain_kit.devnet import Anvil
from chain_kit.manifest import Manifest, MarketRecord
from chain_kit.prices import EPOCH
from chain_kit.units import format_units

__all__ = ["UpOptions", "run_up"]

BLOCK_SECONDS = 2
"""Base's pace."""
COLLATERAL_UNITS = 1_000_000 * 10**18
USDC_UNITS = 100_000 * 10**6
_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 60
_LAST_WORDS_SECONDS = 1.0
_OPEN = 0
_OUTCOMES = (None, "YES", "NO", "VOID")

Emit = Callable[[dict[str, Any]], None]
"""Hears each event as a JSON document."""


@dataclass(frozen=True)
class UpOptions:
    """What `up` is asked for.

    `price_options` are the resolve keeper's; `replays` says that past prices are known.
    """

    files: LocalFiles
    port: int
    price_options: Sequence[str]
    replays: bool
    fork_url: str | None = None


async def run_up(options: UpOptions, stop: asyncio.Event, emit: Emit, tell: Callable[[str], None]) -> None:
    """Runs until `stop` is set; afterwards nothing is left running. The first event describes the system.

    Raises PortInUseError, ToolMissingError, or whatever the system died of.
    """
    cast = roles()
    anvil = Anvil(port=options.port, accounts=cast.accounts, fork_url=options.fork_url)

    def heard(child: str, event: dict[str, object]) -> None:
        emit({"source": child, **event})

    async with LocalSystem(anvil, cast, options.files, heard) as system:
        tell(f"anvil runs at {anvil.url}; compiling and deploying with ape")
        await _catch_up_clock(anvil)
        # With replayed prices the running epoch can be traded at once; without, its start price is unknown.
        now = await anvil.timestamp()
        genesis = now - now % EPOCH if options.replays else None
        manifest = await system.deploy(
            genesis=genesis, on_part=lambda name, address: tell(f"  {name:28} {address}")
        )
        users = [cast.signer(index).address for index in range(USER_ACCOUNTS)]
        tell(f"funding anvil's {len(users)} accounts")
        await system.fund(users, collateral_units=COLLATERAL_UNITS, usdc_units=USDC_UNITS)
        # Until here each transaction was mined at once; from here on time passes as it does on Base.
        await anvil.rpc.call("evm_setIntervalMining", [BLOCK_SECONDS])
        system.start_children(options.price_options, poll_seconds=0.5)
        emit(_description(system, manifest))
        died = asyncio.create_task(anvil.wait())
        followers = [
            asyncio.create_task(_follow(system, market, emit)) for market in manifest.markets.values()
        ]
        stopping = asyncio.create_task(stop.wait())
        tasks = [died, stopping, *followers]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not stopping.done():
                # That anvil has died says more than that it does not answer, and may show a moment later.
                await asyncio.wait([died], timeout=_LAST_WORDS_SECONDS)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _catch_up_clock(anvil: Anvil) -> None:
    """A fork starts at its block's time: the clock is put on now."""
    now = int(time.time())
    if await anvil.timestamp() < now - BLOCK_SECONDS:
        await anvil.set_next_timestamp(now)
        await anvil.mine()


def _description(system: LocalSystem, manifest: Manifest) -> dict[str, Any]:
    return {
        "rpc_url": system.anvil.url,
        "chain_id": manifest.chain_id,
        "deployment": str(system.files.manifest),
        "database": str(system.files.database),
        "collateral": manifest.collateral.address,
        "markets": {symbol: market.facade for symbol, market in manifest.markets.items()},
        "http_url": system.http_url,
    }


async def _follow(system: LocalSystem, market: MarketRecord, emit: Emit) -> None:
    """Emits each epoch's end, once its outcome is known, or open if that takes long."""
    hub = Contract("EpochHub", system.manifest.address("EpochHub"))
    epoch = 1
    while True:
        system.children.check()
        now = await system.anvil.timestamp()
        end = market.genesis + epoch * EPOCH
        if now >= end:
            outcome, start_price, end_price = await hub.call(
                system.anvil.rpc, "outcomeOf", market.market_id, epoch
            )
            if outcome != _OPEN or now > end + _PATIENCE_SECONDS:
                prices = (start_price, end_price)
                found = (epoch, _OUTCOMES[outcome], prices)
                emit(await _epoch_event(system, hub, market, found))
                epoch += 1
                continue
        await asyncio.sleep(_LOOK_SECONDS)


async def _epoch_event(
    system: LocalSystem,
    hub: Contract,
    market: MarketRecord,
    found: tuple[int, str | None, tuple[int, int]],
) -> dict[str, Any]:
    epoch, outcome, prices_e18 = found
    state, reserve = await call_many(
        system.anvil.rpc, [(hub, "epochState", (market.market_id, epoch)), (hub, "reserveStatus", ())]
    )
    decimals = system.manifest.collateral.decimals
    return {
        "event": "epoch",
        "market": market.symbol,
        "epoch": epoch,
        "start_price": format_units(prices_e18[0], 18) if prices_e18[0] else None,
        "end_price": format_units(prices_e18[1], 18) if prices_e18[1] else None,
        "outcome": outcome,
        "yes_supply": format_units(state[0] - state[1], decimals),
        "no_supply": format_units(state[0] - state[2], decimals),
        "hub_reserve": format_units(reserve[0], decimals),
        "hub_liabilities": format_units(reserve[1], decimals),
    }
