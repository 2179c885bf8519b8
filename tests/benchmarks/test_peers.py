from __future__ import annotations

import json

from tests.benchmarks.peers import DEARER, SNAPSHOT, measure, table


async def test_gas_beside_the_peers_is_as_committed() -> None:
    """What each action costs here and there is what the snapshot says; `make gas` writes a new one."""
    assert await measure() == json.loads(SNAPSHOT.read_text())


def test_where_the_peers_cost_less() -> None:
    """Every action costs less than the peer's but for those that are named."""
    gas = json.loads(SNAPSHOT.read_text())

    assert [action for action, used in gas.items() if used["ours"] >= used.get("peer", 2**256)] == DEARER


def test_the_table() -> None:
    """Thousands are set apart; an action without a peer leaves its columns empty."""
    gas = {"split": {"ours": 51_613, "peer": 120_000}, "merge": {"ours": 900}}

    assert table(gas).splitlines()[2:] == ["| split | 51,613 | 120,000 | 43 % |", "| merge | 900 |  |  |"]
