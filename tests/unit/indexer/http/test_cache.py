from __future__ import annotations

import asyncio

import pytest

from indexer.blocks import Block
from indexer.http.cache import AnswerCache
from indexer.http.clock import ChainClock


class Question:
    """Answers how often it was asked, when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self) -> int:
        """The answer."""
        self.asked += 1
        asked = self.asked
        await self.may.wait()
        return asked


async def test_a_question_is_answered_once() -> None:
    """Until the database changes; other questions are others."""
    cache, one, other = AnswerCache(), Question(), Question()
    assert [await cache.get("one", one) for _ in range(3)] == [1, 1, 1]
    assert await cache.get("other", other) == 1
    cache.forget()
    assert await cache.get("one", one) == 2
    assert (cache.hits, cache.misses) == (2, 3)


async def test_who_asks_at_the_same_time_waits_for_one_answer() -> None:
    """And one who goes away takes it from nobody."""
    cache, question = AnswerCache(), Question()
    question.may.clear()
    waiting = [asyncio.create_task(cache.get("one", question)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    question.may.set()
    assert await asyncio.gather(*waiting[1:]) == [1, 1]
    assert waiting[0].cancelled()


async def test_an_answer_of_before_a_change_is_not_kept() -> None:
    """Who asked before it gets it; who asks after it gets another."""
    cache, question = AnswerCache(), Question()
    question.may.clear()
    before = asyncio.create_task(cache.get("one", question))
    await asyncio.sleep(0)
    cache.forget()
    question.may.set()
    assert await cache.get("one", question) == 2
    assert await before == 1


async def test_a_failure_is_not_kept() -> None:
    """All who waited get it, the next who asks has another try."""
    cache, tries = AnswerCache(), 0

    async def fail() -> int:
        nonlocal tries
        tries += 1
        raise ValueError(str(tries))

    asked = [asyncio.create_task(cache.get("one", fail)) for _ in range(2)]
    failures = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(failure) for failure in failures] == ["1", "1"]
    with pytest.raises(ValueError, match="2"):
        await cache.get("one", fail)


async def test_no_more_answers_are_kept_than_said() -> None:
    """Those that were asked for first go first."""
    cache, question = AnswerCache(most=2), Question()
    for name in ("a", "b", "c"):
        await cache.get(name, question)
    assert [await cache.get(name, question) for name in ("b", "c", "a")] == [2, 3, 4]


def test_the_chain_s_time_goes_on_between_blocks() -> None:
    """From a block's own timestamp on, whatever the year; a block that is seen again changes nothing."""
    seconds = 50.0
    clock = ChainClock(lambda: seconds)
    assert (clock.seconds(), clock.block) == (0, None)
    block = Block(5, "0x05", "0x04", 1_530_000_000)
    clock.see(block)
    seconds += 7.9
    assert clock.seconds() == 1_530_000_007
    clock.see(block)
    assert clock.iso() == "2018-06-26T08:00:07Z"
    clock.see(Block(6, "0x06", "0x05", 1_530_000_300))
    assert clock.seconds() == 1_530_000_300
