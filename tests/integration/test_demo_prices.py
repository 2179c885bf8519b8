"""The demo on other prices and with other options, and one that must not be verified."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from chain_kit.manifest import Manifest
from tests.system_support.cli import ask, run
from tests.system_support.demo import DemoRun, run_demo, shared_demo, without_block
from tests.system_support.prices import GRID, Row, expected_epochs, outcomes, sample_rows, write_prices

pytestmark = pytest.mark.slow

GAPS_START = sample_rows()[0][0] + 167 * GRID
GAPS_EPOCHS = 7
SMALL_START = 1_515_560_100
SMALL_CLOSES = ("0.00005330", "0.00005331", "0.00005330", "0.0000533")
ALTERED = """
import sqlite3, sys
from chain_kit.cli.local import document

database, alteration = sys.argv.pop(1), sys.argv.pop(1)
until = document.until

async def until_altered(*what):
    await until(*what)
    with sqlite3.connect(database) as connection:
        assert connection.execute(alteration).rowcount

document.until = until_altered
from chain_kit.cli.app import main
main()
"""
ALTERATION = "UPDATE entry SET delta = delta || '1' WHERE block = (SELECT max(block) FROM entry)"


def gaps_rows() -> list[Row]:
    """A stretch of the recorded day with a real tie; first, last and an inner boundary are missing."""
    gaps = {GAPS_START + n * GRID for n in (0, 6, 7)}
    stretch = range(GAPS_START - GRID, GAPS_START + (GAPS_EPOCHS + 1) * GRID + 1)
    return [row for row in sample_rows() if row[0] in stretch and row[0] not in gaps]


def gaps_demo(folder: Path) -> DemoRun:
    """That stretch, with more traders than there are habits."""
    prices = write_prices(folder / "gaps.csv", gaps_rows())
    stretch = ("--prices", prices, "--start", GAPS_START, "--epochs", GAPS_EPOCHS)
    return run_demo(folder, *stretch, "--traders", 14, "--seed", 7, "--json")


def small_demo(folder: Path) -> DemoRun:
    """Prices of eight decimals among other columns, one trader."""
    lines = [f"ETC,{close},{SMALL_START + n * GRID},0.1" for n, close in enumerate(SMALL_CLOSES)]
    prices = folder / "cross.csv"
    prices.write_text("\n".join(["symbol,close,ts,open", *lines]) + "\n")
    return run_demo(folder, "--prices", prices, "--epochs", 3, "--traders", 1, "--json")


def same_seed_demo(folder: Path) -> DemoRun:
    """The shared demo's options, as tables, with other files; the settings speak of another chain."""
    (folder / "chain-kit.toml").write_text('network = "base"\nkeystore = "none.json"\n')
    files = ("--db", folder / "other.db", "--deployment", folder / "here" / "chain.json")
    return run_demo(folder, "--epochs", 3, "--seed", 1, *files)


def altered_demo(folder: Path) -> DemoRun:
    """One stored amount is changed behind the indexer's back, once all is proven."""
    options = ("demo", "--epochs", 1, "--traders", 1, "--json")
    prefix = [sys.executable, "-c", ALTERED, "deployments/31337.db", ALTERATION]
    return DemoRun(folder, run(*options, cwd=folder, prefix=prefix))


Runs = dict[str, "Future[DemoRun]"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """All of these, two at a time."""
    kinds = (gaps_demo, same_seed_demo, small_demo, altered_demo)
    with ThreadPoolExecutor(max_workers=2) as pool:
        yield {kind.__name__: pool.submit(kind, tmp_path_factory.mktemp(kind.__name__)) for kind in kinds}


def test_ties_and_gaps_end_as_the_file_says(runs: Runs) -> None:
    """Gaps at the first, an inner and the last boundary make their epochs VOID, and so does a real tie."""
    document = runs["gaps_demo"].result().said.require().document
    expected = expected_epochs(gaps_rows(), GAPS_START, GAPS_EPOCHS)

    assert expected == outcomes(document["epochs"])
    assert ["VOID", "YES", "YES", "VOID", "NO", "VOID", "VOID"] == [row["outcome"] for row in expected]
    assert expected[3]["start_price"] == expected[3]["end_price"] is not None
    assert (14, True) == (len(document["accounts"]), document["verified"])
    assert {"0"} == {row["claimable"] for row in document["positions"]}


def test_same_seed_gives_the_same_numbers(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Run again with the same seed, into other files, all numbers are the same, whatever the settings say."""
    demo = shared_demo(tmp_path_factory)
    again = runs["same_seed_demo"].result()
    out = again.said.require().out
    document, db = demo.document, again.folder / "other.db"
    accounts = [row["account"] for row in document["accounts"]]
    held = [{"account": a, **row} for a in accounts for row in ask("positions", a, "--db", db)]
    reserve = ask("reserve", "--db", db)

    assert without_block(document["epochs"]) == without_block(ask("epochs", "BTC", "--db", db)[:3])
    assert without_block(document["positions"]) == without_block(held)
    assert {"reconciled"} == {row["level"] for row in (*document["epochs"], *held)}
    assert (document["reserve"]["hub"], document["reserve"]["vault"], True) == (
        *(reserve["hub"], reserve["vault"], reserve["verified"]),
    )
    assert out.rstrip().endswith("verified")
    assert not (again.folder / "deployments").exists()
    assert Manifest.load(again.folder / "here" / "chain.json").chain_id == 31337


def test_small_prices_of_another_asset_keep_every_digit(runs: Runs) -> None:
    """Eight decimals, other columns, one trader: a difference in the last digit decides."""
    document = runs["small_demo"].result().said.require().document
    rows = [(SMALL_START + n * GRID, close) for n, close in enumerate(SMALL_CLOSES)]
    found = outcomes(document["epochs"])

    assert expected_epochs(rows, SMALL_START, 3) == found
    assert [
        ("YES", "0.0000533", "0.00005331"),
        ("NO", "0.00005331", "0.0000533"),
        ("VOID", "0.0000533", "0.0000533"),
    ] == [(row["outcome"], row["start_price"], row["end_price"]) for row in found]
    assert (1, True) == (len(document["accounts"]), document["verified"])


def test_one_altered_number_is_not_verified(runs: Runs) -> None:
    """One stored amount that is changed behind the indexer's back: the demo says so and exits 1."""
    said = runs["altered_demo"].result().said.require(1)

    assert (False, False) == (said.document["verified"], said.document["reserve"]["verified"])
    assert said.document["differences"]
    assert "Traceback" not in said.err
