from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.errors import StoreError
from chain_kit.fees import Fees
from chain_kit.outbox import Effect, Intent, Journal, Kind, Level, Offer, Row, State
from chain_kit.signers import SignedTransaction

CHAIN, GENESIS = 31337, "0x" + "11" * 32
CONTRACT = "0x" + "22" * 20
SIGNER = dev_signer(0)
VERSION_1 = """
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
CREATE UNIQUE INDEX outbox_nonce ON outbox (chain_id, sender, nonce) WHERE state <> 'superseded';
CREATE INDEX outbox_watched ON outbox (chain_id, nonce) WHERE final = 0;
CREATE INDEX outbox_replaces ON outbox (replaces) WHERE replaces IS NOT NULL;
CREATE TABLE held (
    chain_id INTEGER NOT NULL,
    contract TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    row_id INTEGER NOT NULL REFERENCES outbox,
    PRIMARY KEY (chain_id, contract, action, subject)
) WITHOUT ROWID;
CREATE INDEX held_row ON held (row_id);
PRAGMA application_id = 0x636B6F62;
PRAGMA user_version = 1;
"""


def signed(nonce: int) -> SignedTransaction:
    """A transaction as version 1 signed it."""
    return SIGNER.sign_transaction(
        {
            "type": 2,
            "chainId": CHAIN,
            "nonce": nonce,
            "to": CONTRACT,
            "data": b"\x01",
            "value": 7,
            "gas": 60_000,
            "maxFeePerGas": 2_001_000_000,
            "maxPriorityFeePerGas": 1_000_000,
        }
    )


class OldFile:
    """An outbox of version 1 that is being filled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.executescript(VERSION_1)
        self.connection.execute("INSERT INTO chains VALUES (?, ?)", (CHAIN, GENESIS))

    def add(self, state: str, nonce: int | None, **more: Any) -> int:
        """Adds a row; gives its id."""
        transaction = signed(nonce or 0)
        columns = {
            "chain_id": CHAIN,
            "contract": CONTRACT,
            "action": "post",
            "subjects": f'["{state}"]',
            "data": b"\x01",
            "value_wei": "7",
            "effect": '{"args":{"at":5},"name":"known"}',
            "sender": SIGNER.address,
            "nonce": nonce,
            "raw": transaction.raw,
            "tx_hash": transaction.hash,
            "state": state,
            "created_at": 1_700_000_000,
            **more,
        }
        marks = ", ".join(f":{name}" for name in columns)
        done = self.connection.execute(f"INSERT INTO outbox ({', '.join(columns)}) VALUES ({marks})", columns)  # noqa: S608
        assert done.lastrowid is not None
        if state in ("journaled", "sent", "mined"):
            key = (CHAIN, CONTRACT, "post", state, done.lastrowid)
            self.connection.execute("INSERT INTO held VALUES (?, ?, ?, ?, ?)", key)
        return done.lastrowid

    def rows(self) -> list[Row]:
        """The rows as this version reads them."""
        self.connection.close()
        with closing(Journal.open(self.path, CHAIN, GENESIS)) as journal:
            return journal.rows()


@pytest.fixture
def old(tmp_path: Path) -> OldFile:
    """A file of version 1."""
    return OldFile(tmp_path / "outbox.db")


@pytest.mark.parametrize(
    ("state", "more", "level", "outcome"),
    [
        ("journaled", {}, Level.JOURNALED, ""),
        ("sent", {}, Level.SENT, ""),
        ("mined", {"block_number": 3, "block_hash": "0xabc"}, Level.MINED, ""),
        ("done", {"block_number": 3, "block_hash": "0xabc"}, Level.MINED, "done"),
        ("done", {"block_number": 3, "block_hash": "0xabc", "final": 1}, Level.FINALIZED, "done"),
        ("failed", {"block_number": 3, "block_hash": "0xabc"}, Level.MINED, "failed"),
        ("failed", {"final": 1}, Level.FINALIZED, "failed"),
        ("superseded", {}, Level.SENT, "superseded"),
    ],
)
def test_a_state_becomes_a_level_and_an_outcome(
    old: OldFile, state: str, more: dict[str, Any], level: Level, outcome: str
) -> None:
    """What was final is; what was not is watched on."""
    old.add(state, 0, **more)

    (row,) = old.rows()

    assert (row.level, row.outcome, row.state) == (level, outcome, State(state))
    assert row.block_hash == more.get("block_hash")


def test_a_row_s_transaction_becomes_its_first_attempt(old: OldFile) -> None:
    """With the gas and the fees that its bytes say, so that it can be replaced."""
    old.add("sent", 5)

    (row,) = old.rows()

    (attempt,) = row.attempts
    assert (attempt.kind, attempt.raw, attempt.tx_hash) == (Kind.CALL, signed(5).raw, signed(5).hash)
    assert attempt.offer == Offer(60_000, Fees(2_001_000_000, 1_000_000))
    assert attempt.created_at == 1_700_000_000
    effect = Effect("known", {"at": 5})
    assert row.intent == Intent(CONTRACT, "post", ("sent",), b"\x01", effect, value_wei=7)


@pytest.mark.parametrize(
    "raw", [b"", b"raw", b"\x02", b"\x02\xc1\x01", b"\x01" + b"\xff" * 40, b"\x02\xff\xff"]
)
def test_bytes_that_tell_nothing_are_kept(old: OldFile, raw: bytes) -> None:
    """They are broadcast as they are, and not replaced by something cheaper."""
    old.add("sent", 5, raw=raw)

    (row,) = old.rows()

    assert (row.raw, row.attempt.offer) == (raw, Offer(0, Fees(0, 0)))


def test_rows_under_way_go_on(old: OldFile) -> None:
    """Subjects stay held, nonces taken, and who replaces whom is known."""
    lost = old.add("superseded", 4)
    new = old.add("sent", 5, replaces=lost)
    old.connection.close()

    with closing(Journal.open(old.path, CHAIN, GENESIS)) as journal:
        assert journal.held_subjects(CONTRACT, "post") == {"sent"}
        successor = journal.successor(journal.row(lost))
        assert successor is not None
        assert successor.id == new
        intent = Intent(CONTRACT, "post", ("next",), b"", Effect("known", {}))
        row, entered = journal.begin(
            intent, SIGNER.address, 5, signed, offer=Offer(60_000, Fees(2, 1)), seen=journal.newest()
        )

    assert (entered, row.nonce) == (True, 6)


def test_a_file_is_migrated_once(old: OldFile) -> None:
    """The second time it is of this version, and nothing changes."""
    old.add("sent", 5)
    first = old.rows()

    with closing(Journal.open(old.path, CHAIN, GENESIS)) as journal:
        assert journal.rows() == first
    with closing(sqlite3.connect(old.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    old: OldFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is one transaction."""
    old.add("sent", 5)
    old.connection.close()

    def fail(_: bytes) -> tuple[int, int, int]:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr("chain_kit.outbox.migrate._offer", fail)
        with pytest.raises(StoreError, match="disk I/O error"):
            Journal.open(old.path, CHAIN, GENESIS)

    with closing(sqlite3.connect(old.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT state FROM outbox").fetchall() == [("sent",)]
