"""The numbers of kinds, accounts, assets and holdings: found in the database, or the next ones for new names.

They follow from the chain alone: whoever appears first has the lower number, however the chain was cut into
steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.accounts import Key
from indexer.bulk import Found, Pair
from indexer.decode import Decoder, Form
from indexer.holdings import Holding, Holdings, Opened
from indexer.models import AccountRow, AssetRow, HoldingRow, KindRow, table_of
from indexer.rows import Row, Rows, holding_rows

__all__ = ["NOTHING_STORED", "Numbering", "Stored"]

ACCOUNTS_KEPT = 50_000
HOLDINGS_KEPT = 180_000


class Stored(Protocol):
    """What a database knows; see `bulk.Bulk`."""

    async def ids(self, model: type[Any], names: Iterable[str]) -> dict[str, int]:
        """The ids of those accounts or assets that exist, by name."""

    async def holdings(self, pairs: Iterable[Pair]) -> Found:
        """The holdings of those (asset, account)s that exist."""


class _Nothing:
    async def ids(self, model: type[Any], names: Iterable[str]) -> dict[str, int]:  # noqa: ARG002
        """None."""
        return {}

    async def holdings(self, pairs: Iterable[Pair]) -> Found:  # noqa: ARG002
        """None."""
        return {}


NOTHING_STORED: Stored = _Nothing()
"""For numbers without a database."""


class Numbering:
    """Numbers and balances of one database, which nobody else writes. Anew after a step that failed."""

    def __init__(self, kinds: dict[Form, int], accounts: int, assets: int, holdings: int) -> None:
        self.kinds = kinds
        self.holdings = Holdings(is_whole=holdings == 0)
        self._next_account, self._next_asset, self._next_holding = accounts + 1, assets + 1, holdings + 1
        self._accounts: dict[str, int] = {}
        self._accounts_whole = accounts == 0

    @classmethod
    async def read(cls, connection: AsyncConnection, decoder: Decoder) -> Numbering:
        """As the database has it."""
        kind = table_of(KindRow)
        rows = await connection.execute(select(kind.c.id, kind.c.address, kind.c.topic))
        kinds = {decoder.form(address.lower(), topic): number for number, address, topic in rows}
        counts = [await _highest(connection, model) for model in (AccountRow, AssetRow, HoldingRow)]
        return cls(kinds, *counts)

    async def learn(self, stored: Stored, keys: Iterable[Key]) -> None:
        """Makes sure that the balances of these keys are known."""
        unknown = self.holdings.unknown(keys)
        if not unknown:
            return
        await self._find_accounts(stored, {key.account for key in unknown})
        assets = await stored.ids(AssetRow, {key.asset for key in unknown})
        pairs = {
            (assets[key.asset], self._accounts[key.account]): key
            for key in unknown
            if key.asset in assets and key.account in self._accounts
        }
        found = await stored.holdings(pairs) if pairs else {}
        for pair, (number, balance) in found.items():
            self.holdings.learn(pairs[pair].asset, pair[0], pairs[pair].account, Holding(number, balance))

    async def number(self, stored: Stored, opened: Sequence[Opened]) -> Rows:
        """Gives those that were met their numbers, and returns the rows of those that are new."""
        rows: Rows = {AccountRow: await self._number_accounts(stored, opened)}
        rows[AssetRow] = await self._number_assets(stored, opened)
        asked = {
            (one.asset.number, self._accounts[one.account]): one for one in opened if not one.asset.is_whole
        }
        found = await stored.holdings(asked) if asked else {}
        for pair, (number, balance) in found.items():
            holding = asked[pair].holding
            holding.number, holding.base = number, balance
        new = [one for one in opened if not one.holding.number]
        for one in new:
            one.holding.number = self._next_holding
            self._next_holding += 1
        return rows | holding_rows(new, self._accounts)

    def settle(self, opened: Iterable[Opened]) -> None:
        """After the rows of a step were made: its balances are whole, and what is too much is forgotten."""
        for one in opened:
            one.holding.balance += one.holding.base
            one.holding.base = 0
        self.holdings.forget_beyond(HOLDINGS_KEPT)
        if len(self._accounts) > ACCOUNTS_KEPT:
            self._accounts = {}
            self._accounts_whole = False

    async def _find_accounts(self, stored: Stored, names: Iterable[str]) -> None:
        missing = [name for name in names if name not in self._accounts]
        if missing and not self._accounts_whole:
            self._accounts |= await stored.ids(AccountRow, missing)

    async def _number_accounts(self, stored: Stored, opened: Sequence[Opened]) -> list[Row]:
        known = self._accounts
        await self._find_accounts(stored, {one.account for one in opened})
        rows: list[Row] = []
        for one in opened:
            if one.account not in known:
                known[one.account] = self._next_account
                rows.append((self._next_account, one.account, one.block))
                self._next_account += 1
        return rows

    async def _number_assets(self, stored: Stored, opened: Sequence[Opened]) -> list[Row]:
        asked = {one.name for one in opened if not one.asset.number and not one.asset.is_whole}
        found = await stored.ids(AssetRow, asked) if asked else {}
        rows: list[Row] = []
        for one in opened:
            if one.asset.number:
                continue
            if one.name in found:
                one.asset.number = found[one.name]
                continue
            one.asset.number, one.asset.is_whole = self._next_asset, True
            rows.append((self._next_asset, one.name, one.block))
            self._next_asset += 1
        return rows


async def _highest(connection: AsyncConnection, model: type[Any]) -> int:
    return await connection.scalar(select(func.max(table_of(model).c.id))) or 0
