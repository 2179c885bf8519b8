"""The nodes that are asked, how each does, and which of them is asked next.

The first is asked until it fails, then the next. One that told what cannot be is left for a while, longer
each time; so is one that asks for it (Retry-After). One of another chain is looked at again much later; one
that is behind the others, or on a fork that most are not on, is not asked until that has passed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from chain_kit.errors import RpcError
from chain_kit.jsonrpc import Call, RpcClient
from chain_kit.websocket_rpc import WebSocketRpc

__all__ = ["Endpoint", "Endpoints", "NoEndpointError"]

_REST_SECONDS = 5.0
_MOST_REST_SECONDS = 600.0
_SMOOTHING = 0.2


class NoEndpointError(RpcError, hint="it goes on by itself; name more endpoints with --rpc-url"):
    """None of the endpoints can be asked now; the message says why of each."""


@dataclass(eq=False)
class Endpoint:
    """A node and how it does. `name` is its URL without credentials."""

    client: RpcClient
    name: str
    requests: int = 0
    """Sent; a batch is one."""
    calls: Counter[str] = field(default_factory=Counter)
    """By method."""
    errors: int = 0
    latency_seconds: float = 0.0
    """Smoothed."""
    head: int = -1
    head_hash: str = ""
    checked: bool = False
    """Whether it was seen to serve the right chain."""
    excluded: str = ""
    """Why it is not asked: it serves another chain."""
    waits: str = ""
    """Why it is not asked until a survey finds otherwise."""
    rests_until: float = 0.0
    rests_for: str = ""
    offences: int = 0
    strikes: int = 0
    """How many surveys in a row found it on another fork."""
    unasked_until: float = 0.0
    """No survey asks it before: it did not answer the last one."""

    def asked(self, calls: Iterable[Call]) -> None:
        """Counts a request."""
        self.requests += 1
        self.calls.update(method for method, _ in calls)

    def answered(self, seconds: float) -> None:
        """Counts its answer."""
        old = self.latency_seconds or seconds
        self.latency_seconds = old + _SMOOTHING * (seconds - old)

    def why_not(self, now: float) -> str:
        """Why it is not asked now; empty if it is."""
        return self.excluded or self.waits or (self.rests_for if self.rests_until > now else "")


class Endpoints:
    """All of them, in the order of preference. `on_notice` hears when one is left or comes back."""

    def __init__(
        self,
        clients: Sequence[RpcClient],
        *,
        rest_seconds: float = _REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        on_notice: Callable[[str], None] | None = None,
    ) -> None:
        if not clients:
            raise ValueError("at least one endpoint is needed")
        self.all: list[Endpoint] = []
        for client in clients:
            same = sum(other.client.public_url == client.public_url for other in self.all)
            name = f"{client.public_url} ({same + 1})" if same else client.public_url
            self.all.append(Endpoint(client, name))
        self._current = 0
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._on_notice = on_notice

    def choose(self) -> Endpoint:
        """The one to ask. Raises NoEndpointError."""
        now = self._clock()
        for step in range(len(self.all)):
            place = (self._current + step) % len(self.all)
            if not self.all[place].why_not(now):
                self._current = place
                return self.all[place]
        reasons = "; ".join(f"{one.name}: {one.why_not(now)}" for one in self.all)
        raise NoEndpointError(f"no endpoint can be asked now ({reasons})")

    def usable(self) -> list[Endpoint]:
        """Those that may be asked now, in order."""
        now = self._clock()
        return [one for one in self.all if not one.why_not(now)]

    def pushing(self) -> Endpoint | None:
        """The first that can push new blocks."""
        return next((one for one in self.all if isinstance(one.client, WebSocketRpc)), None)

    def prefer(self, endpoint: Endpoint) -> None:
        """Asks that one first from now on."""
        self._current = self.all.index(endpoint)

    def move_on(self, endpoint: Endpoint) -> bool:
        """Asks another next, since this one has failed; False if there is no other."""
        if self.all[self._current] is endpoint:
            self._current = (self._current + 1) % len(self.all)
        return any(one is not endpoint for one in self.usable())

    def rest(self, endpoint: Endpoint, seconds: float, why: str) -> None:
        """Does not ask that one for so long."""
        endpoint.rests_until = max(endpoint.rests_until, self._clock() + seconds)
        endpoint.rests_for = why

    def distrust(self, name: str, why: str) -> None:
        """Leaves the endpoint called `name` for a while, longer each time. Another name does nothing."""
        for endpoint in self.all:
            if endpoint.name == name:
                if self._clock() - endpoint.rests_until > _MOST_REST_SECONDS:
                    endpoint.offences = 0
                seconds = min(self._rest_seconds * 2**endpoint.offences, _MOST_REST_SECONDS)
                endpoint.offences += 1
                self.rest(endpoint, seconds, why)
                self.notice(f"{name} is left for {seconds:g} s: {why}")

    def pass_over(self, name: str) -> None:
        """Asks another than the endpoint called `name` first from now on, if that is asked first now."""
        if self.all[self._current].name == name:
            self.move_on(self.all[self._current])

    def exclude(self, endpoint: Endpoint, why: str) -> None:
        """Does not ask that one until a survey, long after, finds that it serves the right chain."""
        if why != endpoint.excluded:
            self.notice(f"{endpoint.name} is left: {why}")
        endpoint.excluded = why
        endpoint.checked = False
        self.rest(endpoint, _MOST_REST_SECONDS, why)

    def readmit(self, endpoint: Endpoint) -> None:
        """It serves the right chain, after all."""
        if endpoint.excluded:
            endpoint.excluded = ""
            self.notice(f"{endpoint.name} is asked again")

    def hold(self, endpoint: Endpoint, why: str) -> None:
        """Does not ask that one until this is called with no reason."""
        if bool(why) != bool(endpoint.waits):
            self.notice(f"{endpoint.name} is left: {why}" if why else f"{endpoint.name} is asked again")
        endpoint.waits = why

    def notice(self, text: str) -> None:
        """Tells whoever listens."""
        if self._on_notice is not None:
            self._on_notice(text)
