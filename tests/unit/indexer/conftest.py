from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place for an index, in each of the two databases."""
    if request.param == "sqlite":
        return str(tmp_path / "index.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()
