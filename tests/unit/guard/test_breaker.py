from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from chain_kit.guard import ActionHaltedError, Breaker, Halt
from chain_kit.outbox import Row, State
from tests.keeper_support.counting import CONTRACT, Desk, intent, quote

COST = quote(100)


class Alarm:
    """Who is told of halts."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def __call__(self, action: str, halt: Halt) -> None:
        """Writes it down."""
        self.rung.append(f"{action}: {halt.reason}")


@pytest.fixture
def alarm() -> Alarm:
    """The hook."""
    return Alarm()


@pytest.fixture
async def desk(url: str, alarm: Alarm) -> AsyncIterator[Desk]:
    """Three in a row halt an action."""
    async with Desk(url, breaker=Breaker(3), on_halt=alarm) as desk:
        yield desk


async def fail(desk: Desk, subject: object, action: str = "post") -> Row:
    """A transaction that is mined in vain."""
    return await desk.mined(await desk.enter(intent(subject, action), COST), 90, State.FAILED)


async def succeed(desk: Desk, subject: object, action: str = "post") -> Row:
    """One that is not, and its sender tells of it."""
    row = await desk.mined(await desk.enter(intent(subject, action), COST), 90)
    await desk.guard.verified(row.intent)
    return row


async def halt(desk: Desk, action: str = "post") -> None:
    """Three in a row, and a fourth that is refused."""
    for number in range(3):
        await fail(desk, f"halting {number}", action)
    with pytest.raises(ActionHaltedError):
        await desk.enter(intent("one more", action), COST)


def test_takes_one_transaction_at_least() -> None:
    """None would halt everything at once."""
    with pytest.raises(ValueError, match="one transaction at least"):
        Breaker(0)


class TestHalting:
    """When an action is halted."""

    async def test_after_so_many_in_a_row(self, desk: Desk, alarm: Alarm) -> None:
        """Not before; the reason tells what the last one died of, and the alarm rings once."""
        last = [await fail(desk, number) for number in range(3)][-1]
        expected = f"3 transactions in a row without effect, {last.tx_hash} the last: Paused: the market"

        for number in (4, 5):
            with pytest.raises(ActionHaltedError, match=f"post is halted: {expected}"):
                await desk.enter(intent(number), COST)

        assert [rung.startswith(f"post: {expected}") for rung in alarm.rung] == [True]

    async def test_is_an_error_in_the_log(self, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
        """An alarm that hangs on nothing but the log works."""
        with caplog.at_level(logging.WARNING):
            await halt(desk)

        (record,) = caplog.records
        assert (record.levelname, record.getMessage()[:14]) == ("ERROR", "post is halted")

    async def test_is_of_that_action_alone(self, desk: Desk) -> None:
        """Others go on, on the same contract."""
        await halt(desk)

        await succeed(desk, 1, "settle")
        assert list(await desk.guard.halted()) == ["post"]

    async def test_not_if_one_had_its_effect_in_between(self, desk: Desk) -> None:
        """In a row is in a row."""
        for number in range(6):
            await (succeed if number % 3 == 2 else fail)(desk, number)

        await desk.enter(intent(7), COST)

    async def test_goes_by_the_order_of_the_chain(self, desk: Desk) -> None:
        """Many are under way at once: which was entered first does not matter."""
        first = await desk.enter(intent("first"), COST)
        for number in range(2):
            await fail(desk, number)
        await desk.mined(first, 90)
        await fail(desk, 3)

        await desk.enter(intent(4), COST)

    async def test_is_noticed_without_another_intent(self, desk: Desk, alarm: Alarm) -> None:
        """Whoever looks now and then rings the alarm at once."""
        for number in range(3):
            await fail(desk, number)

        await desk.guard.refresh()

        assert list(await desk.guard.halted()) == ["post"]
        assert len(alarm.rung) == 1
        (reason,) = await desk.guard.reasons()
        assert reason.startswith("post is halted: 3 transactions in a row")

    async def test_not_for_what_was_refused_unmined(self, desk: Desk) -> None:
        """It had to be built again and the contract refused: no fee was paid."""
        for number in range(3):
            row = await desk.enter(intent(number), COST)
            desk.journal.update(row, State.FAILED, block=(5, "0x5"), free_nonce=True, reason="no")

        await desk.enter(intent(4), COST)

    async def test_not_for_what_a_reorg_took_back(self, desk: Desk) -> None:
        """It is under way again, and may come to something."""
        rows = [await fail(desk, number) for number in range(3)]
        desk.journal.update(rows[-1], State.SENT)

        await desk.enter(intent(4), COST)

    async def test_lets_what_is_under_way_go_on(self, desk: Desk) -> None:
        """Its nonce stands before those of other actions: it may be replaced still."""
        await desk.enter(intent("under way"), COST)
        await halt(desk)

        await desk.guard.check(intent("under way"), quote(120))


class TestGoingOn:
    """When a halt ends."""

    async def test_outlives_the_process(self, desk: Desk, url: str, alarm: Alarm) -> None:
        """And holds for others; they need not ring again."""
        await halt(desk)

        async with Desk(url, breaker=Breaker(3), on_halt=alarm) as other:
            with pytest.raises(ActionHaltedError):
                await other.enter(intent(9), COST)

        assert len(alarm.rung) == 1

    async def test_ends_when_somebody_says_so(self, desk: Desk) -> None:
        """What was sent before is forgiven; it takes as many again."""
        await halt(desk)

        assert await desk.guard.resume("post")

        assert await desk.guard.halted() == {}
        for number in range(3):
            await fail(desk, f"again {number}")
        with pytest.raises(ActionHaltedError):
            await desk.enter(intent(9), COST)

    async def test_what_is_not_halted_need_not_go_on(self, desk: Desk) -> None:
        """The operator is told, perhaps of a misspelt name."""
        assert not await desk.guard.resume("pots")

    async def test_ends_by_an_effect(self, desk: Desk) -> None:
        """One that was under way is mined, and is not in vain."""
        row = await desk.enter(intent("under way"), COST)
        await halt(desk)

        await desk.mined(row, 90)
        await desk.guard.verified(row.intent)

        assert await desk.guard.halted() == {}
        await desk.enter(intent(9), COST)

    async def test_ends_when_another_did_what_had_failed(self, desk: Desk) -> None:
        """Its effect is there all the same."""
        await halt(desk)

        await desk.guard.verified(intent("halting 1"))

        assert await desk.guard.halted() == {}

    async def test_does_not_end_by_what_nothing_was_sent_for(self, desk: Desk) -> None:
        """That some other effect was there long ago says nothing of those that fail."""
        await halt(desk)

        await desk.guard.verified(intent("long ago"))

        assert list(await desk.guard.halted()) == ["post"]

    async def test_stays_when_a_reorg_takes_failures_back(self, desk: Desk, alarm: Alarm) -> None:
        """It would only be halted again."""
        rows = [await fail(desk, number) for number in range(3)]
        await desk.guard.refresh()
        desk.journal.update(rows[-1], State.SENT)

        with pytest.raises(ActionHaltedError):
            await desk.enter(intent(9), COST)
        assert len(alarm.rung) == 1


async def test_one_is_enough_where_one_was_asked_for(url: str) -> None:
    """Said in the singular."""
    async with Desk(url, breaker=Breaker(1)) as desk:
        await fail(desk, 1)

        with pytest.raises(ActionHaltedError, match="post is halted: a transaction without effect, 0x"):
            await desk.enter(intent(2), COST)


async def test_when_an_effect_was_seen_is_remembered(desk: Desk, url: str) -> None:
    """By action, whether or not anything was sent for it."""
    await succeed(desk, 1)
    await desk.guard.verified(intent(2, "void", CONTRACT))

    async with Desk(url) as later:
        assert set(await later.guard.last_verified()) == {"post", "void"}
