"""The seed keeper against the real hub: marks, limits, approval, and what happens twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import PendingError, RevertedError
from chain_kit.keepers import EFFECTS, SeedFundsError, SeedKeeper, SeedRules
from chain_kit.outbox import NotWorthItError, Sender, State
from chain_kit.prices import DAY, EPOCH
from tests.keeper_support.feeds import add_feed, add_market
from tests.keeper_support.journals import rows_in, until
from tests.keeper_support.kit import KEEPER, OWNER, START, TRADERS, UNIT, Kit

FUNDED = "HouseFunded(uint256,address,uint256)"
MARKET = 2
RULES = {MARKET: SeedRules(100 * UNIT, 300 * UNIT, 500 * UNIT)}


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    """A second market whose house has nothing, and a keeper with collateral in its wallet."""
    async with Anvil(timestamp=START) as anvil:
        kit = await Kit.deploy(anvil)
        await add_feed(kit, "ETH/USD")
        await add_market(kit, "ETH/USD")
        await kit.send(OWNER, kit.collateral, "mint", KEEPER, 10_000 * UNIT)
        yield kit


@pytest.fixture
async def sender(kit: Kit, tmp_path: Path) -> AsyncIterator[Sender]:
    """The keeper's sender."""
    async with await open_sender(kit, tmp_path / "outbox.db") as sender:
        yield sender


async def open_sender(kit: Kit, path: Path, **options: Any) -> Sender:
    """A sender with the keeper's key."""
    return await Sender.open(kit.anvil.rpc, path, dev_signer(9), EFFECTS, poll_seconds=0.05, **options)


def keeper(kit: Kit, sender: Sender, rules: dict[int, SeedRules] | None = None, **options: Any) -> SeedKeeper:
    """A seed keeper for the second market."""
    return SeedKeeper(sender, hub=kit.hub.address, rules=rules or RULES, **options)


async def budget(kit: Kit, market_id: int = MARKET) -> int:
    """What a house may still open epochs with."""
    return int((await kit.ask(kit.hub, "market", market_id)).houseBudget)


async def drain(kit: Kit, left: int = 0) -> None:
    """The creator takes the budget out, but for what is left."""
    await kit.send(OWNER, kit.hub, "defundHouse", MARKET, await budget(kit) - left)


async def fundings(kit: Kit) -> list[int]:
    """What the second market's house was given, in order."""
    logs = await kit.logs(kit.hub, FUNDED)
    return [int(log["data"], 16) for log in logs if int(log["topics"][1], 16) == MARKET]


async def test_fills_up_to_the_high_mark_when_below_the_low_one(kit: Kit, sender: Sender) -> None:
    """The approval is an intent of its own, and lasts for the next time; the house quotes."""
    seed = keeper(kit, sender)

    assert (await seed.run_once()).funded == {MARKET: 300 * UNIT}
    assert (await seed.run_once()).funded == {}
    await kit.send(TRADERS[0], kit.hub, "buy", MARKET, 0, UNIT, 0, 1, 2**64)
    await drain(kit, 100 * UNIT)
    assert (await seed.run_once()).funded == {}
    await drain(kit, 100 * UNIT - 1)
    assert (await seed.run_once()).funded == {MARKET: 200 * UNIT}  # the day's limit: 500

    assert await budget(kit) == 300 * UNIT - 1
    rows = await asyncio.to_thread(sender._journal.rows)
    assert [row.intent.action for row in rows] == ["approve", "seed", "seed"]
    assert {row.state for row in rows} == {State.DONE}
    assert await kit.ask(kit.hub, "collateralOf", KEEPER) == 0


async def test_a_day_has_its_limit(kit: Kit, sender: Sender, caplog: pytest.LogCaptureFixture) -> None:
    """By the chain's logs, so that a restart does not begin anew; the next UTC day does."""
    await keeper(kit, sender).run_once()
    await drain(kit)
    assert (await keeper(kit, sender).run_once()).funded == {MARKET: 200 * UNIT}
    await drain(kit)

    # However few blocks a node lets one ask for at a time.
    seed = keeper(kit, sender, range_blocks=3)
    for _ in range(2):
        done = await seed.run_once()
        assert (done.funded, done.limited) == ({}, (MARKET,))
    assert caplog.text.count("the house of ETH needs more than the day's limit of 500 CYM1") == 2

    await kit.move_to((await kit.anvil.timestamp() // DAY + 1) * DAY)
    assert (await seed.run_once()).funded == {MARKET: 300 * UNIT}
    assert await fundings(kit) == [300 * UNIT, 200 * UNIT, 300 * UNIT]


async def test_what_others_add_is_not_its_own(kit: Kit, sender: Sender) -> None:
    """The creator fills the budget himself, and empties it: the keeper's day is untouched."""
    await kit.send(OWNER, kit.collateral, "mint", OWNER, 900 * UNIT)
    await kit.send(OWNER, kit.collateral, "approve", kit.hub.address, 900 * UNIT)
    await kit.send(OWNER, kit.hub, "deposit", OWNER, 900 * UNIT)
    await kit.send(OWNER, kit.hub, "fundHouse", MARKET, 900 * UNIT)
    assert (await keeper(kit, sender).run_once()).funded == {}
    await drain(kit)

    assert (await keeper(kit, sender).run_once()).funded == {MARKET: 300 * UNIT}


async def test_the_emptiest_house_first_and_what_there_is(kit: Kit, sender: Sender) -> None:
    """A wallet that is short gives what it has, and says what is missing."""
    rules = {1: SeedRules(10_001 * UNIT, 11_000 * UNIT, 5_000 * UNIT), MARKET: RULES[MARKET]}
    await kit.send(KEEPER, kit.collateral, "transfer", OWNER, 9_000 * UNIT)

    with pytest.raises(SeedFundsError, match=r"holds 1000 CYM1: the budgets need 300 CYM1 more"):
        await keeper(kit, sender, rules).run_once()

    assert (await budget(kit), await budget(kit, 1)) == (300 * UNIT, 10_700 * UNIT)


async def test_too_little_is_not_worth_a_transaction(kit: Kit, sender: Sender) -> None:
    """Less than the least stays in the wallet."""
    rules = {MARKET: SeedRules(100 * UNIT, 300 * UNIT, 500 * UNIT, 50 * UNIT)}
    await kit.send(KEEPER, kit.collateral, "transfer", OWNER, 9_960 * UNIT)

    with pytest.raises(SeedFundsError, match="holds 40 CYM1"):
        await keeper(kit, sender, rules).run_once()

    assert await fundings(kit) == []


async def test_costs_no_more_than_it_is_worth(kit: Kit, sender: Sender) -> None:
    """It waits, and nothing is journaled."""
    with pytest.raises(NotWorthItError):
        await keeper(kit, sender, worth_wei=1).run_once()

    assert await asyncio.to_thread(sender._journal.rows) == []


async def test_one_that_is_under_way_is_not_repeated(kit: Kit, tmp_path: Path) -> None:
    """Restarted while its transaction waits in the pool, it goes on with that one."""
    async with await open_sender(kit, tmp_path / "outbox.db") as sender:
        await keeper(kit, sender, {MARKET: SeedRules(1, 1, UNIT)}).run_once()
        await drain(kit)
    async with await open_sender(kit, tmp_path / "outbox.db", timeout_seconds=0.2) as sender:
        await kit.anvil.set_automine(False)
        with pytest.raises(PendingError):
            await keeper(kit, sender, {MARKET: SeedRules(1, UNIT // 2, UNIT)}).run_once()
    async with await open_sender(kit, tmp_path / "outbox.db") as sender:
        assert (await keeper(kit, sender).run_once()).funded == {}
        await kit.anvil.mine()
        await kit.anvil.set_automine(True)
        await keeper(kit, sender, {MARKET: SeedRules(1, 1, UNIT)}).run_once()

    assert await fundings(kit) == [1, UNIT // 2]


async def test_a_stale_funding_is_cancelled(kit: Kit, tmp_path: Path) -> None:
    """What was decided ten minutes ago may not be needed any more: its nonce goes to an empty transaction."""
    async with await open_sender(kit, tmp_path / "outbox.db", timeout_seconds=0.2) as sender:
        await keeper(kit, sender, {MARKET: SeedRules(1, 1, UNIT)}).run_once()
        await drain(kit)
        await kit.anvil.set_automine(False)
        seed = keeper(kit, sender, {MARKET: SeedRules(1, 2, UNIT)})
        with pytest.raises(PendingError):
            await seed.run_once()
        await kit.anvil.rpc.call("anvil_dropAllTransactions")
        await kit.move_to(await kit.anvil.timestamp() + 2 * EPOCH + 1)
        await kit.anvil.set_automine(True)
        await sender.reconcile()
        await sender.reconcile()

    rows = await rows_in(kit.anvil.rpc, tmp_path / "outbox.db")
    assert [row.state for row in rows if row.intent.action == "seed"] == [State.DONE, State.EXPIRED]
    assert await fundings(kit) == [1]


async def test_two_at_once_fund_once(kit: Kit, tmp_path: Path) -> None:
    """On one outbox, as two processes of one operator have it."""
    async with (
        await open_sender(kit, tmp_path / "outbox.db") as one,
        await open_sender(kit, tmp_path / "outbox.db") as two,
    ):
        await asyncio.gather(*(keeper(kit, sender).run_once() for sender in (one, two)))

    assert await fundings(kit) == [300 * UNIT]


async def test_a_reorg_that_takes_a_funding_back_is_mended(kit: Kit, sender: Sender) -> None:
    """The identical transactions are sent again, approval and funding, whatever blocks they come into."""
    seed = keeper(kit, sender)
    await seed.run_once()
    await kit.anvil.reorg(2)
    for _ in range(3):
        await seed.run_once()

    assert await fundings(kit) == [300 * UNIT]
    assert {row.state for row in await asyncio.to_thread(sender._journal.rows)} == {State.DONE}


async def test_an_account_in_trading_mode_is_told_so(kit: Kit, sender: Sender) -> None:
    """Its collateral must have been released before; the hub's own error, in words."""
    await kit.send(KEEPER, kit.hub, "enterTradingMode")

    with pytest.raises(RevertedError, match="not released"):
        await keeper(kit, sender).run_once()


async def test_runs_until_it_is_stopped(kit: Kit, sender: Sender) -> None:
    """It does not wait for its next round."""
    stop = asyncio.Event()
    running = asyncio.create_task(keeper(kit, sender).run(stop, poll_seconds=60))
    async with asyncio.timeout(20):
        await until(lambda: fundings(kit))
        stop.set()
        await running
