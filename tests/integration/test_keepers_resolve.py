"""The resolve keeper against the real contracts: what it posts, what it leaves, what it voids."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.errors import PendingError, PriceSourceError, QuorumError
from chain_kit.keepers import ResolveKeeper
from chain_kit.keepers.needs import Point
from chain_kit.oracle import BoundaryPrice, feed_id, sign_report
from chain_kit.outbox import Sender
from chain_kit.prices import EPOCH
from tests.keeper_support.deployed import open_sender
from tests.keeper_support.journals import until
from tests.keeper_support.kit import (
    DEADLINE,
    FEED,
    OWNER,
    REGISTER_FEED,
    START,
    TRADERS,
    UNIT,
    Kit,
    house_terms,
    quorum,
)

POSTED = 1
YES, VOID = 1, 3
POSTED_EVENT = "BoundaryPosted(bytes32,uint256,uint256)"


class Prices:
    """A source with a price for each boundary that it is told; it notes what it is asked for."""

    def __init__(self, prices_e18: dict[int, int], feed: str = FEED) -> None:
        self.prices_e18 = prices_e18
        self.asked: list[int] = []
        self._feed = feed

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """What it was told."""
        self.asked.append(boundary)
        return self.prices_e18.get(boundary) if feed == self._feed else None

    async def run(self, stop: asyncio.Event) -> None:
        """Observes nothing, until it is stopped."""
        await stop.wait()


def boundary(number: int) -> int:
    """Boundary `number` of the market: the start of epoch `number` + 1, the end of epoch `number`."""
    return START + number * EPOCH


@pytest.fixture
async def sender(kit: Kit, tmp_path: Path) -> AsyncIterator[Sender]:
    """The keeper's sender."""
    async with await open_sender(kit, tmp_path / "outbox.db") as sender:
        yield sender


def keeper(kit: Kit, sender: Sender, source: Prices, **options: Any) -> ResolveKeeper:
    """A resolve keeper for the kit."""
    addresses = {"hub": kit.hub.address, "oracle": kit.oracle.address, "adapter": kit.adapter.address}
    return ResolveKeeper(sender, **{"source": source, "quorum": quorum(), **addresses, **options})


async def test_posts_the_boundaries_that_positions_need_and_no_others(kit: Kit, sender: Sender) -> None:
    """Epoch 2 holds shares: its start and its end are posted, the boundaries around them are not."""
    await kit.move_to(boundary(1))
    await kit.buy(TRADERS[0], 0, 2)
    await kit.move_to(boundary(3) - 1)
    source = Prices({boundary(n): (100 + n) * UNIT for n in range(5)})

    done = await keeper(kit, sender, source).run_once()

    expected = [(boundary(1), 101 * UNIT), (boundary(2), 102 * UNIT)]
    assert await kit.posts() == expected
    assert done.posted == tuple(BoundaryPrice(FEED, ts, price_e18) for ts, price_e18 in expected)
    assert source.asked == [boundary(1), boundary(2)]
    assert await kit.outcome(2) == YES


async def test_posts_the_start_of_the_running_epoch_as_soon_as_it_is_traded(kit: Kit, sender: Sender) -> None:
    """The house quotes without it, but people want to see what they bet against."""
    source = Prices({boundary(n): UNIT for n in range(9)})
    resolve = keeper(kit, sender, source)
    assert (await resolve.run_once()).posted == ()

    await kit.buy(TRADERS[0], 1, 1)
    await resolve.run_once()

    assert await kit.posts() == [(boundary(0), UNIT)]


async def test_does_nothing_the_second_time(kit: Kit, sender: Sender) -> None:
    """What stands on chain is not posted again, and costs no transaction."""
    await kit.buy(TRADERS[0], 0, 1)
    await kit.move_to(boundary(1))
    resolve = keeper(kit, sender, Prices({boundary(0): UNIT, boundary(1): UNIT}))
    await resolve.run_once()
    head = await kit.anvil.rpc.block_number()

    assert (await resolve.run_once()).posted == ()

    assert await kit.anvil.rpc.block_number() == head
    assert await kit.outcome(1) == VOID


async def test_catches_up_on_missed_boundaries_in_batches(kit: Kit, sender: Sender) -> None:
    """After an outage everything that is still in time goes out, `batch_size` at a time, oldest first."""
    for epoch in range(1, 5):
        await kit.split(TRADERS[0], epoch)
    await kit.move_to(boundary(4) - 60)
    resolve = keeper(kit, sender, Prices({boundary(n): (n + 1) * UNIT for n in range(9)}), batch_size=2)

    assert len((await resolve.run_once()).posted) == 3
    await kit.move_to(boundary(4))
    await resolve.run_once()

    posts = await kit.logs(kit.oracle, POSTED_EVENT)
    # Boundary 0 was past its deadline when the keeper began.
    assert [int(log["topics"][2], 16) for log in posts] == [boundary(n) for n in (1, 2, 3, 4)]
    assert len({log["transactionHash"] for log in posts}) == 3


async def test_leaves_what_is_under_way_and_posts_what_has_come_since(kit: Kit, tmp_path: Path) -> None:
    """A transaction that waits in the pool is not repeated, not even as part of a larger batch."""
    await kit.split(TRADERS[0], 1)
    await kit.split(TRADERS[0], 2)
    await kit.move_to(boundary(1))
    source = Prices({boundary(n): (n + 1) * UNIT for n in range(3)})
    async with await open_sender(kit, tmp_path / "outbox.db", timeout_seconds=0.2) as sender:
        resolve = keeper(kit, sender, source)
        await kit.anvil.set_automine(False)
        with pytest.raises(PendingError):
            await resolve.run_once()
        assert (await resolve.run_once()).posted == ()
        # The chain's clock goes on without taking the transaction in.
        await kit.anvil.rpc.call("anvil_dropAllTransactions")
        await kit.move_to(boundary(2))
        with pytest.raises(PendingError):
            await resolve.run_once()
        await kit.anvil.mine()
        await resolve.run_once()

    assert await kit.posts() == [(boundary(n), (n + 1) * UNIT) for n in range(3)]
    posts = await kit.logs(kit.oracle, POSTED_EVENT)
    assert posts[0]["transactionHash"] == posts[1]["transactionHash"] != posts[2]["transactionHash"]


async def test_a_missing_price_is_not_made_up_but_voided_after_the_deadline(kit: Kit, sender: Sender) -> None:
    """Skipped while it could still come, stamped void when it no longer can; the neighbours are posted."""
    await kit.split(TRADERS[0], 1)
    await kit.split(TRADERS[0], 2)
    await kit.move_to(boundary(2))
    resolve = keeper(kit, sender, Prices({boundary(0): UNIT, boundary(2): 2 * UNIT}))

    first = await resolve.run_once()
    assert first.missing == (Point(feed_id(FEED), boundary(1)),)
    assert await kit.posts() == [(boundary(0), UNIT), (boundary(2), 2 * UNIT)]

    await kit.move_to(boundary(1) + DEADLINE)
    assert (await resolve.run_once()).voided == ()
    await kit.move_to(boundary(1) + DEADLINE + 1)
    assert (await resolve.run_once()).voided == (Point(feed_id(FEED), boundary(1)),)
    assert (await resolve.run_once()).voided == ()

    stamps = await kit.logs(kit.oracle, "BoundaryVoided(bytes32,uint256)")
    assert [int(log["topics"][2], 16) for log in stamps] == [boundary(1)]
    assert (await kit.outcome(1), await kit.outcome(2)) == (VOID, VOID)


async def test_two_keepers_with_keys_of_their_own_agree(kit: Kit, tmp_path: Path) -> None:
    """Both see the same needs at once; each boundary is posted once, and neither fails."""
    for epoch in range(1, 3):
        await kit.split(TRADERS[0], epoch)
    await kit.move_to(boundary(2))
    source = Prices({boundary(n): (n + 1) * UNIT for n in range(3)})
    async with (
        await open_sender(kit, tmp_path / "one.db", account=8) as one,
        await open_sender(kit, tmp_path / "two.db", account=9) as two,
    ):
        await asyncio.gather(keeper(kit, one, source).run_once(), keeper(kit, two, source).run_once())

    assert await kit.posts() == [(boundary(n), (n + 1) * UNIT) for n in range(3)]


async def test_another_price_that_stands_already_is_accepted(kit: Kit, sender: Sender) -> None:
    """Somebody posted a valid report that differs from ours: the first wins, and the rest is posted."""
    await kit.split(TRADERS[0], 1)
    await kit.move_to(boundary(1))
    other = sign_report(
        31337, kit.adapter.address, [BoundaryPrice(FEED, boundary(1), 9 * UNIT)], quorum()[:2]
    )

    class Overtaken(Prices):
        async def price_e18(self, feed: str, boundary_: int) -> int | None:
            if not await kit.posts():
                await kit.send(OWNER, kit.oracle, "post", kit.adapter.address, other)
            return await super().price_e18(feed, boundary_)

    await keeper(kit, sender, Overtaken({boundary(0): UNIT, boundary(1): 2 * UNIT})).run_once()

    assert await kit.boundary(boundary(0)) == (POSTED, UNIT)
    assert await kit.boundary(boundary(1)) == (POSTED, 9 * UNIT)


async def test_posts_for_all_markets_of_a_feed_at_once(kit: Kit, sender: Sender) -> None:
    """A price is per feed: a second market with an epoch at the same time needs no second post."""
    await kit.send(OWNER, kit.hub, "createMarket", feed_id(FEED), "BTC2", boundary(1), house_terms())
    await kit.split(TRADERS[0], 1)
    await kit.send(TRADERS[1], kit.hub, "split", 2, 1, UNIT)
    await kit.move_to(boundary(2))

    await keeper(kit, sender, Prices({boundary(n): UNIT for n in range(3)})).run_once()

    assert [ts for ts, _ in await kit.posts()] == [boundary(0), boundary(1), boundary(2)]


async def test_leaves_feeds_of_other_adapters_alone(kit: Kit, sender: Sender) -> None:
    """What this quorum cannot vouch for it does not ask a price for."""
    await kit.send(OWNER, kit.oracle, REGISTER_FEED, feed_id("ETH/USD"), TRADERS[0], DEADLINE)
    await kit.send(OWNER, kit.hub, "createMarket", feed_id("ETH/USD"), "ETH", START, house_terms())
    await kit.send(TRADERS[1], kit.hub, "split", 2, 1, UNIT)
    await kit.move_to(boundary(1))
    source = Prices({boundary(n): UNIT for n in range(3)}, feed="ETH/USD")

    assert (await keeper(kit, sender, source).run_once()).posted == ()
    assert source.asked == []


@pytest.mark.parametrize("keys", [quorum()[:1], [dev_signer(8), dev_signer(9), quorum()[0]]])
async def test_says_when_the_quorum_is_too_small(kit: Kit, sender: Sender, keys: list[Any]) -> None:
    """Keys that are none of the adapter's signers do not count; nothing is sent."""
    with pytest.raises(QuorumError, match="asks for 2 of its signers, 1 of them are at hand"):
        await keeper(kit, sender, Prices({}), quorum=keys).run_once()


async def test_signs_with_no_more_keys_than_the_adapter_asks_for(kit: Kit, sender: Sender) -> None:
    """A third signature would cost gas and prove nothing."""
    await kit.split(TRADERS[0], 1)
    await kit.move_to(boundary(1))

    await keeper(kit, sender, Prices({boundary(0): UNIT, boundary(1): UNIT})).run_once()

    log = (await kit.logs(kit.oracle, POSTED_EVENT))[0]
    transaction = await kit.anvil.rpc.call("eth_getTransactionByHash", [log["transactionHash"]])
    report = sign_report(
        31337,
        kit.adapter.address,
        [BoundaryPrice(FEED, boundary(0), UNIT), BoundaryPrice(FEED, boundary(1), UNIT)],
        quorum()[:2],
    )
    assert transaction["input"] == "0x" + kit.oracle.encode_call("post", kit.adapter.address, report).hex()


async def test_a_reorg_that_takes_a_post_back_is_mended_by_the_next_round(kit: Kit, sender: Sender) -> None:
    """The boundary is needed again, and the identical transaction is sent again."""
    await kit.split(TRADERS[0], 1)
    await kit.move_to(boundary(1))
    resolve = keeper(kit, sender, Prices({boundary(0): UNIT, boundary(1): 2 * UNIT}))
    await resolve.run_once()
    (before,) = {log["transactionHash"] for log in await kit.logs(kit.oracle, POSTED_EVENT)}
    await kit.anvil.reorg(1)

    await resolve.run_once()

    assert {log["transactionHash"] for log in await kit.logs(kit.oracle, POSTED_EVENT)} == {before}
    assert await kit.outcome(1) == YES


async def test_runs_until_it_is_stopped_and_outlives_what_may_pass(
    kit: Kit, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    """A source that fails at first is a line in the log; the prices are posted once it answers."""
    await kit.split(TRADERS[0], 1)
    await kit.move_to(boundary(1))
    stop = asyncio.Event()

    class Flaky(Prices):
        async def price_e18(self, _: str, boundary_: int) -> int | None:
            self.asked.append(boundary_)
            if len(self.asked) == 1:
                raise PriceSourceError("no price from http://x: HTTP status 500")
            return UNIT

    async def two_posts() -> bool:
        return len(await kit.posts()) == 2

    async with asyncio.timeout(20):
        running = asyncio.create_task(keeper(kit, sender, Flaky({})).run(stop, poll_seconds=0.01))
        await until(two_posts)
        stop.set()
        await running

    assert "keeper resolve: no price from http://x" in caplog.text


async def test_ends_with_an_error_that_needs_somebody(kit: Kit, sender: Sender) -> None:
    """A quorum that is too small will not grow by itself."""
    with pytest.raises(QuorumError):
        await keeper(kit, sender, Prices({}), quorum=[]).run(asyncio.Event(), poll_seconds=0.01)


async def test_ends_when_its_source_breaks(kit: Kit, sender: Sender) -> None:
    """A source that has stopped observing would never have a price again: that is not passed over."""

    class Breaking(Prices):
        async def run(self, _: asyncio.Event) -> None:
            raise OSError("no space left on device")

    async with asyncio.timeout(10):
        with pytest.raises(OSError, match="no space left"):
            await keeper(kit, sender, Breaking({})).run(asyncio.Event(), poll_seconds=60)


def test_a_batch_has_one_to_a_hundred_prices(kit: Kit, sender: Sender) -> None:
    """The limit of what one quorum signature is made to cover."""
    with pytest.raises(ValueError, match="101 prices"):
        keeper(kit, sender, Prices({}), batch_size=101)
