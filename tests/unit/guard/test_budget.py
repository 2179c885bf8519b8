from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from chain_kit.guard import Budget, BudgetExceededError, Guard
from chain_kit.outbox import Journal, Kind, Level, Offer, State
from chain_kit.outbox.gate import admission
from tests.keeper_support.counting import CHAIN, GENESIS, SIGNER, Desk, intent, quote

HOUR, DAY = 3_600, 86_400
BUDGET = Budget(hour_wei=1_000, day_wei=2_500)


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Desk]:
    """A budget of 1,000 wei an hour and 2,500 a day."""
    async with Desk(url, budget=BUDGET) as desk:
        yield desk


async def left(desk: Desk) -> tuple[int | None, int | None]:
    """What is left of hour and day."""
    found = await desk.guard.budget_left()
    return found["hour"], found["day"]


def test_a_budget_is_not_negative() -> None:
    """Nothing may be spent, or something."""
    assert Budget(hour_wei=0).hour_wei == 0
    with pytest.raises(ValueError, match="not negative"):
        Budget(day_wei=-1)


async def test_no_budget_is_no_limit(url: str) -> None:
    """It still counts, for the metrics."""
    async with Desk(url) as desk:
        await desk.enter(intent(1), quote(10**30))

        assert await left(desk) == (None, None)
        assert (await desk.guard.counted()).hour_wei == 10**30


class TestReserving:
    """What is signed counts with the most that it may cost."""

    async def test_counts_the_l1_fee_and_not_the_value(self, desk: Desk) -> None:
        """The value goes somewhere: it is no fee."""
        await desk.enter(intent(1), quote(300, 45))

        assert await left(desk) == (655, 2_155)

    async def test_refuses_what_is_too_much(self, desk: Desk) -> None:
        """With the figures, before anything is signed; the last wei may be spent."""
        await desk.enter(intent(1), quote(600))

        with pytest.raises(BudgetExceededError, match="post 2: it may cost 500 wei more, and of the hour's"):
            await desk.enter(intent(2), quote(500))
        assert desk.signed == 1
        await desk.enter(intent(2), quote(400))
        assert await left(desk) == (0, 1_500)

    async def test_refuses_in_the_journal_s_own_transaction(self, desk: Desk) -> None:
        """Two that were checked at the same moment: the second is neither signed nor stored."""
        await desk.guard.check(intent(1), quote(600))
        await desk.guard.check(intent(2), quote(600))
        desk.begin(intent(1), quote(600))

        with pytest.raises(BudgetExceededError):
            desk.begin(intent(2), quote(600))

        assert (desk.signed, len(desk.journal.rows())) == (1, 1)
        assert await left(desk) == (400, 1_900)

    async def test_counts_nothing_that_was_not_entered(self, desk: Desk) -> None:
        """A process that ends between the check and the journal has spent nothing."""
        await desk.guard.check(intent(1), quote(600))

        assert await left(desk) == (1_000, 2_500)

    async def test_counts_nothing_whose_signature_failed(self, desk: Desk) -> None:
        """The reservation goes with the row."""

        def refuse(nonce: int) -> None:
            raise RuntimeError(f"no signature for {nonce}")

        desk.sign = refuse  # type: ignore[method-assign, assignment]
        with pytest.raises(RuntimeError):
            desk.begin(intent(1), quote(600))

        assert await left(desk) == (1_000, 2_500)

    async def test_counts_as_long_as_it_may_come(self, desk: Desk) -> None:
        """A transaction that is in no block after two days may be in the next."""
        await desk.enter(intent(1), quote(600))
        desk.now += 2 * DAY

        assert await left(desk) == (400, 1_900)

    async def test_counts_what_others_entered_without_a_guard(self, desk: Desk) -> None:
        """The journal shows what their transactions may cost at the gas that they offer."""
        cost = quote(600)
        row, _ = desk.journal.begin(intent(1), SIGNER, 0, desk.sign, offer=Offer(cost.gas, cost.fees), seen=0)
        assert await left(desk) == (400, 1_900)

        desk.replace(row, quote(700, 20))
        assert await left(desk) == (280, 1_780)

    async def test_is_per_signer_and_chain(self, desk: Desk, url: str) -> None:
        """Others with the same outbox have budgets of their own."""
        await desk.enter(intent(1), quote(600))
        other = "0x" + "44" * 20

        for signer, chain_id in ((other, CHAIN), (SIGNER, 8453)):
            async with await Guard.open(url, signer, chain_id, budget=BUDGET, clock=desk.clock) as guard:
                assert await guard.budget_left() == {"hour": 1_000, "day": 2_500}

    async def test_counts_for_its_own_signer_only(self, desk: Desk) -> None:
        """A sender with another key has been given the wrong guard."""
        other, cost = "0x" + "44" * 20, quote(100)
        admit = admission(desk.guard, intent(1), cost, other, desk.now)

        with pytest.raises(ValueError, match="the budget is"):
            desk.journal.begin(
                intent(1), other, 0, desk.sign, offer=Offer(100, cost.fees), seen=0, admit=admit
            )


class TestReplacing:
    """Of all the transactions at a nonce one is mined."""

    async def test_counts_the_difference(self, desk: Desk) -> None:
        """And is refused as far as that is too much."""
        row = await desk.enter(intent(1), quote(600))

        row = desk.replace(row, quote(900))
        assert await left(desk) == (100, 1_600)
        with pytest.raises(BudgetExceededError, match="it may cost 200 wei more"):
            desk.replace(row, quote(1_100))
        assert await left(desk) == (100, 1_600)

    async def test_is_checked_as_a_replacement(self, desk: Desk) -> None:
        """The sender asks for it with the whole cost; the nonce is found by the intent."""
        await desk.enter(intent(1), quote(600))

        await desk.guard.check(intent(1), quote(900))
        with pytest.raises(BudgetExceededError):
            await desk.guard.check(intent(1), quote(1_100))

    async def test_that_is_cheaper_counts_nothing(self, desk: Desk) -> None:
        """And nothing less: the dearer one may come yet. It is allowed even where all is spent."""
        row = await desk.enter(intent(1), quote(1_000))

        desk.replace(row, quote(300))

        assert await left(desk) == (0, 1_500)

    async def test_by_a_cancellation_is_never_refused(self, desk: Desk) -> None:
        """It frees the nonce for all others; what it costs beyond counts."""
        row = await desk.enter(intent(1), quote(900))

        row = desk.replace(row, quote(1_200), Kind.CANCEL)

        assert await left(desk) == (0, 1_300)
        await desk.mined(row, 1_100, State.EXPIRED)
        desk.journal.settle(desk.journal.rows(), Level.FINALIZED)
        assert await left(desk) == (0, 1_400)

    async def test_of_a_missing_nonce_is_never_refused(self, desk: Desk) -> None:
        """The sender's own empty transaction, which lets those above it come."""
        await desk.enter(intent(1), quote(1_000))
        fill = replace(intent(0, "fill nonce", SIGNER, b""), value_wei=0)

        await desk.enter(fill, quote(200))

        assert await left(desk) == (0, 1_300)


class TestSettling:
    """What a block holds has cost what its receipt says."""

    async def test_counts_the_real_cost_once_it_is_final(self, desk: Desk) -> None:
        """Until then a reorg may bring it at another base fee: it counts with the most."""
        row = await desk.mined(await desk.enter(intent(1), quote(600)), 250)
        assert await left(desk) == (400, 1_900)

        desk.journal.settle([row], Level.FINALIZED)

        assert await left(desk) == (750, 2_250)

    async def test_slides_out_of_the_hour_and_of_the_day(self, desk: Desk) -> None:
        """A second before it is an hour old it counts, then no longer."""
        await desk.mined(await desk.enter(intent(1), quote(600)), 250)

        for age, wei in ((HOUR - 1, (400, 1_900)), (HOUR, (1_000, 1_900)), (DAY, (1_000, 2_500))):
            later = desk.now + age
            asked, desk.now = desk.now, later
            assert await left(desk) == wei
            desk.now = asked

    async def test_counts_from_the_block_on(self, desk: Desk) -> None:
        """Not from its signature: the fees are paid then."""
        row = await desk.enter(intent(1), quote(600))
        desk.now += HOUR
        row = await desk.mined(row, 250)
        desk.now += HOUR - 1

        assert await left(desk) == (400, 1_900)

    async def test_the_day_holds_when_the_hour_is_new(self, desk: Desk) -> None:
        """A third hour's worth is more than the day's."""
        for number in range(2):
            await desk.mined(await desk.enter(intent(number), quote(1_000)), 900)
            desk.now += HOUR

        with pytest.raises(BudgetExceededError, match="of the day's 2500 wei 500 are left"):
            await desk.enter(intent(2), quote(600))

    async def test_told_twice_counts_once(self, desk: Desk) -> None:
        """A process that died in between is told again, perhaps much later: it counts from the first time."""
        row = desk.in_block(await desk.enter(intent(1), quote(600)))
        await desk.guard.spent(row, 250)
        desk.now += HOUR
        await desk.guard.spent(row, 250)
        row = desk.end(row, State.DONE)
        desk.journal.settle([row], Level.FINALIZED)

        assert await left(desk) == (1_000, 2_250)

    async def test_counts_between_block_and_telling(self, desk: Desk) -> None:
        """However old its signature is: nobody was told of the cost yet."""
        row = await desk.enter(intent(1), quote(600))
        desk.now += DAY
        desk.in_block(row)

        assert await left(desk) == (400, 1_900)

    async def test_a_reorg_brings_it_back(self, desk: Desk) -> None:
        """It counts as what it may cost, then as what it cost in the block that stays."""
        row = await desk.mined(await desk.enter(intent(1), quote(600)), 250)
        desk.now += HOUR
        row = desk.journal.update(row, State.SENT)
        assert await left(desk) == (400, 1_900)

        row = await desk.mined(row, 420)
        desk.journal.settle([row], Level.FINALIZED)

        assert await left(desk) == (580, 2_080)

    async def test_counts_more_than_was_reserved(self, desk: Desk) -> None:
        """The L1 fee has risen meanwhile: nobody could bound it, and it is paid."""
        row = await desk.mined(await desk.enter(intent(1), quote(600, 10)), 1_300)

        assert await left(desk) == (0, 1_200)
        desk.journal.settle([row], Level.FINALIZED)
        assert await left(desk) == (0, 1_200)

    async def test_counts_a_nonce_once(self, desk: Desk) -> None:
        """One that was given back, since the effect was there, is the next intent's: one of both is mined."""
        row = await desk.enter(intent(1), quote(600))
        desk.journal.drop(row, "it was there", block=(1, "0x1"))
        assert await left(desk) == (400, 1_900)

        await desk.enter(intent(2), quote(400))

        assert await left(desk) == (400, 1_900)

    async def test_knows_costs_of_rows_without_a_reservation(self, desk: Desk) -> None:
        """They are counted from then on."""
        cost = quote(600)
        row, _ = desk.journal.begin(intent(1), SIGNER, 0, desk.sign, offer=Offer(cost.gas, cost.fees), seen=0)
        row = await desk.mined(row, 250)
        assert await left(desk) == (400, 1_900)

        desk.journal.settle([row], Level.FINALIZED)
        assert await left(desk) == (750, 2_250)

    async def test_sums_what_databases_cannot(self, desk: Desk, url: str) -> None:
        """Their integers end at nine ether; all fees of a signer do not."""
        for number, wei in enumerate((5, 10**18 - 1, 10**18, 9 * 10**18, 10**25)):
            async with Desk(url) as other:
                await other.mined(await other.enter(intent(number), quote(100)), wei)

        spent_wei = await desk.guard._read(desk.guard._ledger.spent_wei)

        assert spent_wei == 5 + 11 * 10**18 - 1 + 10**25


class TestSharing:
    """Several guards on one outbox."""

    async def test_count_together(self, desk: Desk, url: str) -> None:
        """What one has signed is not left for the other."""
        async with Desk(url, budget=BUDGET) as other:
            await desk.enter(intent(1), quote(600))

            with pytest.raises(BudgetExceededError):
                await other.enter(intent(2), quote(600))
            await other.enter(intent(2), quote(400))

        assert await left(desk) == (0, 1_500)

    async def test_of_many_at_once_as_many_as_fit(self, desk: Desk, url: str) -> None:
        """Each has a connection of its own, and all have passed the check."""
        async with Desk(url, budget=BUDGET) as other:
            wanted = [(one, number) for number in range(5) for one in (desk, other)]
            results = await asyncio.gather(
                *(asyncio.to_thread(one.begin, intent(f"{one is desk}{n}"), quote(200)) for one, n in wanted),
                return_exceptions=True,
            )

        assert sum(isinstance(result, BudgetExceededError) for result in results) == 5
        assert await left(desk) == (0, 1_500)

    async def test_outlive_their_processes(self, desk: Desk, url: str) -> None:
        """The next one knows all of it."""
        await desk.mined(await desk.enter(intent(1), quote(600)), 250)

        async with Desk(url, budget=BUDGET) as later:
            assert await left(later) == (400, 1_900)

    async def test_an_outbox_from_before_gets_the_tables(self, url: str) -> None:
        """Opening it is enough, with whatever it holds."""
        with closing(Journal.open(url, CHAIN, GENESIS)) as journal:
            journal._store.write(forget, lock=0)

        async with Desk(url, budget=BUDGET) as desk:
            await desk.enter(intent(1), quote(600))
            assert await left(desk) == (400, 1_900)


def forget(connection: Connection) -> None:
    """As the version before the guard left it."""
    for name in ("spending", "halt", "action_mark"):
        connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
    connection.execute(text("DROP INDEX IF EXISTS outbox_action"))
