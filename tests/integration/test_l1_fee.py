"""The L1 fee by the real code of Base's fee predeploy, as Optimism's own package ships it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import InsufficientFundsError
from chain_kit.l1_fee import GAS_PRICE_ORACLE, l1_fee_upper_bound_wei
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.outbox import NotWorthItError, Sender
from chain_kit.toolchain import root
from tests.keeper_support.journals import rows_in
from tests.keeper_support.payments import PAYMENT_EFFECTS, balance_of, payment

ARTIFACT = (
    root()
    / "node_modules/@eth-optimism/contracts-bedrock/forge-artifacts/GasPriceOracle.sol/GasPriceOracle.json"
)
L1_BLOCK = "0x4200000000000000000000000000000000000015"
ANSWER = 3 * 10**6
"""What the L1 block says to every question: its base fee, its blob base fee and both scalars."""
SIGNER = dev_signer(3)


def packed_scalars_answer() -> str:
    """Code that answers every call with the word ANSWER."""
    return f"0x7f{ANSWER:064x}60005260206000f3"


def expected(unsigned_size: int) -> int:
    """The Fjord formula of the specification, for an upper bound on the compressed size.

    The bound is FastLZ's worst case for the size with its signature (68 bytes); the estimate is linear in it.
    """
    with_signature = unsigned_size + 68
    compressed = with_signature + with_signature // 255 + 16
    estimated = max(100 * 10**6, 836_500 * compressed - 42_585_600)
    return estimated * (ANSWER * 16 * ANSWER + ANSWER * ANSWER) // 10**12


@pytest.fixture
async def base() -> AsyncIterator[Anvil]:
    """A chain with the predeploy, after Ecotone and Fjord."""
    async with Anvil() as anvil:
        code = json.loads(ARTIFACT.read_text())["deployedBytecode"]["object"]
        await anvil.set_code(GAS_PRICE_ORACLE, code)
        # Its first slot holds two flags, one byte each: isEcotone and isFjord.
        await anvil.rpc.call("anvil_setStorageAt", [GAS_PRICE_ORACLE, f"0x{0:064x}", f"0x{0x0101:064x}"])
        await anvil.set_code(L1_BLOCK, packed_scalars_answer())
        yield anvil


async def open_sender(base: Anvil, path: Path) -> Sender:
    """A sender of an account that is not rich."""
    return await Sender.open(base.rpc, path, SIGNER, PAYMENT_EFFECTS, poll_seconds=0.05)


@pytest.mark.parametrize("size", [0, 100, 250, 300, 1_000, 20_000])
async def test_is_the_fee_of_the_specification(base: Anvil, size: int) -> None:
    """To the wei, small transactions at the least size that is charged for."""
    assert await l1_fee_upper_bound_wei(base.rpc, size) == expected(size)


async def test_is_part_of_a_quote(base: Anvil, tmp_path: Path) -> None:
    """Beside the L2 fee, and in the total."""
    async with await open_sender(base, tmp_path / "outbox.db") as sender:
        quote = await sender.quote(payment(0))

    assert quote.l1_fee_wei >= expected(0) > 0
    assert quote.total_wei == quote.l2_fee_wei + quote.l1_fee_wei


async def test_the_balance_must_cover_it(base: Anvil, tmp_path: Path) -> None:
    """One wei less than value, L2 fee and L1 fee is too little."""
    async with await open_sender(base, tmp_path / "outbox.db") as sender:
        quote = await sender.quote(payment(0))
        most = quote.total_wei + 1
        await base.set_balance(ANVIL_ADDRESSES[3], most - 1)
        with pytest.raises(InsufficientFundsError, match=f"may cost {most} wei"):
            await sender.submit(payment(0))
        assert await rows_in(base.rpc, tmp_path / "outbox.db") == []

        await base.set_balance(ANVIL_ADDRESSES[3], most)
        await sender.submit(payment(0))

    assert await balance_of(base.rpc, payment(0).contract) == 1


async def test_worth_counts_it(base: Anvil, tmp_path: Path) -> None:
    """What it leaves of the worth is the L2 fee's: with less than that the intent waits."""
    async with await open_sender(base, tmp_path / "outbox.db") as sender:
        quote = await sender.quote(payment(0))
        with pytest.raises(NotWorthItError):
            await sender.submit(replace(payment(0), worth_wei=quote.l1_fee_wei))

        worth = quote.l1_fee_wei + quote.l2_fee_wei * 7 // 10
        async with asyncio.timeout(30):
            await sender.submit(replace(payment(0), worth_wei=worth))

    (row,) = await rows_in(base.rpc, tmp_path / "outbox.db")
    assert row.attempt.offer.most_wei + quote.l1_fee_wei <= worth
