"""A PostgreSQL server for tests: Debian's binaries, a temporary folder, a socket, and nothing left behind."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["PostgresServer", "postgres_server"]

_USER = "postgres"


class PostgresServer:
    """A running server. `new_database` gives the SQLAlchemy URL of an empty database."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder

    def command(self, program: str, *arguments: str) -> list[str]:
        """A command line; as root, by the `postgres` user, since the server refuses to run as root."""
        line = [str(self._binaries / program), *arguments]
        return ["runuser", "-u", _USER, "--", *line] if os.geteuid() == 0 else line

    def run(self, program: str, *arguments: str) -> None:
        """Runs one of its programs to the end."""
        subprocess.run(
            self.command(program, *arguments), check=True, capture_output=True, cwd=self._folder, timeout=120
        )

    def new_database(self) -> str:
        """The URL of a database that nothing has used yet."""
        name = f"test_{uuid.uuid4().hex}"
        self.run("createdb", "-h", str(self._folder), "-U", _USER, name)
        return f"postgresql://{_USER}@/{name}?host={self._folder}"


def _binaries() -> Path | None:
    found = shutil.which("pg_config")
    if found is None:
        return None
    answer = subprocess.run([found, "--bindir"], check=True, capture_output=True, text=True)
    folder = Path(answer.stdout.strip())
    return folder if (folder / "initdb").exists() else None


@contextmanager
def _running(binaries: Path) -> Iterator[PostgresServer]:
    # The path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    server = PostgresServer(binaries, folder)
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam(_USER).pw_uid, -1)
    data = str(folder / "data")
    # Nothing here outlives a crash, so nothing has to survive one.
    options = (
        f"-k {folder} -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    )
    try:
        server.run("initdb", "-D", data, "-U", _USER, "-A", "trust", "--no-sync", "--locale=C.UTF-8")
        server.run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield server
        finally:
            server.run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests; skips where PostgreSQL is not installed."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with _running(binaries) as server:
        yield server
