"""How fast the index is: against a floor, beside a peer, live, and as the chain grows.

    python -m tests.benchmarks.index_speed          all of it; writes index_speed.json and the charts
    python -m tests.benchmarks.index_speed --quick  the table only; writes nothing

A run takes a quarter of an hour, most of it the peer's. Chains are kept in .cache/bench.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from chain_kit import toolchain
from tests import postgres
from tests.benchmarks import index_busy, index_live
from tests.benchmarks.index_anvil import AnvilNode
from tests.benchmarks.index_chain import Recording
from tests.benchmarks.index_curve import charts, measure_curve
from tests.benchmarks.index_runs import Bench, Node, Run
from tests.benchmarks.index_synthetic import write_chain

__all__ = ["FIGURES", "FLOOR", "POSTGRESQL", "SQLITE", "Figures", "chain_folder", "table"]

Figures = dict[str, Any]
FIGURES = Path(__file__).with_name("index_speed.json")
LOGS, LONG_LOGS, LIVE_BLOCKS, ROUNDS = 200_000, 2_000_000, 300, 3
FLOOR, PEER = (
    "floor: read, cut, write; nothing else",
    "web3.py `get_logs` and an ORM, commit per 1,000 blocks",
)
SQLITE, POSTGRESQL = "chain-kit, SQLite", "chain-kit, PostgreSQL"


def chain_folder(name: str, make: Callable[[Path], object]) -> Path:
    """A recording in the cache, made if it is not there."""
    folder = toolchain.cache_folder() / "bench" / name
    if not (folder / "facts.json").exists():
        make(folder)
    return folder


def real_chain() -> Path:
    """What the real contracts logged on a real anvil."""
    return chain_folder("real", lambda folder: asyncio.run(index_busy.write_chain(folder, LOGS)))


def long_chain() -> Path:
    """What the model logged, ten times as long."""
    return chain_folder("long", lambda folder: write_chain(folder, LONG_LOGS))


def work_folder() -> Path:
    """Where databases are made."""
    folder = toolchain.cache_folder() / "bench" / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def programs(node: Node | AnvilNode, recording: Recording) -> Iterator[dict[str, Callable[[], Run]]]:
    """What can be run on a chain, by its name in the table; PostgreSQL where it is installed."""
    with ExitStack() as stack:
        stack.enter_context(node)
        bench = Bench(recording, node, work_folder())
        runs: dict[str, Callable[[], Run]] = {FLOOR: bench.floor, SQLITE: bench.ours}
        found = postgres.find_binaries()
        if found is not None:
            server = stack.enter_context(postgres.running(found, durable=True))
            runs[POSTGRESQL] = lambda: bench.ours(server.new_database())
        yield runs | {PEER: bench.peer}


def median_of(runs: list[Run]) -> Run:
    """The one in the middle by its time, with the most that any had resident."""
    middle = sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]
    return replace(middle, rss_mb=max(run.rss_mb for run in runs))


def in_turns(runs: dict[str, Callable[[], Run]]) -> dict[str, Run]:
    """The floor and the index in turns, three times; the peer once."""
    rounds = [{name: run() for name, run in runs.items() if name != PEER} for _ in range(ROUNDS)]
    return {name: median_of([one[name] for one in rounds]) for name in rounds[0]} | {PEER: runs[PEER]()}


def measure_table() -> Figures:
    """The table's rows: on anvil, and on a node that costs nothing, which also counts."""
    recording = Recording(real_chain())
    with programs(AnvilNode(recording.folder), recording) as runs:
        on_anvil = in_turns(runs)
    with programs(Node(recording.folder), recording) as runs:
        on_replay = in_turns(runs)
    systems = {
        name: rounded(run) | {"requests": on_replay[name].requests} | _alone(on_replay[name])
        for name, run in on_anvil.items()
    }
    return {
        "logs": recording.logs,
        "blocks": recording.blocks,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[1], 1),
        "systems": systems,
    }


def _alone(run: Run) -> Figures:
    return {"seconds_on_replay": round(run.seconds, 2)}


def rounded(run: Run) -> Figures:
    """What is kept of a run."""
    return {
        "seconds": round(run.seconds, 2),
        "cpu_seconds": round(run.cpu_seconds, 2),
        "events_per_second": round(run.events_per_second),
        "rss_mb": round(run.rss_mb),
        "requests": run.requests,
    }


def table(figures: Figures) -> str:
    """The figures as a Markdown table, the quickest first; peers from npm where they have been measured."""
    lines = [
        "| system | seconds | events/s | peak RSS | RPC requests | seconds on a node that costs nothing |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    systems: Mapping[str, Figures] = figures["systems"] | figures.get("peers", {})
    for name, row in sorted(systems.items(), key=lambda item: float(item[1]["seconds"])):
        speed = f"{row['seconds']:,} | {row['events_per_second']:,}"
        alone = row.get("seconds_on_replay", "")
        lines.append(f"| {name} | {speed} | {row['rss_mb']:,} MB | {row['requests']:,} | {alone} |")
    return "\n".join(lines)


def live_table(figures: Figures) -> str:
    """From mined to visible, as a Markdown table."""
    lines = ["| mined to visible, ms | p50 | p99 | max |", "|---|---:|---:|---:|"]
    names = {"floor": "raw WebSocket to SQLite", "index": "chain-kit"}
    for key, name in names.items():
        row = figures["live"][key]
        lines.append(f"| {name} | {row['p50_ms']} | {row['p99_ms']} | {row['max_ms']} |")
    return "\n".join(lines)


def main() -> None:
    """Measures, prints, and writes."""
    quick = "--quick" in sys.argv
    figures = measure_table()
    print(table(figures))  # noqa: T201
    if quick:
        return
    live = asyncio.run(index_live.measure(work_folder(), LIVE_BLOCKS))
    figures["live"] = {name: asdict(latency) for name, latency in live.items()}
    print(live_table(figures))  # noqa: T201
    figures["curve"] = measure_curve(long_chain(), work_folder())
    for name, chart in charts(figures["curve"]).items():
        (toolchain.root() / "docs" / name).write_text(chart, encoding="utf-8")
    kept = json.loads(FIGURES.read_text()).get("peers", {}) if FIGURES.exists() else {}
    FIGURES.write_text(json.dumps(figures | {"peers": kept}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
