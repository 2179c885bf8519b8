"""The main job: deploy, trade through epochs of recorded prices, settle, pay, and prove the numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain_kit.cli.local.clock import advance_to
from chain_kit.cli.local.document import make_document
from chain_kit.cli.local.folders import LocalFiles
from chain_kit.cli.local.graduation import graduate
from chain_kit.cli.local.habits import plan_epoch
from chain_kit.cli.local.order_match import OrderMatch
from chain_kit.cli.local.race import RacePlay
from chain_kit.cli.local.roles import roles, trader_indices
from chain_kit.cli.local.settling import Settling
from chain_kit.cli.local.system import LocalSystem
from chain_kit.cli.local.trader import Desk, Wallet
from chain_kit.devnet import Anvil
from chain_kit.errors import SettingError
from chain_kit.prices import EPOCH, PriceSeries

__all__ = ["DemoOptions", "Telling", "run_demo"]

SYMBOL = "BTC"
LEAD_SECONDS = 900
"""The chain starts this long before epoch 1, to deploy and to fund."""
COLLATERAL_UNITS = 2_000 * 10**18
USDC_UNITS = 500 * 10**6


@dataclass(frozen=True)
class DemoOptions:
    """What the demo is asked for. `start` (UNIX seconds) is epoch 1's; None takes the first possible."""

    prices: Path
    files: LocalFiles
    start: int | None = None
    epochs: int = 12
    traders: int = 12
    seed: int = 1

    @property
    def series(self) -> PriceSeries:
        """The recorded prices. Raises PriceFileError."""
        return PriceSeries.from_csv(self.prices)

    def first_boundary(self, series: PriceSeries) -> int:
        """The start of epoch 1. Raises SettingError or PriceMissingError."""
        for name, value in (("--epochs", self.epochs), ("--traders", self.traders)):
            if value < 1:
                raise SettingError(f"{name} is {value}", hint="give at least 1")
        if self.start is None:
            return series.first_start(self.epochs)
        if self.start % EPOCH:
            raise SettingError(
                f"--start is {self.start}, not a multiple of {EPOCH}",
                hint=f"the boundary before it is {self.start - self.start % EPOCH}",
            )
        series.require(self.start, self.epochs)
        return self.start


Telling = Callable[[str], None]
"""Hears in words what the demo is at."""


async def run_demo(options: DemoOptions, tell: Telling) -> dict[str, Any]:
    """Runs it; the document `{deployment, epochs, positions, accounts, match, race, graduation, reserve, …}`.

    Raises a ChainKitError for what cannot be used or does not come about.
    """
    series = options.series
    start = options.first_boundary(series)
    cast = roles(options.traders)
    anvil = Anvil(timestamp=start - LEAD_SECONDS, accounts=cast.accounts)

    def heard(child: str, event: dict[str, object]) -> None:
        if event.get("event") == "restarted":
            tell(f"{child} had died and was started again")

    async with LocalSystem(anvil, cast, options.files, heard) as system:
        tell(f"anvil runs at {anvil.url}; compiling and deploying with ape")
        manifest = await system.deploy(
            genesis=start, steady=True, on_part=lambda name, address: tell(f"  {name:28} {address}")
        )
        system.start_children(["--prices", str(options.prices)], poll_seconds=0.05)
        tell(f"the index is served at {system.http_url} as long as this runs")
        wallets = [
            Wallet(cast.signer(i), anvil.rpc, manifest.chain_id) for i in trader_indices(options.traders)
        ]
        desk = Desk(anvil.rpc, manifest, SYMBOL, wallets)
        tell(f"funding {len(wallets)} accounts")
        addresses = [wallet.address for wallet in wallets]
        await system.fund(addresses, collateral_units=COLLATERAL_UNITS, usdc_units=USDC_UNITS)
        for wallet in wallets:
            await desk.approve(wallet)
        operator, *racers = (
            Wallet(cast.signer(i), anvil.rpc, manifest.chain_id) for i in (cast.deployer, *cast.racers)
        )
        await system.fund(
            [racer.address for racer in racers], collateral_units=COLLATERAL_UNITS, usdc_units=0
        )
        await desk.approve(racers[0])
        match = OrderMatch(desk, taker=wallets[0], maker=racers[0], operator=operator)
        race = RacePlay(system, racers, operator)
        shown: dict[str, dict[str, Any]] = {}
        settling = Settling(system, desk, series)
        for epoch in range(1, options.epochs + 1):
            await _play(system, desk, options, epoch)
            if epoch == options.epochs:
                tell("two signed orders are matched and settled; three accounts bet on a race")
                shown["match"] = await match.play(epoch)
                await race.enter(epoch)
            tell(await settling.close_epoch(epoch))
        tell("the race ends; its bets are paid")
        shown["race"] = await race.finish()
        tell("settling what is left, paying the payout root")
        await settling.settle_all(options.epochs)
        await settling.pay_root(options.seed)
        tell("the reward token's curve is bought to its end and graduates to a pool")
        shown["graduation"] = await graduate(system, desk, racers[0])
        tell("checking every number against the chain")
        return await make_document(
            system, desk, epochs=options.epochs, funded_units=COLLATERAL_UNITS, shown=shown
        )


async def _play(system: LocalSystem, desk: Desk, options: DemoOptions, epoch: int) -> None:
    """Carries out one epoch's actions at their times."""
    start = desk.genesis + (epoch - 1) * EPOCH
    for action in plan_epoch(options.seed, options.traders, epoch, last=epoch == options.epochs):
        await advance_to(system.anvil, start + action.offset, mine=False)
        await desk.act(action, epoch)
        system.children.check()
