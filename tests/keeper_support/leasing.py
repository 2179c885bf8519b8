"""A process that pays under a lease, for tests that kill it. Its argument is a JSON object.

It prints "held TOKEN" when it has the lease, and "paid" when it has made its payments.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from chain_kit.dev_accounts import dev_signer
from chain_kit.guard import Lease
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Sender
from tests.keeper_support.payments import PAYMENT_EFFECTS, payment


async def main(config: dict[str, Any]) -> None:
    """Waits for the lease, then makes payments `first` to `last`, and holds the lease until it is killed."""
    signer = dev_signer(0)
    lease = Lease(config["outbox"], signer.address, 31337, config["holder"])
    async with JsonRpc(config["url"]) as rpc, lease:
        print("held", lease.token, flush=True)  # noqa: T201
        sender = await Sender.open(
            rpc, config["outbox"], signer, PAYMENT_EFFECTS, fence=lease.fence, poll_seconds=0.05
        )
        async with sender:
            await sender.reconcile()
            for number in range(config["first"], config["last"]):
                await sender.submit(payment(number))
            print("paid", flush=True)  # noqa: T201
            if config["stays"]:
                await lease.lost.wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
