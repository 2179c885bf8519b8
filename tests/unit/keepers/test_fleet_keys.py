from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_account import Account

from chain_kit.cli.keeper_keys import open_quorum, open_signer, signer_address
from chain_kit.devnet import Anvil
from chain_kit.errors import KeyMissingError, WrongPasswordError
from chain_kit.keepers.config import ConfigError, FleetConfig
from tests.keeper_support.configs import ADDRESS, write_config

KEY = b"\x42" * 32
OWNER = Account.from_key(KEY).address


def config(folder: Path, more: str = "", **changes: str) -> FleetConfig:
    """A keepers' file with a keystore, whose password is in a file."""
    keystore = Account.encrypt(KEY, "word", kdf="pbkdf2", iterations=1)
    (folder / "keeper.json").write_text(json.dumps(keystore))
    (folder / "password").write_text("word\n")
    signer = f'keystore = "keeper.json"\npassword_file = "password"\n{more}'
    return FleetConfig.load(write_config(folder, signer=signer, **changes))


async def test_a_keystore_opens_with_the_password_in_a_file(tmp_path: Path, anvil: Anvil) -> None:
    """Whose it is stands in it, for who only asks."""
    loaded = config(tmp_path, f'address = "{OWNER}"')

    assert (await open_signer(loaded, anvil.rpc)).address == signer_address(loaded) == OWNER
    assert signer_address(config(tmp_path)) == OWNER


async def test_another_key_than_the_file_names_is_refused(tmp_path: Path, anvil: Anvil) -> None:
    """A keystore that was mixed up sends nothing."""
    with pytest.raises(ConfigError, match=f"signer.address = {ADDRESS}, but the key is of {OWNER}"):
        await open_signer(config(tmp_path, f'address = "{ADDRESS}"'), anvil.rpc)


async def test_a_wrong_password_is_refused(tmp_path: Path, anvil: Anvil) -> None:
    """With the keystore's name, and not the password."""
    loaded = config(tmp_path)
    (tmp_path / "password").write_text("hunter2")
    with pytest.raises(WrongPasswordError) as caught:
        await open_signer(loaded, anvil.rpc)
    assert "hunter2" not in caught.value.message + caught.value.hint


async def test_the_quorums_keys(tmp_path: Path, anvil: Anvil) -> None:
    """Keystores with one password, and anvil's accounts."""
    reporters = 'keystores = ["keeper.json"]\npassword_file = "password"\ndev_accounts = [1]'
    signers = await open_quorum(config(tmp_path, reporters=reporters), anvil.rpc)
    assert [signer.address for signer in signers] == [OWNER, ADDRESS]


def test_a_keystore_that_does_not_say_whose_it_is(tmp_path: Path) -> None:
    """The address may stand in the file beside it."""
    loaded = config(tmp_path)
    (tmp_path / "keeper.json").write_text("{}")
    with pytest.raises(KeyMissingError) as caught:
        signer_address(loaded)
    assert "signer.address" in caught.value.hint
