"""What the demo shows beside the epochs: a match of signed orders, a race and a graduation."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from chain_kit.cli.local.samples import SAMPLE_CROSSES
from tests.system_support.demo import DemoRun, shared_demo

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """Three epochs of the recorded day."""
    return shared_demo(tmp_path_factory)


def amount(value: Any) -> Decimal:
    """A decimal string of the document."""
    assert isinstance(value, str)
    return Decimal(value)


def test_two_orders_make_complete_sets(demo: DemoRun) -> None:
    """A YES buyer and a NO buyer pay for the sets between them, neither more than its limit, plus a fee."""
    match = demo.document["match"]
    shares, fee = amount(match["shares"]), amount(match["fee"])
    taker, maker = amount(match["taker_paid"]), amount(match["maker_paid"])

    assert ("MINT", "YES", "NO", True) == (
        *(match["kind"], match["taker_side"], match["maker_side"], match["settled"]),
    )
    assert shares == taker - fee + maker
    assert maker == shares * amount(match["maker_limit"])
    assert taker - fee < shares * amount(match["taker_limit"])


def test_the_match_is_in_the_index(demo: DemoRun) -> None:
    """The taker's shares are among its epoch's, and the fills among the indexed events."""
    match = demo.document["match"]
    fills = [event.contract for event in demo.events("OrderFilled")]

    assert 2 == fills.count("EpochHub")
    assert any(
        (row["account"], row["epoch"]) == (match["taker"], match["epoch"])
        for row in demo.document["positions"]
    )


def test_the_race_finishes_as_the_prices_say(demo: DemoRun) -> None:
    """Places are those of the recorded prices, with a dead heat for the second; every stake is paid out."""
    race = demo.document["race"]
    finish = race["finish"]
    performance = {
        row["asset"]: Fraction(amount(row["end_price"])) / Fraction(amount(row["start_price"]))
        for row in finish
    }

    assert ("FINISHED", True, race["staked"]) == (race["status"], race["settled"], race["paid"])
    for row in finish:
        own = performance[row["asset"]]
        assert row["first_place"] == 1 + sum(other > own for other in performance.values())
        assert row["shared_by"] == sum(other == own for other in performance.values())
    assert [("ETH", 1, 1), ("LTC", 2, 2), ("XLM", 2, 2)] == [
        (row["asset"], row["first_place"], row["shared_by"]) for row in finish[:3]
    ]


def test_the_race_runs_on_recorded_prices(demo: DemoRun) -> None:
    """Start and end prices are the first two that the file has of each asset."""
    lines = [line.split(",") for line in SAMPLE_CROSSES.read_text().splitlines()[1:]]
    recorded: dict[str, list[Decimal]] = {}
    for asset, _, close in lines:
        recorded.setdefault(asset, []).append(Decimal(close))

    assert {asset: found[:2] for asset, found in recorded.items()} == {
        row["asset"]: [amount(row["start_price"]), amount(row["end_price"])]
        for row in demo.document["race"]["finish"]
    }


def test_the_curve_graduates(demo: DemoRun) -> None:
    """All that was raised is in the pool, at the price at which the curve ended; the shares are locked."""
    graduation = demo.document["graduation"]

    assert (10_000, True) == (graduation["progress"], graduation["settled"])
    assert amount(graduation["raised"]) == amount(graduation["pool_quote"])
    # A fifth of the supply is kept back for the pool, but for the rounding of the curve.
    assert 200_000_000 <= amount(graduation["pool_tokens"]) < 200_001_000
    assert int(graduation["locked_shares"]) > 0
