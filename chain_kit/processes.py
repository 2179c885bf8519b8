"""Child processes that never outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

__all__ = ["die_with_parent"]

_PR_SET_PDEATHSIG = 1


def die_with_parent(how: signal.Signals = signal.SIGKILL) -> Callable[[], None] | None:
    """What a child runs first (`preexec_fn`), so that the kernel sends it `how` when we die, however we die.

    Linux only; elsewhere a killed parent leaves its children behind.
    """
    if not sys.platform.startswith("linux"):
        return None
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, how)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return prepare
