"""One row compared with the chain, and moved on.

    a receipt                      done or failed, as the effect tells
    its nonce used by another      done if the effect holds all the same, else built again with a new nonce
    unknown to the node            its bytes, as they are, are broadcast (again)
    in the pool                    wait

A row that was entered a moment ago, one left by a process that was killed, and one whose block a reorg took
back differ in nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from chain_kit.errors import RevertedError, RpcResponseError, SendError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox.intents import Effect, Effects, Intent, Row, State
from chain_kit.outbox.journal import Journal
from chain_kit.outbox.node import Answer, Node
from chain_kit.signers import SignedTransaction, Signer

__all__ = ["Stepper"]

P = ParamSpec("P")
T = TypeVar("T")
_LOG = logging.getLogger(__name__)


class Stepper:
    """Moves the journal's rows on. Only rows of `signer` can be built again."""

    def __init__(self, rpc: JsonRpc, journal: Journal, signer: Signer, effects: Effects, node: Node) -> None:
        self._rpc = rpc
        self._journal = journal
        self._signer = signer
        self._effects = effects
        self._node = node
        # Rows whose nonce seemed lost at the last look.
        self._suspects: set[int] = set()

    async def in_journal(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a method of the journal, which blocks, in a thread."""
        return await asyncio.to_thread(function, *args, **kwargs)

    async def holds(self, effect: Effect, block: int | str = "latest") -> bool:
        """Whether the effect holds as of a block. Raises SendError for an effect that nobody can check."""
        check = self._effects.get(effect.name)
        if check is None:
            raise SendError(
                f"the outbox holds an effect {effect.name!r} that this keeper cannot check",
                hint="give each keeper an outbox of its own, or run the version that wrote it",
            )
        return await check(self._rpc, effect.args, block)

    async def enter(self, intent: Intent, *, seen: int, replaces: Row | None = None) -> tuple[Row, bool]:
        """Plans, signs and journals a transaction; see `Journal.begin` and `Node.plan`."""
        plan = await self._node.plan(intent, self._signer.address)

        def sign(nonce: int) -> SignedTransaction:
            return self._signer.sign_transaction(
                {
                    "type": 2,
                    "chainId": self._journal.chain_id,
                    "nonce": nonce,
                    "to": intent.contract,
                    "data": intent.data,
                    "value": intent.value_wei,
                    "gas": plan.gas_limit,
                    "maxFeePerGas": plan.fees.max_fee_per_gas_wei,
                    "maxPriorityFeePerGas": plan.fees.max_priority_fee_per_gas_wei,
                }
            )

        return await self.in_journal(
            self._journal.begin,
            intent,
            self._signer.address,
            plan.chain_nonce,
            sign,
            seen=seen,
            replaces=replaces,
        )

    async def broadcast(self, row: Row) -> Row:
        """Hands the row's bytes to the node. Raises SendError if it refuses them."""
        answer, words = await self._node.broadcast(row)
        if answer is Answer.TAKEN:
            return await self._to(row, State.SENT)
        if answer is Answer.NONCE_TAKEN:
            _LOG.warning("%s: another transaction waits with nonce %s; building anew", row.intent, row.nonce)
            return await self._rebuild(row)
        if answer is Answer.REFUSED:
            raise SendError(f"{row.intent}: the node refuses the transaction: {words}")
        return row

    async def step(self, row: Row, *, recovered: bool = False) -> Row:
        """Moves one row on as far as that goes now. Raises a SendError or an RpcError.

        `recovered`: nobody has looked at it for a while, so that its purpose may be served.
        """
        if not row.state.live:
            return row
        news = await self._node.news(row)
        if news.receipt is not None:
            return await self._mined(row, news.receipt)
        assert row.nonce is not None
        if news.chain_nonce > row.nonce:
            return await self._nonce_lost(row)
        self._suspects.discard(row.id)
        if news.in_pool:
            return await self._to(row, State.SENT)
        if recovered and await self.holds(row.intent.effect):
            dropped = await self.in_journal(self._journal.drop, row, "nothing was sent: the effect was there")
            if not dropped.state.live:
                return dropped
        return await self.broadcast(row)

    async def demote(self, row: Row) -> Row:
        """Takes a done or failed row back to work: its block is no longer on the chain."""
        _LOG.warning("%s: block %s is gone; sending it again", row.intent, row.block_number)
        return await self._to(row, State.SENT)

    # ------------------------------------------------------------------ inside

    async def _to(self, row: Row, state: State, **changes: Any) -> Row:
        if row.state is state and not changes:
            return row
        return await self.in_journal(self._journal.update, row, state, **changes)

    async def _mined(self, row: Row, receipt: Mapping[str, Any]) -> Row:
        self._suspects.discard(row.id)
        number, succeeded = int(receipt["blockNumber"], 16), int(receipt["status"], 16) == 1
        block = (number, str(receipt["blockHash"]))
        row = await self._to(row, State.MINED, block=block)
        if not row.state.live:  # another process was quicker
            return row
        if await self._holds_since(row.intent.effect, number):
            reason = "" if succeeded else "it reverted: another transaction had done it"
            return await self._to(row, State.DONE, block=block, reason=reason)
        if succeeded:
            return await self._to(
                row, State.FAILED, block=block, reason="it was mined, but its effect is not there"
            )
        revert = await self._node.explain(row, number)
        return await self._to(row, State.FAILED, block=block, reason=revert.sentence, revert_data=revert.data)

    async def _holds_since(self, effect: Effect, number: int) -> bool:
        # At the block itself, because a node behind a balancer may not have it yet; "latest" would then be
        # the state before. A node without old states can only tell the latest.
        try:
            return await self.holds(effect, number)
        except RpcResponseError:
            return await self.holds(effect)

    async def _nonce_lost(self, row: Row) -> Row:
        # Receipt and nonce are read one after the other, perhaps from different nodes: believed at the second
        # look only.
        if row.id not in self._suspects:
            self._suspects.add(row.id)
            return row
        if await self.holds(row.intent.effect):
            return await self._done_by_another(row)
        _LOG.warning("%s: another transaction used nonce %s; building anew", row.intent, row.nonce)
        return await self._rebuild(row)

    async def _done_by_another(self, row: Row) -> Row:
        reason = "another transaction used the nonce, and the effect is there"
        return await self._to(row, State.DONE, final=True, free_nonce=True, reason=reason)

    async def _rebuild(self, row: Row) -> Row:
        if row.sender != self._signer.address:
            raise SendError(f"{row.intent}: {row.sender} lost nonce {row.nonce}, and its key is not here")
        try:
            rebuilt, entered = await self.enter(row.intent, seen=row.id, replaces=row)
        except RevertedError as error:
            if await self.holds(row.intent.effect):
                return await self._done_by_another(row)
            lost = {"final": True, "free_nonce": True, "revert_data": error.data or "0x"}
            return await self._to(row, State.FAILED, reason=error.message, **lost)
        return await self.broadcast(rebuilt) if entered else rebuilt
