"""The deployment of a local chain: one BTC market, one race, three reporters of whom two must sign."""

from __future__ import annotations

from chain_kit.deploy.specification import (
    TEST_FACTORY,
    DeploymentSpec,
    MarketSpec,
    RaceSpec,
    TokenSpec,
)
from chain_kit.networks import addresses_of
from chain_kit.units import parse_units

__all__ = ["RACE_ASSETS", "RACE_SYMBOL", "local_spec"]

RACE_SYMBOL = "ALTS"
RACE_ASSETS = ("ADA", "ETH", "LTC", "TRX", "XLM", "XMR")
"""The assets of the race; each has a feed against BTC."""


def local_spec(
    reporters: tuple[str, ...],
    *,
    chain_id: int,
    genesis: int | None = None,
    house_budget: str = "100000",
    steady: bool = False,
) -> DeploymentSpec:
    """What `demo` and `up` deploy; on a fork of a chain that has USDC or Aerodrome, with that chain's own.

    `house_budget` is whole tokens: enough for the house to open a thousand epochs. A `steady` house has
    the same fee and liquidity through the whole window: no number hangs on the second of a block.
    """
    market = MarketSpec(
        symbol="BTC",
        feed="BTC/USD",
        liquidity=parse_units("100", 18),
        fee_bps=100,
        house_budget=parse_units(house_budget, 18),
        genesis=genesis,
        **({"closing_fee_bps": 100, "closing_liquidity_bps": 10_000} if steady else {}),
    )
    race = RaceSpec(RACE_SYMBOL, tuple(f"{asset}/BTC" for asset in RACE_ASSETS), positions=3, genesis=genesis)
    known = addresses_of(chain_id)
    return DeploymentSpec(
        reporters=reporters,
        report_threshold=2,
        markets=(market,),
        races=(race,),
        payout_token=TokenSpec("USDC", 6, known.get("USDC")),
        pool_factory=known.get("AerodromeFactory", TEST_FACTORY),
    )
