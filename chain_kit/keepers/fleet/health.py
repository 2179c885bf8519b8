"""What a keeper process says of itself: figures for Prometheus, whether it lives, and whether it is ready."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson
import uvicorn
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from chain_kit.errors import ChainKitError, PortInUseError, SettingError

if TYPE_CHECKING:
    from chain_kit.guard.figures import Figures

__all__ = ["HealthServer", "KeeperMetrics"]

_LOG = logging.getLogger(__name__)
_STOP_SECONDS = 2
Ready = Callable[[], Sequence[str]]
Refresh = Callable[[], Awaitable[None]]


class KeeperMetrics:
    """The figures of one keeper process, in a registry of their own.

    Prometheus knows floats only: amounts of wei lose their last digits here, and here alone. What the outbox
    knows is a gauge even where it counts, since a reorg takes some of it back.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"chain_kit_{name}", text, labels, registry=self.registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"chain_kit_{name}", text, labels, registry=self.registry)

        self._intents = gauge("intents", "Rows of the outbox.", "action", "state")
        self._transactions = gauge("transactions", "Transactions signed, as the outbox has them.", "kind")
        self._in_flight = gauge("in_flight", "Rows that nothing is decided about yet.")
        self._nonce = gauge("next_nonce", "The nonce after the highest that was signed for.")
        self._spent = gauge("fees_spent_wei", "What transactions in blocks have cost, the L1 fee included.")
        self._left = gauge(
            "budget_left_wei", "What is left of a budget; none where there is no limit.", "window"
        )
        self._halted = gauge("action_halted", "1 if the action is halted.", "action")
        self._verified = gauge(
            "last_verified_timestamp_seconds", "When an effect was last seen on chain.", "action"
        )
        self._effects = counter("effects_verified", "Effects seen on chain by this process.", "action")
        self._pings = counter("dead_man_pings", "Pings after effects.", "action", "arrived")
        self._lease = gauge("lease_held", "1 if this process may send.")
        self._head = gauge("head_timestamp_seconds", "The timestamp of the newest block seen.")
        self._age = gauge("head_age_seconds", "How old that block is by this machine's clock.")
        self._balance = gauge("balance_wei", "What the signer holds.")
        self._failures = counter("round_failures", "Rounds that ended with an error.", "keeper")

    def verified(self, action: str, timestamp: int, *, now: bool = True) -> None:
        """An effect was seen at `timestamp` (UNIX seconds); not `now`: before this process began."""
        self._verified.labels(action).set(timestamp)
        if now:
            self._effects.labels(action).inc()

    def pinged(self, action: str, arrived: bool) -> None:  # noqa: FBT001  DeadMan.on_ping's form
        """A dead man's ping was sent."""
        self._pings.labels(action, "yes" if arrived else "no").inc()

    def worked(self, figures: Figures) -> None:
        """What the outbox says."""
        self._intents.clear()
        for (action, state), count in figures.intents.items():
            self._intents.labels(action, state).set(count)
        for kind, count in (
            ("first", figures.sent),
            ("replacement", figures.replaced),
            ("cancellation", figures.cancelled),
        ):
            self._transactions.labels(kind).set(count)
        self._in_flight.set(figures.in_flight)
        self._nonce.set(figures.next_nonce or 0)

    def spent(self, spent_wei: int, left_wei: Mapping[str, int | None]) -> None:
        """What gas has cost, and what is left of each budget."""
        self._spent.set(spent_wei)
        for window, wei in left_wei.items():
            if wei is not None:
                self._left.labels(window).set(wei)

    def halted(self, actions: Iterable[str]) -> None:
        """Which actions are halted; the others of which anything is known are not."""
        halted = set(actions)
        known = {labels["action"] for labels in self._labels(self._intents)} | {
            labels["action"] for labels in self._labels(self._halted)
        }
        for action in known | halted:
            self._halted.labels(action).set(action in halted)

    def lease(self, *, held: bool) -> None:
        """Whether this process has the signer's lease."""
        self._lease.set(held)

    def chain(self, head_timestamp: int, balance_wei: int) -> None:
        """What the chain says: its newest block's timestamp, and the signer's balance."""
        self._head.set(head_timestamp)
        self._age.set_function(lambda: time.time() - head_timestamp)
        self._balance.set(balance_wei)

    def failed(self, keeper: str) -> None:
        """A keeper's round ended with an error."""
        self._failures.labels(keeper).inc()

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)

    @staticmethod
    def _labels(gauge: Gauge) -> list[dict[str, str]]:
        return [sample.labels for metric in gauge.collect() for sample in metric.samples]


class HealthServer:
    """Answers /metrics, /healthz and /readyz on a port of its own, in the keepers' loop.

    /healthz answers as long as the loop turns. /readyz gives {"ready": …, "reasons": […]}, with status 503
    if `ready` gives reasons. `refresh` is awaited before figures are given. Port 0 takes a free one: `url`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        metrics: KeeperMetrics | None = None,
        ready: Ready = lambda: (),
        *,
        refresh: Refresh | None = None,
    ) -> None:
        self.metrics = metrics or KeeperMetrics()
        self.url = ""
        self._place = host, port
        self._ready = ready
        self._refresh = refresh
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> HealthServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Begins to answer. Raises PortInUseError or SettingError."""
        listening = _listen(*self._place)
        host, port = listening.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._server = _Server(_config(self._answer))
        self._serving = asyncio.create_task(self._server.serve([listening]))
        started = asyncio.create_task(self._server.answers.wait())
        await asyncio.wait({self._serving, started}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if self._serving.done():
            await self._serving

    async def aclose(self) -> None:
        """Answers what was asked, and ends; calling it twice is fine."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving

    # ------------------------------------------------------------------ inside

    async def _answer(self, scope: Mapping[str, Any], _receive: Any, send: Any) -> None:
        status, kind, body = await self._page(scope["method"], scope["path"])
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})

    async def _page(self, method: str, path: str) -> tuple[int, str, bytes]:
        if path not in ("/metrics", "/healthz", "/readyz"):
            return _json(404, {"error": "there is /metrics, /healthz and /readyz"})
        if method not in ("GET", "HEAD"):
            return _json(405, {"error": "GET it"})
        if path == "/healthz":
            return _json(200, {"status": "ok"})
        if path == "/readyz":
            reasons = list(self._ready())
            return _json(503 if reasons else 200, {"ready": not reasons, "reasons": reasons})
        if self._refresh is not None:
            try:
                await self._refresh()
            except ChainKitError as error:
                # Older figures are better than none: their own ages show it.
                _LOG.warning("the figures are not fresh: %s", error.message)
        return 200, CONTENT_TYPE_LATEST, self.metrics.text()


class _Server(uvicorn.Server):
    """Without signals: whoever runs it has its own way to stop it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are not ours."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer, and says so."""
        await super().startup(sockets)
        self.answers.set()


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def _json(status: int, document: object) -> tuple[int, str, bytes]:
    return status, "application/json", orjson.dumps(document)


def _listen(host: str, port: int) -> socket.socket:
    try:
        if not 0 <= port < 65_536:
            raise _unusable(host, port, "no such port")
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(port) from None
        raise _unusable(host, port, error.strerror or "it cannot be used") from None
    except UnicodeError:
        raise _unusable(host, port, "not a host name") from None
    listening.setblocking(False)  # noqa: FBT003  its only parameter
    return listening


def _unusable(host: str, port: int, reason: str) -> SettingError:
    return SettingError(
        f"{host} port {port} cannot be listened on: {reason}",
        hint="127.0.0.1 is this machine alone, 0.0.0.0 every network that it is in",
    )
