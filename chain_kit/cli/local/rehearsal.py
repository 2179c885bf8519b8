"""A deployment rehearsed on a fork: what it would send and cost, with nothing sent."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import JsonRpc

if TYPE_CHECKING:
    from chain_kit.deploy import DeploymentReport

__all__ = ["Costs", "PartCost", "rehearse"]

_RICH_WEI = 10**24


class PartCost(TypedDict):
    """One part that is missing; fees in wei, as decimal strings."""

    name: str
    gas: int
    fee_wei: str


class Costs(TypedDict):
    """The parts that are missing, and their sum."""

    parts: list[PartCost]
    gas: int
    fee_wei: str


async def rehearse(
    rpc_url: str, manifest: Path, sender: str, run: Callable[[str, Path], DeploymentReport]
) -> Costs:
    """Runs `run(url, manifest)` on a fork of the chain at `rpc_url`, with a copy of the manifest.

    Fees are at the chain's own gas price of now, without an L2's fee for data on L1.
    """
    async with JsonRpc(rpc_url) as chain:
        price_wei = int(await chain.call("eth_gasPrice"), 16)
    with tempfile.TemporaryDirectory() as folder:
        copy = _copy(manifest, Path(folder))
        async with Anvil(fork_url=rpc_url) as fork:
            await fork.set_balance(sender, _RICH_WEI)
            before = await fork.rpc.block_number()
            report = await asyncio.to_thread(run, fork.url, copy)
            used = await _gas_by_transaction(fork.rpc, before + 1)
    parts = _parts(report, used, price_wei)
    gas = sum(part["gas"] for part in parts)
    return {"parts": parts, "gas": gas, "fee_wei": str(gas * price_wei)}


def _parts(report: DeploymentReport, used: dict[str, int], price_wei: int) -> list[PartCost]:
    """Each part with its gas; transactions that lead up to one, an approval for example, count with it."""
    names: dict[str, str] = {}
    for step in report.steps:
        if step.transaction is not None:
            names.setdefault(step.transaction, step.name)
    parts: list[PartCost] = []
    waiting = 0
    for transaction, gas in used.items():
        waiting += gas
        if transaction in names:
            fee_wei = str(waiting * price_wei)
            parts.append({"name": names[transaction], "gas": waiting, "fee_wei": fee_wei})
            waiting = 0
    return parts


def _copy(manifest: Path, folder: Path) -> Path:
    copy = folder / manifest.name
    if manifest.exists():
        shutil.copy(manifest, copy)
    return copy


async def _gas_by_transaction(rpc: JsonRpc, first_block: int) -> dict[str, int]:
    """The gas of every transaction from a block on, in their order."""
    numbers = range(first_block, await rpc.block_number() + 1)
    blocks = await rpc.batch([("eth_getBlockReceipts", [hex(number)]) for number in numbers])
    return {r["transactionHash"]: int(r["gasUsed"], 16) for block in blocks for r in block}
