"""One sender for many keepers: what each of their rounds begins with is done once for all of them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from chain_kit.outbox import Outcome, Row, Sender

__all__ = ["FleetSender", "tell_once"]

_REMEMBERED = 4_096


class FleetSender(Sender):
    """A sender whose `reconcile` those who call it at the same time have together."""

    _pass: asyncio.Task[list[Row]] | None = None

    async def reconcile(self) -> list[Row]:
        """As `Sender.reconcile`; who comes while it runs gets what it gives."""
        if self._pass is None or self._pass.done():
            self._pass = asyncio.create_task(super().reconcile())
            self._pass.add_done_callback(_heard)
        # Whoever is cancelled leaves the others theirs.
        return await asyncio.shield(self._pass)

    async def aclose(self) -> None:
        """Breaks off what runs, and closes the outbox."""
        if self._pass is not None:
            self._pass.cancel()
            await asyncio.gather(self._pass, return_exceptions=True)
        await super().aclose()


def _heard(task: asyncio.Task[list[Row]]) -> None:
    """Its failure is nobody's news where all who waited for it have gone."""
    if not task.cancelled():
        task.exception()


def tell_once(tell: Callable[[Outcome], None]) -> Callable[[Outcome], None]:
    """Tells of each transaction once: one keeper has submitted it, another may have reconciled it."""
    known: OrderedDict[str, None] = OrderedDict()

    def told(outcome: Outcome) -> None:
        if outcome.tx_hash is not None:
            if outcome.tx_hash in known:
                return
            known[outcome.tx_hash] = None
            while len(known) > _REMEMBERED:
                known.popitem(last=False)
        tell(outcome)

    return told
