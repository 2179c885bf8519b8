"""The trade keeper against the real contracts: what it buys, what it leaves, and when it stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.clob.orders import Side
from chain_kit.dev_accounts import dev_signer
from chain_kit.errors import ContractMissingError, PendingError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers import EFFECTS
from chain_kit.keepers.effects import trade_made
from chain_kit.keepers.rounds import read_head
from chain_kit.keepers.trade import TradeKeeper
from chain_kit.keepers.trade.book import ChainBook
from chain_kit.keepers.trade.market import Through
from chain_kit.keepers.trade.prices import FixedEther
from chain_kit.lmsr import WAD
from chain_kit.oracle import feed_id
from chain_kit.outbox import Sender
from chain_kit.prices import DAY, EPOCH
from chain_kit.strategies import Threshold
from tests.keeper_support.kit import FEED, KEEPER, OWNER, START, TRADERS, UNIT, Kit, house_terms
from tests.keeper_support.proxy import BrokenOffError, RpcProxy
from tests.keeper_support.trading import (
    BTC,
    FALLEN,
    RISEN,
    RUNNING,
    NoStarts,
    Spots,
    aged_market,
    facade,
    fund,
    house_budget,
    open_sender,
    post,
    purchases,
    reading,
    rules,
    shares,
    start_of,
    trade_keeper,
)

NO_WON = 2


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    """A market with a history, on a chain of the test's own."""
    async with aged_market() as kit:
        yield kit


@pytest.fixture
async def sender(kit: Kit, tmp_path: Path) -> AsyncIterator[Sender]:
    """The keeper's sender."""
    async with await open_sender(kit, tmp_path / "outbox.db") as sender:
        yield sender


# ---------------------------------------------------------------------- buying


@pytest.mark.parametrize(("spot", "side"), [(RISEN, Side.YES), (FALLEN, Side.NO)])
async def test_buys_what_the_house_has_not_seen(kit: Kit, sender: Sender, spot: int, side: Side) -> None:
    """The side that the price has moved to, by exactly the shares that it worked out, in one transaction."""
    done = await trade_keeper(kit, sender, Spots(spot)).run_once()

    assert done.order is not None
    assert done.order.side is side
    assert (await shares(kit))[side] == done.order.shares_units > UNIT
    assert (await shares(kit))[1 - side] == 0
    assert await purchases(kit) == 1
    assert done.outcome is not None
    assert done.outcome.tx_hash is not None


async def test_buys_until_the_next_share_is_not_worth_it(kit: Kit, sender: Sender) -> None:
    """The price that it leaves is below the worth by fee and slippage; the next round buys nothing."""
    trade = trade_keeper(kit, sender, Spots(RISEN))
    first = await trade.run_once()

    assert first.order is not None
    left = (await reading(kit)).quotes.price_e18(Side.YES)
    assert left <= first.order.target_probability_e18 * 9_801 // 10_000
    assert left > first.order.target_probability_e18 * 9_800 // 10_000
    second = await trade.run_once()
    # Seconds later a share is worth a little more: not enough for the gas.
    assert second.order is None
    assert await purchases(kit) == 1


async def test_buys_again_in_the_same_epoch_when_the_price_has_moved_on(kit: Kit, sender: Sender) -> None:
    """A second purchase is another intent: the number of the first counts."""
    spots = Spots(BTC + BTC // 4000)
    trade = trade_keeper(kit, sender, spots)
    first = await trade.run_once()
    spots.price_e18 = RISEN

    second = await trade.run_once()

    assert first.order is not None
    assert second.order is not None
    assert second.outcome is not None
    assert second.outcome.intent.subjects == (f"{KEEPER}:1:{RUNNING}:1",)
    assert (await shares(kit))[0] == first.order.shares_units + second.order.shares_units


async def test_every_bound_is_in_the_transaction(kit: Kit, sender: Sender) -> None:
    """Epoch, least shares and deadline, with which it reverts elsewhere or later; and what it may cost."""
    done = await trade_keeper(kit, sender, Spots(RISEN), rules=rules(patience_seconds=25)).run_once()

    assert done.order is not None
    assert done.outcome is not None
    intent = done.outcome.intent
    head = await read_head(kit.anvil.rpc)
    words = [int.from_bytes(intent.data[at : at + 32], "big") for at in range(4, 132, 32)]
    assert words[:3] == [done.order.amount_units, done.order.min_shares_units, RUNNING]
    assert head.timestamp + 20 <= words[3] == intent.deadline
    assert intent.worth_wei is not None
    assert intent.worth_wei <= done.order.edge_units // 3_000
    assert (await facade(kit)).address == intent.contract


async def test_trades_with_the_balance_in_the_hub(kit: Kit, sender: Sender) -> None:
    """The wallet is left alone, and the budget is what the hub holds."""
    await fund(kit, hub=7 * UNIT)
    trade = trade_keeper(kit, sender, Spots(RISEN), through=Through.HUB)

    done = await trade.run_once()

    assert done.order is not None
    assert 6 * UNIT < done.order.amount_units <= 7 * UNIT
    assert await kit.ask(kit.hub, "collateralOf", KEEPER) == 7 * UNIT - done.order.amount_units
    assert (await shares(kit))[0] == done.order.shares_units


async def test_the_documents_rule_trades_too(kit: Kit, sender: Sender) -> None:
    """YES below 0.45, with no price of the asset at all."""
    await kit.buy(TRADERS[0], 1, RUNNING, 40 * UNIT)
    strategy = Threshold(amount_units=3 * UNIT)

    done = await trade_keeper(kit, sender, Spots(None), strategy=strategy).run_once()

    assert done.order is not None
    assert (done.order.side, done.order.amount_units) == (Side.YES, 3 * UNIT)
    assert (await shares(kit))[0] == done.order.shares_units


async def test_a_start_price_may_come_from_the_source_that_will_post_it(kit: Kit, sender: Sender) -> None:
    """Until the oracle has it; without such a source the keeper waits."""
    start = start_of(RUNNING + 1)
    await kit.move_to(start + 60)
    assert (await reading(kit)).start_price_e18 is None
    assert (await trade_keeper(kit, sender, Spots(RISEN)).run_once()).order is None

    trade = trade_keeper(kit, sender, Spots(RISEN), starts=NoStarts([(start, BTC)]))

    assert (await trade.run_once()).order is not None


# ---------------------------------------------------------------------- leaving


@pytest.mark.parametrize("spot", [Spots(None), Spots(RISEN, age=16), Spots(RISEN, age=-16)])
async def test_buys_nothing_without_a_fresh_price(kit: Kit, sender: Sender, spot: Spots) -> None:
    """None, an old one, and one from the far future are all no price."""
    done = await trade_keeper(kit, sender, spot).run_once()

    assert (done.order, done.reason) == (None, "the strategy sees nothing to buy")


async def test_gas_that_costs_more_than_the_edge_keeps_it_out(kit: Kit, sender: Sender) -> None:
    """An ether at a hundred million times its price: the same trade does not pay any more."""
    ether = FixedEther(3 * 10**11 * WAD)

    done = await trade_keeper(kit, sender, Spots(RISEN), ether=ether).run_once()

    assert done.order is None
    assert "does not pay for gas" in done.reason
    assert await purchases(kit) == 0


async def test_an_edge_below_the_least_keeps_it_out(kit: Kit, sender: Sender) -> None:
    """What must be left after everything is the operator's to say."""
    done = await trade_keeper(kit, sender, Spots(RISEN), rules=rules(least_edge_units=500 * UNIT)).run_once()

    assert done.order is None
    assert await purchases(kit) == 0


@pytest.mark.parametrize(("elapsed", "reason"), [(251, "about to close"), (272, "window is over")])
async def test_the_end_of_the_window_is_left_alone(
    kit: Kit, sender: Sender, elapsed: int, reason: str
) -> None:
    """Its last twenty seconds, and what comes after it."""
    await kit.move_to(start_of(RUNNING) + elapsed)

    done = await trade_keeper(kit, sender, Spots(RISEN)).run_once()

    assert done.order is None
    assert reason in done.reason


async def test_the_deadline_never_passes_the_seconds_left_alone(kit: Kit, sender: Sender) -> None:
    """However patient it is."""
    await kit.move_to(start_of(RUNNING) + 240)

    done = await trade_keeper(kit, sender, Spots(RISEN), rules=rules(patience_seconds=200)).run_once()

    assert done.outcome is not None
    assert done.outcome.intent.deadline == start_of(RUNNING) + 250


async def test_a_pause_and_an_empty_house_are_seen(kit: Kit, sender: Sender) -> None:
    """The contract is not even asked."""
    await kit.send(OWNER, kit.hub, "defundHouse", 1, (await house_budget(kit)))
    assert (await trade_keeper(kit, sender, Spots(RISEN)).run_once()).reason.startswith("the house has no")

    await kit.send(OWNER, kit.hub, "setTradingPaused", True)
    assert (await trade_keeper(kit, sender, Spots(RISEN)).run_once()).reason == "trading is paused"


async def test_a_price_that_moves_away_is_not_chased(kit: Kit, sender: Sender) -> None:
    """Somebody buys between the look and the purchase: fewer shares than the least, so nothing is sent."""
    spots = Spots(RISEN)

    async def ahead() -> None:
        spots.first = None
        await kit.buy(TRADERS[0], 0, RUNNING, 300 * UNIT)

    spots.first = ahead
    done = await trade_keeper(kit, sender, spots).run_once()

    assert done.order is None
    assert "the contract refuses" in done.reason
    assert "slippage exceeded" in done.reason
    assert await purchases(kit) == 0


async def test_a_market_that_is_not_there_is_an_error(kit: Kit, sender: Sender) -> None:
    """A wrong id ends the keeper: it will not be otherwise in the next round."""
    trade = TradeKeeper(
        sender,
        hub=kit.hub.address,
        market_id=9,
        strategy=Threshold(),
        spot=Spots(None),
        ether=FixedEther(WAD),
        rules=rules(),
    )

    with pytest.raises(ContractMissingError, match="no MarketFacade"):
        await trade.run(asyncio.Event(), 0.01)


# ---------------------------------------------------------------------- limits


async def test_the_position_limit_holds_over_many_rounds(kit: Kit, sender: Sender) -> None:
    """In shares of a side, those of earlier rounds and of a keeper before included."""
    for _ in range(3):
        await trade_keeper(kit, sender, Spots(RISEN), rules=rules(position_units=9 * UNIT)).run_once()

    yes, no = await shares(kit)
    assert 8 * UNIT < yes <= 9 * UNIT
    assert no == 0


async def test_open_stakes_count_against_the_day_s_loss(kit: Kit, sender: Sender) -> None:
    """All that is staked may be lost: it never exceeds what the day may still lose."""
    trade = trade_keeper(kit, sender, Spots(RISEN), rules=rules(daily_loss_units=5 * UNIT))
    first = await trade.run_once()
    second = await trade.run_once()

    assert first.order is not None
    assert 4 * UNIT < first.order.amount_units <= 5 * UNIT
    staked = first.order.amount_units + (second.order.amount_units if second.order else 0)
    assert staked <= 5 * UNIT


async def test_two_markets_share_the_day_s_limit(kit: Kit, sender: Sender) -> None:
    """Asked at once, they take turns: together they stake no more than may be lost."""
    await kit.send(OWNER, kit.hub, "createMarket", feed_id(FEED), "BTC-2", start_of(RUNNING), house_terms())
    await kit.send(OWNER, kit.collateral, "approve", kit.hub.address, 1_000 * UNIT)
    await kit.send(OWNER, kit.collateral, "mint", OWNER, 1_000 * UNIT)
    await kit.send(OWNER, kit.hub, "deposit", OWNER, 1_000 * UNIT)
    await kit.send(OWNER, kit.hub, "fundHouse", 2, 1_000 * UNIT)
    await fund(kit, hub=50 * UNIT)
    shared: dict[str, Any] = {
        "book": ChainBook(kit.anvil.rpc, kit.hub, KEEPER),
        "turn": asyncio.Lock(),
        "rules": rules(daily_loss_units=5 * UNIT),
        "through": Through.HUB,
    }
    one = trade_keeper(kit, sender, Spots(RISEN), **shared)
    other = trade_keeper(kit, sender, Spots(RISEN), market_id=2, **shared)

    done = await asyncio.gather(one.run_once(), other.run_once())

    staked = sum(each.order.amount_units for each in done if each.order is not None)
    assert 4 * UNIT < staked <= 5 * UNIT
    assert {each.epoch for each in done} == {RUNNING, 1}


async def test_a_loss_beyond_the_limit_stops_it_until_tomorrow(kit: Kit, sender: Sender) -> None:
    """Read from the chain, with one alarm; a new keeper stops as well; the next day goes on."""
    alarms: list[str] = []
    limited = rules(daily_loss_units=5 * UNIT)
    first = await trade_keeper(kit, sender, Spots(RISEN), rules=limited).run_once()
    assert first.order is not None
    await kit.move_to(start_of(RUNNING + 1))
    await post(kit, start_of(RUNNING + 1), FALLEN)
    await kit.move_to(start_of(RUNNING + 1) + 60)
    assert await kit.outcome(RUNNING) == NO_WON

    # All but a little is lost: a limit below that is passed.
    lower = rules(daily_loss_units=4 * UNIT)
    trade = trade_keeper(kit, sender, Spots(RISEN), rules=lower, alarm=alarms.append)
    rounds = [await trade.run_once() for _ in range(2)]

    assert all(done.halted and done.order is None for done in rounds)
    assert len(alarms) == 1
    assert "the limit is 4" in alarms[0]
    again = trade_keeper(kit, sender, Spots(RISEN), rules=lower)
    assert (await again.run_once()).halted
    tomorrow = (start_of(RUNNING) // DAY + 1) * DAY
    epoch = (tomorrow - START) // EPOCH + 1
    await kit.move_to(start_of(epoch) + 2)
    await post(kit, start_of(epoch), BTC)
    await kit.move_to(start_of(epoch) + 60)
    done = await trade.run_once()
    assert not done.halted
    assert len(alarms) == 1


# ---------------------------------------------------------------------- once


async def test_a_trade_under_way_is_not_made_again(kit: Kit, tmp_path: Path) -> None:
    """It waits in the pool: no round decides anything until it is mined, not even that of a new process."""
    path = tmp_path / "outbox.db"
    await kit.anvil.set_automine(enabled=False)
    async with await open_sender(kit, path, timeout_seconds=0.2) as sender:
        with pytest.raises(PendingError):
            await trade_keeper(kit, sender, Spots(RISEN)).run_once()
    async with await open_sender(kit, path, timeout_seconds=0.2) as sender:
        waiting = await trade_keeper(kit, sender, Spots(RISEN)).run_once()
        assert (waiting.order, waiting.reason) == (None, "a trade is under way")
        await kit.anvil.mine()
        await kit.anvil.set_automine(enabled=True)
        after = await trade_keeper(kit, sender, Spots(RISEN)).run_once()

    assert after.order is None
    assert await purchases(kit) == 1


async def test_a_trade_that_was_only_written_down_is_made_by_the_next_process(
    kit: Kit, tmp_path: Path
) -> None:
    """The node never heard of it; the bytes in the journal are sent, and nothing is decided beside them."""
    path = tmp_path / "outbox.db"

    def unheard(request: dict[str, Any]) -> None:
        if request["method"] == "eth_sendRawTransaction":
            raise BrokenOffError

    async with RpcProxy(kit.anvil.url) as proxy, JsonRpc(proxy.url) as rpc:
        proxy.before = unheard
        options: dict[str, Any] = {"poll_seconds": 0.05, "timeout_seconds": 0.2}
        async with await Sender.open(rpc, path, dev_signer(9), EFFECTS, **options) as sender:
            with pytest.raises(PendingError):
                await trade_keeper(kit, sender, Spots(RISEN)).run_once()
    assert await purchases(kit) == 0

    async with await open_sender(kit, path) as sender:
        trade = trade_keeper(kit, sender, Spots(RISEN))
        rounds = [await trade.run_once() for _ in range(3)]

    assert await purchases(kit) == 1
    assert [done.order for done in rounds] == [None] * 3


async def test_the_effect_is_the_shares(kit: Kit) -> None:
    """Of that epoch and side, as many or more."""
    await fund(kit, hub=20 * UNIT)
    await kit.buy(KEEPER, 0, RUNNING)
    held = (await shares(kit))[0]

    async def holds(side: Side, least: int, epoch: int = RUNNING) -> bool:
        effect = trade_made(kit.hub.address, 1, epoch, KEEPER, side=side, least_shares_units=least)
        return await EFFECTS[effect.name](kit.anvil.rpc, effect.args, "latest")

    assert await holds(Side.YES, held)
    assert not await holds(Side.YES, held + 1)
    assert not await holds(Side.NO, 1)
    assert not await holds(Side.YES, 1, RUNNING + 1)
