"""Markets and races: made, funded, and found on chain where a run broke off before it wrote them down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chain_kit.deploy.builder import Builder
from chain_kit.deploy.chain import Chain, Step
from chain_kit.deploy.events import origin
from chain_kit.deploy.specification import EPOCH, MarketSpec, RaceSpec
from chain_kit.errors import DeploymentConflictError, SendError
from chain_kit.manifest import MarketRecord, RaceRecord
from chain_kit.oracle import feed_id
from chain_kit.units import checksum_address

__all__ = ["build_market", "build_race"]

Origin = tuple[str, int]


# ---------------------------------------------------------------- markets


def build_market(
    builder: Builder, market: MarketSpec, hub: str, collateral: str, creators: set[str], *, mint: bool
) -> None:
    """The market, created unless one of `creators` has, and its house budget, which is given once.

    With `mint` the budget is of a test token's making.
    """
    chain, name = builder.chain, f"market {market.symbol}"
    record, sent = builder.manifest.markets.get(market.symbol), None
    if record is not None and chain.code_hash(record.facade) is not None:
        _check_market(record, market)
    else:
        builder.require_writable()
        at_hub = builder.manifest.contracts["EpochHub"]

        def is_ours(market_id: int) -> bool:
            found = chain.call("EpochHub", hub, "market", market_id)
            return _is_market(found, market) and checksum_address(str(found.creator)) in creators

        found = _newest(is_ours, int(chain.call("EpochHub", hub, "marketCount")))
        if found is None:
            made = _create_market(chain, market, hub)
            sent = made[0]
            found = _newest(is_ours, int(chain.call("EpochHub", hub, "marketCount")))
            if found is None:
                raise SendError(f"{name} is not at the hub, although it was created: {sent}")
        else:
            made = origin(chain, at_hub, "EpochHub", "MarketCreated", found.to_bytes(32, "big"))
        record = _market_record(chain, market, hub, found, made)
        builder.write_market(record)
    builder.done(Step(name, record.facade, sent))
    if market.house_budget and (sent is not None or _is_unfunded(builder, hub, record.market_id)):
        sent = _fund_house(chain, record.market_id, market.house_budget, hub, collateral, mint=mint)
        builder.done(Step(f"house budget of market {record.market_id}", hub, sent))


def _create_market(chain: Chain, market: MarketSpec, hub: str) -> Origin:
    """Without a genesis in its specification it starts at the next boundary."""
    terms = (
        market.liquidity,
        market.closing_liquidity_bps,
        market.fee_bps,
        market.final_fee_bps,
        market.most_spent_daily,
    )
    arguments = (feed_id(market.feed), market.symbol, market.genesis or _next_boundary(chain), terms)
    return chain.transact("EpochHub", hub, "createMarket", *arguments)


def _check_market(record: MarketRecord, market: MarketSpec) -> None:
    known = (record.feed, record.genesis, *_terms_of(record))
    wanted = (market.feed, market.genesis or record.genesis, *_terms_in(market))
    if known != wanted:
        raise DeploymentConflictError(f"market {market.symbol}", record.facade, known, wanted)


def _terms_of(record: MarketRecord) -> tuple[int, ...]:
    return record.liquidity, record.closing_liquidity_bps, record.fee_bps, record.closing_fee_bps


def _terms_in(market: MarketSpec) -> tuple[int, ...]:
    """What never changes of the house's terms."""
    return market.liquidity, market.closing_liquidity_bps, market.fee_bps, market.final_fee_bps


def _is_market(found: Any, market: MarketSpec) -> bool:
    terms = (found.liquidity, found.closingLiquidityBps, found.feeBps, found.closingFeeBps)
    return (
        (str(found.symbol), bytes(found.feed)) == (market.symbol, feed_id(market.feed))
        and tuple(map(int, terms)) == _terms_in(market)
        and market.genesis in (None, int(found.genesis))
    )


def _market_record(chain: Chain, market: MarketSpec, hub: str, market_id: int, made: Origin) -> MarketRecord:
    """The market as it is on chain; `made` is the transaction and block that made it."""
    found = chain.call("EpochHub", hub, "market", market_id)
    return MarketRecord(
        symbol=market.symbol,
        market_id=market_id,
        facade=checksum_address(str(found.facade)),
        feed=market.feed,
        genesis=int(found.genesis),
        liquidity=market.liquidity,
        closing_liquidity_bps=market.closing_liquidity_bps,
        fee_bps=market.fee_bps,
        closing_fee_bps=market.final_fee_bps,
        transaction=made[0],
        block=made[1],
    )


def _is_unfunded(builder: Builder, hub: str, market_id: int) -> bool:
    """Whether the run that created the market broke off before it gave it its budget.

    After a run that came to its end a budget of nothing is one that was spent or taken back; so is one that
    has been funded before.
    """
    if not builder.resumed or builder.chain.call("EpochHub", hub, "market", market_id).houseBudget:
        return False
    first_block = builder.manifest.contracts["EpochHub"].block
    market = market_id.to_bytes(32, "big")
    return builder.chain.find_event("EpochHub", hub, "HouseFunded", market, first_block=first_block) is None


def _fund_house(chain: Chain, market_id: int, budget: int, hub: str, collateral: str, *, mint: bool) -> str:
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


# ---------------------------------------------------------------- races


def build_race(builder: Builder, race: RaceSpec, race_market: str, creators: set[str]) -> None:
    """The race, created unless one of `creators` has."""
    chain, name = builder.chain, f"race {race.symbol}"
    record, sent = builder.manifest.races.get(race.symbol), None
    if record is not None and not _is_race(
        chain.call("RaceMarket", race_market, "raceOf", record.race_id), race
    ):
        known = (record.feeds, record.positions, record.genesis)
        wanted = (race.assets, race.positions, race.genesis or record.genesis)
        raise DeploymentConflictError(name, race_market, known, wanted)
    if record is None:
        builder.require_writable()

        def is_ours(race_id: int) -> bool:
            found = chain.call("RaceMarket", race_market, "raceOf", race_id)
            return _is_race(found, race) and checksum_address(str(found.creator)) in creators

        found = _newest(is_ours, int(chain.call("RaceMarket", race_market, "raceCount")))
        if found is None:
            feeds = [feed_id(feed) for feed in race.assets]
            arguments = (race.symbol, feeds, race.positions, race.genesis or _next_boundary(chain))
            made = chain.transact("RaceMarket", race_market, "createRace", *arguments)
            sent = made[0]
            found = _newest(is_ours, int(chain.call("RaceMarket", race_market, "raceCount")))
            if found is None:
                raise SendError(f"{name} is not at the race market, although it was created: {sent}")
        else:
            at = builder.manifest.contracts["RaceMarket"]
            made = origin(chain, at, "RaceMarket", "RaceCreated", found.to_bytes(32, "big"))
        genesis = int(chain.call("RaceMarket", race_market, "raceOf", found).genesis)
        builder.write_race(RaceRecord(race.symbol, found, race.assets, race.positions, genesis, *made))
    builder.done(Step(name, race_market, sent))


def _is_race(found: Any, race: RaceSpec) -> bool:
    return (
        str(found.symbol) == race.symbol
        and [bytes(feed) for feed in found.feeds] == [feed_id(feed) for feed in race.assets]
        and int(found.positions) == race.positions
        and race.genesis in (None, int(found.genesis))
    )


# ---------------------------------------------------------------- both


def _next_boundary(chain: Chain) -> int:
    return (chain.timestamp // EPOCH + 1) * EPOCH


def _newest(is_ours: Callable[[int], bool], count: int) -> int | None:
    """The newest that is ours and as specified. Anyone creates them: the last need not be ours."""
    return next((number for number in range(count, 0, -1) if is_ours(number)), None)
