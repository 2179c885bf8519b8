from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import Connection, text

from chain_kit.errors import (
    SettingError,
    StoreDeploymentError,
    StoreError,
    StoreLockedError,
    StoreSchemaError,
)
from chain_kit.outbox import Journal
from chain_kit.outbox.postgres import _SERVER_SETTINGS, PostgresStore
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

CHAIN, GENESIS = 31337, "0x" + "11" * 32


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    """An empty database."""
    return postgres_server.new_database()


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    """An open store."""
    store = PostgresStore(url)
    yield store
    store.close()


def test_shares_a_database_with_others(store: PostgresStore) -> None:
    """Its tables are in a schema of their own: an index may be in the same database."""

    def schemas(connection: Connection) -> set[str]:
        query = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename IN ('outbox', 'attempt', 'lease')"
        return set(connection.execute(text(query)).scalars())

    assert store.read(schemas) == {"chain_kit_outbox"}


def test_a_commit_waits_for_the_disk(store: PostgresStore) -> None:
    """Whatever the server's own setting is."""
    assert store.read(lambda c: c.execute(text("SHOW synchronous_commit")).scalar()) == "on"


def test_refuses_a_chain_that_began_anew(url: str) -> None:
    """The same chain id with another genesis block."""
    Journal.open(url, CHAIN, GENESIS).close()

    with pytest.raises(StoreDeploymentError, match="genesis block is 0x1111"):
        Journal.open(url, CHAIN, "0x" + "99" * 32)


def test_refuses_another_version(url: str, store: PostgresStore) -> None:
    """A newer schema is not guessed at."""
    store.write(lambda c: c.execute(text("UPDATE schema_version SET version = 99")), lock=0)

    with pytest.raises(StoreSchemaError, match="schema 99"):
        Journal.open(url, CHAIN, GENESIS)


def test_many_may_make_it_at_once(url: str) -> None:
    """Keepers on several hosts that start at the same moment."""
    barrier = threading.Barrier(4)
    opened: list[bool] = []

    def make() -> None:
        barrier.wait()
        Journal.open(url, CHAIN, GENESIS).close()
        opened.append(True)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert opened == [True] * 4


def test_an_error_undoes_the_change(store: PostgresStore) -> None:
    """All of it."""

    def change(connection: Connection) -> None:
        connection.execute(text("UPDATE schema_version SET version = 99"))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        store.write(change, lock=0)

    assert store.read(lambda c: c.execute(text("SELECT version FROM schema_version")).scalar()) == 2


def test_says_that_it_is_locked(url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another writer that does not end is reported; one with another lock is no hindrance."""
    monkeypatch.setitem(_SERVER_SETTINGS, "lock_timeout", "50ms")
    inside, finish = threading.Event(), threading.Event()

    def slowly(_: Connection) -> None:
        inside.set()
        finish.wait(10)

    holder = threading.Thread(target=lambda: store.write(slowly, lock=7))
    with closing(PostgresStore(url)) as impatient:
        holder.start()
        inside.wait(10)
        with pytest.raises(StoreLockedError, match="locked by another process"):
            impatient.write(lambda _: None, lock=7)
        impatient.write(lambda _: None, lock=8)
        finish.set()
        holder.join()
        impatient.write(lambda _: None, lock=7)


def test_the_next_of_several_hosts_is_asked(url: str, postgres_server: PostgresServer) -> None:
    """The first is down: the one that takes writes is found."""
    name = url.partition("@/")[2].partition("?")[0]
    hosts = f"postgresql://postgres@/{name}?host=/nowhere:5432&host={postgres_server.folder}:5432"

    with closing(Journal.open(hosts, CHAIN, GENESIS)) as journal:
        assert journal.rows() == []


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    """And the hint says what to check."""
    with pytest.raises(StoreError, match="no connection to the outbox postgresql://keeper:") as caught:
        PostgresStore("postgresql://keeper:word@127.0.0.1:1/outbox")

    assert "word" not in caught.value.message
    assert caught.value.hint == "check the URL and the server"


def test_a_url_that_is_none_is_a_setting_s_error() -> None:
    """Not a driver's."""
    with pytest.raises(SettingError):
        PostgresStore("postgresql://keeper@host:port/outbox")


def test_a_closed_store_says_so(url: str) -> None:
    """Closing twice is fine."""
    store = PostgresStore(url)
    store.close()
    store.close()

    with pytest.raises(StoreError, match="it is closed"):
        store.read(lambda _: None)
