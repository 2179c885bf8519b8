"""An HTTP request with JSON-RPC calls in it, on its way through the proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from chain_kit.testing.faults import LateReceipt
from chain_kit.testing.stale import StaleView

__all__ = ["Request"]


@dataclass
class Request:
    """The calls, and what is to become of them and of their answers."""

    number: int
    body: bytes
    calls: list[dict[str, Any]]
    is_batch: bool
    view: StaleView | None = None
    changed: bool = False
    ready: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    """By place in `calls`: "result" or "error" and its value."""
    no_receipt: set[int] = field(default_factory=set)
    late: dict[int, LateReceipt] = field(default_factory=dict)

    @classmethod
    def read(cls, number: int, body: bytes) -> Request | None:
        """The request in `body`; None if it is no JSON-RPC."""
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        calls = document if isinstance(document, list) else [document]
        if not calls or not all(isinstance(c, dict) and isinstance(c.get("method"), str) for c in calls):
            return None
        return cls(number, body, calls, isinstance(document, list))

    @property
    def is_as_it_came(self) -> bool:
        """Whether both it and its reply may pass untouched."""
        return not (self.changed or self.ready or self.view or self.no_receipt or self.late)

    @property
    def open(self) -> list[dict[str, Any]]:
        """The calls that the node is asked."""
        return [call for place, call in enumerate(self.calls) if place not in self.ready]
