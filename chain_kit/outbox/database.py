"""The outbox's SQLite file: its tables, how it is opened, and its errors in the kit's own words."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chain_kit.errors import (
    StoreCorruptError,
    StoreDeploymentError,
    StoreError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreSchemaError,
)

__all__ = ["open_database", "transaction", "translated"]

SCHEMA_VERSION = 1
BUSY_SECONDS = 10.0
# "ckob": SQLite's header then says whose file it is.
_APPLICATION_ID = 0x636B6F62
_SCHEMA = """
CREATE TABLE chains (
    chain_id INTEGER PRIMARY KEY,
    genesis_hash TEXT NOT NULL
);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    chain_id INTEGER NOT NULL REFERENCES chains,
    contract TEXT NOT NULL,
    action TEXT NOT NULL,
    subjects TEXT NOT NULL,
    data BLOB NOT NULL,
    value_wei TEXT NOT NULL,
    effect TEXT NOT NULL,
    sender TEXT NOT NULL,
    nonce INTEGER,
    raw BLOB NOT NULL,
    tx_hash TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('journaled', 'sent', 'mined', 'done', 'failed', 'superseded')),
    block_number INTEGER,
    block_hash TEXT,
    final INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    revert_data TEXT,
    replaces INTEGER REFERENCES outbox,
    created_at INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER)),
    updated_at INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER))
);
-- A nonce belongs to one row; a superseded row has lost its own.
CREATE UNIQUE INDEX outbox_nonce ON outbox (chain_id, sender, nonce) WHERE state <> 'superseded';
CREATE INDEX outbox_watched ON outbox (chain_id, nonce) WHERE final = 0;
CREATE INDEX outbox_replaces ON outbox (replaces) WHERE replaces IS NOT NULL;
-- What is under way: the key of an intent, held by the one row that works on it.
CREATE TABLE held (
    chain_id INTEGER NOT NULL,
    contract TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    row_id INTEGER NOT NULL REFERENCES outbox,
    PRIMARY KEY (chain_id, contract, action, subject)
) WITHOUT ROWID;
CREATE INDEX held_row ON held (row_id);
"""


@contextmanager
def translated(path: Path | str) -> Iterator[None]:
    """Turns SQLite's errors about the file at `path` into StoreErrors."""
    hint = "name another file with --outbox"
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise StoreLockedError(f"the outbox {path} is locked by another process", hint=hint) from None
        if "readonly" in text or "unable to open" in text:
            raise StoreReadOnlyError(f"the outbox {path} cannot be written: {text}", hint=hint) from None
        if "not a database" in text or "malformed" in text:
            raise StoreCorruptError(
                f"the outbox {path} is damaged: {text}",
                hint="move it away; what was sent stays on chain, and nothing done is done again",
            ) from None
        raise StoreError(f"the outbox {path}: {text}", hint=hint) from None


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Holds the write lock from the first statement on; commits at the end, rolls back on any error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def open_database(path: Path, chain_id: int, genesis_hash: str) -> sqlite3.Connection:
    """Opens or makes the outbox at `path` and enters the chain.

    Raises a StoreError: it cannot be written, is damaged, belongs to another version, or knows the chain id
    with another genesis block.
    """
    with translated(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreReadOnlyError(f"{path.parent} cannot be made: {error.strerror}") from None
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, path)
            _enter_chain(connection, path, chain_id, genesis_hash)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.row_factory = sqlite3.Row
    _use_wal(connection)
    # A row must outlive a power cut: it is what stands between a crash and a second transaction.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    with transaction(connection):
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            return
        if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
            raise StoreSchemaError(f"{path} is a database, but no outbox", hint="name another with --outbox")
        if version != SCHEMA_VERSION:
            raise StoreSchemaError(
                f"the outbox {path} has schema {version}, this version reads {SCHEMA_VERSION}",
                hint="use the version that wrote it until nothing is under way, then begin a new file",
            )


def _use_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for the lock that this takes: of two processes that make the file at the same
    # moment one would fail.
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= until:
                raise
            time.sleep(0.01)
        else:
            return


def _enter_chain(connection: sqlite3.Connection, path: Path, chain_id: int, genesis_hash: str) -> None:
    with transaction(connection):
        connection.execute("INSERT OR IGNORE INTO chains VALUES (?, ?)", (chain_id, genesis_hash))
        known = connection.execute(
            "SELECT genesis_hash FROM chains WHERE chain_id = ?", (chain_id,)
        ).fetchone()[0]
    if known != genesis_hash:
        raise StoreDeploymentError(
            f"the outbox {path} is of another chain {chain_id}: its genesis block is {known}, the node's is"
            f" {genesis_hash}",
            hint="a chain that began anew needs a new outbox: move the file away, or name one with --outbox",
        )
