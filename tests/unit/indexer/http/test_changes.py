from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from chain_kit.errors import StoreDeploymentError, StoreError, StoreMissingError
from indexer.engine import database_url as url_of
from indexer.http.app import create_app
from indexer.http.changes import watch
from indexer.store import open_store
from tests.http_support.serving import API, asking, indexed_world, serving, until
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.postgres import PostgresServer, replica_of

PATIENCE = 20


async def test_a_commit_of_another_connection_is_noticed(database_url: str) -> None:
    """In each of the two databases; and what has been noticed is not told again."""
    async with (
        indexed_world(database_url, blocks=5) as (world, store),
        watch(url_of(database_url)) as changes,
        asyncio.timeout(PATIENCE),
    ):
        waiting = asyncio.create_task(changes.wait())
        await asyncio.wait([waiting], timeout=0.1)
        assert not waiting.done()
        world.run(1)
        await store.take(world.chain.forward(world.chain.tip.number))
        await waiting


async def test_a_question_sees_the_newest_block(database_url: str) -> None:
    """The cache forgets with each commit, also that of a reorg."""
    async with indexed_world(database_url, blocks=5) as (world, store), serving(database_url) as served:

        async def is_seen() -> bool:
            return await _block(served.http) == world.chain.tip.number

        for _ in range(3):
            world.run(1)
            await store.take(world.chain.forward(world.chain.tip.number))
            await until(is_seen)


async def _block(client: Any) -> int:
    answer = await client.get(f"{API}/markets")
    assert answer.status_code == 200
    block: int = answer.json()[0]["block"]
    return block


async def test_questions_between_changes_cost_no_query(tmp_path: Path) -> None:
    """However many ask."""
    async with indexed_world(tmp_path / "index.db", blocks=5), serving(tmp_path / "index.db") as served:
        service = served.app.state.service

        async def is_watched() -> bool:
            return bool(service.generation)

        await until(is_watched)
        await served.http.get(f"{API}/markets")
        before = service.cache.misses
        answers = await asyncio.gather(*(served.http.get(f"{API}/markets") for _ in range(50)))
        assert service.cache.misses == before
        assert len({answer.content for answer in answers}) == 1


async def test_a_server_that_comes_back_is_watched_again(postgres_server: PostgresServer) -> None:
    """Connections that are cut off are noticed, told by /readyz, and made anew."""
    import asyncpg  # type: ignore[import-untyped]  # it brings none

    database_url = postgres_server.new_database()
    plain = url_of(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    async with indexed_world(database_url, blocks=5):
        pass
    async with serving(database_url) as served:
        service = served.app.state.service

        async def is_watched() -> bool:
            return service.generation > 0 and not service.failure

        async def is_cut_off() -> bool:
            return bool(service.failure)

        await until(is_watched)
        admin = await asyncpg.connect(plain)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await admin.close()
        await until(is_cut_off)
        assert "not noticed" in (await served.http.get("/readyz")).text
        await until(is_watched)
        assert "not noticed" not in (await served.http.get("/readyz")).text
        assert await _block(served.http) == 8


async def test_a_replica_is_watched(postgres_server: PostgresServer) -> None:
    """It cannot be listened to: how far it has replayed is asked for. Answers follow the primary."""
    database_url = postgres_server.new_database()
    async with indexed_world(database_url, blocks=5) as (world, store):
        with replica_of(postgres_server) as replica:
            reading = database_url.replace(str(postgres_server.folder), str(replica.folder))
            async with serving(reading) as served:

                async def is_seen() -> bool:
                    return await _block(served.http) == world.chain.tip.number

                await until(is_seen)
                world.run(1)
                await store.take(world.chain.forward(world.chain.tip.number))
                await until(is_seen)


async def test_an_index_without_blocks_is_waited_for(tmp_path: Path) -> None:
    """NOT_READY until there is one, and then the answer."""
    path = tmp_path / "index.db"
    chain = FakeChain()
    chain.mine_empty(3)
    async with open_store(path, DEPLOYMENT) as store, serving(path) as served:
        answer = await served.http.get("/api/v1/prop/reserve")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "NOT_READY")
        assert answer.headers["retry-after"] == "1"
        await store.take(chain.forward(DEPLOYMENT.first_block))

        async def is_answered() -> bool:
            return (await served.http.get("/api/v1/prop/reserve")).status_code == 200

        await until(is_answered)


async def test_a_database_that_cannot_be_served(tmp_path: Path) -> None:
    """Missing, or of another deployment: the error comes before any request."""
    from dataclasses import replace

    with pytest.raises(StoreMissingError):
        async with asking(tmp_path / "missing.db"):
            pass
    other = replace(DEPLOYMENT, chain_id=1)
    async with open_store(tmp_path / "index.db", DEPLOYMENT):
        with pytest.raises(StoreDeploymentError, match="chain_id"):
            async with asking(tmp_path / "index.db", deployment=other):
                pass
    with pytest.raises(StoreError, match="no connection"):
        async with asking("postgresql://127.0.0.1:1/nobody"):
            pass


def test_making_the_application_touches_nothing(tmp_path: Path) -> None:
    """It opens the database when it is started."""
    create_app(str(tmp_path / "missing.db"))
    assert list(tmp_path.iterdir()) == []
