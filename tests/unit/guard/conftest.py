from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An outbox's place, on either database."""
    if request.param == "sqlite":
        return str(tmp_path / "outbox.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()
