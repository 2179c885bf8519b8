"""The trade keeper through epochs of recorded prices: books, wallet and backtest agree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain_kit.cli.local.samples import SAMPLE_PRICES
from chain_kit.devnet import Anvil
from chain_kit.house import HouseTerms
from chain_kit.keepers.rounds import read_head
from chain_kit.keepers.trade.book import ChainBook
from chain_kit.keepers.trade.paper import PaperBook
from chain_kit.keepers.trade.prices import FixedEther, RecordedSpot
from chain_kit.prices import EPOCH, PriceSeries
from chain_kit.strategies import FairValue, Scene, Sizing, backtest
from tests.keeper_support.kit import FEED, KEEPER, OWNER, UNIT, Kit, house_terms
from tests.keeper_support.trading import fund, open_sender, post, trade_keeper

SERIES = PriceSeries.from_csv(SAMPLE_PRICES)
HISTORY, TRADED = 13, 4
STARTS = [SERIES.first_start(1) + n * EPOCH for n in range(HISTORY + TRADED + 1)]
"""Boundaries of the recording: a history, the epochs that are traded in, and their end."""
STRATEGY = FairValue(tick_e18=UNIT // 2, amount_units=20 * UNIT)


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    """A market whose clock and prices are the recording's, and a funded account."""
    terms = house_terms(100, closing_liquidity_bps=2_500, closing_fee_bps=300)
    async with Anvil(timestamp=STARTS[0]) as anvil:
        kit = await Kit.deploy(anvil, genesis=STARTS[0], terms=terms)
        await fund(kit, wallet=5_000 * UNIT)
        for boundary in STARTS[:HISTORY]:
            await at_boundary(kit, boundary)
        yield kit


async def at_boundary(kit: Kit, boundary: int) -> None:
    """Moves there and posts its price."""
    if await kit.anvil.timestamp() < boundary:
        await kit.move_to(boundary)
    await post(kit, boundary, SERIES.prices_e18[boundary])


async def play(kit: Kit, path: Path, paper: PaperBook | None = None) -> None:
    """Trades at each minute of the window. Ether is next to nothing: the backtest knows no gas."""
    async with await open_sender(kit, path / "outbox.db") as sender:
        spot = RecordedSpot({FEED: SERIES})
        trade = trade_keeper(kit, sender, spot, strategy=STRATEGY, ether=FixedEther(1), paper=paper)
        for start in STARTS[HISTORY:-1]:
            await at_boundary(kit, start)
            for elapsed in (60, 120, 180, 240):
                await kit.move_to(start + elapsed)
                await trade.run_once()
        await at_boundary(kit, STARTS[-1])


def foretold() -> tuple[int, int]:
    """What the backtest makes of the same epochs: profit and trades."""
    scene = Scene(HouseTerms(100 * UNIT, 2_500, 100, 300), Sizing())
    epochs = [one for one in backtest(SERIES, STRATEGY, scene).epochs if one.start in STARTS[HISTORY:-1]]
    return sum(one.profit_units for one in epochs), sum(one.trades for one in epochs)


async def test_the_chain_s_book_the_wallet_and_the_backtest_agree(kit: Kit, tmp_path: Path) -> None:
    """To the unit with what is redeemed; the backtest but for the second in which a trade is mined."""
    before = await kit.ask(kit.collateral, "balanceOf", KEEPER)
    await play(kit, tmp_path)
    epochs = range(HISTORY + 1, HISTORY + TRADED + 1)
    await kit.send(OWNER, kit.hub, "redeemFor", KEEPER, 1, list(epochs))
    gained = await kit.ask(kit.collateral, "balanceOf", KEEPER) - before

    book = ChainBook(kit.anvil.rpc, kit.hub, KEEPER)
    day = await book.read(await read_head(kit.anvil.rpc), lambda _: 0)

    profit, trades = foretold()
    assert (day.realised_units, day.open_units) == (gained, 0)
    assert sum(book.purchases((1, epoch)) for epoch in epochs) == trades > 2 * TRADED
    # The fee is a second's rise higher than at the minute.
    assert abs(gained - profit) < UNIT // 100


async def test_paper_and_backtest_agree(kit: Kit, tmp_path: Path) -> None:
    """But for the fee of purchases that are made again at a later second to see where prices would be."""
    chain_id = await kit.anvil.rpc.chain_id()
    paper = PaperBook(tmp_path / "paper.json", kit.anvil.rpc, kit.hub, chain_id)
    await play(kit, tmp_path, paper)
    await paper.settle(await read_head(kit.anvil.rpc))

    report = paper.report()

    profit, trades = foretold()
    assert (report.trades, report.open_units) == (trades, 0)
    assert abs(report.profit_units + report.gas_units - profit) < UNIT
