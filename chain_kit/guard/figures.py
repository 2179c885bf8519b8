"""What the outbox says of a signer's work, in numbers: what metrics and `keeper status` show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, func, literal_column, select

from chain_kit.outbox.intents import Kind, State
from chain_kit.outbox.tables import attempts, leases, rows

__all__ = ["Figures", "read_figures"]


@dataclass(frozen=True)
class Figures:
    """As of one moment; of one signer on one chain."""

    intents: Mapping[tuple[str, str], int]
    """How many rows there are by action and state; a reorg may take one back."""
    sent: int
    """Nonces that something was signed for."""
    replaced: int
    """Transactions that took the place of one with the same nonce and the same call."""
    cancelled: int
    """Empty transactions that freed a nonce."""
    in_flight: int
    """Rows that nothing is decided about yet."""
    next_nonce: int | None
    """The one after the highest nonce that was ever signed for; None if none was."""
    holder: str | None
    """Who has the lease, or had it last; None if nobody ever had."""


_OWN = and_(rows.c.chain_id == bindparam("chain_id"), rows.c.sender == bindparam("signer"))
_STATE = func.coalesce(func.nullif(rows.c.outcome, literal_column("''")), rows.c.level)
_INTENTS = (
    select(rows.c.action, _STATE.label("state"), func.count()).where(_OWN).group_by(rows.c.action, _STATE)
)
_NONCE = select(func.max(rows.c.nonce)).where(_OWN)
_FIRST = select(func.count()).select_from(rows).where(_OWN)
_KINDS = (
    select(attempts.c.kind, func.count())
    .select_from(attempts.join(rows, rows.c.id == attempts.c.row_id))
    .where(_OWN)
    .group_by(attempts.c.kind)
)
_HOLDER = select(leases.c.holder).where(
    leases.c.chain_id == bindparam("chain_id"), leases.c.signer == bindparam("signer")
)


def read_figures(connection: Connection, chain_id: int, signer: str) -> Figures:
    """The figures of `signer`, its address checksummed."""
    own = {"chain_id": chain_id, "signer": signer}
    intents = {(action, state): count for action, state, count in connection.execute(_INTENTS, own)}
    kinds: dict[str, int] = dict(tuple(one) for one in connection.execute(_KINDS, own))
    first = connection.execute(_FIRST, own).scalar_one()
    highest = connection.execute(_NONCE, own).scalar()
    return Figures(
        intents=intents,
        sent=first,
        replaced=kinds.get(Kind.CALL, 0) - first,
        cancelled=kinds.get(Kind.CANCEL, 0),
        in_flight=sum(count for (_, state), count in intents.items() if State(state).live),
        next_nonce=None if highest is None else highest + 1,
        holder=connection.execute(_HOLDER, own).scalar(),
    )
