from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from indexer.deployment import LogFilter
from indexer.proof.bloom import BloomTest
from indexer.proof.headers import header_hash
from tests.benchmarks.index_chain import Recording
from tests.benchmarks.index_replay import Replay
from tests.benchmarks.index_runs import Node
from tests.benchmarks.index_synthetic import write_chain
from tests.index_support.indexing import index_to_head

LOGS = 8_000


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A short synthetic chain."""
    folder = tmp_path_factory.mktemp("chain")
    write_chain(folder, LOGS)
    return Recording(folder)


def _asked(recording: Recording, method: str, *params: object) -> object:
    body = orjson.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
    answer = orjson.loads(b"".join(Replay(recording).answer(body)))
    assert answer["id"] == 7
    return answer["result"]


def test_headers_hash_and_link(recording: Recording) -> None:
    """Whoever checks a synthetic chain's headers finds them in order."""
    headers = [orjson.loads(recording.header(number)) for number in range(recording.blocks)]

    assert all(header_hash(header) == header["hash"] for header in headers)
    assert all(after["parentHash"] == before["hash"] for before, after in pairwise(headers))
    assert [int(header["number"], 16) for header in headers] == list(range(recording.blocks))


def test_blooms_tell_of_the_logs(recording: Recording) -> None:
    """A block's bloom rules out none of its own logs, and in the empty first block all of them."""
    filters = recording.deployment.log_filters()
    blooms = [orjson.loads(recording.header(number))["logsBloom"] for number in (0, recording.blocks - 1)]

    assert [BloomTest(filters).may_contain(bloom) for bloom in blooms] == [False, True]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_filter_is_answered_as_a_node_does(recording: Recording, number: int) -> None:
    """Each of the index's filters gets the logs that match it, and no other, in the order of the chain."""
    asked = recording.deployment.log_filters()[number]
    where = {"fromBlock": "0x0", "toBlock": "latest"}
    everything = _asked(recording, "eth_getLogs", where)
    assert isinstance(everything, list)

    assert _asked(recording, "eth_getLogs", asked.params() | where) == [
        log for log in everything if _matches(log, asked)
    ]
    assert len(everything) == recording.logs


def _matches(log: dict[str, Any], asked: LogFilter) -> bool:
    return log["address"] in [address.lower() for address in asked.addresses] and all(
        accepted is None or (place < len(log["topics"]) and log["topics"][place] in accepted)
        for place, accepted in enumerate(asked.topics)
    )


def test_a_head_that_is_set_back_hides_what_comes_after(recording: Recording) -> None:
    """The same files are a chain that has not grown as far."""
    shorter = Recording(recording.folder)
    shorter.head = shorter.block_with_logs(LOGS // 2)

    assert LOGS // 2 <= shorter.logs < recording.logs
    assert _asked(shorter, "eth_blockNumber") == hex(shorter.head)
    assert _asked(shorter, "eth_getBlockByNumber", hex(shorter.head + 1), False) is None


async def test_nobody_gives_what_he_does_not_have(recording: Recording, tmp_path: Path) -> None:
    """The model's books are consistent: by the index, no account of a trader or of an epoch is below 0."""
    with Node(recording.folder) as node:
        await index_to_head(node.url, recording.deployment, tmp_path / "index.db")
    query = """
        SELECT account.name, asset.name, entry.balance FROM entry
        JOIN holding ON holding.id = entry.holding_id
        JOIN account ON account.id = holding.account_id JOIN asset ON asset.id = holding.asset_id
    """
    with closing(sqlite3.connect(tmp_path / "index.db")) as connection:
        rows = connection.execute(query).fetchall()
    owned = [
        (account, asset, int(balance))
        for account, asset, balance in rows
        if account.startswith(("balance:", "budget:", "pot:"))
        or (account.startswith("0x") and asset.startswith(("shares:", "cost:", "curve-tokens:")))
    ]

    assert len(owned) > LOGS // 4
    assert [row for row in owned if row[2] < 0] == []
