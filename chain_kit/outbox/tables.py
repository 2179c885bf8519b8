"""The outbox's tables, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

__all__ = ["METADATA", "SCHEMA_VERSION", "attempts", "chains", "held", "leases", "rows"]

SCHEMA_VERSION = 2
METADATA = MetaData()
# SQLite numbers rows by itself only where the key is an INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")

chains = Table(
    "chains",
    METADATA,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("genesis_hash", Text, nullable=False),
)
# One intent at one nonce.
rows = Table(
    "outbox",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("chain_id", BigInteger, ForeignKey("chains.chain_id"), nullable=False),
    Column("contract", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subjects", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("value_wei", Text, nullable=False),
    Column("effect", Text, nullable=False),
    # Seconds of the chain's clock.
    Column("deadline", BigInteger),
    Column("worth_wei", Text),
    Column("sender", Text, nullable=False),
    Column("nonce", BigInteger),
    # The newest attempt's, or the one's that is in a block.
    Column("tx_hash", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("outcome", Text, nullable=False, server_default=""),
    Column("block_number", BigInteger),
    Column("block_hash", Text),
    Column("reason", Text, nullable=False, server_default=""),
    Column("revert_data", Text),
    Column("replaces", _Id, ForeignKey("outbox.id")),
    # Seconds of this machine's clock.
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    CheckConstraint("level IN ('journaled', 'sent', 'mined', 'safe', 'finalized')", name="outbox_level"),
    CheckConstraint("outcome IN ('', 'done', 'failed', 'expired', 'superseded')", name="outbox_outcome"),
)
_owned = text("outcome <> 'superseded'")
_watched = text("level <> 'finalized'")
# A nonce belongs to one row; a superseded row has lost its own.
Index(
    "outbox_nonce",
    rows.c.chain_id,
    rows.c.sender,
    rows.c.nonce,
    unique=True,
    sqlite_where=_owned,
    postgresql_where=_owned,
)
Index("outbox_watched", rows.c.chain_id, rows.c.nonce, sqlite_where=_watched, postgresql_where=_watched)
Index("outbox_key", rows.c.chain_id, rows.c.contract, rows.c.action, rows.c.subjects)
Index("outbox_replaces", rows.c.replaces)

# Every transaction that was ever signed at a row's nonce.
attempts = Table(
    "attempt",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("row_id", _Id, ForeignKey("outbox.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("tx_hash", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("max_fee_per_gas_wei", Text, nullable=False),
    Column("max_priority_fee_per_gas_wei", Text, nullable=False),
    # Seconds of the chain's clock.
    Column("created_at", BigInteger, nullable=False),
    CheckConstraint("kind IN ('call', 'cancel')", name="attempt_kind"),
)
Index("attempt_row", attempts.c.row_id)

# What is under way: the key of an intent, held by the one row that works on it.
held = Table(
    "held",
    METADATA,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("contract", Text, primary_key=True),
    Column("action", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("row_id", _Id, ForeignKey("outbox.id"), nullable=False),
)
Index("held_row", held.c.row_id)

# Which process may write for a signer: whoever's token is here.
leases = Table(
    "lease",
    METADATA,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("signer", Text, primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    # Milliseconds of the database's clock: the machine's for SQLite, the server's for PostgreSQL.
    Column("expires_at_ms", BigInteger, nullable=False),
)
