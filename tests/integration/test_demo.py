"""The main job, end to end, as a user runs it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import psutil
import pytest

from chain_kit.manifest import Manifest
from tests.system_support.cli import ask, run
from tests.system_support.demo import DemoRun, shared_demo
from tests.system_support.prices import expected_epochs, outcomes, sample_rows

EPOCH_NAMES = [
    *("market", "epoch", "start_at", "end_at", "start_price", "end_price", "outcome"),
    *("yes_supply", "no_supply", "collateral"),
]
POSITION_NAMES = [
    *("market", "epoch", "yes_tokens", "no_tokens", "entry_price", "cost", "realized_pnl"),
    *("unrealized_pnl", "claimable"),
]
RESERVE_NAMES = ["block", "block_hash", "hub", "vault", "verified"]
PART_NAMES = ["reserve", "liabilities", "coverage"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """Three epochs of the recorded day."""
    return shared_demo(tmp_path_factory)


def missing(names: list[str], row: dict[str, Any]) -> list[str]:
    """Those of the promised names that a row has not."""
    return [name for name in names if name not in row]


# ---------------------------------------------------------------- the document


def test_document_has_the_promised_names(demo: DemoRun) -> None:
    """Readers find every name that the design fixes; more of them are welcome."""
    document = demo.document

    assert [] == missing(["deployment", "epochs", "positions", "reserve", "verified"], document)
    assert [] == [row for row in document["epochs"] if missing(EPOCH_NAMES, row)]
    assert [] == [row for row in document["positions"] if missing([*POSITION_NAMES, "account"], row)]
    assert [] == missing(RESERVE_NAMES, document["reserve"])
    assert PART_NAMES == list(document["reserve"]["hub"]) == list(document["reserve"]["vault"])


def test_outcomes_are_those_of_the_recorded_prices(demo: DemoRun) -> None:
    """Prices and outcomes are the file's, its real tie in the second epoch among them."""
    first = sample_rows()[0][0]
    found = outcomes(demo.document["epochs"])

    assert expected_epochs(sample_rows(), first, 3) == found
    assert ["YES", "VOID", "YES"] == [row["outcome"] for row in found]


def test_epochs_follow_the_grid_of_their_start(demo: DemoRun) -> None:
    """Epoch 1 starts where the file begins; each next one where the last ended. Times are ISO 8601 in UTC."""
    rows = demo.document["epochs"]

    assert ["2022-01-08T00:00:00Z", "2022-01-08T00:05:00Z", "2022-01-08T00:10:00Z"] == [
        row["start_at"] for row in rows
    ]
    assert [row["start_at"] for row in rows[1:]] == [row["end_at"] for row in rows[:-1]]


def test_everything_was_checked_and_paid(demo: DemoRun) -> None:
    """Every number was compared with the chain, and nobody has anything left to claim."""
    document = demo.document

    assert (True, True, []) == (
        document["verified"],
        document["reserve"]["verified"],
        document["differences"],
    )
    assert document["checks"] > 1_000
    assert {"0"} == {row["claimable"] for row in document["positions"]}


def test_hub_owes_what_it_holds_and_the_vault_has_a_surplus(demo: DemoRun) -> None:
    """The hub's liabilities are exactly covered; the vault has paid its root and keeps what was on top."""
    reserve = demo.document["reserve"]
    earned = sum(Decimal(row["claimed"]) for row in demo.document["accounts"])

    assert reserve["hub"]["reserve"] == reserve["hub"]["liabilities"]
    assert reserve["vault"]["liabilities"] == "0"
    assert Decimal(reserve["vault"]["reserve"]) == earned / 5
    assert earned > 0


def test_a_dozen_accounts_trade_each_in_its_way(demo: DemoRun) -> None:
    """Twelve accounts, twelve habits, and everybody has earned something at the vault."""
    accounts = demo.document["accounts"]

    assert (12, 12) == (len({a["account"] for a in accounts}), len({a["habit"] for a in accounts}))
    assert [] == [a for a in accounts if a["epochs"] == 0 and a["habit"] != "MRT collector"]
    assert [] == [a for a in accounts if Decimal(a["claimed"]) <= 0]
    assert [a["habit"] for a in accounts if Decimal(a["mrt"]) > 0] == ["MRT collector", "rare"]


def test_the_events_show_every_kind_of_trade(demo: DemoRun) -> None:
    """Facade and hub trades, sets, transfers, permits, redemptions, curve and vault all left their events."""
    wanted = {
        *("Deposited", "Split", "Merged", "Bought", "Sold", "Transfer", "Redeemed", "HouseSettled"),
        *("BoundaryPosted", "CurveBought", "CurveSold", "RootActivated", "Claimed"),
    }

    assert wanted == {event.name for event in demo.events(*wanted)}
    assert 0 == demo.document["epochs"][0]["market_id"] - 1


def test_the_manifest_says_where_everything_is(demo: DemoRun) -> None:
    """The document's addresses are the manifest's, which has transaction and block of each."""
    manifest, shown = Manifest.load(demo.manifest), demo.document["deployment"]

    assert {name: record.address for name, record in manifest.contracts.items()} == shown["contracts"]
    assert {"BTC": manifest.market("BTC").facade} == shown["markets"]
    assert [] == [name for name, r in manifest.contracts.items() if r.transaction is None or not r.block]
    assert ("CYM1", 18, "USDC", 6) == (
        *(manifest.collateral.symbol, manifest.collateral.decimals),
        *(manifest.payout_token.symbol, manifest.payout_token.decimals),
    )


def test_data_and_talk_are_apart(demo: DemoRun) -> None:
    """Standard output is one JSON document; what the demo is at goes to standard error."""
    json.loads(demo.said.out)

    assert "epoch   2: VOID" in demo.said.err
    assert "died" not in demo.said.err


def test_nothing_is_left_running(demo: DemoRun) -> None:
    """Afterwards no process of the demo is there: the questions are answered by its database alone."""
    left = [p.info for p in psutil.process_iter(["cmdline", "cwd"]) if p.info["cwd"] == str(demo.folder)]

    assert [] == left


# ---------------------------------------------------------------- questions to its database


def test_questions_answer_as_the_document(demo: DemoRun) -> None:
    """epochs, positions and reserve say afterwards what the demo has printed, with no chain there."""
    document, db = demo.document, demo.database
    accounts = [account["account"] for account in document["accounts"]]
    held = [
        {"account": account, **row} for account in accounts for row in ask("positions", account, "--db", db)
    ]

    assert document["epochs"] == ask("epochs", "BTC", "--db", db)[:3]
    assert document["positions"] == held
    assert document["reserve"] == ask("reserve", "--db", db)


def test_market_may_be_named_by_its_address(demo: DemoRun) -> None:
    """The facade's address, in any case, stands for the symbol."""
    facade = demo.document["deployment"]["markets"]["BTC"]
    by_symbol = ask("epochs", "BTC", "--db", demo.database)

    assert by_symbol == ask("epochs", facade, "--db", demo.database)
    assert by_symbol == ask("epochs", facade.lower(), "--db", demo.database)


def test_questions_find_the_database_by_themselves(demo: DemoRun) -> None:
    """In the folder where the demo ran, a question needs no option at all."""
    said = run("reserve", "--json", cwd=demo.folder).require()

    assert (demo.document["reserve"], "") == (said.document, said.err)


def test_tables_show_the_same_numbers_cut(demo: DemoRun) -> None:
    """Without --json the answers are tables, whose amounts are cut to four places."""
    account = demo.document["accounts"][0]["account"]
    options = {"cwd": demo.folder}
    epochs, positions, reserve, status = (
        run(*words, **options).require().out  # type: ignore[arg-type]
        for words in (("epochs", "BTC"), ("positions", account), ("reserve",), ("index", "status"))
    )

    assert "41,582.0000" in epochs
    assert "VOID" in epochs
    assert account in positions
    assert "checked against the chain" in reserve
    assert str(demo.document["reserve"]["block"]) in status


def test_index_status_stands_at_the_head(demo: DemoRun) -> None:
    """The index ended at the chain's last block, knows every event, and that block was verified."""
    status, block = ask("index", "status", "--db", demo.database), demo.document["reserve"]["block"]

    assert (31337, block, block, 0, 0, block) == tuple(
        status[name] for name in ("chain_id", "block", "head", "behind", "unknown_events", "verified_block")
    )


# ---------------------------------------------------------------- as of a block


@pytest.fixture(scope="module")
def middle(demo: DemoRun) -> int:
    """The block of the last trade of epoch 1: the epoch is still open there."""
    return max(event.log.block_number for event in demo.events("Bought") if event.args["epoch"] == 1)


def transfers_of(demo: DemoRun, contract: str, last_block: int) -> list[dict[str, Any]]:
    """The arguments of every Transfer event of a contract up to a block."""
    address = demo.document["deployment"]["contracts"][contract]
    return [
        event.args
        for event in demo.events("Transfer")
        if event.address == address and event.log.block_number <= last_block
    ]


def test_epochs_at_a_block_know_nothing_of_later(demo: DemoRun, middle: int) -> None:
    """As of the last trade of epoch 1 there is no end price and no outcome; its supplies are complete."""
    now = demo.document["epochs"][0]
    (then, *later) = ask("epochs", "BTC", "--db", demo.database, "--at-block", middle)

    assert (None, None) == (then["end_price"], then["outcome"])
    assert [now[name] for name in ("yes_supply", "no_supply", "collateral", "end_at")] == [
        then[name] for name in ("yes_supply", "no_supply", "collateral", "end_at")
    ]
    assert [] == [row for row in later if row["outcome"] is not None]


def test_positions_at_a_block_are_the_sum_of_the_transfers_to_it(demo: DemoRun, middle: int) -> None:
    """What an account held at a block is what share transfers up to it, counted by hand, add up to."""
    transfers = transfers_of(demo, "EpochHub", middle)
    checked = 0
    for account in (row["account"] for row in demo.document["accounts"]):
        held: dict[int, int] = {}
        for transfer in transfers:
            identity, amount = transfer["id"], transfer["amount"]
            sign = (transfer["receiver"] == account) - (transfer["sender"] == account)
            held[identity] = held.get(identity, 0) + sign * amount
        for row in ask("positions", account, "--db", demo.database, "--at-block", middle):
            yes, no = (held.get(row["market_id"] << 64 | row["epoch"] << 8 | side, 0) for side in (0, 1))
            assert (yes, no) == tuple(
                int(Decimal(row[name]) * 10**18) for name in ("yes_tokens", "no_tokens")
            )
            checked += 1
    assert checked >= 6


def test_reserve_at_a_block_is_the_sum_of_the_payments_to_it(demo: DemoRun, middle: int) -> None:
    """What the hub held at a block is what transfers up to it brought; all blocks to it are proven."""
    hub = demo.document["deployment"]["contracts"]["EpochHub"]
    transfers = transfers_of(demo, "CYM1", middle)
    held = sum(t["amount"] * ((t["to"] == hub) - (t["from"] == hub)) for t in transfers)
    then = ask("reserve", "--db", demo.database, "--at-block", middle)

    assert held == int(Decimal(then["hub"]["reserve"]) * 10**18)
    assert then["hub"] != demo.document["reserve"]["hub"]
    assert (middle, "reconciled", True) == (then["block"], then["level"], then["verified"])
