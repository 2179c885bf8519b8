"""Runs of the demo as a user starts it, and one that all tests may ask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from indexer.decode import Event
from indexer.queries import open_database
from indexer.stored_events import stored_events
from tests.system_support.cli import Said, run

__all__ = ["DemoRun", "comparable", "run_demo", "shared_demo", "without_block"]

_SHARED: list[DemoRun] = []


@dataclass(frozen=True)
class DemoRun:
    """A demo that has ended: its folder, and what it said."""

    folder: Path
    said: Said

    @property
    def document(self) -> dict[str, Any]:
        """What `--json` printed."""
        document: dict[str, Any] = self.said.document
        return document

    @property
    def database(self) -> Path:
        """The index that it left."""
        return self.folder / "deployments" / "31337.db"

    @property
    def manifest(self) -> Path:
        """The manifest that it left."""
        return self.folder / "deployments" / "31337.json"

    def outbox(self, keeper: str) -> Path:
        """The outbox that a keeper left."""
        return self.folder / "deployments" / "31337-outbox" / f"{keeper}.db"

    def events(self, *names: str) -> list[Event]:
        """The events of these names in the index, in order."""

        async def read() -> list[Event]:
            async with open_database(self.database) as index, index.snapshot() as connection:
                return await stored_events(connection, index.decoder, names)

        return asyncio.run(read())


def run_demo(folder: Path, *options: object) -> DemoRun:
    """A demo in `folder`; whether it went well is for the caller to see."""
    return DemoRun(folder, run("demo", *options, cwd=folder))


def shared_demo(factory: pytest.TempPathFactory) -> DemoRun:
    """Three epochs of the recorded day, run once for all tests of this process. To be read, not changed."""
    if not _SHARED:
        demo = run_demo(factory.mktemp("demo"), "--epochs", 3, "--json")
        demo.said.require()
        _SHARED.append(demo)
    return _SHARED[0]


def without_block(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answers without the block that they are of."""
    return [{name: row[name] for name in row if name not in {"block", "block_hash"}} for row in rows]


def comparable(document: dict[str, Any]) -> dict[str, Any]:
    """What two runs with the same seed must have in common: all but when things happened."""
    reserve = {name: document["reserve"][name] for name in ("hub", "vault", "verified")}
    kept = {name: document[name] for name in ("accounts", "differences", "verified")}
    rows = {name: without_block(document[name]) for name in ("epochs", "positions")}
    return {**kept, **rows, "reserve": reserve}
