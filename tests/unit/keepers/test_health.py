from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from chain_kit.errors import PortInUseError, SettingError, StoreLockedError
from chain_kit.guard import Breaker, Budget, DeadMan
from chain_kit.keepers.fleet.health import HealthServer, KeeperMetrics
from chain_kit.outbox import Kind, State
from tests.keeper_support.counting import Desk, intent, quote
from tests.keeper_support.web import WebServer


def samples(text: str) -> dict[str, float]:
    """Every sample by its name and labels, as Prometheus reads them."""
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def ask(server: HealthServer, path: str, method: str = "GET") -> httpx.Response:
    """One request."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, server.url + path)


@pytest.fixture
async def server() -> AsyncIterator[HealthServer]:
    """A server on a free port, ready unless a test gives reasons."""
    async with HealthServer() as server:
        yield server


class TestServer:
    """What it answers."""

    async def test_listens_on_this_machine_alone(self, server: HealthServer) -> None:
        """Figures are nobody else's business unless the operator says so."""
        assert server.url.startswith("http://127.0.0.1:")

    async def test_says_that_it_lives(self, server: HealthServer) -> None:
        """The loop in which the keepers run has answered."""
        answer = await ask(server, "/healthz")

        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})

    async def test_says_whether_it_is_ready(self) -> None:
        """With every reason why it is not, and a status that a balancer reads."""
        reasons: list[str] = []
        async with HealthServer(ready=lambda: reasons) as server:
            before = await ask(server, "/readyz")
            reasons += ["the lease is another's", "post is halted"]
            after = await ask(server, "/readyz")

        assert (before.status_code, before.json()) == (200, {"ready": True, "reasons": []})
        assert (after.status_code, after.json()) == (503, {"ready": False, "reasons": reasons})

    async def test_gives_fresh_figures(self) -> None:
        """What is asked of the database is asked when somebody reads."""
        metrics = KeeperMetrics()

        async def refresh() -> None:
            metrics.chain(1_700_000_000, 5 * 10**18)

        async with HealthServer(metrics=metrics, refresh=refresh) as server:
            answer = await ask(server, "/metrics")

        assert answer.headers["content-type"].startswith("text/plain")
        assert samples(answer.text)["chain_kit_balance_wei[]"] == 5e18

    async def test_gives_older_figures_where_there_are_no_fresh_ones(self) -> None:
        """The database is locked: the rest is worth something still."""

        async def refresh() -> None:
            raise StoreLockedError("the outbox is locked")

        async with HealthServer(refresh=refresh) as server:
            answer = await ask(server, "/metrics")

        assert answer.status_code == 200
        assert "chain_kit_in_flight" in answer.text

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [("GET", "/", 404), ("GET", "/metrics/", 404), ("POST", "/readyz", 405), ("HEAD", "/healthz", 200)],
    )
    async def test_knows_three_pages(self, server: HealthServer, method: str, path: str, status: int) -> None:
        """Nothing else, and nothing is changed through it."""
        answer = await ask(server, path, method)

        assert answer.status_code == status
        assert bool(answer.content) == (method != "HEAD")

    async def test_a_port_in_use_is_named(self, server: HealthServer) -> None:
        """A second process on the machine."""
        port = int(server.url.rsplit(":", 1)[1])

        with pytest.raises(PortInUseError, match=str(port)):
            await HealthServer(port=port).start()

    @pytest.mark.parametrize(
        ("host", "port"), [("no such host", 0), ("203.0.113.1", 0), ("127.0.0.1", 70_000)]
    )
    async def test_a_place_that_is_none_is_named(self, host: str, port: int) -> None:
        """With what would be one."""
        with pytest.raises(SettingError, match=f"{host} port {port} cannot be listened on") as caught:
            await HealthServer(host, port).start()
        assert "every network" in caught.value.hint

    async def test_listens_on_the_other_family_too(self) -> None:
        """Its address is one for a browser."""
        if not socket.has_ipv6:
            pytest.skip("no IPv6 here")
        async with HealthServer("::1") as server:
            assert server.url.startswith("http://[::1]:")
            assert (await ask(server, "/healthz")).status_code == 200

    async def test_ends_twice(self) -> None:
        """And before it began."""
        server = HealthServer()
        await server.aclose()
        await server.start()
        await server.aclose()
        await server.aclose()


class TestMetrics:
    """What the figures say."""

    @staticmethod
    def read(metrics: KeeperMetrics) -> dict[str, float]:
        """As they are now."""
        return samples(metrics.text().decode())

    async def test_of_the_outbox(self, url: str) -> None:
        """Intents by action and state, transactions by kind, what they cost and what is left."""
        metrics = KeeperMetrics()
        options: dict[str, Any] = {"metrics": metrics, "budget": Budget(hour_wei=5_000)}
        async with Desk(url, breaker=Breaker(2), **options) as desk:
            row = await desk.enter(intent(1), quote(1_000))
            await desk.mined(desk.replace(row, quote(1_200)), 700)
            await desk.guard.verified(row.intent)
            row = await desk.enter(intent(2), quote(1_000))
            await desk.mined(desk.replace(row, quote(1_200), Kind.CANCEL), 600, State.EXPIRED)
            for number in range(2):
                row = await desk.enter(intent(number, "void"), quote(100))
                await desk.mined(row, 90, State.FAILED)
            await desk.enter(intent(3), quote(500))
            await desk.guard.refresh()

        found = self.read(metrics)
        expected = {
            "chain_kit_intents['done', 'post']": 1,
            "chain_kit_intents['expired', 'post']": 1,
            "chain_kit_intents['journaled', 'post']": 1,
            "chain_kit_intents['failed', 'void']": 2,
            "chain_kit_transactions['first']": 5,
            "chain_kit_transactions['replacement']": 1,
            "chain_kit_transactions['cancellation']": 1,
            "chain_kit_in_flight[]": 1,
            "chain_kit_next_nonce[]": 5,
            "chain_kit_fees_spent_wei[]": 1_480,
            "chain_kit_budget_left_wei['hour']": 1_900,
            "chain_kit_action_halted['post']": 0,
            "chain_kit_action_halted['void']": 1,
            "chain_kit_effects_verified_total['post']": 1,
        }
        assert {name: found.get(name) for name in expected} == expected
        assert "chain_kit_budget_left_wei['day']" not in found

    async def test_a_halt_that_ended_is_no_more(self) -> None:
        """The series stays, at nought."""
        metrics = KeeperMetrics()
        metrics.halted(["post"])
        metrics.halted([])

        assert self.read(metrics)["chain_kit_action_halted['post']"] == 0

    async def test_of_effects_outlive_the_process(self, url: str) -> None:
        """When the last was seen is known from the start; the process has counted none."""
        async with Desk(url) as desk:
            await desk.guard.verified(intent(1))
        metrics = KeeperMetrics()
        async with Desk(url, metrics=metrics):
            found = self.read(metrics)

        assert 0 <= time.time() - found["chain_kit_last_verified_timestamp_seconds['post']"] < 3_600
        assert "chain_kit_effects_verified_total['post']" not in found

    async def test_of_pings(self, url: str) -> None:
        """Those that arrived, and those that did not."""
        metrics = KeeperMetrics()
        async with WebServer({"/void": "500 No"}) as web:
            dead_man = DeadMan({"post": web.url + "/post", "void": web.url + "/void"})
            async with Desk(url, metrics=metrics, dead_man=dead_man) as desk:
                for action in ("post", "void", "redeem"):
                    await desk.guard.verified(intent(1, action))

        found = {name: value for name, value in self.read(metrics).items() if "pings_total" in name}
        assert found == {
            "chain_kit_dead_man_pings_total['post', 'yes']": 1,
            "chain_kit_dead_man_pings_total['no', 'void']": 1,
        }

    def test_of_the_chain_and_the_process(self) -> None:
        """The head's age grows by itself; the lease is held or not; rounds may fail."""
        metrics = KeeperMetrics()
        metrics.chain(int(time.time()) - 60, 10**18)
        metrics.lease(held=True)
        metrics.failed("resolve")

        found = self.read(metrics)
        assert found["chain_kit_head_age_seconds[]"] >= 60
        assert found["chain_kit_lease_held[]"] == 1
        assert found["chain_kit_round_failures_total['resolve']"] == 1
