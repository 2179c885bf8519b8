from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.contracts import Contract
from chain_kit.keepers.contests import Contest
from chain_kit.keepers.needs import Due, Duty, Point, _boundaries, duty_of
from chain_kit.keepers.resolve import Priced, batches
from chain_kit.oracle import BoundaryPrice, feed_id
from chain_kit.prices import EPOCH

FEED, OTHER = feed_id("BTC/USD"), feed_id("ETH/USD")
HUB = Contract("EpochHub", "0x" + "22" * 20)
NOW = 1_700_000_100


def market(genesis: int, feed: bytes = FEED) -> Contest:
    """A market that began at `genesis`."""
    return Contest(HUB, 1, (feed,), genesis)


class TestContests:
    """Which epochs a boundary belongs to."""

    def test_a_boundary_ends_one_epoch_and_starts_the_next(self) -> None:
        """The first one only starts, and before it there is nothing."""
        assert market(3_000).epochs_at(2_700) == []
        assert market(3_000).epochs_at(3_000) == [1]
        assert market(3_000).epochs_at(3_300) == [1, 2]
        assert market(3_000).epochs_at(6_000) == [10, 11]

    @given(st.integers(0, 10**6), st.integers(0, 10**6))
    def test_the_epochs_touch_the_boundary(self, genesis: int, boundary: int) -> None:
        """Start or end of each is there: start = genesis + (e-1)·300, end = genesis + e·300."""
        one = market(genesis * EPOCH)

        for epoch in one.epochs_at(boundary * EPOCH):
            start = one.genesis + (epoch - 1) * EPOCH
            assert boundary * EPOCH in (start, start + EPOCH)

    @given(st.integers(0, 10**6), st.integers(0, 10**9))
    def test_the_running_epoch_holds_the_instant(self, genesis: int, instant: int) -> None:
        """0 before the first one."""
        one = market(genesis * EPOCH)

        epoch = one.running(instant)

        start = one.genesis + (epoch - 1) * EPOCH
        assert start <= instant < start + EPOCH if epoch else instant < one.genesis

    def test_the_window_begins_with_the_feed_s_first_contest(self) -> None:
        """On the grid, ends included, other feeds' contests left out; a race counts for all its feeds."""
        race = Contest(Contract("RaceMarket", HUB.address), 1, (FEED, OTHER), 600, 2)
        contests = [market(900), race, market(300, feed_id("SOL/USD"))]

        assert list(_boundaries(contests, FEED, 0, 1_200)) == [600, 900, 1_200]
        assert list(_boundaries(contests, OTHER, 901, 1_799)) == [1_200, 1_500]
        assert list(_boundaries(contests, FEED, 0, 500)) == []

    def test_a_point_reads_as_the_journal_s_subject(self) -> None:
        """Feed and instant."""
        assert str(Point(FEED, NOW)) == f"BTC/USD@{NOW}"


class TestDuty:
    """When an adapter's price counts, as `BoundaryOracle._dutyOf` has it."""

    @given(st.lists(st.integers(300, 604_800), min_size=1, max_size=4, unique=True), st.integers(0, 700_000))
    def test_at_every_age_one_adapter_is_due_until_the_last_deadline(
        self, deadlines: list[int], age: int
    ) -> None:
        """Never two, never none; then the boundary is void."""
        deadlines.sort()
        names = [f"adapter {rank}" for rank in range(len(deadlines))]
        duties = [duty_of(name, names, deadlines) for name in names]

        due = [duty for duty in duties if duty is not None and duty.first <= age <= duty.last]

        assert len(due) == (age <= deadlines[-1])
        assert {duty.void_after for duty in duties if duty is not None} == {deadlines[-1]}

    def test_a_stranger_is_never_due(self) -> None:
        """Its reports would be refused."""
        assert duty_of("c", ["a", "b"], [300, 600]) is None
        assert duty_of("b", ["a", "b"], [300, 600]) == Duty(301, 600, 600)


def priced(*untils: int) -> list[Priced]:
    """Boundaries with prices, by their deadlines."""
    return [Priced(Due(Point(FEED, n * EPOCH), until), n + 1) for n, until in enumerate(untils)]


class TestBatches:
    """What goes into one transaction."""

    @given(st.lists(st.integers(0, 900), max_size=40), st.integers(1, 9))
    def test_all_of_it_once_in_order_and_never_too_many(self, left: list[int], size: int) -> None:
        """What may run out of time does not share a batch with what has plenty."""
        given_ = priced(*(NOW + seconds for seconds in sorted(left)))

        made = batches(given_, size, NOW)

        assert [one for batch in made for one in batch] == given_
        assert all(1 <= len(batch) <= size for batch in made)
        for batch in made:
            assert len({one.due.until - NOW <= 30 for one in batch}) == 1

    def test_no_more_batches_than_the_size_asks_for(self) -> None:
        """Seven in threes are three."""
        assert [len(batch) for batch in batches(priced(*[NOW + 900] * 7), 3, NOW)] == [3, 3, 1]

    def test_a_price_is_signed_under_its_feed_s_name(self) -> None:
        """As the report has it."""
        assert priced(NOW)[0].price == BoundaryPrice("BTC/USD", 0, 1)


@pytest.mark.parametrize("positions", [0, 3])
def test_a_stake_is_asked_for_where_it_is_kept(positions: int) -> None:
    """A market's sets, or each pot of a race."""
    contest = Contest(HUB, 7, (FEED,), 0, positions)

    asked = [(fn, arguments) for _, fn, arguments in contest.holdings(5)]

    races = [("potOf", (7, 5, place)) for place in (1, 2, 3)]
    assert asked == (races if positions else [("epochState", (7, 5))])
