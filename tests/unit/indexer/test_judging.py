from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.jsonrpc import Call
from indexer import judging
from indexer.blocks import Log
from indexer.false_answer import FalseAnswerError
from indexer.judging import Judging, Told
from indexer.packed import PackedLogs, pack
from indexer.parsing import MalformedAnswerError
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.node import FakeNode
from tests.index_support.world import World

FILTERS = DEPLOYMENT.log_filters()
FIRST = DEPLOYMENT.first_block


@pytest.fixture
def chain() -> FakeChain:
    """A traded chain."""
    made = FakeChain()
    World(made, seed=5).run(60)
    return made


@pytest.fixture
async def elsewhere(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Judging]:
    """Judges everything in the other process, however small."""
    monkeypatch.setattr(judging, "LARGE_BYTES", 0)
    made = Judging(FILTERS)
    yield made
    await made.aclose()


def told(chain: FakeChain, change: Any = None) -> Told:
    """What a node tells of the whole chain; `change` alters the list of its answers."""
    last = chain.tip.number
    calls: list[Call] = [("eth_getBlockByNumber", [hex(n), False]) for n in range(FIRST, last + 1)]
    where = {"fromBlock": hex(FIRST), "toBlock": hex(last)}
    calls += [("eth_getLogs", [one.params() | where]) for one in FILTERS]
    node = FakeNode(chain)
    batch = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        for number, (method, params) in enumerate(calls, 7)
    ]
    answers = [node._one(call) for call in batch]
    if change is not None:
        change(answers)
    count = last - FIRST + 1
    return Told("node", FIRST, count, FILTERS, ((orjson.dumps(answers), 7, len(calls)),))


async def test_both_ways_find_the_same(chain: FakeChain, elsewhere: Judging) -> None:
    """Blocks, logs and quiet blocks are what this process finds, and what the chain has."""
    what = told(chain)

    there, here = await elsewhere.of(what), judging.judged(elsewhere.judge, what)

    assert there is not None
    assert here is not None
    assert isinstance(there.logs, PackedLogs)
    assert (there.blocks, list(there.logs), there.quiet) == (here.blocks, list(here.logs), here.quiet)
    assert list(there.logs) == chain.logs_between(FIRST, chain.tip.number)


async def test_many_are_judged_one_after_the_other(chain: FakeChain, elsewhere: Judging) -> None:
    """Each hears the answer to its own question, by one process."""
    what = told(chain)
    found = await asyncio.gather(*(elsewhere.of(what) for _ in range(4)))

    assert [len(one.blocks) for one in found if one] == [chain.tip.number - FIRST + 1] * 4


def _drop_block(answers: list[Any]) -> None:
    answers[3]["result"] = None


def _lie_about_header(answers: list[Any]) -> None:
    answers[3]["result"]["gasUsed"] = "0x1234"


def _no_header(answers: list[Any]) -> None:
    answers[3]["result"] = {"number": "0x6"}


def _odd_data(answers: list[Any]) -> None:
    answers[-3]["result"][0]["data"] += "0"


async def test_what_does_not_fit_together_is_none(chain: FakeChain, elsewhere: Judging) -> None:
    """A block that is missing says nothing about who told of the others."""
    assert await elsewhere.of(told(chain, _drop_block)) is None


@pytest.mark.parametrize(
    ("lie", "kind", "reason"),
    [
        (_lie_about_header, FalseAnswerError, "hashes to"),
        (_no_header, MalformedAnswerError, "is not a block"),
        (_odd_data, MalformedAnswerError, "not hexadecimal"),
    ],
)
async def test_what_is_false_is_said_of_its_endpoint(
    chain: FakeChain, elsewhere: Judging, lie: Any, kind: type[FalseAnswerError], reason: str
) -> None:
    """As here: the error names the endpoint and why, and the process goes on."""
    with pytest.raises(kind, match=reason) as caught:
        await elsewhere.of(told(chain, lie))
    assert caught.value.endpoint == "node"
    assert await elsewhere.of(told(chain)) is not None


async def test_a_process_that_dies_is_done_without(chain: FakeChain, elsewhere: Judging) -> None:
    """What it had to judge is judged here, and the next by another process."""
    await elsewhere.of(told(chain))
    assert elsewhere._process is not None
    first = elsewhere._process.pid
    os.kill(first, signal.SIGKILL)
    await elsewhere._process.wait()

    found = [await elsewhere.of(told(chain)) for _ in range(2)]

    assert [len(one.logs) for one in found if one] == [len(chain.logs_between(FIRST, chain.tip.number))] * 2
    assert elsewhere._process is not None
    assert elsewhere._process.pid != first


async def test_a_question_that_is_given_up_is_not_answered_to_the_next(
    chain: FakeChain, elsewhere: Judging
) -> None:
    """The half of an exchange that is cancelled ends the process."""
    await elsewhere.of(told(chain))
    given_up = asyncio.create_task(elsewhere.of(told(chain, _drop_block)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)

    found = await elsewhere.of(told(chain))

    assert found is not None
    assert len(found.blocks) == chain.tip.number - FIRST + 1


async def test_small_ones_start_no_process(chain: FakeChain) -> None:
    """A live block is judged at once."""
    judge = Judging(FILTERS)

    assert await judge.of(told(chain)) is not None
    assert judge._process is None


_HEX = st.binary(max_size=70).map(lambda data: "0x" + data.hex())
_WORD = st.binary(min_size=32, max_size=32).map(lambda data: "0x" + data.hex())
_ADDRESS = st.binary(min_size=20, max_size=20).map(lambda data: "0x" + data.hex())


_LOG = st.builds(
    Log, st.integers(0, 2**31 - 1), st.just("0xabc"), st.integers(0, 2**24 - 1), _WORD, _ADDRESS,
    st.lists(_WORD, max_size=4).map(tuple), _HEX,
)  # fmt: skip


@given(_LOG)
def test_a_log_comes_back_as_it_was(log: Log) -> None:
    """Packed and asked for again, every part is the same."""
    logs = PackedLogs([pack(log)], {log.block_number: "0xabc"})

    assert list(logs) == [log]
    assert logs[0].position == pack(log).position
    assert list(logs[:1]) == [log]


@pytest.mark.parametrize(
    "change", [{"data": "0x0"}, {"data": "0xzz"}, {"topics": ("0x12",)}, {"tx_hash": "0xz"}]
)
def test_what_is_not_hexadecimal_is_not_packed(chain: FakeChain, change: dict[str, Any]) -> None:
    """A part that is cut or spoilt is refused."""
    log = chain.logs_between(FIRST, chain.tip.number)[0]
    with pytest.raises(ValueError, match="hexadecimal"):
        pack(log._replace(**change))
