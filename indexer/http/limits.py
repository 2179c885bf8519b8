"""How often one client may ask: requests, connections and messages.

A client is an IPv4 address, or the /64 network of an IPv6 one: whoever has one address there has all of them.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple

from chain_kit.errors import SettingError

__all__ = ["OFF", "Allowance", "Clients", "ConnectionLimit", "Limits", "WindowLimit"]

WINDOW_SECONDS = 60
_CLIENTS_MOST = 100_000
"""Of more, those that asked the longest ago are forgotten."""


@dataclass(frozen=True)
class Limits:
    """What one client may do; None is without limit."""

    requests_per_minute: int | None = 100
    connections: int | None = 10
    """WebSocket connections at one time."""
    messages_per_minute: int | None = 60
    """On one WebSocket connection."""


OFF = Limits(None, None, None)
"""No limits: for a load test, or behind a proxy that has its own."""


class Allowance(NamedTuple):
    """What is left to a client. `reset` is the Unix second at which its window ends."""

    allowed: bool
    limit: int
    remaining: int
    reset: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The X-RateLimit headers, and Retry-After where nothing is left."""
        named = [
            (b"x-ratelimit-limit", str(self.limit).encode()),
            (b"x-ratelimit-remaining", str(self.remaining).encode()),
            (b"x-ratelimit-reset", str(self.reset).encode()),
        ]
        if not self.allowed:
            named.append((b"retry-after", str(max(1, self.reset - int(time.time()))).encode()))
        return named


class _Window:
    """A client's minute: when it ends, and how much of it is used."""

    __slots__ = ("reset", "used")

    def __init__(self, reset: int) -> None:
        self.reset = reset
        self.used = 0


class WindowLimit:
    """So many in each minute, which begins with a client's first."""

    def __init__(self, most: int, now: Callable[[], float] = time.time) -> None:
        self.most = most
        self._now = now
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def take(self, client: str, count: int = 1) -> Allowance:
        """Uses up `count` of what a client has left, none if it has not as many; 0 only looks."""
        now = self._now()
        window = self._windows.get(client)
        if window is None or window.reset <= now:
            window = _Window(int(now) + WINDOW_SECONDS)
            self._windows[client] = window
            if len(self._windows) > _CLIENTS_MOST:
                self._windows.popitem(last=False)
            self._windows.move_to_end(client)
        allowed = window.used + count <= self.most
        if allowed:
            window.used += count
        return Allowance(allowed, self.most, self.most - window.used, window.reset)


class ConnectionLimit:
    """So many at one time."""

    def __init__(self, most: int | None) -> None:
        self.most = most
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, client: str) -> Iterator[bool]:
        """Counts a connection while the body runs; tells whether the client may have it."""
        if self.most is not None and self._open[client] >= self.most:
            yield False
            return
        self._open[client] += 1
        try:
            yield True
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]


class Clients:
    """Tells clients apart. Only proxies that are trusted are believed when they say for whom they ask."""

    def __init__(self, trusted_proxies: Iterable[str] = ()) -> None:
        self._trusted: list[IPv4Network | IPv6Network] = []
        for text in trusted_proxies:
            try:
                self._trusted.append(ip_network(text, strict=False))
            except ValueError:
                raise SettingError(f"{text!r} is not an address or network of a proxy") from None

    def name(self, scope: Mapping[str, Any]) -> str:
        """The client of an ASGI request."""
        peer = scope.get("client")
        address: str = peer[0] if peer else ""
        if self._trusted and self._is_trusted(address):
            address = self._behind(scope, address)
        return _network(address)

    def _behind(self, scope: Mapping[str, Any], address: str) -> str:
        """The last address that no trusted proxy has: what stands before it may be made up."""
        said = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        for one in reversed([part.strip() for part in said.decode("latin-1").split(",") if part.strip()]):
            if not _is_address(one):
                break
            address = one
            if not self._is_trusted(one):
                break
        return address

    def _is_trusted(self, address: str) -> bool:
        if not _is_address(address):
            return False
        parsed = ip_address(address)
        return any(parsed in network for network in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _network(address: str) -> str:
    if ":" not in address or not _is_address(address):
        return address
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False))
