"""The house loses less to an informed trader than makers that risk the same."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from chain_kit import toolchain
from chain_kit.cli.local.samples import SAMPLE_PRICES
from tests.benchmarks.house_simulation import (
    LIQUIDITY,
    MAKERS,
    NOISE,
    Result,
    chart,
    main,
    read_epochs,
    simulate,
    table,
)
from tests.benchmarks.line_chart import Line, line_chart
from tests.benchmarks.makers import ClosingLmsr, ConstantProduct, Maker

WORST = LIQUIDITY * Decimal(2).ln()
DUST = Decimal("1e-18")


@pytest.fixture(scope="module")
def informed() -> list[Result]:
    """The makers against the informed trader alone."""
    epochs, deviation = read_epochs(SAMPLE_PRICES)
    return simulate(epochs, deviation, noise=Decimal(0))


def test_the_house_loses_least(informed: list[Result]) -> None:
    """On the recorded day it loses less than half of what others lose; its worst epoch too is better."""
    house, *others = informed
    assert all(house.mean > other.mean / 2 for other in others)
    assert all(house.worst > other.worst for other in others)


def test_nobody_loses_more_than_was_put_in(informed: list[Result]) -> None:
    """No epoch costs a maker more than b·ln 2."""
    assert all(each.worst >= -WORST for each in informed)


def test_uninformed_trades_pay_the_house() -> None:
    """With trades that know nothing beside the informed ones, every maker does better."""
    epochs, deviation = read_epochs(SAMPLE_PRICES)
    alone = simulate(epochs, deviation, noise=Decimal(0))
    mixed = simulate(epochs, deviation, noise=NOISE)
    assert all(with_noise.mean > without.mean for without, with_noise in zip(alone, mixed, strict=True))


@pytest.mark.parametrize("name", MAKERS)
def test_buying_until_a_price_ends_at_it(name: str) -> None:
    """The price with the fee on top is then `worth`; a second purchase finds nothing."""
    maker = MAKERS[name]()
    maker.advance(150)
    rate = maker.rate if isinstance(maker, ClosingLmsr) else FEE_OF_POOL
    assert maker.buy_until("yes", Decimal("0.8")) > 0
    assert abs(maker.price() / (1 - rate) - Decimal("0.8")) < DUST
    assert maker.buy_until("yes", Decimal("0.8")) < DUST


FEE_OF_POOL = Decimal("0.01")


def test_closing_leaves_the_price_where_it_was() -> None:
    """What the house takes out of its quotes does not move its price, and nothing is lost of its shares."""
    house = ClosingLmsr(LIQUIDITY, Decimal(0), closing_share=Decimal("0.25"))
    house.spend("no", Decimal(200))
    before, shares = house.price(), house.yes
    house.advance(200)
    assert abs(house.price() - before) < DUST
    assert abs(house.yes + house.retired_yes - shares) < DUST
    assert house.liquidity < LIQUIDITY


@pytest.mark.parametrize(
    "make", [lambda: ClosingLmsr(LIQUIDITY, Decimal(0)), lambda: ConstantProduct(WORST, Decimal(0))]
)
def test_what_the_maker_loses_the_buyer_wins(make: type[Maker]) -> None:
    """Without a fee the winner's shares less its payment are the maker's loss."""
    maker = make()
    shares = maker.spend("yes", Decimal(100))
    assert abs(maker.profit(yes_won=True) + shares - 100) < DUST
    assert abs(maker.profit(yes_won=False) - 100) < DUST


def test_the_document_shows_the_figures(informed: list[Result]) -> None:
    """The table in the contracts page and its picture are what the simulation gives."""
    docs = toolchain.root() / "docs"
    assert table("informed trader alone", informed) in (docs / "contracts.md").read_text()
    assert chart(informed) == (docs / "house.svg").read_text()


def test_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables for people, one document for programs, a picture where it is asked for."""
    picture = tmp_path / "house.svg"
    assert main(["--json", "--svg", str(picture)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["epochs"] == 288
    assert document["informed"].keys() == MAKERS.keys()
    assert main([]) == 0
    assert "288 epochs of btcusd_2022-01-08.csv" in capsys.readouterr().out
    assert picture.read_text().count("<polyline") == len(MAKERS)


def test_a_chart_needs_lines() -> None:
    """Nothing, or a single value, cannot be drawn."""
    with pytest.raises(ValueError, match="two values"):
        line_chart([], x_label="x", y_label="y")
    with pytest.raises(ValueError, match="two values"):
        line_chart([Line("a", [Decimal(1)])], x_label="x", y_label="y")
