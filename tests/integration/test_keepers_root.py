"""Payout roots from accruals to activation, against the real vault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from chain_kit.abi_codec import CODEC
from chain_kit.dev_accounts import dev_signer
from chain_kit.errors import RevertedError, RootConflictError
from chain_kit.keepers import (
    EFFECTS,
    AccrualError,
    AccrualFile,
    CoverageError,
    FixedAccruals,
    PublishError,
    RootKeeper,
    RootState,
    RootVetoedError,
)
from chain_kit.outbox import NotWorthItError, Sender
from chain_kit.payouts import PayoutTree
from tests.keeper_support.journals import until
from tests.keeper_support.kit import OWNER, ROOT_DELAY, TRADERS, Kit

PROPOSED = "RootProposed(bytes32,uint256,uint256,string)"
ACTIVATED = "RootActivated(bytes32,uint256)"


@pytest.fixture
async def sender(kit: Kit, tmp_path: Path) -> AsyncIterator[Sender]:
    """The keeper's sender."""
    async with await open_sender(kit, tmp_path / "outbox.db") as sender:
        yield sender


async def open_sender(kit: Kit, path: Path, account: int = 0) -> Sender:
    """A sender with the key of one of anvil's accounts; 0 is the vault's operator."""
    return await Sender.open(kit.anvil.rpc, path, dev_signer(account), EFFECTS, poll_seconds=0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where payouts are published."""
    return tmp_path / "payouts"


def published(folder: Path) -> list[str]:
    """What the folder holds, if there is one."""
    return sorted(path.name for path in folder.glob("*"))


def owed(totals: Iterable[int]) -> dict[str, int]:
    """Totals of the traders in turn."""
    return dict(zip(TRADERS, totals, strict=False))


def keeper(kit: Kit, sender: Sender, folder: Path, *totals: int, **options: Any) -> RootKeeper:
    """A root keeper of the traders' totals."""
    source = FixedAccruals(owed(totals))
    return RootKeeper(sender, **{"vault": kit.vault.address, "accruals": source, "folder": folder, **options})


async def activated(kit: Kit, root_keeper: RootKeeper) -> None:
    """Takes the keeper's next root from proposal to activation."""
    pending = await root_keeper.run_once()
    assert pending.active_at is not None
    await kit.move_to(pending.active_at)
    assert (await root_keeper.run_once()).state is RootState.ACTIVE


async def test_proposes_waits_and_activates(kit: Kit, sender: Sender, folder: Path) -> None:
    """One transaction each, the second not before the chain's clock has passed the delay."""
    root_keeper = keeper(kit, sender, folder, 5, 7)

    pending = await root_keeper.run_once()
    assert pending.state is RootState.PENDING
    assert pending.active_at is not None
    assert await root_keeper.run_once() == pending
    await kit.move_to(pending.active_at - 1)
    assert await root_keeper.run_once() == pending
    await kit.move_to(pending.active_at)
    done = await root_keeper.run_once()
    assert (done.state, done.active_at, done.total_units) == (RootState.ACTIVE, None, 12)
    assert await root_keeper.run_once() == done

    active = await kit.ask(kit.vault, "activeRoot")
    assert (active.root, active.total) == (done.root, 12)
    assert len(await kit.logs(kit.vault, PROPOSED)) == 1
    assert len(await kit.logs(kit.vault, ACTIVATED)) == 1


async def test_the_leaves_are_published_before_the_root_is_proposed(
    kit: Kit, sender: Sender, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be published is not proposed; the URI on chain leads to the leaves."""
    root_keeper = keeper(kit, sender, folder, 5, 7, base_uri="https://payouts.example")

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(PayoutTree, "save", full)
        with pytest.raises(PublishError, match="no space left"):
            await root_keeper.run_once()
    assert await kit.logs(kit.vault, PROPOSED) == []

    pending = await root_keeper.run_once()

    (log,) = await kit.logs(kit.vault, PROPOSED)
    *_, uri = CODEC.decode(("uint256", "uint256", "string"), bytes.fromhex(log["data"][2:]))
    assert uri.startswith(f"https://payouts.example/0x{pending.root.hex()}/payouts.json#sha256=")
    assert not (folder / "payouts.json").exists()
    tree = PayoutTree.load(folder / f"0x{pending.root.hex()}" / "payouts.json")
    assert (tree.root, tree.total_units) == (pending.root, 12)


async def test_goes_on_with_the_next_root_when_accruals_have_grown(
    kit: Kit, sender: Sender, folder: Path, tmp_path: Path
) -> None:
    """The file changes while a root is pending: that one is activated first, then the next is proposed."""
    file = tmp_path / "accruals.csv"
    file.write_text(f"account,total_tokens\n{TRADERS[0]},1\n")
    root_keeper = keeper(kit, sender, folder, accruals=AccrualFile(file, decimals=6))
    first = await root_keeper.run_once()
    file.write_text(f"account,total_tokens\n{TRADERS[0]},1\n{TRADERS[1]},0.5\n")
    assert await root_keeper.run_once() == first
    assert first.active_at is not None
    await kit.move_to(first.active_at)
    assert (await root_keeper.run_once()).root == first.root
    assert PayoutTree.load(folder / "payouts.json").root == first.root

    await activated(kit, root_keeper)

    assert (await kit.ask(kit.vault, "activeRoot")).total == 1_500_000
    assert PayoutTree.load(folder / "payouts.json").total_units == 1_500_000


async def test_a_keeper_that_starts_again_knows_its_pending_root(
    kit: Kit, tmp_path: Path, folder: Path
) -> None:
    """By the folder: its accruals have grown meanwhile, and its outbox is another."""
    async with await open_sender(kit, tmp_path / "one.db") as sender:
        pending = await keeper(kit, sender, folder, 5).run_once()
    assert pending.active_at is not None
    await kit.move_to(pending.active_at)
    async with await open_sender(kit, tmp_path / "two.db") as sender:
        root_keeper = keeper(kit, sender, folder, 6, 1)
        assert (await root_keeper.run_once()).total_units == 5
        assert (await root_keeper.run_once()).total_units == 7


async def test_nothing_owed_is_no_root(kit: Kit, sender: Sender, folder: Path) -> None:
    """Before the first accrual there is nothing to propose."""
    assert (await keeper(kit, sender, folder).run_once()).state is RootState.IDLE
    assert published(folder) == []


async def test_waits_until_enough_has_accrued(kit: Kit, sender: Sender, folder: Path) -> None:
    """Two transactions for a cent are none; the first root needs no growth to speak of."""
    await activated(kit, keeper(kit, sender, folder, 100, least_units=50))

    assert (await keeper(kit, sender, folder, 149, least_units=50).run_once()).total_units == 100
    assert (await keeper(kit, sender, folder, 150, least_units=50).run_once()).total_units == 150


async def test_runs_until_it_is_stopped(kit: Kit, sender: Sender, folder: Path) -> None:
    """It activates what it has proposed, and waits for more."""
    stop = asyncio.Event()
    running = asyncio.create_task(keeper(kit, sender, folder, 5).run(stop, poll_seconds=0.01))
    async with asyncio.timeout(20):
        await until(lambda: kit.logs(kit.vault, PROPOSED))
        await kit.move_to(await kit.anvil.timestamp() + ROOT_DELAY)
        await until(lambda: kit.logs(kit.vault, ACTIVATED))
        stop.set()
        await running

    assert (await kit.ask(kit.vault, "activeRoot")).total == 5


async def test_stops_when_it_is_told(kit: Kit, sender: Sender, folder: Path) -> None:
    """A root that waits for its delay does not hold up the end of the program."""
    stop = asyncio.Event()
    running = asyncio.create_task(keeper(kit, sender, folder, 5).run(stop, poll_seconds=60))
    async with asyncio.timeout(20):
        await until(lambda: kit.logs(kit.vault, PROPOSED))
        stop.set()
        await running

    assert (await kit.ask(kit.vault, "activeRoot")).total == 0


async def test_two_operators_at_once_propose_once(kit: Kit, tmp_path: Path, folder: Path) -> None:
    """Each with an outbox of its own, and the same key and folder."""
    async with (
        await open_sender(kit, tmp_path / "one.db") as one,
        await open_sender(kit, tmp_path / "two.db") as two,
    ):
        done = await asyncio.gather(*(keeper(kit, sender, folder, 5, 7).run_once() for sender in (one, two)))

    assert {status.state for status in done} == {RootState.PENDING}
    assert len(await kit.logs(kit.vault, PROPOSED)) == 1


async def test_activates_no_root_of_others(kit: Kit, sender: Sender, folder: Path) -> None:
    """The conflict is named; what to do about it is for people."""
    other = PayoutTree.build(31337, kit.vault.address, owed([1]).items())
    await kit.send(OWNER, kit.vault, "proposeRoot", other.root, 1, "")
    await kit.move_to(await kit.anvil.timestamp() + ROOT_DELAY)

    with pytest.raises(RootConflictError, match=f"pending root 0x{other.root.hex()}.*is not published in"):
        await keeper(kit, sender, folder, 5).run_once()
    assert await kit.logs(kit.vault, ACTIVATED) == []

    await kit.send(OWNER, kit.vault, "activateRoot")
    with pytest.raises(RootConflictError, match="active root 0x") as caught:
        await keeper(kit, sender, folder, 5).run_once()
    assert "put its payouts.json" in caught.value.hint


async def test_a_vetoed_root_is_not_proposed_again(kit: Kit, sender: Sender, folder: Path) -> None:
    """The guardian has the last word on a root; other totals make another."""
    root_keeper = keeper(kit, sender, folder, 5, 7)
    pending = await root_keeper.run_once()
    await kit.send(OWNER, kit.vault, "vetoRoot")

    with pytest.raises(
        RootVetoedError, match=rf"0x{pending.root.hex()}, 0.000012 USDC in all, .* and vetoed"
    ):
        await root_keeper.run_once()
    assert len(await kit.logs(kit.vault, PROPOSED)) == 1

    # Nothing of it was ever owed: the next may be less.
    assert (await keeper(kit, sender, folder, 5, 6).run_once()).total_units == 11


async def test_totals_never_shrink(kit: Kit, sender: Sender, folder: Path, tmp_path: Path) -> None:
    """Not of one account, though the sum grows, nor may an account be gone; file and line are named."""
    await activated(kit, keeper(kit, sender, folder, 5, 7))
    file = tmp_path / "accruals.csv"
    file.write_text(f"account,total_units\n{TRADERS[1]},4\n{TRADERS[0]},100\n")
    with pytest.raises(
        AccrualError, match=rf"accruals.csv, line 2: the total of {TRADERS[1]} shrinks"
    ) as caught:
        await keeper(kit, sender, folder, accruals=AccrualFile(file, decimals=6)).run_once()
    assert "from 0.000007 USDC to 0.000004 USDC" in caught.value.message

    with pytest.raises(AccrualError, match=r"from 0\.000007 USDC to 0 USDC"):
        await keeper(kit, sender, folder, 100).run_once()
    assert len(await kit.logs(kit.vault, PROPOSED)) == 1


class TestCover:
    """The vault must hold what a root owes."""

    async def test_says_what_is_missing(self, kit: Kit, sender: Sender, folder: Path) -> None:
        """Before anything is published or sent; once it is there the keeper goes on."""
        root_keeper = keeper(kit, sender, folder, 10**12, 5 * 10**11)
        with pytest.raises(CoverageError, match=r"owes 1500000 USDC, .* 500000 USDC are"):
            await root_keeper.run_once()
        assert published(folder) == []
        await kit.send(OWNER, kit.usdc, "mint", kit.vault.address, 5 * 10**11)

        await activated(kit, root_keeper)

    async def test_what_was_claimed_is_not_owed_again(self, kit: Kit, sender: Sender, folder: Path) -> None:
        """Totals are cumulative: the reserve covers what is left of them."""
        await activated(kit, keeper(kit, sender, folder, 10**12))
        tree = PayoutTree.load(folder / "payouts.json")
        await kit.send(OWNER, kit.vault, "claim", TRADERS[0], 10**12, list(tree.proof(TRADERS[0])))
        await kit.send(OWNER, kit.usdc, "mint", kit.vault.address, 5)

        await activated(kit, keeper(kit, sender, folder, 10**12 + 5))

        with pytest.raises(CoverageError, match=r"owes 0\.000006 USDC, .* 0\.000001 USDC are missing"):
            await keeper(kit, sender, folder, 10**12 + 6).run_once()


async def test_says_when_the_key_is_not_the_operator_s(kit: Kit, tmp_path: Path, folder: Path) -> None:
    """Nothing is sent that could only fail."""
    async with await open_sender(kit, tmp_path / "other.db", account=8) as sender:
        with pytest.raises(RevertedError, match="not operator"):
            await keeper(kit, sender, folder, 5).run_once()


async def test_costs_no_more_than_it_is_worth(kit: Kit, sender: Sender, folder: Path) -> None:
    """Too dear a root waits, published already."""
    with pytest.raises(NotWorthItError):
        await keeper(kit, sender, folder, 5, worth_wei=1).run_once()

    assert (await keeper(kit, sender, folder, 5, worth_wei=10**17).run_once()).state is RootState.PENDING


async def test_a_reorg_that_takes_a_proposal_back_is_no_veto(kit: Kit, sender: Sender, folder: Path) -> None:
    """The identical transaction is sent again."""
    root_keeper = keeper(kit, sender, folder, 5)
    await root_keeper.run_once()
    await kit.anvil.reorg(1)

    done = await root_keeper.run_once()

    assert done.state is RootState.PENDING
    assert len(await kit.logs(kit.vault, PROPOSED)) == 1
