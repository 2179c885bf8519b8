"""What the endpoints share: the database, the answers out of it, the chain's clock, the limits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Response
from pydantic import TypeAdapter
from starlette.requests import HTTPConnection

from chain_kit.errors import ChainKitError, StoreMissingError
from indexer.answering.moments import moment
from indexer.database import Database, open_database
from indexer.deployment import Deployment
from indexer.http.cache import AnswerCache
from indexer.http.changes import watch
from indexer.http.clock import ChainClock
from indexer.http.limits import Clients, ConnectionLimit, Limits
from indexer.http.metrics import Metrics

__all__ = ["Asked", "Service"]

RETRY_SECONDS = 1.0
PAUSE_SECONDS = 0.2
"""Between two changes that are told: a chain that is being caught up with must not make all answers anew for
each of its ranges. One that comes after a while is told at once.
"""
T = TypeVar("T")
Ask = Callable[[Database], Awaitable[T]]
_log = logging.getLogger(__name__)


class Service:
    """One server's. `run` opens the database and watches it."""

    def __init__(
        self,
        database_url: str,
        *,
        deployment: Deployment | None = None,
        clients: Clients,
        limits: Limits,
        metrics: Metrics,
    ) -> None:
        self.database_url = database_url
        self.clients = clients
        self.limits = limits
        self.connections = ConnectionLimit(limits.connections)
        self.metrics = metrics
        self.clock = ChainClock()
        self.cache = AnswerCache()
        self.pause_seconds = PAUSE_SECONDS
        self.failure = ""
        """Why the database cannot be watched just now; empty while it can."""
        self._deployment = deployment
        self._database: Database | None = None
        self._changed = asyncio.Event()
        self.generation = 0
        """How often the database has been seen to change."""

    @property
    def database(self) -> Database:
        """The index, while the service runs."""
        assert self._database is not None, "the application has not been started"
        return self._database

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Answers while the body runs. Raises a StoreError for a database that cannot be asked."""
        async with open_database(self.database_url, deployment=self._deployment, pooled=True) as database:
            self._database = database
            await self._look()
            watching = asyncio.create_task(self._watch())
            try:
                yield
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)

    async def after(self, generation: int) -> int:
        """Returns the generation when it is no longer this one."""
        while self.generation == generation:
            await self._changed.wait()
        return self.generation

    async def ask(self, key: Hashable, question: Ask[T]) -> T:
        """The answer to a question, computed once for each state of the database."""
        return await self.cache.get(key, lambda: question(self.database))

    async def respond(
        self,
        key: Hashable,
        body: TypeAdapter[Any],
        question: Ask[Any],
        headers: Callable[[Any], Mapping[str, str]] | None = None,
    ) -> Response:
        """The same as the whole response, checked against its declared body and encoded once."""

        async def encode(database: Database) -> tuple[bytes, Mapping[str, str]]:
            answer = await question(database)
            document = body.dump_json(body.validate_python(answer))
            return document, headers(answer) if headers else {}

        document, named = await self.ask(("response", key), encode)
        return Response(document, headers=dict(named), media_type="application/json")

    async def _watch(self) -> None:
        while True:
            try:
                async with watch(self.database.url) as changes:
                    while True:
                        await self._look()
                        self.failure = ""
                        self._announce()
                        await asyncio.gather(changes.wait(), asyncio.sleep(self.pause_seconds))
            except ChainKitError as error:
                if error.message != self.failure:
                    _log.error("the index is not watched: %s", error.message)
                self.failure = error.message
                self.cache.forget()
            await asyncio.sleep(RETRY_SECONDS)

    async def _look(self) -> None:
        try:
            async with moment(self.database) as (_, block, _):
                self.clock.see(block)
        except StoreMissingError:
            return  # no block yet
        self.metrics.block.set(block.number)

    def _announce(self) -> None:
        self.cache.forget()
        self.metrics.commits.inc()
        self.generation += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


async def _service(connection: HTTPConnection) -> Service:
    service: Service = connection.app.state.service
    return service


Asked = Annotated[Service, Depends(_service)]
"""The service, as an endpoint's parameter."""
