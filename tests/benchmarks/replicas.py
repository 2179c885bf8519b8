"""Questions per second that PostgreSQL answers: `python -m tests.benchmarks.replicas`.

A model market of many accounts is indexed; the statements of the index's own questions (positions, epochs,
reserve) are recorded once and then sent by pgbench, each question in a transaction of its own: to the primary
alone, to one streaming replica, and to two. Each server and its pgbench share one core, so that what a server
more brings is seen on a machine of two.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import event

from indexer import queries
from indexer.database import Database, open_database
from indexer.engine import database_url
from indexer.store import open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.world import World
from tests.postgres import PostgresServer, find_binaries, replica_of, running

__all__: list[str] = []

BLOCKS, ACCOUNTS, ASKED = 1_500, 200, 100
SECONDS = int(os.environ.get("REPLICA_SECONDS", "10"))
CLIENTS = 4
QUESTIONS = 3
"""In a script."""
_PARAMETER = re.compile(r"\$(\d+)")


def literal(value: Any) -> str:
    """A value as SQL text."""
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


async def record(database: Database, account: str) -> str:
    """The statements of one reader's questions, as a script of pgbench."""
    lines: list[str] = []

    def hear(_c: object, _u: object, statement: str, values: Sequence[Any], *_: object) -> None:
        text = _PARAMETER.sub(lambda found: literal(values[int(found[1]) - 1]), statement)
        lines.append(" ".join(text.split()) + ";")

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        for question in (
            queries.positions(database, account),
            queries.epochs(database, "BTC", first=1, last=20),
            queries.reserve(database),
        ):
            lines.append("BEGIN;")
            await question
            lines.append("COMMIT;")
    finally:
        event.remove(engine, "before_cursor_execute", hear)
    return "\n".join(lines) + "\n"


async def prepare(url: str, folder: Path) -> list[Path]:
    """Indexes the model market and records what its readers ask."""
    world = World(FakeChain(), seed=1, accounts=ACCOUNTS)
    world.run(BLOCKS)
    async with open_store(url, DEPLOYMENT) as store:
        for first in range(DEPLOYMENT.first_block, world.chain.tip.number + 1, 100):
            await store.take(world.chain.forward(first, min(first + 99, world.chain.tip.number)))
    scripts = []
    async with open_database(url) as database:
        for number, account in enumerate(world.accounts[:ASKED]):
            script = folder / f"{number}.sql"
            script.write_text(await record(database, account))
            scripts.append(script)
    return scripts


def hold(server: PostgresServer, core: int) -> None:
    """Holds a server, and what it starts from now on, to one core."""
    postmaster = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    os.sched_setaffinity(postmaster, {core})


def start(server: PostgresServer, core: int, name: str, scripts: Sequence[Path]) -> subprocess.Popen[str]:
    """A pgbench that asks a server, on the server's own core."""
    files = [word for script in scripts for word in ("-f", str(script))]
    options = ["-h", str(server.folder), "-U", "postgres", "-n", "-T", str(SECONDS), "-c", str(CLIENTS)]
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        command = server.command("pgbench", *options, *files, name)
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=server.folder)
    finally:
        os.sched_setaffinity(0, cores)


def ask(servers: Sequence[PostgresServer], name: str, scripts: Sequence[Path]) -> int:
    """Questions per second that these answer together, each with a core of its own."""
    cores = sorted(os.sched_getaffinity(0))
    asking = []
    for server, core in zip(servers, cores, strict=False):
        hold(server, core)
        asking.append(start(server, core, name, scripts))
    total = Decimal(0)
    for process in asking:
        said = process.communicate(timeout=SECONDS * 4 + 60)[0]
        found = re.search(r"tps = ([\d.]+) \(without", said)
        assert found is not None, said
        total += QUESTIONS * Decimal(found[1])
    return round(total)


@contextmanager
def cluster(replicas: int) -> Iterator[tuple[PostgresServer, list[PostgresServer]]]:
    """A primary and its streaming replicas."""
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    with ExitStack() as stack:
        primary = stack.enter_context(running(binaries))
        yield primary, [stack.enter_context(replica_of(primary)) for _ in range(replicas)]


def main() -> None:
    """Measures, and prints one JSON document."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name, cluster(2) as (primary, replicas):
        folder = Path(name)
        folder.chmod(0o755)
        url = primary.new_database()
        database = str(database_url(url).database)
        scripts = asyncio.run(prepare(url, folder))
        for replica in replicas:
            replica.wait_for(primary)
        rows = {
            "primary": ask([primary], database, scripts),
            "1 replica": ask(replicas[:1], database, scripts),
            "2 replicas": ask(replicas, database, scripts),
        }
    print(json.dumps(rows, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
