"""The reward tokens' curves, and the factory of the pools that they graduate to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chain_kit.deploy.builder import Builder
from chain_kit.deploy.chain import Step
from chain_kit.deploy.specification import TEST_FACTORY, DeploymentSpec, MarketSpec
from chain_kit.errors import SettingError
from chain_kit.units import checksum_address

__all__ = ["Curves", "build_curve", "build_pool_factory"]


def build_pool_factory(builder: Builder, spec: DeploymentSpec) -> str:
    """The factory of pools; a test one is deployed where the specification names none.

    Raises SettingError if nothing is at the address that it names.
    """
    given = spec.pool_factory
    if given in (None, TEST_FACTORY):
        curves = [builder.stands(f"MrtCurve:{market.symbol}") for market in spec.markets]
        standing = [(curve.name, curve.address, curve.arguments) for curve in curves if curve is not None]
        return builder.contract("PoolFactory", "TestPoolFactory", (), dependents=standing)
    address = checksum_address(str(given))
    if builder.chain.code_hash(address) is None:
        raise SettingError(
            f"no contract at {address}, given as pool_factory", hint="give the address of Aerodrome's factory"
        )
    builder.done(Step("PoolFactory", address, None))
    return address


@dataclass(frozen=True)
class Curves:
    """What all curves of a deployment have in common: addresses."""

    quote_token: str
    creator: str
    treasury: str
    pool_factory: str


def build_curve(builder: Builder, market: MarketSpec, common: Curves) -> None:
    """The market's curve, with the token, pool, lock and staking that its constructor makes."""
    name = f"MrtCurve:{market.symbol}"
    terms = (
        market.token_name,
        market.token_symbol,
        common.quote_token,
        market.curve_target,
        market.curve_fee_bps,
        market.curve_creator_share_bps,
        common.creator,
        common.treasury,
        common.pool_factory,
        market.pool_stakers_bps,
        market.pool_creator_bps,
    )
    curve = builder.contract(name, "MrtCurve", (terms,))
    token, pool, lock, staking = (
        checksum_address(str(builder.chain.call("MrtCurve", curve, part)))
        for part in ("token", "pool", "lock", "staking")
    )
    builder.made_by(name, f"MrtToken:{market.symbol}", token, terms[:2])
    record = builder.manifest.markets[market.symbol]
    made = replace(record, pool=pool, lock=lock, staking=staking)
    if made != record:
        builder.write_market(made)
