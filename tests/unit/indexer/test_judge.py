from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from indexer.deployment import LogFilter
from indexer.false_answer import FalseAnswerError
from indexer.judge import Judge, Judged
from indexer.parsing import MalformedAnswerError, RawLog
from tests.index_support.answering import Answering
from tests.index_support.chain import DEPLOYMENT, FakeChain, address_of, raw_event
from tests.index_support.world import World

FILTERS = DEPLOYMENT.log_filters()
FIRST, LAST = 3, 60


@pytest.fixture(scope="module")
def chain() -> FakeChain:
    """Some blocks with events, and some without."""
    made = World(FakeChain(), 9)
    made.run(50)
    made.chain.mine_empty(10)
    made.chain.mine(raw_event("TestToken", "Transfer", DEPLOYMENT.hub, DEPLOYMENT.vault, 5))
    return made.chain


class Told:
    """What an honest node tells of a range, to be changed."""

    def __init__(self, chain: FakeChain, first: int = FIRST, last: int | None = None) -> None:
        node = Answering(chain)
        self.first = first
        until = chain.tip.number if last is None else last
        self.headers: list[Any] = [
            dict(node.eth_getBlockByNumber(hex(number)) or {}) for number in range(first, until + 1)
        ]
        where = {"fromBlock": hex(first), "toBlock": hex(until)}
        self.answers: list[tuple[LogFilter, Any]] = [
            (one, msgspec.convert(node.eth_getLogs(one.params() | where), list[RawLog])) for one in FILTERS
        ]

    @property
    def logs(self) -> list[RawLog]:
        """Those of our contracts."""
        logs: list[RawLog] = self.answers[0][1]
        return logs

    def judged(self, *, trust_headers: bool = False) -> Judged | None:
        """What a judge says."""
        judge = Judge(FILTERS, trust_headers=trust_headers)
        return judge.range(self.headers, self.answers, "node", first=self.first)


def test_the_truth_is_taken(chain: FakeChain) -> None:
    """All blocks, and every log of ours once and in order, though two filters found some."""
    judged = Told(chain).judged()
    assert judged is not None
    assert list(judged.blocks) == chain.blocks[FIRST:]
    assert list(judged.logs) == chain.logs_between(FIRST, chain.tip.number)


def test_quiet_blocks_are_named(chain: FakeChain) -> None:
    """Those whose bloom rules all of ours out: here every block without a log, and none with one."""
    judged = Told(chain).judged()
    assert judged is not None
    with_logs = {log.block_number for log in judged.logs}
    empty = {block.number for block in judged.blocks} - with_logs
    assert set(judged.quiet) == empty
    assert len(empty) >= 10


def test_trusted_headers_prove_nothing(chain: FakeChain) -> None:
    """Then a header may hash to anything, and no block is quiet."""
    told = Told(chain)
    told.headers[0]["stateRoot"] = "0x" + "11" * 32
    judged = told.judged(trust_headers=True)
    assert judged is not None
    assert judged.quiet == ()


def _altered_header(told: Told) -> None:
    told.headers[4]["timestamp"] = "0x1"


def _other_bloom(told: Told) -> None:
    told.headers[4]["logsBloom"] = "0x" + "00" * 256


def _another_block(told: Told) -> None:
    told.headers[4] = told.headers[5]


def _outside(told: Told) -> None:
    told.logs[0] = msgspec.structs.replace(told.logs[0], block_number=hex(FIRST - 1))


def _twice(told: Told) -> None:
    told.logs.insert(1, told.logs[0])


def _swapped_blocks(told: Told) -> None:
    told.logs.reverse()


def _swapped_logs(told: Told) -> None:
    place = next(n for n, (a, b) in enumerate(zip(told.logs, told.logs[1:], strict=False))
                 if a.block_number == b.block_number)  # fmt: skip
    told.logs[place], told.logs[place + 1] = told.logs[place + 1], told.logs[place]


def _a_strangers(told: Told) -> None:
    told.logs[0] = msgspec.structs.replace(told.logs[0], address=address_of("stranger").lower())


def _another_topic(told: Told) -> None:
    tokens = next(logs for one, logs in told.answers if one.topics and logs)
    tokens[0] = msgspec.structs.replace(tokens[0], topics=("0x" + "00" * 32, *tokens[0].topics[1:]))


def _too_few_topics(told: Told) -> None:
    tokens = next(logs for one, logs in told.answers if one.topics and logs)
    tokens[0] = msgspec.structs.replace(tokens[0], topics=tokens[0].topics[:1])


def _in_a_quiet_block(told: Told) -> None:
    judged = told.judged()
    assert judged is not None
    quiet = next(block for block in judged.blocks if block.number in judged.quiet)
    moved = msgspec.structs.replace(told.logs[0], block_number=hex(quiet.number), block_hash=quiet.hash)
    told.answers[0] = (FILTERS[0], [moved])


def _two_stories(told: Told) -> None:
    sent, received = told.answers[1][1], told.answers[2][1]
    both = next(n for n, log in enumerate(sent) if log in received)
    sent[both] = msgspec.structs.replace(sent[both], data="0x" + "99" * 32)


LIES: dict[str, tuple[Callable[[Told], None], str]] = {
    "a header with another time": (_altered_header, "hashes to"),
    "a header with another bloom": (_other_bloom, "hashes to"),
    "another block than was asked for": (_another_block, "gave block 8 for block 7"),
    "a log outside the range": (_outside, "unasked"),
    "a log twice": (_twice, "after log"),
    "blocks in the wrong order": (_swapped_blocks, "after block"),
    "logs in the wrong order": (_swapped_logs, "after log"),
    "another contract's log": (_a_strangers, "unasked"),
    "another event": (_another_topic, "unasked"),
    "an event of fewer topics": (_too_few_topics, "unasked"),
    "a log in a block that cannot hold one": (_in_a_quiet_block, "bloom has none"),
    "one log in two versions": (_two_stories, "two things"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_cannot_be_is_said_of_the_endpoint(chain: FakeChain, lie: str) -> None:
    """By name, and what it told."""
    change, words = LIES[lie]
    told = Told(chain)
    change(told)
    with pytest.raises(FalseAnswerError, match=words) as caught:
        told.judged()
    assert caught.value.endpoint == "node"


def test_what_a_reorg_explains_is_no_lie(chain: FakeChain) -> None:
    """A block that is not there yet, parents that do not fit, logs of other blocks: all to be asked again."""
    missing, unlinked, others = Told(chain), Told(chain), Told(chain)
    missing.headers[-1] = None
    branch = chain.branch(20)
    branch.mine_empty(20)
    unlinked.headers[-1] = branch.header_json(branch.tip)
    others.logs[0] = msgspec.structs.replace(others.logs[0], block_hash="0x" + "22" * 32)
    assert [told.judged() for told in (missing, unlinked, others)] == [None, None, None]


@pytest.mark.parametrize("logs", [None, "0x", {"address": "0x"}])
def test_what_is_no_list_of_logs(chain: FakeChain, logs: Any) -> None:
    """A broken endpoint is named too."""
    told = Told(chain)
    told.answers[1] = (FILTERS[1], logs)
    with pytest.raises(MalformedAnswerError, match=r"node.*not a list"):
        told.judged()


def test_a_place_that_is_none(chain: FakeChain) -> None:
    """Nor may a log's number be a word."""
    told = Told(chain)
    told.logs[0] = msgspec.structs.replace(told.logs[0], log_index="first")
    with pytest.raises(MalformedAnswerError, match="'first' is no place"):
        told.judged()


def test_addresses_may_be_written_in_any_case(chain: FakeChain) -> None:
    """Some nodes give them with a checksum: the index has them in lower case."""
    told = Told(chain)
    told.logs[0] = msgspec.structs.replace(
        told.logs[0], address=told.logs[0].address.upper().replace("X", "x")
    )
    judged = told.judged()
    assert judged == dataclasses.replace(judged, logs=Told(chain).judged().logs)  # type: ignore[union-attr, type-var]
