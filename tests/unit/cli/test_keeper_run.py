"""`keeper run` while its nodes are away: what is to stay waits for them, and one round does not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chain_kit.cli import keeper_fleet
from chain_kit.cli.commands import keeper_run
from chain_kit.errors import RpcUnreachableError, SettingError


class Opening:
    """Opens fleets that do nothing; the first ones fail as they are told."""

    def __init__(self, stop: asyncio.Event, *failures: Exception) -> None:
        self._stop = stop
        self._failures = list(failures)
        self.opened = 0
        self.ran = 0

    @asynccontextmanager
    async def open(self, *_: Any, **__: Any) -> AsyncIterator[Opening]:
        """Stands in for `open_fleet`, and for its fleet."""
        self.opened += 1
        if self._failures:
            raise self._failures.pop(0)
        yield self

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until it is stopped, which is at once."""
        self.ran += 1
        stop.set()

    async def once(self) -> None:
        """One round."""
        self.ran += 1


async def _run(opening: Opening, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch, *, once: bool) -> None:
    monkeypatch.setattr(keeper_fleet, "open_fleet", opening.open)
    monkeypatch.setattr(keeper_run, "stop_on_signals", lambda: stop)
    monkeypatch.setattr(keeper_run, "_RETRY_SECONDS", 0.001)
    config: Any = None
    await keeper_run._run(config, [], once=once, paper=False, json=False)


def _away() -> RpcUnreachableError:
    return RpcUnreachableError("http://node.example", "HTTP status 503")


async def test_nodes_that_are_away_at_the_start_are_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """However often they do not answer; each time is told."""
    stop = asyncio.Event()
    opening = Opening(stop, _away(), _away(), _away())
    with caplog.at_level(logging.WARNING):
        await _run(opening, stop, monkeypatch, once=False)
    assert (opening.opened, opening.ran) == (4, 1)
    assert [record.getMessage().endswith("; trying again") for record in caplog.records] == [True] * 3


async def test_it_can_be_stopped_while_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal is not lost."""
    stop = asyncio.Event()
    stop.set()
    opening = Opening(stop, _away())
    await _run(opening, stop, monkeypatch, once=False)
    assert (opening.opened, opening.ran) == (0, 0)


async def test_what_needs_a_person_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying again would not help."""
    stop = asyncio.Event()
    with pytest.raises(SettingError, match="of another chain"):
        await _run(Opening(stop, SettingError("of another chain")), stop, monkeypatch, once=False)


async def test_one_round_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked for one round hears that there is no node."""
    stop = asyncio.Event()
    opening = Opening(stop, _away())
    with pytest.raises(RpcUnreachableError):
        await _run(opening, stop, monkeypatch, once=True)
    assert (opening.opened, opening.ran) == (1, 0)
