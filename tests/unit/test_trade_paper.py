from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from chain_kit.clob.orders import Side
from chain_kit.contracts import Contract
from chain_kit.errors import StoreCorruptError, StoreDeploymentError
from chain_kit.house import HouseQuotes, HouseTerms
from chain_kit.keepers.rounds import Head
from chain_kit.keepers.trade.paper import PaperBook
from chain_kit.lmsr import WAD
from chain_kit.prices import DAY
from chain_kit.strategies import Order, Position

HUB = "0x" + "11" * 20
OPEN, YES, NO, VOID = range(4)
NOON = 20_000 * DAY + DAY // 2
QUOTES = HouseQuotes.opening(HouseTerms(1000 * WAD, 2_500, 100, 300), 30)
PLACE = (1, 7)


class Outcomes:
    """A node that knows how epochs ended, by epoch; all others are open."""

    def __init__(self, **known: int) -> None:
        self.known = {int(name.removeprefix("e")): outcome for name, outcome in known.items()}
        self.asked = 0

    async def batch_settled(self, calls: list[Any]) -> list[str]:
        """Answers of outcomeOf(market, epoch)."""
        self.asked += len(calls)
        epochs = [int(call[1][0]["data"][-64:], 16) for call in calls]
        return ["0x" + f"{self.known.get(epoch, OPEN):064x}" + "0" * 128 for epoch in epochs]


def book(path: Path, node: Outcomes | None = None, *, hub: str = HUB, chain_id: int = 8453) -> PaperBook:
    """The paper book at a path."""
    rpc: Any = node or Outcomes()
    return PaperBook(path, rpc, Contract("EpochHub", hub), chain_id)


def order(side: Side = Side.YES, amount: int = 100, shares: int = 180) -> Order:
    """A purchase with a fee of one."""
    return Order(side, amount, 1, shares, shares - 1, WAD // 2)


def add(paper: PaperBook, epoch: int = 7, made: Order | None = None, **changes: Any) -> None:
    """Writes an order down, with gas of 3."""
    at: dict[str, Any] = {"now": NOON, "ends_at": NOON + 100, "gas_units": 3, "quotes": QUOTES}
    paper.add((1, epoch), made or order(), **at | changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the book is kept."""
    return tmp_path / "books" / "paper.json"


def test_a_book_is_made_with_its_first_trade(path: Path) -> None:
    """Looking leaves no file behind."""
    paper = book(path)
    assert (paper.trades, path.exists()) == ((), False)

    add(paper)

    assert path.exists()
    assert book(path).trades == paper.trades


def test_amounts_in_the_file_are_decimal_strings(path: Path) -> None:
    """Larger than a float holds, they come back to the unit."""
    add(book(path), made=order(amount=10**30 + 1))

    (row,) = orjson.loads(path.read_bytes())["trades"]
    assert (row["amount_units"], row["side"], row["epoch"]) == (str(10**30 + 1), "YES", 7)
    assert book(path).trades[0].amount_units == 10**30 + 1


def test_knows_position_and_number_of_purchases(path: Path) -> None:
    """Of each epoch on its own."""
    paper = book(path)
    add(paper)
    add(paper, made=order(Side.NO, shares=50))
    add(paper, epoch=8)

    assert paper.position(PLACE) == Position(180, 50)
    assert (paper.purchases(PLACE), paper.purchases((1, 8)), paper.purchases((2, 7))) == (2, 1, 0)


def test_its_purchases_move_the_quotes_of_their_epoch(path: Path) -> None:
    """As the house's own rule would have moved them; with a lower b as much."""
    paper = book(path)
    add(paper, made=order(amount=100 * WAD))
    moved = paper.quotes(QUOTES, PLACE)

    assert moved == QUOTES.after(Side.YES, 100 * WAD)
    assert paper.quotes(QUOTES, (1, 8)) == QUOTES
    later = QUOTES.at(240)
    gap = paper.quotes(later, PLACE).price_e18(Side.YES) - moved.price_e18(Side.YES)
    # The fee has risen from 1.2 to 2.8 per cent: a little less reaches the curve.
    assert -WAD // 1000 < gap < 0


async def test_settles_by_what_the_chain_says(path: Path) -> None:
    """Each outcome once; the rest stays open, and the file has it."""
    node = Outcomes(e7=YES, e8=NO, e9=VOID)
    paper = book(path, node)
    for epoch in (7, 8, 9, 10):
        add(paper, epoch)

    day = await paper.read(Head(5, NOON + 200), lambda wei: wei)

    profit = (180 - 103) + (0 - 103) + (90 - 103)
    assert (day.number, day.realised_units, day.open_units) == (20_000, profit, 103)
    report = paper.report()
    assert report.profit_units == profit
    assert (report.trades, report.staked_units, report.fees_units, report.gas_units) == (4, 400, 4, 12)
    assert report.open_units == 100
    assert node.asked == 4
    again = book(path, node)
    await again.settle(Head(6, NOON + 300))
    assert node.asked == 5
    assert again.report() == report


async def test_two_purchases_of_a_void_epoch_are_paid_together(path: Path) -> None:
    """As they are redeemed: half of their sum, rounded down once."""
    paper = book(path, Outcomes(e7=VOID))
    add(paper, made=order(shares=101))
    add(paper, made=order(Side.NO, shares=102))
    await paper.settle(Head(5, NOON + 200))

    assert paper.report().profit_units == 101 - 206


async def test_yesterday_s_trades_are_in_the_report_and_not_in_the_day(path: Path) -> None:
    """The loss limit is a day's; the profit is of all days."""
    paper = book(path, Outcomes(e7=NO))
    add(paper, ends_at=NOON - DAY)

    day = await paper.read(Head(5, NOON), lambda wei: wei)

    assert (day.realised_units, paper.report().profit_units) == (0, -103)


def test_the_report_is_a_sentence_too(path: Path) -> None:
    """In whole units of the collateral."""
    paper = book(path)
    add(paper, made=order(amount=25 * 10**5), gas_units=10**4)

    assert paper.report().sentence(6) == (
        "1 paper trades: staked 2.5, of it fees 0.000001, and gas 0.01; profit after costs 0, still open 2.5"
    )


@pytest.mark.parametrize("other", [{"chain_id": 1}, {"hub": "0x" + "22" * 20}])
def test_refuses_another_deployment_s_book(path: Path, other: dict[str, Any]) -> None:
    """Its epochs would be settled by the wrong outcomes."""
    add(book(path))

    with pytest.raises(StoreDeploymentError, match="paper book of"):
        book(path, **other)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"trades": [{"side": "YES"}]}', b'{"trades": [{}]}']
)
def test_refuses_what_is_no_book(path: Path, content: bytes) -> None:
    """Rather than begin a new one over it."""
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(StoreCorruptError, match="no paper book"):
        book(path)
    assert path.read_bytes() == content
