"""Claims of many accounts, markets and races in one transaction, dust, and what each costs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain_kit.contracts import Contract
from chain_kit.errors import PendingError, RevertedError
from chain_kit.keepers import Claim, ClaimKeeper, FixedAccruals, ResolveKeeper, RootKeeper
from chain_kit.keepers.payments import Payment
from chain_kit.keepers.trade.prices import FixedEther
from chain_kit.outbox import Sender
from chain_kit.prices import DAY, EPOCH
from tests.keeper_support.deployed import open_sender
from tests.keeper_support.feeds import Prices, add_feed, add_market, add_race, boundary
from tests.keeper_support.keeper_process import ListedClaims
from tests.keeper_support.kit import DEADLINE, FEED, OWNER, START, TRADERS, UNIT, Kit, quorum

ALICE, BOB, CAROL = TRADERS
REDEEMED = "Redeemed(uint256,uint256,address,uint256,uint256,uint256)"
SETTLED = "HouseSettled(uint256,uint256,uint256,uint256,uint256)"
STORED = "ResultStored(uint256,uint256,uint256)"


@pytest.fixture
async def sender(kit: Kit, tmp_path: Path) -> AsyncIterator[Sender]:
    """The keeper's sender."""
    async with await open_sender(kit, tmp_path / "outbox.db") as sender:
        yield sender


def keeper(kit: Kit, sender: Sender, *claims: Claim, **options: Any) -> ClaimKeeper:
    """A claim keeper that is told of `claims`."""
    source = ListedClaims([], 0)
    source._claims.extend(claims)
    return ClaimKeeper(sender, **{"hub": kit.hub.address, "source": source, **options})


async def split(kit: Kit, account: str, market_id: int = 1, epoch: int = 1, amount: int = UNIT) -> None:
    """Complete sets: both sides, so that any outcome pays."""
    await kit.send(account, kit.hub, "split", market_id, epoch, amount)


async def transactions(kit: Kit, contract: Contract, event: str) -> list[str]:
    """Those that hold an event, each once, in order."""
    return list(dict.fromkeys(log["transactionHash"] for log in await kit.logs(contract, event)))


async def gas_of(kit: Kit, hashes: Sequence[str]) -> int:
    """What transactions used together."""
    receipts = await kit.anvil.rpc.batch([("eth_getTransactionReceipt", [one]) for one in hashes])
    return sum(int(receipt["gasUsed"], 16) for receipt in receipts)


async def end(kit: Kit, epochs: int = 1) -> None:
    """Lets the deadlines pass: every epoch without prices is void."""
    await kit.move_to(START + epochs * EPOCH + DEADLINE + 1)


class TestTogether:
    """Several accounts and markets in one transaction."""

    async def test_many_accounts_and_markets_are_one_transaction(self, kit: Kit, sender: Sender) -> None:
        """Each gets what is its own; it costs less than one by one."""
        await add_feed(kit, "ETH/USD")
        await add_market(kit, "ETH/USD")
        claims = [Claim(account, market, (1,), 1) for account in TRADERS for market in (1, 2)]
        for one in claims:
            await split(kit, one.account, one.market_id)
        await end(kit)
        before = [await kit.ask(kit.collateral, "balanceOf", account) for account in TRADERS]
        snapshot = await kit.anvil.rpc.call("evm_snapshot")
        for one in claims:
            await kit.send(OWNER, kit.hub, "redeemFor", one.account, one.market_id, [1])
        singly = await gas_of(kit, await transactions(kit, kit.hub, REDEEMED))
        await kit.anvil.rpc.call("evm_revert", [snapshot])

        await keeper(kit, sender, *claims).run_once()

        (transaction,) = await transactions(kit, kit.hub, REDEEMED)
        after = [await kit.ask(kit.collateral, "balanceOf", account) for account in TRADERS]
        assert [now - was for now, was in zip(after, before, strict=True)] == [2 * UNIT] * 3
        together = await gas_of(kit, [transaction])
        record("redeem, six claims of three accounts in two markets", singly, together)
        assert together < singly - 4 * 21_000

    async def test_houses_of_all_markets_are_settled_in_one(self, kit: Kit, sender: Sender) -> None:
        """Their budgets have their shares again."""
        await add_feed(kit, "ETH/USD")
        await add_market(kit, "ETH/USD", budget=1_000 * UNIT)
        for market_id in (1, 2):
            await kit.send(ALICE, kit.hub, "buy", market_id, 0, UNIT, 0, 1, 2**64)
        await end(kit)

        await keeper(kit, sender).run_once()

        assert len(await kit.logs(kit.hub, SETTLED)) == 2
        assert len(await transactions(kit, kit.hub, SETTLED)) == 1

    async def test_one_that_is_refused_spoils_no_other(
        self, kit: Kit, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A token that does not deliver to one account: the others are paid together, and it is told."""
        claims = [Claim(account, 1, (1,), 1) for account in TRADERS]
        for one in claims:
            await split(kit, one.account)
        await end(kit)
        claim = keeper(kit, sender, *claims)
        refuse(monkeypatch, claim, kit, ALICE)

        with pytest.raises(RevertedError, match="epoch still open"):
            await claim.run_once()

        assert {log["topics"][3][-40:] for log in await kit.logs(kit.hub, REDEEMED)} == {
            account[2:].lower() for account in (BOB, CAROL)
        }
        assert len(await transactions(kit, kit.hub, REDEEMED)) == 1

    async def test_goes_on_with_the_rest_after_somebody_took_a_part(self, kit: Kit, tmp_path: Path) -> None:
        """A batch in the pool loses one of its claims to its owner: the others are claimed anew."""
        claims = [Claim(account, 1, (1,), 1) for account in TRADERS]
        for one in claims:
            await split(kit, one.account)
        await end(kit)
        async with await open_sender(kit, tmp_path / "o.db", timeout_seconds=0.2) as sender:
            claim = keeper(kit, sender, *claims)
            await kit.anvil.set_automine(False)
            with pytest.raises(PendingError):
                await claim.run_once()
            assert await claim.run_once() == []
            data = "0x" + kit.hub.encode_call("redeemFor", ALICE, 1, [1]).hex()
            fields = {"from": ALICE, "to": kit.hub.address, "data": data, "gas": hex(500_000)}
            await kit.anvil.rpc.call("eth_sendTransaction", [{**fields, "maxPriorityFeePerGas": hex(10**11),
                                                             "maxFeePerGas": hex(10**12)}])  # fmt: skip
            await kit.anvil.mine()
            await kit.anvil.set_automine(True)
            await claim.run_once()

        redeemed = await kit.logs(kit.hub, REDEEMED)
        assert len(redeemed) == 3
        assert len({log["topics"][3] for log in redeemed}) == 3

    async def test_two_keepers_at_once_pay_each_once(self, kit: Kit, tmp_path: Path) -> None:
        """With keys and outboxes of their own, and the same claims."""
        claims = [Claim(account, 1, (1,), 1) for account in TRADERS]
        for one in claims:
            await split(kit, one.account)
        await end(kit)
        async with (
            await open_sender(kit, tmp_path / "one.db", account=8) as one_,
            await open_sender(kit, tmp_path / "two.db", account=9) as two,
        ):
            for _ in range(2):
                rounds = [keeper(kit, sender, *claims).run_once() for sender in (one_, two)]
                await asyncio.gather(*rounds, return_exceptions=True)

        assert len(await kit.logs(kit.hub, REDEEMED)) == 3


class TestRaces:
    """Shares of a race's books."""

    async def race(self, kit: Kit, feeds: Sequence[str], positions: int) -> Contract:
        """A race that was run: the feeds in ascending order, so that the last one wins."""
        for feed in feeds[1:]:
            await add_feed(kit, feed)
        race = await add_race(kit, feeds, positions, TRADERS)
        for position in range(1, positions + 1):
            for trader in TRADERS:
                await kit.send(trader, race, "splitField", 1, 1, position, UNIT)
        await kit.move_to(boundary(1))
        source = Prices(
            {
                (feed, boundary(n)): (100 + n * place) * UNIT
                for place, feed in enumerate(feeds)
                for n in (0, 1)
            }
        )
        async with await open_sender(kit, self.folder / "resolve.db") as sender:
            await ResolveKeeper(
                sender,
                hub=kit.hub.address,
                oracle=kit.oracle.address,
                adapter=kit.adapter.address,
                race=race.address,
                source=source,
                quorum=quorum(),
            ).run_once()
        return race

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    async def test_pays_the_winners_of_each_position(self, kit: Kit, sender: Sender) -> None:
        """Claims of books go to the race market; those of the losers pay nothing and cost nothing."""
        feeds = [FEED, "ETH/USD", "SOL/USD"]
        race = await self.race(kit, feeds, 2)
        books = [1 << 16 | position << 8 | asset for position in (1, 2) for asset in range(3)]
        claims = [Claim(trader, book, (1,), 1, race=True) for trader in TRADERS for book in books]
        before = [await kit.ask(kit.collateral, "balanceOf", trader) for trader in TRADERS]

        claim = keeper(kit, sender, *claims, race=race.address)
        await claim.run_once()
        await claim.run_once()

        after = [await kit.ask(kit.collateral, "balanceOf", trader) for trader in TRADERS]
        assert [now - was for now, was in zip(after, before, strict=True)] == [2 * UNIT] * 3
        assert len(await transactions(kit, race, REDEEMED)) == 1

    async def test_stores_the_result_first_where_that_is_cheaper(self, kit: Kit, sender: Sender) -> None:
        """Many redemptions of one race: its result is worked out once."""
        feeds = [FEED, *(f"F{n}/USD" for n in range(7))]
        race = await self.race(kit, feeds, 3)
        books = [1 << 16 | position << 8 | 8 - position for position in (1, 2, 3)]
        claims = [Claim(trader, book, (1,), 1, race=True) for trader in TRADERS for book in books]
        snapshot = await kit.anvil.rpc.call("evm_snapshot")
        calls = [race.encode_call("redeemFor", one.account, one.market_id, [1]) for one in claims]
        await kit.send(OWNER, race, "multicall", calls)
        plain = await gas_of(kit, await transactions(kit, race, REDEEMED))
        await kit.anvil.rpc.call("evm_revert", [snapshot])

        await keeper(kit, sender, *claims, race=race.address).run_once()

        assert len(await kit.logs(race, STORED)) == 1
        helped = await gas_of(kit, await transactions(kit, race, REDEEMED))
        record("race, nine claims: without and with the result stored first", plain, helped)
        assert helped < plain

    async def test_a_claim_in_races_is_nothing_where_there_are_none(self, kit: Kit, sender: Sender) -> None:
        """A keeper without a race market leaves them."""
        assert await keeper(kit, sender, Claim(ALICE, 65_792, (1,), 1, race=True)).run_once() == []


class TestDust:
    """What is worth less than its gas."""

    async def test_waits_until_it_is_worth_its_gas(self, kit: Kit, sender: Sender) -> None:
        """One account's dust does not keep another's claim; with more of it, or dearer, it is paid."""
        await split(kit, ALICE, amount=10**9)
        await split(kit, BOB)
        await end(kit)
        claims = [Claim(account, 1, (1,), 1) for account in (ALICE, BOB)]
        claim = keeper(kit, sender, *claims, ether=FixedEther(UNIT))

        await claim.run_once()
        assert await claim.run_once() == []
        assert [log["topics"][3][-40:] for log in await kit.logs(kit.hub, REDEEMED)] == [BOB[2:].lower()]

        # An ether for a millionth of a millionth: now the dust is worth a million times as much.
        assert len(await keeper(kit, sender, *claims, ether=FixedEther(10**6)).run_once()) == 1

    async def test_is_paid_after_all_when_it_has_waited_long(self, kit: Kit, sender: Sender) -> None:
        """Nobody waits for good: by the end of its epoch the chain says how long."""
        await split(kit, ALICE, amount=1)
        claims = [Claim(ALICE, 1, (1,), 1)]
        options = {"ether": FixedEther(UNIT), "least_units": 100, "dust_seconds": DAY}
        await kit.move_to(START + EPOCH + DAY - 1)
        assert await keeper(kit, sender, *claims, **options).run_once() == []
        await kit.move_to(START + EPOCH + DAY)
        assert await keeper(kit, sender, *claims, **{**options, "dust_seconds": None}).run_once() == []

        assert len(await keeper(kit, sender, *claims, **options).run_once()) == 1

    async def test_costs_no_more_than_it_pays(self, kit: Kit, sender: Sender) -> None:
        """What the fees are when it is sent decides: the intent's worth is what the claims pay."""
        await split(kit, ALICE)
        await split(kit, BOB)
        await end(kit)
        claims = [Claim(account, 1, (1,), 1) for account in (ALICE, BOB)]

        (done,) = await keeper(kit, sender, *claims, ether=FixedEther(2 * UNIT)).run_once()

        assert done.intent.worth_wei == UNIT

    async def test_vault_claims_are_weighed_in_the_vault_s_token(
        self, kit: Kit, sender: Sender, tmp_path: Path
    ) -> None:
        """USDC has six decimals: a cent waits for its day, ten dollars do not, at 3,000 for an ether."""
        folder = tmp_path / "payouts"
        await activate(kit, tmp_path, folder, {ALICE: 10_000, BOB: 10_000_000})
        claim = keeper(
            kit,
            sender,
            vault=kit.vault.address,
            payouts=folder,
            payout_ether=FixedEther(3_000 * UNIT),
            dust_seconds=DAY,
        )

        assert len(await claim.run_once()) == 1
        assert await claim.run_once() == []
        assert [await kit.ask(kit.usdc, "balanceOf", account) for account in (ALICE, BOB)] == [0, 10_000_000]
        await kit.move_to(await kit.anvil.timestamp() + DAY)
        assert len(await claim.run_once()) == 1
        assert await kit.ask(kit.usdc, "balanceOf", ALICE) == 10_000

    async def test_small_payouts_wait(self, kit: Kit, sender: Sender, tmp_path: Path) -> None:
        """Below the least of the vault's token."""
        folder = tmp_path / "payouts"
        await activate(kit, tmp_path, folder, {ALICE: 99, BOB: 100})
        options = {"vault": kit.vault.address, "payouts": folder, "least_payout_units": 100}

        assert [one.intent.subjects for one in await keeper(kit, sender, **options).run_once()] == [
            (f"{BOB}:100",)
        ]


async def test_what_has_waited_longest_is_paid_first(kit: Kit, sender: Sender) -> None:
    """However the source names them."""
    for epoch in (3, 1, 2):
        await split(kit, TRADERS[epoch - 1], epoch=epoch)
    await end(kit, 3)

    await keeper(kit, sender, *(Claim(TRADERS[n - 1], 1, (n,), 1) for n in (3, 1, 2)), chunk=1).run_once()

    assert [int(log["topics"][2], 16) for log in await kit.logs(kit.hub, REDEEMED)] == [1, 2, 3]


async def activate(kit: Kit, tmp_path: Path, folder: Path, totals: dict[str, int]) -> None:
    """Brings a payout root into force, as the root keeper does."""
    async with await open_sender(kit, tmp_path / "root.db", account=0) as operator:
        root = RootKeeper(operator, vault=kit.vault.address, accruals=FixedAccruals(totals), folder=folder)
        pending = await root.run_once()
        assert pending.active_at is not None
        await kit.move_to(pending.active_at)
        await root.run_once()


def refuse(monkeypatch: pytest.MonkeyPatch, claim: ClaimKeeper, kit: Kit, account: str) -> None:
    """Makes the contract refuse whatever would pay `account`."""
    pay = claim._owed._payment

    def refused(place: tuple[Contract, int, str], *rest: Any) -> Payment:
        payment = pay(place, *rest)
        too_early = kit.hub.encode_call("redeemFor", account, 1, [9])
        return replace(payment, data=too_early) if place[2] == account else payment

    monkeypatch.setattr(claim._owed, "_payment", refused)


def record(what: str, singly: int, together: int) -> None:
    """Shows gas in the test's output (`pytest -s`)."""
    sys.stderr.write(f"\n{what}: {singly} gas, {together} together\n")
