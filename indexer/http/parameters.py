"""The parameters that endpoints share, with their bounds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import AfterValidator

from indexer.http.errors import ErrorBody

__all__ = [
    "MOST_ROWS",
    "SLASH",
    "AccountPath",
    "AtBlock",
    "EpochPath",
    "EpochQuery",
    "Limit",
    "MarketPath",
    "Page",
    "responses",
    "with_slashes",
]

MOST_ROWS = 500
SLASH = b"~"
LAST_EPOCH = 2**40 - 1
_LAST_BLOCK = 2**53 - 1
_MARKET = r"^(0x[0-9a-fA-F]{40}|[A-Za-z0-9._~-]{1,31})$"
_ACCOUNT = r"^0x[0-9a-fA-F]{40}$"


def with_slashes(symbol: str) -> str:
    """A market's symbol may have a `/`, which would end its part of the path: there it is written `~`."""
    return symbol.replace(SLASH.decode(), "/")


AtBlock = Annotated[
    int | None,
    Query(ge=0, le=_LAST_BLOCK, description="Answer as of this block; without it, as of the last one."),
]
MarketPath = Annotated[
    str,
    Path(
        pattern=_MARKET,
        description="A market's symbol, or its address. A / in a symbol is written ~.",
        examples=["BTC"],
    ),
    AfterValidator(with_slashes),
]
AccountPath = Annotated[
    str, Path(pattern=_ACCOUNT, description="An account: any case, or with the right checksum.")
]
EpochPath = Annotated[int, Path(ge=1, le=LAST_EPOCH, description="The epoch's number, from 1.")]
EpochQuery = Annotated[
    int | None, Query(ge=1, le=LAST_EPOCH, description="The epoch; without it, the one that runs.")
]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows at most.")]
Page = Annotated[int, Query(ge=1, le=1_000_000, description="The page, from 1.")]

_WORDS = {
    400: "A parameter is malformed or out of range.",
    404: "There is no such market, or nothing of that kind in it.",
    429: "Too many requests: wait as long as Retry-After says.",
    500: "The server failed: try again later.",
    503: "There is nothing to answer from yet.",
}
_LIMIT_HEADERS = {
    "X-RateLimit-Limit": ("Requests in a minute.", "integer"),
    "X-RateLimit-Remaining": ("What is left of them.", "integer"),
    "X-RateLimit-Reset": ("The Unix second at which the minute ends.", "integer"),
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The responses of an endpoint that may fail like this, beside what any may."""
    headers = {
        name: {"description": words, "schema": {"type": kind}}
        for name, (words, kind) in _LIMIT_HEADERS.items()
    }
    retry = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    declared: dict[int | str, dict[str, Any]] = {200: {"headers": headers}}
    for status in sorted({*statuses, 429, 500, 503}):
        more = retry if status in (429, 503) else {}
        described = {"model": ErrorBody, "description": _WORDS[status], "headers": {**headers, **more}}
        declared[status] = described
    return declared
