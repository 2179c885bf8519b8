from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chain_kit.cli.keeper_keys import open_signer, signer_address
from chain_kit.errors import DevKeyRefusedError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.config import FleetConfig
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.signers.remote import RemoteSigner
from tests.keeper_support.configs import write_config

ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"


class Geth(JsonRpc):
    """A node of a real chain."""

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """What it is."""
        assert [] == list(params)
        return {"web3_clientVersion": "Geth/v1.16", "eth_chainId": "0x2105"}[method]


def config(folder: Path, address: str, kind: str) -> FleetConfig:
    """A keepers' file whose key another program holds."""
    signer = f'remote_url = "http://127.0.0.1:9000"\naddress = "{address}"\nkind = "{kind}"'
    return FleetConfig.load(write_config(folder, signer=signer))


@pytest.mark.parametrize("kind", ["eth_signTransaction", "web3signer"])
async def test_a_keepers_file_names_a_remote_signer(tmp_path: Path, kind: str) -> None:
    """Its address is known without asking it."""
    loaded = config(tmp_path, ADDRESS, kind)

    signer = await open_signer(loaded, Geth("http://127.0.0.1:1"))

    assert isinstance(signer, RemoteSigner)
    assert (signer.address, signer._kind.value) == (ADDRESS, kind)
    assert signer_address(loaded) == ADDRESS


async def test_a_public_key_is_refused_from_there_too(tmp_path: Path) -> None:
    """Off anvil."""
    loaded = config(tmp_path, ANVIL_ADDRESSES[0], "web3signer")

    with pytest.raises(DevKeyRefusedError):
        await open_signer(loaded, Geth("http://127.0.0.1:1"))
