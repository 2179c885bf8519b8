"""What an event costs as the chain grows, and what the process holds in memory meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import psutil

from tests.benchmarks.index_chain import Recording
from tests.benchmarks.index_runs import Node, environment, resident_mb
from tests.benchmarks.line_chart import Line, line_chart

__all__ = ["charts", "growth", "measure_curve"]

BUCKET = 100_000


def measure_curve(folder: Path, work: Path) -> list[dict[str, Any]]:
    """For each 100,000 events: microseconds an event, of time and of computing, and the most megabytes."""
    recording = Recording(folder)
    for old in work.glob("curve.db*"):
        old.unlink()
    command = [sys.executable, "-m", "chain_kit.cli.app", "index", "run", "--no-prove", "--once", "--json"]
    where = ["--deployment", str(recording.manifest), "--db", str(work / "curve.db")]
    points: list[dict[str, Any]] = []
    with (
        Node(folder) as node,
        (work / "curve.txt").open("wb") as said,
        subprocess.Popen(
            [*command, "--rpc-url", node.url, *where],
            env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said,
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        seen, events, counted = psutil.Process(process.pid), 0, 0
        since, computed = time.perf_counter(), 0.0
        for line in process.stdout:
            events += orjson.loads(line)["events"]
            if not counted:
                # From the first step on: starting is no event's cost.
                counted, since, computed = events, time.perf_counter(), _cpu_seconds(seen)
            elif events - counted >= BUCKET:
                now, cpu, some = time.perf_counter(), _cpu_seconds(seen), events - counted
                point = {"events": events, "us": 1e6 * (now - since) / some, "rss_mb": resident_mb(seen)}
                point |= {"cpu_us": 1e6 * (cpu - computed) / some}
                points.append({name: round(value, 1) for name, value in point.items()})
                counted, since, computed = events, now, cpu
    if process.returncode or events != recording.logs:
        raise RuntimeError(f"{events} of {recording.logs} events: {(work / 'curve.txt').read_text()[-2000:]}")
    return points


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def growth(points: Sequence[dict[str, Any]]) -> float:
    """What an event costs in the last tenth of a chain, by what it cost in the first."""
    size = max(1, len(points) // 10)
    first, last = (sum(point["us"] for point in part) for part in (points[:size], points[-size:]))
    return float(last / first)


def charts(points: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The cost and the memory, by the name of the file."""
    x_label = "hundred thousand events, after the first"
    cost = Line("chain-kit, SQLite", [Decimal(str(point["us"])) for point in points])
    computing = Line("of that, computing", [Decimal(str(point["cpu_us"])) for point in points])
    memory = Line("peak RSS", [Decimal(str(point["rss_mb"])) for point in points])
    return {
        "index_curve.svg": line_chart(
            [cost, computing], x_label=x_label, y_label="microseconds an event", from_zero=True
        ),
        "index_memory.svg": line_chart([memory], x_label=x_label, y_label="MB", from_zero=True),
    }
