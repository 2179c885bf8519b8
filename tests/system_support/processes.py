"""Processes as the kernel sees them: which run, and when they have ended."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterable

import psutil

__all__ = ["below", "still_running", "words_of"]

PATIENCE_SECONDS = 30.0


def words_of(process: psutil.Process) -> list[str]:
    """The words that a process was started with; none if it has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def below(pid: int) -> list[psutil.Process]:
    """All running processes that `pid` has started, and those that they have."""
    try:
        found = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [process for process in found if words_of(process)]


def still_running(pids: Iterable[int], *, seconds: float = PATIENCE_SECONDS) -> list[int]:
    """Waits until all of `pids` have ended, `seconds` at most; those that have not."""
    deadline = time.monotonic() + seconds
    left = []
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            # Readable once the process has ended, whether anybody has asked for its status or not.
            ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
            left += [] if ready else [pid]
        finally:
            os.close(handle)
    return left
