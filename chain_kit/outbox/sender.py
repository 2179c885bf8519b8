"""The sender: brings intents about, and goes on with those that were under way when it last ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from chain_kit.contracts import block_tag
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
from chain_kit.outbox.intents import Effect, Effects, Intent, Outcome, Row, State
from chain_kit.outbox.journal import Journal
from chain_kit.outbox.node import Node
from chain_kit.outbox.stepper import Stepper
from chain_kit.reverts import decode_revert
from chain_kit.signers import Signer, refuse_public_key

__all__ = ["Sender"]

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE_SECONDS = 0.02
_NONCE_USED = "nonce used"


class Sender:
    """Sends the intents of one signer on one chain. Open it with `Sender.open`, close it with `aclose`.

    Several senders may share the outbox file, in one process or in many. `on_done` is told of every intent
    that `submit` or `reconcile` finds done.
    """

    def __init__(
        self,
        rpc: JsonRpc,
        journal: Journal,
        signer: Signer,
        effects: Effects,
        *,
        fee_policy: FeePolicy | None = None,
        on_done: Callable[[Outcome], None] = lambda _: None,
        poll_seconds: float = 1.0,
        timeout_seconds: float = 120.0,
    ) -> None:
        self.rpc = rpc
        self.address = signer.address
        self.chain_id = journal.chain_id
        self._journal = journal
        self._node = Node(rpc, fee_policy or FeePolicy())
        checks = {**effects, _NONCE_USED: _nonce_used}
        self._stepper = Stepper(rpc, journal, signer, checks, self._node)
        self._on_done = on_done
        self._poll_seconds = poll_seconds
        self._timeout_seconds = timeout_seconds
        self._wake = asyncio.Event()

    @classmethod
    async def open(
        cls, rpc: JsonRpc, path: Path | str, signer: Signer, effects: Effects, **options: Any
    ) -> Sender:
        """A sender on the outbox file at `path`; `options` are the constructor's.

        Raises a StoreError if the file cannot be used for the node's chain, and DevKeyRefusedError for one of
        anvil's public keys on another chain.
        """
        await refuse_public_key(rpc, signer.address)
        genesis = await rpc.call("eth_getBlockByNumber", ["0x0", False])
        journal = await asyncio.to_thread(Journal.open, path, await rpc.chain_id(), genesis["hash"])
        return cls(rpc, journal, signer, effects, **options)

    async def aclose(self) -> None:
        """Closes the outbox file. What is under way stays in it."""
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

    async def submit(self, intent: Intent) -> Outcome:
        """Brings `intent` about, and returns when its effect holds. Nothing is sent if it holds already.

        An intent whose subjects another row works on waits for that row. Raises RevertedError if the contract
        refuses, before it is sent or after; EffectMissingError; another SendError if it cannot be sent; and
        PendingError if it was sent but is not mined in time: submitting it again goes on with it.
        """
        outcome = None
        while outcome is None:
            seen = await self._stepper.in_journal(self._journal.newest)
            row = await self._at_work(intent)
            if row is not None:
                row = await self._drive(row)
                outcome = _outcome(row) if row.intent.subjects == intent.subjects else None
            elif await self._stepper.holds(intent.effect):
                last = await self._stepper.in_journal(self._journal.last, intent)
                done = last is not None and last.state is State.DONE
                outcome = _outcome(last) if last is not None and done else Outcome(intent)
            else:
                await self._try_to_enter(intent, seen)
        self._on_done(outcome)
        return outcome

    async def reconcile(self) -> list[Row]:
        """Compares all rows that are not final with the chain, and moves them on, without waiting.

        A start begins with this, and so does every round of a keeper. Gives the rows that are still under
        way; one that cannot be moved on now is logged.
        """
        await self._check_blocks()
        for row in await self._watched():
            try:
                moved = await self._stepper.step(row, recovered=True)
                if row.state.live and moved.state is State.DONE:
                    self._on_done(_outcome(moved))
            except RpcUnreachableError:
                raise
            except ChainKitError as error:
                _LOG.warning("%s", error.message)
        await self._fill_gap()
        return [row for row in await self._watched() if row.state.live]

    # ------------------------------------------------------------------ inside

    async def _watched(self) -> list[Row]:
        return await self._stepper.in_journal(self._journal.watched)

    async def _at_work(self, intent: Intent) -> Row | None:
        """A live row on one of the intent's subjects; one whose block is gone is one again."""
        holders = await self._stepper.in_journal(self._journal.holders, intent)
        if holders:
            return holders[0]
        last = await self._stepper.in_journal(self._journal.last, intent)
        if last is None or last.block_number is None:
            return None
        hashes = await self._node.block_hashes({last.block_number})
        if hashes[last.block_number] == last.block_hash:
            return None
        return await self._stepper.demote(last)

    async def _try_to_enter(self, intent: Intent, seen: int) -> None:
        """Enters the intent, unless the contract refuses because somebody has just done it."""
        try:
            await self._enter(intent, seen)
        except RevertedError:
            if await self._at_work(intent) is None and not await self._stepper.holds(intent.effect):
                raise

    async def _enter(self, intent: Intent, seen: int) -> None:
        row, entered = await self._stepper.enter(intent, seen=seen)
        if entered:
            try:
                await self._stepper.broadcast(row)
            except ChainKitError as error:
                # It stands in the journal: whoever waits for it broadcasts it again.
                _LOG.warning("%s", error.message)

    async def _drive(self, row: Row) -> Row:
        """Moves `row` on until it is done or failed. Raises PendingError if that takes too long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeout_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            problem: ChainKitError | None = None
            before = row
            try:
                row = await self._stepper.step(await self._newest(row))
            except ChainKitError as error:
                problem = error
            if row.state in (State.DONE, State.FAILED):
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

    async def _check_blocks(self) -> None:
        """Ends the watch over rows in final blocks; takes those back to work whose block is gone."""
        settled = [
            row for row in await self._watched() if row.block_number is not None and not row.state.live
        ]
        finalized = await self._node.finalized()
        hashes = await self._node.block_hashes({row.block_number for row in settled if row.block_number})
        final = []
        for row in settled:
            assert row.block_number is not None
            if hashes[row.block_number] != row.block_hash:
                await self._stepper.demote(row)
            elif row.block_number <= finalized:
                final.append(row)
        await self._stepper.in_journal(self._journal.finalize, final)

    async def _fill_gap(self) -> None:
        """Uses up a nonce that nobody holds and that rows above it wait for.

        One is left behind when a transaction of another program with this key took a nonce and went away.
        """
        held = [row.nonce for row in await self._watched() if row.sender == self.address and row.state.live]
        nonces = [nonce for nonce in held if nonce is not None]
        if not nonces:
            return
        count = await self.rpc.call("eth_getTransactionCount", [self.address, "pending"])
        gap = int(count, 16)
        if min(nonces) <= gap:
            return
        _LOG.warning("nonce %s of %s is missing; sending it an empty transaction", gap, self.address)
        effect = Effect(_NONCE_USED, {"account": self.address, "nonce": gap})
        seen = await self._stepper.in_journal(self._journal.newest)
        await self._enter(Intent(self.address, "fill nonce", (str(gap),), b"", effect), seen)


async def _nonce_used(rpc: JsonRpc, args: Mapping[str, Any], block: int | str) -> bool:
    count = await rpc.call("eth_getTransactionCount", [args["account"], block_tag(block)])
    return int(count, 16) > int(args["nonce"])


def _outcome(row: Row) -> Outcome:
    """What a row that is done or failed means for whoever asked for it."""
    if row.state is State.DONE:
        ours = row.block_number is not None and not row.reason
        return Outcome(row.intent, row.tx_hash, row.block_number) if ours else Outcome(row.intent)
    if row.revert_data is None:
        raise EffectMissingError(f"{row.intent}: {row.reason} (transaction {row.tx_hash})")
    raise RevertedError(
        f"{row.intent}: the contract refused: {row.reason}",
        error_name=decode_revert(row.revert_data).name or None,
        data=row.revert_data,
        transaction=row.tx_hash if row.block_number is not None else None,
    )
