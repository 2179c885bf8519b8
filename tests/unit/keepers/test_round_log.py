from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from chain_kit.keepers.fleet.round_log import LastRound, RoundLog, read_rounds
from chain_kit.outbox.database import open_store
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

SIGNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An outbox."""
    if request.param == "sqlite":
        return str(tmp_path / "outbox.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now


def rounds_in(url: str, chain_id: int = 1, signer: str = SIGNER) -> list[LastRound]:
    """What the database says."""
    store = open_store(url)
    try:
        return store.read(lambda connection: read_rounds(connection, chain_id, signer))
    finally:
        store.close()


async def test_the_last_round_of_each_keeper_is_kept(url: str) -> None:
    """By signer and chain; another process overwrites it with its own name."""
    first = await RoundLog.open(url, 1, SIGNER, "first")
    await first.note("claim", "")
    await first.note("resolve", "it is away")
    await first.aclose()
    second = await RoundLog.open(url, 1, SIGNER, "second")
    await second.note("resolve", "")
    await second.aclose()

    claim, resolve = rounds_in(url)
    assert (claim.keeper, claim.holder, claim.problem) == ("claim", "first", "")
    assert (resolve.keeper, resolve.holder, resolve.problem) == ("resolve", "second", "")
    assert resolve.at_ms >= claim.at_ms > 1_600_000_000_000
    assert rounds_in(url, 2) == rounds_in(url, signer="0x") == []


async def test_what_has_not_changed_is_written_now_and_then(tmp_path: Path) -> None:
    """Every ten seconds is enough; a problem, and its end, at once."""
    url, clock, written = str(tmp_path / "outbox.db"), Clock(), []
    log = await RoundLog.open(url, 1, SIGNER, "one", clock=clock)
    write = log._write

    def watched(connection: Connection, keeper: str, problem: str) -> None:
        written.append((clock.now, problem))
        write(connection, keeper, problem)

    log._write = watched  # type: ignore[method-assign]
    for now, problem in ((100, ""), (109, ""), (110, ""), (111, "away"), (112, "away"), (113, "")):
        clock.now = now
        await log.note("resolve", problem)
    await log.aclose()

    assert written == [(100, ""), (110, ""), (111, "away"), (113, "")]


def test_an_outbox_without_rounds(url: str) -> None:
    """One that no fleet has worked on has none."""
    assert rounds_in(url) == []
