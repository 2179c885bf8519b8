from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import (
    StoreCorruptError,
    StoreDeploymentError,
    StoreError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreSchemaError,
)
from chain_kit.fees import Fees
from chain_kit.outbox import Effect, Intent, Journal, Kind, Level, Offer, Row, State
from chain_kit.outbox.database import translated
from chain_kit.signers import SignedTransaction
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

CHAIN, GENESIS = 31337, "0x" + "11" * 32
CONTRACT = "0x" + "22" * 20
OFFER = Offer(21_000, Fees(20, 2))
SENDER, OTHER = "0x" + "33" * 20, "0x" + "44" * 20


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the outbox is."""
    if request.param == "sqlite":
        return str(tmp_path / "outbox.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    """An open outbox."""
    journal = Journal.open(url, CHAIN, GENESIS)
    yield journal
    journal.close()


def intent(*subjects: str, action: str = "post") -> Intent:
    """An intent on these subjects."""
    return Intent(CONTRACT, action, subjects, b"\x01\x02", Effect("known", {"at": 5}), value_wei=7)


def sign(nonce: int) -> SignedTransaction:
    """Bytes and a hash that tell the nonce."""
    return SignedTransaction(b"raw" + bytes([nonce]), f"0x{nonce:064x}")


def begin(journal: Journal, *subjects: str, sender: str = SENDER, chain_nonce: int = 0) -> Row:
    """Enters an intent that nobody works on."""
    row, entered = journal.begin(
        intent(*subjects), sender, chain_nonce, sign, offer=OFFER, seen=journal.newest()
    )
    assert entered
    return row


def row_in(url: str, row_id: int) -> Row:
    """A row as another process reads it."""
    with closing(Journal.open(url, CHAIN, GENESIS)) as journal:
        return journal.row(row_id)


class TestBegin:
    """Entering a transaction."""

    def test_stores_all_that_a_restart_needs(self, journal: Journal, url: str) -> None:
        """Another process reads back the intent, the nonce and the very bytes."""
        row = begin(journal, "a", "b", chain_nonce=4)

        found = row_in(url, row.id)

        assert found == row
        assert (found.intent, found.sender, found.nonce) == (intent("a", "b"), SENDER, 4)
        assert (found.raw, found.tx_hash, found.state) == (b"raw\x04", f"0x{4:064x}", State.JOURNALED)

    def test_takes_the_lowest_nonce_that_no_row_holds(self, journal: Journal) -> None:
        """The chain's count may lag behind the journal, or a gap may lie between the rows."""
        nonces = [begin(journal, str(n), chain_nonce=c).nonce for n, c in enumerate((5, 5, 9, 6, 5, 5))]

        assert nonces == [5, 6, 9, 7, 8, 10]

    def test_counts_the_nonces_of_each_sender_apart(self, journal: Journal) -> None:
        """Two keys on one outbox do not disturb each other."""
        assert begin(journal, "a").nonce == 0
        assert begin(journal, "b", sender=OTHER).nonce == 0

    def test_gives_the_row_that_works_on_a_subject_instead_of_a_second(self, journal: Journal) -> None:
        """One subject in common is enough."""
        first = begin(journal, "a", "b")

        assert journal.begin(intent("b", "c"), OTHER, 0, sign, offer=OFFER, seen=0) == (first, False)
        assert [row.id for row in journal.rows()] == [first.id]

    def test_keeps_actions_and_contracts_apart(self, journal: Journal) -> None:
        """The same subject of another action is another intent."""
        begin(journal, "a")

        _, entered = journal.begin(intent("a", action="void"), SENDER, 0, sign, offer=OFFER, seen=0)

        assert entered

    @pytest.mark.parametrize("end", [State.DONE, State.FAILED])
    def test_frees_the_subjects_when_a_row_has_ended(self, journal: Journal, end: State) -> None:
        """What is done or failed may be asked for anew, with a nonce of its own."""
        journal.update(begin(journal, "a"), end, block=(3, "0xabc"))

        assert begin(journal, "a").nonce == 1

    @pytest.mark.parametrize("end", [State.JOURNALED, State.DONE, State.FAILED])
    def test_enters_nothing_if_a_row_has_come_since_the_effect_was_looked_for(
        self, journal: Journal, end: State
    ) -> None:
        """It may have brought the effect about and ended in between: look again first."""
        seen = journal.newest()
        row = journal.update(begin(journal, "a", "b"), end)

        assert journal.begin(intent("b", "c"), SENDER, 0, sign, offer=OFFER, seen=seen) == (row, False)
        assert journal.begin(intent("c"), SENDER, 0, sign, offer=OFFER, seen=seen)[1]

    def test_stores_what_an_intent_may_cost_and_until_when(self, journal: Journal) -> None:
        """Any number of wei fits; none is none."""
        wanted = replace(intent("a"), deadline=1_700_000_100, worth_wei=2**200)

        row, _ = journal.begin(wanted, SENDER, 0, sign, offer=OFFER, seen=0)

        assert journal.row(row.id).intent == wanted
        assert begin(journal, "b").intent.worth_wei is None

    def test_stores_nothing_if_signing_fails(self, journal: Journal) -> None:
        """No row, no nonce and no held subject without bytes."""

        def refuse(nonce: int) -> SignedTransaction:
            raise RuntimeError(f"no signature for {nonce}")

        with pytest.raises(RuntimeError, match="no signature for 0"):
            journal.begin(intent("a"), SENDER, 0, refuse, offer=OFFER, seen=0)

        assert journal.rows() == []
        assert begin(journal, "a").nonce == 0

    def test_gives_one_nonce_to_each_of_many_processes(self, url: str) -> None:
        """Eight connections that enter at the same moment get eight nonces, in a row."""
        barrier = threading.Barrier(8)
        nonces: list[int | None] = []

        def enter(number: int) -> None:
            own = Journal.open(url, CHAIN, GENESIS)
            barrier.wait()
            nonces.append(own.begin(intent(str(number)), SENDER, 0, sign, offer=OFFER, seen=0)[0].nonce)
            own.close()

        threads = [threading.Thread(target=enter, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(n for n in nonces if n is not None) == list(range(8))

    def test_lets_one_of_many_processes_enter_an_intent(self, url: str) -> None:
        """Eight connections with the same intent share one row."""
        barrier = threading.Barrier(8)
        results: list[tuple[int, bool]] = []

        def enter() -> None:
            own = Journal.open(url, CHAIN, GENESIS)
            barrier.wait()
            row, entered = own.begin(intent("a"), SENDER, 0, sign, offer=OFFER, seen=0)
            results.append((row.id, entered))
            own.close()

        threads = [threading.Thread(target=enter) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len({row_id for row_id, _ in results}) == 1
        assert [entered for _, entered in results].count(True) == 1


class TestRebuild:
    """A row that has lost its nonce."""

    def test_carries_the_intent_on_in_a_new_row(self, journal: Journal) -> None:
        """The old row stays, superseded; its nonce is not handed out by it any more."""
        old = begin(journal, "a", chain_nonce=3)

        new, entered = journal.begin(old.intent, SENDER, 3, sign, offer=OFFER, seen=0, replaces=old)

        assert entered
        assert (new.nonce, new.replaces, new.state) == (3, old.id, State.JOURNALED)
        assert journal.row(old.id) == replace(old, outcome=State.SUPERSEDED)
        assert journal.successor(old) == new
        assert journal.holders(intent("a")) == [new]

    def test_happens_once_if_two_processes_try(self, journal: Journal) -> None:
        """The second finds the new row of the first."""
        old = begin(journal, "a")
        new, _ = journal.begin(old.intent, SENDER, 1, sign, offer=OFFER, seen=0, replaces=old)

        assert journal.begin(old.intent, SENDER, 1, sign, offer=OFFER, seen=0, replaces=old) == (new, False)

    def test_does_not_happen_to_a_row_that_another_process_has_ended(self, journal: Journal) -> None:
        """Done is done: nothing new is entered."""
        old = begin(journal, "a")
        done = journal.update(old, State.DONE, block=(3, "0xabc"))

        assert journal.begin(old.intent, SENDER, 1, sign, offer=OFFER, seen=0, replaces=old) == (done, False)
        assert len(journal.rows()) == 1


class TestUpdate:
    """Moving a row on."""

    def test_moves_a_row_only_from_the_state_that_the_caller_saw(self, journal: Journal) -> None:
        """Of two processes one wins; the other gets what it did."""
        row = begin(journal, "a")
        done = journal.update(row, State.DONE, block=(3, "0xabc"))

        assert journal.update(row, State.FAILED, reason="late") == done

    def test_remembers_why(self, journal: Journal) -> None:
        """Block, sentence and revert data come back."""
        row = journal.update(
            begin(journal, "a"),
            State.FAILED,
            block=(3, "0xabc"),
            reason="zero amount",
            revert_data="0x1f2a2005",
        )

        assert (row.block_number, row.block_hash) == (3, "0xabc")
        assert (row.reason, row.revert_data) == ("zero amount", "0x1f2a2005")

    def test_takes_a_row_back_to_work(self, journal: Journal) -> None:
        """After a reorg it holds its subjects again, and the block is forgotten."""
        done = journal.update(begin(journal, "a"), State.DONE, block=(3, "0xabc"))

        row = journal.update(done, State.SENT)

        assert (row.state, row.block_number, row.block_hash) == (State.SENT, None, None)
        assert journal.holders(intent("a")) == [row]

    def test_keeps_the_nonce_of_an_ended_row(self, journal: Journal) -> None:
        """A mined transaction has used it, whatever a lagging node counts."""
        journal.update(begin(journal, "a"), State.FAILED, block=(3, "0xabc"))

        assert begin(journal, "b", chain_nonce=0).nonce == 1


class TestReplace:
    """More transactions at one nonce."""

    DEARER = Offer(21_000, Fees(22, 3))

    @staticmethod
    def sign(nonce: int) -> SignedTransaction:
        """Other bytes with the same nonce."""
        return SignedTransaction(b"dearer" + bytes([nonce]), f"0x{nonce + 0x1000:064x}")

    def test_keeps_every_transaction_that_was_ever_signed(self, journal: Journal, url: str) -> None:
        """The newest is the row's; all of them come back after a restart."""
        row = begin(journal, "a", chain_nonce=4)

        more, entered = journal.replace(row, Kind.CANCEL, self.sign, offer=self.DEARER, chain_time=9)

        assert entered
        assert row_in(url, row.id) == more
        assert [(one.kind, one.raw, one.offer, one.created_at) for one in more.attempts] == [
            (Kind.CALL, b"raw\x04", OFFER, 0),
            (Kind.CANCEL, b"dearer\x04", self.DEARER, 9),
        ]
        assert (more.tx_hash, more.raw, more.nonce) == (self.sign(4).hash, b"dearer\x04", 4)

    def test_is_made_by_one_of_two_processes(self, journal: Journal) -> None:
        """The second has not seen the first's, and signs nothing."""
        row = begin(journal, "a")
        more, _ = journal.replace(row, Kind.CALL, self.sign, offer=self.DEARER)

        def refuse(nonce: int) -> SignedTransaction:
            raise AssertionError(nonce)

        assert journal.replace(row, Kind.CALL, refuse, offer=self.DEARER) == (more, False)

    def test_is_not_made_for_what_has_ended(self, journal: Journal) -> None:
        """Its nonce is used, or another's."""
        row = begin(journal, "a")
        done = journal.update(row, State.DONE, block=(3, "0xabc"))

        assert journal.replace(row, Kind.CALL, self.sign, offer=self.DEARER) == (done, False)

    def test_the_one_that_is_mined_becomes_the_row_s(self, journal: Journal) -> None:
        """Whichever that is, and it stays so when a reorg takes the block back."""
        row = begin(journal, "a")
        more, _ = journal.replace(row, Kind.CALL, self.sign, offer=self.DEARER)

        done = journal.update(more, State.DONE, block=(3, "0xabc"), tx_hash=row.tx_hash)
        again = journal.update(done, State.SENT)

        assert done.tx_hash == again.tx_hash == row.tx_hash
        assert again.raw == row.raw
        assert len(again.attempts) == 2


class TestDrop:
    """Ending a row without a transaction."""

    def test_gives_the_nonce_back(self, journal: Journal) -> None:
        """The next row takes it: no gap is left. The block that shows its effect is watched."""
        dropped = journal.drop(begin(journal, "a"), "it was there", block=(3, "0xabc"))

        assert (dropped.state, dropped.nonce, dropped.level) == (State.DONE, None, Level.MINED)
        assert (dropped.block_number, dropped.block_hash) == (3, "0xabc")
        assert journal.watched() == [dropped]
        assert begin(journal, "b").nonce == 0

    def test_leaves_a_row_that_later_ones_wait_for(self, journal: Journal) -> None:
        """Dropping it would leave a gap that they never pass."""
        row = begin(journal, "a")
        begin(journal, "b")

        assert journal.drop(row, "it was there") == row


class TestWatch:
    """Which rows the chain may have news of."""

    def test_goes_on_until_the_block_is_final(self, journal: Journal) -> None:
        """Done is watched, final is not; neither is what was superseded."""
        done = journal.update(begin(journal, "a"), State.DONE, block=(3, "0xabc"))
        live = begin(journal, "b")
        lost = begin(journal, "c")
        new, _ = journal.begin(lost.intent, SENDER, 0, sign, offer=OFFER, seen=0, replaces=lost)
        assert [row.id for row in journal.watched()] == [done.id, live.id, new.id]

        journal.settle([done], Level.FINALIZED)

        assert [row.id for row in journal.watched()] == [live.id, new.id]

    def test_goes_on_if_the_block_changed_meanwhile(self, journal: Journal) -> None:
        """Another process has seen the row in another block: that one is not final."""
        done = journal.update(begin(journal, "a"), State.DONE, block=(3, "0xabc"))

        journal.settle([replace(done, block_hash="0xdef")], Level.FINALIZED)

        assert not journal.row(done.id).final

    def test_notes_how_firmly_a_block_stands(self, journal: Journal) -> None:
        """Safe is not final: it is watched on."""
        done = journal.update(begin(journal, "a"), State.DONE, block=(3, "0xabc"))

        journal.settle([done], Level.SAFE)

        (row,) = journal.watched()
        assert (row.level, row.state, row.final) == (Level.SAFE, State.DONE, False)

    def test_of_what_was_superseded_is_kept_apart(self, journal: Journal) -> None:
        """Until the block that shows the loss is final."""
        old = begin(journal, "a")
        journal.begin(old.intent, SENDER, 1, sign, offer=OFFER, seen=0, replaces=old)
        (lost,) = journal.superseded()
        assert lost.id == old.id

        journal.settle([lost], Level.FINALIZED)

        assert journal.superseded() == []

    def test_names_the_subjects_under_way(self, journal: Journal) -> None:
        """Per contract and action, until the row has ended."""
        row = begin(journal, "a", "b")
        assert journal.held_subjects(CONTRACT, "post") == {"a", "b"}
        assert journal.held_subjects(CONTRACT, "void") == set()

        journal.update(row, State.DONE)

        assert journal.held_subjects(CONTRACT, "post") == set()

    def test_finds_what_was_ever_done_about_a_subject(self, journal: Journal) -> None:
        """Ended rows too, oldest first, whatever else they were about."""
        first = journal.update(begin(journal, "a", "b"), State.FAILED)
        begin(journal, "c")
        second = begin(journal, "b", "d")

        assert journal.about(CONTRACT, "post", ["b"]) == [first, second]
        assert journal.about(CONTRACT, "post", []) == journal.about(CONTRACT, "void", ["b"]) == []

    def test_finds_the_last_row_of_an_intent(self, journal: Journal) -> None:
        """By exactly its subjects, the newest first."""
        journal.update(begin(journal, "a"), State.DONE)
        newest = begin(journal, "a")

        assert journal.last(intent("a")) == newest
        assert journal.last(intent("a", "b")) is None


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["begin", "done", "drop", "lose"])), max_size=40)
)
def test_no_two_rows_ever_hold_a_nonce(steps: list[tuple[int, str]]) -> None:
    """Whatever happens to rows: a nonce has one owner, and live rows leave no gap above the chain's count."""
    connection = Journal.open(":memory:", CHAIN, GENESIS)
    consumed = 0
    for subject, step in steps:
        live = sorted((row for row in connection.watched() if row.state.live), key=lambda row: row.nonce or 0)
        if step == "begin":
            connection.begin(
                intent(str(subject)), SENDER, consumed, sign, offer=OFFER, seen=connection.newest()
            )
        elif step == "drop" and live:
            connection.drop(live[-1], "there")
        elif step == "done" and live:
            connection.update(live[0], State.DONE, block=(1, "0xabc"))
            consumed += 1
        elif step == "lose" and live:
            consumed += 1
            connection.begin(live[0].intent, SENDER, consumed, sign, offer=OFFER, seen=0, replaces=live[0])
        nonces = sorted(row.nonce for row in connection.watched() if row.state.live and row.nonce is not None)
        assert nonces == list(range(consumed, consumed + len(nonces)))
    connection.close()


class TestFile:
    """A SQLite file."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """Where it is."""
        return tmp_path / "outbox.db"

    @pytest.fixture
    def journal(self, path: Path) -> Iterator[Journal]:
        """One that is open."""
        journal = Journal.open(path, CHAIN, GENESIS)
        yield journal
        journal.close()

    def test_is_made_with_its_folder(self, tmp_path: Path) -> None:
        """A first start needs no preparation."""
        path = tmp_path / "new" / "folder" / "outbox.db"

        Journal.open(path, CHAIN, GENESIS).close()

        assert path.is_file()

    def test_is_not_closed_under_a_running_change(self, path: Path) -> None:
        """A sender that is cancelled leaves a thread in the journal: closing waits for it."""
        journal = Journal.open(path, CHAIN, GENESIS)
        entered, finish = threading.Event(), threading.Event()

        def slowly(nonce: int) -> SignedTransaction:
            entered.set()
            finish.wait(5)
            return sign(nonce)

        changing = threading.Thread(
            target=lambda: journal.begin(intent("a"), SENDER, 0, slowly, offer=OFFER, seen=0)
        )
        changing.start()
        entered.wait(5)
        closing = threading.Thread(target=journal.close)
        closing.start()
        closing.join(0.05)
        assert closing.is_alive()

        finish.set()
        changing.join()
        closing.join()

        with pytest.raises(StoreError, match="closed database"):
            journal.rows()
        assert len(Journal.open(path, CHAIN, GENESIS).rows()) == 1

    def test_waits_for_a_process_that_is_just_making_it(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two keepers that start at the same moment both start."""
        maker = sqlite3.connect(path, isolation_level=None)
        maker.execute("BEGIN IMMEDIATE")
        waits: list[float] = []

        def finish(seconds: float) -> None:
            waits.append(seconds)
            maker.execute("ROLLBACK")

        monkeypatch.setattr("chain_kit.outbox.database.time.sleep", finish)
        Journal.open(path, CHAIN, GENESIS).close()

        assert len(waits) == 1

    def test_holds_several_chains(self, journal: Journal, path: Path) -> None:
        """Each with its own rows, subjects and nonces."""
        begin(journal, "a")

        other = Journal.open(path, 8453, "0x" + "99" * 32)

        assert other.rows() == []
        assert begin(other, "a").nonce == 0

    def test_refuses_a_chain_that_began_anew(self, journal: Journal, path: Path) -> None:
        """The same chain id with another genesis block: its rows would mean something else."""
        begin(journal, "a")

        with pytest.raises(StoreDeploymentError, match="genesis block is 0x1111"):
            Journal.open(path, CHAIN, "0x" + "99" * 32)

    def test_refuses_what_is_no_database(self, path: Path) -> None:
        """A damaged file is named, not overwritten."""
        path.write_bytes(b"not a database at all, but long enough to have a header" * 20)

        with pytest.raises(StoreCorruptError, match=r"outbox\.db is damaged"):
            Journal.open(path, CHAIN, GENESIS)

        assert path.read_bytes().startswith(b"not a database")

    def test_refuses_another_program_s_database(self, path: Path) -> None:
        """The index's file given as the outbox is left as it is."""
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE blocks (number INTEGER)")
        connection.commit()
        connection.close()

        with pytest.raises(StoreSchemaError, match="no outbox"):
            Journal.open(path, CHAIN, GENESIS)

    @pytest.mark.usefixtures("journal")
    def test_refuses_another_version(self, path: Path) -> None:
        """A newer schema is not guessed at."""
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 99")
        connection.close()

        with pytest.raises(StoreSchemaError, match="schema 99"):
            Journal.open(path, CHAIN, GENESIS)

    def test_refuses_a_folder_that_cannot_be(self, tmp_path: Path) -> None:
        """A file stands where the folder should be."""
        (tmp_path / "file").write_text("")

        with pytest.raises(StoreReadOnlyError, match="cannot be made"):
            Journal.open(tmp_path / "file" / "outbox.db", CHAIN, GENESIS)

    @pytest.mark.usefixtures("journal")
    def test_says_that_it_is_locked(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another process that holds the write lock for too long is reported, and nothing is entered."""
        monkeypatch.setattr("chain_kit.outbox.database.BUSY_SECONDS", 0.01)
        impatient = Journal.open(path, CHAIN, GENESIS)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreLockedError, match="locked by another process"):
            impatient.begin(intent("a"), SENDER, 0, sign, offer=OFFER, seen=0)

        holder.execute("ROLLBACK")
        holder.close()
        assert begin(impatient, "a").nonce == 0

    @pytest.mark.usefixtures("journal")
    def test_says_that_it_cannot_be_written(self, path: Path) -> None:
        """SQLite's own words are part of the message."""
        reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

        with (
            pytest.raises(StoreReadOnlyError, match="attempt to write a readonly database"),
            translated(path),
        ):
            reader.execute("DELETE FROM held")
        reader.close()

    def test_turns_any_other_error_into_one_of_ours(self, path: Path) -> None:
        """No sqlite3 error passes."""
        with pytest.raises(StoreError, match="no such table"), translated(path):
            sqlite3.connect(":memory:").execute("SELECT 1 FROM absent")


class TestIntent:
    """What an intent may be."""

    def test_checks_its_address(self) -> None:
        """The key must not depend on how the address was written."""
        lower = "0x" + "ab" * 20

        assert Intent(lower, "a", ("s",), b"", Effect("e", {})).contract != lower

    @pytest.mark.parametrize("subjects", [(), ("a", "a")])
    def test_needs_subjects_each_once(self, subjects: tuple[str, ...]) -> None:
        """Without a subject nothing would keep it from being sent twice."""
        with pytest.raises(ValueError, match="needs subjects"):
            intent(*subjects)

    def test_reads_as_a_sentence_part(self) -> None:
        """Logs and errors name it."""
        assert str(intent("a")) == "post a"
        assert str(intent("a", "b", "c")) == "post a and 2 more"
