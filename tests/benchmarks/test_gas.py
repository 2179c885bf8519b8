from __future__ import annotations

import json
import re

from chain_kit import toolchain
from tests.benchmarks.gas import SNAPSHOT, TARGETS, measure, table


async def test_gas_is_as_committed() -> None:
    """What each action costs now is what the snapshot says; `make gas` writes a new one."""
    assert await measure() == json.loads(SNAPSHOT.read_text())


def test_every_target_is_measured() -> None:
    """Each target of the design has a figure beside it."""
    assert TARGETS.keys() <= json.loads(SNAPSHOT.read_text()).keys()


def test_the_readme_shows_the_snapshot() -> None:
    """The table in the README is the snapshot's, figure by figure."""
    readme = (toolchain.root() / "README.md").read_text()
    assert re.sub(r" +", " ", table(json.loads(SNAPSHOT.read_text()))) in re.sub(r" +", " ", readme)
