"""What every request passes first and every response last: limits, headers, HEAD, figures, and failures.

Plain ASGI, around the application: what it adds to a request is counted in microseconds.
"""

from __future__ import annotations

import logging
import re
import time
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.http.errors import envelope
from indexer.http.limits import Allowance, Clients, WindowLimit
from indexer.http.metrics import Metrics
from indexer.http.parameters import SLASH

__all__ = ["LIMITED_PREFIX", "Edge"]

LIMITED_PREFIX = "/api/"
"""What requests are counted of; probes and the page's own files are not."""
_POLICY = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"content-security-policy", _POLICY),
]
_CORS = [
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, X-Total-Count",
    ),
]
_PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
]
_SLASH = re.compile(b"%2f", re.IGNORECASE)
_log = logging.getLogger(__name__)


class Edge:
    """The outermost layer of the application."""

    def __init__(
        self, app: ASGIApp, *, clients: Clients, requests: WindowLimit | None, metrics: Metrics
    ) -> None:
        self._app = app
        self._clients = clients
        self._requests = requests
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; anything else passes."""
        raw: bytes = scope.get("raw_path", b"")
        if b"%2f" in raw.lower():
            scope["path"] = unquote(_SLASH.sub(SLASH, raw).decode("ascii"))
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        is_api = scope["path"].startswith(LIMITED_PREFIX)
        allowance = None
        if self._requests is not None:
            allowance = self._requests.take(self._clients.name(scope), int(is_api))
        response = _Response(send, _headers(allowance, is_api=is_api), is_head=scope["method"] == "HEAD")
        if allowance is not None and not allowance.allowed:
            self._metrics.limited.inc()
            message = f"more than {allowance.limit} requests in a minute"
            details = {"limit": allowance.limit, "reset": allowance.reset}
            await response.whole(429, envelope("RATE_LIMIT_EXCEEDED", message, details))
        elif scope["method"] == "OPTIONS" and _is_preflight(scope):
            await response.whole(204, b"", _PREFLIGHT)
        else:
            if response.is_head:
                scope = {**scope, "method": "GET"}
            await self._pass(scope, receive, response)
        self._metrics.answered(_route(scope), response.status, time.perf_counter() - began)

    async def _pass(self, scope: Scope, receive: Receive, response: _Response) -> None:
        try:
            await self._app(scope, receive, response)
        except Exception:
            # Whoever asked learns that it failed; the log says where.
            self._metrics.failures.inc()
            _log.exception("%s %s failed", scope["method"], scope["path"])
            if response.status:
                raise
            body = envelope("INTERNAL_SERVER_ERROR", "the request failed: try again later")
            await response.whole(500, body)


class _Response:
    """Sends on what the application sends, with our headers and, of HEAD, without the body."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]], *, is_head: bool) -> None:
        self._send = send
        self._headers = headers
        self.is_head = is_head
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            sent = message.get("headers", ())
            known = {name for name, _ in sent}
            message["headers"] = [*sent, *(header for header in self._headers if header[0] not in known)]
        elif self.is_head:
            message["body"] = b""
        await self._send(message)

    async def whole(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        """Answers with a document of our own."""
        sent: list[tuple[bytes, bytes]] = list(headers or ())
        if body:
            sent += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": status, "headers": sent})
        await self({"type": "http.response.body", "body": body})


def _headers(allowance: Allowance | None, *, is_api: bool) -> list[tuple[bytes, bytes]]:
    headers = [*_SECURITY, *_CORS]
    if is_api:
        headers.append((b"cache-control", b"no-store"))
    return headers if allowance is None else headers + allowance.headers()


def _is_preflight(scope: Scope) -> bool:
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])


def _route(scope: Scope) -> str:
    """The path as it is declared, so that nobody can make metrics without end."""
    route: Any = scope.get("route")
    return getattr(route, "path", None) or "other"
