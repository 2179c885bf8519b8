"""The guard's tables, in the outbox's own database."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text

from chain_kit.outbox.tables import METADATA, rows

__all__ = ["create_tables", "halts", "marks", "spending"]

# What the transactions at one nonce may cost, and what the one that a block holds did: there is only one.
spending = Table(
    "spending",
    METADATA,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("signer", Text, primary_key=True),
    Column("nonce", BigInteger, primary_key=True, autoincrement=False),
    # The most that any of them may cost, the L1 fee included, their value not.
    Column("most_wei", Text, nullable=False),
    # Of the one in a block, by its receipt.
    Column("cost_wei", Text),
    Column("tx_hash", Text),
    Column("block_hash", Text),
    # Seconds of the chain's clock: when the last was signed, or seen in a block.
    Column("counted_at", BigInteger, nullable=False),
)
Index("spending_when", spending.c.chain_id, spending.c.signer, spending.c.counted_at)

# Actions that are halted.
halts = Table(
    "halt",
    METADATA,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("signer", Text, primary_key=True),
    Column("action", Text, primary_key=True),
    # Seconds of this machine's clock.
    Column("since", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

# What is remembered of an action between two starts.
marks = Table(
    "action_mark",
    METADATA,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("signer", Text, primary_key=True),
    Column("action", Text, primary_key=True),
    # Rows of the outbox up to this one are not held against it.
    Column("forgiven_row", BigInteger, nullable=False),
    # Seconds of this machine's clock, to some seconds; NULL if an effect never was.
    Column("verified_at", BigInteger),
)
# The breaker wants an action's last rows in the order of the chain.
_by_action = Index(
    "outbox_action", rows.c.chain_id, rows.c.sender, rows.c.action, rows.c.block_number, rows.c.id
)


def create_tables(connection: Connection) -> None:
    """Makes those that are not there yet, within the transaction of whoever opens the outbox."""
    METADATA.create_all(connection, tables=[spending, halts, marks])
    _by_action.create(connection, checkfirst=True)
