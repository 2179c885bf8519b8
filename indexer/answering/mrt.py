"""A market's reward token: its curve, its way to graduation, and who holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict

from chain_kit.errors import UnknownMarketError
from chain_kit.units import format_units
from indexer.accounts import Key, curve_asset, curve_tokens_asset
from indexer.accounts_mrt import locked_asset, mrt_asset, staked_asset
from indexer.answering.moments import moment, stamp_at
from indexer.answering.stamp import Stamp
from indexer.database import Database
from indexer.deployment import Curve
from indexer.state import State

__all__ = ["MrtAnswer", "MrtFacts", "MrtHolderAnswer", "MrtHolderFacts", "mrt", "mrt_holders"]

Role = Literal["curve", "pool", "lock", "staking"]
_DECIMALS = 18
_ACCOUNTS = ("raised", "fees", "pool", "curve", "staking", "locked")
_ASSETS = (curve_asset, curve_tokens_asset, staked_asset, locked_asset)
_BPS = 10_000


class MrtFacts(TypedDict):
    """A reward token. `graduation_progress` is in basis points of the target, 10,000 when graduated only.

    Amounts of the quote token are `total_raised`, `target` and `unclaimed_fees`; `supply` and `sold` (by the
    curve, less what it bought back) are of the reward token, `locked` and `staked` of the pool's shares.
    """

    market: str
    token_address: str
    token_symbol: str
    token_name: str
    curve_address: str
    pool_address: str
    lock_address: str
    staking_address: str
    quote_symbol: str
    is_graduated: bool
    graduation_progress: int
    total_raised: str
    target: str
    unclaimed_fees: str
    supply: str
    sold: str
    holders: int
    staked: str
    locked: str


class MrtAnswer(MrtFacts, Stamp):
    """A reward token, as of a block."""


class MrtHolderFacts(TypedDict):
    """A holder of a reward token; `share` is of the supply, rounded down, `role` names a contract of ours."""

    rank: int
    account: str
    role: Role | None
    balance: str
    share: str


class MrtHolderAnswer(MrtHolderFacts, Stamp):
    """A holder, as of a block."""


async def mrt(database: Database, symbol: str, *, at_block: int | None = None) -> MrtAnswer:
    """The reward token of a market. Raises UnknownMarketError where there is none."""
    deployment = database.deployment
    curve = _find(deployment.curves, symbol)
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        sums = await reading.sums_of(None, [mrt_asset(symbol)])
        sums |= await reading.sums_of(_ACCOUNTS, [of(symbol) for of in _ASSETS])
    state = State(deployment, block, sums=sums)
    raised, pooled, fees = (state.sum(one, curve_asset(symbol)) for one in ("raised", "pool", "fees"))
    quote = deployment.payout_token
    return {
        "market": symbol,
        "token_address": curve.token,
        "token_symbol": curve.token_symbol,
        "token_name": curve.token_name,
        "curve_address": curve.address,
        "pool_address": curve.pool,
        "lock_address": curve.lock,
        "staking_address": curve.staking,
        "quote_symbol": quote.symbol,
        "is_graduated": pooled > 0,
        "graduation_progress": _progress(raised, pooled, curve.target),
        "total_raised": format_units(raised + pooled, quote.decimals),
        "target": format_units(curve.target, quote.decimals),
        "unclaimed_fees": format_units(fees, quote.decimals),
        "supply": format_units(-state.sum("minted", mrt_asset(symbol)), _DECIMALS),
        "sold": format_units(-state.sum("curve", curve_tokens_asset(symbol)), _DECIMALS),
        "holders": len(_holders(sums, symbol)),
        "locked": format_units(state.sum("locked", locked_asset(symbol)), _DECIMALS),
        "staked": format_units(-state.sum("staking", staked_asset(symbol)), _DECIMALS),
        **stamp,
    }


async def mrt_holders(
    database: Database, symbol: str, *, limit: int = 100, at_block: int | None = None
) -> list[MrtHolderAnswer]:
    """The largest holders of a market's reward token, the largest first. Raises UnknownMarketError."""
    curve = _find(database.deployment.curves, symbol)
    roles: dict[str, Role] = {
        curve.address: "curve",
        curve.pool: "pool",
        curve.lock: "lock",
        curve.staking: "staking",
    }
    async with moment(database, at_block) as (connection, block, reading):
        stamp = await stamp_at(connection, block)
        sums = await reading.sums_of(None, [mrt_asset(symbol)])
    supply = -sums.get(Key("minted", mrt_asset(symbol)), 0)
    held = sorted(_holders(sums, symbol), key=lambda one: (-one[1], one[0]))
    return [
        {
            "rank": rank,
            "account": account,
            "role": roles.get(account),
            "balance": format_units(amount, _DECIMALS),
            "share": format_units(amount * 10**_DECIMALS // supply, _DECIMALS),
            **stamp,
        }
        for rank, (account, amount) in enumerate(held[:limit], start=1)
    ]


def _find(curves: Mapping[str, Curve], symbol: str) -> Curve:
    if symbol not in curves:
        raise UnknownMarketError(symbol, curves)
    return curves[symbol]


def _holders(sums: Mapping[Key, int], symbol: str) -> list[tuple[str, int]]:
    return [
        (account, amount)
        for (account, asset), amount in sums.items()
        if asset == mrt_asset(symbol) and account.startswith("0x") and amount > 0
    ]


def _progress(raised: int, pooled: int, target: int) -> int:
    """In basis points; all of them when graduated, and not before."""
    return _BPS if pooled else min(raised * _BPS // target, _BPS - 1)
