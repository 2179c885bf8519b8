"""The claim keeper against the real contracts: redemptions, the house's settlement, vault claims."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain_kit.contracts import Contract
from chain_kit.dev_accounts import dev_signer
from chain_kit.errors import RevertedError
from chain_kit.keepers import EFFECTS, Claim, ClaimKeeper, ResolveKeeper
from chain_kit.keepers.payments import Payment
from chain_kit.outbox import Sender
from chain_kit.payouts import PayoutTree
from chain_kit.price_sources import RecordedPrices
from chain_kit.prices import EPOCH, PriceSeries
from tests.keeper_support.keeper_process import ListedClaims
from tests.keeper_support.kit import DEADLINE, FEED, OWNER, ROOT_DELAY, START, TRADERS, UNIT, Kit, quorum

ALICE, BOB, CAROL = TRADERS
REDEEMED = "Redeemed(uint256,uint256,address,uint256,uint256,uint256)"
SETTLED = "HouseSettled(uint256,uint256,uint256,uint256,uint256)"


@pytest.fixture
async def sender(kit: Kit, tmp_path: Path) -> AsyncIterator[Sender]:
    """The keeper's sender."""
    async with await Sender.open(
        kit.anvil.rpc, tmp_path / "outbox.db", dev_signer(9), EFFECTS, poll_seconds=0.05
    ) as sender:
        yield sender


def keeper(kit: Kit, sender: Sender, *claims: Claim, **options: Any) -> ClaimKeeper:
    """A claim keeper that is told of `claims`."""
    source = ListedClaims([], 0)
    source._claims.extend(claims)
    return ClaimKeeper(sender, hub=kit.hub.address, source=source, **options)


async def end_epochs(kit: Kit, sender: Sender, *prices: int) -> None:
    """Moves past as many boundaries as there are prices but one, and has them posted."""
    series = PriceSeries("test", {START + n * EPOCH: price * UNIT for n, price in enumerate(prices)})
    for number in range(len(prices)):
        if await kit.anvil.timestamp() < START + number * EPOCH:
            await kit.move_to(START + number * EPOCH)
        await ResolveKeeper(
            sender,
            hub=kit.hub.address,
            oracle=kit.oracle.address,
            adapter=kit.adapter.address,
            source=RecordedPrices({FEED: series}),
            quorum=quorum(),
        ).run_once()


async def wallet(kit: Kit, account: str) -> int:
    """An account's collateral outside of the hub."""
    balance: int = await kit.ask(kit.collateral, "balanceOf", account)
    return balance


async def test_redeems_to_each_owner_what_the_chain_says(kit: Kit, sender: Sender) -> None:
    """Two accounts, one on each side, two epochs: each gets its winnings into its wallet, once."""
    for epoch, sides in ((1, (0, 1)), (2, (1, 0))):
        if epoch == 2:
            await end_epochs(kit, sender, 100, 110)
        await kit.buy(ALICE, sides[0], epoch)
        await kit.buy(BOB, sides[1], epoch)
    await end_epochs(kit, sender, 100, 110, 105)
    before = {account: await wallet(kit, account) for account in (ALICE, BOB)}
    owed = {
        account: sum([await kit.ask(kit.hub, "claimable", 1, epoch, account) for epoch in (1, 2)])
        for account in (ALICE, BOB)
    }

    claim = keeper(kit, sender, Claim(ALICE, 1, (1, 2), 1), Claim(BOB, 1, (1, 2), 1))
    await claim.run_once()
    await claim.run_once()

    # Both bet on YES in epoch 1 and on NO in epoch 2 in turn: Alice won twice, Bob never.
    assert owed[ALICE] > 0
    assert owed[BOB] == 0
    assert await wallet(kit, ALICE) - before[ALICE] == owed[ALICE]
    assert await wallet(kit, BOB) == before[BOB]
    assert len(await kit.logs(kit.hub, REDEEMED)) == 2


async def test_leaves_open_epochs_and_strangers_alone(kit: Kit, sender: Sender) -> None:
    """A source that is wrong or late costs nothing: the chain is asked first."""
    await kit.buy(ALICE, 0, 1)
    head = await kit.anvil.rpc.block_number()

    assert await keeper(kit, sender, Claim(ALICE, 1, (1, 2), 5), Claim(CAROL, 1, (1,), 5)).run_once() == []
    assert await kit.anvil.rpc.block_number() == head


async def test_a_market_that_is_not_there_keeps_nobody_waiting(kit: Kit, sender: Sender) -> None:
    """The index may know one that a reorg has taken back."""
    await kit.split(ALICE, 1)
    await kit.move_to(START + EPOCH + DEADLINE + 1)

    outcomes = await keeper(kit, sender, Claim(ALICE, 9, (1,), 1), Claim(ALICE, 1, (1,), 1)).run_once()

    assert [outcome.intent.subjects for outcome in outcomes] == [(f"{ALICE}:1:1",)]


async def test_redeems_the_ended_ones_among_open_epochs(kit: Kit, sender: Sender) -> None:
    """One that is open yet does not hold up the other."""
    await kit.split(ALICE, 1)
    await kit.split(ALICE, 3)
    await kit.move_to(START + DEADLINE + 1)

    await keeper(kit, sender, Claim(ALICE, 1, (1, 2, 3), 1)).run_once()

    assert [int(log["topics"][2], 16) for log in await kit.logs(kit.hub, REDEEMED)] == [1]


async def test_splits_many_epochs_into_chunks(kit: Kit, sender: Sender) -> None:
    """Five epochs, two to a transaction, are three transactions."""
    for epoch in range(1, 6):
        await kit.split(ALICE, epoch)
    await kit.move_to(START + 5 * EPOCH + DEADLINE + 1)

    await keeper(kit, sender, Claim(ALICE, 1, (1, 2, 3, 4, 5), 1), chunk=2).run_once()

    logs = await kit.logs(kit.hub, REDEEMED)
    assert [int(log["topics"][2], 16) for log in logs] == [1, 2, 3, 4, 5]
    assert len({log["transactionHash"] for log in logs}) == 3


async def test_a_claim_below_the_least_waits(kit: Kit, sender: Sender) -> None:
    """Until the account is owed enough in all."""
    await kit.split(ALICE, 1, 10)
    await kit.split(ALICE, 2, 10)
    await kit.move_to(START + DEADLINE + 1)
    claim = keeper(kit, sender, Claim(ALICE, 1, (1, 2), 1), least_units=20)
    assert await claim.run_once() == []

    await kit.move_to(START + 2 * EPOCH + DEADLINE + 1)

    assert len(await claim.run_once()) == 1


async def test_settles_the_house_once(kit: Kit, sender: Sender) -> None:
    """Its shares of ended epochs become budget again; the running epoch is left."""
    await kit.buy(ALICE, 0, 1)
    await end_epochs(kit, sender, 100, 110)
    await kit.buy(ALICE, 0, 2)
    before = (await kit.ask(kit.hub, "market", 1)).houseBudget
    claim = keeper(kit, sender)

    await claim.run_once()
    await claim.run_once()

    (log,) = await kit.logs(kit.hub, SETTLED)
    assert int(log["topics"][2], 16) == 1
    payout = int(log["data"][-64:], 16)
    assert (await kit.ask(kit.hub, "market", 1)).houseBudget == before + payout


async def test_effects_of_earlier_versions_are_still_checked(kit: Kit, sender: Sender) -> None:
    """A journal may hold them: shares that are redeemed, a house that has settled."""
    await kit.buy(ALICE, 0, 1)
    await kit.move_to(START + EPOCH + DEADLINE + 1)
    place = {"hub": kit.hub.address, "market": 1, "account": ALICE, "epochs": [1]}

    async def held() -> list[bool]:
        checks = [EFFECTS[name] for name in ("positions redeemed", "house settled")]
        return [await check(kit.anvil.rpc, place, "latest") for check in checks]

    assert await held() == [False, False]
    await keeper(kit, sender, Claim(ALICE, 1, (1,), 1)).run_once()
    assert await held() == [True, True]


async def test_settles_later_what_had_no_outcome_yet(kit: Kit, sender: Sender) -> None:
    """An ended epoch whose price is missing is looked at again until its outcome is known."""
    await kit.buy(ALICE, 0, 1)
    await kit.move_to(START + EPOCH)
    claim = keeper(kit, sender)
    assert await claim.run_once() == []

    await kit.move_to(START + 20 * EPOCH)

    assert len(await claim.run_once()) == 1


async def test_settles_again_what_a_reorg_took_back(kit: Kit, sender: Sender) -> None:
    """Somebody else had settled it, and we had seen it so."""
    await kit.buy(ALICE, 0, 1)
    await end_epochs(kit, sender, 100, 110)
    receipt = await kit.send(OWNER, kit.hub, "settleHouse", 1, [1])
    claim = keeper(kit, sender)
    assert await claim.run_once() == []
    await kit.anvil.reorg(await kit.anvil.rpc.block_number() - int(receipt["blockNumber"], 16) + 1)

    assert len(await claim.run_once()) == 1


async def test_goes_on_after_a_claim_that_fails(
    kit: Kit, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One account's failure does not keep the others waiting; it is raised at the end."""
    for account in (ALICE, BOB):
        await kit.split(account, 1)
    await kit.move_to(START + EPOCH + DEADLINE + 1)
    claim = keeper(kit, sender, Claim(ALICE, 1, (1,), 1), Claim(BOB, 1, (1,), 1))
    pay = claim._owed._payment

    def too_early_for_alice(place: tuple[Contract, int, str], *rest: Any) -> Payment:
        payment, (ledger, market_id, account) = pay(place, *rest), place
        too_early = ledger.encode_call("redeemFor", account, market_id, [9])
        return replace(payment, data=too_early) if account == ALICE else payment

    monkeypatch.setattr(claim._owed, "_payment", too_early_for_alice)
    with pytest.raises(RevertedError, match="epoch still open"):
        await claim.run_once()

    assert [log["topics"][3][-40:] for log in await kit.logs(kit.hub, REDEEMED)] == [BOB[2:].lower()]


class TestVault:
    """Claims from the payout vault."""

    @pytest.fixture
    def payouts(self, tmp_path: Path) -> Path:
        """Where payouts are published."""
        return tmp_path / "payouts.json"

    async def activate(self, kit: Kit, path: Path, totals: dict[str, int]) -> None:
        """Publishes a tree and brings its root into force."""
        tree = PayoutTree.build(31337, kit.vault.address, totals.items())
        tree.save(path)
        await kit.send(OWNER, kit.vault, "proposeRoot", tree.root, tree.total_units, "file")
        await kit.move_to(await kit.anvil.timestamp() + ROOT_DELAY)
        await kit.send(OWNER, kit.vault, "activateRoot")

    async def test_claims_for_every_account_of_the_active_tree(
        self, kit: Kit, sender: Sender, payouts: Path
    ) -> None:
        """Each gets its total, then what a later tree adds to it."""
        claim = keeper(kit, sender, vault=kit.vault.address, payouts=payouts)
        assert await claim.run_once() == []
        await self.activate(kit, payouts, {ALICE: 5, BOB: 7})
        await claim.run_once()
        await self.activate(kit, payouts, {ALICE: 5, BOB: 9, CAROL: 1})

        outcomes = await claim.run_once()

        assert len(outcomes) == 2
        assert [await kit.ask(kit.usdc, "balanceOf", account) for account in TRADERS] == [5, 9, 1]
        assert await claim.run_once() == []

    async def test_waits_until_the_published_tree_is_the_active_one(
        self, kit: Kit, sender: Sender, payouts: Path
    ) -> None:
        """Proofs of a tree that is only proposed would be refused."""
        tree = PayoutTree.build(31337, kit.vault.address, [(ALICE, 5)])
        tree.save(payouts)
        await kit.send(OWNER, kit.vault, "proposeRoot", tree.root, 5, "file")

        assert await keeper(kit, sender, vault=kit.vault.address, payouts=payouts).run_once() == []

    async def test_claims_of_a_lone_account(self, kit: Kit, sender: Sender, payouts: Path) -> None:
        """A tree of one leaf has an empty proof."""
        await self.activate(kit, payouts, {ALICE: 5})

        await keeper(kit, sender, vault=kit.vault.address, payouts=payouts).run_once()

        assert await kit.ask(kit.usdc, "balanceOf", ALICE) == 5

    async def test_a_damaged_file_holds_up_no_redemption(
        self, kit: Kit, sender: Sender, payouts: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is told, and claimed from once it is mended."""
        await self.activate(kit, payouts, {ALICE: 5})
        await kit.split(ALICE, 3)
        await kit.move_to(START + 3 * EPOCH + DEADLINE + 1)
        aside = shutil.move(payouts, payouts.with_suffix(".aside"))
        shutil.copy(__file__, payouts)
        claim = keeper(kit, sender, Claim(ALICE, 1, (3,), 1), vault=kit.vault.address, payouts=payouts)

        assert len(await claim.run_once()) == 1
        assert "cannot be read as payouts" in caplog.text

        shutil.move(aside, payouts)
        assert len(await claim.run_once()) == 1
