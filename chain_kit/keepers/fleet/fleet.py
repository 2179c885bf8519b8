"""Many keepers in one process, with one signer, one outbox, one lease and one pool of nodes.

Only the holder of the lease has a sender; others stand by, observe prices meanwhile, and take over when it
ends. Each keeper fails for itself. Whoever has lost the lease stops at once, and waits for its turn again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from chain_kit.errors import ChainKitError, StoreError
from chain_kit.guard import Lease, LeaseHeldError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.config import FleetConfig
from chain_kit.keepers.effects import EFFECTS
from chain_kit.keepers.fleet.parts import KeeperParts
from chain_kit.keepers.fleet.round_log import RoundLog
from chain_kit.keepers.fleet.rounds import Rounds, needs_somebody
from chain_kit.keepers.fleet.sender import FleetSender, tell_once
from chain_kit.outbox import Gate, LeaseLostError, Outcome, Sender
from chain_kit.signers import Signer

__all__ = ["Fleet"]

_LOG = logging.getLogger(__name__)
_LAST_ROUND_SECONDS = 3.0
_RETRY_SECONDS = 0.5
_REOPEN_SECONDS = 2.0


class Fleet:
    """The keepers of one configuration. `run` them until a stop, or each `once`.

    `gate` is asked before anything is signed. `on_done` is told of every effect, `on_lease` of the lease:
    its token when it is taken, None when it is lost or given back; `on_failure` of each round that failed, by
    the keeper's name.
    """

    def __init__(
        self,
        config: FleetConfig,
        rpc: JsonRpc,
        signer: Signer,
        parts: KeeperParts,
        *,
        gate: Gate | None = None,
        on_done: Callable[[Outcome], None] = lambda _: None,
        on_lease: Callable[[int | None], None] = lambda _: None,
        on_failure: Callable[[str], None] = lambda _: None,
        poll_seconds: float = 0.5,
        longest_pause_seconds: float = 15.0,
    ) -> None:
        self._config = config
        self._rpc = rpc
        self._signer = signer
        self._parts = parts
        self._gate = gate
        self._on_done = tell_once(on_done)
        self._on_lease = on_lease
        self._on_failure = on_failure
        self._poll_seconds = poll_seconds
        self._longest_pause_seconds = longest_pause_seconds
        self._lease = Lease(
            config.outbox,
            signer.address,
            config.chain.chain_id,
            config.lease.holder,
            config.lease.ttl_seconds,
        )
        self._log: RoundLog | None = None
        self._waiting = "it has not started yet"
        self._ended: dict[str, Rounds] = {}
        self.rounds: tuple[Rounds, ...] = ()
        """Those that are at work, or have ended."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not ready, each a sentence; none if every keeper works."""
        waiting = (self._waiting,) if self._waiting else ()
        return (*waiting, *(rounds.reason for rounds in self.rounds if rounds.reason))

    async def run(self, stop: asyncio.Event) -> None:
        """Works whenever the lease is held, until `stop` is set.

        Raises what ended the last keeper if none is left, and what keeps the sender from being opened and
        needs somebody.
        """
        observing = asyncio.create_task(self._observe(stop))
        try:
            while not stop.is_set():
                if await self._take_lease(stop):
                    await self._hold(stop)
        finally:
            observing.cancel()
            await asyncio.gather(observing, return_exceptions=True)
            await self._close()

    async def once(self) -> None:
        """Each keeper's round, one after another. Raises LeaseHeldError, and the first failure at the end."""
        observing = asyncio.create_task(self._observe(asyncio.Event()))
        try:
            self._on_lease(await self._lease.acquire(0))
            async with await self._open_sender() as sender:
                self._start(sender)
                for rounds in self.rounds:
                    await rounds.once()
            for rounds in self.rounds:
                if rounds.failure is not None:
                    raise rounds.failure
        finally:
            observing.cancel()
            await asyncio.gather(observing, return_exceptions=True)
            await self._close()

    # ------------------------------------------------------------------ the lease

    async def _take_lease(self, stop: asyncio.Event) -> bool:
        """Waits for the lease. False if `stop` was set first."""
        told = ""
        while not stop.is_set():
            try:
                token = await self._lease.acquire(0)
            except LeaseHeldError as error:
                self._waiting = f"on standby: {error.message}"
            except StoreError as error:
                if needs_somebody(error):
                    raise
                self._waiting = error.message
            else:
                _LOG.info("%s has the lease on %s", self._config.lease.holder, self._signer.address)
                self._on_lease(token)
                return True
            if self._waiting != told:
                told = self._waiting
                _LOG.info("%s", told)
            await _pause(stop, _RETRY_SECONDS)
        return False

    async def _hold(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set or the lease is lost."""
        try:
            while not stop.is_set() and self._lease.held:
                try:
                    sender = await self._open_sender()
                except ChainKitError as error:
                    if needs_somebody(error):
                        raise
                    self._waiting = error.message
                    _LOG.warning("%s", error.message)
                    await _first(stop.wait(), self._lease.lost.wait(), asyncio.sleep(_REOPEN_SECONDS))
                    continue
                async with sender:
                    self._start(sender)
                    await self._work(stop)
                return
        finally:
            self._waiting = "it has no lease"
            self._on_lease(None)

    async def _close(self) -> None:
        try:
            await self._lease.release()
        except StoreError as error:
            _LOG.warning("the lease is not given back, and runs out: %s", error.message)
        if self._log is not None:
            log, self._log = self._log, None
            await log.aclose()

    # ------------------------------------------------------------------ the work

    async def _open_sender(self) -> Sender:
        if self._log is None:
            self._log = await RoundLog.open(
                self._config.outbox,
                self._config.chain.chain_id,
                self._signer.address,
                self._config.lease.holder,
            )
        return await FleetSender.open(
            self._rpc,
            self._config.outbox,
            self._signer,
            EFFECTS,
            fence=self._lease.fence,
            fee_policy=self._config.fees,
            gate=self._gate,
            on_done=self._on_done,
            poll_seconds=self._poll_seconds,
        )

    def _start(self, sender: Sender) -> None:
        """A keeper that needs somebody does not begin anew with the next lease."""
        fresh = [
            Rounds(name, keeper, poll_seconds, self._longest_pause_seconds, self._note)
            for name, keeper, poll_seconds in self._parts.keepers(sender)
        ]
        self.rounds = tuple(self._ended.get(rounds.name, rounds) for rounds in fresh)
        self._waiting = ""

    async def _work(self, stop: asyncio.Event) -> None:
        over = asyncio.Event()
        tasks = [asyncio.create_task(self._one(rounds, over)) for rounds in self.rounds]
        try:
            await _first(stop.wait(), self._lease.lost.wait(), asyncio.wait(tasks))
            over.set()
            # What a transaction keeps waiting is broken off: the outbox goes on with it next time.
            await asyncio.wait(tasks, timeout=0 if self._lease.lost.is_set() else _LAST_ROUND_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._ended = {rounds.name: rounds for rounds in self.rounds if rounds.has_ended}
        if len(self._ended) == len(self.rounds):
            failure = self.rounds[-1].failure
            assert failure is not None
            raise failure

    async def _one(self, rounds: Rounds, over: asyncio.Event) -> None:
        """One keeper's rounds, until `over` is set."""
        while not over.is_set() and not rounds.has_ended:
            try:
                await rounds.run(over)
            except LeaseLostError as error:
                _LOG.error("%s", error.message)
                try:
                    await self._lease.renew()
                except StoreError as failure:
                    _LOG.warning("%s", failure.message)
                await _pause(over, _RETRY_SECONDS)

    async def _note(self, name: str, problem: str) -> None:
        assert self._log is not None
        if problem:
            self._on_failure(name)
        try:
            await self._log.note(name, problem)
        except StoreError as error:
            _LOG.warning("the round of %s is not written down: %s", name, error.message)

    async def _observe(self, stop: asyncio.Event) -> None:
        """Lets the price sources observe, on standby too: who takes over has seen the last boundary."""
        while not stop.is_set():
            try:
                await self._parts.prices.run(stop)
            except Exception:  # noqa: BLE001  # whatever it was, keepers work on with what is known
                _LOG.exception("a price source fails; it is started again")
                await _pause(stop, _REOPEN_SECONDS)
            else:
                return


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def _first(*waits: Any) -> None:
    """Returns when one of them does; the others are cancelled."""
    tasks: Iterable[asyncio.Future[Any]] = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
