"""`python -m tests.week`: a week of the keepers; `--epochs` for less of it, `--write` to keep its numbers.

SIGUSR1 ends it with the running epoch; what was lived until then is proven.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.week.driver import Plan
from tests.week.life import live
from tests.week.recorded import WEEK_EPOCHS
from tests.week.report import summary, table, write


def main() -> None:
    """Lives through it, and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.week")
    parser.add_argument("--epochs", type=int, default=WEEK_EPOCHS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--poll-ms", type=int, default=Plan.poll_ms, help="the resolve keeper's pause")
    parser.add_argument("--folder", type=Path, help="where its files go; one for this run without it")
    parser.add_argument("--write", action="store_true", help="keep the numbers, the plot and the table")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        record = asyncio.run(live(Plan(given.epochs, given.seed, poll_ms=given.poll_ms), folder, tell))
    if given.write:
        write(record)
    sys.stdout.write(table(summary(record)))


def tell(text: str) -> None:
    """Says how far it is."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
