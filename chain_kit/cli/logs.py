"""Logs of long-running commands: one line each on standard error, with the time in UTC."""

from __future__ import annotations

import logging
import time

__all__ = ["log_to_stderr"]


def log_to_stderr(level: str) -> None:
    """Sends the kit's own logs from `level` on to standard error; of libraries only what is serious."""
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
    for name in ("chain_kit", "indexer"):
        logging.getLogger(name).setLevel(level.upper())
