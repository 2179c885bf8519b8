"""Loaded by every Python that has this folder on its path: puts its wall clock forward, as a file says.

The file that SHIFTED_CLOCK names holds seconds, and may change at any time. The monotonic clock stays.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_real = time.time
_file = Path(os.environ["SHIFTED_CLOCK"])


def _shifted() -> float:
    return _real() + float(_file.read_text())


time.time = _shifted
