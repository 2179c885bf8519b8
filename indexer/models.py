"""The tables. What each row is, follows from the chain alone; nothing is changed in place but the cursor.

    block     every header since the deployment's first block
    event     the logs of our contracts, raw and decoded
    holding   one account of one asset, from its first entry on
    entry     the ledger's entries, each with the holding's balance after it
    market, feed, boundary    what events say of markets, feeds and boundary prices
    cursor    how far the index is, and how far the chain was then (one row)
    meta      whose index this is: chain, deployment, schema
    verification              what `verify` found at a block

`position` is a place in the chain (see `blocks`). Undoing a block deletes the rows from its positions on;
the state as of a block is what stands before the positions after it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from sqlalchemy import BigInteger, Column, Dialect, Index, Integer, Numeric, Table, Text, UniqueConstraint
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel

from chain_kit.errors import StoreCorruptError

__all__ = [
    "SCHEMA_VERSION",
    "Amount",
    "BlockRow",
    "BoundaryRow",
    "CursorRow",
    "EntryRow",
    "EventRow",
    "FeedRow",
    "HoldingRow",
    "MarketRow",
    "MetaRow",
    "VerificationRow",
    "metadata",
    "table_of",
]

SCHEMA_VERSION = "2"
"""Changes whenever a database of before could not be read on."""


class Amount(TypeDecorator[int]):
    """A uint256 or a difference of two, exactly: decimal text in SQLite, NUMERIC(78) in PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type of a database."""
        wide = Numeric(78, 0) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(wide)

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """Into the database."""
        if value is None:
            return None
        return Decimal(value) if dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Out of it."""
        try:
            return None if value is None else int(value)
        except ValueError:
            raise StoreCorruptError(f"the database holds {value!r} where an amount should be") from None


# SQLite makes a rowid of an INTEGER key only; PostgreSQL needs 64 bits said.
_Long = BigInteger().with_variant(Integer(), "sqlite")
# Names are compared byte by byte in both, so that a prefix is a range.
_Name = Text().with_variant(Text(collation="C"), "postgresql")


class _Table(SQLModel, registry=registry()):
    """Tables of the index, apart from any others in the process."""


def _key() -> Any:
    return Field(sa_column=Column(_Long, primary_key=True, autoincrement=False))


def _long() -> Any:
    return Field(sa_column=Column(_Long, nullable=False))


def _amount(*, nullable: bool = False) -> Any:
    return Field(default=None if nullable else ..., sa_column=Column(Amount, nullable=nullable))


class BlockRow(_Table, table=True):
    """A header."""

    __tablename__ = "block"

    number: int = _key()
    hash: str
    parent_hash: str
    timestamp: int = _long()


class EventRow(_Table, table=True):
    """A log; `name` is null and `args` empty where the ABI does not know the event."""

    __tablename__ = "event"

    position: int = _key()
    tx_hash: str
    address: str
    contract: str
    name: str | None = None
    args: str
    """JSON by the ABI's names; integers are decimal strings."""
    topics: str
    """Separated by spaces."""
    data: str


class HoldingRow(_Table, table=True):
    """An account of an asset; `opened_at` is the position of its first entry."""

    __tablename__ = "holding"
    __table_args__ = (UniqueConstraint("account", "asset"), Index("holding_by_asset", "asset", "account"))

    id: int = _key()
    account: str = Field(sa_column=Column(_Name, nullable=False))
    asset: str = Field(sa_column=Column(_Name, nullable=False))
    opened_at: int = Field(sa_column=Column(_Long, nullable=False, index=True))


class EntryRow(_Table, table=True):
    """A change of a holding, and its balance after it."""

    __tablename__ = "entry"
    __table_args__ = (Index("entry_by_holding", "holding_id", "position"),)

    position: int = _key()
    holding_id: int = _long()
    delta: int = _amount()
    balance: int = _amount()


class MarketRow(_Table, table=True):
    """A market, as it was created."""

    __tablename__ = "market"

    position: int = _key()
    market_id: int = _long()
    facade: str
    feed: str
    creator: str
    symbol: str
    genesis: int = _long()
    liquidity: int = _amount()
    fee_bps: int = _long()
    closing_liquidity_bps: int = _long()
    closing_fee_bps: int = _long()
    daily_budget: int = _amount()


class FeedRow(_Table, table=True):
    """A feed, as it was registered; `deadline` in seconds."""

    __tablename__ = "feed"

    position: int = _key()
    feed: str
    feed_index: int = _long()
    adapter: str
    deadline: int = _long()


class BoundaryRow(_Table, table=True):
    """A boundary's price (1e18 fixed point), or its void stamp where that is null."""

    __tablename__ = "boundary"
    __table_args__ = (Index("boundary_by_time", "feed", "boundary"),)

    position: int = _key()
    feed: str
    boundary: int = _long()
    price_e18: int | None = _amount(nullable=True)


class CursorRow(_Table, table=True):
    """The last block that is indexed, and the chain's head, safe and finalized block when it was."""

    __tablename__ = "cursor"

    id: int = _key()
    block_number: int = _long()
    head: int = _long()
    safe: int = _long()
    finalized: int = _long()


class MetaRow(_Table, table=True):
    """One fact of what the index is of."""

    __tablename__ = "meta"

    name: str = Field(primary_key=True)
    value: str


class VerificationRow(_Table, table=True):
    """The last verification at a block: how many checks, which differences (JSON)."""

    __tablename__ = "verification"

    block_number: int = _key()
    block_hash: str = Field(primary_key=True)
    ok: bool
    checks: int = _long()
    differences: str
    checked_at: int = _long()
    """Unix seconds by this machine's clock."""


metadata = _Table.metadata


def table_of(model: type[SQLModel]) -> Table:
    """The SQLAlchemy table of a model, for bulk statements."""
    return cast("Table", getattr(model, "__table__"))  # noqa: B009
