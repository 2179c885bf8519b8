"""The schema's versions, and how an older database is brought to the newest.

Each version is a revision of alembic, in `versions`, named by its number. A new database is made from the
models at once and stamped; one of an older version goes through the revisions after its own, in the caller's
transaction. Everything in an index follows from the chain, so a revision may empty it: the next run fills it.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.models import SCHEMA_VERSION, metadata

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["create_schema", "is_newer", "schema_version", "upgrade_schema"]

_UNSTAMPED = "2"
"""The last version that alembic did not keep."""
_STAMPED = "SELECT version_num FROM alembic_version"
_UNNUMBERED = "SELECT value FROM meta WHERE name = 'schema_version'"


async def schema_version(connection: AsyncConnection) -> str | None:
    """The schema that a database has: "" if it is none of ours, None if it has no table at all."""
    return await connection.run_sync(_version_of)


def is_newer(version: str) -> bool:
    """Whether a schema is of a later release than this code's."""
    return version.isdecimal() and int(version) > int(SCHEMA_VERSION)


async def create_schema(connection: AsyncConnection) -> None:
    """Every table, in a database that has none."""
    await connection.run_sync(metadata.create_all)
    await connection.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
            "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    await connection.execute(
        text("INSERT INTO alembic_version (version_num) VALUES (:version)"), {"version": SCHEMA_VERSION}
    )


async def upgrade_schema(connection: AsyncConnection) -> None:
    """Brings a database of an older version to the newest."""
    await connection.run_sync(_upgrade)


def _version_of(connection: Connection) -> str | None:
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    if "alembic_version" in tables:
        return str(connection.scalar(text(_STAMPED)) or "")
    if {"meta", "cursor"} <= tables:
        return str(connection.scalar(text(_UNNUMBERED)) or "")
    return ""


def _upgrade(connection: Connection) -> None:
    # It takes longer to import than most questions to answer.
    from alembic import command

    config = _config(connection)
    if "alembic_version" not in inspect(connection).get_table_names():
        command.stamp(config, _UNSTAMPED)
    command.upgrade(config, "head")


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files("indexer").joinpath("migrations")))
    config.attributes["connection"] = connection
    return config
