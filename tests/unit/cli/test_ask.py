from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from indexer import queries
from indexer.store import open_store
from tests.index_support.chain import CURVE, DEPLOYMENT, FakeChain, raw_event
from tests.index_support.race_world import RaceWorld
from tests.index_support.world import World
from tests.system_support.cli import Said, say

FIRST = DEPLOYMENT.first_block
STAMP = ["block", "block_hash", "level", "verified"]


class Index:
    """An index of everything that there is to ask for, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        chain = FakeChain()
        chain.mine(raw_event("MrtToken", "Transfer", "0x" + "0" * 40, CURVE.address, 10**27))
        self.world = World(chain, 11)
        self.world.run(150)
        self.races = RaceWorld(chain, 5)
        self.races.run(90)
        self.chain = chain
        asyncio.run(self._store())

    async def _store(self) -> None:
        async with open_store(self.path, DEPLOYMENT) as store:
            await store.take(self.chain.forward(FIRST))

    def ask(self, question: Any, *arguments: Any, **options: Any) -> Any:
        """What a Python program would be answered."""

        async def ask() -> Any:
            async with queries.open_database(self.path) as database:
                return await question(database, *arguments, **options)

        return asyncio.run(ask())

    def say(self, *words: object) -> Said:
        """What the command line answers."""
        return say(*words, "--db", self.path)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """One for all tests here: they only read it."""
    return Index(tmp_path_factory.mktemp("ask") / "index.db")


def _questions(index: Index) -> dict[str, tuple[Sequence[object], Any]]:
    trader, racer = index.world.accounts[0], index.races.accounts[0]
    asked: dict[str, tuple[Sequence[object], tuple[Any, ...]]] = {
        "epochs": (("epochs", "BTC"), (queries.epochs, "BTC")),
        "positions": (("positions", trader), (queries.positions, trader)),
        "race positions": (("positions", racer, "--races"), (queries.race_positions, racer)),
        "reserve": (("reserve",), (queries.reserve,)),
        "markets": (("markets",), (queries.markets,)),
        "trades": (("trades",), (queries.trades,)),
        "candles": (("candles", "BTC"), (queries.candles, "BTC")),
        "payouts": (("payouts",), (queries.payouts,)),
        "mrt": (("mrt", "BTC"), (queries.mrt, "BTC")),
        "holders": (("mrt", "BTC", "--holders"), (queries.mrt_holders, "BTC")),
        "races": (("races",), (queries.races,)),
        "race": (("races", "MAJORS"), (queries.race, "MAJORS")),
    }
    return asked


NAMES = ["epochs", "positions", "race positions", "reserve", "markets", "trades", "candles", "payouts", "mrt",
         "holders", "races", "race"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_json_is_what_python_gets(index: Index, name: str) -> None:
    """One document, with every field, as of the last block and of an earlier one."""
    words, (question, *arguments) = _questions(index)[name]
    for block in (index.chain.tip.number, index.chain.tip.number - 9):
        said = index.say(*words, "--json", "--at-block", block).require()
        assert said.document == index.ask(question, *arguments, at_block=block)
        assert said.document


@pytest.mark.parametrize("name", NAMES)
def test_csv_is_a_header_and_rows(index: Index, name: str) -> None:
    """Lines end as RFC 4180 has it, each has all columns, and the last ones are the stamp."""
    words, _ = _questions(index)[name]
    said = index.say(*words, "--csv").require()
    assert said.out.count("\r\n") == said.out.count("\n") > 1
    header, *rows = csv.reader(io.StringIO(said.out, newline=""))
    assert header[-4:] == STAMP
    assert {len(row) for row in rows} == {len(header)}
    tip = index.chain.tip
    assert {tuple(row[-4:]) for row in rows} == {(str(tip.number), tip.hash, "linked", "false")}


@pytest.mark.parametrize("name", NAMES)
def test_a_table_says_how_far_it_is_proven(index: Index, name: str) -> None:
    """The last line names the block, and what it is worth."""
    words, _ = _questions(index)[name]
    said = index.say(*words).require()
    last = said.out.splitlines()[-1]
    assert last.endswith(index.chain.tip.hash)
    if name == "reserve":
        assert last.startswith("not checked against the chain at this block")
    else:
        assert last.startswith(f"block {index.chain.tip.number}, linked: not verified;")


@pytest.mark.parametrize("name", NAMES)
def test_json_and_csv_exclude_each_other(index: Index, name: str) -> None:
    """Asked for both, it prints neither."""
    words, _ = _questions(index)[name]
    said = index.say(*words, "--json", "--csv").require(2)
    assert said.out == ""
    assert "--json and --csv exclude each other" in said.err


def _rows(said: Said) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(said.require().out, newline="")))


def test_csv_has_every_digit_and_leaves_out_what_is_missing(index: Index) -> None:
    """The same values as JSON; null is nothing at all, a list is its parts."""
    epochs = index.ask(queries.epochs, "BTC")
    assert [row["outcome"] for row in _rows(index.say("epochs", "BTC", "--csv"))] == [
        epoch["outcome"] or "" for epoch in epochs
    ]
    assert {epoch["outcome"] for epoch in epochs} > {None}
    races = _rows(index.say("races", "--csv"))
    assert races[1]["assets"] == "ETH/USD BTC/USD"
    parts = _rows(index.say("reserve", "--csv"))
    assert [row["contract"] for row in parts] == ["hub", "vault", "races"]
    assert parts[0]["reserve"] == index.ask(queries.reserve)["hub"]["reserve"]


def test_no_rows_are_a_header_alone(index: Index) -> None:
    """And an empty list, and a table without a stamp."""
    nobody = "0x000000000000000000000000000000000000dEaD"
    for words in (("positions", nobody), ("trades", "--account", nobody)):
        said = index.say(*words, "--csv").require()
        assert said.out.count("\r\n") == 1
        assert index.say(*words, "--json").require().document == []
        assert "block hash" not in index.say(*words).require().out


def test_trades_are_narrowed_and_paged(index: Index) -> None:
    """By market, by account, by how many, and from the last one of a page on."""
    trader = index.world.accounts[1]
    whole = index.ask(queries.trades, account=trader, limit=10_000)
    words = ("trades", "--market", "BTC", "--account", trader, "--limit", 3, "--json")
    page = index.say(*words).require().document
    following = index.say(*words, "--before", page[-1]["position"]).require().document
    assert page + following == whole[:6]


def test_candles_of_yes_by_the_hour(index: Index) -> None:
    """What is asked of Python is asked here."""
    said = index.say("candles", "BTC", "--interval", 3_600, "--of", "yes", "--limit", 2, "--json").require()
    assert said.document == index.ask(queries.candles, "BTC", 3_600, of="yes", limit=2)
    index.say("candles", "BTC", "--interval", 450).require(2)


def test_positions_of_one_epoch_of_a_race(index: Index) -> None:
    """--market and --epoch narrow those in races, too."""
    racer = index.races.accounts[0]
    whole = index.ask(queries.race_positions, racer)
    epoch = whole[0]["epoch"]
    said = index.say("positions", racer, "--races", "--market", "MAJORS", "--epoch", epoch, "--json")
    assert said.require().document == [
        row for row in whole if (row["market"], row["epoch"]) == ("MAJORS", epoch)
    ]


def test_a_race_in_an_epoch_that_is_over(index: Index) -> None:
    """Its finish by place, in CSV as in the table."""
    answer = index.ask(queries.race, "MAJORS", epoch=2)
    rows = _rows(index.say("races", "MAJORS", "--epoch", 2, "--csv"))
    assert [row["asset"] for row in rows] == [one["asset"] for one in answer["finish"]]
    assert {row["status"] for row in rows} == {answer["status"]}
    assert "MAJORS, epoch 2" in index.say("races", "MAJORS", "--epoch", 2).require().out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("epochs", "ETH"), 2),
        (("trades", "--market", "ETH"), 2),
        (("trades", "--account", "0x12"), 2),
        (("trades", "--limit", 0), 2),
        (("candles", "ETH"), 2),
        (("payouts", "nobody"), 2),
        (("mrt", "ETH"), 2),
        (("races", "MINORS"), 2),
        (("positions", "0x12", "--races"), 2),
        (("markets", "--at-block", 10**9), 2),
    ],
)
def test_what_cannot_be_answered_is_a_users_mistake(index: Index, words: Sequence[object], code: int) -> None:
    """Words on standard error, no data, no traceback."""
    said = index.say(*words).require(code)
    assert said.out == ""
    assert "Traceback" not in said.err


def test_an_index_of_something_else_is_named(tmp_path: Path) -> None:
    """A database that is no index says so to every question."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    for words in (("markets",), ("trades",), ("races",), ("payouts",), ("mrt", "BTC")):
        assert str(path) in say(*words, "--db", path).require(1).err
