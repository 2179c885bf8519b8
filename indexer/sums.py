"""What holdings add up to as of a block: each one's balance in its last entry until then.

An account's holdings are found by way of an index that is kept in parts, each of a few pages that are written
together: one index of all of them would be written all over. The accounts of the ledger's own ("issued",
"pot:1:7") have a holding in nearly every asset, and are found by way of the asset.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.accounts import Key
from indexer.models import (
    HOLDINGS_PART_BITS,
    AccountRow,
    AssetRow,
    EntryRow,
    HoldingRow,
    part_of_holding,
    table_of,
)

__all__ = ["sums_in", "sums_under"]

_PER_QUERY = 500


async def sums_under(
    connection: AsyncConnection, block: int, accounts: Iterable[str], prefixes: Iterable[str]
) -> dict[Key, int]:
    """The sums of some accounts in all assets whose names begin with one of `prefixes`."""
    asset, names, starts = table_of(AssetRow).c.name, list(accounts), list(prefixes)
    own = [name for name in names if not name.startswith("0x")]
    others = [name for name in names if name.startswith("0x")]
    found: dict[Key, int] = {}
    if own:
        found |= await _sums(connection, block, _begins(asset, starts), await _is_one_of(connection, own))
    if others:
        highest = await connection.scalar(select(func.max(table_of(HoldingRow).c.id))) or 0
        in_parts = part_of_holding().in_(range((highest >> HOLDINGS_PART_BITS) + 1))
        # What is made of the name is in no index: SQLite shall not begin with all these assets.
        begins = _begins(asset.concat(""), starts)
        found |= await _sums(connection, block, in_parts, await _is_one_of(connection, others), begins)
    return found


async def sums_in(
    connection: AsyncConnection, block: int, accounts: Iterable[str] | None, assets: Iterable[str]
) -> dict[Key, int]:
    """The sums of some accounts, or of all, in just these assets."""
    of_them = [] if accounts is None else [await _is_one_of(connection, accounts)]
    found: dict[Key, int] = {}
    wanted = sorted(set(assets))
    for start in range(0, len(wanted), _PER_QUERY):
        part = table_of(AssetRow).c.name.in_(wanted[start : start + _PER_QUERY])
        found |= await _sums(connection, block, part, *of_them)
    return found


async def _is_one_of(connection: AsyncConnection, accounts: Iterable[str]) -> ColumnElement[bool]:
    account = table_of(AccountRow)
    numbers = await connection.scalars(select(account.c.id).where(account.c.name.in_(list(accounts))))
    return table_of(HoldingRow).c.account_id.in_(numbers.all())


def _begins(name: ColumnElement[str], prefixes: Iterable[str]) -> ColumnElement[bool]:
    # "~" is after all that an asset's name is made of.
    return or_(*(and_(name >= prefix, name < prefix + "~") for prefix in prefixes))


async def _sums(connection: AsyncConnection, block: int, *clauses: ColumnElement[bool]) -> dict[Key, int]:
    account, asset = table_of(AccountRow), table_of(AssetRow)
    holding, entry = table_of(HoldingRow), table_of(EntryRow)
    earlier = entry.alias("earlier")
    last = (
        select(func.max(earlier.c.block))
        .where(earlier.c.holding_id == holding.c.id, earlier.c.block <= block)
        .scalar_subquery()
    )
    query = (
        select(account.c.name, asset.c.name, entry.c.balance)
        .select_from(holding.join(asset, asset.c.id == holding.c.asset_id))
        .join(account, account.c.id == holding.c.account_id)
        .join(entry, and_(entry.c.holding_id == holding.c.id, entry.c.block == last))
        .where(holding.c.opened_at <= block, *clauses)
    )
    return {Key(name, of): balance for name, of, balance in await connection.execute(query)}
