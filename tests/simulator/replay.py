"""A seed's run, and the seeds of past failures."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.simulator.run import Outcome, play
from tests.simulator.schedule import draw

__all__ = ["replay", "seeds_of_failures"]

_KEPT = Path(__file__).with_name("seeds.txt")
_MEMORY = Path("/dev/shm")  # noqa: S108


def seeds_of_failures() -> list[int]:
    """Those in `seeds.txt`: a number a line, and what it found after a #."""
    lines = (line.partition("#")[0].strip() for line in _KEPT.read_text().splitlines())
    return [int(line) for line in lines if line]


def replay(seed: int, folder: Path) -> Outcome:
    """Plays a seed; a failure says how to do that again. Databases are kept in memory where that can be."""
    place = _MEMORY if _MEMORY.is_dir() else folder
    place.mkdir(parents=True, exist_ok=True)
    databases = Path(tempfile.mkdtemp(dir=place))
    try:
        return play(draw(seed), databases)
    except BaseException as error:
        error.add_note(f"replay: .venv/bin/python -m tests.simulator {seed}")
        raise
    finally:
        shutil.rmtree(databases, ignore_errors=True)
