"""`python -m tests.state_machine SEED` replays a seed; `--seeds FIRST COUNT` plays many."""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from tests.state_machine.machine import MET
from tests.state_machine.play import play


def _many(first: int, count: int, *, stop: bool) -> int:
    """Plays seeds one after another. The number of those that failed."""
    began, failed, schedules = time.monotonic(), [], 0
    for seed in range(first, first + count):
        try:
            schedules += play(seed, shrink=count == 1)
        except Exception:  # noqa: BLE001
            failed.append(seed)
            sys.stdout.write(traceback.format_exc())
        seconds = time.monotonic() - began
        sys.stdout.write(f"seed {seed}: {schedules} schedules in {seconds:.0f} s, failed: {failed}\n")
        sys.stdout.flush()
        if failed and stop:
            break
    sys.stdout.write(", ".join(f"{name} {count}" for name, count in sorted(MET.items()) if count) + "\n")
    return len(failed)


def main() -> int:
    """The exit status: whether any failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.state_machine", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int)
    parser.add_argument("--seeds", nargs=2, type=int, metavar=("FIRST", "COUNT"))
    parser.add_argument("--first", action="store_true", help="stop at the first that fails")
    options = parser.parse_args()
    if options.seeds is None and options.seed is None:
        parser.error("name a seed, or --seeds FIRST COUNT")
    first, count = options.seeds or (options.seed, 1)
    return int(_many(first, count, stop=options.first) > 0)


if __name__ == "__main__":
    sys.exit(main())
