"""What the writer remembers of holdings: their numbers and balances, by asset and account.

An asset that came to be while this remembers is known whole: an account that is not among its holdings has
none, and the database need not be asked. Of an asset that was forgotten, holdings are looked up as they are
needed. What is longest unused is forgotten first, by whole assets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from indexer.accounts import Key

__all__ = ["Asset", "Change", "Holding", "Holdings", "Opened"]


class Holding(msgspec.Struct, gc=False):
    """An account of an asset. `number` is 0 until it is known which it is."""

    number: int = 0
    balance: int = 0
    base: int = 0
    """What `balance` lacks while the database has not been asked for it."""


class Asset:
    """The holdings of an asset, by account."""

    __slots__ = ("accounts", "is_whole", "number", "used")

    def __init__(self, *, is_whole: bool) -> None:
        self.number = 0
        self.is_whole = is_whole
        self.accounts: dict[str, Holding] = {}
        self.used = 0


Change = tuple[int, Holding, int, int]
"""What a block changed: block, holding, delta, and the balance after it less the holding's `base`."""


class Opened(msgspec.Struct, frozen=True):
    """A holding that was met for the first time, or again after it was forgotten."""

    block: int
    account: str
    name: str
    asset: Asset
    holding: Holding


class Holdings:
    """Numbers and balances, as they are after what was entered. `is_whole`: nothing was before."""

    def __init__(self, *, is_whole: bool = True) -> None:
        self.assets: dict[str, Asset] = {}
        self._is_whole = is_whole
        self._step = 0
        self._count = 0

    def balance(self, account: str, asset: str) -> int:
        """What the entries of a holding add up to; 0 where there is none."""
        known = self.assets.get(asset)
        holding = known.accounts.get(account) if known is not None else None
        return 0 if holding is None else holding.balance + holding.base

    def sums(self) -> dict[Key, int]:
        """Everything that is remembered."""
        return {
            Key(account, name): holding.balance
            for name, asset in self.assets.items()
            for account, holding in asset.accounts.items()
        }

    def unknown(self, keys: Iterable[Key]) -> set[Key]:
        """Those of which only the database can tell."""
        found = set()
        for key in keys:
            asset = self.assets.get(key.asset)
            whole = self._is_whole if asset is None else asset.is_whole
            if not whole and (asset is None or key.account not in asset.accounts):
                found.add(key)
        return found

    def learn(self, asset: str, number: int, account: str, holding: Holding) -> None:
        """Remembers what the database says."""
        known = self._asset(asset)
        known.number = number
        known.accounts[account] = holding
        self._count += 1

    def enter(
        self, block: int, deltas: Mapping[str, Mapping[str, int]], changes: list[Change], opened: list[Opened]
    ) -> None:
        """Adds what a block changed, by asset and account, and says what it did to which holdings."""
        before = len(opened)
        for name, by_account in deltas.items():
            asset = self.assets.get(name) or self._asset(name)
            asset.used = self._step
            accounts = asset.accounts
            for account, delta in by_account.items():
                if not delta:
                    continue
                holding = accounts.get(account)
                if holding is None:
                    holding = accounts[account] = Holding()
                    opened.append(Opened(block, account, name, asset, holding))
                holding.balance = balance = holding.balance + delta
                changes.append((block, holding, delta, balance))
        self._count += len(opened) - before

    def forget_beyond(self, most: int) -> None:
        """After a step: if more than `most` holdings are remembered, forgets all but half of that."""
        self._step += 1
        if self._count <= most:
            return
        self._is_whole = False
        for name in sorted(self.assets, key=lambda name: self.assets[name].used):
            if self._count <= most // 2:
                break
            self._count -= len(self.assets.pop(name).accounts)

    def _asset(self, name: str) -> Asset:
        found = self.assets.get(name)
        if found is None:
            found = self.assets[name] = Asset(is_whole=self._is_whole)
        return found
