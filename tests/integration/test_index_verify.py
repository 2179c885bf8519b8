"""What `verify` finds: every stored number and every printed one is altered in turn."""

from __future__ import annotations

import copy
import shutil
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, create_engine, delete, func, insert, select, update

from chain_kit.devnet import Anvil
from chain_kit.errors import BlockTooOldError, ChainKitError, FutureBlockError, VerificationError
from chain_kit.jsonrpc import JsonRpc
from indexer import queries
from indexer.database import open_database
from indexer.models import metadata
from indexer.report import Difference, Report
from indexer.rpc import ChainRpc
from indexer.verify import verify
from tests.index_support.indexing import index_to_head
from tests.index_support.live_races import LiveRaces
from tests.index_support.market import LiveMarket
from tests.keeper_support.kit import START, TRADERS

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Where the chain was when the index looked cannot be looked up later; what was found by checking is a result.
RESULTS = ("verification", "proof", "trouble")
COLUMNS = [
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.columns
    if table.name not in RESULTS and (table.name != "cursor" or column.name == "block_number")
]


@dataclass
class Indexed:
    """A traded market, its chain, and an index of it that is right."""

    market: LiveMarket
    races: LiveRaces
    rpc: ChainRpc
    path: Path

    async def verify(self, path: Path, **answers: Any) -> Report:
        """Verifies a database against the deployment."""
        async with open_database(path) as database:
            return await verify(database, self.rpc, deployment=self.races.deployment, **answers)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def indexed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Indexed]:
    """One for all tests here, each of which alters a copy."""
    path = tmp_path_factory.mktemp("verify") / "index.db"
    async with Anvil(timestamp=START) as anvil, JsonRpc(anvil.url) as endpoint:
        market = await LiveMarket.deploy(anvil, seed=8)
        races = await LiveRaces.deploy(market, seed=9)
        await market.trade(110)
        await races.trade(12)
        await index_to_head(anvil.url, races.deployment, path)
        yield Indexed(market, races, ChainRpc([endpoint]), path)


@pytest.fixture
def altered(indexed: Indexed, tmp_path: Path) -> Path:
    """A copy of the index that a test may spoil."""
    return Path(shutil.copy(indexed.path, tmp_path / "altered.db"))


def _other(value: Any, taken: Collection[Any] = ()) -> Any:
    """A value of the same form, a little off."""
    if value is None:
        return 1
    if isinstance(value, int):
        return next(number for number in count(value + 1) if number not in taken)
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"x"
    if value and value[-1] in "0123456789abcdef":
        other = value[:-1] + ("0" if value[-1] != "0" else "1")
        return other if other not in taken else value + "0"
    return value + "x"


@contextmanager
def _opened(path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def _alter(path: Path, name: str, column: str, row: int) -> None:
    table = metadata.tables[name]
    keys = list(table.primary_key.columns)
    with _opened(path) as connection:
        rows = connection.execute(select(table.c[column], *keys).order_by(*keys)).all()
        value, *place = rows[row]
        other = _other(value, [taken for taken, *_ in rows])
        at_place = [key == number for key, number in zip(keys, place, strict=True)]
        connection.execute(update(table).where(*at_place).values({column: other}))


async def test_a_right_index_is_found_right(indexed: Indexed, altered: Path) -> None:
    """Nothing differs, and the checks are many."""
    report = await indexed.verify(altered)
    report.require_ok()
    assert report.ok
    assert report.checks > 2_000


@pytest.mark.parametrize("row", [0, -1], ids=["first", "last"])
@pytest.mark.parametrize(("table", "column"), COLUMNS, ids="{}".format)
async def test_every_stored_value_is_checked(
    indexed: Indexed, altered: Path, table: str, column: str, row: int
) -> None:
    """One value of any column of any table altered a little: the verification fails, and says so."""
    _alter(altered, table, column, row)
    with pytest.raises(ChainKitError):
        (await indexed.verify(altered)).require_ok()


@pytest.mark.parametrize(
    "name",
    [
        *("block", "event", "kind", "entry", "change", "holding", "account", "asset"),
        *("market", "race", "feed", "boundary", "deal"),
    ],
)
async def test_a_row_that_is_missing_is_found(indexed: Indexed, altered: Path, name: str) -> None:
    """The first row of a table is gone."""
    table = metadata.tables[name]
    key = next(iter(table.primary_key.columns))
    with _opened(altered) as connection:
        connection.execute(delete(table).where(key == select(func.min(key)).scalar_subquery()))
    with pytest.raises(ChainKitError):
        (await indexed.verify(altered)).require_ok()


@pytest.mark.parametrize("where", ["among", "after"])
@pytest.mark.parametrize("name", ["event", "entry", "holding", "market", "feed", "boundary"])
async def test_a_row_too_many_is_found(indexed: Indexed, altered: Path, name: str, where: str) -> None:
    """A copy of the first row stands at another place, or after the last block."""
    table = metadata.tables[name]
    key = next(iter(table.primary_key.columns))
    with _opened(altered) as connection:
        rows = connection.execute(select(table).order_by(key)).mappings().all()
        copied = dict(rows[0])
        copied[key.name] = _other(copied[key.name], [row[key.name] for row in rows])
        if name == "holding":
            copied["account_id"] = 10**6
        place = {"holding": "opened_at", "entry": "block"}.get(name, "position")
        if where == "after":
            copied[place] = 2**60
        connection.execute(insert(table), [copied])
    with pytest.raises(ChainKitError):
        (await indexed.verify(altered)).require_ok()


async def test_a_failure_is_recorded_and_shown(indexed: Indexed, altered: Path) -> None:
    """`verified` is true only for the block that was found right, until it is found wrong."""
    await indexed.verify(altered)
    async with open_database(altered) as database:
        assert (await queries.reserve(database))["verified"]
        assert (await queries.status(database))["verified_block"] == (await queries.status(database))["block"]
    _alter(altered, "entry", "balance", -1)
    report = await indexed.verify(altered)
    assert not report.ok
    async with open_database(altered) as database:
        assert not (await queries.reserve(database))["verified"]
        assert (await queries.status(database))["verified_block"] is None


async def test_a_failure_names_what_differs(indexed: Indexed, altered: Path) -> None:
    """The error says how many, where, what is stored and what the chain says."""
    entry = metadata.tables["entry"]
    with _opened(altered) as connection:
        row = connection.execute(select(entry.c.holding_id, entry.c.block, entry.c.balance)).first()
        holding, block, balance = row or (0, 0, 0)
        place = (entry.c.holding_id == holding, entry.c.block == block)
        connection.execute(update(entry).where(*place).values(balance=7))
    report = await indexed.verify(altered)
    assert report.differences == (Difference(f"entry {holding} {block} balance", 7, balance),)
    with pytest.raises(VerificationError, match=f"entry {holding} {block} balance is 7, on chain {balance}"):
        report.require_ok()


async def test_an_index_of_other_contracts_is_found_out(indexed: Indexed, altered: Path) -> None:
    """What the database says of its deployment must be what the manifest says."""
    deployment = replace(indexed.races.deployment, vault=indexed.market.curve.address)
    async with open_database(altered) as database:
        with pytest.raises(ChainKitError):
            (await verify(database, indexed.rpc, deployment=deployment)).require_ok()


async def _answers(path: Path) -> dict[str, Any]:
    async with open_database(path) as database:
        return {
            "epochs": await queries.epochs(database, "BTC"),
            "positions": {who: await queries.positions(database, who) for who in TRADERS},
            "reserve": await queries.reserve(database),
        }


async def test_answers_that_are_right_are_found_right(indexed: Indexed, altered: Path) -> None:
    """Each printed field counts as a check."""
    without = await indexed.verify(altered)
    report = await indexed.verify(altered, **await _answers(altered))
    report.require_ok()
    assert report.checks > without.checks + 200


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a document."""
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, (*path, key))]
    return [path]


def _spoil(document: Any, path: tuple[Any, ...]) -> None:
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = _other(inner[path[-1]])


async def test_every_printed_number_is_checked(indexed: Indexed, altered: Path) -> None:
    """One field of one answer altered: the verification fails, for every field of each kind of answer."""
    right = await _answers(altered)
    trader = max(right["positions"], key=lambda who: len(right["positions"][who]))
    middle = len(right["epochs"]) // 2
    documents = {
        ("epochs", middle): right["epochs"][middle],
        ("positions", trader, 0): right["positions"][trader][0],
        ("reserve",): right["reserve"],
    }
    unnoticed = []
    for prefix, document in documents.items():
        for path in _leaves(document):
            if path[-1] in {"level", "verified"}:
                continue
            wrong = copy.deepcopy(right)
            _spoil(wrong, (*prefix, *path))
            try:
                (await indexed.verify(altered, **wrong)).require_ok()
            except ChainKitError:
                continue
            unnoticed.append(path)
    assert unnoticed == []


async def test_a_position_that_is_left_out_is_found(indexed: Indexed, altered: Path) -> None:
    """An answer that lacks one of an account's epochs is not right."""
    answers = await _answers(altered)
    trader = next(who for who, rows in answers["positions"].items() if rows)
    answers["positions"][trader].pop()
    with pytest.raises(VerificationError):
        (await indexed.verify(altered, **answers)).require_ok()


async def test_a_block_that_is_not_indexed(indexed: Indexed, altered: Path) -> None:
    """As for the questions: the future and the time before are errors."""
    with pytest.raises(FutureBlockError):
        await indexed.verify(altered, at_block=10**6)
    with pytest.raises(BlockTooOldError):
        await indexed.verify(altered, at_block=0)
