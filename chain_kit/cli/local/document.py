"""The demo's document: the index's answers, each number of which has been checked against the chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from chain_kit.cli.local.clock import until
from chain_kit.cli.local.habits import HABITS
from chain_kit.cli.local.system import LocalSystem
from chain_kit.cli.local.trader import Desk
from chain_kit.contracts import Contract, call_many
from chain_kit.units import format_units, parse_units
from indexer import queries
from indexer.deployment import Deployment
from indexer.proof.levels import Level
from indexer.proof.readiness import readiness
from indexer.rpc import ChainRpc
from indexer.verify import verify

__all__ = ["make_document"]

_MRT_DECIMALS = 18

Positions = Mapping[str, Sequence[queries.PositionAnswer]]


async def make_document(
    system: LocalSystem, desk: Desk, *, epochs: int, funded_units: int, shown: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Waits for the index to reach the head and to be reconciled there, asks it, and checks what it says.

    `funded_units` is the collateral that each account was given at first, `shown` what was done beside the
    epochs, each with whether it came out as it must (`settled`). The document is `{deployment, epochs,
    positions, accounts, match, race, graduation, reserve, checks, differences, verified}`.
    """
    deployment = Deployment.from_manifest(system.manifest)
    async with queries.open_database(system.files.database, deployment=deployment) as index:

        async def proven() -> bool:
            state = await readiness(index)
            # What is wrong is not waited for: the check says it.
            done = state.level is Level.RECONCILED or not state.ready
            return done and state.block == await desk.rpc.block_number()

        await until("the index at the chain's head, and reconciled", proven, system.children)
        rows = await queries.epochs(index, desk.symbol, last=epochs)
        held = {wallet.address: await queries.positions(index, wallet.address) for wallet in desk.wallets}
        reserve = await queries.reserve(index)
        report = await verify(
            index, ChainRpc([desk.rpc]), deployment=deployment, epochs=rows, positions=held, reserve=reserve
        )
        accounts = await _accounts(desk, held)
        differences = [str(one) for one in report.differences]
        differences += _profit_differences(desk, accounts, funded_units)
        differences += [
            f"the {name} did not come out as it must" for name in shown if not shown[name]["settled"]
        ]
        return {
            "deployment": _deployment(system),
            "epochs": rows,
            "positions": [{"account": account, **row} for account, part in held.items() for row in part],
            "accounts": accounts,
            **shown,
            "reserve": {**await queries.reserve(index), "verified": not differences},
            "checks": report.checks + len(accounts) + len(shown),
            "differences": differences,
            "verified": not differences,
        }


def _deployment(system: LocalSystem) -> dict[str, Any]:
    manifest = system.manifest
    return {
        "chain_id": manifest.chain_id,
        "manifest": str(system.files.manifest),
        "database": str(system.files.database),
        "contracts": {name: record.address for name, record in manifest.contracts.items()},
        "markets": {symbol: market.facade for symbol, market in manifest.markets.items()},
        "collateral": asdict(manifest.collateral),
        "payout_token": asdict(manifest.payout_token),
    }


async def _accounts(desk: Desk, held: Positions) -> list[dict[str, Any]]:
    """A line for each account: its profit by the index, and what the chain says that it has."""
    decimals, usdc = desk.manifest.collateral.decimals, desk.manifest.payout_token.decimals
    vault = Contract("PayoutVault", desk.manifest.address("PayoutVault"))
    lines = []
    for number, (account, rows) in enumerate(held.items()):
        wallet, internal, mrt, claimed = await call_many(
            desk.rpc,
            [
                (desk.collateral, "balanceOf", (account,)),
                (desk.hub, "collateralOf", (account,)),
                (desk.mrt, "balanceOf", (account,)),
                (vault, "claimed", (account,)),
            ],
        )
        profit = sum(
            parse_units(row[key], decimals) for row in rows for key in ("realized_pnl", "unrealized_pnl")
        )
        lines.append(
            {
                "account": account,
                "habit": HABITS[number % len(HABITS)][0],
                "epochs": len(rows),
                "profit": format_units(profit, decimals),
                "wallet": format_units(wallet[0], decimals),
                "internal": format_units(internal[0], decimals),
                "mrt": format_units(mrt[0], _MRT_DECIMALS),
                "claimed": format_units(claimed[0], usdc),
            }
        )
    return lines


def _profit_differences(desk: Desk, accounts: Sequence[Mapping[str, Any]], funded_units: int) -> list[str]:
    """What all accounts together have won must be what they hold now beyond what they were given.

    Together, because shares that one gives to another take their cost with them.
    """
    decimals = desk.manifest.collateral.decimals
    profit, wallet, internal = (
        sum(parse_units(row[key], decimals) for row in accounts) for key in ("profit", "wallet", "internal")
    )
    gained = wallet + internal - funded_units * len(accounts)
    if profit == gained:
        return []
    return [
        f"profit of all accounts: {format_units(profit, decimals)}, on chain {format_units(gained, decimals)}"
    ]
