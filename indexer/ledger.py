"""Events into additive entries. State is their sum, and nothing else; `accounts` says what they mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from indexer.accounts import Key, Move, Sums, token_asset
from indexer.decode import Event
from indexer.events import TokenTransfer
from indexer.moves import HANDLERS, Moves, curve_moves, keys_read

__all__ = ["Book", "Entry", "Ledger"]

_CURVE = "MrtCurve:"


class Entry(NamedTuple):
    """`delta` base units more (or less) of an asset on an account, at a position in the chain."""

    position: int
    key: Key
    delta: int


class Ledger:
    """Turns events into entries. `holders` are the accounts whose token balances are followed."""

    def __init__(self, holders: Collection[str]) -> None:
        self._holders = frozenset(holders)

    def keys_read(self, events: Iterable[Event]) -> set[Key]:
        """The keys whose sums the entries of these events depend on."""
        return {key for event in events if event.data is not None for key in keys_read(event.data)}

    def entries(self, event: Event, sums: Sums) -> list[Entry]:
        """The entries of one event, one for each key that it changes; their deltas add up to 0 per asset.

        `sums` gives the sums before the event of at least the keys that `keys_read` names.
        """
        deltas: defaultdict[Key, int] = defaultdict(int)
        for asset, source, target, amount in self._moves(event, sums):
            deltas[Key(source, asset)] -= amount
            deltas[Key(target, asset)] += amount
        changed = [(key, delta) for key, delta in deltas.items() if delta]
        position = event.log.position
        return [Entry(position + seq, key, delta) for seq, (key, delta) in enumerate(changed)]

    def _moves(self, event: Event, sums: Sums) -> Moves:
        data = event.data
        if data is None:
            return ()
        if isinstance(data, TokenTransfer):
            return self._token_moves(event.address, data)
        if event.contract.startswith(_CURVE):
            return curve_moves(event.contract.removeprefix(_CURVE), data)
        handler = HANDLERS.get(type(data))
        return handler(data, sums) if handler else ()

    def _token_moves(self, token: str, transfer: TokenTransfer) -> Moves:
        source, target = (
            account if account in self._holders else "others"
            for account in (transfer.sender, transfer.receiver)
        )
        yield Move(token_asset(token), source, target, transfer.amount)


class Book:
    """Running sums over events. `known` are the sums before them; a key that is not there starts at 0."""

    def __init__(self, ledger: Ledger, known: Mapping[Key, int] | None = None) -> None:
        self._ledger = ledger
        self._known = known if known is not None else {}
        self.sums: dict[Key, int] = {}
        """The sums after the events, of the keys that they changed."""

    def add(self, events: Iterable[Event]) -> list[Entry]:
        """Adds events in the order of the chain and returns their entries."""
        added: list[Entry] = []
        for event in events:
            entries = self._ledger.entries(event, self.sum)
            for entry in entries:
                self.sums[entry.key] = self.sum(entry.key) + entry.delta
            added += entries
        return added

    def sum(self, key: Key) -> int:
        """What the entries of a key add up to now."""
        changed = self.sums.get(key)
        return self._known.get(key, 0) if changed is None else changed
