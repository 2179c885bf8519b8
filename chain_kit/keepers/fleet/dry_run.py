"""What keepers would send now, without sending it: no transaction is signed, nothing is written.

The resolve keeper's report is signed by the reporters all the same: without their signatures the contract
would refuse the call, and there would be nothing to quote.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chain_kit.errors import ChainKitError, PendingError
from chain_kit.fees import FeePolicy
from chain_kit.inspection.reading import OutboxReader
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.effects import EFFECTS
from chain_kit.outbox import Intent, Outcome, Quote, Row, Sender
from chain_kit.outbox.preflight import Preflight

__all__ = ["DryRunError", "DrySender", "Quoted"]


class DryRunError(PendingError, hint="leave --dry-run away to send it"):
    """The intent would be sent."""


@dataclass(frozen=True)
class Quoted:
    """An intent, what it would cost, and why it would not be sent now if it would not."""

    intent: Intent
    quote: Quote | None
    problem: str = ""


class DrySender(Sender):
    """Tells what it would send. `outbox` says what is under way, if there is one."""

    def __init__(  # it sends nothing: the parent's parts are never made
        self,
        rpc: JsonRpc,
        address: str,
        chain_id: int,
        *,
        fee_policy: FeePolicy,
        outbox: OutboxReader | None,
        tell: Callable[[Quoted], None],
    ) -> None:
        self.rpc = rpc
        self.address = address
        self.chain_id = chain_id
        self._quotes = Preflight(rpc, chain_id, fee_policy)
        self._outbox = outbox
        self._tell_of = tell

    async def quote(self, intent: Intent) -> Quote:
        """As `Sender.quote`."""
        return await self._quotes.quote(intent, self.address)

    async def submit(self, intent: Intent) -> Outcome:
        """Gives the outcome if the effect holds; else tells what would be sent, and raises DryRunError."""
        if await EFFECTS[intent.effect.name](self.rpc, intent.effect.args, "latest"):
            return Outcome(intent)
        try:
            quote = await self.quote(intent)
        except ChainKitError as error:
            self._tell_of(Quoted(intent, None, error.message))
        else:
            self._tell_of(Quoted(intent, quote, self._problem(intent, quote)))
        raise DryRunError(f"{intent}: not sent, this is a dry run")

    async def reconcile(self) -> list[Row]:
        """Nothing is taken on."""
        return []

    async def under_way(self, contract: str, action: str) -> set[str]:
        """As the outbox says."""
        if self._outbox is None:
            return set()
        return await asyncio.to_thread(self._outbox.held_subjects, contract, action)

    async def rows_about(self, contract: str, action: str, subjects: Iterable[str]) -> list[Row]:
        """As the outbox says."""
        if self._outbox is None:
            return []
        return await asyncio.to_thread(self._outbox.about, contract, action, subjects)

    def poke(self) -> None:
        """Nobody waits."""

    async def aclose(self) -> None:
        """There is nothing to close."""

    @staticmethod
    def _problem(intent: Intent, quote: Quote) -> str:
        if quote.revert:
            return f"the contract refuses: {quote.revert}"
        if intent.worth_wei is not None and quote.total_wei > intent.worth_wei:
            return f"at the highest it costs more than it is worth, {intent.worth_wei} wei"
        return ""
