"""The application: every endpoint, on one index."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from chain_kit import __version__
from indexer.deployment import Deployment
from indexer.http import accounts, assets, errors, health, perpetual, prop, socket
from indexer.http.edge import Edge
from indexer.http.limits import Clients, Limits, WindowLimit
from indexer.http.metrics import Metrics
from indexer.http.openapi import describe
from indexer.http.page import page_routes
from indexer.http.service import Service
from indexer.http.streams import STATUS_SECONDS, Hub

__all__ = ["create_app"]

DESCRIPTION = """Short-epoch prediction markets, read out of an index of their contracts.

Every answer says of which block it is, and how far all blocks up to it are proven. Amounts and prices are
exact decimal strings, times ISO 8601 in UTC. Live updates come over WebSocket, a connection for each market:
`/api/v1/perpetual/ws/{symbol}`."""


def create_app(
    database_url: str,
    *,
    deployment: Deployment | None = None,
    trusted_proxies: Iterable[str] = (),
    limits: Limits | None = None,
    status_seconds: float = STATUS_SECONDS,
) -> FastAPI:
    """The application on the index at `database_url` (a path, or a URL).

    With `deployment` it takes only an index of just that. Clients are told apart by their address; proxies in
    `trusted_proxies` (addresses or networks) are believed when they say for whom they ask. Readers of a
    stream get a status every `status_seconds`. Raises SettingError for a proxy that is no address; starting
    the application raises a StoreError for a database that cannot be asked.
    """
    metrics, clients = Metrics(), Clients(trusted_proxies)
    limits = limits or Limits()
    service = Service(database_url, deployment=deployment, clients=clients, limits=limits, metrics=metrics)
    hub = Hub(service, status_seconds=status_seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.run(), hub.run():
            yield

    requests = None if limits.requests_per_minute is None else WindowLimit(limits.requests_per_minute)
    app = FastAPI(
        title="chain-kit",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[Middleware(Edge, clients=clients, requests=requests, metrics=metrics)],
    )
    app.state.service, app.state.hub = service, hub
    for part in (assets, perpetual, accounts, prop, health, socket):
        app.include_router(part.router)
    app.router.routes.extend(page_routes())
    errors.add_handlers(app)
    describe(app)
    return app
