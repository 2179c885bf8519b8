"""A keeper as a process of its own, for tests that kill it.

Its argument is a JSON object: `kind` (pay, resolve, claim, root or seed), `url`, `outbox`, `signer` (which of
anvil's accounts), and what the kind needs. The process ends with status 0 when nothing is left to do.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from chain_kit.dev_accounts import dev_signer
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers import (
    EFFECTS,
    Claim,
    ClaimKeeper,
    FixedAccruals,
    ResolveKeeper,
    RootKeeper,
    SeedKeeper,
    SeedRules,
)
from chain_kit.outbox import Sender
from chain_kit.price_sources import RecordedPrices
from chain_kit.prices import PriceSeries
from tests.keeper_support.kit import FEED, quorum
from tests.keeper_support.payments import PAYMENT_EFFECTS, payment

__all__ = ["ListedClaims"]


class ListedClaims:
    """A claim source that names the same accounts and epochs again and again, owed or not."""

    def __init__(self, accounts: list[str], epochs: int) -> None:
        self._claims = [Claim(account, 1, tuple(range(1, epochs + 1)), 1) for account in accounts]

    async def claims(self) -> list[Claim]:
        """All of them, always."""
        return self._claims


async def pay(sender: Sender, config: dict[str, Any]) -> None:
    """Payments 0 to `count` - 1."""
    await sender.reconcile()
    for number in range(config["count"]):
        await sender.submit(payment(number))


async def resolve(sender: Sender, config: dict[str, Any]) -> None:
    """Boundary prices from the file `prices`, in batches of `batch`."""
    source = RecordedPrices({FEED: PriceSeries.from_csv(config["prices"])})
    addresses = {name: config[name] for name in ("hub", "oracle", "adapter")}
    keeper = ResolveKeeper(sender, **addresses, source=source, quorum=quorum(), batch_size=config["batch"])
    while True:
        done = await keeper.run_once()
        if not done.posted and not done.voided and not await sender.reconcile():
            return


async def claim(sender: Sender, config: dict[str, Any]) -> None:
    """Epochs 1 to `epochs` of `accounts`, the house's, and the vault's payouts."""
    keeper = ClaimKeeper(
        sender,
        hub=config["hub"],
        source=ListedClaims(config["accounts"], config["epochs"]),
        vault=config["vault"],
        payouts=Path(config["payouts"]),
        chunk=config.get("chunk", 3),
    )
    while await keeper.run_once() or await sender.reconcile():
        pass


async def root(sender: Sender, config: dict[str, Any]) -> None:
    """The payout root of `totals`, published in `folder`: proposed, and activated once that can be."""
    keeper = RootKeeper(
        sender, vault=config["vault"], accruals=FixedAccruals(config["totals"]), folder=config["folder"]
    )
    await keeper.run_once()
    await sender.reconcile()


async def seed(sender: Sender, config: dict[str, Any]) -> None:
    """The budget of `market`, filled up to `high` base units where it is below `low`, `daily` a day."""
    rules = SeedRules(*(int(config[name]) for name in ("low", "high", "daily")))
    keeper = SeedKeeper(sender, hub=config["hub"], rules={config["market"]: rules})
    while (await keeper.run_once()).funded or await sender.reconcile():
        pass


async def main(config: dict[str, Any]) -> None:
    """Runs the keeper that CONFIG describes."""
    kinds = {"pay": pay, "resolve": resolve, "claim": claim, "root": root, "seed": seed}
    work = kinds[config["kind"]]
    async with (
        JsonRpc(config["url"]) as rpc,
        await Sender.open(
            rpc,
            config["outbox"],
            dev_signer(config["signer"]),
            {**EFFECTS, **PAYMENT_EFFECTS},
            poll_seconds=0.05,
            timeout_seconds=20.0,
        ) as sender,
    ):
        await work(sender, config)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
