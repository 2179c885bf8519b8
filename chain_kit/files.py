"""Files that are written whole or not at all, and files that stand for a turn."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["one_at_a_time", "write_atomically"]


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Lets one process into the block at a time; the others wait. `lock` is a file for nothing else."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path | str, body: bytes) -> None:
    """Writes `body` to `path`, readable by all: whoever reads sees the old file or the new one, never half.

    Makes the folder if it is missing. Raises OSError.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
