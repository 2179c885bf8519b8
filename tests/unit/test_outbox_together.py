"""Calls of the journal that go together: stored at once, undone alone, and told when they are stored."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chain_kit.errors import StoreError
from chain_kit.fees import Fees
from chain_kit.outbox import Effect, Intent, Journal, Offer, Row
from chain_kit.outbox.together import Together
from chain_kit.signers import SignedTransaction
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

CHAIN, GENESIS = 31337, "0x" + "11" * 32
SENDER = "0x" + "33" * 20
OFFER = Offer(21_000, Fees(20, 2))


def sign(nonce: int) -> SignedTransaction:
    """Bytes and a hash that tell the nonce."""
    return SignedTransaction(b"raw" + bytes([nonce]), f"0x{nonce:064x}")


def entering(journal: Journal, number: int, make: Callable[[int], SignedTransaction] = sign) -> Any:
    """A call that enters the intent of that number."""
    effect = Effect("known", {"at": number})
    intent = Intent("0x" + "22" * 20, "post", (str(number),), b"", effect)
    return partial(journal.begin, intent, SENDER, 0, make, offer=OFFER, seen=0)


class Counting(Journal):
    """A journal that remembers how many calls went together, and can be held up or broken."""

    groups: list[int]
    broken = ""

    def together(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """As the journal does."""
        self.groups.append(len(calls))
        found = super().together(calls)
        if self.broken:
            raise StoreError(self.broken)
        return found


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the outbox is."""
    if request.param == "sqlite":
        return str(tmp_path / "outbox.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
def journal(url: str) -> Iterator[Counting]:
    """An open outbox."""
    journal = Counting.open(url, CHAIN, GENESIS)
    assert isinstance(journal, Counting)
    journal.groups = []
    yield journal
    journal.close()


@pytest.fixture
def file_journal(tmp_path: Path) -> Iterator[Journal]:
    """An open outbox in a file."""
    journal = Journal.open(tmp_path / "outbox.db", CHAIN, GENESIS)
    yield journal
    journal.close()


async def enter(together: Together, journal: Journal, *numbers: int) -> list[Row]:
    """Enters all of them at once."""
    made = await asyncio.gather(*(together.call(entering(journal, number)) for number in numbers))
    return [row for row, _ in made]


async def test_all_that_wait_get_a_nonce_of_their_own(journal: Counting) -> None:
    """None is left out between them, and what each was told is what is stored."""
    rows = await enter(Together(journal), journal, *range(20))

    assert sorted(row.nonce or 0 for row in rows) == list(range(20))
    assert [journal.row(row.id) for row in rows] == rows
    assert journal.groups[0] == 20


async def test_a_call_alone_goes_alone(journal: Counting) -> None:
    """It needs nobody."""
    (row,) = await enter(Together(journal), journal, 1)

    assert row.nonce == 0
    assert journal.groups == []


async def test_an_error_undoes_its_own_call(journal: Counting) -> None:
    """Whoever was refused is told, its nonce is the next one's, and the others are stored."""

    def refuse(nonce: int) -> SignedTransaction:
        raise ValueError(f"not {nonce}")

    together = Together(journal)
    calls = [entering(journal, n, refuse if n == 3 else sign) for n in range(6)]
    found = await asyncio.gather(*(together.call(call) for call in calls), return_exceptions=True)

    assert [type(one) for one in found] == [tuple] * 3 + [ValueError] + [tuple] * 2
    nonces = [one[0].nonce for one in found if isinstance(one, tuple)]
    assert nonces == list(range(5))


async def test_an_error_of_the_database_undoes_all(file_journal: Journal) -> None:
    """What was in the transaction is gone, with all of its nonces."""

    def break_down(_: int) -> SignedTransaction:
        raise StoreError("the disk is full")

    calls = [entering(file_journal, n, break_down if n == 3 else sign) for n in range(6)]
    with pytest.raises(StoreError, match="disk is full"):
        file_journal.together(calls)

    assert file_journal.newest() == 0


async def test_everybody_is_told_of_an_error_of_the_database(journal: Counting) -> None:
    """Nobody waits for ever, and the next calls are made."""
    together = Together(journal)
    journal.broken = "the disk is full"
    calls = [together.call(entering(journal, n)) for n in range(4)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    journal.broken = ""

    assert [type(one) for one in found] == [StoreError] * 4
    assert len(await enter(together, journal, 7, 8)) == 2


async def test_what_is_told_can_be_read_by_others(file_journal: Journal, tmp_path: Path) -> None:
    """Not before all is stored does anybody hear of it: a broadcast has its row."""
    seen: list[bool] = []

    async def enter_and_look(together: Together, number: int) -> None:
        row, _ = await together.call(entering(file_journal, number))
        with closing(sqlite3.connect(tmp_path / "outbox.db")) as other:
            seen.append(other.execute("SELECT 1 FROM attempt WHERE row_id = ?", (row.id,)).fetchone() == (1,))

    together = Together(file_journal)
    await asyncio.gather(*(enter_and_look(together, number) for number in range(10)))

    assert seen == [True] * 10


async def test_a_slow_signer_does_not_keep_the_database(
    journal: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls that it leaves behind come next, in the same order, and none is made twice."""
    monkeypatch.setattr("chain_kit.outbox.outcomes._MOST_SECONDS", 0.0)
    rows = await enter(Together(journal), journal, *range(5))

    assert [row.nonce for row in rows] == list(range(5))
    assert journal.groups == [5, 4, 3, 2]


async def test_who_goes_away_holds_up_nobody(journal: Counting) -> None:
    """The call is made all the same, and the others are told of theirs."""
    together = Together(journal)
    calls = [asyncio.create_task(together.call(entering(journal, n))) for n in range(4)]
    await asyncio.sleep(0)
    calls[1].cancel()
    found = await asyncio.gather(*calls, return_exceptions=True)

    assert isinstance(found[1], asyncio.CancelledError)
    assert [one[0].nonce for one in found if isinstance(one, tuple)] == [0, 2, 3]


class Killed(BaseException):
    """Nothing runs after it."""


async def test_a_kill_in_the_middle_stores_nothing(file_journal: Journal) -> None:
    """Neither what came before it nor what came after."""

    def die(_: int) -> SignedTransaction:
        raise Killed

    with pytest.raises(Killed):
        file_journal.together([entering(file_journal, n, die if n == 2 else sign) for n in range(4)])

    assert file_journal.newest() == 0
