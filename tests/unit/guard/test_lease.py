from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain_kit.errors import StoreCorruptError
from chain_kit.fees import Fees
from chain_kit.guard import Lease, LeaseHeldError
from chain_kit.outbox import Effect, Intent, Journal, LeaseLostError, Level, Offer, State
from chain_kit.signers import SignedTransaction
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

CHAIN, GENESIS = 31337, "0x" + "11" * 32
SIGNER, OTHER = "0x" + "33" * 20, "0x" + "44" * 20
INTENT = Intent("0x" + "22" * 20, "post", ("a",), b"", Effect("known", {}))
OFFER = Offer(21_000, Fees(20, 2))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An outbox's place, on either database."""
    if request.param == "sqlite":
        return str(tmp_path / "outbox.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
async def first(url: str) -> AsyncIterator[Lease]:
    """A lease that is held."""
    async with Lease(url, SIGNER, CHAIN, "first") as lease:
        yield lease


def expire(lease: Lease) -> None:
    """As if its holder had not renewed it for long."""
    store, token = lease._store, lease.token
    assert store is not None
    store.write(lambda connection: lease._set_expiry(connection, token, 0), lock=CHAIN)


class TestHolding:
    """Who has it."""

    async def test_is_one_process_s_at_a_time(self, first: Lease, url: str) -> None:
        """The second is told who holds it."""
        second = Lease(url, SIGNER, CHAIN, "second")

        with pytest.raises(LeaseHeldError, match=f"{SIGNER} is held by first"):
            await second.acquire(wait_seconds=0)

        assert (first.held, second.held) == (True, False)
        await second.release()

    @pytest.mark.usefixtures("first")
    async def test_is_per_signer_and_chain(self, url: str) -> None:
        """Other keys and other chains on the same database have leases of their own."""
        for signer, chain_id in ((OTHER, CHAIN), (SIGNER, 8453)):
            async with Lease(url, signer, chain_id, "second") as lease:
                assert lease.token == 1

    async def test_goes_to_the_next_when_it_is_given_up(self, url: str) -> None:
        """At once, with a higher token."""
        async with Lease(url, SIGNER, CHAIN, "first") as one:
            assert one.fence() == (SIGNER, 1)
        two = Lease(url, SIGNER, CHAIN, "second")

        assert await two.acquire(wait_seconds=0) == 2
        await two.release()

    async def test_goes_to_the_next_when_it_was_not_renewed(self, first: Lease, url: str) -> None:
        """The first notices at its next renewal, and says so."""
        expire(first)
        async with Lease(url, SIGNER, CHAIN, "second") as second:
            assert second.token == first.token + 1

            assert not await first.renew()

            assert first.lost.is_set()
            with pytest.raises(LeaseLostError, match="not held here"):
                first.fence()

    async def test_is_kept_as_long_as_its_holder_lives(self, url: str) -> None:
        """Far beyond its time: it is renewed in the background."""
        async with Lease(url, SIGNER, CHAIN, "first", ttl_seconds=1.0) as lease:
            second = Lease(url, SIGNER, CHAIN, "second")
            with pytest.raises(LeaseHeldError):
                await second.acquire(wait_seconds=2.0)
            assert await lease.renew()
            await second.release()

    async def test_may_be_taken_again_after_it_was_lost(self, first: Lease, url: str) -> None:
        """With a new token; the loss is forgotten."""
        expire(first)
        async with Lease(url, SIGNER, CHAIN, "second"):
            await first.renew()

        assert await first.acquire(wait_seconds=0) == 3
        assert not first.lost.is_set()

    async def test_one_of_many_gets_it(self, url: str) -> None:
        """Eight that ask at the same moment."""
        all_of_them = [Lease(url, SIGNER, CHAIN, str(number)) for number in range(8)]

        results = await asyncio.gather(
            *(lease.acquire(wait_seconds=0) for lease in all_of_them), return_exceptions=True
        )

        assert sum(result == 1 for result in results) == 1
        assert sum(isinstance(result, LeaseHeldError) for result in results) == 7
        for lease in all_of_them:
            await lease.release()


class TestFence:
    """What a journal does under a lease."""

    @staticmethod
    def sign(nonce: int) -> SignedTransaction:
        """Bytes that tell the nonce."""
        return SignedTransaction(b"raw", f"0x{nonce:064x}")

    def journal(self, lease: Lease, url: str) -> Journal:
        """A journal that writes under the lease."""
        return Journal.open(url, CHAIN, GENESIS, fence=lease.fence)

    async def test_lets_the_holder_write(self, first: Lease, url: str) -> None:
        """Everything works as without one."""
        journal = self.journal(first, url)

        row, entered = journal.begin(INTENT, SIGNER, 0, self.sign, offer=OFFER, seen=0)

        assert entered
        assert journal.update(row, State.SENT).level is Level.SENT
        journal.close()

    async def test_lets_nobody_sign_who_has_lost_it(self, first: Lease, url: str) -> None:
        """The holder does not know it yet: the token is compared in the transaction, before the signature."""
        journal = self.journal(first, url)
        expire(first)
        signed: list[int] = []

        def sign(nonce: int) -> SignedTransaction:
            signed.append(nonce)
            return self.sign(nonce)

        async with Lease(url, SIGNER, CHAIN, "second"):
            with pytest.raises(LeaseLostError, match="it is with second"):
                journal.begin(INTENT, SIGNER, 0, sign, offer=OFFER, seen=0)

        assert (signed, journal.rows()) == ([], [])
        journal.close()

    async def test_holds_for_every_change(self, first: Lease, url: str) -> None:
        """Not only for new rows."""
        journal = self.journal(first, url)
        row, _ = journal.begin(INTENT, SIGNER, 0, self.sign, offer=OFFER, seen=0)
        done = journal.update(row, State.DONE, block=(3, "0xabc"))
        expire(first)

        async with Lease(url, SIGNER, CHAIN, "second"):
            for change in (
                lambda: journal.update(done, State.SENT),
                lambda: journal.drop(done, "there"),
                lambda: journal.settle([done], Level.SAFE),
                lambda: journal.replace(row, row.attempt.kind, self.sign, offer=OFFER),
            ):
                with pytest.raises(LeaseLostError):
                    change()

        assert journal.row(row.id) == done
        journal.close()

    async def test_needs_a_lease_that_was_ever_held(self, url: str) -> None:
        """A token without a row is nobody's."""
        journal = Journal.open(url, CHAIN, GENESIS, fence=lambda: (SIGNER, 1))

        with pytest.raises(LeaseLostError, match="it is with nobody"):
            journal.begin(INTENT, SIGNER, 0, self.sign, offer=OFFER, seen=0)
        journal.close()


async def test_a_renewal_that_fails_is_tried_again(tmp_path: Path) -> None:
    """The database is locked for a while: the lease goes on, as nobody else could take it."""
    path = tmp_path / "outbox.db"
    async with Lease(path, SIGNER, CHAIN, "first") as lease:
        locker = sqlite3.connect(path, isolation_level=None)
        assert lease._store is not None
        lease._store._raw.execute("PRAGMA busy_timeout = 1")  # type: ignore[attr-defined]
        locker.execute("BEGIN IMMEDIATE")
        with pytest.raises(Exception, match="locked by another process"):
            await lease.renew()
        locker.execute("ROLLBACK")
        locker.close()

        assert lease.held
        assert await lease.renew()


async def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    """Nothing is sent without a lease."""
    path = tmp_path / "outbox.db"
    path.write_bytes(b"not a database at all, but long enough to have a header" * 20)

    with pytest.raises(StoreCorruptError):
        await Lease(path, SIGNER, CHAIN, "first").acquire()
