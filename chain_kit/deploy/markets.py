"""Feeds and markets: made, funded, and found on chain where a run broke off before it wrote them down."""

from __future__ import annotations

from typing import Any

from chain_kit.deploy.chain import Chain
from chain_kit.deploy.specification import EPOCH, MarketSpec
from chain_kit.errors import SendError
from chain_kit.manifest import ContractRecord, FeedRecord, MarketRecord
from chain_kit.oracle import feed_id
from chain_kit.units import checksum_address

__all__ = ["create_market", "find_feed", "find_market", "fund_house", "register_feed"]


def register_feed(chain: Chain, name: str, oracle: str, adapter: str, deadline: int) -> FeedRecord:
    """Registers the feed `name` with the oracle."""
    identity = feed_id(name)
    transaction, block = chain.transact("BoundaryOracle", oracle, "registerFeed", identity, adapter, deadline)
    return FeedRecord(name, "0x" + identity.hex(), adapter, deadline, transaction, block)


def find_feed(chain: Chain, name: str, oracle: ContractRecord, known: tuple[str, int]) -> FeedRecord:
    """The record of a feed that is registered already with `known`, its adapter and deadline."""
    identity = feed_id(name)
    transaction, block = _origin(chain, oracle, "BoundaryOracle", "FeedRegistered", identity)
    return FeedRecord(name, "0x" + identity.hex(), *known, transaction, block)


def create_market(chain: Chain, market: MarketSpec, hub: ContractRecord) -> MarketRecord:
    """Creates the market; without a genesis in its specification it starts at the next boundary."""
    genesis = market.genesis or (chain.timestamp // EPOCH + 1) * EPOCH
    arguments = (feed_id(market.feed), market.symbol, genesis, market.liquidity, market.fee_bps)
    transaction, block = chain.transact("EpochHub", hub.address, "createMarket", *arguments)
    market_id = _market_id(chain, market, hub.address)
    if market_id is None:
        raise SendError(f"market {market.symbol} is not at the hub, although it was created: {transaction}")
    return _record(chain, market, hub.address, market_id, (transaction, block))


def find_market(chain: Chain, market: MarketSpec, hub: ContractRecord) -> MarketRecord | None:
    """The market if we have created it before; None if not."""
    market_id = _market_id(chain, market, hub.address)
    if market_id is None:
        return None
    origin = _origin(chain, hub, "EpochHub", "MarketCreated", market_id.to_bytes(32, "big"))
    return _record(chain, market, hub.address, market_id, origin)


def fund_house(chain: Chain, market_id: int, budget: int, hub: str, collateral: str, *, mint: bool) -> str:
    """The deployer's own collateral becomes the house's budget; the transaction that gives it.

    What an earlier run has brought to the hub already is used; with `mint` the rest is made.
    """
    sender = chain.sender
    missing = budget - int(chain.call("EpochHub", hub, "collateralOf", sender))
    if missing > 0:
        in_wallet = int(chain.call("TestToken", collateral, "balanceOf", sender))
        if mint and in_wallet < missing:
            chain.transact("TestToken", collateral, "mint", sender, missing - in_wallet)
        if int(chain.call("TestToken", collateral, "allowance", sender, hub)) < missing:
            chain.transact("TestToken", collateral, "approve", hub, missing)
        chain.transact("EpochHub", hub, "deposit", sender, missing)
    transaction, _ = chain.transact("EpochHub", hub, "fundHouse", market_id, budget)
    return transaction


def _market_id(chain: Chain, market: MarketSpec, hub: str) -> int | None:
    """The newest market of ours that is as specified. Anyone creates markets: the last need not be ours."""
    for market_id in range(int(chain.call("EpochHub", hub, "marketCount")), 0, -1):
        found = chain.call("EpochHub", hub, "market", market_id)
        if _is(found, market) and checksum_address(str(found.creator)) == chain.sender:
            return market_id
    return None


def _is(found: Any, market: MarketSpec) -> bool:
    return (
        (str(found.symbol), bytes(found.feed)) == (market.symbol, feed_id(market.feed))
        and (int(found.liquidity), int(found.feeBps)) == (market.liquidity, market.fee_bps)
        and market.genesis in (None, int(found.genesis))
    )


def _record(
    chain: Chain, market: MarketSpec, hub: str, market_id: int, origin: tuple[str, int]
) -> MarketRecord:
    """The market as it is on chain; `origin` is the transaction and block that made it."""
    found = chain.call("EpochHub", hub, "market", market_id)
    return MarketRecord(
        symbol=market.symbol,
        market_id=market_id,
        facade=checksum_address(str(found.facade)),
        feed=market.feed,
        genesis=int(found.genesis),
        liquidity=market.liquidity,
        fee_bps=market.fee_bps,
        transaction=origin[0],
        block=origin[1],
    )


def _origin(
    chain: Chain, made_by: ContractRecord, contract: str, event: str, indexed: bytes
) -> tuple[str, int]:
    """Transaction and block of an event that must be there."""
    found = chain.find_event(contract, made_by.address, event, indexed, first_block=made_by.block)
    if found is None:
        raise SendError(
            f"no {event} of 0x{indexed.hex()} in the logs of {made_by.name} at {made_by.address}",
            hint="the node keeps no logs that old: use another, or restore the manifest",
        )
    return found
