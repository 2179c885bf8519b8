from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from chain_kit.errors import SettingError, StoreError, StoreMissingError, StoreSchemaError
from chain_kit.fees import Fees
from chain_kit.guard import Lease
from chain_kit.inspection.reading import OutboxReader
from chain_kit.outbox import Effect, Intent, Journal, Kind, Offer, State
from chain_kit.signers import SignedTransaction
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

CONTRACT = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
SENDER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
OFFER = Offer(21_000, Fees(20, 10))


@pytest.fixture(params=["file", "server"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the outbox is: a file, or a database of a real server."""
    if request.param == "file":
        return str(tmp_path / "outbox ?#%.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    """A keeper's own journal there, open for writing all the time."""
    journal = Journal.open(url, 31337, "0xgenesis")
    yield journal
    journal.close()


@pytest.fixture
def reader(url: str, journal: Journal) -> Iterator[OutboxReader]:  # noqa: ARG001  # it makes the outbox
    """A reader beside it."""
    reader = OutboxReader.open(url)
    yield reader
    reader.close()


def _is_file(reader: OutboxReader) -> bool:
    return not reader._store.name.startswith("postgresql")


def enter(journal: Journal, number: int, action: str = "post") -> Any:
    """A new row."""
    intent = Intent(CONTRACT, action, (f"s{number}",), b"\1", Effect("posted", {"n": number}))

    signed = SignedTransaction(b"raw", f"0x{number:064x}")
    row, entered = journal.begin(intent, SENDER, 0, lambda _: signed, offer=OFFER, seen=journal.newest())
    assert entered
    return row


class TestRows:
    """What stands in the journal."""

    def test_newest_first_by_action_and_liveness(self, journal: Journal, reader: OutboxReader) -> None:
        """As they are at that moment, without waiting for the writer."""
        one, two, three = (
            enter(journal, n, action) for n, action in ((1, "post"), (2, "claim"), (3, "post"))
        )
        journal.update(two, State.DONE, block=(7, "0xb"), final=True)

        def ids(**filters: Any) -> list[int]:
            return [entry.row.id for entry in reader.entries(**filters)]

        assert ids() == [three.id, two.id, one.id]
        assert ids(limit=2) == [three.id, two.id]
        assert ids(live=True) == [three.id, one.id]
        assert ids(action="claim") == [two.id]
        assert reader.entries(limit=1)[0].row == journal.row(three.id)
        assert reader.entries(limit=1)[0].created_at > 1_600_000_000
        assert reader.signers() == [SENDER]
        assert reader.genesis_hash() == "0xgenesis"

    def test_finds_by_id_and_by_how_any_attempts_hash_begins(
        self, journal: Journal, reader: OutboxReader
    ) -> None:
        """A replaced transaction leads to its row too; a wildcard is a character like another."""
        row = enter(journal, 1)
        second = SignedTransaction(b"raw2", "0xabc" + "0" * 61)
        journal.replace(row, Kind.CALL, lambda _: second, offer=OFFER)
        enter(journal, 2)

        assert [entry.row.id for entry in reader.find(str(row.id))] == [row.id]
        assert [entry.row.id for entry in reader.find("0xabc0")] == [row.id]
        assert [entry.row.id for entry in reader.find(row.tx_hash)] == [row.id]
        assert len(reader.find("0x000")) == 2
        assert reader.find("0xa%") == reader.find("999") == reader.find("0xfff") == []

    def test_a_writer_in_the_middle_of_its_work_is_not_waited_for(
        self, journal: Journal, reader: OutboxReader
    ) -> None:
        """What it has not finished is not seen; opening does not wait either."""
        enter(journal, 1)

        def change(connection: Connection) -> tuple[int, int]:
            connection.execute(text("UPDATE outbox SET action = 'other'"))
            another = OutboxReader.open(reader._store.name, default=31337) if _is_file(reader) else reader
            return len(reader.entries(action="post")), len(another.entries(action="post"))

        assert journal._store.write(change, lock=31337) == (1, 1)
        assert reader.entries(action="post") == []

    def test_nothing_can_be_written(self, reader: OutboxReader) -> None:
        """The database itself refuses."""
        with pytest.raises(StoreError):
            reader._store.write(lambda c: c.execute(text("DELETE FROM outbox")), lock=1)
        with pytest.raises(StoreError, match=r"read-only|readonly|cannot be written"):
            reader._store.read(lambda c: c.execute(text("DELETE FROM outbox")))

    async def test_leases_with_the_time_that_is_left(self, url: str, reader: OutboxReader) -> None:
        """By the database's own clock; released, it has run out."""
        async with Lease(url, SENDER, 31337, "host-a", ttl_seconds=30):
            view = reader.leases()[SENDER]

            assert view.holder == "host-a"
            assert 0 < view.left_ms <= 30_000
        assert reader.leases()[SENDER].left_ms < 0

    def test_several_chains_want_one_named(self, url: str) -> None:
        """The default decides, if it is among them; a chain that is not there is refused by name."""
        Journal.open(url, 31337, "0xgenesis").close()
        Journal.open(url, 8453, "0xbase").close()

        reader = OutboxReader.open(url, default=8453)
        assert reader.chain_id == 8453
        reader.close()
        with pytest.raises(SettingError, match="nothing of chain 1") as caught:
            OutboxReader.open(url, 1)
        assert "8453, 31337" in caught.value.hint


class TestWhatIsNoOutbox:
    """Nothing is made by looking."""

    def test_a_missing_file_stays_missing(self, tmp_path: Path) -> None:
        """Neither file nor folder."""
        with pytest.raises(StoreMissingError, match="there is no outbox"):
            OutboxReader.open(tmp_path / "folder" / "outbox.db")

        assert list(tmp_path.iterdir()) == []

    def test_an_empty_database_of_a_server(self, postgres_server: PostgresServer) -> None:
        """No schema is made in it."""
        url = postgres_server.new_database()

        for _ in range(2):
            with pytest.raises(StoreMissingError, match="there is no outbox"):
                OutboxReader.open(url)

    def test_a_database_of_something_else(self, tmp_path: Path) -> None:
        """An index, say."""
        path = tmp_path / "index.db"
        sqlite3.connect(path).execute("CREATE TABLE other (x)").connection.close()

        with pytest.raises(StoreSchemaError, match="no outbox"):
            OutboxReader.open(path)

    def test_another_version_is_left_as_it_is(self, tmp_path: Path) -> None:
        """A keeper migrates, a question does not."""
        path = tmp_path / "outbox.db"
        Journal.open(path, 31337, "0xg").close()
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 1")
        connection.close()

        with pytest.raises(StoreSchemaError, match="schema 1"):
            OutboxReader.open(path)

        assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (1,)

    def test_no_database_at_all(self, tmp_path: Path) -> None:
        """Bytes."""
        path = tmp_path / "outbox.db"
        path.write_bytes(os.urandom(4096))

        with pytest.raises(StoreError, match="is damaged"):
            OutboxReader.open(path)

    def test_a_server_that_is_not_there_is_named_without_secrets(self, tmp_path: Path) -> None:
        """Neither the password in front nor one in the query."""
        url = f"postgresql://keeper:Zq1@/outbox?host={tmp_path}&password=Zq2"

        with pytest.raises(StoreError, match="no connection to the outbox") as caught:
            OutboxReader.open(url)

        assert "Zq" not in caught.value.message
        assert str(tmp_path.name) in caught.value.message
