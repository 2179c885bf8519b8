"""What the server measures of itself, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        kept = self.registry
        self.requests = Counter(
            "chain_kit_http_requests", "Requests answered.", ("route", "status"), registry=kept
        )
        self.seconds = Histogram(
            "chain_kit_http_seconds", "Time to answer a request.", ("route",), buckets=_SECONDS, registry=kept
        )
        self.limited = Counter("chain_kit_http_limited", "Requests refused by a rate limit.", registry=kept)
        self.failures = Counter("chain_kit_http_failures", "Requests that nobody foresaw.", registry=kept)
        self.readers = Gauge("chain_kit_stream_readers", "Open WebSocket connections.", registry=kept)
        self.messages = Counter("chain_kit_stream_messages", "Messages sent.", registry=kept)
        self.slow_readers = Counter(
            "chain_kit_stream_slow_readers", "Connections closed because nobody read them.", registry=kept
        )
        self.commits = Counter(
            "chain_kit_index_changes", "Changes of the index that were noticed.", registry=kept
        )
        self.block = Gauge("chain_kit_index_block", "The last block that is indexed.", registry=kept)
        self.ready = Gauge("chain_kit_index_ready", "1 if the index can be relied on.", registry=kept)
        self.level = Gauge(
            "chain_kit_index_level",
            "How far it is proven: 0 none, 1 linked, 2 complete, 3 reconciled.",
            registry=kept,
        )
        self.behind = Gauge("chain_kit_index_behind", "Blocks that the chain's head is ahead.", registry=kept)
        self.cache = Gauge(
            "chain_kit_answers_cached", "Answers from the cache, and not.", ("from",), registry=kept
        )

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Counts a request."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)
