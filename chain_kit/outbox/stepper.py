"""One row compared with the chain, and moved on.

    a receipt of one of its transactions   done, failed or expired, as the effect tells
    its nonce used by another              done if the effect holds all the same, else built again
    unknown to the node                    its bytes, as they are, are broadcast (again)
    in the pool                            wait, or replace it: chain_kit.outbox.replacing

A row that was entered a moment ago, one left by a process that was killed, and one whose block a reorg took
back differ in nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

from chain_kit.errors import RevertedError, RpcResponseError, SendError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox.gate import Gate, admission
from chain_kit.outbox.intents import Effect, Effects, Intent, Kind, Level, Row, State
from chain_kit.outbox.journal import Journal
from chain_kit.outbox.node import Answer, Block, Mined, News, Node
from chain_kit.outbox.preflight import Preflight
from chain_kit.outbox.replacing import Replacer, expired, sign
from chain_kit.outbox.together import Together
from chain_kit.signers import SignedTransaction, Signer

__all__ = ["NONCE_USED", "ExpiredError", "Stepper"]

P = ParamSpec("P")
T = TypeVar("T")
_LOG = logging.getLogger(__name__)


NONCE_USED = "nonce used"
"""The effect of an intent that is for nothing but to use up a nonce: no other will do."""


class ExpiredError(SendError, hint="it was not sent, or an empty transaction took its nonce"):
    """The intent's deadline has passed by the chain's clock."""


class Stepper:
    """Moves the journal's rows on. Only rows of `signer` can be built again or replaced."""

    def __init__(
        self,
        rpc: JsonRpc,
        journal: Journal,
        signer: Signer,
        effects: Effects,
        *,
        node: Node,
        preflight: Preflight,
        replacer: Replacer,
        gate: Gate,
    ) -> None:
        self._rpc = rpc
        self._journal = journal
        self._together = Together(journal)
        self._signer = signer
        self._effects = effects
        self._node = node
        self._preflight = preflight
        self._replacer = replacer
        self._gate = gate
        # Rows whose nonce seemed lost at the last look, and rows whose effect seemed missing.
        self._suspects: set[int] = set()
        self._doubted: set[int] = set()

    async def in_journal(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a method of the journal, which blocks, in a thread, with others that wait for it."""
        return await self._together.call(function, *args, **kwargs)

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
        """Plans, signs and journals a transaction; see `Journal.begin` and `Preflight.plan`.

        Raises ExpiredError too, and whatever the gate says.
        """
        plan = await self._preflight.plan(intent, self._signer.address)
        if intent.deadline is not None and plan.timestamp > intent.deadline:
            raise ExpiredError(f"{intent}: its deadline {intent.deadline} has passed, it is {plan.timestamp}")
        await self._gate.check(intent, plan.quote)
        chain_id, first_nonce = self._journal.chain_id, plan.chain_nonce
        if replaces is not None and replaces.nonce is not None:
            # Its nonce is another's, even where the node does not count that one: it may wait behind a gap.
            first_nonce = max(first_nonce, replaces.nonce + 1)

        only = _nonce_to_use(intent)

        def make(nonce: int) -> SignedTransaction:
            if only is not None and nonce != only:
                raise SendError(f"{intent}: nonce {only} is not free, or not the next")
            to, data, value_wei = intent.contract, intent.data, intent.value_wei
            return sign(self._signer, chain_id, nonce, plan.offer, to=to, data=data, value_wei=value_wei)

        return await self.in_journal(
            self._journal.begin,
            intent,
            self._signer.address,
            first_nonce,
            make,
            offer=plan.offer,
            seen=seen,
            chain_time=plan.timestamp,
            replaces=replaces,
            admit=admission(self._gate, intent, plan.quote, self._signer.address, plan.timestamp),
        )

    async def first_broadcast(self, row: Row) -> Row:
        """Hands the bytes of a row just entered to the node. Raises SendError if it refuses them."""
        answer = await self._broadcast(row)
        if answer is Answer.TAKEN:
            return await self._to(row, State.SENT)
        if answer is Answer.NONCE_TAKEN and _nonce_to_use(row.intent) is None:
            # No node has these bytes: giving up the nonce cannot bring the effect about twice.
            _LOG.warning("%s: another transaction waits with nonce %s; building anew", row.intent, row.nonce)
            return await self._rebuild(row)
        return row

    async def step(self, row: Row, *, recovered: bool = False) -> Row:
        """Moves one row on as far as that goes now. Raises a SendError or an RpcError.

        `recovered`: nobody has looked at it for a while, so that its purpose may be served though it waits.
        """
        if not row.state.live:
            return row
        if row.nonce is None:
            return await self._without_nonce(row)
        news = await self._node.news(row)
        if news.mined is not None:
            return await self._mined(row, news.mined)
        if news.chain_nonce > row.nonce:
            return await self._nonce_lost(row, news.head)
        self._suspects.discard(row.id)
        if news.in_pool:
            return await self._waiting(await self._to(row, State.SENT), news, recovered=recovered)
        return await self._unknown(row, news)

    @staticmethod
    def is_gone(row: Row, there: str | None) -> bool:
        """Whether the row's block is gone, if the chain has the hash `there` at its number; None is no block.

        A node that is behind has none. A row with a nonce is broadcast again then, which does no harm; one
        without would be built anew.
        """
        return there != row.block_hash and (there is not None or row.nonce is not None)

    async def demote(self, row: Row) -> Row:
        """Takes a row that has ended back to work: its block is no longer on the chain."""
        _LOG.warning("%s: block %s is gone; sending it again", row.intent, row.block_number)
        return await self._to(row, State.JOURNALED if row.nonce is None else State.SENT)

    # ------------------------------------------------------------------ not mined

    async def _waiting(self, row: Row, news: News, *, recovered: bool) -> Row:
        """A row of which the pool has a transaction."""
        if row.tx_hash not in news.known:
            # One before it waits; this one was journaled, and perhaps never handed over.
            await self._node.broadcast(row.attempt)
        # One that was built again is pointless once the transaction that it replaces took effect after all.
        looks = recovered or row.replaces is not None
        pointless = looks and await self.holds(row.intent.effect, news.head.number)
        kind = self._replacer.wants(row, news, pointless=pointless)
        return row if kind is None else await self._replaced(row, kind)

    async def _replaced(self, row: Row, kind: Kind) -> Row:
        entered = await self._replacer.replace(row, kind)
        if entered is None:
            return row
        answer = await self._broadcast(entered)
        return await self._to(entered, State.SENT) if answer is Answer.TAKEN else entered

    async def _unknown(self, row: Row, news: News) -> Row:
        """A row of which the node has nothing."""
        head = news.head
        pointless = await self.holds(row.intent.effect, head.number)
        # Of one that a node took the bytes may come back: only another transaction at its nonce stops them.
        if pointless and row.level is Level.JOURNALED:
            reason, block = "nothing was sent: the effect was there", (head.number, head.hash)
            dropped = await self.in_journal(self._journal.drop, row, reason, block=block)
            if not dropped.state.live:
                return dropped
        if (pointless or expired(row, head)) and row.attempt.kind is Kind.CALL:
            return await self._replaced(row, Kind.CANCEL)
        answer, words = await self._node.broadcast(row.attempt)
        if answer is Answer.TAKEN:
            self._replacer.sent_again(row, head)
            return await self._to(row, State.SENT)
        if answer in (Answer.NONCE_TAKEN, Answer.REFUSED):
            # Ours may be in somebody's pool still: another nonce could bring the effect about twice. Either
            # the one that has the nonce is mined, and it is lost, or one that offers more takes its place;
            # that helps where the chain asks more by now, too.
            kind = self._replacer.wants(row, news, pointless=False)
            if kind is not None:
                return await self._replaced(row, kind)
            self._require_taken(row, answer, words)
        return row

    async def _broadcast(self, row: Row) -> Answer:
        answer, words = await self._node.broadcast(row.attempt)
        self._require_taken(row, answer, words)
        return answer

    @staticmethod
    def _require_taken(row: Row, answer: Answer, words: str) -> None:
        if answer is Answer.REFUSED:
            raise SendError(f"{row.intent}: the node refuses the transaction: {words}")

    # ------------------------------------------------------------------ mined

    async def _mined(self, row: Row, mined: Mined) -> Row:
        self._suspects.discard(row.id)
        self._replacer.forget(row)
        number, block_hash = mined.block
        found: dict[str, Any] = {"block": mined.block, "tx_hash": mined.attempt.tx_hash}
        await self.spent(row, mined)
        held = await self._holds_since(row, number)
        if held is None:
            return await self._to(row, State.MINED, **found)
        self._doubted.discard(row.id)
        if not held and (await self._node.block_hashes({number}))[number] != block_hash:
            return row  # the receipt is of a block that is gone: so may the effect be
        if mined.attempt.kind is Kind.CANCEL:
            return await self._cancelled(row, found, held=held)
        if held:
            reason = "" if mined.succeeded else "it reverted: another transaction had done it"
            return await self._to(row, State.DONE, reason=reason, **found)
        if mined.succeeded:
            reason = "it was mined, but its effect is not there"
            return await self._to(row, State.FAILED, reason=reason, **found)
        revert = await self._node.explain(row, number)
        return await self._to(row, State.FAILED, reason=revert.sentence, revert_data=revert.data, **found)

    async def spent(self, row: Row, mined: Mined) -> None:
        """Tells the gate what a transaction of the row has cost."""
        number, block_hash = mined.block
        found = replace(
            row, tx_hash=mined.attempt.tx_hash, level=Level.MINED, block_number=number, block_hash=block_hash
        )
        await self._gate.spent(found, mined.cost_wei)

    async def _cancelled(self, row: Row, found: dict[str, Any], *, held: bool) -> Row:
        if held:
            return await self._to(row, State.DONE, reason="another transaction had done it", **found)
        deadline = row.intent.deadline
        if deadline is None or (await self._node.head()).timestamp <= deadline:
            return await self._rebuild(row)
        reason = "its deadline passed: an empty transaction used its nonce"
        return await self._to(row, State.EXPIRED, reason=reason, **found)

    async def _holds_since(self, row: Row, number: int) -> bool | None:
        """Whether the effect holds at the block that holds the row; None if that cannot be told yet."""
        # At the block itself, because a node behind a balancer may not have it yet; "latest" would then be
        # the state before.
        try:
            return await self.holds(row.intent.effect, number)
        except RpcResponseError:
            # A node without old states can only tell the latest. That it is missing there is believed of a
            # node that is beyond the block, and at the second look only.
            if await self.holds(row.intent.effect):
                return True
            if row.id in self._doubted and (await self._node.head()).number > number:
                return False
            self._doubted.add(row.id)
            return None

    # ------------------------------------------------------------------ nonces of others

    async def _nonce_lost(self, row: Row, head: Block) -> Row:
        # Receipt and nonce are read one after the other, perhaps from different nodes: believed at the second
        # look only, and when the other transaction was found.
        if row.id not in self._suspects:
            self._suspects.add(row.id)
            return row
        assert row.nonce is not None
        used = await self._node.user_of(row.sender, row.nonce, head)
        if used is None or used[0] in {attempt.tx_hash for attempt in row.attempts}:
            return row
        if await self.holds(row.intent.effect, head.number):
            return await self._done_by_another(row, head)
        _LOG.warning("%s: another transaction used nonce %s; building anew", row.intent, row.nonce)
        return await self._rebuild(row)

    async def _without_nonce(self, row: Row) -> Row:
        """A row that had ended by what another did, in a block that is gone."""
        head = await self._node.head()
        if await self.holds(row.intent.effect, head.number):
            return await self._done_by_another(row, head)
        if expired(row, head):
            reason, block = "its deadline passed", (head.number, head.hash)
            return await self._to(row, State.EXPIRED, block=block, reason=reason)
        return await self._rebuild(row)

    async def _done_by_another(self, row: Row, head: Block) -> Row:
        reason = "another transaction used the nonce, and the effect is there"
        block = (head.number, head.hash)
        return await self._to(row, State.DONE, block=block, free_nonce=True, reason=reason)

    async def _rebuild(self, row: Row) -> Row:
        if row.sender != self._signer.address:
            raise SendError(f"{row.intent}: {row.sender} lost nonce {row.nonce}, and its key is not here")
        head = await self._node.head()
        try:
            rebuilt, entered = await self.enter(row.intent, seen=row.id, replaces=row)
        except (RevertedError, ExpiredError) as error:
            if await self.holds(row.intent.effect):
                return await self._done_by_another(row, head)
            lost: dict[str, Any] = {"block": (head.number, head.hash), "free_nonce": True}
            if isinstance(error, ExpiredError):
                return await self._to(row, State.EXPIRED, reason=error.message, **lost)
            data = error.data or "0x"
            return await self._to(row, State.FAILED, reason=error.message, revert_data=data, **lost)
        self._suspects.discard(row.id)
        self._replacer.forget(row)
        return await self.first_broadcast(rebuilt) if entered else rebuilt

    async def _to(self, row: Row, state: State, **changes: Any) -> Row:
        if row.state is state and not changes:
            return row
        return await self.in_journal(self._journal.update, row, state, **changes)


def _nonce_to_use(intent: Intent) -> int | None:
    return int(intent.effect.args["nonce"]) if intent.effect.name == NONCE_USED else None
