from __future__ import annotations

from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from indexer.models import TroubleRow, table_of
from indexer.proof import ranges
from indexer.proof.levels import Level
from indexer.store import Store
from tests.http_support.serving import API, asking, indexed_world, until
from tests.unit.indexer.http.conftest import Indexed


async def _write(store: Store, *, trouble: bool, level: Level | None = None) -> None:
    async with store._writes.begin() as connection:
        if level is not None:
            await ranges.set_level(connection, 3, 1_000, level)
        if trouble:
            row = {"kind": "difference", "since": 1, "block": 7, "what": "a balance differs"}
            await connection.execute(insert(table_of(TroubleRow)), [row])


async def test_the_server_is_alive(client: httpx.AsyncClient) -> None:
    """That says nothing of the index."""
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_an_index_in_doubt_is_not_ready(tmp_path: Path) -> None:
    """A difference: 503 with its reason, every answer says that it is not verified, all of it at once."""
    path = tmp_path / "index.db"
    async with indexed_world(path, blocks=20) as (world, store), asking(path) as client:
        await _write(store, trouble=False, level=Level.COMPLETE)
        ready = await _until(client, 200, "complete")
        assert ready == {
            "ready": True,
            "reasons": [],
            "block": world.chain.tip.number,
            "head": world.chain.tip.number,
            "level": "complete",
            "verified": True,
        }
        assert await _verified(client) == {True}
        await _write(store, trouble=True)
        unready = await _until(client, 503, "complete")
        assert "a balance differs" in "; ".join(unready["reasons"])  # type: ignore[arg-type]

        async def is_told() -> bool:
            return await _verified(client) == {False}

        await until(is_told)


async def _until(client: httpx.AsyncClient, status: int, level: str) -> dict[str, object]:
    async def is_so() -> bool:
        answer = await client.get("/readyz")
        return (answer.status_code, answer.json()["level"]) == (status, level)

    await until(is_so)
    body: dict[str, object] = (await client.get("/readyz")).json()
    return body


async def _verified(client: httpx.AsyncClient) -> set[bool]:
    answers = [await client.get(path) for path in (f"{API}/markets/BTC/epochs/1", "/api/v1/index/status")]
    return {answer.json()["verified"] for answer in answers}


async def test_figures_are_as_prometheus_reads_them(indexed: Indexed) -> None:
    """Requests by declared route and status, and how the index stands; no route of a client's making."""
    async with asking(indexed.path) as client:
        for path in (f"{API}/markets", f"{API}/markets", f"{API}/markets/X/epochs", "/one", "/other"):
            await client.get(path)
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    name = "chain_kit_http_requests_total"
    assert samples[name, f"{API}/markets", "200"] == 2
    assert samples[name, f"{API}/markets/{{symbol}}/epochs", "404"] == 1
    assert samples[name, "other", "404"] == 2
    assert samples["chain_kit_index_block",] == indexed.world.chain.tip.number
    assert samples["chain_kit_answers_cached", "cache"] >= 1


async def test_an_index_that_cannot_be_read_is_not_ready(tmp_path: Path) -> None:
    """A file that was overwritten under the server: 503, and still alive."""
    path = tmp_path / "index.db"
    async with indexed_world(path, blocks=5):
        pass
    async with asking(path) as client:
        path.write_bytes(b"\0" * 4096)
        answer = await client.get("/readyz")
        alive = await client.get("/healthz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert alive.status_code == 200
