from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from chain_kit.errors import StoreDeploymentError, StoreSchemaError
from indexer.engine import database_url as url_of
from indexer.engine import make_engine
from indexer.migrations import _config
from indexer.models import SCHEMA_VERSION, metadata
from indexer.queries import open_database, reserve
from indexer.store import open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain, address_of
from tests.index_support.world import World


def _make_version_2(connection: Connection) -> None:
    """An index as version 2 left it: its tables, unstamped, with what it is of and a block."""
    command.upgrade(_config(connection), "2")
    connection.execute(text("DROP TABLE alembic_version"))
    known = {name: getattr(DEPLOYMENT, name) for name in ("chain_id", "genesis_hash", "hub")}
    facts = {"schema_version": "2", "deployment": orjson.dumps(known).decode()}
    entry = text("INSERT INTO meta (name, value) VALUES (:name, :value)")
    connection.execute(entry, [{"name": name, "value": value} for name, value in facts.items()])
    connection.execute(text("INSERT INTO block VALUES (3, '0x01', '0x00', 1)"))


@pytest.fixture
async def old(database_url: str) -> str:
    """A database of version 2."""
    engine = make_engine(url_of(database_url), writes=True)
    async with engine.begin() as connection:
        await connection.run_sync(_make_version_2)
    await engine.dispose()
    return database_url


def _shape(connection: Connection) -> dict[str, Any]:
    """Tables, columns, keys and indexes, as the database itself tells them."""
    found, statements = inspect(connection), []
    if connection.dialect.name == "sqlite":
        made = connection.scalars(text("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql <> ''"))
        statements = sorted(" ".join(statement.split()) for statement in made)
    return {"indexes": statements} | {
        table: (
            sorted((c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)),
            found.get_pk_constraint(table)["constrained_columns"],
            sorted((str(i["name"]), tuple(i["column_names"])) for i in found.get_indexes(table)),
            sorted(tuple(u["column_names"]) for u in found.get_unique_constraints(table)),
        )
        for table in found.get_table_names()
    }


# SQLAlchemy cannot read an index of SQLite's over an expression: its statement is compared instead.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
async def test_a_new_database_and_a_migrated_one_are_the_same(database_url: str, tmp_path: Path) -> None:
    """The models and the revisions say the same of every table, column, key and index."""
    other = str(tmp_path / "migrated.db") if "://" not in database_url else None
    engine = make_engine(url_of(database_url), writes=True)
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
        migrated = await connection.run_sync(_shape)
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
        for table in migrated.keys() - {"indexes"}:
            await connection.execute(text(f"DROP TABLE {table}"))
    await engine.dispose()
    assert differences == []
    async with open_store(other or database_url, DEPLOYMENT) as store, store.snapshot() as connection:
        assert await connection.run_sync(_shape) == migrated


def test_the_newest_revision_is_the_version_that_the_models_name() -> None:
    """There is one head, and a stamp says which schema a database has."""

    class Nothing:
        """No connection is needed to read the revisions."""

    scripts = ScriptDirectory.from_config(_config(Nothing()))  # type: ignore[arg-type]

    assert scripts.get_heads() == [SCHEMA_VERSION]


async def test_an_older_index_is_brought_up_to_date_by_its_writer(old: str) -> None:
    """It is empty then, and filled again; a reader before that is told what to do."""
    with pytest.raises(StoreSchemaError, match="schema 2") as caught:
        async with open_database(old):
            pass
    assert "index run" in caught.value.hint

    chain = FakeChain()
    world = World(chain, seed=2)
    world.run(20)
    async with open_store(old, DEPLOYMENT) as store:
        assert await store.tip() is None
        await store.take(chain.forward(DEPLOYMENT.first_block))
    async with open_database(old, deployment=DEPLOYMENT) as index:
        assert (await reserve(index))["block_hash"] == chain.tip.hash


async def test_an_older_index_of_another_deployment_is_left_alone(old: str) -> None:
    """It would be emptied: the mistake is named instead, and nothing is changed."""
    with pytest.raises(StoreDeploymentError, match="its hub is"):
        async with open_store(old, replace(DEPLOYMENT, hub=address_of("another hub"))):
            pass
    engine = make_engine(url_of(old), writes=False)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM block")) == 1
    await engine.dispose()
