"""What the trade keeper reads and writes down, against the real contracts: the market, its book, paper."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain_kit.clob.orders import Side
from chain_kit.contracts import Contract
from chain_kit.devnet import Anvil
from chain_kit.errors import PriceSourceError
from chain_kit.house import HouseQuotes, HouseTerms
from chain_kit.keepers.rounds import read_head
from chain_kit.keepers.trade.book import ChainBook, payout_down
from chain_kit.keepers.trade.market import MarketReader, Through
from chain_kit.keepers.trade.paper import PaperBook
from chain_kit.keepers.trade.prices import BoundaryVolatility, FeedEther
from chain_kit.lmsr import WAD
from chain_kit.oracle import feed_id
from chain_kit.outbox import Sender
from chain_kit.strategies import Order
from tests.keeper_support.kit import FEED, KEEPER, START, TRADERS, UNIT, Kit, house_terms
from tests.keeper_support.trading import (
    BTC,
    RISEN,
    RUNNING,
    Spots,
    aged_market,
    facade,
    fund,
    open_sender,
    post,
    reading,
    rules,
    start_of,
    trade_keeper,
)


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


# ---------------------------------------------------------------------- the book


async def test_the_book_is_what_the_chain_holds(kit: Kit, sender: Sender) -> None:
    """Purchases less sales, by outcomes, gas included; the other trader's are not in it."""
    await kit.buy(TRADERS[0], 1, RUNNING, 20 * UNIT)
    done = await trade_keeper(kit, sender, Spots(RISEN), rules=rules(position_units=30 * UNIT)).run_once()
    assert done.order is not None
    sold = done.order.shares_units // 3
    market = await facade(kit)
    before = await kit.ask(kit.collateral, "balanceOf", KEEPER)
    await kit.send(KEEPER, market, "sellYes", sold, 0, RUNNING, 2**63)
    returned = await kit.ask(kit.collateral, "balanceOf", KEEPER) - before
    book = ChainBook(kit.anvil.rpc, kit.hub, KEEPER, range_blocks=7)

    during = await book.read(await read_head(kit.anvil.rpc), lambda _: 1)
    assert (during.realised_units, during.open_units) == (0, done.order.amount_units - returned + 2)
    assert book.purchases((1, RUNNING)) == 1

    await kit.move_to(start_of(RUNNING + 1))
    await post(kit, start_of(RUNNING + 1), RISEN)
    after = await book.read(await read_head(kit.anvil.rpc), lambda _: 1)
    won = payout_down(await kit.outcome(RUNNING), done.order.shares_units - sold, 0)
    assert (after.realised_units, after.open_units) == (won - done.order.amount_units + returned - 2, 0)
    assert after == await ChainBook(kit.anvil.rpc, kit.hub, KEEPER).read(
        await read_head(kit.anvil.rpc), lambda _: 1
    )


async def test_the_book_forgets_what_a_reorg_takes_away(kit: Kit) -> None:
    """It reads the day again, and what stands now counts once."""
    await fund(kit, hub=20 * UNIT)
    snapshot = await kit.anvil.snapshot()
    await kit.buy(KEEPER, 0, RUNNING)
    await kit.buy(KEEPER, 0, RUNNING)
    book = ChainBook(kit.anvil.rpc, kit.hub, KEEPER)
    await book.read(await read_head(kit.anvil.rpc), lambda _: 0)
    assert book.purchases((1, RUNNING)) == 2

    await kit.anvil.revert(snapshot)
    await kit.buy(KEEPER, 1, RUNNING, 3 * UNIT)
    await kit.anvil.mine(3)
    day = await book.read(await read_head(kit.anvil.rpc), lambda _: 0)

    assert book.purchases((1, RUNNING)) == 1
    assert day.open_units == 3 * UNIT


# ---------------------------------------------------------------------- on paper


async def test_on_paper_nothing_is_sent_and_real_outcomes_settle(
    kit: Kit, sender: Sender, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without any funds; the file survives a restart; the profit is what the shares would have paid."""
    await kit.send(KEEPER, kit.collateral, "approve", (await facade(kit)).address, 0)
    caplog.set_level("INFO")
    chain_id = await kit.anvil.rpc.chain_id()
    path = tmp_path / "paper.json"
    paper = PaperBook(path, kit.anvil.rpc, kit.hub, chain_id)
    before = await kit.anvil.rpc.block_number()

    trade = trade_keeper(kit, sender, Spots(RISEN), paper=paper)
    first, second = await trade.run_once(), await trade.run_once()

    assert first.order is not None
    assert second.order is None
    assert await kit.anvil.rpc.block_number() == before
    assert "would buy" in caplog.text
    await kit.move_to(start_of(RUNNING + 1))
    await post(kit, start_of(RUNNING + 1), RISEN)
    again = PaperBook(path, kit.anvil.rpc, kit.hub, chain_id)
    day = await again.read(await read_head(kit.anvil.rpc), lambda _: 0)
    report = again.report()
    outcome = await kit.outcome(RUNNING)
    paid = payout_down(outcome, again.position((1, RUNNING)).yes_units, 0)
    assert report.profit_units == paid - first.order.amount_units - first.gas_units == day.realised_units
    assert (report.trades, report.open_units, report.fees_units) == (1, 0, first.order.fee_units)
    assert first.gas_units > 0
    later = trade_keeper(kit, sender, Spots(RISEN), paper=again)
    for _ in range(2):
        await later.run_once()
    assert caplog.text.count(report.sentence(18)) == 1


async def test_on_paper_its_own_purchases_move_the_price(kit: Kit, sender: Sender, tmp_path: Path) -> None:
    """As they would have: the quotes with them are those that real purchases leave behind."""
    paper = PaperBook(tmp_path / "paper.json", kit.anvil.rpc, kit.hub, await kit.anvil.rpc.chain_id())
    await trade_keeper(kit, sender, Spots(RISEN), paper=paper).run_once()
    on_paper = paper.quotes((await reading(kit)).quotes, (1, RUNNING))

    await trade_keeper(kit, sender, Spots(RISEN)).run_once()

    assert on_paper.price_e18(Side.YES) == (await reading(kit)).quotes.price_e18(Side.YES)


# ---------------------------------------------------------------------- what it reads


async def test_the_quotes_are_the_contract_s_to_the_unit() -> None:
    """Before anybody has traded, after trades, and in every later step, with a liquidity that falls."""
    terms = house_terms(50, closing_liquidity_bps=2_500, closing_fee_bps=300)
    async with Anvil(timestamp=START) as anvil:
        kit = await Kit.deploy(anvil, terms=terms)
        for elapsed in (40, 70, 71, 130, 199, 260):
            await kit.move_to(START + elapsed)
            for side in Side:
                await assert_same_quote(kit, side)
            await kit.buy(TRADERS[0], elapsed % 2, 1, (elapsed % 7 + 1) * UNIT)
            await assert_same_quote(kit, Side.NO)


async def assert_same_quote(kit: Kit, side: Side) -> None:
    """The hub says the same of a purchase of 11 as the quotes that were read."""
    quotes = (await reading(kit)).quotes
    purchase = quotes.buy(side, 11 * UNIT)
    said = await kit.ask(kit.hub, "quoteBuy", 1, int(side), 11 * UNIT)

    assert (purchase.shares_units, purchase.fee_units) == tuple(said)


async def test_reads_the_market_and_the_account(kit: Kit) -> None:
    """Epoch, start price, funds by either way; nothing runs before genesis."""
    found = await reading(kit)

    assert (found.symbol, found.feed, found.epoch) == ("BTC", FEED, RUNNING)
    assert (found.start_at, found.closes_at) == (start_of(RUNNING), start_of(RUNNING) + 270)
    assert found.start_price_e18 == BTC
    assert found.budget_units == 5_000 * UNIT
    assert (await reading(kit, Through.HUB)).budget_units == 0
    assert found.quotes == HouseQuotes.opening(HouseTerms(100 * UNIT, 10_000, 100, 100), found.quotes.elapsed)


async def test_reads_nothing_into_a_market_that_has_not_begun() -> None:
    """Epoch 0, closed."""
    async with Anvil(timestamp=START - 400) as anvil:
        kit = await Kit.deploy(anvil)
        found = await reading(kit)

    assert (found.epoch, found.closed) == (0, "the market has not started")


async def test_volatility_is_of_the_boundaries_that_the_oracle_has(kit: Kit) -> None:
    """A thousandth every five minutes; what comes later is read on top; too few are none."""
    head = await read_head(kit.anvil.rpc)
    volatility = BoundaryVolatility(kit.anvil.rpc, kit.oracle, feed_id(FEED))

    found = await volatility.volatility_e18(head)

    assert found is not None
    # 0.001 / sqrt(300), but for the difference of up and down.
    assert abs(found - 57_706 * 10**9) < 10**10
    assert await volatility.volatility_e18(head) == found
    short = BoundaryVolatility(kit.anvil.rpc, kit.oracle, feed_id(FEED), boundaries=20, least=14)
    assert await short.volatility_e18(head) is None


async def test_ether_by_a_feed_is_its_newest_price(kit: Kit) -> None:
    """And an error where there is none: a fee is never guessed."""
    head = await read_head(kit.anvil.rpc)

    assert await FeedEther(kit.anvil.rpc, kit.oracle, FEED).collateral_e18(head) == BTC
    await kit.move_to(start_of(RUNNING + 3))
    later = await read_head(kit.anvil.rpc)
    with pytest.raises(PriceSourceError, match="last 2 boundaries"):
        await FeedEther(kit.anvil.rpc, kit.oracle, FEED, boundaries=2).collateral_e18(later)


async def test_an_order_is_encoded_for_either_side(kit: Kit) -> None:
    """The facade's purchase of NO is not that of YES."""
    reader = MarketReader(kit.anvil.rpc, kit.hub, 1, KEEPER)
    await reader.open()
    found = await reader.read(await read_head(kit.anvil.rpc))
    market = Contract("MarketFacade", reader.target.address)

    for side, fn in ((Side.YES, "buyYes"), (Side.NO, "buyNo")):
        order = Order(side, UNIT, 0, 2 * UNIT, UNIT, WAD // 2)
        intent = reader.intent(found, order, 3, deadline=77, worth_wei=5)
        expected = market.encode_call(f"{fn}(uint256,uint256,uint256,uint256)", UNIT, UNIT, RUNNING, 77)
        assert intent.data == expected
        assert intent.effect.args["side"] == side.name
