"""A PostgreSQL server for tests: Debian's binaries, a temporary folder, a socket, and nothing left behind."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["PostgresServer", "find_binaries", "postgres_server", "replica_of", "running"]

_USER = "postgres"


class PostgresServer:
    """A running server. `new_database` gives the SQLAlchemy URL of an empty database."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries = binaries
        self.folder = folder

    def command(self, program: str, *arguments: str) -> list[str]:
        """A command line; as root, by the `postgres` user, since the server refuses to run as root."""
        line = [str(self.binaries / program), *arguments]
        return ["runuser", "-u", _USER, "--", *line] if os.geteuid() == 0 else line

    def run(self, program: str, *arguments: str) -> None:
        """Runs one of its programs to the end."""
        subprocess.run(
            self.command(program, *arguments), check=True, capture_output=True, cwd=self.folder, timeout=120
        )

    def new_database(self) -> str:
        """The URL of a database that nothing has used yet."""
        name = f"test_{uuid.uuid4().hex}"
        self.run("createdb", "-h", str(self.folder), "-U", _USER, name)
        return f"postgresql://{_USER}@/{name}?host={self.folder}"

    def ask(self, statement: str) -> str:
        """One value that the server answers."""
        line = ["psql", "-h", str(self.folder), "-U", _USER, "-d", "postgres", "-Atc", statement]
        done = subprocess.run(
            self.command(*line), check=True, capture_output=True, text=True, cwd=self.folder, timeout=60
        )
        return done.stdout.strip()

    def wait_for(self, primary: PostgresServer) -> None:
        """Until this replica has replayed all that the primary has written."""
        wanted = primary.ask("SELECT pg_current_wal_lsn()")
        passed = f"SELECT pg_last_wal_replay_lsn() >= '{wanted}'::pg_lsn"
        until = time.monotonic() + 60
        while self.ask(passed) != "t":
            assert time.monotonic() < until, "the replica does not catch up"
            time.sleep(0.05)


def find_binaries() -> Path | None:
    """Where the server's programs are; None if it is not installed."""
    found = shutil.which("pg_config")
    if found is None:
        return None
    answer = subprocess.run([found, "--bindir"], check=True, capture_output=True, text=True)
    folder = Path(answer.stdout.strip())
    return folder if (folder / "initdb").exists() else None


@contextmanager
def _folder() -> Iterator[Path]:
    # The path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam(_USER).pw_uid, -1)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(server: PostgresServer, *, durable: bool = False) -> Iterator[PostgresServer]:
    # Nothing here outlives a crash, so nothing has to survive one; what measures asks for it all the same.
    quick = "" if durable else " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    options = f"-k {server.folder} -c listen_addresses={quick}"
    data = str(server.folder / "data")
    server.run("pg_ctl", "-D", data, "-w", "-l", str(server.folder / "log"), "-o", options, "start")
    try:
        yield server
    finally:
        server.run("pg_ctl", "-D", data, "-m", "immediate", "stop")


@contextmanager
def running(binaries: Path, *, durable: bool = False) -> Iterator[PostgresServer]:
    """A server of its own. `durable` makes it write as it would for good."""
    with _folder() as folder:
        server = PostgresServer(binaries, folder)
        data = str(folder / "data")
        server.run("initdb", "-D", data, "-U", _USER, "-A", "trust", "--no-sync", "--locale=C.UTF-8")
        with _started(server, durable=durable):
            yield server


@contextmanager
def replica_of(primary: PostgresServer) -> Iterator[PostgresServer]:
    """A streaming replica, for reading."""
    with _folder() as folder:
        replica = PostgresServer(primary.binaries, folder)
        source = ["-h", str(primary.folder), "-U", _USER]
        replica.run("pg_basebackup", *source, "-D", str(folder / "data"), "-R", "-c", "fast", "--no-sync")
        with _started(replica):
            yield replica


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests; skips where PostgreSQL is not installed."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with running(binaries) as server:
        yield server
