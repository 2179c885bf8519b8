"""`python -m tests.simulator SEED` replays a seed; `--seeds FIRST COUNT` plays many."""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.simulator.replay import replay
from tests.simulator.schedule import draw, told


def _try(seed: int) -> tuple[int, str]:
    """The seed, and what went wrong; nothing if nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            replay(seed, Path(folder))
        except Exception:  # noqa: BLE001
            return seed, traceback.format_exc()
    return seed, ""


def _many(first: int, count: int, processes: int) -> int:
    """Plays seeds side by side. The number of those that failed."""
    began, failed, done = time.monotonic(), [], 0
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        for seed, why in pool.map(_try, range(first, first + count), chunksize=4):
            done += 1
            if why:
                failed.append(seed)
                sys.stdout.write(f"{why}\n")
            if done % 100 == 0 or done == count:
                seconds = time.monotonic() - began
                sys.stdout.write(f"{done} seeds in {seconds:.0f} s, {len(failed)} failed: {failed}\n")
                sys.stdout.flush()
    return len(failed)


def main() -> int:
    """The exit status: whether any failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int)
    parser.add_argument("--seeds", nargs=2, type=int, metavar=("FIRST", "COUNT"))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.seeds is not None:
        first, count = options.seeds
        return int(_many(first, count, options.processes) > 0)
    if options.seed is None:
        parser.error("name a seed, or --seeds FIRST COUNT")
    sys.stdout.write(told(draw(options.seed)) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        outcome = replay(options.seed, Path(folder))
    sys.stdout.write("\n".join(outcome.log) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
