"""web3.py's, ape's and the outbox's sending behind the same proxy: what is lost, doubled and stuck.

    python -m tests.benchmarks.sending_peers           writes sending.json, and the table in docs/operate.md
    python -m tests.benchmarks.sending_peers web3      runs that one again, and keeps the others' figures

Each pays one wei to as many addresses, one payment after the other, on an anvil of its own with a block every
fifth of a second, through a proxy with the same faults and the same seed. A payment is lost if its address
has nothing in the end, doubled if it has more than a wei; a transaction is stuck if it is in the pool still
after some more blocks. How each is used is said in tests/benchmarks/sending_worker.py.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chain_kit import toolchain
from chain_kit.devnet import Anvil
from chain_kit.testing import (
    Delay,
    DropReply,
    DropRequest,
    DuplicateDelivery,
    EnforceReplacementRule,
    Fault,
    FaultProxy,
    HttpStatus,
    LateReceipt,
    NullReceipt,
    StaleReplica,
)
from tests.keeper_support.payments import payee

__all__ = [
    "KINDS",
    "PAYMENTS",
    "SCHEDULES",
    "SNAPSHOT",
    "Schedule",
    "Tally",
    "page_with",
    "run",
    "table",
    "tally",
]

SNAPSHOT = Path(__file__).with_name("sending.json")
PAGE = toolchain.root() / "docs" / "operate.md"
KINDS = {"web3": "web3.py 7.16", "ape": "ape 0.8.51", "outbox": "the outbox"}
PAYMENTS = 40
SEED = 5
_BLOCK_SECONDS = 0.2
_PATIENCE_SECONDS = 400.0
_LAST_BLOCKS = 5


@dataclass(frozen=True)
class Schedule:
    """Faults, and after which broadcasts the process is killed with kill -9 and started again."""

    name: str
    faults: Sequence[Fault] = ()
    kills: int = 0


@dataclass(frozen=True)
class Tally:
    """Payments lost and doubled, and transactions stuck."""

    lost: int
    doubled: int
    stuck: int


SCHEDULES = (
    Schedule("nothing"),
    Schedule("1 in 10 replies dropped", (DropReply(per_mille=100),)),
    Schedule(
        "1 in 10 requests 429, 1 in 10 503",
        (HttpStatus(429, 1, per_mille=100), HttpStatus(503, per_mille=100)),
    ),
    Schedule("1 in 10 requests 3 s late", (Delay(3.0, per_mille=100),)),
    Schedule(
        "1 in 5 receipts null, 1 in 5 ten blocks late",
        (NullReceipt(per_mille=200), LateReceipt(10, per_mille=200)),
    ),
    Schedule("1 in 5 answers 3 blocks old", (StaleReplica(3, per_mille=200),)),
    Schedule("1 in 5 requests delivered twice", (DuplicateDelivery(per_mille=200),)),
    Schedule("killed and started again, 3 times", kills=3),
    Schedule(
        "all of these",
        (
            DropRequest(per_mille=20),
            HttpStatus(429, 1, per_mille=20),
            HttpStatus(503, per_mille=20),
            Delay(3.0, per_mille=20),
            NullReceipt(per_mille=100),
            LateReceipt(10, per_mille=100),
            StaleReplica(3, per_mille=50),
            DuplicateDelivery(per_mille=50),
            DropReply(per_mille=50),
        ),
        kills=3,
    ),
)


async def run(schedule: Schedule, kind: str, *, payments: int = PAYMENTS, seed: int = SEED) -> Tally:
    """One way of sending under one schedule, from a fresh chain on."""
    # As real nodes have it, in every schedule.
    faults = (EnforceReplacementRule(), *schedule.faults)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Anvil(block_time=_BLOCK_SECONDS) as anvil,
            FaultProxy(anvil.url, faults, seed=seed) as proxy,
        ):
            config = {"kind": kind, "url": proxy.url, "count": payments, "folder": folder}
            for kill in range(schedule.kills):
                await _killed(config, proxy, payments * (kill + 1) // (schedule.kills + 1))
            process = await _start(config)
            await _ended(process)
            return await tally(anvil, payments)


async def _killed(config: dict[str, Any], proxy: FaultProxy, broadcasts: int) -> None:
    """Runs a process until the node has answered that many broadcasts, or to its end."""
    process = await _start(config)
    tasks = [asyncio.create_task(one) for one in (proxy.broadcasts(broadcasts), _ended(process))]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    if process.returncode is None:
        process.kill()
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _start(config: dict[str, Any]) -> asyncio.subprocess.Process:
    folder = str(config["folder"])
    environment = {**toolchain.environment(), "PYTHONPATH": str(toolchain.root())}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.sending_worker",
        json.dumps(config),
        # ape takes the project that it is started in for its own.
        cwd=folder,
        env={**environment, "HOME": folder, "APE_DATA_FOLDER": f"{folder}/ape"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Waits for its end; one that has no more to say for minutes is ended."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def tally(anvil: Anvil, payments: int) -> Tally:
    """What has become of all payments, once everything that can be mined is."""
    for _ in range(_LAST_BLOCKS):
        await anvil.mine()
    calls = [("eth_getBalance", [payee(number), "latest"]) for number in range(payments)]
    held = [int(balance, 16) for balance in await anvil.rpc.batch(calls)]
    pool = await anvil.rpc.call("txpool_status")
    stuck = sum(int(str(number), 16) for number in pool.values())
    return Tally(sum(wei == 0 for wei in held), sum(wei > 1 for wei in held), stuck)


def table(figures: dict[str, dict[str, dict[str, int]]]) -> str:
    """The snapshot as the documentation shows it: lost / doubled / stuck."""
    lines = [
        f"| faults | {' | '.join(KINDS.values())} |",
        f"|---|{'---:|' * len(KINDS)}",
    ]
    for name, by_kind in figures.items():
        cells = (
            " / ".join(str(by_kind[kind][what]) for what in ("lost", "doubled", "stuck")) for kind in KINDS
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def page_with(page: str, text: str) -> str:
    """The page with this table in the place of the one that it has."""
    before, _, rest = page.partition("| faults |")
    return before + text + "\n\n" + rest.partition("\n\n")[2]


async def main(kinds: Sequence[str]) -> None:
    """Runs every schedule, those who send side by side, and writes what came of it; of others what it was."""
    figures: dict[str, dict[str, dict[str, int]]] = json.loads(SNAPSHOT.read_text())
    for schedule in SCHEDULES:
        tallies = await asyncio.gather(*(run(schedule, kind) for kind in kinds))
        figures.setdefault(schedule.name, {}).update(
            {kind: asdict(one) for kind, one in zip(kinds, tallies, strict=True)}
        )
        print(schedule.name, figures[schedule.name], flush=True)  # noqa: T201
    SNAPSHOT.write_text(json.dumps(figures, indent=2) + "\n")
    PAGE.write_text(page_with(PAGE.read_text(), table(figures)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(KINDS)))
