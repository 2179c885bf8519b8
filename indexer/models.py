"""The tables. What each row is, follows from the chain alone; nothing is changed in place but the cursor.

    block     every header since the deployment's first block
    event     the logs of our contracts as they are; `stored_events` decodes them
    kind      who logs an event of which name; with it an event is found by name
    account, asset            the names that holdings are of
    holding   one account of one asset, from its first entry on
    entry     what a block changed of a holding, and its balance then
    change    which holdings a block changed: what is to be taken back with it
    market, race, feed, boundary   what events say of markets, races, feeds and boundary prices
    deal      what was dealt on a market, to be found by market and account
    cursor    how far the index is, and how far the chain was then (one row)
    meta      whose index this is: chain, deployment, schema
    verification              what `verify` found at a block
    proof     which blocks are proven how far (see `proof.ranges`)
    trouble   what keeps the index from being believed, by kind; no row where all is well

`position` is a place in the chain (see `blocks`). Kinds, accounts, assets and holdings are numbered as they
appear in the chain, and `opened_at` is the block in which they do: undoing it deletes the highest numbers.
The state as of a block is what stands in it and before.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel

from chain_kit.errors import StoreCorruptError

__all__ = [
    "HOLDINGS_PART_BITS",
    "SCHEMA_VERSION",
    "AccountRow",
    "Amount",
    "AssetRow",
    "BlockRow",
    "BoundaryRow",
    "ChangeRow",
    "CursorRow",
    "DealRow",
    "EntryRow",
    "EventRow",
    "FeedRow",
    "HoldingRow",
    "KindRow",
    "MarketRow",
    "MetaRow",
    "ProofRow",
    "RaceRow",
    "TroubleRow",
    "VerificationRow",
    "metadata",
    "part_of_holding",
    "table_of",
]

HOLDINGS_PART_BITS = 16
"""So many holdings (2**16) are indexed by account together: what is written then lies close together."""

SCHEMA_VERSION = "3"
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


def _name() -> Any:
    return Field(sa_column=Column(_Name, nullable=False, unique=True))


def _bytes() -> Any:
    return Field(sa_column=Column(LargeBinary, nullable=False))


def _amount(*, nullable: bool = False) -> Any:
    return Field(default=None if nullable else ..., sa_column=Column(Amount, nullable=nullable))


class BlockRow(_Table, table=True):
    """A header."""

    __tablename__ = "block"

    number: int = _key()
    hash: str
    parent_hash: str
    timestamp: int = _long()
    receipts_root: str
    """Empty where the header was not checked."""


class KindRow(_Table, table=True):
    """An event of a contract; `name` is null where the ABI does not know it."""

    __tablename__ = "kind"
    __table_args__ = (UniqueConstraint("address", "topic"),)

    id: int = _key()
    address: str
    contract: str
    """Its label in the index: "EpochHub", "MrtCurve:BTC", "token"."""
    topic: str
    """Topic 0; empty for a log that has none."""
    name: str | None = None
    opened_at: int = _long()


class EventRow(_Table, table=True):
    """A log."""

    __tablename__ = "event"
    __table_args__ = (Index("event_by_kind", "kind", "position"),)

    position: int = _key()
    kind: int = _long()
    tx_hash: bytes = _bytes()
    topics: bytes = _bytes()
    """Words of 32 bytes, topic 0 the first."""
    data: bytes = _bytes()


class AccountRow(_Table, table=True):
    """The name of an account (see `accounts`)."""

    __tablename__ = "account"

    id: int = _key()
    name: str = _name()
    opened_at: int = _long()


class AssetRow(_Table, table=True):
    """The name of an asset (see `accounts`)."""

    __tablename__ = "asset"

    id: int = _key()
    name: str = _name()
    opened_at: int = _long()


class HoldingRow(_Table, table=True):
    """An account of an asset; `opened_at` is the block of its first entry."""

    __tablename__ = "holding"
    __table_args__ = (
        UniqueConstraint("asset_id", "account_id"),
        Index("holding_by_account", text(f"(id >> {HOLDINGS_PART_BITS})"), "account_id"),
    )

    id: int = _key()
    account_id: int = _long()
    asset_id: int = _long()
    opened_at: int = _long()


class EntryRow(_Table, table=True):
    """What a block changed of a holding, and its balance after it. A holding's rows lie side by side."""

    __tablename__ = "entry"
    __table_args__ = {"sqlite_with_rowid": False}

    holding_id: int = _key()
    block: int = _key()
    delta: int = _amount()
    balance: int = _amount()


class ChangeRow(_Table, table=True):
    """The holdings that a block changed, as little-endian numbers of 32 bits."""

    __tablename__ = "change"

    block: int = _key()
    holdings: bytes = _bytes()


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


class RaceRow(_Table, table=True):
    """A race, as it was created; its `feeds` with spaces between."""

    __tablename__ = "race"

    position: int = _key()
    race_id: int = _long()
    creator: str
    symbol: str
    feeds: str
    positions: int = _long()
    genesis: int = _long()


class DealRow(_Table, table=True):
    """A trade, or what a house opened or settled. The event is what counts: this only helps to find it."""

    __tablename__ = "deal"
    __table_args__ = (
        Index("deal_by_market", "market_id", "position"),
        Index("deal_by_account", "account", "position"),
    )

    position: int = _key()
    market_id: int = _long()
    """Of the race market the book."""
    account: int = _long()
    """See `deals`."""


class CursorRow(_Table, table=True):
    """The last block that is indexed, and the chain's head, safe and finalized block when it was."""

    __tablename__ = "cursor"

    id: int = _key()
    block_number: int = _long()
    head: int = _long()
    safe: int = _long()
    finalized: int = _long()
    head_hash: str = ""
    looked_at: int = _long()
    """When the head was last seen, in Unix milliseconds by the writer's clock."""
    writer: str = ""
    """The name of the writer whose turn it is: the last that has begun."""


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


class ProofRow(_Table, table=True):
    """How far a range of blocks is proven."""

    __tablename__ = "proof"

    first_block: int = _key()
    last_block: int = _long()
    level: int = _long()
    """A `proof.levels.Level`."""
    failed: bool
    what: str
    """What was found wrong, if it failed."""
    endpoint: str
    """Who told of these blocks, without credentials."""
    checked_at: int = _long()
    """Unix seconds by the writer's clock."""


class TroubleRow(_Table, table=True):
    """Something that keeps the index from being believed."""

    __tablename__ = "trouble"

    kind: str = Field(primary_key=True)
    since: int = _long()
    """Unix seconds by the writer's clock."""
    block: int = _long()
    what: str


metadata = _Table.metadata


def table_of(model: type[SQLModel]) -> Table:
    """The SQLAlchemy table of a model, for bulk statements."""
    return cast("Table", getattr(model, "__table__"))  # noqa: B009


def part_of_holding() -> ColumnElement[int]:
    """Which part of the index by account a holding is in, just as that index has it."""
    return table_of(HoldingRow).c.id.op(">>")(literal_column(str(HOLDINGS_PART_BITS)))
