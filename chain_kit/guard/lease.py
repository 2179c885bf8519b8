"""A lease on a signer: of all processes that share an outbox one sends, another takes over when it dies.

The lease is a row in the outbox's own database. Its token grows with each holder, and every change of the
journal is made only while the token is the holder's, in the same transaction: a process that was stopped and
wakes up after another took over signs nothing and writes nothing, whatever its clock says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from sqlalchemy import Connection, and_, select

from chain_kit.errors import StoreError
from chain_kit.outbox.database import Store, open_store
from chain_kit.outbox.journal import LeaseLostError
from chain_kit.outbox.tables import leases

__all__ = ["Lease", "LeaseHeldError"]

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 0.5


class LeaseHeldError(StoreError, hint="it takes over by itself when the holder ends; or stop the holder"):
    """Another process holds the lease on the signer; the message names it."""


class Lease:
    """The right of one process to send with a signer. Use it as an async context manager, or `acquire`.

    `url` is the outbox's, `holder` a name that tells an operator which process it is. The holder renews four
    times within `ttl_seconds`; when it no longer does, another may take over. `lost` is set once it has seen
    that.
    """

    def __init__(
        self, url: Path | str, signer: str, chain_id: int, holder: str, ttl_seconds: float = 8.0
    ) -> None:
        self.signer = signer
        self.chain_id = chain_id
        self.holder = holder
        self.lost = asyncio.Event()
        self._url = url
        self._ttl_ms = int(ttl_seconds * 1_000)
        self._store: Store | None = None
        self._token: int | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Lease:
        await self.acquire()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.release()

    @property
    def held(self) -> bool:
        """Whether it is held, as far as is known here."""
        return self._token is not None

    @property
    def token(self) -> int:
        """The fencing token. Raises LeaseLostError if the lease is not held."""
        if self._token is None:
            raise LeaseLostError(f"the lease on {self.signer} is not held here")
        return self._token

    def fence(self) -> tuple[str, int]:
        """What `Sender.open` and `Journal.open` take as their fence."""
        return self.signer, self.token

    async def acquire(self, wait_seconds: float | None = None) -> int:
        """Waits until the lease is free, takes it and keeps it; gives its token.

        Raises LeaseHeldError if another has held it for all of `wait_seconds`, or a StoreError.
        """
        if self._store is None:
            self._store = await asyncio.to_thread(open_store, self._url)
        loop = asyncio.get_running_loop()
        until = None if wait_seconds is None else loop.time() + wait_seconds
        while True:
            token, other = await self._change(self._take)
            if token is not None:
                break
            if until is not None and loop.time() >= until:
                raise LeaseHeldError(f"the lease on {self.signer} is held by {other}")
            await asyncio.sleep(_RETRY_SECONDS)
        await self._stop_renewing()
        self._token = token
        self.lost.clear()
        self._renewing = asyncio.create_task(self._keep())
        return token

    async def release(self) -> None:
        """Gives it up, so that another need not wait; calling it twice is fine."""
        await self._stop_renewing()
        if self._store is None:
            return
        token, self._token = self._token, None
        try:
            if token is not None:
                await self._change(lambda connection: self._set_expiry(connection, token, 0))
        finally:
            store, self._store = self._store, None
            await asyncio.to_thread(store.close)

    async def renew(self) -> bool:
        """Puts off its end. False if another has it by now: it is lost then."""
        token = self._token
        if token is None:
            return False
        kept = await self._change(lambda connection: self._set_expiry(connection, token, self._ttl_ms))
        if not kept and self._token == token:
            self._token = None
            self.lost.set()
            _LOG.error("the lease on %s is another process's now", self.signer)
        return kept

    # ------------------------------------------------------------------ inside

    async def _keep(self) -> None:
        while self.held:
            await asyncio.sleep(self._ttl_ms / 4_000)
            try:
                await self.renew()
            except StoreError as error:
                # Whoever takes over meanwhile has another token: nothing is signed with the old one.
                _LOG.warning("the lease on %s was not renewed: %s", self.signer, error.message)

    async def _stop_renewing(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
            self._renewing = None

    async def _change(self, change: Callable[[Connection], T]) -> T:
        assert self._store is not None
        return await asyncio.to_thread(self._store.write, change, lock=self.chain_id)

    def _mine(self) -> dict[str, object]:
        return {"chain_id": self.chain_id, "signer": self.signer}

    def _take(self, connection: Connection) -> tuple[int | None, str]:
        """The new token, or None and the name of the holder."""
        assert self._store is not None
        now = self._store.now_ms(connection)
        this = and_(leases.c.chain_id == self.chain_id, leases.c.signer == self.signer)
        found = connection.execute(select(leases).where(this)).first()
        values = {"holder": self.holder, "expires_at_ms": now + self._ttl_ms}
        if found is None:
            connection.execute(leases.insert().values({**self._mine(), **values, "token": 1}))
            return 1, ""
        if found.expires_at_ms > now and found.token != self._token:
            return None, str(found.holder)
        token: int = found.token + 1
        connection.execute(leases.update().where(this).values({**values, "token": token}))
        return token, ""

    def _set_expiry(self, connection: Connection, token: int, ttl_ms: int) -> bool:
        assert self._store is not None
        own = and_(
            leases.c.chain_id == self.chain_id, leases.c.signer == self.signer, leases.c.token == token
        )
        expiry = self._store.now_ms(connection) + ttl_ms if ttl_ms else 0
        return connection.execute(leases.update().where(own).values(expires_at_ms=expiry)).rowcount > 0
