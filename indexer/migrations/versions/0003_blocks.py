"""Logs as they are, entries by block and holding, levels of proof, races and deals.

What version 2 held follows from the chain and is not carried over: the next run fills the index again. What
it was an index of is said anew by whoever opens it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AMOUNT = sa.Numeric(78, 0).with_variant(sa.Text(), "sqlite")
_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_REMOVED = (
    "block", "event", "entry", "holding", "market", "feed", "boundary", "cursor", "meta", "verification",
)  # fmt: skip


def upgrade() -> None:
    """The tables of version 3, all of them empty."""
    for table in _REMOVED:
        op.drop_table(table)
    _create_chain()
    _create_sums()
    _create_facts()
    _create_standing()


def _create_chain() -> None:
    op.create_table(
        "block",
        *(_key("number"), _text("hash"), _text("parent_hash"), _long("timestamp"), _text("receipts_root")),
    )
    op.create_table(
        "event", *(_key("position"), _long("kind"), _bytes("tx_hash"), _bytes("topics"), _bytes("data"))
    )
    op.create_index("event_by_kind", "event", ["kind", "position"])
    op.create_table(
        "kind",
        *(_key("id"), _text("address"), _text("contract"), _text("topic")),
        sa.Column("name", sa.String()),
        _long("opened_at"),
        sa.UniqueConstraint("address", "topic"),
    )
    op.create_table("deal", _key("position"), _long("market_id"), _long("account"))
    op.create_index("deal_by_account", "deal", ["account", "position"])
    op.create_index("deal_by_market", "deal", ["market_id", "position"])


def _create_sums() -> None:
    for table in ("account", "asset"):
        name = sa.Column("name", _NAME, nullable=False, unique=True)
        op.create_table(table, _key("id"), name, _long("opened_at"))
    op.create_table(
        "holding",
        *(_key("id"), _long("account_id"), _long("asset_id"), _long("opened_at")),
        sa.UniqueConstraint("asset_id", "account_id"),
    )
    op.create_index("holding_by_account", "holding", [sa.text("(id >> 16)"), "account_id"])
    op.create_table(
        "entry",
        *(_key("holding_id"), _key("block"), _amount("delta"), _amount("balance")),
        sqlite_with_rowid=False,
    )
    op.create_table("change", _key("block"), _bytes("holdings"))


def _create_facts() -> None:
    op.create_table(
        "market",
        *(_key("position"), _long("market_id")),
        *(_text(name) for name in ("facade", "feed", "creator", "symbol")),
        *(_long("genesis"), _amount("liquidity")),
        *(_long(name) for name in ("fee_bps", "closing_liquidity_bps", "closing_fee_bps")),
        _amount("daily_budget"),
    )
    op.create_table(
        "race",
        *(_key("position"), _long("race_id"), _text("creator"), _text("symbol"), _text("feeds")),
        *(_long("positions"), _long("genesis")),
    )
    op.create_table(
        "feed", *(_key("position"), _text("feed"), _long("feed_index"), _text("adapter"), _long("deadline"))
    )
    price = sa.Column("price_e18", _AMOUNT)
    op.create_table("boundary", _key("position"), _text("feed"), _long("boundary"), price)
    op.create_index("boundary_by_time", "boundary", ["feed", "boundary"])


def _create_standing() -> None:
    op.create_table(
        "cursor",
        _key("id"),
        *(_long(name) for name in ("block_number", "head", "safe", "finalized")),
        *(_text("head_hash"), _long("looked_at"), _text("writer")),
    )
    op.create_table("meta", sa.Column("name", sa.String(), primary_key=True), _text("value"))
    op.create_table(
        "verification",
        *(_key("block_number"), sa.Column("block_hash", sa.String(), primary_key=True), _flag("ok")),
        *(_long("checks"), _text("differences"), _long("checked_at")),
    )
    op.create_table(
        "proof",
        *(_key("first_block"), _long("last_block"), _long("level"), _flag("failed")),
        *(_text("what"), _text("endpoint"), _long("checked_at")),
    )
    kind = sa.Column("kind", sa.String(), primary_key=True)
    op.create_table("trouble", kind, _long("since"), _long("block"), _text("what"))


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, _LONG, primary_key=True, autoincrement=False)


def _long(name: str) -> sa.Column[int]:
    return sa.Column(name, _LONG, nullable=False)


def _amount(name: str) -> sa.Column[object]:
    return sa.Column(name, _AMOUNT, nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)
