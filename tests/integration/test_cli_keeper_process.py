"""`keeper run` as a process: epochs go by on the real contracts, and one takes over from another."""

from __future__ import annotations

import json
import signal
from functools import partial
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.keeper_support.fleets import (
    COIN,
    TRADERS,
    Running,
    balance,
    eventually,
    fetch,
    index,
    keepers_file,
    next_epoch,
    paid,
    posted,
    shared_fleet_site,
    with_holder,
)
from tests.postgres import PostgresServer, postgres_server
from tests.system_support.cli import ask, say
from tests.system_support.site import Site

__all__ = ["postgres_server"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A deployed chain, for keepers alone."""
    return shared_fleet_site(request, tmp_path_factory)


@pytest.fixture
def config(site: Site, tmp_path: Path) -> Path:
    """A keepers' file, and an index beside it."""
    index(site, tmp_path)
    return keepers_file(site, tmp_path / "keepers.toml")


def test_epochs_go_by(site: Site, config: Path) -> None:
    """Prices are posted, everybody is paid, and the trade keeper buys what a trader has made cheap."""
    with Running(config) as running:
        running.wait_for("lease")
        for _ in range(3):
            epoch = next_epoch(site)
            trades = len(running.events("trade"))
            site.send(TRADERS[0], site.facade, "buyYes(uint256)", 60 * COIN)
            running.wait_for("trade", trades + 1)
            next_epoch(site)
            eventually(partial(posted, site, epoch), running)
            index(site, config.parent)
            eventually(partial(paid, site, epoch), running)
        (listening,) = running.events("listening")
        figures = fetch(f"{listening['url']}/metrics")
        assert "chain_kit_lease_held 1.0" in figures
        assert 'chain_kit_intents{action="post",state="' in figures
        assert json.loads(fetch(f"{listening['url']}/readyz")) == {"ready": True, "reasons": []}
        assert running.end(signal.SIGTERM) == 0

    assert "Traceback" not in running.log.read_text()
    assert [event["token"] for event in running.events("lease")] == [1, None]
    transactions = [line["transaction"] for line in running.lines if line.get("transaction")]
    assert len(transactions) == len(set(transactions))

    status = ask("keeper", "status", "--config", config)
    assert [one["keeper"] for one in status["keepers"]] == ["resolve", "claim", "trade:BTC"]
    assert all(one["last_round"] and not one["problem"] for one in status["keepers"])
    actions = {one["action"]: one for one in status["actions"]}
    assert {"post", "redeem", "settle", "trade"} <= set(actions)
    assert all(one["last_verified"] and one["in_flight"] == 0 for one in actions.values())
    assert actions["trade"]["done"] == 3
    assert status["lease"]["held"] is False
    assert int(status["balance_wei"]) == balance(site)
    (hour, day) = status["budgets"]
    assert int(hour["counted_wei"]) == int(day["counted_wei"]) > 0
    shown = say("keeper", "status", "--config", config).require().out
    assert "nobody holds the lease" in shown
    assert "trade:BTC" in shown


@pytest.fixture(params=["sqlite", "postgresql"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What the file says of the outbox that two processes share."""
    if request.param == "sqlite":
        return 'url = "outbox.db"'
    server: PostgresServer = request.getfixturevalue("postgres_server")
    (tmp_path / "outbox-url").write_text(server.new_database())
    return 'url_file = "outbox-url"'


def test_another_takes_over(site: Site, config: Path, outbox: str) -> None:
    """While one holds the lease the other sends nothing; when the first is killed it goes on."""
    folder = config.parent
    with Running(with_holder(site, folder, "first", outbox=outbox)) as first:
        first.wait_for("lease")
        with Running(with_holder(site, folder, "second", outbox=outbox)) as second:
            eventually(lambda: "on standby" in second.log.read_text(), second)
            (listening,) = second.events("listening")
            assert json.loads(fetch(f"{listening['url']}/healthz")) == {"status": "ok"}
            with pytest.raises(HTTPError, match="503") as refused:
                fetch(f"{listening['url']}/readyz")
            with refused.value as answer:
                assert "is held by first" in json.loads(answer.read())["reasons"][0]
            assert "chain_kit_lease_held 0.0" in fetch(f"{listening['url']}/metrics")
            assert "is held by first" in second.log.read_text()
            epoch = next_epoch(site)
            site.send(TRADERS[0], site.facade, "buyYes(uint256)", 60 * COIN)
            first.wait_for("trade")
            assert {line["event"] for line in second.lines} == {"listening"}

            first.process.kill()
            (taken,) = second.wait_for("lease")
            next_epoch(site)
            eventually(lambda: posted(site, epoch), second)
            assert second.end(signal.SIGTERM) == 0

    assert (taken["holder"], taken["token"]) == ("second", 2)
    status = ask("keeper", "status", "--config", folder / "first.toml")
    assert status["lease"] == {"holder": "second", "token": 2, "left_seconds": 0, "held": False}
    assert {one["holder"] for one in status["keepers"]} == {"second"}
    hashes = [line["transaction"] for one in (first, second) for line in one.lines if line.get("transaction")]
    assert len(hashes) == len(set(hashes))


def test_one_that_was_stopped_gives_its_lease_back(site: Site, config: Path) -> None:
    """The next need not wait for it to run out; one on standby ends at once, too."""
    folder, long = config.parent, {"lease": 'ttl_seconds = "300"\nholder = "h"'}
    first = Running(keepers_file(site, folder / "a.toml", **long))
    with first, Running(keepers_file(site, folder / "b.toml", **long)) as second:
        eventually(lambda: bool(first.events("lease") or second.events("lease")))
        one, other = (first, second) if first.events("lease") else (second, first)
        eventually(lambda: "on standby" in other.log.read_text(), other)
        assert one.end(signal.SIGTERM) == 0
        other.wait_for("lease")
        with Running(keepers_file(site, folder / "c.toml", **long)) as third:
            eventually(lambda: "on standby" in third.log.read_text(), third)
            assert third.end(signal.SIGTERM) == 0
        assert {line["event"] for line in third.lines} == {"listening"}
        assert other.end(signal.SIGINT) == 0
