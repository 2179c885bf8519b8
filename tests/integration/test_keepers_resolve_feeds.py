"""The resolve keeper with many feeds, races, fallbacks and little time, against the real contracts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.errors import PendingError, PriceSourceError, RevertedError
from chain_kit.keepers import EFFECTS, ResolveKeeper
from chain_kit.keepers.needs import Point
from chain_kit.oracle import decode_report, feed_id
from chain_kit.outbox import NotWorthItError, Sender, State
from chain_kit.prices import EPOCH
from tests.keeper_support.feeds import Prices, add_feed, add_market, add_race, boundary, posted
from tests.keeper_support.journals import rows_in
from tests.keeper_support.kit import DEADLINE, FEED, START, TRADERS, UNIT, Kit, quorum

FEEDS = (FEED, "ETH/USD", "SOL/USD")
OTHER_ADAPTER = TRADERS[0]
VOIDED_EVENT = "BoundaryVoided(bytes32,uint256)"


@pytest.fixture
async def sender(kit: Kit, tmp_path: Path) -> AsyncIterator[Sender]:
    """The keeper's sender."""
    async with await open_sender(kit, tmp_path / "outbox.db") as sender:
        yield sender


async def open_sender(kit: Kit, path: Path, **options: Any) -> Sender:
    """A sender with the key of the ninth account."""
    return await Sender.open(kit.anvil.rpc, path, dev_signer(9), EFFECTS, poll_seconds=0.05, **options)


def keeper(kit: Kit, sender: Sender, source: Any, **options: Any) -> ResolveKeeper:
    """A resolve keeper for the kit."""
    addresses = {"hub": kit.hub.address, "oracle": kit.oracle.address, "adapter": kit.adapter.address}
    return ResolveKeeper(sender, **{"source": source, "quorum": quorum(), **addresses, **options})


def everywhere(*feeds: str, boundaries: int = 60) -> Prices:
    """A price for each of the first boundaries of each feed."""
    return Prices(
        {
            (feed, boundary(n)): (n + place) * UNIT
            for n in range(boundaries)
            for place, feed in enumerate(feeds, 1)
        }
    )


async def three_markets(kit: Kit) -> None:
    """A market on each of the feeds, the last of which nobody trades."""
    for feed in FEEDS[1:]:
        await add_feed(kit, feed)
        await add_market(kit, feed)


async def test_one_signature_covers_the_boundaries_of_all_feeds(kit: Kit, sender: Sender) -> None:
    """One transaction, one report, two signatures, four prices; what nobody trades is not in it."""
    await three_markets(kit)
    for market_id in (1, 2):
        await kit.send(TRADERS[0], kit.hub, "split", market_id, 1, UNIT)
    await kit.move_to(boundary(1))

    await keeper(kit, sender, everywhere(*FEEDS)).run_once()

    found = await posted(kit)
    assert [(feed, ts) for feed, ts, _ in found] == [
        (feed, ts) for ts in (boundary(0), boundary(1)) for feed in FEEDS[:2]
    ]
    assert len({transaction for *_, transaction in found}) == 1
    sent = await kit.anvil.rpc.call("eth_getTransactionByHash", [found[0][2]])
    _, report = kit.oracle._function("post").decode_inputs(bytes.fromhex(sent["input"][10:]))
    assert len(decode_report(report)) == 4


async def test_posts_what_a_race_needs(kit: Kit, sender: Sender) -> None:
    """All its feeds at both ends of an epoch in which a position holds collateral; not of the next one."""
    for feed in FEEDS[1:]:
        await add_feed(kit, feed)
    race = await add_race(kit, FEEDS, 2, [TRADERS[0]])
    await kit.send(TRADERS[0], race, "splitField", 1, 2, 2, UNIT)
    await kit.move_to(boundary(4))

    await keeper(kit, sender, everywhere(*FEEDS), race=race.address).run_once()

    expected = {(feed, boundary(n)) for feed in FEEDS for n in (1, 2)}
    assert {(feed, ts) for feed, ts, _ in await posted(kit)} == expected
    assert (await kit.ask(race, "resultOf", 1, 2)).status == 1


class TestCatchingUp:
    """After an outage."""

    async def test_hours_go_out_in_batches_the_earliest_deadline_first(
        self, kit: Kit, tmp_path: Path
    ) -> None:
        """A feed that waits a day, one that waits a quarter of an hour: what is in time is all posted."""
        await add_feed(kit, "DAY/USD", [kit.adapter.address], [86_400])
        await add_market(kit, "DAY/USD")
        for epoch in range(1, 37):
            await kit.send(TRADERS[0], kit.hub, "split", 1, epoch, UNIT)
            await kit.send(TRADERS[0], kit.hub, "split", 2, epoch, UNIT)
        await kit.move_to(boundary(36) + 10)

        async with await open_sender(kit, tmp_path / "outbox.db") as sender:
            source = everywhere(FEED, "DAY/USD")
            done = await keeper(kit, sender, source, batch_size=10, grace_seconds=0).run_once()

        found = await posted(kit)
        # The quarter of an hour goes back to boundary 34 less ten seconds.
        assert [ts for feed, ts, _ in found if feed == FEED] == [boundary(n) for n in (34, 35, 36)]
        assert [ts for feed, ts, _ in found if feed == "DAY/USD"] == [boundary(n) for n in range(37)]
        assert [feed for feed, *_ in found][:3] == [FEED] * 3
        assert len({transaction for *_, transaction in found}) == 4
        assert len(done.posted) == 40
        assert done.missing == ()

    async def test_little_time_left_is_no_danger_to_the_rest(self, kit: Kit, sender: Sender) -> None:
        """What could be too late for the next block goes first, in a transaction of its own."""
        for epoch in (1, 2):
            await kit.split(TRADERS[0], epoch)
        await kit.move_to(boundary(0) + DEADLINE - 20)

        await keeper(kit, sender, everywhere(FEED)).run_once()

        found = await posted(kit)
        assert [ts for _, ts, _ in found] == [boundary(n) for n in range(3)]
        assert found[0][2] != found[1][2] == found[2][2]

    async def test_stamps_so_many_in_a_round(self, kit: Kit, sender: Sender) -> None:
        """Stamps change no outcome: they do not hold up prices."""
        for epoch in range(1, 7):
            await kit.split(TRADERS[0], epoch)
        await kit.move_to(boundary(12))
        resolve = keeper(kit, sender, Prices({}), most_voids=3)

        numbers = [
            [(p.boundary - START) // EPOCH for p in (await resolve.run_once()).voided] for _ in range(4)
        ]

        assert numbers == [[0, 1, 2], [3, 4, 5], [6], []]
        assert len(await kit.logs(kit.oracle, VOIDED_EVENT)) == 7

    async def test_what_is_settled_for_an_hour_is_not_asked_for_again(
        self, kit: Kit, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A feed that waits a day is not read back a day in every round."""
        await add_feed(kit, "DAY/USD", [kit.adapter.address], [86_400])
        await add_market(kit, "DAY/USD")
        await kit.send(TRADERS[0], kit.hub, "split", 2, 1, UNIT)
        await kit.move_to(boundary(40))
        resolve = keeper(kit, sender, everywhere("DAY/USD"))
        await resolve.run_once()
        await resolve.run_once()
        asked: list[Any] = []
        batch = sender.rpc.batch_settled

        async def noting(calls: Any) -> Any:
            asked.extend(calls)
            return await batch(calls)

        with monkeypatch.context() as patch:
            patch.setattr(sender.rpc, "batch_settled", noting)
            await resolve.run_once()

        about = kit.oracle.encode_call("boundaryOf", feed_id("DAY/USD"), 0)[:36].hex()
        instants = [int(p[0]["data"][-64:], 16) for _, p in asked if about in str(p[0])]
        assert instants == [boundary(n) for n in range(28, 41)]


class TestFallbacks:
    """Feeds with several adapters, of which the quorum's is one."""

    @pytest.fixture
    def source(self) -> Prices:
        """Knows everything."""
        return everywhere(FEED, "TWO/USD")

    async def two(self, kit: Kit, *adapters: str) -> None:
        """A market on a feed with two adapters, due for ten minutes each."""
        await add_feed(kit, "TWO/USD", adapters, [600, 1_200])
        await add_market(kit, "TWO/USD")
        await kit.send(TRADERS[0], kit.hub, "split", 2, 1, UNIT)

    async def test_leaves_to_a_fallback_what_its_own_time_has_passed_for(
        self, kit: Kit, sender: Sender, source: Prices
    ) -> None:
        """Neither posted nor stamped while the other may still post; stamped when nobody can."""
        await self.two(kit, kit.adapter.address, OTHER_ADAPTER)
        resolve = keeper(kit, sender, source)
        await kit.move_to(boundary(0) + 601)

        done = await resolve.run_once()

        assert [(feed, ts) for feed, ts, _ in await posted(kit)] == [("TWO/USD", boundary(1))]
        assert (done.voided, done.missing) == ((), ())
        await kit.move_to(boundary(0) + 1_200)
        assert (await resolve.run_once()).voided == ()
        await kit.move_to(boundary(0) + 1_201)
        assert (await resolve.run_once()).voided == (Point(feed_id("TWO/USD"), boundary(0)),)

    async def test_waits_as_a_fallback_until_it_is_due(
        self, kit: Kit, sender: Sender, source: Prices
    ) -> None:
        """The first adapter has its time; then, and not a second later than the deadline, it is ours."""
        await self.two(kit, OTHER_ADAPTER, kit.adapter.address)
        resolve = keeper(kit, sender, source)
        await kit.move_to(boundary(0) + 600)
        assert (await resolve.run_once()).posted == ()
        assert source.asked == []

        await kit.move_to(boundary(0) + 601)
        await resolve.run_once()

        assert [(feed, ts) for feed, ts, _ in await posted(kit)] == [("TWO/USD", boundary(0))]


class TestOnePrice:
    """What was signed once is not signed otherwise."""

    async def test_a_price_that_has_changed_since_is_not_signed(self, kit: Kit, tmp_path: Path) -> None:
        """A report that was sent in vain is valid still: a second one would leave the choice to others."""
        await kit.split(TRADERS[0], 1)
        await kit.move_to(boundary(1))
        first, second = everywhere(FEED), Prices({(FEED, boundary(n)): 77 * UNIT for n in range(3)})
        async with await open_sender(kit, tmp_path / "outbox.db", timeout_seconds=0.2) as sender:
            await kit.anvil.set_automine(False)
            with pytest.raises(PendingError):
                await keeper(kit, sender, first).run_once()
            await kit.anvil.rpc.call("anvil_dropAllTransactions")
            await kit.move_to(boundary(3) + 1)
            await kit.anvil.set_automine(True)
            # Past the batch's deadline an empty transaction takes its nonce.
            await sender.reconcile()
        async with await open_sender(kit, tmp_path / "outbox.db") as sender:
            resolve = keeper(kit, sender, second)
            await resolve.run_once()
            await resolve.run_once()

        rows = await rows_in(kit.anvil.rpc, tmp_path / "outbox.db")
        assert [row.state for row in rows if row.intent.action == "post"] == [State.EXPIRED, State.DONE]
        assert await kit.boundary(boundary(1)) == (1, 2 * UNIT)
        assert second.asked == []

    async def test_a_refused_price_is_left_alone_by_the_rest(
        self, kit: Kit, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The batch is halved until the one that the contract refuses is by itself; it says why."""
        for epoch in range(1, 3):
            await kit.split(TRADERS[0], epoch)
        await kit.move_to(boundary(2))
        monkeypatch.setattr("chain_kit.keepers.asking._PRICE_MAX", 2**200)
        source = everywhere(FEED)
        source.prices_e18[FEED, boundary(1)] = 2**128

        with pytest.raises(RevertedError, match="price out of range"):
            await keeper(kit, sender, source).run_once()

        assert [ts for _, ts, _ in await posted(kit)] == [boundary(0), boundary(2)]


async def test_one_feed_s_broken_source_does_not_hold_up_the_others(kit: Kit, sender: Sender) -> None:
    """The prices that are known are posted; then the failure is told."""
    await three_markets(kit)
    for market_id in (1, 2):
        await kit.send(TRADERS[0], kit.hub, "split", market_id, 1, UNIT)

    class HalfDown(Prices):
        async def price_e18(self, feed: str, boundary_: int) -> int | None:
            if feed == FEED:
                raise PriceSourceError("no price from http://x: HTTP status 500")
            return await super().price_e18(feed, boundary_)

    with pytest.raises(PriceSourceError, match="status 500"):
        await keeper(kit, sender, HalfDown(everywhere(*FEEDS).prices_e18)).run_once()

    assert [feed for feed, *_ in await posted(kit)] == ["ETH/USD"]


async def test_a_price_costs_no_more_than_it_is_worth(kit: Kit, sender: Sender) -> None:
    """Too dear: nothing is sent, and it is tried again. The deadline is the boundary's."""
    await kit.split(TRADERS[0], 1)
    with pytest.raises(NotWorthItError):
        await keeper(kit, sender, everywhere(FEED), worth_wei=1).run_once()
    assert await posted(kit) == []

    resolve = keeper(kit, sender, everywhere(FEED), worth_wei=10**17)
    await resolve.run_once()

    (row,) = await asyncio.to_thread(sender._journal.rows)
    assert (row.intent.deadline, row.intent.worth_wei) == (boundary(0) + DEADLINE, 10**17)


async def test_gas_of_a_batch_of_feeds(kit: Kit, sender: Sender) -> None:
    """One transaction for ten feeds takes less than half of ten for one each."""
    feeds = [FEED, *(f"F{n}/USD" for n in range(9))]
    for feed in feeds[1:]:
        await add_feed(kit, feed)
        await add_market(kit, feed)
    for market_id in range(1, 11):
        await kit.send(TRADERS[0], kit.hub, "split", market_id, 1, UNIT)
        await kit.send(TRADERS[0], kit.hub, "split", market_id, 2, UNIT)
    await keeper(kit, sender, everywhere(*feeds), batch_size=1).run_once()
    singly = await gas_of(kit, {transaction for *_, transaction in await posted(kit)})
    await kit.move_to(boundary(1))

    before = {transaction for *_, transaction in await posted(kit)}
    await keeper(kit, sender, everywhere(*feeds)).run_once()
    together = await gas_of(kit, {transaction for *_, transaction in await posted(kit)} - before)

    assert len(before) == 10
    assert 2 * together < singly


async def gas_of(kit: Kit, transactions: set[str]) -> int:
    """What the transactions used together."""
    receipts = await kit.anvil.rpc.batch([("eth_getTransactionReceipt", [one]) for one in transactions])
    return sum(int(receipt["gasUsed"], 16) for receipt in receipts)
