"""What a client gets when it cannot have what it asked for: one envelope, and the documented codes.

{"success": false, "error": {"code": "MARKET_NOT_FOUND", "message": "…", "details": {…}}}
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from chain_kit.errors import (
    BadAddressError,
    BlockTooOldError,
    ChainKitError,
    FutureBlockError,
    StoreMissingError,
    UnknownMarketError,
    UsageError,
)

__all__ = ["ApiError", "Code", "ErrorBody", "add_handlers", "envelope", "error_response", "not_found"]

Code = Literal[
    "MARKET_NOT_FOUND",
    "NOT_FOUND",
    "INVALID_PARAMETER",
    "METHOD_NOT_ALLOWED",
    "RATE_LIMIT_EXCEEDED",
    "INTERNAL_SERVER_ERROR",
    "NOT_READY",
]
STATUS: Mapping[Code, int] = {
    "MARKET_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "INVALID_PARAMETER": 400,
    "METHOD_NOT_ALLOWED": 405,
    "RATE_LIMIT_EXCEEDED": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "NOT_READY": 503,
}
_SHOWN = 100
_log = logging.getLogger(__name__)


class ErrorDetail(BaseModel):
    """What failed: a code to act on, a sentence to read, and the values that made it fail."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    message: str
    details: dict[str, Any]


class ErrorBody(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(extra="forbid")

    success: Literal[False]
    error: ErrorDetail


class ApiError(Exception):
    """What an endpoint refuses."""

    def __init__(self, code: Code, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = dict(details or {})


def not_found(what: str, **details: Any) -> ApiError:
    """Something of a market that is not there."""
    return ApiError("NOT_FOUND", f"{what} not found", details)


def envelope(code: Code, message: str, details: Mapping[str, Any] | None = None) -> bytes:
    """The body of an error."""
    error = {"code": code, "message": message, "details": dict(details or {})}
    return orjson.dumps({"success": False, "error": error}, default=str)


def error_response(
    code: Code,
    message: str,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The whole answer of an error."""
    body = envelope(code, message, details)
    return Response(body, STATUS[code], dict(headers or {}), media_type="application/json")


def add_handlers(app: FastAPI) -> None:
    """Turns whatever an endpoint raises into the envelope; what nobody foresaw is the edge's."""
    app.add_exception_handler(ApiError, _refused)
    app.add_exception_handler(ChainKitError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_route)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error_response(error.code, error.message, error.details)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, ChainKitError)
    if isinstance(error, UnknownMarketError):
        symbol = request.path_params.get("symbol") or request.query_params.get("market", "")
        return error_response("MARKET_NOT_FOUND", f"Market {symbol!r} not found", {"symbol": symbol})
    if isinstance(error, UsageError):
        return error_response("INVALID_PARAMETER", error.message, _details(error))
    _log.error("%s %s: %s", request.method, request.url.path, error.message)
    if isinstance(error, StoreMissingError):
        return error_response("NOT_READY", "the index holds no block yet", headers={"retry-after": "1"})
    # Its message may name files and servers, which are nobody's business outside.
    return error_response("INTERNAL_SERVER_ERROR", "the index cannot be read")


def _details(error: UsageError) -> dict[str, Any]:
    """The values that an error is about."""
    if isinstance(error, BadAddressError):
        return {"address": error.value}
    if isinstance(error, FutureBlockError):
        return {"at_block": error.block, "head": error.head}
    if isinstance(error, BlockTooOldError):
        return {"at_block": error.block, "first": error.first}
    return {}


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = str(first["loc"][-1])
    value = first.get("input")
    details = {"parameter": name, "value": None if value is None else str(value)[:_SHOWN]}
    return error_response("INVALID_PARAMETER", f"{name}: {first['msg']}", details)


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == 405:
        headers = {"allow": "GET, HEAD, OPTIONS"}
        message = f"{request.method} is not allowed: this side only reads"
        return error_response("METHOD_NOT_ALLOWED", message, {"method": request.method}, headers)
    if error.status_code == 404:
        return error_response("NOT_FOUND", "there is nothing here", {"path": path})
    if error.status_code < 500:
        return error_response("INVALID_PARAMETER", str(error.detail), {"path": path})
    return error_response("INTERNAL_SERVER_ERROR", "the request failed", {"path": path})
