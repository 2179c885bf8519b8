"""An index's database, for reading: whose it is, and one consistent view of it at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path

import orjson
from sqlalchemy import URL, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chain_kit.errors import StoreDeploymentError, StoreMissingError, StoreSchemaError
from indexer.decode import Decoder
from indexer.deployment import Deployment
from indexer.engine import check_file, database_url, make_engine, shown, sqlite_path, store_errors
from indexer.migrations import create_schema, is_newer, schema_version, upgrade_schema
from indexer.models import SCHEMA_VERSION, MetaRow, table_of

__all__ = ["Database", "open_database", "prepare_schema", "read_deployment", "require_same"]


class Database:
    """An index that can be asked. `deployment` is what it is an index of."""

    def __init__(self, url: URL, engine: AsyncEngine, deployment: Deployment) -> None:
        self.url = url
        self.deployment = deployment
        self._engine = engine

    @cached_property
    def decoder(self) -> Decoder:
        """Reads its logs."""
        return Decoder(self.deployment)

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
    database: str | Path, *, deployment: Deployment | None = None, pooled: bool = False
) -> AsyncIterator[Database]:
    """Opens an index for reading; with `deployment`, only one of just that deployment.

    `pooled` is for who asks for long: connections are kept for the next question.
    Raises StoreMissingError, StoreCorruptError, StoreSchemaError, StoreDeploymentError or another StoreError.
    """
    url = database_url(database)
    path = sqlite_path(url)
    if path is not None:
        check_file(path, create=False)
    engine = make_engine(url, writes=False, pooled=pooled)
    try:
        with store_errors(url):
            async with engine.connect() as connection, connection.begin():
                found = await read_deployment(connection, url)
        if deployment is not None:
            require_same(deployment, found, url)
        yield Database(url, engine, found)
    finally:
        await engine.dispose()


async def read_deployment(connection: AsyncConnection, url: URL) -> Deployment:
    """What the database is an index of. Raises StoreMissingError if it is empty, else StoreSchemaError."""
    version = await schema_version(connection)
    if version is None:
        raise StoreMissingError(f"the database {shown(url)} holds no index")
    _require_version(version, url)
    meta = table_of(MetaRow)
    text = await connection.scalar(select(meta.c.value).where(meta.c.name == "deployment"))
    try:
        return Deployment.from_json(text or "")
    except (KeyError, TypeError, ValueError):
        raise StoreSchemaError(f"the database {shown(url)} does not say what it is an index of") from None


async def prepare_schema(connection: AsyncConnection, url: URL, deployment: Deployment) -> bool:
    """Sees to it that a database, one without a table or one of an older version, has the newest schema.

    Returns whether it holds nothing yet, not even what it is an index of.

    Raises StoreSchemaError for one that is no index, or of a newer version, and StoreDeploymentError rather
    than to empty an older index of another deployment.
    """
    version = await schema_version(connection)
    if version is None:
        await create_schema(connection)
    elif version.isdecimal() and not is_newer(version) and version != SCHEMA_VERSION:
        await _require_same_hub(connection, url, deployment)
        await upgrade_schema(connection)
    else:
        _require_version(version, url)
    known = select(func.count()).select_from(table_of(MetaRow))
    return not await connection.scalar(known)


async def _require_same_hub(connection: AsyncConnection, url: URL, deployment: Deployment) -> None:
    """As `require_same`, of what deployments of all versions have."""
    meta = table_of(MetaRow)
    known = await connection.scalar(select(meta.c.value).where(meta.c.name == "deployment"))
    try:
        found = orjson.loads(known or "{}")
    except orjson.JSONDecodeError:
        found = {}
    for name in ("chain_id", "genesis_hash", "hub"):
        expected = getattr(deployment, name)
        if found.get(name) != expected:
            raise StoreDeploymentError(
                f"the database {shown(url)} is of another deployment: its {name} is {found.get(name)}, "
                f"not {expected}"
            )


def _require_version(version: str, url: URL) -> None:
    if version == SCHEMA_VERSION:
        return
    if not version:
        raise StoreSchemaError(f"the database {shown(url)} is not an index")
    hint = "use the chain-kit that made it, or a newer one" if is_newer(version) else (
        "`chain-kit index run` on it brings it up to date"
    )  # fmt: skip
    raise StoreSchemaError(f"the database {shown(url)} has schema {version}, not {SCHEMA_VERSION}", hint=hint)


def require_same(expected: Deployment, found: Deployment, url: URL) -> None:
    """Raises StoreDeploymentError unless the index is of `expected`."""
    if found == expected:
        return
    differing = next(name for name in expected.__dict__ if getattr(expected, name) != getattr(found, name))
    raise StoreDeploymentError(
        f"the database {shown(url)} is of another deployment: its {differing} is "
        f"{getattr(found, differing)}, not {getattr(expected, differing)}"
    )
