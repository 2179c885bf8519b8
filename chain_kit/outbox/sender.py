"""The sender: brings intents about, and goes on with those that were under way when it last ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from chain_kit.errors import (
    ChainKitError,
    EffectMissingError,
    PendingError,
    RevertedError,
    RpcUnreachableError,
    SendError,
)
from chain_kit.fees import FeePolicy
from chain_kit.jsonrpc import JsonRpc
from chain_kit.merged_rpc import MergedRpc
from chain_kit.outbox.gate import Gate, OpenGate, Quote
from chain_kit.outbox.intents import Effects, Intent, Outcome, Row, State
from chain_kit.outbox.journal import Fence, Journal, LeaseLostError
from chain_kit.outbox.node import Node
from chain_kit.outbox.preflight import Preflight
from chain_kit.outbox.replacing import Replacer
from chain_kit.outbox.stepper import ExpiredError, Stepper
from chain_kit.outbox.watch import WATCH_EFFECTS, Watch
from chain_kit.reverts import decode_revert
from chain_kit.signers import Signer, refuse_public_key

__all__ = ["Sender"]

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE_SECONDS = 0.02


class Sender:
    """Sends the intents of one signer on one chain. Open it with `Sender.open`, close it with `aclose`.

    Several senders may share the outbox, in one process or in many. `on_done` is told of every intent that
    `submit` or `reconcile` finds done. `gate` is asked before anything is signed: see chain_kit.outbox.gate.
    """

    def __init__(
        self,
        rpc: JsonRpc,
        journal: Journal,
        signer: Signer,
        effects: Effects,
        *,
        fee_policy: FeePolicy | None = None,
        gate: Gate | None = None,
        on_done: Callable[[Outcome], None] = lambda _: None,
        poll_seconds: float = 1.0,
        timeout_seconds: float = 120.0,
    ) -> None:
        self.rpc = rpc
        rpc = MergedRpc(rpc)
        self.address = signer.address
        self.chain_id = journal.chain_id
        self._journal = journal
        policy = fee_policy or FeePolicy()
        self._gate = gate or OpenGate()
        self._node = Node(rpc)
        self._preflight = Preflight(rpc, journal.chain_id, policy)
        self._stepper = Stepper(
            rpc,
            journal,
            signer,
            {**effects, **WATCH_EFFECTS},
            node=self._node,
            preflight=self._preflight,
            replacer=Replacer(journal, signer, self._preflight, policy, self._gate),
            gate=self._gate,
        )
        self._watch = Watch(rpc, journal, signer.address, self._node, self._stepper)
        self._on_done = on_done
        self._poll_seconds = poll_seconds
        self._timeout_seconds = timeout_seconds
        self._wake = asyncio.Event()

    @classmethod
    async def open(
        cls,
        rpc: JsonRpc,
        url: Path | str,
        signer: Signer,
        effects: Effects,
        *,
        fence: Fence | None = None,
        **options: Any,
    ) -> Sender:
        """A sender on the outbox at `url`, a file's path or PostgreSQL's; `options` are the constructor's.

        `fence` is a lease's: nothing is signed or written but under it. Raises a StoreError if the outbox
        cannot be used for the node's chain, and DevKeyRefusedError for one of anvil's public keys on another
        chain.
        """
        await refuse_public_key(rpc, signer.address)
        genesis = await rpc.call("eth_getBlockByNumber", ["0x0", False])
        chain_id = await rpc.chain_id()
        journal = await asyncio.to_thread(Journal.open, url, chain_id, genesis["hash"], fence=fence)
        return cls(rpc, journal, signer, effects, **options)

    async def aclose(self) -> None:
        """Closes the outbox. What is under way stays in it."""
        await asyncio.to_thread(self._journal.close)

    async def __aenter__(self) -> Sender:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def poke(self) -> None:
        """There may be news on chain: whoever waits for a transaction looks now."""
        self._wake.set()
        self._wake.clear()

    async def under_way(self, contract: str, action: str) -> set[str]:
        """The subjects of `action` on `contract` that a row of the outbox works on."""
        return await self._stepper.in_journal(self._journal.held_subjects, contract, action)

    async def rows_about(self, contract: str, action: str, subjects: Iterable[str]) -> list[Row]:
        """The outbox's rows of `action` on one of the subjects, ended ones too, oldest first."""
        return await self._stepper.in_journal(self._journal.about, contract, action, subjects)

    async def submit(self, intent: Intent) -> Outcome:
        """Brings `intent` about, and returns when its effect holds. Nothing is sent if it holds already.

        An intent whose subjects another row works on waits for that row. Raises RevertedError if the contract
        refuses, before it is sent or after; EffectMissingError; ExpiredError once its deadline has passed;
        NotWorthItError while it costs more than it is worth, and whatever the gate says: nothing is
        journaled then; LeaseLostError; another SendError if it cannot be sent; and PendingError if it was
        sent but is not mined in time: submitting it again goes on with it.
        """
        outcome = None
        while outcome is None:
            seen, last = await self._stepper.in_journal(self._journal.look, intent)
            row = await self._at_work(last)
            if row is None:
                if await self._is_there(intent, last):
                    done = last is not None and last.state is State.DONE
                    outcome = _outcome(last) if last is not None and done else Outcome(intent)
                    break
                # Its block is looked for once more: it may have gone since, and the effect with it.
                row = await self._at_work(last) or await self._try_to_enter(intent, seen)
            if row is not None:
                row = await self._drive(row)
                outcome = _outcome(row) if row.intent.subjects == intent.subjects else None
        await self._tell(outcome)
        return outcome

    async def quote(self, intent: Intent) -> Quote:
        """What the intent would cost now at the highest, and whether the contract takes it.

        Raises FeeCapError or an RpcError.
        """
        return await self._preflight.quote(intent, self.address)

    async def reconcile(self) -> list[Row]:
        """Compares all rows that are not final with the chain, and moves them on, without waiting.

        A start begins with this, and so does every round of a keeper. Gives the rows that are still under
        way; one that cannot be moved on now is logged.
        """
        await self._watch.check_blocks()
        for row in await self._watch.rows():
            try:
                moved = await self._stepper.step(row, recovered=True)
                if row.state.live and moved.state is State.DONE:
                    await self._tell(_outcome(moved))
            except (RpcUnreachableError, LeaseLostError):
                raise
            except ChainKitError as error:
                _LOG.warning("%s", error.message)
        await self._fill_gap()
        return [row for row in await self._watch.rows() if row.state.live]

    # ------------------------------------------------------------------ inside

    async def _tell(self, outcome: Outcome) -> None:
        await self._gate.verified(outcome.intent)
        self._on_done(outcome)

    async def _at_work(self, last: Row | None) -> Row | None:
        """The row if it is live; one whose block is gone is so again."""
        if last is None or last.state.live:
            return last
        if last.block_number is None:
            return None
        hashes = await self._node.block_hashes({last.block_number})
        gone = self._stepper.is_gone(last, hashes[last.block_number])
        return await self._stepper.demote(last) if gone else None

    async def _is_there(self, intent: Intent, last: Row | None) -> bool:
        """Whether the effect holds. A node that is behind the block in which it did is not believed."""
        if last is None or last.state is not State.DONE or last.block_number is None:
            return await self._stepper.holds(intent.effect)
        head = await self._node.head()
        if head.number < last.block_number:
            raise RpcUnreachableError(self.rpc.public_url, f"it is behind block {last.block_number}")
        return await self._stepper.holds(intent.effect, head.number)

    async def _try_to_enter(self, intent: Intent, seen: int) -> Row | None:
        """Enters the intent, unless the contract refuses because somebody has just done it."""
        try:
            return await self._enter(intent, seen)
        except RevertedError:
            _, last = await self._stepper.in_journal(self._journal.look, intent)
            if await self._at_work(last) is None and not await self._stepper.holds(intent.effect):
                raise
            return None

    async def _enter(self, intent: Intent, seen: int) -> Row | None:
        """The new row, broadcast; None if there is one already."""
        row, entered = await self._stepper.enter(intent, seen=seen)
        if not entered:
            return None
        try:
            return await self._stepper.first_broadcast(row)
        except LeaseLostError:
            raise
        except ChainKitError as error:
            # It stands in the journal: whoever waits for it broadcasts it again.
            _LOG.warning("%s", error.message)
        return row

    async def _drive(self, row: Row) -> Row:
        """Moves `row` on until it is done or failed. Raises PendingError if that takes too long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeout_seconds
        pause = _FIRST_PAUSE_SECONDS
        is_new = True
        while True:
            problem: ChainKitError | None = None
            before = row
            try:
                row = await self._stepper.step(row if is_new else await self._newest(row))
                is_new = False
            except LeaseLostError:
                raise
            except ChainKitError as error:
                problem = error
            if not row.state.live and row.state is not State.SUPERSEDED:
                return row
            if loop.time() >= until:
                raise self._gave_up(row, problem)
            if row == before:
                await self._pause(pause)
                pause = min(pause * 2, self._poll_seconds)

    async def _newest(self, row: Row) -> Row:
        """The row as it stands now, or the one that carries its intent on."""
        row = await self._stepper.in_journal(self._journal.row, row.id)
        while row.state is State.SUPERSEDED:
            successor = await self._stepper.in_journal(self._journal.successor, row)
            if successor is None:
                break
            row = successor
        return row

    def _gave_up(self, row: Row, problem: ChainKitError | None) -> ChainKitError:
        if isinstance(problem, SendError):
            return problem
        why = f" ({problem.message})" if problem is not None else ""
        return PendingError(
            f"{row.intent}: transaction {row.tx_hash} with nonce {row.nonce} is not mined after"
            f" {self._timeout_seconds:g} s{why}"
        )

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _fill_gap(self) -> None:
        intent = await self._watch.gap()
        if intent is None:
            return
        seen = await self._stepper.in_journal(self._journal.newest)
        try:
            await self._enter(intent, seen)
        except (RpcUnreachableError, LeaseLostError):
            raise
        except ChainKitError as error:
            _LOG.warning("%s", error.message)


def _outcome(row: Row) -> Outcome:
    """What a row that has ended means for whoever asked for it."""
    if row.state is State.DONE:
        ours = row.block_number is not None and not row.reason
        return Outcome(row.intent, row.tx_hash, row.block_number) if ours else Outcome(row.intent)
    if row.state is State.EXPIRED:
        raise ExpiredError(f"{row.intent}: {row.reason}")
    if row.revert_data is None:
        raise EffectMissingError(f"{row.intent}: {row.reason} (transaction {row.tx_hash})")
    raise RevertedError(
        f"{row.intent}: the contract refused: {row.reason}",
        error_name=decode_revert(row.revert_data).name or None,
        data=row.revert_data,
        transaction=row.tx_hash if row.nonce is not None else None,
    )
