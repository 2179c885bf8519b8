from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from chain_kit.errors import BadAddressError, RpcUnreachableError, StoreCorruptError
from chain_kit.guard import Breaker, Budget, BudgetExceededError, Guard, chain_clock
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.fleet.health import KeeperMetrics
from chain_kit.outbox import State
from chain_kit.outbox.gate import Counting, OpenGate, admission
from tests.keeper_support.counting import CHAIN, SIGNER, Desk, intent, quote


class Rpc(JsonRpc):
    """A node that has one answer."""

    def __init__(self, answer: Any) -> None:
        self.public_url = "http://node"
        self._answer = answer

    async def call(self, method: str, params: Any = ()) -> Any:  # noqa: ARG002
        """To everything."""
        return self._answer


class TestClock:
    """Whose hours the budgets are of."""

    async def test_is_the_newest_block_s(self) -> None:
        """Its timestamp."""
        assert await chain_clock(Rpc({"timestamp": "0x6553f100"}))() == 1_700_000_000

    async def test_of_a_node_without_blocks_is_none(self) -> None:
        """Which is an error that may pass."""
        with pytest.raises(RpcUnreachableError, match="no latest block"):
            await chain_clock(Rpc(None))()

    async def test_is_asked_only_where_there_is_no_room(self, tmp_path: Path) -> None:
        """A check at an earlier time counts more, not less: what passes there passes now."""
        async with Desk(str(tmp_path / "outbox.db"), budget=Budget(hour_wei=1_000)) as desk:
            asked: list[int] = []

            async def clock() -> int:
                asked.append(desk.now)
                return desk.now

            desk.guard._clock = clock
            for number in range(5):
                await desk.enter(intent(number), quote(200))
            assert len(asked) == 1

            with pytest.raises(BudgetExceededError):
                await desk.enter(intent(6), quote(200))
            assert len(asked) == 2

    async def test_is_the_machine_s_where_none_is_given(self, tmp_path: Path) -> None:
        """For whoever only asks."""
        async with await Guard.open(tmp_path / "outbox.db", SIGNER, CHAIN, budget=Budget(5)) as guard:
            assert await guard.budget_left() == {"hour": 5, "day": None}


class TestOpening:
    """What a guard begins with."""

    async def test_takes_any_spelling_of_the_address(self, tmp_path: Path) -> None:
        """The journal has the checksummed one."""
        async with await Guard.open(tmp_path / "outbox.db", SIGNER.lower(), CHAIN) as guard:
            assert guard.signer == SIGNER

    async def test_refuses_what_is_no_address(self, tmp_path: Path) -> None:
        """And closes what it has opened: a warning would fail this test."""
        with pytest.raises(BadAddressError):
            await Guard.open(tmp_path / "outbox.db", "0x12", CHAIN)

    async def test_refuses_a_damaged_outbox(self, tmp_path: Path) -> None:
        """Nothing is signed where nothing can be counted."""
        path = tmp_path / "outbox.db"
        path.write_bytes(b"not a database at all, but long enough to have a header" * 20)

        with pytest.raises(StoreCorruptError):
            await Guard.open(path, SIGNER, CHAIN)

    async def test_many_may_make_the_tables_at_once(self, url: str) -> None:
        """Keepers on several hosts that start at the same moment."""
        guards = await asyncio.gather(*(Guard.open(url, SIGNER, CHAIN) for _ in range(4)))

        for guard in guards:
            assert await guard.halted() == {}
            await guard.aclose()
            await guard.aclose()


class TestReasons:
    """Why not everything goes on."""

    async def test_are_sentences(self, tmp_path: Path) -> None:
        """For /readyz and for people; none if all is well."""
        metrics = KeeperMetrics()
        options: dict[str, Any] = {"budget": Budget(hour_wei=100), "breaker": Breaker(1)}
        async with Desk(str(tmp_path / "outbox.db"), metrics=metrics, **options) as desk:
            assert await desk.guard.reasons() == []
            row = await desk.enter(intent(1), quote(100))
            await desk.mined(row, 90, State.FAILED)
            await desk.guard.refresh()

            reasons = await desk.guard.reasons()
            halt = f"post is halted: a transaction without effect, {row.tx_hash} the last: Paused: the market"
            assert reasons == [f"{halt} is paused", "the budget of the hour is spent"]
            assert b'chain_kit_action_halted{action="post"} 1.0' in metrics.text()


async def test_only_a_gate_that_counts_is_asked_by_the_journal(tmp_path: Path) -> None:
    """Others cost it nothing."""
    async with await Guard.open(tmp_path / "outbox.db", SIGNER, CHAIN) as guard:
        assert isinstance(guard, Counting)
        assert admission(guard, intent(1), quote(100), SIGNER, 0) is not None
    assert admission(OpenGate(), intent(1), quote(100), SIGNER, 0) is None
