"""A process that pays as long as the budget allows, for tests that kill it. Its argument is a JSON object.

It prints "ready", waits for a line, then prints "paid NUMBER" after each payment, and "stopped" when the
budget has no room for another.
"""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import count
from typing import Any

from chain_kit.dev_accounts import dev_signer
from chain_kit.errors import ChainKitError
from chain_kit.guard import Budget, BudgetExceededError, Guard, chain_clock
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Sender
from tests.keeper_support.payments import PAYMENT_EFFECTS, payment


async def main(config: dict[str, Any]) -> None:
    """Makes payments from number `first` on."""
    signer, budget = dev_signer(0), Budget(hour_wei=int(config["hour_wei"]))
    async with (
        JsonRpc(config["url"]) as rpc,
        await Guard.open(
            config["outbox"], signer.address, 31337, budget=budget, clock=chain_clock(rpc)
        ) as guard,
        await Sender.open(
            rpc, config["outbox"], signer, PAYMENT_EFFECTS, gate=guard, poll_seconds=0.05
        ) as sender,
    ):
        print("ready", flush=True)  # noqa: T201
        await asyncio.to_thread(sys.stdin.readline)
        await sender.reconcile()
        for number in count(config["first"]):
            try:
                await sender.submit(payment(number))
            except BudgetExceededError:
                break
            except ChainKitError as error:
                print(error.message, file=sys.stderr)  # noqa: T201
                continue
            print("paid", number, flush=True)  # noqa: T201
        print("stopped", flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
