"""Intents per second through the outbox, beside bare `eth_sendRawTransaction`, to one anvil in one run.

    python -m tests.benchmarks.sending_throughput      prints all of it

All pay one wei to as many addresses, with as many payments in flight, over the kit's JSON-RPC client:

bare        counts its nonces in memory, takes its fees from one question at the start, signs with the same
            signer (in Python, which is most of its time), sends, and asks nothing more
confirmed   the same, and asks for the receipt until there is one, ten times a second, as web3.py does
outbox      tries each call, asks fees, balance and nonce, journals to SQLite with an fsync before it sends,
            waits for the receipt, and asks whether the effect is there

They take turns, in rounds. Beside the rate stands the processor time of this process: on a machine that has
other things to do the rates say little.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.fees import suggest_fees
from chain_kit.outbox import Sender
from chain_kit.outbox.intents import Offer
from chain_kit.outbox.replacing import sign
from tests.keeper_support.payments import PAYMENT_EFFECTS, payee, payment

__all__ = ["Speed", "measure"]

INTENTS = 256
IN_FLIGHT = 64
ROUNDS = 3
_POLL_SECONDS = 0.1

Pay = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Speed:
    """Payments per second, and milliseconds of processor time for each; medians of the rounds."""

    rate: float
    cpu_ms: float


async def measure(
    *, intents: int = INTENTS, in_flight: int = IN_FLIGHT, rounds: int = ROUNDS
) -> dict[str, Speed]:
    """Runs all in turns on one anvil, once unmeasured first; every payment must have arrived once."""
    with tempfile.TemporaryDirectory() as folder:
        async with Anvil() as anvil:
            sender = await Sender.open(
                anvil.rpc,
                Path(folder) / "outbox.db",
                dev_signer(2),
                PAYMENT_EFFECTS,
                poll_seconds=_POLL_SECONDS,
            )
            async with sender:
                bare, confirmed = _Bare(anvil, 0), _Bare(anvil, 1)
                ways: dict[str, Pay] = {
                    "bare": bare.send,
                    "confirmed": confirmed.confirm,
                    "outbox": lambda number: sender.submit(payment(number)),
                }
                took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
                first = 0
                for _ in range(rounds + 1):
                    for name, pay in ways.items():
                        numbers = range(first, first + intents)
                        took[name].append(await _all(pay, numbers, in_flight))
                        await _arrived(anvil, numbers)
                        first += intents
    return {name: _speed(rounds_of[1:], intents) for name, rounds_of in took.items()}


def _speed(rounds: list[tuple[float, float]], intents: int) -> Speed:
    wall, cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
    return Speed(intents / wall, 1000 * cpu / intents)


class _Bare:
    """Signs and sends from one of anvil's accounts, and remembers the nonce."""

    def __init__(self, anvil: Anvil, account: int) -> None:
        self._rpc = anvil.rpc
        self._sign = partial(sign, dev_signer(account), 31337)
        self._nonce = 0
        self._offer: Offer | None = None

    async def send(self, number: int) -> str:
        """One payment; gives its hash."""
        if self._offer is None:
            self._offer = Offer(21_000, await suggest_fees(self._rpc))
        nonce, self._nonce = self._nonce, self._nonce + 1
        made = self._sign(nonce, self._offer, to=payee(number), value_wei=1)
        return str(await self._rpc.call("eth_sendRawTransaction", ["0x" + made.raw.hex()]))

    async def confirm(self, number: int) -> None:
        """One payment, mined."""
        tx_hash = await self.send(number)
        while await self._rpc.call("eth_getTransactionReceipt", [tx_hash]) is None:  # noqa: ASYNC110  # as it is done
            await asyncio.sleep(_POLL_SECONDS)


async def _all(pay: Pay, numbers: range, in_flight: int) -> tuple[float, float]:
    """How many seconds all payments take, `in_flight` at a time, by the clock and of the processor."""
    waiting = iter(numbers)

    async def work() -> None:
        for number in waiting:
            await pay(number)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return time.perf_counter() - began, time.process_time() - cpu


async def _arrived(anvil: Anvil, numbers: range) -> None:
    """Mines what anvil has left lying; raises AssertionError unless every payment has arrived once."""
    await anvil.mine()
    calls = [("eth_getBalance", [payee(number), "latest"]) for number in numbers]
    assert set(await anvil.rpc.batch(calls)) == {"0x1"}


def main() -> None:
    """Prints the speeds with few payments in flight, and with many."""
    for in_flight in (16, 64, 128):
        speeds = asyncio.run(measure(in_flight=in_flight))
        for name, speed in speeds.items():
            print(f"{in_flight} {name}: {speed.rate:.0f}/s, {speed.cpu_ms:.1f} ms of processor")  # noqa: T201


if __name__ == "__main__":
    main()
