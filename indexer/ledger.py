"""Events into additive entries. State is their sum, and nothing else; `accounts` says what they mean.

What the events of one block do to a holding is one entry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial

from indexer.accounts import Key
from indexer.decode import Saying
from indexer.holdings import Change, Holdings, Opened

__all__ = ["Book", "keys_read"]


def keys_read(sayings: Iterable[Saying]) -> set[Key]:
    """The keys whose sums the entries of these events depend on."""
    found: set[Key] = set()
    for _, form, payload in sayings:
        if form.reads is not None:
            found.update(form.reads(payload, form.emitter))
    return found


class Book:
    """Adds events to sums. Of the sums before them, `holdings` must know those that `keys_read` names.

    `holders` are the accounts whose token balances are followed.
    """

    def __init__(self, holders: Iterable[str], holdings: Holdings) -> None:
        self.holders = frozenset(holders)
        self.holdings = holdings
        self._deltas: defaultdict[str, defaultdict[str, int]] = defaultdict(partial(defaultdict, int))

    def move(self, asset: str, source: str, target: str, amount: int) -> None:
        """See `accounts.Books`."""
        deltas = self._deltas[asset]
        deltas[source] -= amount
        deltas[target] += amount

    def sum(self, account: str, asset: str) -> int:
        """See `accounts.Books`."""
        balance = self.holdings.balance(account, asset)
        return balance + self._deltas[asset][account] if asset in self._deltas else balance

    def add(self, sayings: Iterable[Saying]) -> tuple[list[Change], list[Opened]]:
        """Adds events in the order of the chain, whole blocks of them, and returns what they change."""
        changes: list[Change] = []
        opened: list[Opened] = []
        current = -1
        try:
            for position, form, payload in sayings:
                block = position >> 32
                if block != current:
                    self._close(current, changes, opened)
                    current = block
                if form.handler is not None:
                    form.handler(payload, self, form.emitter)
            self._close(current, changes, opened)
        finally:
            self._deltas.clear()
        return changes, opened

    def _close(self, block: int, changes: list[Change], opened: list[Opened]) -> None:
        self.holdings.enter(block, self._deltas, changes, opened)
        self._deltas.clear()
