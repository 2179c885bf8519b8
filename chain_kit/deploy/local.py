"""The deployment of a local chain: one BTC market, three reporters of whom two must sign."""

from __future__ import annotations

from chain_kit.deploy.specification import DeploymentSpec, MarketSpec, TokenSpec
from chain_kit.networks import addresses_of
from chain_kit.units import parse_units

__all__ = ["local_spec"]


def local_spec(
    reporters: tuple[str, ...], *, chain_id: int, genesis: int | None = None, house_budget: str = "100000"
) -> DeploymentSpec:
    """What `demo` and `up` deploy; on a fork of a chain that has USDC, with that chain's own.

    `house_budget` is whole tokens: enough for the house to open a thousand epochs.
    """
    market = MarketSpec(
        symbol="BTC",
        feed="BTC/USD",
        liquidity=parse_units("100", 18),
        fee_bps=100,
        house_budget=parse_units(house_budget, 18),
        genesis=genesis,
    )
    return DeploymentSpec(
        reporters=reporters,
        report_threshold=2,
        markets=(market,),
        payout_token=TokenSpec("USDC", 6, addresses_of(chain_id).get("USDC")),
    )
