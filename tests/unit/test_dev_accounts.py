from __future__ import annotations

import pytest

from chain_kit.dev_accounts import dev_signer, dev_signer_on
from chain_kit.devnet import Anvil
from chain_kit.errors import DevKeyRefusedError
from chain_kit.networks import ANVIL_ADDRESSES

ACCOUNTS = 24


def test_the_first_ten_are_the_published_ones() -> None:
    """No derivation is needed for them, and none would change them."""
    assert list(ANVIL_ADDRESSES) == [dev_signer(index).address for index in range(10)]


async def test_further_ones_are_anvils_own() -> None:
    """Every index is the account that an anvil with so many makes."""
    async with Anvil(accounts=ACCOUNTS) as anvil:
        theirs = await anvil.rpc.call("eth_accounts")
        signer = await dev_signer_on(anvil.rpc, ACCOUNTS - 1)

    ours = [dev_signer(index).address for index in range(ACCOUNTS)]
    assert [address.lower() for address in theirs] == [address.lower() for address in ours]
    assert ours[-1] == signer.address


async def test_a_node_that_is_no_anvil_gets_no_public_key(
    anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the node says that it is decides, not its chain id."""

    async def says() -> str:
        return "Geth/v1.16.0"

    monkeypatch.setattr(anvil.rpc, "client_version", says)
    with pytest.raises(DevKeyRefusedError, match=r"31337, which Geth/v1\.16\.0 serves"):
        await dev_signer_on(anvil.rpc, 0)
