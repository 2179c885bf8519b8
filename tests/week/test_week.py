"""Eight hours of the keepers with faults all the way, and what is shown of the whole week."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.week.driver import Plan
from tests.week.life import live
from tests.week.recorded import FEEDS, GENESIS, WEEK_EPOCHS, series_of
from tests.week.report import PLOT, load, pages, plot, table

EPOCHS = 96


async def test_eight_hours_of_faults_leave_nothing_undone(tmp_path: Path) -> None:
    """Every needed boundary has its price, nothing was done twice, everybody is paid, no nonce is missing."""
    plan = Plan(EPOCHS, spike_every=48, index_kill_every=48)

    record = await live(plan, tmp_path, print)

    assert record["counts"]["reorgs"] == EPOCHS // plan.reorg_every
    assert record["kills"] == EPOCHS // plan.kill_every
    assert record["index_kills"] == EPOCHS // plan.index_kill_every
    assert record["counts"]["spikes"] == EPOCHS // plan.spike_every
    refused = sum(record["faults"].get(name, 0) for name in ("DropReply", "DropRequest", "HttpStatus"))
    assert refused * 100 >= record["requests"] * 8
    assert record["replacements"] > 0


@pytest.mark.parametrize("feed", FEEDS.values())
def test_every_boundary_of_the_week_was_recorded(feed: str) -> None:
    """No epoch of the week is without its two prices."""
    series = series_of(feed)

    assert all(series.price_e18(GENESIS + number * 300) for number in range(WEEK_EPOCHS + 1))


def test_the_week_is_shown_as_it_was() -> None:
    """The table in the documentation, and the plot, are those of the numbers that were kept."""
    numbers = load()

    assert pages()
    assert all(table(numbers) in page.read_text(encoding="utf-8") for page in pages())
    assert PLOT.read_text(encoding="utf-8") == plot(numbers)
