"""Events as text, and each entry at its own position in the chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AMOUNT = sa.Numeric(78, 0).with_variant(sa.Text(), "sqlite")
_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """The tables of version 2."""
    op.create_table(
        "block", _key("number"), _text("hash"), _text("parent_hash"), _long("timestamp"),
    )  # fmt: skip
    op.create_table(
        "event",
        _key("position"),
        *(_text(name) for name in ("tx_hash", "address", "contract")),
        sa.Column("name", sa.String()),
        *(_text(name) for name in ("args", "topics", "data")),
    )
    op.create_table(
        "holding",
        _key("id"),
        sa.Column("account", _NAME, nullable=False),
        sa.Column("asset", _NAME, nullable=False),
        _long("opened_at"),
        sa.UniqueConstraint("account", "asset"),
    )
    op.create_index("holding_by_asset", "holding", ["asset", "account"])
    op.create_index("ix_holding_opened_at", "holding", ["opened_at"])
    op.create_table("entry", _key("position"), _long("holding_id"), _amount("delta"), _amount("balance"))
    op.create_index("entry_by_holding", "entry", ["holding_id", "position"])
    _create_facts()


def _create_facts() -> None:
    op.create_table(
        "market",
        _key("position"),
        _long("market_id"),
        *(_text(name) for name in ("facade", "feed", "creator", "symbol")),
        _long("genesis"),
        _amount("liquidity"),
        *(_long(name) for name in ("fee_bps", "closing_liquidity_bps", "closing_fee_bps")),
        _amount("daily_budget"),
    )
    op.create_table(
        "feed", _key("position"), _text("feed"), _long("feed_index"), _text("adapter"), _long("deadline")
    )
    op.create_table(
        "boundary", _key("position"), _text("feed"), _long("boundary"), sa.Column("price_e18", _AMOUNT)
    )
    op.create_index("boundary_by_time", "boundary", ["feed", "boundary"])
    op.create_table(
        "cursor", _key("id"), *(_long(name) for name in ("block_number", "head", "safe", "finalized"))
    )
    op.create_table("meta", sa.Column("name", sa.String(), primary_key=True), _text("value"))
    op.create_table(
        "verification",
        _key("block_number"),
        sa.Column("block_hash", sa.String(), primary_key=True),
        sa.Column("ok", sa.Boolean(), nullable=False),
        _long("checks"),
        _text("differences"),
        _long("checked_at"),
    )


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, _LONG, primary_key=True, autoincrement=False)


def _long(name: str) -> sa.Column[int]:
    return sa.Column(name, _LONG, nullable=False)


def _amount(name: str) -> sa.Column[object]:
    return sa.Column(name, _AMOUNT, nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)
