"""Runs a command as somebody whom file modes bind: the superuser may write what is read-only."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

from tests.system_support.cli import TIMEOUT_SECONDS, Said, command, environment

__all__ = ["run_bound_by_modes"]

_PR_CAPBSET_DROP = 24
_OVERRIDING = (1, 2, 3)
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER."""


def run_bound_by_modes(*arguments: object, cwd: Path) -> Said:
    """Runs `chain-kit` without the capabilities that pass over file modes."""
    prctl = ctypes.CDLL(None).prctl

    def drop() -> None:
        # Of anybody but the superuser this fails, and is not needed.
        for capability in _OVERRIDING:
            prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)

    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment({"PYTHONDONTWRITEBYTECODE": "1"}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
        preexec_fn=drop if os.geteuid() == 0 else None,  # it calls the kernel only
    )
    return Said(done.returncode, done.stdout, done.stderr)
