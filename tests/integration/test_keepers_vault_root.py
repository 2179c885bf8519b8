"""A payout root from proposal to activation, against the real vault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import PayoutTreeError, RevertedError, RootConflictError
from chain_kit.keepers import EFFECTS, RootKeeper, RootState, RootStatus
from chain_kit.outbox import Sender
from chain_kit.payouts import PayoutTree
from tests.keeper_support.journals import until
from tests.keeper_support.kit import OWNER, ROOT_DELAY, START, TRADERS, Kit

PROPOSED = "RootProposed(bytes32,uint256,uint256,string)"
ACTIVATED = "RootActivated(bytes32,uint256)"


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    """The contracts on a chain of the test's own."""
    async with Anvil(timestamp=START) as anvil:
        yield await Kit.deploy(anvil)


@pytest.fixture
async def sender(kit: Kit, tmp_path: Path) -> AsyncIterator[Sender]:
    """The keeper's sender."""
    async with await open_sender(kit, tmp_path / "outbox.db") as sender:
        yield sender


async def open_sender(kit: Kit, path: Path, account: int = 0) -> Sender:
    """A sender with the key of one of anvil's accounts; 0 is the vault's operator."""
    return await Sender.open(kit.anvil.rpc, path, dev_signer(account), EFFECTS, poll_seconds=0.05)


def tree(kit: Kit, *totals: int) -> PayoutTree:
    """Payouts of the traders in turn."""
    return PayoutTree.build(31337, kit.vault.address, zip(TRADERS, totals, strict=False))


async def test_proposes_waits_and_activates(kit: Kit, sender: Sender) -> None:
    """One transaction each, the second not before the chain's clock has passed the delay."""
    payouts = tree(kit, 5, 7)
    keeper = RootKeeper(sender, payouts, "ipfs://leaves")

    pending = await keeper.run_once()
    assert pending.state is RootState.PENDING
    assert pending.active_at is not None
    assert await keeper.run_once() == pending
    await kit.move_to(pending.active_at - 1)
    assert await keeper.run_once() == pending
    await kit.move_to(pending.active_at)
    assert await keeper.run_once() == RootStatus(RootState.ACTIVE)
    assert await keeper.run_once() == RootStatus(RootState.ACTIVE)

    active = await kit.ask(kit.vault, "activeRoot")
    assert (active.root, active.total) == (payouts.root, 12)
    assert len(await kit.logs(kit.vault, PROPOSED)) == 1
    assert len(await kit.logs(kit.vault, ACTIVATED)) == 1


async def test_runs_until_the_root_is_active(kit: Kit, sender: Sender) -> None:
    """No stop is needed: it ends when its work is done."""
    running = asyncio.create_task(
        RootKeeper(sender, tree(kit, 5), "").run(asyncio.Event(), poll_seconds=0.01)
    )
    async with asyncio.timeout(20):
        await until(lambda: kit.logs(kit.vault, PROPOSED))
        await kit.move_to(await kit.anvil.timestamp() + ROOT_DELAY)
        await running

    assert (await kit.ask(kit.vault, "activeRoot")).total == 5


async def test_stops_when_it_is_told(kit: Kit, sender: Sender) -> None:
    """A root that waits for its delay does not hold up the end of the program."""
    stop = asyncio.Event()
    running = asyncio.create_task(RootKeeper(sender, tree(kit, 5), "").run(stop, poll_seconds=60))
    async with asyncio.timeout(20):
        await until(lambda: kit.logs(kit.vault, PROPOSED))
        stop.set()
        await running

    assert (await kit.ask(kit.vault, "activeRoot")).total == 0


async def test_two_operators_at_once_propose_once(kit: Kit, tmp_path: Path) -> None:
    """Each with an outbox of its own, and the same key."""
    payouts = tree(kit, 5, 7)
    async with (
        await open_sender(kit, tmp_path / "one.db") as one,
        await open_sender(kit, tmp_path / "two.db") as two,
    ):
        states = await asyncio.gather(*(RootKeeper(sender, payouts, "").run_once() for sender in (one, two)))

    assert {status.state for status in states} == {RootState.PENDING}
    assert len(await kit.logs(kit.vault, PROPOSED)) == 1


async def test_refuses_to_push_out_another_pending_root(kit: Kit, sender: Sender) -> None:
    """The conflict is named; what to do about it is for people."""
    other = tree(kit, 1)
    await kit.send(OWNER, kit.vault, "proposeRoot", other.root, 1, "")

    with pytest.raises(RootConflictError, match=other.root.hex()):
        await RootKeeper(sender, tree(kit, 5), "").run_once()


async def test_refuses_totals_below_the_active_ones(kit: Kit, sender: Sender) -> None:
    """Nothing is sent: what is owed never shrinks."""
    keeper = RootKeeper(sender, tree(kit, 5, 7), "")
    await keeper.run_once()
    await kit.move_to(await kit.anvil.timestamp() + ROOT_DELAY)
    await keeper.run_once()

    with pytest.raises(PayoutTreeError, match=r"add up to 5, the active root's to 12"):
        await RootKeeper(sender, tree(kit, 5), "").run_once()


async def test_refuses_a_tree_of_another_chain(kit: Kit, sender: Sender) -> None:
    """Its leaves would prove nothing here."""
    foreign = PayoutTree.build(8453, kit.vault.address, [(TRADERS[0], 5)])

    with pytest.raises(PayoutTreeError, match="of chain 8453, the node serves 31337"):
        await RootKeeper(sender, foreign, "").run_once()


async def test_says_when_the_vault_does_not_cover_the_root(kit: Kit, sender: Sender) -> None:
    """The vault's own error, in words."""
    with pytest.raises(RevertedError, match="root not covered") as caught:
        await RootKeeper(sender, tree(kit, 10**13), "").run_once()

    assert caught.value.error_name == "RootNotCovered"


async def test_says_when_the_key_is_not_the_operator_s(kit: Kit, tmp_path: Path) -> None:
    """Nothing is sent that could only fail."""
    async with await open_sender(kit, tmp_path / "other.db", account=8) as sender:
        with pytest.raises(RevertedError, match="not operator"):
            await RootKeeper(sender, tree(kit, 5), "").run_once()
