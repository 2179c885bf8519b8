from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chain_kit.cli.local import clock
from chain_kit.cli.local.children import ChildFailedError
from chain_kit.cli.local.clock import StuckError, advance_to, until
from chain_kit.cli.local.demo import DemoOptions
from chain_kit.cli.local.document import _profit_differences
from chain_kit.cli.local.folders import LocalFiles
from chain_kit.cli.local.rehearsal import _copy, _parts
from chain_kit.cli.local.samples import SAMPLE_PRICES
from chain_kit.deploy import DeploymentReport, Step
from chain_kit.errors import PriceMissingError, SettingError
from chain_kit.prices import DAY, PriceSeries
from tests.system_support.prices import GRID, sample_rows, write_prices

FILES = LocalFiles.of(Path("x.json"), None)
FIRST = sample_rows()[0][0]


# ---------------------------------------------------------------- the recorded day


def test_sample_is_a_whole_day_with_a_tie() -> None:
    """Midnight to midnight without a gap: it can be replayed on any day. Its second epoch is a tie."""
    series = PriceSeries.from_csv(SAMPLE_PRICES)

    assert (0, DAY) == (series.first % DAY, series.last - series.first)
    assert [] == [ts for ts in range(series.first, series.last + 1, 60) if series.price_e18(ts) is None]
    assert series.price_e18(FIRST + GRID) == series.price_e18(FIRST + 2 * GRID)


# ---------------------------------------------------------------- what the demo is asked for


def options(prices: Path = SAMPLE_PRICES, **asked: Any) -> DemoOptions:
    """Options of a demo."""
    return DemoOptions(prices=prices, files=FILES, **asked)


def first_boundary(asked: DemoOptions) -> int:
    """Where epoch 1 would start."""
    return asked.first_boundary(asked.series)


def test_first_possible_start_is_the_default(tmp_path: Path) -> None:
    """Without --start, epoch 1 starts at the first boundary that has a price."""
    later = write_prices(tmp_path / "p.csv", sample_rows()[1:100])

    assert FIRST == first_boundary(options())
    assert FIRST + GRID == first_boundary(options(later))


def test_start_is_taken_as_it_is_given() -> None:
    """A boundary inside the file, the last that leaves room for all epochs among them."""
    last = FIRST + DAY - 12 * GRID

    assert FIRST + 7 * GRID == first_boundary(options(start=FIRST + 7 * GRID))
    assert last == first_boundary(options(start=last))


@pytest.mark.parametrize(
    ("asked", "error", "message", "hint"),
    [
        ({"start": FIRST + 1}, SettingError, f"--start is {FIRST + 1}, not a multiple of 300", str(FIRST)),
        ({"start": FIRST - GRID}, PriceMissingError, str(FIRST - GRID), "--start"),
        ({"start": FIRST + DAY - GRID}, PriceMissingError, "1 of 12 epochs", "--epochs"),
        ({"start": FIRST + DAY}, PriceMissingError, "0 of 12 epochs", "--epochs"),
        ({"epochs": 289}, PriceMissingError, "288 of 289 epochs", "--prices"),
        ({"epochs": 0}, SettingError, "--epochs is 0", "at least 1"),
        ({"traders": 0}, SettingError, "--traders is 0", "at least 1"),
        ({"traders": -3}, SettingError, "--traders is -3", "at least 1"),
    ],
)
def test_what_cannot_be_played_is_named(
    asked: dict[str, Any], error: type[Exception], message: str, hint: str
) -> None:
    """The error has the option, its value, and what would do."""
    with pytest.raises(error) as caught:
        first_boundary(options(**asked))

    assert message in str(caught.value)
    assert hint in caught.value.hint  # type: ignore[attr-defined]


# ---------------------------------------------------------------- waiting, and the clock


class Family:
    """Children of which one may have failed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def check(self) -> None:
        """As Children does."""
        if self.error is not None:
            raise self.error


def after(count: int) -> Callable[[], Any]:
    """A condition that holds when it has been asked `count` times."""
    asked = 0

    async def holds() -> bool:
        nonlocal asked
        asked += 1
        return asked >= count

    return holds


async def test_waiting_ends_when_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked again and again, and no longer than needed."""
    monkeypatch.setattr(clock, "_POLL_SECONDS", 0)
    await until("it", after(50), Family())  # type: ignore[arg-type]


async def test_waiting_names_what_did_not_come() -> None:
    """After its time the error says what was waited for, and how long."""
    with pytest.raises(StuckError, match=r"the price: not after 0 s"):
        await until("the price", after(10**9), Family(), timeout_seconds=0)  # type: ignore[arg-type]


async def test_waiting_tells_of_a_dead_child_at_once() -> None:
    """Nobody waits for what a child that was given up would have done."""
    async with asyncio.timeout(20):
        with pytest.raises(ChildFailedError, match="resolve ended"):
            await until("it", after(10**9), Family(ChildFailedError("resolve ended")))  # type: ignore[arg-type]


@dataclass
class Clock:
    """A chain's clock, and what it was told."""

    now: int
    told: list[object] = field(default_factory=list)

    async def timestamp(self) -> int:
        """The newest block's time."""
        return self.now

    async def set_next_timestamp(self, instant: int) -> None:
        """Is written down."""
        self.told.append(instant)

    async def mine(self) -> None:
        """Is written down."""
        self.told.append("mine")


@pytest.mark.parametrize(
    ("now", "mine", "told"),
    [(100, False, [200]), (100, True, [200, "mine"]), (200, False, []), (201, True, ["mine"])],
)
async def test_the_clock_is_never_put_back(now: int, mine: bool, told: list[object]) -> None:
    """A clock that is there already, or further, is left alone."""
    chain = Clock(now)
    await advance_to(chain, 200, mine=mine)  # type: ignore[arg-type]

    assert told == chain.told


# ---------------------------------------------------------------- the sum of all profits


def profits(*rows: tuple[str, str, str]) -> list[str]:
    """What differs for accounts of (profit, wallet, internal), each of which was given 100."""
    desk: Any = SimpleNamespace(manifest=SimpleNamespace(collateral=SimpleNamespace(decimals=18)))
    names = ("profit", "wallet", "internal")
    accounts = [dict(zip(names, row, strict=True)) for row in rows]
    return _profit_differences(desk, accounts, 100 * 10**18)


def test_profits_add_up_to_what_is_held() -> None:
    """What all have won is what they hold beyond what they were given, wherever they hold it."""
    assert [] == profits(("5", "80", "25"), ("-3", "97", "0"))
    assert [] == profits(("0", "100", "0"))


def test_profits_that_do_not_add_up_are_a_difference() -> None:
    """One base unit is enough, and both sums are shown."""
    off = profits(("5.000000000000000001", "105", "0"))

    assert ["profit of all accounts: 5.000000000000000001, on chain 5"] == off


# ---------------------------------------------------------------- a rehearsal's costs


def report(*steps: tuple[str, str | None]) -> DeploymentReport:
    """A report with these steps."""
    return DeploymentReport(None, [Step(name, "0x", transaction) for name, transaction in steps])  # type: ignore[arg-type]


def test_every_transaction_counts_once() -> None:
    """Those that lead up to a part count with it; two parts of one transaction are not paid twice."""
    used = {"0xa": 10, "0xb": 20, "0xc": 30, "0xd": 40}
    parts = _parts(
        report(("hub", "0xa"), ("vault", None), ("house budget", "0xc"), ("curve", "0xd"), ("token", "0xd")),
        *(used, 3),
    )

    assert [("hub", 10, "30"), ("house budget", 50, "150"), ("curve", 40, "120")] == [
        (part["name"], part["gas"], part["fee_wei"]) for part in parts
    ]


def test_nothing_to_send_costs_nothing() -> None:
    """All parts there: no lines."""
    assert [] == _parts(report(("hub", None)), {}, 3)


def test_the_manifest_is_copied_if_there_is_one(tmp_path: Path) -> None:
    """A rehearsal starts from what is deployed, and writes beside it, never into it."""
    folder, original = tmp_path / "copy", tmp_path / "8453.json"
    folder.mkdir()

    assert not _copy(original, folder).exists()
    original.write_text("{}")
    copy = _copy(original, folder)
    assert ("{}", folder / "8453.json") == (copy.read_text(), copy)
