"""An index's database, for reading: whose it is, and one consistent view of it at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chain_kit.errors import StoreDeploymentError, StoreMissingError, StoreSchemaError
from indexer.deployment import Deployment
from indexer.engine import check_file, database_url, make_engine, shown, sqlite_path, store_errors
from indexer.models import SCHEMA_VERSION, MetaRow, metadata, table_of

__all__ = ["Database", "open_database"]


class Database:
    """An index that can be asked. `deployment` is what it is an index of."""

    def __init__(self, url: URL, engine: AsyncEngine, deployment: Deployment) -> None:
        self.url = url
        self.deployment = deployment
        self._engine = engine

    @property
    def name(self) -> str:
        """Its path, or its URL without the password."""
        return shown(self.url)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which everything read is of one moment."""
        with store_errors(self.url):
            async with self._engine.connect() as connection, connection.begin():
                yield connection

    async def close(self) -> None:
        """Gives its connections back."""
        await self._engine.dispose()


@asynccontextmanager
async def open_database(
    database: str | Path, *, deployment: Deployment | None = None
) -> AsyncIterator[Database]:
    """Opens an index for reading; with `deployment`, only one of just that deployment.

    Raises StoreMissingError, StoreCorruptError, StoreSchemaError, StoreDeploymentError or another StoreError.
    """
    url = database_url(database)
    path = sqlite_path(url)
    if path is not None:
        check_file(path, create=False)
    engine = make_engine(url, writes=False)
    try:
        with store_errors(url):
            async with engine.connect() as connection, connection.begin():
                found = await read_deployment(connection, url)
        if found is None:
            raise StoreMissingError(f"the database {shown(url)} holds no index")
        if deployment is not None:
            require_same(deployment, found, url)
        yield Database(url, engine, found)
    finally:
        await engine.dispose()


async def read_deployment(connection: AsyncConnection, url: URL) -> Deployment | None:
    """What the database is an index of; None if it is empty. Raises StoreSchemaError for anything else."""
    existing = set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
    if not existing:
        return None
    if not existing.issuperset(metadata.tables):
        raise StoreSchemaError(f"the database {shown(url)} is not an index of this version")
    meta = table_of(MetaRow)
    rows = await connection.execute(select(meta.c.name, meta.c.value))
    values = {row.name: row.value for row in rows}
    version = values.get("schema_version")
    if version != SCHEMA_VERSION:
        raise StoreSchemaError(f"the database {shown(url)} has schema {version}, not {SCHEMA_VERSION}")
    try:
        return Deployment.from_json(values["deployment"])
    except (KeyError, TypeError, ValueError):
        raise StoreSchemaError(f"the database {shown(url)} does not say what it is an index of") from None


def require_same(expected: Deployment, found: Deployment, url: URL) -> None:
    """Raises StoreDeploymentError unless the index is of `expected`."""
    if found == expected:
        return
    differing = next(name for name in expected.__dict__ if getattr(expected, name) != getattr(found, name))
    raise StoreDeploymentError(
        f"the database {shown(url)} is of another deployment: its {differing} is "
        f"{getattr(found, differing)}, not {getattr(expected, differing)}"
    )
