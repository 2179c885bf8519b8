"""`chain-kit serve`: where it listens, how it stops, and what it will not serve."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from chain_kit import toolchain
from chain_kit.cli.listening import listen, url_of
from chain_kit.processes import die_with_parent
from indexer.store import open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.system_support.cli import command, environment, run, say

PATIENCE_SECONDS = 60
OURS = {"PYTHONPATH": str(toolchain.root())}
"""A process of its own runs this tree, wherever it is started."""


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    """An index of a chain on which nothing has happened."""
    path = tmp_path / "index.db"
    chain = FakeChain()
    chain.mine_empty(2)
    async with open_store(path, DEPLOYMENT) as store:
        await store.take(chain.forward(DEPLOYMENT.first_block))
    return path


@contextmanager
def serving(*options: object, inherits: Sequence[int] = ()) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and the address that it has told."""
    with subprocess.Popen(
        command("serve", "--json", *options),
        env=environment(OURS),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=inherits,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  # it calls the kernel only
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line, process.communicate()[1]
            yield process, json.loads(line)["url"]
        finally:
            process.kill()


def get(url: str) -> tuple[int, str]:
    """Status and media type of what is at an address."""
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as response:  # noqa: S310
        return response.status, response.headers["content-type"]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_it_is_told_to_stop(database: Path, ending: signal.Signals) -> None:
    """The address is told as a JSON line and in words, the page and the API are there, and it ends well."""
    with serving("--db", database, "--port", 0) as (process, url):
        assert (200, "text/html; charset=utf-8") == get(f"{url}/")
        assert (200, "application/json") == get(f"{url}/healthz")
        process.send_signal(ending)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert (0, "") == (process.returncode, out)
    assert f"serving {url}; Ctrl-C stops\n" == err


def test_a_reader_of_a_stream_does_not_keep_it(database: Path) -> None:
    """An open connection that asks nothing more is closed when it stops."""
    with serving("--db", database, "--port", 0) as (process, url):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as reader:
            reader.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert reader.recv(1024).startswith(b"HTTP/1.1 200")
            process.send_signal(signal.SIGINT)
            assert 0 == process.wait(PATIENCE_SECONDS)


def test_a_socket_that_listens_already_is_taken_over(database: Path) -> None:
    """Whoever has started it keeps the address: the next one goes on with it."""
    with listen("127.0.0.1", 0) as listening:
        number = listening.fileno()
        for _ in range(2):
            with serving("--db", database, "--fd", number, inherits=[number]) as (_, url):
                assert url_of(listening) == url
                assert (200, "application/json") == get(f"{url}/healthz")


def test_a_taken_port_is_told_of(database: Path) -> None:
    """Code 1, and the port."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        said = say("serve", "--db", database, "--port", port).require(1)

    assert f"error: port {port} is in use\nhint: " in said.err


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (("--host", "203.0.113.7"), 2, "--host 203.0.113.7"),
        (("--trusted-proxy", "everybody"), 2, "everybody"),
        (("--port", "65536"), 2, "65535"),
    ],
)
def test_options_that_cannot_be_are_told_of(
    database: Path, words: tuple[str, ...], code: int, named: str
) -> None:
    """Code 2, and what is wrong."""
    said = say("serve", "--db", database, *("--port", 0), *words).require(code)

    assert named in said.err
    assert "Traceback" not in said.err


def test_what_is_no_index_is_not_served(tmp_path: Path, database: Path) -> None:
    """Nothing there, no database, an empty one, or one of another version: each in its words."""
    text, bare, older = tmp_path / "text.db", tmp_path / "bare.db", tmp_path / "older.db"
    text.write_text("an index\n" * 100)
    sqlite3.connect(bare).close()
    older.write_bytes(database.read_bytes())
    with sqlite3.connect(older) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '2'")
    expected = {
        tmp_path / "none.db": "no database at",
        text: "is not a database",
        bare: "is not a database",
        older: "has schema 2",
    }
    for path, words in expected.items():
        said = run("serve", "--db", path, "--port", 0, cwd=tmp_path, env=OURS).require(1)

        assert (words in said.err, "hint: " in said.err, "Traceback" in said.err) == (True, True, False), (
            said.err
        )
