"""The end of a bonding curve: the last of its target is bought, and its pool opens."""

from __future__ import annotations

from typing import Any

from chain_kit.cli.local.system import LocalSystem
from chain_kit.cli.local.trader import FOREVER, Desk, Wallet
from chain_kit.contracts import Contract, call_many
from chain_kit.units import format_units

__all__ = ["graduate"]

_GRADUATED = 10_000


async def graduate(system: LocalSystem, desk: Desk, buyer: Wallet) -> dict[str, Any]:
    """`buyer` takes what is left of the curve and graduates it; what the document says of it."""
    (target,) = await desk.curve.call(desk.rpc, "target")
    # Twice the target covers what is left and its fee; what is too much is not taken.
    await system.fund([buyer.address], collateral_units=0, usdc_units=2 * target)
    await buyer.send(desk.usdc, "approve", desk.curve.address, FOREVER)
    await buyer.send(desk.curve, "buy", 2 * target, 1, buyer.address, FOREVER)
    await buyer.send(desk.curve, "graduate")
    return await _told(desk)


async def _told(desk: Desk) -> dict[str, Any]:
    usdc = desk.manifest.payout_token.decimals
    names = ("pool", "lock", "target", "raised", "graduationProgress")
    answers = await call_many(desk.rpc, [(desk.curve, name, ()) for name in names])
    pool, lock, target, raised, progress = (answer[0] for answer in answers)
    quote, tokens, locked = await call_many(
        desk.rpc,
        [
            (desk.usdc, "balanceOf", (pool,)),
            (desk.mrt, "balanceOf", (pool,)),
            (Contract("LiquidityLock", lock), "locked", ()),
        ],
    )
    return {
        "market": desk.symbol,
        "pool": pool,
        "lock": lock,
        "raised": format_units(raised, usdc),
        "pool_quote": format_units(quote[0], usdc),
        "pool_tokens": format_units(tokens[0], 18),
        "locked_shares": str(locked[0]),
        "progress": progress,
        "settled": progress == _GRADUATED and quote[0] >= target and locked[0] > 0,
    }
