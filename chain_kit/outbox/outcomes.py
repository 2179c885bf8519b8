"""What several calls come to that are made in one go."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from chain_kit.errors import StoreError

__all__ = ["outcomes"]

_MOST_SECONDS = 0.25


def outcomes(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What `calls` give, or the errors that they raise. Raises a StoreError, and then makes no more of them.

    None is begun once they have taken a while: a signer may be slow, and others wait for the database.
    """
    until = time.monotonic() + _MOST_SECONDS
    found: list[Any] = []
    for call in calls:
        if found and time.monotonic() >= until:
            break
        try:
            found.append(call())
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  # it is its caller's, who is told
            found.append(error)
    return found
