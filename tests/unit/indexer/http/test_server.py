from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import httpx
import pytest
import uvloop

from chain_kit.errors import StoreMissingError
from indexer.http.app import create_app
from indexer.http.limits import OFF
from indexer.http.server import run, serve
from tests.http_support.serving import API, indexed_world, serving


async def test_a_stop_lets_requests_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being answered is answered; afterwards nobody listens, and nothing is left behind."""
    path = tmp_path / "index.db"
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(*_: object, **__: object) -> list[object]:
        asked.set()
        await may_answer.wait()
        return []

    async with indexed_world(path, blocks=5):
        monkeypatch.setattr("indexer.queries.races", slow)
        app = create_app(str(path), limits=OFF)
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        stop, ready = asyncio.Event(), asyncio.Event()
        before = asyncio.all_tasks()
        server = asyncio.create_task(serve(app, listening, stop, on_ready=ready.set))
        await ready.wait()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            request = asyncio.create_task(client.get("/api/v1/races"))
            await asked.wait()
            stop.set()
            may_answer.set()
            answer = await request
        await server
    assert (answer.status_code, answer.json()) == (200, [])
    assert asyncio.all_tasks() <= before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    """The error comes out, with what to do, and nothing has been answered."""
    with pytest.raises(StoreMissingError) as missing:
        async with serving(tmp_path / "missing.db"):
            pass
    assert "chain-kit index run" in missing.value.hint


async def test_many_at_the_same_time(tmp_path: Path) -> None:
    """All are answered, whatever is asked."""
    async with (
        indexed_world(tmp_path / "index.db", blocks=5) as (world, _),
        serving(tmp_path / "index.db") as served,
    ):
        paths = [
            f"{API}/markets",
            f"{API}/markets/BTC/epochs",
            f"{API}/positions/{world.accounts[0]}",
            "/readyz",
        ]
        answers = await asyncio.gather(*(served.http.get(paths[n % 4]) for n in range(200)))
    assert {answer.status_code for answer in answers} == {200}


def test_it_runs_in_the_fast_loop() -> None:
    """uvloop, and the loop's end is the end of `run`."""
    seen: list[object] = []

    async def main() -> None:
        seen.append(asyncio.get_running_loop())

    run(main())
    assert isinstance(seen[0], uvloop.Loop)
    assert seen[0].is_closed()
